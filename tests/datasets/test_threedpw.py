"""3DPW in its published shape: people apart, camera frame, projection that fits, and nothing that runs."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from flowlift.datasets.labelled import DataSet
from flowlift.datasets.opening import DataSetOptions, open_dataset
from flowlift.datasets.threedpw import SMPL24, ThreeDPW, human36m17_from_smpl
from flowlift.errors import InputError
from flowlift.skeletons import HUMAN36M17

FRAMES = 3


def contents(people: int = 2) -> dict:
    generator = np.random.default_rng(people)
    world = [generator.normal(i, 0.4, (FRAMES, 24, 3)) for i in range(people)]
    turn = np.array([[0.0, 1, 0], [0, 0, -1], [-1, 0, 0]])
    poses = np.tile(np.eye(4), (FRAMES, 1, 1))
    poses[:, :3, :3], poses[:, :3, 3] = turn, [0.1, 0.2, 6.0]
    valid = [np.array([1, 1, 0]) for _ in range(people)]
    return {
        "sequence": "downtown_walk_00",
        "jointPositions": [each.reshape(FRAMES, 72) for each in world],
        "poses2d": [np.full((FRAMES, 3, 18), 0.5) * [[100], [200], [1.8]] for _ in range(people)],
        "cam_poses": poses,
        "cam_intrinsics": np.array([[1970.0, 0, 960], [0, 1970, 540], [0, 0, 1]]),
        "campose_valid": valid,
        "genders": ["m", "f"][:people],
    }


def write(folder: Path, held: object, split: str = "test") -> Path:
    into = folder / "sequenceFiles" / split
    into.mkdir(parents=True, exist_ok=True)
    (into / "downtown_walk_00.pkl").write_bytes(pickle.dumps(held, protocol=2))
    return folder


def test_people_come_apart_and_their_projection_fits(tmp_path):
    data = open_dataset(write(tmp_path, contents()))
    assert isinstance(data, DataSet)
    clips = list(data.clips("test"))
    assert [(c.labels["person"], c.labels["gender"]) for c in clips] == [("0", "m"), ("1", "f")]
    for clip in clips:
        assert clip.skeleton == HUMAN36M17
        np.testing.assert_array_equal(clip.valid, [True, True, False])
        xy = clip.camera.project(clip.xyz + clip.root[:, None])
        np.testing.assert_allclose(clip.keypoints.xy[:, 0], xy, atol=1e-2)
        assert (clip.xyz[:, 0] == 0).all()


def test_the_camera_frame_is_that_of_cam_poses(tmp_path):
    held = contents(1)
    clip = next(ThreeDPW(write(tmp_path, held)).clips("test"))
    ankle = held["jointPositions"][0].reshape(FRAMES, 24, 3)[:, SMPL24.index("left_ankle")]
    pose = held["cam_poses"][0]
    expected = ankle @ pose[:3, :3].T + pose[:3, 3]
    found = (clip.xyz + clip.root[:, None])[:, HUMAN36M17.index("left_ankle")]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_joints_of_a_standing_body_are_where_they_belong():
    xyz = np.zeros((24, 3))
    heights = {"left_hip": 0.9, "right_hip": 0.9, "spine2": 1.15, "neck": 1.5, "head": 1.6, "left_ankle": 0.1}
    for name, height in heights.items():
        xyz[SMPL24.index(name), 1] = height
    found = dict(zip(HUMAN36M17.joints, human36m17_from_smpl(xyz)[:, 1], strict=True))
    assert found["hip"] == pytest.approx(0.9)
    assert found["head"] == pytest.approx(1.7)
    assert found["hip"] < found["spine"] < found["thorax"] < found["nose"] < found["head"]
    assert found["left_ankle"] == pytest.approx(0.1)
    assert found["right_ankle"] == 0


def test_openpose_keypoints_are_converted(tmp_path):
    held = contents(1)
    held["poses2d"][0][:, :, 4] = 0  # the right wrist was not found
    data = open_dataset(write(tmp_path, held), options=DataSetOptions(keypoints="poses2d"))
    clip = next(data.clips("test"))
    wrist, elbow = HUMAN36M17.indices(["right_wrist", "right_elbow"])
    assert np.isnan(clip.keypoints.xy[:, 0, wrist]).all()
    np.testing.assert_allclose(clip.keypoints.xy[:, 0, elbow], [[50, 100]] * FRAMES)


class Hostile:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


def test_a_hostile_pickle_runs_nothing(tmp_path):
    write(tmp_path, contents() | {"genders": Hostile(tmp_path / "trace")})
    with pytest.raises(InputError, match="could run code"):
        list(ThreeDPW(tmp_path).clips("test"))
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"cam_poses": np.zeros((FRAMES, 3, 4))}, "cam_poses"),
        ({"cam_intrinsics": np.zeros((3, 3))}, "cam_intrinsics"),
        ({"jointPositions": [np.zeros((FRAMES, 71))] * 2}, "person 0: jointPositions"),
        ({"jointPositions": 3}, "jointPositions"),
        ({"jointPositions": [np.full((FRAMES, 72), np.nan)] * 2}, "not finite"),
        ({"campose_valid": [np.ones(FRAMES)]}, "numbers of people"),
        ({"cam_poses": None}, "cam_poses"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, change, named):
    write(tmp_path, contents() | change)
    with pytest.raises(InputError, match=named) as caught:
        list(ThreeDPW(tmp_path).clips("test"))
    assert "downtown_walk_00.pkl" in str(caught.value)


def test_missing_parts(tmp_path):
    held = contents()
    del held["cam_poses"]
    write(tmp_path, held)
    with pytest.raises(InputError, match="'cam_poses' is missing"):
        list(ThreeDPW(tmp_path).clips("test"))
    with pytest.raises(InputError, match="no sequence files"):
        list(ThreeDPW(tmp_path).clips("train"))
    with pytest.raises(InputError, match="no split"):
        list(ThreeDPW(tmp_path).clips("dev"))
    with pytest.raises(InputError, match="projected"):
        ThreeDPW(tmp_path, "gt")
    (tmp_path / "sequenceFiles" / "test" / "downtown_walk_00.pkl").write_bytes(b"junk")
    with pytest.raises(InputError, match="downtown_walk_00"):
        list(ThreeDPW(tmp_path).clips("test"))
