"""SLEAP's labels and analysis files, written by sleap-io: tracks, gaps, corrections, several videos."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flowlift.clips import load_keypoints
from flowlift.containers import Keypoints2D
from flowlift.errors import InputError, MissingExtraError
from flowlift.io import keeps_people_apart, load
from flowlift.io.hints import Hints
from flowlift.skeletons import COCO17

sio = pytest.importorskip("sleap_io")

NODES = ("Nose", "Ear L", "Ear R", "Tail")
FRAMES = (2, 3, 7)
WRITE = {".slp": sio.save_slp, ".h5": sio.save_analysis_h5}


def mouse() -> Any:
    edges = [("Tail", "Nose"), ("Nose", "Ear L"), ("Nose", "Ear R")]
    return sio.Skeleton(list(NODES), edges=edges, symmetries=[("Ear R", "Ear L")], name="mouse")


def video(name: str = "/nowhere/clip.mp4") -> Any:
    return sio.Video(name, backend_metadata={"shape": (12, 480, 640, 1)}, open_backend=False)


def points(frame: int, animal: int, nodes: int = 4) -> np.ndarray:
    """(node, 3): x, y, score."""
    generator = np.random.default_rng((frame, animal))
    return np.concatenate([generator.uniform(0, 400, (nodes, 2)), generator.uniform(0, 1, (nodes, 1))], axis=1)


def predicted(frame: int, animal: int, skeleton: Any, track: Any = None) -> Any:
    values = points(frame, animal, len(skeleton.nodes))
    return sio.PredictedInstance.from_numpy(points_data=values, score=0.9, skeleton=skeleton, track=track)


def tracked(skeleton: Any, seen: Any, frames: tuple[int, ...] = FRAMES) -> Any:
    tracks = [sio.Track("adam"), sio.Track("zoe")]
    made = []
    for frame in frames:
        animals = [predicted(frame, i, skeleton, track) for i, track in enumerate(tracks)]
        made.append(sio.LabeledFrame(seen, frame, animals[::-1] if frame == 3 else animals))
    return sio.Labels(made)


def read(path: Path, **more: Any) -> Keypoints2D:
    found = load(path, **more)
    assert isinstance(found, Keypoints2D)
    return found


@pytest.mark.parametrize("suffix", WRITE)
def test_tracks_are_people_and_gaps_are_empty_frames(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"clip{suffix}"
    WRITE[suffix](tracked(mouse(), video()), path)
    found = read(path, fps=50.0)
    assert found.skeleton.name == "mouse"
    assert found.skeleton.joints == ("nose", "Ear L", "Ear R", "Tail")
    assert found.skeleton.parents == ("Tail", "nose", "nose", None)
    assert found.skeleton.pairs == (("Ear L", "Ear R"),)
    assert (found.image_size, found.fps) == ((640, 480), 50.0)
    assert found.xy.shape == (8, 2, 4, 2)
    assert keeps_people_apart(path)
    for frame in range(8):
        for animal in range(2):
            want = points(frame, animal) if frame in FRAMES else np.full((4, 3), np.nan)
            np.testing.assert_allclose(found.xy[frame, animal], want[:, :2], rtol=1e-6)
            np.testing.assert_allclose(found.score[frame, animal], want[:, 2], rtol=1e-6)


@pytest.mark.parametrize("suffix", WRITE)
def test_a_size_that_is_not_told_is_the_cameras(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"clip{suffix}"
    WRITE[suffix](tracked(mouse(), sio.Video("/nowhere/clip.mp4", open_backend=False)), path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_keypoints(path, Hints(camera_size=(640, 512))).image_size == (640, 512)
        with pytest.raises(UserWarning, match="does not tell the image size"):  # not called damage
            read(path)


@pytest.mark.parametrize("suffix", WRITE)
def test_people_are_recognised(tmp_path: Path, suffix: str) -> None:
    names = [joint.replace("_", " ").title() for joint in COCO17.joints]
    path = tmp_path / f"clip{suffix}"
    WRITE[suffix](tracked(sio.Skeleton(names, name="people"), video()), path)
    found = read(path)
    assert found.skeleton == COCO17
    np.testing.assert_allclose(found.xy[7, 1], points(7, 1, 17)[:, :2], rtol=1e-6)


def test_without_tracks_people_are_in_the_file_s_order(tmp_path: Path) -> None:
    skeleton, seen = mouse(), video()
    frames = [sio.LabeledFrame(seen, frame, [predicted(frame, i, skeleton) for i in range(3)]) for frame in range(2)]
    sio.save_slp(sio.Labels(frames), tmp_path / "clip.slp")
    found = read(tmp_path / "clip.slp")
    assert found.xy.shape == (2, 3, 4, 2)
    assert not keeps_people_apart(tmp_path / "clip.slp")
    np.testing.assert_allclose(found.xy[1, 2], points(1, 2)[:, :2], rtol=1e-6)


def test_a_correction_counts(tmp_path: Path) -> None:
    skeleton = mouse()
    guess = predicted(0, 0, skeleton, sio.Track("adam"))
    values = points(5, 5)[:, :2]
    values[2] = np.nan
    correction = sio.Instance.from_numpy(values, skeleton=skeleton, track=guess.track, from_predicted=guess)
    sio.save_slp(sio.Labels([sio.LabeledFrame(video(), 0, [guess, correction])]), tmp_path / "clip.slp")
    found = read(tmp_path / "clip.slp")
    assert found.xy.shape == (1, 1, 4, 2)
    np.testing.assert_allclose(found.xy[0, 0], values, rtol=1e-6)
    assert np.isnan(found.score).all()


def test_one_of_several_videos(tmp_path: Path) -> None:
    skeleton, videos = mouse(), [video(r"C:\films\left.mp4"), video("/films/right.mp4")]
    frames = [sio.LabeledFrame(seen, 0, [predicted(0, i, skeleton)]) for i, seen in enumerate(videos)]
    path = tmp_path / "both.slp"
    sio.save_slp(sio.Labels(frames, videos=videos), path)
    np.testing.assert_allclose(read(f"{path}::right").xy[0, 0], points(0, 1)[:, :2], rtol=1e-6)
    np.testing.assert_allclose(read(f"{path}::left").xy[0, 0], points(0, 0)[:, :2], rtol=1e-6)
    for name, said in ((str(path), "say which"), (f"{path}::up", "no video 'up'")):
        with pytest.raises(InputError, match=rf"{said}.*left, right"):
            read(name)


def test_nobody(tmp_path: Path) -> None:
    sio.save_slp(sio.Labels([], videos=[video()], skeletons=[mouse()]), tmp_path / "clip.slp")
    with pytest.raises(InputError, match=r"clip\.slp.*nobody"):
        read(tmp_path / "clip.slp")


def test_a_frame_number_that_cannot_be(tmp_path: Path) -> None:
    sio.save_slp(tracked(mouse(), video(), frames=(0, 10**9)), tmp_path / "clip.slp")
    with pytest.raises(InputError, match="1000000000"):
        read(tmp_path / "clip.slp")


@pytest.mark.parametrize("suffix", WRITE)
def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    WRITE[suffix](tracked(mouse(), video()), tmp_path / f"clip{suffix}")
    monkeypatch.setitem(__import__("sys").modules, "sleap_io", None)
    with pytest.raises(MissingExtraError, match=r"flowlift\[sleap\]"):
        read(tmp_path / f"clip{suffix}")


def test_people_are_followed_where_not_everybody_has_a_track(tmp_path: Path) -> None:
    skeleton, clip = mouse(), video()
    tracks = [sio.Track("a"), sio.Track("b")]

    def saved(name: str, *animals: Any) -> Path:
        frames = [
            sio.LabeledFrame(clip, number, [predicted(number, i, skeleton, each) for i, each in enumerate(animals)])
            for number in FRAMES
        ]
        sio.save_slp(sio.Labels(frames), str(tmp_path / name))
        return tmp_path / name

    assert keeps_people_apart(saved("all.slp", *tracks))
    assert not keeps_people_apart(saved("some.slp", tracks[0], None))
    assert not keeps_people_apart(saved("none.slp", None, None))
    assert not keeps_people_apart(saved("twice.slp", tracks[0], tracks[0]))
