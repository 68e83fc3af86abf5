"""The manifest: rows come back, whatever was cut off; what is said to be done is there."""

import hashlib
import json
import multiprocessing
import os
import sys
import threading
from dataclasses import replace
from pathlib import Path
from unittest.mock import MagicMock
from urllib.parse import unquote

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlift.batch import lifting
from flowlift.batch.identity import mark_of_input, mark_of_settings
from flowlift.batch.job import Failure, Job, MadeFile, Outcome, Work
from flowlift.batch.lifting import is_done
from flowlift.batch.manifest import MANIFEST, Marks, Row, rows_of, text_of
from flowlift.batch.remote import AddressTarget
from flowlift.batch.target import FolderTarget
from flowlift.cli.outputs import _place, plan_jobs
from flowlift.errors import OutputError
from flowlift.io import writer_for

ROW = Row("a/walk", "clips/a/walk.mp4", "done", "2026-01-01T00:00:00+00:00", 1.5, 1, Marks("s", "m", "i"), "0.1.0")
NAMES = st.text(min_size=1)
ROWS = st.dictionaries(NAMES, st.builds(replace, st.just(ROW), error=st.text(), frames=st.integers(0, 10**6)))


@given(ROWS, st.data())
def test_a_manifest_that_was_cut_off_keeps_its_whole_lines(errors: dict[str, Row], data: st.DataObject) -> None:
    rows = {name: replace(row, clip=name, files={name: (3, "00")}) for name, row in errors.items()}
    content = text_of(rows.values())
    assert rows_of(content) == rows
    cut = content[: data.draw(st.integers(0, len(content)))]
    assert list(rows_of(cut)) == list(rows)[: len(rows_of(cut))]
    assert len(rows_of(cut)) >= cut.count(b"\n")


@given(st.binary())
def test_anything_is_read(content: bytes) -> None:
    assert set(rows_of(content + b"\n" + text_of([ROW]))) == {"a/walk"}


def made(path: Path, content: bytes) -> MadeFile:
    return MadeFile(path, content, len(content), "00")


def test_files_and_rows_outlive_the_run(tmp_path: Path) -> None:
    target = FolderTarget(tmp_path / "out")
    files = target.put([made(tmp_path / "out" / "a" / "walk.npz", b"abc")])
    assert files == {"a/walk.npz": (3, "00")}
    row = replace(ROW, files=files)
    target.add(replace(row, state="failed"))
    target.add(row)
    # No close(): killed here. The next run finds the row, and a half-written line after it.
    with (tmp_path / "out" / MANIFEST).open("ab") as stream:
        stream.write(b'{"clip": "b/run", "sou')
    again = FolderTarget(tmp_path / "out")
    assert again.rows == {"a/walk": row}
    again.add(replace(row, clip="c"))
    target.close()
    again.close()
    lines = (tmp_path / "out" / MANIFEST).read_bytes().splitlines()
    assert [json.loads(line)["clip"] for line in lines] == ["a/walk", "c"]


def test_a_tidy_manifest_has_one_row_a_clip(tmp_path: Path) -> None:
    for state in ("failed", "failed", "done"):
        target = FolderTarget(tmp_path)
        target.add(replace(ROW, state=state))
        target.close()
    assert (tmp_path / MANIFEST).read_bytes() == text_of([replace(ROW, state="done")])
    assert [path.name for path in tmp_path.iterdir()] == [MANIFEST]


def _append(folder: Path, first: int) -> None:
    target = FolderTarget(folder)
    for index in range(first, first + 200):
        target.add(replace(ROW, clip=str(index)))
        target.add(replace(ROW, clip=str(index), error="twice"))
    target.close()


def test_two_runs_at_once_lose_no_row_of_each_other(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    runs = [context.Process(target=_append, args=(tmp_path, first)) for first in (0, 200)]
    for run in runs:
        run.start()
    for run in runs:
        run.join(60)
    content = (tmp_path / MANIFEST).read_bytes()
    assert set(rows_of(content)) == set(map(str, range(400)))
    assert content.count(b"\n") == 400


def test_the_last_of_two_runs_leaves_one_row_a_clip(tmp_path: Path) -> None:
    first, second = FolderTarget(tmp_path), FolderTarget(tmp_path)
    for target in (first, second):
        target.add(ROW)
    first.close()
    second.close()
    assert (tmp_path / MANIFEST).read_bytes() == text_of([ROW])


def test_what_counts_as_done(tmp_path: Path) -> None:
    """The same input, settings and model, and files that are there: else it is done again."""
    target = FolderTarget(tmp_path / "out")
    place = tmp_path / "out" / "walk.npz"
    job = Job("walk.mp4", (place,), name="a/walk")
    assert not is_done(job, ROW.marks, target)
    target.add(replace(ROW, files=target.put([made(place, b"abc")])))
    assert is_done(job, ROW.marks, target)
    assert not any(is_done(job, replace(ROW.marks, **{what: "x"}), target) for what in ("settings", "model", "input"))
    assert not is_done(replace(job, name="b"), ROW.marks, target)
    place.write_bytes(b"ab")
    assert not is_done(job, ROW.marks, target)
    place.unlink()
    assert not is_done(job, ROW.marks, target)
    target.add(replace(ROW, state="failed"))
    assert not is_done(job, ROW.marks, target)
    target.close()


def test_marks_tell_apart_what_gives_another_result(tmp_path: Path) -> None:
    calibration = tmp_path / "cameras.toml"
    calibration.write_text("one")
    settings = {"model": "human", "hypotheses": 20, "camera": f"{calibration}::left", "image_size": (640, 480)}
    job = Job("walk.mp4", (Path("out/walk.npz"),))
    mark = mark_of_settings(settings, job)
    assert mark == mark_of_settings(dict(reversed(settings.items())), replace(job, source="run.mp4"))
    assert mark == mark_of_settings({**settings, "what older versions did not know": None}, job)
    others = [
        mark_of_settings({**settings, "hypotheses": 21}, job),
        mark_of_settings({**settings, "image_size": (640, 481)}, job),
        mark_of_settings(settings, replace(job, paths=(Path("out/walk.csv"),))),
        mark_of_settings(settings, replace(job, overlay=Path("out/walk.mp4"))),
    ]
    calibration.write_text("two")
    others.append(mark_of_settings(settings, job))
    assert len({mark, *others}) == 1 + len(others)


def test_an_input_s_mark_follows_its_size_and_time(tmp_path: Path) -> None:
    file, folder = tmp_path / "walk.npz", tmp_path / "images"
    folder.mkdir()
    for path in (file, folder / "1.png"):
        path.write_bytes(b"abc")
    marks = [mark_of_input(str(file)), mark_of_input(str(folder))]
    (folder / ".DS_Store").write_bytes(b"of who looked into it")
    assert mark_of_input(str(folder)) == marks[1]
    assert len({marks[0], mark_of_input(f"{file}::clip"), mark_of_input(f"{file}::other")}) == 3
    os.utime(file, ns=(0, 5))
    (folder / "2.png").write_bytes(b"")
    marks += [mark_of_input(str(file)), mark_of_input(str(folder))]
    (folder / "2.png").write_bytes(b"a")
    marks += [mark_of_input(str(folder)), mark_of_input(str(tmp_path / "nowhere"))]
    assert len(set(marks)) == len(marks)


def test_a_manifest_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).mkdir()
    with pytest.raises(OutputError, match=MANIFEST):
        FolderTarget(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="is a file; a folder is wanted"):
        FolderTarget(tmp_path / "file")


def test_files_come_whole_from_another_disk_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    def refuse(self: Path, target: Path) -> Path:
        if ".part" not in self.name:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return original(self, target)

    original = Path.replace
    monkeypatch.setattr(Path, "replace", refuse)
    content = np.random.default_rng(0).bytes(5000)
    (tmp_path / "elsewhere").write_bytes(content)
    target = FolderTarget(tmp_path / "out")
    target.put([MadeFile(tmp_path / "out" / "a.npz", tmp_path / "elsewhere", 5000, "00")])
    target.close()
    assert (tmp_path / "out" / "a.npz").read_bytes() == content


def test_an_address_is_a_target_as_a_folder_is(tmp_path: Path) -> None:
    memory = pytest.importorskip("fsspec", reason="needs fsspec: pip install 'flowlift[fsspec]'").filesystem("memory")
    address = f"memory://{tmp_path.name}/results"
    target = AddressTarget(address)
    scratch = target.scratch()
    (scratch / "walk.csv").write_bytes(b"abcd")
    files = target.put([made(Path("a/walk.npz"), b"abc"), MadeFile(Path("a/walk.csv"), scratch / "walk.csv", 4, "11")])
    assert files == {"a/walk.npz": (3, "00"), "a/walk.csv": (4, "11")}
    row = replace(ROW, files=files)
    target.add(replace(row, state="failed"))
    target.add(row)
    target.close()
    again = AddressTarget(address)
    assert again.rows == {"a/walk": row}
    assert again.holds(row)
    assert not again.holds(replace(row, files={"a/walk.npz": (4, "00")}))
    assert not again.holds(replace(row, files={"b/walk.npz": (3, "00")}))
    assert memory.cat_file(f"/{tmp_path.name}/results/a/walk.csv") == b"abcd"


@pytest.mark.parametrize("kind", ["folder", "address"])
def test_what_a_clip_no_longer_has_goes_when_it_is_done_again(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files of people, as an earlier run left them; other formats, what was changed, and another clip's stay."""
    if kind == "address":
        pytest.importorskip("fsspec", reason="needs fsspec: pip install 'flowlift[fsspec]'")
    out = tmp_path if kind == "folder" else Path()

    def target_of() -> FolderTarget | AddressTarget:
        return FolderTarget(out) if kind == "folder" else AddressTarget(f"memory://{tmp_path.name}")

    def also_claimed(target: FolderTarget | AddressTarget, clip: str) -> None:
        """As of a command that ran at the same time."""
        target.add(replace(ROW, clip=clip, files={f"{clip}.trc": target.rows["two"].files[f"{clip}.trc"]}))
        target.close()

    def run(answer: Work | Failure, clip: str = "two") -> tuple[set[str], str]:
        """The names that are there after a run of one job, and what was said of it."""
        target = target_of()
        job = Job(f"{clip}.npz", (), name=clip)
        monkeypatch.setattr(lifting, "run_jobs", lambda *given, **more: iter([Outcome(job, answer, 1, 0.0)]))
        (outcome,) = lifting.lift_clips({job: ROW.marks}, target, MagicMock())
        target.close()
        listed = AddressTarget(f"memory://{tmp_path.name}")._sizes if kind == "address" else tmp_path.iterdir()
        said = outcome.answer.error if isinstance(outcome.answer, Failure) else ""
        return {Path(path).name for path in listed} - {MANIFEST}, said

    def work(*names: str) -> Work:
        content = [(name, f"of {names}".encode()) for name in names]
        made = (MadeFile(out / name, text, len(text), hashlib.sha256(text).hexdigest()) for name, text in content)
        return Work(tuple(made), 1, 1)

    assert run(work("two.trc", "two.npz"))[0] == {"two.trc", "two.npz"}
    assert run(work("two_person0.trc", "two_person1.trc"))[0] == {"two_person0.trc", "two_person1.trc", "two.npz"}
    there, said = run(Failure("damaged"))
    assert said == "damaged; its earlier results are still there"
    assert there == {"two_person0.trc", "two_person1.trc", "two.npz"}
    also_claimed(target_of(), "two_person1")
    assert run(work("two.trc"))[0] == {"two.trc", "two_person1.trc", "two.npz"}
    changed = b"x" * len(f"{('two.trc',)}") + b"of "  # as many bytes
    if kind == "folder":
        (tmp_path / "two.trc").write_bytes(changed)
    else:
        import fsspec

        fsspec.filesystem("memory").pipe_file(f"{tmp_path.name}/two.trc", changed)
    assert run(work("two_person0.trc"))[0] == {"two.trc", "two_person0.trc", "two_person1.trc", "two.npz"}
    assert run(Failure("damaged"), clip="new")[1] == "damaged"


def test_clips_of_one_file_have_names_and_files_of_their_own(tmp_path: Path) -> None:
    given = [f"{tmp_path}/two.dlc.csv::mouse 1", f"{tmp_path}/two.dlc.csv::mouse/2", f"{tmp_path}/one.dlc.mp4"]
    jobs = plan_jobs(given, f"{tmp_path}/out/", ("csv",))
    assert [job.name for job in jobs] == ["two.mouse_1", "two.mouse_2", "one"]
    assert [path.name for job in jobs for path in job.paths] == ["two.mouse_1.csv", "two.mouse_2.csv", "one.csv"]
    assert {writer_for(path).name for job in jobs for path in job.paths} == {"tidy CSV"}


def test_another_place_for_the_video_is_another_job() -> None:
    job = Job("a.mp4", (Path("out/a.npz"),), overlay=Path("one/a.mp4"))
    assert mark_of_settings({}, job) != mark_of_settings({}, replace(job, overlay=Path("two/a.mp4")))


@pytest.mark.parametrize("kind", ["folder", "address"])
@pytest.mark.parametrize("again", [False, True])
def test_no_clip_takes_the_place_of_another_one_s_result(
    kind: str, again: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clip of two people gives two_person0.trc, and so does a clip that is called so: in one run, or in two."""
    if kind == "address":
        pytest.importorskip("fsspec", reason="needs fsspec: pip install 'flowlift[fsspec]'")
    out = tmp_path / "out" if kind == "folder" else Path()

    def opened() -> FolderTarget | AddressTarget:
        return FolderTarget(out) if kind == "folder" else AddressTarget(f"memory://{tmp_path.name}")

    answers = {"two": ("two_person0.trc", "two_person1.trc"), "two_person0": ("two_person0.trc",)}
    jobs = [Job(f"{name}.mp4", (), name=name) for name in answers]
    outcomes = [
        Outcome(job, Work(tuple(made(out / name, job.name.encode()) for name in answers[job.name]), 1, 1), 1, 0.0)
        for job in jobs
    ]
    told = []
    for part in [[outcome] for outcome in outcomes] if again else [outcomes]:
        monkeypatch.setattr(lifting, "run_jobs", lambda *given, part=part, **more: iter(part))
        target = opened()
        told += [done.answer for done in lifting.lift_clips(dict.fromkeys(jobs, ROW.marks), target, MagicMock())]
        target.close()
    assert isinstance(told[0], Work)
    assert isinstance(told[1], Failure)
    assert "two_person0.trc: is a result of two.mp4; lift this clip into another folder" in told[1].error
    rows = opened().rows
    assert {name: row.state for name, row in rows.items()} == {"two": "done", "two_person0": "failed"}
    assert opened().holds(rows["two"])


def test_a_place_that_cannot_be_written_stops_no_other_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "b.npz").mkdir()
    jobs = [Job(f"{name}.mp4", (), name=name) for name in "abc"]
    outcomes = [Outcome(job, Work((made(tmp_path / f"{job.name}.npz", b"abc"),), 1, 1), 1, 0.0) for job in jobs]
    monkeypatch.setattr(lifting, "run_jobs", lambda *given, **more: iter(outcomes))
    target = FolderTarget(tmp_path)
    told = [done.answer for done in lifting.lift_clips(dict.fromkeys(jobs, ROW.marks), target, MagicMock())]
    target.close()
    assert [answer.error for answer in told if isinstance(answer, Failure)] == [
        f"{tmp_path / 'b.npz'}: cannot be written: Is a directory"
    ]
    rows = rows_of((tmp_path / MANIFEST).read_bytes())
    assert {name: row.state for name, row in rows.items()} == {"a": "done", "b": "failed", "c": "done"}


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files")
def test_a_row_that_did_not_fit_on_the_disk_is_told_and_harms_no_other(tmp_path: Path) -> None:
    import resource

    target = FolderTarget(tmp_path)
    target.add(replace(ROW, clip="before"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / MANIFEST).stat().st_size + 100, hard))
    try:
        with pytest.raises(OutputError, match=MANIFEST):
            target.add(replace(ROW, clip="half"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (tmp_path / MANIFEST).read_bytes().rpartition(b"\n")[2]  # its start is there
    target.close()
    after = FolderTarget(tmp_path)
    after.add(replace(ROW, clip="after"))
    after.close()
    assert set(rows_of((tmp_path / MANIFEST).read_bytes())) == {"before", "after"}


@pytest.mark.skipif(sys.platform == "win32", reason="has no such locks")
def test_who_comes_while_a_manifest_is_tidied_waits(tmp_path: Path) -> None:
    """Without the lock the next one to leave would rename a manifest over that of somebody who still appends."""
    import fcntl

    tidying = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(tidying, fcntl.LOCK_EX)
    done = threading.Timer(0.2, os.close, (tidying,))
    done.start()
    target = FolderTarget(tmp_path)
    done.join()
    other = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(other)
    target.close()


def test_commands_that_write_to_one_address_keep_each_other_s_rows(tmp_path: Path) -> None:
    pytest.importorskip("fsspec", reason="needs fsspec: pip install 'flowlift[fsspec]'")
    address = f"memory://{tmp_path.name}/shared"
    AddressTarget(address).close()
    runs = [AddressTarget(address) for _ in range(3)]
    for index, run in enumerate(runs):
        run.add(replace(ROW, clip=str(index)))
    runs[2].add(replace(ROW, clip="0", state="failed"))
    for run in runs:
        run.close()
    assert {name: row.state for name, row in AddressTarget(address).rows.items()} == {
        **{"0": "failed", "1": "done", "2": "done"}
    }


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text")
def test_names_of_bytes_that_are_no_text(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(bytes(tmp_path) + b"/k\xe4se"))
    folder.mkdir()
    (folder / os.fsdecode(b"\xe4.png")).touch()
    assert mark_of_input(str(folder)) != mark_of_input(str(tmp_path))
    (job,) = plan_jobs([str(folder)], f"{tmp_path}/out/", ("parquet",))
    assert [path.parent.name for path in job.paths] == ["clip=k%5Cudce4se"]


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_the_place_in_a_data_set_tells_the_name(name: str) -> None:
    place = _place(name, ".parquet").parent.name
    assert unquote(place) == f"clip={name}"
    assert not set('/\\=:*?"<>|') & set(place.removeprefix("clip="))


def test_long_names_of_any_script_have_a_place_in_a_data_set(tmp_path: Path) -> None:
    (path,) = plan_jobs([f"{tmp_path}/{'歩行' * 20}.mp4"], f"{tmp_path}/out/", ("parquet",))[0].paths
    path.parent.mkdir(parents=True)
    assert path.parent.name == f"clip={'歩行' * 20}"
