"""What is killed, how it is started again, and what must be true in between: a victim for each way to use flowlift."""

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol
from zipfile import BadZipFile

import numpy as np

import flowlift
from flowlift.batch.manifest import MANIFEST, rows_of
from flowlift.demo import synthesize, walk
from flowlift.errors import FlowliftError

PROGRAM = (sys.executable, "-m", "flowlift")
_PARTS = re.compile(r"\.flowlift-|\.part$|\.old$")
TRAINING = """
[data]
path = "bank.npz"
[network]
kind = "velocity"
width = 16
blocks = 1
heads = 2
hidden = 16
[method]
steps = 2
[run]
epochs = 12
epoch = 192
batch = 32
log_every = 2
check_views = 8
save_minutes = 1e-5
"""


class Victim(Protocol):
    """A program that is killed and started again, with all its files in one folder.

    Complaints are texts that begin with "damaged", "lost" or "left over".
    """

    name: str
    folder: Path

    def start(self) -> subprocess.Popen[str]:
        """Start it, or start it again."""

    def after_kill(self) -> Iterator[str]:
        """Complaints about what a kill left."""

    def after_end(self) -> Iterator[str]:
        """Complaints about what there is when it has come to its end; then everything is made new."""


def popen(arguments: Sequence[str], folder: Path, *, more: dict[str, str] | None = None) -> subprocess.Popen[str]:
    """A program in a folder, with a folder for temporary files in it."""
    (folder / "tmp").mkdir(exist_ok=True)
    environment = {**os.environ, "TMPDIR": str(folder / "tmp"), "OMP_NUM_THREADS": "1", **(more or {})}
    return subprocess.Popen(
        [*PROGRAM, *arguments], cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def left_over(folder: Path) -> Iterator[str]:
    """Complaints about temporary files; a folder that torch keeps for itself is none of ours."""
    parts = [path for path in folder.rglob("*") if _PARTS.search(path.name)]
    parts += [path for path in (folder / "tmp").glob("*") if not path.name.startswith("torchinductor")]
    yield from (f"left over: {path.relative_to(folder)}" for path in parts)


def readable(files: Sequence[Path], frames: int) -> Iterator[str]:
    """Complaints about results that are not whole."""
    for file in files:
        try:
            whole = _is_whole(file, frames)
        except (FlowliftError, ValueError, OSError, BadZipFile) as error:
            yield f"damaged: {file.name}: {error}"
        else:
            if not whole:
                yield f"damaged: {file.name}"


def _is_whole(file: Path, frames: int) -> bool:
    text = file.read_text(encoding="utf-8") if file.suffix != ".npz" else ""
    match file.suffix:
        case ".npz":
            poses = flowlift.load(file)
            return len(poses) == frames and bool(np.isfinite(poses.xyz).all())
        case ".csv":
            return text.count("\n") == 1 + frames * 17
        case ".bvh":
            return text.rstrip().count("\n") == text[: text.index("Frame Time")].count("\n") + frames
        case _:
            return text.rstrip().endswith("</html>")


@dataclass
class Lift:
    """`flowlift lift` of one clip to four formats; begun anew each time, so earlier results are replaced."""

    folder: Path
    name: str = "lift"
    frames: int = 60
    there: set[Path] = field(default_factory=set)

    def __post_init__(self) -> None:
        flowlift.save(synthesize(seconds=self.frames / 30).keypoints, self.folder / "walk.npz")

    def start(self) -> subprocess.Popen[str]:
        formats = [word for name in ("npz", "csv", "html", "bvh") for word in ("--format", name)]
        return popen(["lift", "walk.npz", "-o", "out/", *formats], self.folder)

    def after_kill(self) -> Iterator[str]:
        now = set((self.folder / "out").glob("walk.*"))
        yield from (f"lost: {path.name}" for path in self.there - now)
        yield from readable(sorted(now), self.frames)
        self.there |= now

    def after_end(self) -> Iterator[str]:
        yield from self.after_kill()
        yield from left_over(self.folder)
        if len(self.there) != 4:
            yield f"lost: {4 - len(self.there)} of 4 files"
        shutil.rmtree(self.folder / "out")
        self.there = set()


@dataclass
class Batch:
    """`flowlift lift` of many clips in two processes; goes on with what is left."""

    folder: Path
    name: str = "batch"
    clips: int = 12
    frames: int = 30
    done: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        flowlift.save(synthesize(seconds=self.frames / 30).keypoints, self.folder / "walk.npz")
        for index in range(self.clips):
            place = self.folder / "clips" / str(index % 3) / f"walk{index}.npz"
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.folder / "walk.npz", place)

    def start(self) -> subprocess.Popen[str]:
        return popen(["lift", "clips/**/*.npz", "-o", "out/", "--jobs", "2"], self.folder)

    def after_kill(self) -> Iterator[str]:
        """What the manifest tells is so, and what it told before is not done twice."""
        out, file = self.folder / "out", self.folder / "out" / MANIFEST
        rows = rows_of(file.read_bytes()) if file.exists() else {}
        yield from (f"lost: {clip}" for clip in set(self.done) - set(rows))
        for row in rows.values():
            if row.state != "done":
                yield f"lost: {row.clip}: {row.error}"
            for path, (_, digest) in row.files.items():
                if sha256((out / path).read_bytes()).hexdigest() != digest:
                    yield f"damaged: {path}"
            changed = (out / f"{row.clip}.npz").stat().st_mtime_ns
            if self.done.setdefault(row.clip, changed) != changed:
                yield f"lost: {row.clip} was done again"
        results = [path for path in out.rglob("*") if path.is_file() and not _PARTS.search(str(path))]
        yield from readable([path for path in results if path.name != MANIFEST], self.frames)

    def after_end(self) -> Iterator[str]:
        yield from self.after_kill()
        yield from left_over(self.folder)
        if len(self.done) != self.clips:
            yield f"lost: {self.clips - len(self.done)} of {self.clips} clips"
        shutil.rmtree(self.folder / "out")
        self.done = {}


@dataclass
class Train:
    """`flowlift train`; goes on from its checkpoint, and ends with the same log as a run that nobody disturbed."""

    folder: Path
    name: str = "train"
    step: int = 0
    log: str = ""

    def __post_init__(self) -> None:
        xyz = np.asarray(walk(np.arange(0, 4, 0.1)))
        xyz = ((xyz - xyz[:, :1]) / 1.6).astype(np.float32)
        np.savez(self.folder / "bank.npz", train=xyz[:30], val=xyz[30:])
        (self.folder / "run.toml").write_text(TRAINING)

    def start(self) -> subprocess.Popen[str]:
        return popen(["train", "run.toml", "-o", "run"], self.folder)

    def after_kill(self) -> Iterator[str]:
        import torch

        run = self.folder / "run"
        try:
            for name in ("checkpoint.pt", "best.pt"):
                if (run / name).exists():
                    state = torch.load(run / name, weights_only=True)
                    if name == "checkpoint.pt" and state["step"] < self.step:
                        yield f"lost: steps after {state['step']}"
                    self.step = state["step"] if name == "checkpoint.pt" else self.step
                elif name == "checkpoint.pt" and self.step:
                    yield "lost: the checkpoint"
            if (run / "config.json").exists():
                json.loads((run / "config.json").read_text())
            if (run / "model").exists():
                flowlift.Lifter.load(run / "model")
            if (run / "run.flowlift").exists():
                flowlift.Lifter.load(run / "run.flowlift")
        except Exception as error:  # whatever a damaged file makes of it
            yield f"damaged: {error}"

    def after_end(self) -> Iterator[str]:
        yield from self.after_kill()
        yield from left_over(self.folder)
        run = self.folder / "run"
        log = (run / "log.csv").read_text() + (run / "held_out.csv").read_text()
        self.log = self.log or log
        if log != self.log:
            yield "damaged: the log is not that of a run that nobody disturbed"
        if not ((run / "model").exists() and (run / "run.flowlift").exists()):
            yield "lost: the model"
        shutil.rmtree(run)
        self.step = 0


@dataclass
class Studio:
    """`flowlift studio`, to which a clip is given at each start; its jobs outlive it."""

    folder: Path
    name: str = "studio"
    enough: int = 3
    given: int = 0
    jobs: dict[str, str] = field(default_factory=dict)
    address: str = ""

    def __post_init__(self) -> None:
        flowlift.save(synthesize(seconds=1.0).keypoints, self.folder / "walk.npz")

    def start(self) -> subprocess.Popen[str]:
        process = popen(["studio", "--port", "0", "--folder", "jobs", "--no-open"], self.folder)
        assert process.stdout is not None
        self.address = process.stdout.readline().strip()
        if self.given < self.enough:
            content = (self.folder / "walk.npz").read_bytes()
            job = self.ask("api/jobs?name=walk.npz&options=%7B%22hypotheses%22%3A4%7D", content)
            self.given += 1
            self.jobs[job["id"]] = job["state"]
        return process

    def ask(self, path: str, content: bytes | None = None) -> Any:
        """What the studio answers."""
        headers = {"X-Flowlift-Studio": "1"}
        request = urllib.request.Request(self.address + path, data=content, headers=headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def after_kill(self) -> Iterator[str]:
        for name, state in self.jobs.items():
            folder = self.folder / "jobs" / name
            try:
                now = json.loads((folder / "job.json").read_text())["state"]
            except (OSError, ValueError) as error:
                yield f"lost: job {name}: {error}"
                continue
            if state == "done" != now:
                yield f"lost: job {name} was done, and is {now}"
            if now == "failed":
                yield f"lost: job {name} failed"
            if now == "done":
                yield from readable([folder / "result.npz", folder / "page.html"], 30)
            self.jobs[name] = now

    def after_end(self) -> Iterator[str]:
        yield from self.after_kill()
        yield from left_over(self.folder)
        yield from (f"lost: job {name} is {state}" for name, state in self.jobs.items() if state != "done")
        shutil.rmtree(self.folder / "jobs")
        self.jobs, self.given = {}, 0


VICTIMS: dict[str, type[Lift] | type[Batch] | type[Train] | type[Studio]] = {
    "lift": Lift,
    "batch": Batch,
    "train": Train,
    "studio": Studio,
}
