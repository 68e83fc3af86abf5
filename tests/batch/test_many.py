"""Many clips through the real command line: names, restarts, and workers to whom the worst happens."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import flowlift
from flowlift.batch.manifest import MANIFEST
from flowlift.cli import main
from flowlift.cli.outputs import plan_jobs
from flowlift.demo import synthesize
from flowlift.errors import InputError, OutputError

FAULTY = Path(__file__).resolve().parents[2] / "benchmarks" / "faulty"


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three clips in two folders, two of one name; the tests run beside them."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "clips"
    keypoints = synthesize(seconds=0.4).keypoints
    for name in ("a/walk", "b/walk", "run"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        flowlift.save(keypoints, folder / f"{name}.npz")
    return folder


def rows(folder: Path) -> dict[str, Any]:
    found = [json.loads(line) for line in (folder / MANIFEST).read_text().splitlines()]
    assert len({row["clip"] for row in found}) == len(found)
    return {row["clip"]: row for row in found}


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def images(folder: Path, brightness: int) -> Path:
    """A clip of three frames of one brightness."""
    folder.mkdir(parents=True)
    for frame in range(3):
        Image.new("RGB", (64, 48), (brightness,) * 3).save(folder / f"{frame}.png")
    return folder


def lift(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flowlift", "lift", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, env=env)


FEW = ("--hypotheses", "1", "--format", "npz")


def test_a_pattern_keeps_folders_and_a_second_run_does_what_is_left(
    clips: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = ["lift", "clips/**/*.npz", "-o", "out/", *FEW]
    assert main(command) == 0
    out = clips.parent / "out"
    assert files(out) == {MANIFEST, "a/walk.npz", "b/walk.npz", "run.npz"}
    assert {name: row["state"] for name, row in rows(out).items()} == dict.fromkeys(("a/walk", "b/walk", "run"), "done")
    assert all(
        row["files"][f"{name}.npz"][0] == (out / f"{name}.npz").stat().st_size for name, row in rows(out).items()
    )
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.npz")}

    (out / "run.npz").unlink()  # lost
    flowlift.save(synthesize(seconds=0.5).keypoints, clips / "b" / "walk.npz")  # another clip
    flowlift.save(synthesize(seconds=0.4).keypoints, clips / "new.npz")
    assert main(command) == 0
    assert len(flowlift.load(out / "b" / "walk.npz")) == 15
    now = {path: path.stat().st_mtime_ns for path in out.rglob("*.npz")}
    same = {path.relative_to(out).as_posix() for path, changed in before.items() if now[path] == changed}
    assert same == {"a/walk.npz"}
    assert set(rows(out)) == {"a/walk", "b/walk", "run", "new"}

    assert main(command) == 0
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.npz")} == now
    assert main([*command, "--seed", "1"]) == 0
    assert not {path.stat().st_mtime_ns for path in out.rglob("*.npz")} & set(now.values())
    now = {path: path.stat().st_mtime_ns for path in out.rglob("*.npz")}
    assert main([*command, "--seed", "1", "--again"]) == 0
    assert not {path.stat().st_mtime_ns for path in out.rglob("*.npz")} & set(now.values())
    assert capfd.readouterr() == ("", "")


def test_the_result_is_that_of_the_clip_alone(clips: Path) -> None:
    assert main(["lift", "clips/**/*.npz", "-o", "out/", "--jobs", "2", *FEW]) == 0
    alone = flowlift.lift("clips/a/walk.npz", hypotheses=1)
    # One thread or several: the same up to rounding.
    np.testing.assert_allclose(flowlift.load("out/a/walk.npz").xyz, alone.xyz, atol=1e-5)


def test_parquet_files_are_one_data_set(clips: Path) -> None:
    dataset = pytest.importorskip("pyarrow.dataset")
    assert main(["lift", "clips/**/*.npz", "-o", "out/", "--hypotheses", "1", "--format", "parquet"]) == 0
    table = dataset.dataset("out", partitioning="hive").to_table()
    assert table.num_rows == 3 * 12 * 17
    assert sorted(set(table["clip"].to_pylist())) == ["a/walk", "b/walk", "run"]
    walk = table.filter(dataset.field("clip") == "a/walk")
    alone = flowlift.lift("clips/a/walk.npz", hypotheses=1)
    np.testing.assert_allclose(walk["z"].to_numpy().reshape(12, 17), alone.absolute[:, 0, :, 2], atol=1e-4)


def test_the_docs_read_names_that_are_numbers(clips: Path) -> None:
    pytest.importorskip("pyarrow.dataset")
    keypoints = flowlift.load(clips / "run.npz")
    for name in ("01", "1"):
        shutil.copy(clips / "run.npz", clips / f"{name}.npz")
        (path,) = plan_jobs([f"clips/{name}.npz"], "table/", ["parquet"])[0].paths
        flowlift.save(keypoints, path)
    docs = Path(__file__).parents[2] / "docs" / "many-clips.md"
    (line,) = re.findall(r'python -c "(import pyarrow.*)"', docs.read_text(encoding="utf-8"))
    known: dict[str, Any] = {}
    exec(line, known)
    assert set(known["table"]["clip"].to_pylist()) == {"01", "1"}


def test_a_name_can_look_like_a_pattern(clips: Path) -> None:
    (clips / "run.npz").rename(clips / "run[1].npz")
    jobs = plan_jobs(["clips/run[1].npz"], "out/")
    assert [job.name for job in jobs] == ["run[1]"]
    assert [job.name for job in plan_jobs(["clips/*.npz", "clips/run[1].npz"], "out/")] == ["run[1]"]


def test_results_are_not_inputs(clips: Path) -> None:
    assert len(plan_jobs(["**/*.npz"], "out/")) == 3
    shutil.copytree(clips, "out/clips")
    assert len(plan_jobs(["**/*.npz"], "out/")) == 3
    (clips / ".hidden").mkdir()
    shutil.copy(clips / "run.npz", clips / ".hidden" / "run.npz")
    assert len(plan_jobs(["clips/**/*.npz"], "out/")) == 3


def test_results_are_not_inputs_however_their_folder_is_written(clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(clips / "a", clips / "out")
    (clips.parent / "beside").mkdir()
    monkeypatch.chdir(clips.parent / "beside")
    for given, out in (
        ("../clips", str(clips / "out")),
        (str(clips), "../clips/out"),
        ("../clips/b/..", "../clips/out"),
    ):
        assert {job.name for job in plan_jobs([f"{given}/**/*.npz"], out)} == {"a/walk", "b/walk", "run"}
    Path("link").symlink_to(clips, target_is_directory=True)
    assert {job.name for job in plan_jobs(["link/**/*.npz"], str(clips / "out"))} == {"a/walk", "b/walk", "run"}


def test_drawn_videos_are_not_inputs(clips: Path) -> None:
    for name in ("fight.mp4", "drawn/fight.mp4"):
        (clips / name).parent.mkdir(exist_ok=True)
        (clips / name).touch()
    assert [job.name for job in plan_jobs(["clips/**/*.mp4"], "out/", overlay="clips/drawn/")] == ["fight"]


def test_a_timeout_may_be_as_long_as_one_likes(clips: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["lift", "clips/*.npz", "-o", "out/", *FEW, "--timeout", "inf"]) == 0
    assert capfd.readouterr() == ("", "")


def test_folders_of_clips_are_no_clips_and_frames_of_clips_are_none(clips: Path) -> None:
    """What a user means by all that is there: each clip once, whether it is a file or a folder."""
    images(clips / "a" / "pictures", 200)
    (clips / "openpose").mkdir()
    for frame in range(3):
        (clips / "openpose" / f"{frame}_keypoints.json").write_text('{"people": []}')
    images(clips / "mixed", 200)
    shutil.copy(clips / "run.npz", clips / "mixed" / "walk.npz")
    (clips / "empty" / "deep").mkdir(parents=True)
    found = {job.name for job in plan_jobs(["clips/**/*"], "out/")}
    frames = {f"mixed/{frame}" for frame in range(3)}
    assert found == {"a/walk", "b/walk", "run", "a/pictures", "openpose", "mixed/walk", "empty/deep", *frames}
    assert {job.name for job in plan_jobs(["clips/**/*.npz"], "out/")} == {"a/walk", "b/walk", "run", "mixed/walk"}
    assert {job.name for job in plan_jobs(["clips/*"], "out/")} == {"run", "a", "b", "openpose", "mixed", "empty"}


def test_what_cannot_be_planned(clips: Path) -> None:
    with pytest.raises(InputError, match="nothing matches this pattern"):
        plan_jobs(["clips/*.mp4"], "out/")
    with pytest.raises(OutputError, match=r"several inputs are called 'walk'.*pattern in quotes"):
        plan_jobs(["clips/a/walk.npz", "clips/b/walk.npz"], "out/")
    with pytest.raises(OutputError, match="this is an input"):
        plan_jobs(["clips/**/*.npz"], "clips/")
    with pytest.raises(OutputError, match="one file cannot hold 3 inputs"):
        plan_jobs(["clips/**/*.npz"], "poses.npz")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--jobs", "0"], "--jobs must be at least 1"),
        (["--timeout", "0"], "--timeout must be more than 0"),
        (["--engine", "cloud"], "--engine must be local or ray"),
        (["--model", "unicorn"], "no model 'unicorn'"),
        (["0"], "a camera ends with Ctrl-C"),
    ],
)
def test_bad_settings(clips: Path, capfd: pytest.CaptureFixture[str], options: list[str], told: str) -> None:
    assert main(["lift", "clips/**/*.npz", *options, "-o", "out/"]) == 2
    said = capfd.readouterr().err
    assert told in said
    assert said.count("\n") == 1
    assert not Path("out").exists()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_whatever_happens_to_a_worker_the_others_get_their_results(tmp_path: Path) -> None:
    """Crashes, kills, hangs and want of memory, in the detector's own code: each is told, none stops the rest."""
    for name, brightness in (
        *(("crash", 10), ("killed", 20), ("hang", 30), ("memory", 40), ("once", 50), ("wrong", 70)),
        *(("good1", 200), ("good2", 200), ("good3", 200)),
    ):
        images(tmp_path / "clips" / name, brightness)
    environment = {
        **os.environ,
        "PYTHONPATH": f"{FAULTY}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
        "FLOWLIFT_FAULTY_MARKS": str(tmp_path),
    }
    done = lift(
        "clips/*", "-o", "out/", "--timeout", "12", "--jobs", "3", "--fps", "10", *FEW, cwd=tmp_path, env=environment
    )
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert len(lines) == 5
    assert all(line.startswith("flowlift: error: clips/") for line in lines)
    found = rows(tmp_path / "out")
    told = {name: row["error"] for name, row in found.items() if row["state"] == "failed"}
    assert set(told) == {"crash", "killed", "hang", "memory", "wrong"}
    assert "SIGSEGV" in told["crash"]
    assert "SIGKILL" in told["killed"]
    assert "memory" in told["killed"]
    assert "given up after 12 s" in told["hang"]
    assert "out of memory" in told["memory"]
    assert "the detector's own error" in told["wrong"]
    assert {row["attempts"] for name, row in found.items() if name in told} == {2}
    assert found["once"]["attempts"] == 2
    assert files(tmp_path / "out") == {MANIFEST, "once.npz", "good1.npz", "good2.npz", "good3.npz"}


def _wait_for(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _workers(parent: int) -> list[int]:
    children = Path(f"/proc/{parent}/task/{parent}/children")
    return [int(number) for number in children.read_text().split()] if children.exists() else []


def _is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_stopped_goes_on(clips: Path, sent: signal.Signals) -> None:
    out = clips.parent / "out"
    for index in range(30):
        shutil.copy(clips / "run.npz", clips / f"more{index}.npz")
    command = [sys.executable, "-m", "flowlift", "lift", "clips/**/*.npz", "-o", "out/", "--jobs", "2", *FEW]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    )
    _wait_for(lambda: (out / MANIFEST).exists() and (out / MANIFEST).read_bytes().count(b"\n") >= 3)
    workers = _workers(process.pid)
    process.send_signal(sent)
    _, said = process.communicate(timeout=60)
    if sent == signal.SIGINT:
        assert process.returncode == 130
        assert "of 33 clips are finished in out/; the same command goes on" in said
    _wait_for(lambda: not any(map(_is_running, workers)))  # nobody works on without a master
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.npz") if ".part" not in str(path)}
    kept = {name for name, row in rows(out).items() if row["state"] == "done"}
    assert 3 <= len(kept) < 33
    assert lift("clips/**/*.npz", "-o", "out/", *FEW, cwd=clips.parent).returncode == 0
    assert len(rows(out)) == 33
    assert all((out / f"{name}.npz").stat().st_mtime_ns == before[out / f"{name}.npz"] for name in kept)
    assert len(files(out)) == 34
    assert all(len(flowlift.load(path)) == 12 for path in out.rglob("*.npz"))
