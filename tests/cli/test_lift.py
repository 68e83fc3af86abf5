"""`flowlift lift` through the real command line: what it writes, what it shows, and what Ctrl-C leaves."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import flowlift
from flowlift.cli import main
from flowlift.containers import Poses3D
from flowlift.conversion import convert
from flowlift.demo import synthesize
from flowlift.io import WRITERS
from flowlift.skeleton import Skeleton


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def on_terminal(arguments: list[object], cwd: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Start flowlift with a terminal for its output; also the terminal's other end, to read from."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "flowlift", *map(str, arguments)],
        cwd=cwd,
        stdout=theirs,
        stderr=theirs,
        # A shell starts what runs in its background with Ctrl-C ignored, and so would this be, if the tests were.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    os.close(theirs)
    return process, ours


def read_until(terminal: int, pattern: str = "$never", seconds: float = 60) -> str:
    """What appears on the terminal until the pattern does, or until the program has closed it."""
    text, deadline = "", time.monotonic() + seconds
    while not re.search(pattern, text) and time.monotonic() < deadline:
        try:
            text += os.read(terminal, 4096).decode(errors="replace")
        except OSError:  # the other end was closed
            break
    return text


def test_a_folder_gets_poses_table_and_page(run, walk: Path, tmp_path: Path) -> None:
    done = run("lift", walk, "-o", "new/out/")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert names(tmp_path / "new" / "out") == ["walk.csv", "walk.html", "walk.npz"]
    poses = flowlift.load(tmp_path / "new" / "out" / "walk.npz")
    assert isinstance(poses, Poses3D)
    assert poses.xyz.shape == (30, 1, 17, 3)
    assert poses.provenance["source"] == "walk"


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("rtsp://me:secret@camera/1", "rtsp://...: the address of a stream is lifted with --live"),
        ("walk.mp4::one", "walk.mp4: only keypoint files have clips with names; leave ::one out"),
    ],
)
def test_what_is_no_clip_is_told_in_one_line(tmp_path, monkeypatch, capsys, source, complaint):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "walk.mp4").write_bytes(b"a film")
    assert main(["lift", source, "-o", "out.npz"]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"flowlift: error: {complaint}")
    assert "secret" not in told
    assert told.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["walk.mp4"]


@pytest.mark.parametrize("suffix", [suffix[1:] for suffix in WRITERS])
def test_the_suffix_says_the_format(capfd: pytest.CaptureFixture[str], walk: Path, tmp_path: Path, suffix: str) -> None:
    assert main(["lift", str(walk), "-o", f"{tmp_path}/poses.{suffix}", "--hypotheses", "2"]) == 0
    assert capfd.readouterr() == ("", "")
    assert names(tmp_path) == [f"poses.{suffix}"]
    assert (tmp_path / f"poses.{suffix}").stat().st_size > 1000


def test_a_folder_gets_the_formats_asked_for(run, walk: Path, tmp_path: Path) -> None:
    done = run("lift", walk, "-o", "out/", "--format", "bvh", "--format", "dlc.csv", "--hypotheses", 1)
    assert (done.returncode, done.stderr) == (0, "")
    assert names(tmp_path / "out") == ["walk.bvh", "walk.dlc.csv"]


def test_a_format_counts_more_than_the_suffix(run, walk: Path, tmp_path: Path) -> None:
    assert run("lift", walk, "-o", "poses.csv", "--format", "dlc.csv", "--hypotheses", 1).returncode == 0
    assert (tmp_path / "poses.csv").read_text().startswith("scorer,")
    for formats, said in ((["docx"], "docx"), (["bvh", "glb"], "one format")):
        more = [word for format in formats for word in ("--format", format)]
        done = run("lift", walk, "-o", "poses.csv", *more)
        assert done.returncode == 2
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_another_program_s_file_becomes_another_s(run, tmp_path: Path) -> None:
    """AlphaPose in, glTF and C3D out: two people, one of them late, through the real command line."""
    clip = synthesize(seconds=0.5).keypoints
    coco = convert(clip, Skeleton.named("coco17"))
    people = [
        {
            "image_id": f"{frame}.jpg",
            "keypoints": np.nan_to_num(np.append(xy + 40 * person, score[:, None], axis=1)).ravel().tolist(),
            "score": 2.0,
            "idx": person,
        }
        for frame, (xy, score) in enumerate(zip(coco.xy[:, 0], coco.score[:, 0], strict=True))
        for person in range(1 if frame < 4 else 2)
    ]
    (tmp_path / "seen.json").write_text(json.dumps(people))
    options = ["--fps", 30, "--image-size", "1280x720", "--hypotheses", 1, "--format", "glb", "--format", "c3d"]
    done = run("lift", "seen.json", "-o", "out/", *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert names(tmp_path / "out") == ["seen.c3d", "seen.glb"]
    assert b'"person1"' in (tmp_path / "out" / "seen.glb").read_bytes()


def test_the_seed_decides(walk: Path, tmp_path: Path) -> None:
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        assert main(["lift", str(walk), "-o", f"{tmp_path}/{name}.npz", "--seed", seed, "--hypotheses", "4"]) == 0
    a, b, c = (flowlift.load(tmp_path / f"{name}.npz") for name in "abc")
    np.testing.assert_array_equal(a.xyz, b.xyz)
    assert np.nanmax(np.abs(a.xyz - c.xyz)) > 1e-4


def test_command_line_and_python_agree(run, walk: Path, tmp_path: Path) -> None:
    told = run("lift", walk, "-o", "poses.npz", "--fov", 60, "--height", 1.8, "--start", 0.2, "--end", 0.6)
    assert told.returncode == 0
    told = flowlift.load(tmp_path / "poses.npz")
    called = flowlift.lift(walk, fov=60, height=1.8, start=0.2, end=0.6)
    np.testing.assert_allclose(told.xyz, called.xyz, atol=1e-6)
    np.testing.assert_allclose(told.frame_times, np.arange(6, 18) / 30)
    assert told.camera.matrix[0, 0] == pytest.approx(1280 / 2 / np.tan(np.radians(30)))


@pytest.mark.slow
@pytest.mark.parametrize("device", ["torch", "torch+compile", "torch+bf16"])
def test_devices_agree(run, walk: Path, tmp_path: Path, device: str) -> None:
    pytest.importorskip("torch")
    for name in ("cpu", device):
        options = ("--device", name, "--model", "human-fast", "--end", 0.3, "--smooth", "off")
        told = run("lift", walk, "-o", f"{name}.npz", *options)
        assert told.returncode == 0, told.stderr
    one, other = (flowlift.load(tmp_path / f"{name}.npz") for name in ("cpu", device))
    np.testing.assert_allclose(one.xyz, other.xyz, atol=0.02 if "bf16" in device else 2e-4)
    assert one.provenance["engine"] != other.provenance["engine"]


def test_a_terminal_shows_what_was_written_unless_quiet(walk: Path, tmp_path: Path) -> None:
    for quiet, expected in (([], True), (["--quiet"], False)):
        process, terminal = on_terminal(["lift", walk, "-o", "poses.npz", *quiet], tmp_path)
        shown = read_until(terminal)
        assert process.wait(60) == 0
        assert ("poses.npz" in shown) is expected


def test_ctrl_c_leaves_what_was_finished(tmp_path: Path) -> None:
    clip = synthesize(seconds=120.0).keypoints
    flowlift.save(clip, tmp_path / "long.npz")
    process, terminal = on_terminal(["lift", "long.npz", "-o", "out/", "--hypotheses", 20], tmp_path)
    read_until(terminal, r"\b(256|512|768)/3600")
    process.send_signal(signal.SIGINT)
    shown = read_until(terminal)
    assert process.wait(60) == 130
    assert "Traceback" not in shown
    assert "interrupted: the" in shown
    poses = flowlift.load(tmp_path / "out" / "long.npz")
    assert isinstance(poses, Poses3D)
    assert 256 <= len(poses) < len(clip)
    assert names(tmp_path / "out") == ["long.csv", "long.html", "long.npz"]
