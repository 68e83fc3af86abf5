"""Containers: what fits is kept as read-only float32, what does not is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flowlift.containers import Keypoints2D, Poses3D, frame_rate_of
from flowlift.demo import synthesize
from flowlift.errors import InputError
from flowlift.io import load, save
from flowlift.io.packing import content_sum
from flowlift.plain_numbers import whole
from flowlift.skeletons import COCO17, HUMAN36M17


def keypoints(**changes):
    values = {"xy": np.zeros((4, 2, 17, 2)), "score": np.ones((4, 2, 17)), "skeleton": COCO17, "image_size": (640, 480)}
    return Keypoints2D(**{**values, **changes})


def poses(**changes):
    values = {
        "xyz": np.zeros((4, 2, 17, 3)),
        "root": np.ones((4, 2, 3)),
        "cov": np.zeros((4, 2, 17, 3, 3)),
        "skeleton": HUMAN36M17,
    }
    return Poses3D(**{**values, **changes})


def test_arrays_are_copied_read_only_and_float32():
    xy = np.zeros((4, 2, 17, 2))
    held = keypoints(xy=xy)
    xy[:] = 9
    assert held.xy.max() == 0
    assert held.xy.dtype == np.float32
    with pytest.raises(ValueError, match="read-only"):
        held.xy[0] = 1


def test_a_joint_with_one_missing_coordinate_is_missing():
    xy = np.zeros((4, 2, 17, 2))
    xy[0, 0, 3, 1] = np.nan
    assert np.isnan(keypoints(xy=xy).xy[0, 0, 3]).all()


def test_times_come_from_the_file_or_the_frame_rate():
    np.testing.assert_allclose(keypoints(fps=50.0).frame_times, [0, 0.02, 0.04, 0.06])
    np.testing.assert_allclose(keypoints().frame_times, [0, 1, 2, 3])
    some = keypoints(times=np.array([0, 0.1, 0.5, 0.6]), fps=10.0)
    np.testing.assert_allclose(some.frames(1, 3).frame_times, [0.1, 0.5])
    assert len(some.frames(1, 3)) == 2


def test_poses_keep_time_like_keypoints():
    np.testing.assert_allclose(poses(fps=50.0).frame_times, [0, 0.02, 0.04, 0.06])
    np.testing.assert_allclose(poses(times=np.array([0, 1, 3, 4]), fps=50.0).frame_times, [0, 1, 3, 4])
    assert (len(poses()), poses().people) == (4, 2)


def test_the_deviation_is_the_covariances_diagonal():
    cov = np.zeros((4, 2, 17, 3, 3))
    cov[..., [0, 1, 2], [0, 1, 2]] = [1e-4, 4e-4, 9e-4]
    cov[..., 0, 1] = cov[..., 1, 0] = 1e-4
    cov[0, 0] = np.nan
    deviation = poses(cov=cov).std
    np.testing.assert_allclose(deviation[1:], np.broadcast_to([0.01, 0.02, 0.03], (3, 2, 17, 3)), rtol=1e-6)
    assert np.isnan(deviation[0, 0]).all()


def test_what_was_given_cannot_change_what_is_held():
    provenance = {"model": "human"}
    held = poses(provenance=provenance, hypotheses=np.zeros((4, 2, 5, 17, 3)))
    provenance["model"] = "other"
    assert held.provenance == {"model": "human"}
    for array in (held.xyz, held.root, held.cov, held.hypotheses):
        assert array.dtype == np.float32
        assert not array.flags.writeable


@pytest.mark.parametrize("name", ["xyz", "root", "cov", "root_cov", "hypotheses"])
def test_what_is_masked_in_poses_is_missing(name):
    shape = {"hypotheses": (4, 2, 3, 17, 3), "root_cov": (4, 2, 3, 3)}.get(name) or getattr(poses(), name).shape
    mask = np.random.default_rng(0).random(shape) < 0.3
    held = getattr(poses(**{name: np.ma.array(np.full(shape, 999), mask=mask)}), name)
    np.testing.assert_array_equal(np.isnan(held), mask)
    assert (held[~mask] == 999).all()


def test_what_is_masked_in_keypoints_is_missing():
    mask = np.random.default_rng(0).random((4, 2, 17)) < 0.3
    xy = np.ma.array(np.full((4, 2, 17, 2), 999.0), mask=np.stack([mask, np.zeros_like(mask)], axis=-1))
    held = keypoints(xy=xy, score=np.ma.array(np.ones(mask.shape), mask=~mask))
    np.testing.assert_array_equal(np.isnan(held.xy), np.stack([mask, mask], axis=-1))
    np.testing.assert_array_equal(np.isnan(held.score), ~mask)
    with pytest.raises(InputError, match="that of frame 1 is nan"):
        keypoints(times=np.ma.array([0.0, 1.0, 2.0, 3.0], mask=[False, True, False, False]))
    assert poses(bridged=np.ma.array(np.ones((4, 2, 17), bool), mask=True)).bridged is None


def test_nobody_and_no_frames_are_allowed():
    nobody = keypoints(xy=np.zeros((0, 0, 17, 2)), score=np.zeros((0, 0, 17)))
    assert (len(nobody), nobody.people) == (0, 0)


def test_absolute_positions_need_a_root():
    assert poses().absolute.max() == 1
    with pytest.raises(InputError, match="root"):
        _ = poses(root=None).absolute


@pytest.mark.parametrize(
    "changes",
    [
        {"xy": np.zeros((4, 17, 2))},
        {"xy": np.zeros((4, 2, 16, 2))},
        {"score": np.zeros((4, 2, 16))},
        {"xy": np.full((4, 2, 17, 2), np.inf)},
        {"xy": np.zeros((4, 2, 17, 3))},
        {"score": np.full((4, 2, 17), -np.inf)},
        {"score": np.zeros((4, 2, 17, 1))},
        {"image_size": (0, 480)},
        {"image_size": (640, -1)},
        {"score": np.full((4, 2, 17), 1.5)},
        {"score": np.full((4, 2, 17), -0.1)},
        {"fps": 0.0},
        {"fps": float("nan")},
        {"times": np.zeros(3)},
    ],
)
def test_keypoints_that_do_not_fit_are_refused(changes):
    with pytest.raises(InputError):
        keypoints(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"xyz": np.zeros((4, 2, 16, 3))},
        {"root": np.zeros((4, 3))},
        {"cov": np.zeros((4, 2, 17, 3))},
        {"hypotheses": np.zeros((4, 2, 17, 3))},
        {"keypoints": keypoints().frames(0, 2)},
        {"fps": -1.0},
        {"xyz": np.zeros((4, 2, 17, 2))},
        {"root": np.zeros((4, 2, 2))},
        {"hypotheses": np.zeros((4, 2, 5, 16, 3))},
        {"times": np.zeros(5)},
        {"provenance": {"seeds": [1, 2]}},
        {"provenance": {"model": b"human"}},
        {"provenance": {"sd": np.float32("inf")}},
        {"provenance": {"when": np.datetime64("2020-01-01")}},
    ],
)
def test_poses_that_do_not_fit_are_refused(changes):
    with pytest.raises(InputError):
        poses(**changes)


@pytest.mark.parametrize("times", [[0, 1, 1], [0, 2, 1], [0, np.nan, 1], [0, 1, np.inf]])
def test_times_that_do_not_rise_are_refused_with_the_frame(times):
    xy, score = np.zeros((3, 1, 17, 2)), np.ones((3, 1, 17))
    with pytest.raises(InputError, match=r"that of frame [12]"):
        keypoints(xy=xy, score=score, times=np.array(times, float))


@pytest.mark.parametrize("fps", [np.float32(30), np.int64(30), np.float64(29.97)])
def test_numbers_of_numpy_become_python_s_own(fps: Any) -> None:
    assert type(frame_rate_of(fps)) in (int, float)
    assert frame_rate_of(fps) == fps


def test_rates_of_numpy_are_written(tmp_path: Path) -> None:
    clip = synthesize(seconds=0.1)
    for held in (replace(clip.keypoints, fps=np.float64(29.97)), replace(clip.truth, fps=np.float64(29.97))):
        assert type(held.fps) is float
        for name in ("a.npz", "a.json"):
            save(held, tmp_path / name)
    with pytest.raises(InputError, match="fps must be a positive number"):
        replace(clip.keypoints, fps=True)


def test_values_of_numpy_in_a_provenance_are_written(tmp_path: Path) -> None:
    given = {
        "seed": np.int64(3),
        "sd": np.float32(0.5),
        "live": np.True_,
        "model": np.str_("human"),
        "unknown": float("nan"),
    }
    held = replace(synthesize(seconds=0.1).truth, provenance=given)
    for name in ("a.npz", "a.json"):
        got = load(save(held, tmp_path / name))
        assert got.provenance == {"seed": 3, "sd": 0.5, "live": True, "model": "human", "unknown": None}
        assert content_sum(got) == content_sum(held)
    save(held, tmp_path / "a.glb")


def test_numbers_that_are_not_whole_are_refused() -> None:
    assert type(whole("seed", np.int64(3))) is int
    with pytest.raises(InputError, match=r"seed must be a whole number, got 2\.5"):
        whole("seed", 2.5)


def test_frames_without_a_rate_have_none_when_they_are_taken() -> None:
    timeless = replace(synthesize(seconds=0.1).keypoints, fps=None, times=None)
    assert not timeless.timed
    assert not timeless.take(np.array([1])).timed
