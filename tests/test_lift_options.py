"""What `lift` is told and cannot use is refused or said, and what it is not told it does not pretend to know."""

import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

import flowlift
from flowlift.cli import main
from flowlift.demo import synthesize
from flowlift.detect import Detection, for_pictures
from flowlift.errors import InputError
from flowlift.io import save
from flowlift.lifter import Lifter

CLIP = synthesize(seconds=0.5).keypoints


@pytest.fixture
def timeless(tmp_path: Path) -> Path:
    return save(replace(CLIP, fps=None, times=None), tmp_path / "timeless.npz")


def test_without_a_frame_rate_nothing_is_smoothed_and_that_is_said(timeless: Path) -> None:
    with pytest.warns(UserWarning, match=r"timeless\.npz: .*frame rate.*--fps"):
        poses = flowlift.lift(timeless)
    assert poses.provenance["smooth"] == "off"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        told = flowlift.lift(timeless, fps=30)
    assert told.provenance["smooth"] == "auto"
    assert np.nanmean(np.abs(np.diff(told.xyz, 2, axis=0))) < np.nanmean(np.abs(np.diff(poses.xyz, 2, axis=0)))


def test_what_is_for_a_detector_is_refused_beside_keypoints(timeless: Path) -> None:
    with pytest.raises(InputError, match="hypothesis is for a detector"):
        flowlift.lift(timeless, hypothesis=1)


@pytest.mark.parametrize("told", [{"skeleton": "coco17"}, {"image_size": (64, 48)}])
def test_what_is_for_keypoints_is_refused_beside_images(tmp_path: Path, told: dict) -> None:
    Image.new("RGB", (64, 48)).save(tmp_path / "image.png")
    with pytest.raises(InputError, match="is for keypoint files"):
        flowlift.lift(tmp_path / "image.png", **told)


class Nobody:
    """A detector that finds nobody."""

    name, skeleton = "nobody", CLIP.skeleton

    def __call__(self, frame: object) -> Detection:
        return Detection.nobody(self.skeleton)

    def close(self) -> None:
        pass


def test_a_frame_rate_beside_a_video_is_said_to_be_unused(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "film.mp4"), "w") as file:
        stream = file.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for packet in [*stream.encode(av.VideoFrame(64, 48, "yuv420p")), *stream.encode()]:
            file.mux(packet)
    with (
        pytest.raises(InputError, match="nobody to lift"),
        pytest.warns(UserWarning, match=r"film\.mp4: videos .*60 frames/s are not used"),
    ):
        flowlift.lift(tmp_path / "film.mp4", fps=60, detector=Nobody())


def test_a_detector_beside_keypoints_is_said_to_be_unused(timeless: Path, tmp_path: Path) -> None:
    line = [sys.executable, "-m", "flowlift", "lift", str(timeless), "--fps", "30", "--detector", "rtmlib"]
    done = subprocess.run([*line, "-o", str(tmp_path / "out.csv")], capture_output=True, text=True)
    assert done.returncode == 0
    assert "timeless.npz: it holds keypoints; no detector looks at it" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    with pytest.warns(UserWarning, match="no detector looks at it"):
        flowlift.lift(timeless, fps=30, detector="rtmlib")


@pytest.mark.parametrize("words", [["--port", "9000"], ["--host", "0.0.0.0"], ["--token"], ["--no-open"]])
def test_what_is_for_a_live_camera_is_refused_without_one(
    timeless: Path, tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["lift", str(timeless), "-o", str(tmp_path / "out.csv"), *words]) == 2
    assert "are for --live" in capsys.readouterr().err
    assert not (tmp_path / "out.csv").exists()


def test_a_result_does_not_become_a_frame_of_its_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for frame in range(2):
        people = '{"people": [{"pose_keypoints_2d": [' + ", ".join(["5.0, 6.0, 0.9"] * 25) + "]}]}"
        (folder / f"frame_{frame}.json").write_text(people)
    assert main(["lift", str(folder), "-o", f"{folder}/", "--format", "json", "--image-size", "64x48"]) == 2
    assert "its folder is an input" in capsys.readouterr().err
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("animal", [[], ["--animal", "--minutes", "0.1"]])
def test_the_demo_refuses_a_seed_below_0(animal: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--no-open", "--seed", "-3", "-o", str(tmp_path / "x"), *animal]) == 2
    assert "seed must be 0 or larger" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_demo_refuses_a_length_of_no_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--no-open", "--minutes", "2", "-o", str(tmp_path / "x")]) == 2
    assert "--minutes is for the recording that --animal writes" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_demo_s_animal_goes_where_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--animal", "--minutes", "0.05"]) == 0
    assert main(["demo", "--animal", "--minutes", "0.05", "-o", "demo.html"]) == 0
    assert (tmp_path / "animal" / "mouse.toml").is_file()
    assert (tmp_path / "demo.html" / "mouse.toml").is_file()


WORDS = """
import numpy as np
from flowlift import Keypoints2D, Skeleton
from flowlift.errors import InputError
xy, score = np.zeros((1, 1, 17, 2)), np.ones((1, 1, 17))
for skeleton, fps in (("coco17", None), (Skeleton.named("coco17"), "30")):
    try:
        Keypoints2D(xy, score, skeleton, (10, 10), fps=fps)
    except InputError as error:
        print(error)
"""


def test_words_are_no_skeleton_and_no_rate() -> None:
    """In a process of its own, where no types are checked."""
    done = subprocess.run([sys.executable, "-c", WORDS], capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    assert "Skeleton.named('coco17')" in first
    assert "fps must be a positive number, got '30'" in second


def test_places_of_no_confidence_are_missing() -> None:
    lifter = Lifter.load("human-fast")
    wrist = CLIP.skeleton.index("left_wrist")
    xy, score = CLIP.xy.copy(), CLIP.score.copy()
    xy[:, :, wrist], score[:, :, wrist] = 5.0, 0.0
    gone = replace(CLIP, xy=np.where(np.arange(17)[:, None] == wrist, np.nan, CLIP.xy).astype(np.float32))
    wrong = lifter(replace(CLIP, xy=xy, score=score), hypotheses=2, smooth="off")
    np.testing.assert_allclose(wrong.xyz, lifter(gone, hypotheses=2, smooth="off").xyz, atol=1e-5)


def test_deeplabcut_s_unlikely_places_are_missing_unless_they_are_asked_for(tmp_path: Path) -> None:
    wrist = CLIP.skeleton.index("left_wrist")
    score = np.where(np.isfinite(CLIP.score), 0.9, np.nan)
    score[:, :, wrist] = 0.05
    keypoints = replace(CLIP, score=score)
    for name in ("clip.dlc.csv", "clip.npz"):
        save(keypoints, tmp_path / name)

    def wrists(name: str, **told: float) -> bool:
        poses = flowlift.lift(tmp_path / name, fps=30, image_size=(1280, 720), model="human-fast", hypotheses=2, **told)
        assert poses.keypoints is not None
        joint = poses.keypoints.skeleton.index("left_wrist")
        return bool(np.isfinite(poses.keypoints.xy[:, 0, joint]).any())

    assert not wrists("clip.dlc.csv")
    assert wrists("clip.dlc.csv", min_score=0.0)
    assert wrists("clip.npz")
    assert not wrists("clip.npz", min_score=0.1)
    np.testing.assert_allclose(flowlift.load(tmp_path / "clip.dlc.csv").xy, CLIP.xy, atol=0.01)
    with pytest.raises(InputError, match="least score must lie between 0 and 1"):
        wrists("clip.npz", min_score=60.0)


def test_keypoints_that_are_no_pixels_of_such_an_image_are_told(tmp_path: Path) -> None:
    save(replace(CLIP, xy=CLIP.xy / [1280, 720]), tmp_path / "fractions.npz")
    with pytest.raises(InputError, match="fractions of its size"):
        flowlift.lift(tmp_path / "fractions.npz")
    save(replace(CLIP, image_size=(640, 360)), tmp_path / "large.npz")
    with pytest.warns(UserWarning, match=r"large\.npz: \d+ % of its joints lie outside an image of 640 x 360"):
        flowlift.lift(tmp_path / "large.npz", model="human-fast", hypotheses=2)


def test_pictures_without_a_rate_are_no_clip(tmp_path: Path) -> None:
    for number in range(3):
        Image.new("RGB", (64, 48)).save(tmp_path / f"{number}.png")

    class Somebody(Nobody):
        def __call__(self, frame: object) -> Detection:
            return Detection(CLIP.xy[0, :1] / 20, np.ones_like(CLIP.score[0, :1]))

    poses = flowlift.lift(tmp_path, detector=Somebody(), model="human-fast", hypotheses=2)
    assert (poses.timed, poses.provenance["smooth"], len(poses)) == (False, "off", 3)
    told = flowlift.lift(tmp_path, detector=Somebody(), model="human-fast", hypotheses=2, fps=10)
    np.testing.assert_allclose(told.frame_times, [0, 0.1, 0.2])
    assert told.provenance["smooth"] == "auto"
    assert for_pictures("mediapipe") == {"static": True}
    assert for_pictures("rtmlib") == {}
