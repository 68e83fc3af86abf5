"""Files that a Windows editor or a spreadsheet saved begin with a byte order mark, and are what they were."""

from pathlib import Path

import numpy as np
import pytest

from flowlift.datasets.bvh import read_bvh
from flowlift.errors import InputError
from flowlift.io import load, save
from flowlift.io.mapping_file import read_mapping
from flowlift.skeletons import COCO17, HUMAN36M17
from flowlift.training.config import find_config

from .made_poses import made_poses

MARK = b"\xef\xbb\xbf"
RECIPE = '[data]\nkind = "bank"\npath = "bank.npz"\n'


def marked(path: Path) -> Path:
    path.write_bytes(MARK + path.read_bytes())
    return path


def test_trc_and_bvh(tmp_path: Path) -> None:
    poses = made_poses()
    plain = load(save(poses, tmp_path / "a.trc"))
    found = load(marked(save(poses, tmp_path / "b.trc")))
    np.testing.assert_array_equal(found.xyz, plain.xyz)
    moved = read_bvh(save(poses, tmp_path / "a.bvh"))
    again = read_bvh(marked(save(poses, tmp_path / "b.bvh")))
    assert again.joints == moved.joints
    np.testing.assert_array_equal(again.xyz, moved.xyz)


def test_toml_of_joints_and_of_training(tmp_path: Path) -> None:
    (tmp_path / "mapping.toml").write_text('skeleton = "human36m17"\n[joints]\nhip = "nose"\n')
    assert read_mapping(marked(tmp_path / "mapping.toml"), COCO17, HUMAN36M17).target == HUMAN36M17
    (tmp_path / "run.toml").write_text(RECIPE)
    assert find_config(str(marked(tmp_path / "run.toml"))).data.kind == "bank"


def test_a_table_of_ours_is_known(tmp_path: Path) -> None:
    file = marked(save(made_poses(), tmp_path / "a.csv"))
    with pytest.raises(InputError, match="does not read them"):
        load(file)
