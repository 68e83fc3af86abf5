"""Many clips on a real Ray cluster of this machine's: actors that die, results at an address, nothing twice."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import flowlift
from flowlift.batch.actors import RayCrew
from flowlift.batch.job import Work
from flowlift.batch.lifting import lift_clips, marks_of
from flowlift.batch.manifest import MANIFEST, rows_of
from flowlift.batch.target import FolderTarget
from flowlift.cli import main
from flowlift.cli.outputs import plan_jobs
from flowlift.demo import synthesize

SETTINGS = {"model": "human", "device": None, "hypotheses": 1, "start": None, "end": None, "fps": None}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two workers and whatever else Ray needs."""
    ray = pytest.importorskip("ray", reason="needs Ray: pip install 'flowlift[ray]'")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    except Exception as error:
        pytest.skip(f"Ray cannot start here: {error}")  # it gives up after a minute, which a busy machine can take
    yield ray
    ray.shutdown()


def working() -> list[int]:
    """Processes of actors that are lifting; Ray names them so."""
    found = [path for path in Path("/proc").glob("[0-9]*/cmdline") if path.parent.exists()]
    return [int(path.parent.name) for path in found if _is_lifting(path)]


def _is_lifting(path: Path) -> bool:
    try:
        return path.read_bytes().startswith(b"ray::ClipActor.lift")
    except OSError:
        return False


def wait_for(reached: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in [f"{part}/walk{index}" for part in "ab" for index in range(4)]:
        (tmp_path / "clips" / name).parent.mkdir(parents=True, exist_ok=True)
        flowlift.save(synthesize(seconds=0.4).keypoints, tmp_path / "clips" / f"{name}.npz")
    (tmp_path / "clips" / "bad.npz").write_text("no clip")
    return tmp_path


@pytest.mark.slow
def test_an_actor_that_is_killed_in_the_middle_loses_nothing_and_does_nothing_twice(cluster: Any, clips: Path) -> None:
    """Each clip's files are put in their place once; the clip that an actor died with is done by another."""
    jobs = plan_jobs(["clips/**/*.npz"], "out/", ["npz"])
    target = FolderTarget(clips / "out")
    put: list[str] = []
    original = target.put

    def counted(files: Any) -> Any:
        told = original(files)
        put.extend(told)
        return told

    target.put = counted  # type: ignore[method-assign]
    with RayCrew(SETTINGS, most=2) as crew:
        outcomes = []
        for outcome in lift_clips(marks_of(jobs, SETTINGS), target, crew):
            outcomes.append(outcome)
            if len(outcomes) == 2:
                wait_for(lambda: working())
                os.kill(working()[0], signal.SIGKILL)
    target.close()
    assert sorted(outcome.job.name for outcome in outcomes) == sorted(job.name for job in jobs)
    assert sorted(put) == sorted(f"{job.name}.npz" for job in jobs if job.name != "bad")
    assert sum(isinstance(outcome.answer, Work) for outcome in outcomes) == 8
    rows = rows_of((clips / "out" / MANIFEST).read_bytes())
    assert {name for name, row in rows.items() if row.state == "done"} == {job.name for job in jobs} - {"bad"}
    assert "bad.npz: it is damaged" in rows["bad"].error
    assert str(clips) not in rows["bad"].error
    assert max(row.attempts for row in rows.values()) == 2
    alone = flowlift.lift("clips/a/walk0.npz", hypotheses=1)
    np.testing.assert_allclose(flowlift.load("out/a/walk0.npz").xyz, alone.xyz, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("jobs", "taken"), [("5", 0), ("2", 1)])
def test_a_cluster_without_room_for_all_does_all(
    cluster: Any, clips: Path, capfd: pytest.CaptureFixture[str], jobs: str, taken: int
) -> None:
    """More actors than processors, or a processor that somebody else has: no clip waits for those who never begin, and
    none is given up meanwhile."""

    class Other:
        def ready(self) -> None:
            pass

    others = [cluster.remote(num_cpus=1)(Other).remote() for _ in range(taken)]
    cluster.get([other.ready.remote() for other in others])
    command = ["lift", "clips/?/*.npz", "-o", "out/", "--format", "npz", "--hypotheses", "1", "--engine", "ray"]
    assert main([*command, "--jobs", jobs, "--timeout", "60"]) == 0
    for other in others:
        cluster.kill(other)
    rows = rows_of((clips / "out" / MANIFEST).read_bytes())
    assert {row.attempts for row in rows.values()} == {1}
    assert len(rows) == 8
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_files_that_settings_name_are_found_from_another_folder(cluster: Any, clips: Path) -> None:
    for name in ("mine.toml", "camera.toml", "map.toml", "mine.flowlift"):
        Path(name).touch()
    named = {"skeleton": "mine.toml", "camera": "camera.toml::left", "mapping": "map.toml", "model": "mine.flowlift"}
    with RayCrew({**SETTINGS, **named}, most=1) as crew:
        assert {name: crew._settings[name] for name in named} == {
            name: f"{clips}/{given}" for name, given in named.items()
        }
    with RayCrew({**SETTINGS, "skeleton": "coco17"}, most=1) as crew:
        assert crew._settings["skeleton"] == "coco17"


@pytest.mark.slow
def test_results_stream_to_an_address_and_a_second_run_finds_them(
    cluster: Any, clips: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    fsspec = pytest.importorskip("fsspec", reason="needs fsspec: pip install 'flowlift[fsspec]'")
    memory = fsspec.filesystem("memory")
    address = f"memory://{clips.name}/out"
    command = ["lift", "clips/a/*.npz", "-o", address, "--engine", "ray", "--hypotheses", "1", "--format", "npz"]
    assert main(command) == 0
    names = {f"walk{index}.npz" for index in range(4)}
    there = {path.rpartition("/")[2]: path for path in memory.find(address)}
    assert set(there) == {*names, MANIFEST}
    (clips / "copy.npz").write_bytes(memory.cat_file(there["walk0.npz"]))
    assert len(flowlift.load(clips / "copy.npz")) == 12
    before = {path: memory.modified(path) for path in there.values()}
    memory.rm_file(there["walk3.npz"])
    assert main(command) == 0
    again = {path for path in there.values() if memory.modified(path) != before[path]}
    assert again == {there["walk3.npz"], there[MANIFEST]}
    assert main(["lift", "clips/bad.npz", "-o", address, "--engine", "ray"]) == 2
    said = capfd.readouterr().err.splitlines()
    assert [line[:41] for line in said] == ["flowlift: error: clips/bad.npz: it is dam"]
    assert rows_of(memory.cat_file(there[MANIFEST]))["bad"].state == "failed"


def test_addresses_work_without_a_cluster_too(clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsspec = pytest.importorskip("fsspec", reason="needs fsspec: pip install 'flowlift[fsspec]'")
    memory = fsspec.filesystem("memory")
    address = f"memory://{clips.name}/local"
    assert main(["lift", "clips/b/walk0.npz", "-o", address, "--hypotheses", "1"]) == 0
    assert {path.rpartition("/")[2] for path in memory.find(address)} == {
        "walk0.npz",
        "walk0.csv",
        "walk0.html",
        MANIFEST,
    }


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["-o", "nowhere://out"], "nowhere://out: cannot be used: Protocol not known"),
        (["-o", "memory://out", "--overlay", "drawn/"], "--overlay"),
        (["-o", "memory://out/walk.npz"], "an address is a folder's; leave walk.npz out"),
        (["-o", "poses.npz", "--engine", "ray"], "go with a folder"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(
    clips: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert main(["lift", "clips/a/walk0.npz", *arguments]) == 2
    said = capfd.readouterr().err
    assert told in said
    assert said.count("\n") == 1


def test_without_the_extras(clips: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    for module in ("ray", "fsspec.core"):
        monkeypatch.setitem(sys.modules, module, None)
    assert main(["lift", "clips/a/walk0.npz", "-o", "out/", "--engine", "ray"]) == 2
    assert "pip install 'flowlift[ray]'" in capfd.readouterr().err
    assert main(["lift", "clips/a/walk0.npz", "-o", "s3://bucket/out"]) == 2
    assert "pip install 'flowlift[fsspec]'" in capfd.readouterr().err


def test_a_cluster_that_is_not_there(
    clips: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    ray = pytest.importorskip("ray", reason="needs Ray: pip install 'flowlift[ray]'")

    def refuse(**options: object) -> None:
        raise ConnectionError("nobody answers at\n203.0.113.7:6379")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", refuse)
    assert main(["lift", "clips/a/walk0.npz", "-o", "out/", "--engine", "ray"]) == 2
    assert capfd.readouterr().err == (
        "flowlift: error: --engine ray: no cluster can be used or started: ConnectionError: nobody answers at\n"
    )
