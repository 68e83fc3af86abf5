"""Pictures of a bank: who faces the viewer has their left at the right; each source and part is shown."""

import numpy as np

from flowlift.datasets.mocap_bank import Bank, Part, SourceCount
from flowlift.datasets.mocap_pictures import ACROSS, bank_pictures, evenly
from flowlift.skeletons import HUMAN36M17
from flowlift.view.style import CENTRE, LEFT, RIGHT

from .mocap_moving import t_pose


def some_bank(poses, sources=(0,), *, names=("subjects",), val=()):
    counts = tuple(SourceCount(name, 1, 0, 1, (0, 0, 0, 0)) for name in names)
    none = np.zeros((0, 17, 3), dtype=np.float32)
    train = Part(np.asarray(poses, dtype=np.float32), np.array(sources, dtype=np.uint8))
    held = Part(np.asarray(val, dtype=np.float32) if len(val) else none, np.zeros(len(val), dtype=np.uint8))
    return Bank(train, held, counts)


def upright() -> np.ndarray:
    pose = t_pose()
    return (pose - pose[0]) / 1.5


def places(picture, color):
    """Mean column and row of the pixels of a colour."""
    rows, columns = np.nonzero((np.abs(np.asarray(picture).astype(int) - color) < 12).all(axis=-1))
    return columns.mean(), rows.mean()


def views(picture):
    """The first pose from the front, and from its left."""
    width = picture.width // (2 * ACROSS)
    return picture.crop((1, 28, width, picture.height)), picture.crop((width, 28, 2 * width - 1, picture.height))


def test_the_left_side_is_at_the_right_of_who_faces_the_viewer_whatever_their_heading():
    pose = upright()
    for turn in (np.eye(3), np.diag([-1.0, 1, -1])):
        front, _ = views(bank_pictures(some_bank([pose @ turn]), rows=1)["train"])
        assert places(front, LEFT)[0] > places(front, RIGHT)[0] + 10


def test_from_their_left_they_face_left_and_up_is_up():
    pose = upright()
    wrist, elbow, shoulder = HUMAN36M17.indices(["left_wrist", "left_elbow", "left_shoulder"])
    across = pose[HUMAN36M17.index("left_hip")] - pose[HUMAN36M17.index("right_hip")]
    forward = np.cross(across, [0, 1, 0]) / np.linalg.norm(across)
    reaching, raised = pose.copy(), pose.copy()
    for length, joint in ((0.2, elbow), (0.4, wrist)):
        reaching[joint] = pose[shoulder] + length * forward
        raised[joint] = pose[shoulder] + length * np.array([0, 1.0, 0])
    _, side = views(bank_pictures(some_bank([reaching]), rows=1)["train"])
    hand = np.nonzero((np.asarray(side) == LEFT).all(axis=-1))[1].min()
    assert hand < places(side, CENTRE)[0] - 20
    _, side = views(bank_pictures(some_bank([raised]), rows=1)["train"])
    top = [np.nonzero((np.asarray(side) == color).all(axis=-1))[0].min() for color in (LEFT, CENTRE)]
    assert top[0] < top[1]


def test_every_source_has_its_rows_and_an_empty_part_no_picture():
    poses = np.repeat(upright()[None], 20, axis=0)
    pictures = bank_pictures(some_bank(poses, [0] * 18 + [2] * 2, names=("a", "b", "c")), rows=2)
    assert list(pictures) == ["train"]
    one = bank_pictures(some_bank(poses[:1]), rows=1)["train"].height
    assert one < pictures["train"].height < 3 * one  # two rows of a, one of c
    assert set(bank_pictures(some_bank(poses[:1], val=poses[:2]), rows=1)) == {"train", "val"}


def test_drawn_poses_are_spread_evenly_and_once_each():
    members = np.arange(100, 200)
    drawn = evenly(members, 12)
    assert (drawn[0], drawn[-1], len(set(drawn.tolist()))) == (100, 199, 12)
    assert np.diff(drawn).max() - np.diff(drawn).min() <= 1
    assert list(evenly(members[:3], 12)) == [100, 101, 102]
