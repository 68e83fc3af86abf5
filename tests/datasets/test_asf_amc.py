"""Acclaim files: bone ends by forward kinematics, against poses worked out by hand and real captures."""

from pathlib import Path

import numpy as np
import pytest

from flowlift.datasets.asf_amc import human36m17_from_acclaim, read_acclaim, read_asf
from flowlift.errors import InputError
from flowlift.skeletons import HUMAN36M17

# One unit is 1/0.5 inch. The upper bone rests along x; the lower, listed before its parent, along y in turned axes.
ASF = """# a comment
:version 1.10
:units
  mass 1.0
  length 0.5
  angle deg
:root
   order TX TY TZ RX RY RZ
   axis XYZ
   position 0 0 0
   orientation 0 0 0
:bonedata
  begin
     id 1
     name lower
     direction 0 1 0
     length 3
     axis 0 0 90 XYZ
    dof rx
    limits (-10 170)
  end
  begin
     id 2
     name upper
     direction 1 0 0
     length 2
     axis 0 0 0 XYZ
    dof rx ry rz
  end
  begin
     id 3
     name stiff
     direction 0 0 1
     length 1
     axis 0 0 0 XYZ
  end
:hierarchy
  begin
    upper lower
    root upper stiff
  end
"""
AMC_HEADER = "#!OML:ASF X:\\f\xf6r\\x.ASF\n:FULLY-SPECIFIED\n:DEGREES\n"
UNIT = 0.0254 / 0.5


def write(folder: Path, amc: str, asf: str = ASF) -> tuple[Path, Path]:
    (folder / "a.asf").write_text(asf, encoding="latin-1")
    (folder / "a.amc").write_text(amc, encoding="latin-1")
    return folder / "a.asf", folder / "a.amc"


def frame(number: int, root: str = "0 0 0 0 0 0", upper: str = "0 0 0", lower: str = "0") -> str:
    return f"{number}\nroot {root}\nlower {lower}\nupper {upper}\n"


@pytest.mark.parametrize(
    ("values", "lower_end"),
    [
        ({}, (2, 3, 0)),
        ({"root": "5 6 7 0 0 0"}, (7, 9, 7)),
        # The whole body a quarter turn about z: x -> y, y -> -x.
        ({"root": "0 0 0 0 0 90"}, (-3, 2, 0)),
        # rx is applied first, then ry: y -> z -> x; the upper bone's x -> x -> -z.
        ({"upper": "90 90 0"}, (3, 0, -2)),
        # The lower bone's own x axis, turned 90 degrees about z, is the world's y: it does not move its end.
        ({"lower": "90"}, (2, 3, 0)),
    ],
)
def test_ends_worked_out_by_hand(tmp_path: Path, values: dict[str, str], lower_end: tuple[float, ...]) -> None:
    motion = read_acclaim(*write(tmp_path, AMC_HEADER + frame(1, **values)))
    np.testing.assert_allclose(motion.joint("lower")[0], np.array(lower_end) * UNIT, atol=1e-12)


def test_motion_in_a_bones_own_axes(tmp_path: Path) -> None:
    # About its own x (the world's y) nothing along y moves; with axes at rest, x turns y into z.
    plain = ASF.replace("axis 0 0 90 XYZ", "axis 0 0 0 XYZ")
    motion = read_acclaim(*write(tmp_path, AMC_HEADER + frame(1, lower="90"), plain))
    np.testing.assert_allclose(motion.joint("lower")[0], np.array([2, 0, 3]) * UNIT, atol=1e-12)
    np.testing.assert_allclose(motion.joint("stiff")[0], np.array([0, 0, 1]) * UNIT, atol=1e-12)


def test_radians(tmp_path: Path) -> None:
    quarter = str(np.pi / 2)
    text = AMC_HEADER.replace("DEGREES", "RADIANS") + frame(1, root=f"0 0 0 0 0 {quarter}")
    motion = read_acclaim(*write(tmp_path, text))
    np.testing.assert_allclose(motion.joint("lower")[0], np.array([-3, 2, 0]) * UNIT, atol=1e-12)


def test_stride_keeps_every_nth_frame(tmp_path: Path) -> None:
    frames = "".join(frame(i + 1, root=f"{i} 0 0 0 0 0") for i in range(7))
    motion = read_acclaim(*write(tmp_path, AMC_HEADER + frames), fps=120, stride=3)
    assert motion.fps == 40
    np.testing.assert_allclose(motion.joint("root")[:, 0], np.array([0, 3, 6]) * UNIT)


@pytest.mark.parametrize(
    ("amc", "says"),
    [
        ("", "no frames"),
        (AMC_HEADER, "no frames"),
        (AMC_HEADER + frame(1) + "2\nroot 0 0 0 0 0 0\n", "cut off"),
        (AMC_HEADER + "1\nroot 0 0 0 0 0 0\nlower 0\n", "no values for upper"),
        (AMC_HEADER + frame(1, lower="0 1"), "'lower' has 2 values"),
        (AMC_HEADER + frame(1) + frame(2, lower="0 1"), "'lower' is missing or has another number"),
        (AMC_HEADER + frame(1, lower="x"), "could not convert"),
        (AMC_HEADER + frame(1, lower="nan"), "not finite"),
        (AMC_HEADER + frame(1).replace("upper", "elbow"), "'elbow'"),
    ],
)
def test_malformed_motions(tmp_path: Path, amc: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as raised:
        read_acclaim(*write(tmp_path, amc))
    assert str(tmp_path / "a.amc") in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("root upper stiff", "root upper tail", "'tail' is missing"),
        ("  length 0.5\n", "", "'length' is missing"),
        ("length 0.5", "length 0", "positive"),
        (":bonedata", ":bones", "'bonedata' is missing"),
        ("dof rx ry", "dof l ry", "only rx, ry and rz"),
        ("direction 0 1 0", "direction 0 1", "three numbers"),
        ("order TX TY TZ", "order TX TY", "must name"),
        ("axis 0 0 90 XYZ", "axis 0 0 90 XQZ", "substring not found"),
    ],
)
def test_malformed_skeletons(tmp_path: Path, old: str, new: str, says: str) -> None:
    asf, _ = write(tmp_path, "", ASF.replace(old, new))
    with pytest.raises(InputError, match=says):
        read_asf(asf)


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.asf"):
        read_asf(tmp_path / "none.asf")
    asf, _ = write(tmp_path, "")
    with pytest.raises(InputError, match=r"none\.amc"):
        read_acclaim(asf, tmp_path / "none.amc")


def test_seventeen_joints_need_their_bones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="rhipjoint"):
        human36m17_from_acclaim(read_acclaim(*write(tmp_path, AMC_HEADER + frame(1))))


@pytest.mark.slow
def test_a_real_walk_stands_on_the_ground_at_human_size(shared_data: Path, tmp_path: Path) -> None:
    import tarfile

    with tarfile.open(shared_data / "mocap" / "cmu.tar.xz") as archive:
        for member in archive:
            if member.name.startswith("cmu/misc/01"):
                archive.extract(member, tmp_path, filter="data")
    folder = tmp_path / "cmu" / "misc"
    motion = read_acclaim(folder / "01.asf", folder / "01_01.amc", stride=30)
    height = np.ptp(motion.xyz[0, :, 1])
    assert 1.5 < height < 1.9
    xyz = human36m17_from_acclaim(motion)
    lengths = np.linalg.norm(xyz[:, 1:] - xyz[:, list(HUMAN36M17.parent_indices[1:])], axis=-1)
    rigid = [HUMAN36M17.index(j) - 1 for j in ("right_knee", "right_ankle", "left_elbow", "left_wrist", "head")]
    assert lengths[:, rigid].std(axis=0).max() < 1e-9
    assert xyz[:, HUMAN36M17.index("head"), 1].min() > xyz[:, HUMAN36M17.index("left_ankle"), 1].min()
