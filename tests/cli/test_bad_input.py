"""Every bad input, through the real command line: one line on stderr, status 2, no traceback, nothing left behind."""

import json
import resource
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flowlift.cli import main
from flowlift.containers import Keypoints2D
from flowlift.io import save
from flowlift.skeleton import Skeleton


def missing(folder: Path) -> Path:
    return folder / "nowhere.mp4"


def corrupt_video(folder: Path) -> Path:
    path = folder / "corrupt.mp4"
    path.write_bytes(b"\0\0\0\x18ftypmp42" + np.random.default_rng(0).bytes(5000))
    return path


def empty_video(folder: Path) -> Path:
    path = folder / "empty.mp4"
    path.touch()
    return path


def text_image(folder: Path) -> Path:
    path = folder / "words.png"
    path.write_text("these are words")
    return path


def cut_image(folder: Path) -> Path:
    path = folder / "cut.jpg"
    Image.new("RGB", (64, 48)).save(path)
    path.write_bytes(path.read_bytes()[:300])
    return path


def frameless_video(folder: Path) -> Path:
    import av

    path = folder / "frameless.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height = 64, 48
        container.start_encoding()
    return path


def empty_folder(folder: Path) -> Path:
    path = folder / "images"
    path.mkdir()
    return path


def unknown_file(folder: Path) -> Path:
    path = folder / "notes.xyz"
    path.write_text("frame one")
    return path


def wrong_joints(folder: Path) -> Path:
    path = folder / "openpose"
    path.mkdir()
    people = [{"pose_keypoints_2d": [1.0] * 3 * 22}]
    (path / "clip_000000000000_keypoints.json").write_text(json.dumps({"version": 1.3, "people": people}))
    return path


def broken_json(folder: Path) -> Path:
    path = folder / "keypoints.json"
    path.write_text('{"annotations": [')
    return path


def _keypoints(folder: Path, visible: int, frames: int = 5) -> Path:
    xy = np.full((frames, 1, 17, 2), np.nan, dtype=np.float32)
    xy[:, :, :visible] = np.random.default_rng(0).uniform(100, 400, (frames, 1, visible, 2))
    path = folder / "keypoints.npz"
    score = np.ones((frames, 1, 17), dtype=np.float32)
    save(Keypoints2D(xy, score, Skeleton.named("coco17"), (640, 480), fps=30.0), path)
    return path


def nan_everywhere(folder: Path) -> Path:
    return _keypoints(folder, 0)


def one_joint(folder: Path) -> Path:
    return _keypoints(folder, 1)


def no_frames(folder: Path) -> Path:
    return _keypoints(folder, 17, frames=0)


BAD = {
    missing: "no such file",
    corrupt_video: "corrupt.mp4",
    empty_video: "empty",
    text_image: "words.png",
    cut_image: "cut.jpg",
    frameless_video: "frame",
    empty_folder: "images",
    unknown_file: "DeepLabCut",
    wrong_joints: "22",
    broken_json: "keypoints.json",
    nan_everywhere: "no joint is visible",
    one_joint: "never more than 1",
    no_frames: "no frames",
}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def assert_one_error_line(stderr: str, *expected: str) -> None:
    lines = stderr.splitlines()
    assert len(lines) == 1, stderr
    assert lines[0].startswith("flowlift: error: ")
    for text in expected:
        assert text in lines[0]


@pytest.mark.parametrize("make", BAD, ids=lambda make: make.__name__)
def test_bad_inputs(run, tmp_path: Path, make) -> None:
    (tmp_path / "in").mkdir()
    source = make(tmp_path / "in")
    done = run("lift", source, "-o", "out/")
    assert done.returncode == 2
    assert done.stdout == ""
    assert_one_error_line(done.stderr, BAD[make])
    assert names(tmp_path) == ["in"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--height", "-1.7"], "height"),
        (["--height", "nan"], "height"),
        (["--fov", "-40"], "field of view"),
        (["--fov", "181"], "field of view"),
        (["--focal", "0"], "focal"),
        (["--fov", "50", "--focal", "900"], "one of them"),
        (["--camera", "nowhere.toml"], "nowhere.toml"),
        (["--hypotheses", "0"], "hypotheses"),
        (["--steps", "0"], "steps"),
        (["--seed", "-1"], "seed"),
        (["--smooth", "sideways"], "smooth"),
        (["--start", "9"], "start"),
        (["--start", "0.5", "--end", "0.2"], "start"),
        (["--model", "unicorn"], "unicorn"),
        (["--device", "abacus"], "abacus"),
        (["--image-size", "big"], "--image-size"),
        (["--hypotheses", "many"], "--hypotheses"),
        (["--colour"], "--colour"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_bad_settings(
    walk: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], expected: str
) -> None:
    assert main(["lift", str(walk), "-o", f"{tmp_path}/out/", *arguments]) == 2
    assert_one_error_line(capfd.readouterr().err, expected)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["lift"], "INPUTS"),
        (["lift", "clip.mp4"], "--output"),
        (["lift", "clip.mp4", "-o"], "-o"),
        (["lifd", "clip.mp4"], "lifd"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_usage(capfd: pytest.CaptureFixture[str], arguments: list[str], expected: str) -> None:
    assert main(arguments) == 2
    assert_one_error_line(capfd.readouterr().err, expected)


@pytest.mark.parametrize("output", ["poses.xlsx", "walk.npz/poses.npz", "walk.npz/", "/proc/poses.npz", "/proc/out/"])
def test_outputs_that_cannot_be(run, walk: Path, tmp_path: Path, output: str) -> None:
    shutil.copy(walk, tmp_path / "walk.npz")
    before = (tmp_path / "walk.npz").read_bytes()
    done = run("lift", "walk.npz", "-o", output)
    assert done.returncode == 2
    assert_one_error_line(done.stderr, output.rstrip("/"))
    assert names(tmp_path) == ["walk.npz"]
    assert (tmp_path / "walk.npz").read_bytes() == before


@pytest.mark.parametrize("output", ["walk.npz", "./", "."])
def test_an_input_is_never_replaced(run, walk: Path, tmp_path: Path, output: str) -> None:
    shutil.copy(walk, tmp_path / "walk.npz")
    before = (tmp_path / "walk.npz").read_bytes()
    done = run("lift", "walk.npz", "-o", output)
    assert done.returncode == 2
    assert_one_error_line(done.stderr, "walk.npz", "replace")
    assert (tmp_path / "walk.npz").read_bytes() == before


@pytest.mark.parametrize("suffix", ["npz", "csv", "html"])
def test_a_full_disk(run, walk: Path, tmp_path: Path, suffix: str) -> None:
    """A limit on the size of files stands in for it: writing fails half-way in the same manner."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))

    done = run("lift", walk, "-o", f"poses.{suffix}", preexec_fn=limit)
    assert done.returncode == 2
    assert_one_error_line(done.stderr, f"poses.{suffix}")
    assert names(tmp_path) == []


def test_the_other_inputs_are_lifted_all_the_same(run, walk: Path, tmp_path: Path) -> None:
    done = run("lift", "nowhere.mp4", walk, "-o", "out/")
    assert done.returncode == 2
    assert_one_error_line(done.stderr, "nowhere.mp4")
    assert names(tmp_path / "out") == ["_manifest.jsonl", "walk.csv", "walk.html", "walk.npz"]


def test_two_inputs_of_one_name_do_not_meet(run, walk: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    shutil.copy(walk, tmp_path / "other" / "walk.npz")
    done: subprocess.CompletedProcess[str] = run("lift", walk, "other/walk.npz", "-o", "out/")
    assert done.returncode == 2
    assert_one_error_line(done.stderr, "'walk'")
    assert names(tmp_path) == ["other"]
