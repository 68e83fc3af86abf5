"""`flowlift data`: captures in, a bank out; its pictures; one line for what is wrong."""

import json

import numpy as np
import pytest
from PIL import Image

from flowlift.cli import main
from flowlift.datasets.mocap import SUBJECT_RIG

from ..datasets import recordings
from ..datasets.mocap_moving import archived, walking, write_captures, write_moving_bvh
from .test_models import assert_one_error_line


@pytest.fixture(scope="module")
def captures(tmp_path_factory):
    return write_captures(tmp_path_factory.mktemp("captures"))


def test_build_tells_what_it_read_and_dropped_and_writes_the_same_bytes(captures, tmp_path, capfd):
    assert main(["data", "build", str(captures), "-o", f"{tmp_path}/new/bank.npz"]) == 0
    told = capfd.readouterr()
    assert told.err == ""
    lines = told.out.splitlines()
    assert [line.split(":")[0] for line in lines[:-2]] == ["subjects", "acclaim", "generic", "iclone"]
    assert "(1 repeat another conversion's)" in lines[3]
    assert lines[-2].startswith("left out: cmu_actions_h36m17_30fps.npz: left and right are exchanged")
    with np.load(tmp_path / "new" / "bank.npz", allow_pickle=False) as arrays:
        assert set(arrays) == {"train", "val", "train_source", "val_source", "about"}
        train, val = len(arrays["train"]), len(arrays["val"])
        assert "mocap.cs.cmu.edu" in json.loads(str(arrays["about"]))["credit"]
    assert lines[-1] == f"{tmp_path}/new/bank.npz: {train:,} poses to train on, {val:,} held out"
    archive = archived(captures, tmp_path / "captures.tar.xz")
    assert main(["data", "build", str(archive), "-o", f"{tmp_path}/again.npz", "--quiet"]) == 0
    assert capfd.readouterr().out == ""
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "new" / "bank.npz").read_bytes()


def test_show_draws_both_parts(captures, tmp_path, capfd):
    assert main(["data", "build", str(captures), "-o", f"{tmp_path}/bank.npz", "--quiet"]) == 0
    assert main(["data", "show", f"{tmp_path}/bank.npz", "-o", f"{tmp_path}/pictures", "--rows", "1"]) == 0
    paths = [tmp_path / "pictures" / name for name in ("train.png", "val.png")]
    assert capfd.readouterr().out.splitlines() == [str(path) for path in paths]
    for path in paths:
        with Image.open(path) as picture:
            assert picture.format == "PNG"
            assert len(np.unique(np.asarray(picture).reshape(-1, 3), axis=0)) > 20


SKELETON = """
name = "animal"
pairs = [["left_hip", "right_hip"]]
size = ["snout", "tail_base"]
[parents]
tail_base = ""
left_hip = "tail_base"
right_hip = "tail_base"
snout = "tail_base"
"""


@pytest.fixture
def recorded(tmp_path):
    """A skeleton, and a recording of which every other frame shows one joint."""
    (tmp_path / "animal.toml").write_text(SKELETON)
    xyz = recordings.moving(400, gaps=False)
    xyz[1::2, 1:] = np.nan
    recordings.write_anipose(tmp_path / "a.csv", xyz)
    return tmp_path


def test_frames_that_are_left_for_a_test_are_usable(recorded, monkeypatch, capfd):
    monkeypatch.chdir(recorded)
    assert main(["data", "build", "a.csv", "--skeleton", "animal.toml", "-o", "bank.npz"]) == 0
    told = capfd.readouterr().out.splitlines()[-1]
    numbers = [int(word) for word in told.replace("bank.npz: ", "").split() if word.isdecimal()]
    assert sum(numbers) <= 200
    assert numbers[2] == pytest.approx(40, abs=4)  # two stretches of ten, of 200 frames


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["build", "nothing", "-o", "b.npz"], ("nothing", "no such folder or archive")),
        (["build", "empty", "-o", "b.npz"], ("empty", "no motion capture there")),
        (["build", "damaged", "-o", "b.npz"], ("02_01.bvh", "cannot read it as BVH")),
        (["build", "held", "-o", "b.npz"], ("held", "nothing is left to train on")),
        (["build", "held/s/49_01.bvh", "-o", "b.npz"], ("49_01.bvh", "cannot read it as an archive")),
        (["build", "held", "-o", "b.txt"], ("b.txt", "ends in .npz")),
        (["show", "nothing.npz", "-o", "p"], ("nothing.npz", "expected a bank")),
        (["show", "held/s/49_01.bvh", "-o", "p"], ("49_01.bvh", "expected a bank")),
        (["build", "held", "-o", "b.npz", "--unit", "mm"], ("--unit", "need --skeleton")),
        (["build", "held", "-o", "b.npz", "--up", "-y"], ("--up", "need --skeleton")),
        (["build", "held", "-o", "b.npz", "--calibration", "c.toml"], ("--calibration", "need --skeleton")),
        (["build", "held", "-o", "b.npz", "--held-out", "49"], ("--held-out", "not for motion capture")),
        (["show", "nothing.npz", "-o", "p", "--rows", "0"], ("--rows", "0")),
        (["show", "nothing.npz", "-o", "p", "--rows", "100000"], ("--rows", "1 to 50")),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_is_written(arguments, expected, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    write_moving_bvh(tmp_path / "held/s/49_01.bvh", SUBJECT_RIG, walking(20))
    damaged = write_moving_bvh(tmp_path / "damaged/02_01.bvh", SUBJECT_RIG, walking(20))
    damaged.write_text(damaged.read_text()[:-40])
    before = sorted(tmp_path.rglob("*"))
    assert main(["data", *arguments]) == 2
    assert_one_error_line(capfd.readouterr().err, *expected)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_place_that_cannot_be_written_is_one_line(captures, tmp_path, capfd):
    (tmp_path / "file").touch()
    assert main(["data", "build", str(captures), "-o", f"{tmp_path}/file/bank.npz", "--quiet"]) == 2
    assert_one_error_line(capfd.readouterr().err, "bank.npz", "cannot be written")
