"""Damage whole files in thousands of ways and give them to their readers: only a result or one clear line may come out.

    python benchmarks/fuzz.py [--save] [--only SLEAP] [--files 3000] [--keep folder]

Each reader runs in a process of its own, whose memory and time are limited. Anything but a result or an error of
flowlift's own on one line is a failure: another exception, a crash, a file that takes too long or all memory. Failures
are printed with their number, and the files kept with --keep; --only READER --at NUMBER runs one of them again.
"""

import argparse
import json
import math
import multiprocessing
import resource
import signal
import sys
import time
import traceback
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from fuzz_mutations import damaged
from fuzz_targets import ROOT, TARGETS, Target, seeds_of
from pages import RESULTS, as_markdown, save_result

from flowlift.bench.machine import describe_machine
from flowlift.errors import FlowliftError, MissingExtraError

SECONDS, MEGABYTES = 10.0, 2048
"""What reading one file may take; memory beyond what the process has with everything imported."""
_START = 600.0
"""Seconds until a process has imported everything, and made and read its whole files."""
LONGEST = 1500
"""Characters of an error that still is a clear line."""


class TooSlowError(BaseException):
    """Raised by the alarm; no reader's `except Exception` takes it for damage."""


@dataclass(frozen=True)
class Outcome:
    """Of one file: "accepted", "refused", or what went wrong."""

    said: str
    seconds: float
    detail: str = ""

    @property
    def failed(self) -> bool:
        return self.said not in ("accepted", "refused")


@dataclass
class Tally:
    """Of one reader."""

    reader: str
    files: int = 0
    accepted: int = 0
    refused: int = 0
    failures: list[dict[str, Any]] = field(default_factory=list)
    slowest_s: float = 0.0
    peak_mb: float = 0.0

    def add(self, number: int, outcome: Outcome) -> None:
        self.files += 1
        self.accepted += outcome.said == "accepted"
        self.refused += outcome.said == "refused"
        self.slowest_s = max(self.slowest_s, outcome.seconds)
        if outcome.failed:
            self.failures.append({"number": number, "what": outcome.said, "detail": outcome.detail})


class Attempts:
    """A reader's whole files in a folder, each of which takes the damaged content for as long as it is read."""

    def __init__(self, target: Target, folder: Path, real: Path | None = None) -> None:
        """Raises whatever the reader raises for a whole file."""
        self.target = target
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.paths = list(seeds_of(target, folder, real))
            self.whole = [path.read_bytes() for path in self.paths]
            for path in self.paths:
                target.read(path)
        for path, content in zip(self.paths, self.whole, strict=True):
            path.write_bytes(content)  # a run that goes on has changed its own files

    def content(self, number: int) -> tuple[Path, bytes]:
        """The damaged file of a number: which one it stands for, and what it holds."""
        random = np.random.default_rng([zlib.crc32(self.target.name.encode()), number])
        place = int(random.integers(len(self.paths)))
        alike = [self.whole[i] for i, path in enumerate(self.paths) if path.suffix == self.paths[place].suffix]
        return self.paths[place], damaged(self.whole[place], alike, random)

    def run(self, number: int) -> Outcome:
        """What the reader makes of the damaged file."""
        path, content = self.content(number)
        path.write_bytes(content)
        begun = time.process_time()
        try:
            said, detail = self._said(path)
        finally:
            path.write_bytes(self.whole[self.paths.index(path)])
        return Outcome(said, time.process_time() - begun, ascii(detail)[1:-1])

    def _said(self, path: Path) -> tuple[str, str]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self.target.read(path)
        except MissingExtraError:
            raise
        except FlowliftError as error:
            text = str(error)
            unclear = "\n" in text or not text.strip() or len(text) > LONGEST
            return ("no clear line", repr(text[:300])) if unclear else ("refused", text)
        except TooSlowError:
            return "too slow", _place()
        except MemoryError:
            return "too much memory", _place()
        except Exception as error:
            return type(error).__name__, f"{str(error)[:200]} | {_place()}"
        return "accepted", ""


def _place() -> str:
    """The last lines of the package that were running."""
    frames = traceback.extract_tb(sys.exc_info()[2])
    ours = [frame for frame in frames if "/flowlift/" in frame.filename] or frames
    return " <- ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(ours[-3:]))


def _alarm(number: int, frame: Any) -> None:
    raise TooSlowError


def _work(name: str, first: int, files: int, real: Path | None, keep: Path | None, pipe: Connection) -> None:
    """In a process of its own: read file after file, telling before and after each."""
    with TemporaryDirectory() as folder:
        attempts = Attempts(TARGETS[name], Path(folder) / "files", real)
        signal.signal(signal.SIGALRM, _alarm)
        has = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (has + (MEGABYTES << 20),) * 2)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        pipe.send(("ready",))
        for number in range(first, files):
            pipe.send(("begun", number))
            signal.setitimer(signal.ITIMER_REAL, SECONDS)
            try:
                outcome = attempts.run(number)
            except TooSlowError:  # while it was clearing up
                outcome = Outcome("too slow", SECONDS)
            signal.setitimer(signal.ITIMER_REAL, 0)
            if outcome.failed and keep is not None:
                _kept(attempts, number, keep)
            grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
            pipe.send(("done", number, outcome, grown))
    pipe.send(("end",))


def _kept(attempts: Attempts, number: int, keep: Path) -> None:
    keep.mkdir(parents=True, exist_ok=True)
    path, content = attempts.content(number)
    (keep / f"{attempts.target.name.split()[0].strip(',')}-{number}-{path.name}").write_bytes(content)


def fuzz(name: str, files: int, seconds: float, real: Path | None = None, keep: Path | None = None) -> Tally:
    """Give a reader so many damaged files, or as many as it reads in the time. A process that dies is begun again."""
    tally, first, end = Tally(name), 0, math.inf
    context = multiprocessing.get_context("spawn")
    while first < files and time.monotonic() < end:
        ours, theirs = context.Pipe(duplex=False)
        worker = context.Process(target=_work, args=(name, first, files, real, keep, theirs), daemon=True)
        worker.start()
        theirs.close()
        if not ours.poll(_START) or _told(ours) != ("ready",):
            worker.kill()
            raise RuntimeError(f"{name}: its whole files are not read, see above")
        end = min(end, time.monotonic() + seconds)
        first = _watched(worker, ours, tally, end)
    return tally


def _told(pipe: Connection) -> Any:
    """What a worker says; None where it is gone."""
    try:
        return pipe.recv()
    except EOFError:
        return None


def _watched(worker: Any, pipe: Connection, tally: Tally, end: float) -> int:
    """Count until the process ends, dies, hangs, or the time is over. Returns the number to go on from."""
    begun = -1
    while time.monotonic() < end:
        if not pipe.poll(3 * SECONDS):
            worker.kill()
            tally.add(begun, Outcome("hangs", 3 * SECONDS))
            return begun + 1
        said = _told(pipe)
        if said is None:
            worker.join()
            tally.add(begun, Outcome(f"crash, exit status {worker.exitcode}", 0.0))
            return begun + 1
        kind, *told = said
        if kind == "end":
            worker.join()
            return sys.maxsize
        if kind == "begun":
            begun = told[0]
        else:
            number, outcome, grown = told
            tally.add(number, outcome)
            tally.peak_mb = max(tally.peak_mb, grown)
    worker.kill()
    worker.join()
    return sys.maxsize


def report(tallies: list[Tally]) -> dict[str, Any]:
    """The result that pages show."""
    columns = ["files of", "tried", "read", "refused in one line", "failures", "slowest s", "memory MB"]
    rows = [
        [t.reader, t.files, t.accepted, t.refused, len(t.failures), f"{t.slowest_s:.2f}", f"{t.peak_mb:.0f}"]
        for t in tallies
    ]
    total = [sum(row[column] for row in rows) for column in range(1, 5)]
    return {
        "columns": columns,
        "rows": [*rows, ["all", *total, "", ""]],
        "notes": [
            f"- limits of one file: {SECONDS:.0f} s, {MEGABYTES} MB",
            "- slowest: processor time of one file; memory: the most that reading added to the process",
        ],
        "readers": [asdict(tally) for tally in tallies],
        "machine": describe_machine(),
    }


def _merged(tallies: list[Tally], file: Path) -> list[Tally]:
    """With those of an earlier result. Of a reader the longer run counts, as the shorter one's files are among its own;
    but always the later one where either failed."""
    before = json.loads(file.read_text())["readers"] if file.is_file() else []
    found = {told["reader"]: Tally(**told) for told in before}
    for now in tallies:
        known = found.get(now.reader)
        if known is None or now.files >= known.files or now.failures or known.failures:
            found[now.reader] = now
    return [found[name] for name in TARGETS if name in found]


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--save", action="store_true", help="write docs/results/fuzz.json; other readers' rows stay")
    parser.add_argument(
        "--only", action="append", help="a reader, by the beginning of its name; several times for more"
    )
    parser.add_argument("--files", type=int, default=3000, help="damaged files for each reader")
    parser.add_argument("--seconds", type=float, default=240.0, help="the most that one reader gets")
    parser.add_argument("--real", type=Path, default=ROOT.parent / "shared" / "data", help="a folder of real data")
    parser.add_argument("--keep", type=Path, help="where files that fail are kept")
    parser.add_argument("--at", type=int, help="this number only, here and without limits, with its traceback")
    return parser.parse_args()


def _again(names: Iterator[str], number: int, real: Path | None) -> None:
    for name in names:
        with TemporaryDirectory() as folder:
            attempts = Attempts(TARGETS[name], Path(folder) / "files", real)
            path, content = attempts.content(number)
            path.write_bytes(content)
            print(path.name, len(content), content[:200])
            print(attempts.target.read(path))


def main() -> int:
    given = _parsed()
    names = [name for name in TARGETS if not given.only or any(name.startswith(only) for only in given.only)]
    real = given.real if given.real.is_dir() else None
    if given.at is not None:
        _again(iter(names), given.at, real)
        return 0
    tallies = []
    for name in names:
        tally = fuzz(name, given.files, given.seconds, real, given.keep)
        tallies.append(tally)
        print(f"{name}: {tally.files} files, {tally.refused} refused, {len(tally.failures)} failures", end="")
        print(f", slowest {tally.slowest_s:.2f} s, {tally.peak_mb:.0f} MB", flush=True)
        for (what, where), count in Counter(
            (one["what"], one["detail"].rpartition(" | ")[2][:100]) for one in tally.failures
        ).most_common(12):
            first = next(one for one in tally.failures if one["what"] == what and where in one["detail"])
            print(f"    {count} x {what} at {where}; first {first['number']}: {first['detail'][:160]}", flush=True)
    if given.save:
        save_result("fuzz", report(_merged(tallies, RESULTS / "fuzz.json")))
    else:
        print(as_markdown(report(tallies)))
    return 1 if any(tally.failures for tally in tallies) else 0


if __name__ == "__main__":
    sys.exit(main())
