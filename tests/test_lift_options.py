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
from flowlift.detect import Detection
from flowlift.errors import InputError
from flowlift.io import save

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
