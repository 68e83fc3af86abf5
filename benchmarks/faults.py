"""Kill flowlift at random moments, again and again, and see whether anything is damaged, lost or left over.

Also: full disks, places that cannot be written, detectors that break, a network that is not there. Writes
docs/results/faults.json and docs/results/fault-lines.json, and prints the tables.

    python benchmarks/faults.py [lift batch train studio places] [--kills 100]
"""

import argparse
import json
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from kills import VICTIMS, Studio, Victim
from pages import RESULTS, as_markdown, save_result
from places import PLACES, try_place

from flowlift.bench.machine import describe_device, describe_machine

SHARES = {"lift": 0.3, "batch": 0.3, "train": 0.2, "studio": 0.2}
"""Of the kills: how many fall to each."""
KINDS = ("damaged", "lost", "left over")


@dataclass
class Tally:
    """What happened to one victim. `ends`: how often it came to its end in spite of it all."""

    kills: int = 0
    starts: int = 0
    ends: int = 0
    complaints: list[str] = field(default_factory=list)

    def count(self, kind: str) -> int:
        return sum(text.startswith(kind) for text in self.complaints)


def torment(victim: Victim, tally: Tally, kills: int, *, seed: int = 0) -> Iterator[Tally]:
    """Kill a program at moments drawn evenly from how long it takes undisturbed; let it come to its end in between.

    Every other time, once it has been killed thrice, it is left alone until it has finished. Gives the tally after
    each, until it has been killed as often as asked, and has come to its end.
    """
    chance = np.random.default_rng([seed, tally.kills])
    usual = finish(victim, tally)
    since_end = 0
    while tally.kills < kills:
        if since_end > 2 and chance.random() < 0.5:
            finish(victim, tally)
            since_end = 0
        process = start(victim, tally)
        begun = time.monotonic()
        moment = chance.uniform(0, usual)
        while process.poll() is None and time.monotonic() - begun < moment:
            time.sleep(0.002)
        if process.poll() is None:
            children = _descendants(process.pid)
            process.send_signal(signal.SIGKILL)
            tally.kills, since_end = tally.kills + 1, since_end + 1
            process.communicate()
            tally.complaints += [f"left over: process {child}" for child in _still_running(children)]
            tally.complaints += victim.after_kill()
        else:
            _ended(victim, process, tally)
            since_end = 0
        yield tally
    finish(victim, tally)
    yield tally


def start(victim: Victim, tally: Tally) -> subprocess.Popen[str]:
    tally.starts += 1
    return victim.start()


def finish(victim: Victim, tally: Tally) -> float:
    """Let it come to its end; the seconds that it took."""
    process, begun = start(victim, tally), time.monotonic()
    if isinstance(victim, Studio):
        deadline = begun + 120
        while any(job["state"] not in ("done", "failed") for job in victim.ask("api/jobs")):
            if time.monotonic() > deadline:
                tally.complaints.append("lost: jobs are not worked on")
                break
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
    process.wait(600)
    seconds = time.monotonic() - begun
    _ended(victim, process, tally)
    return seconds


def _ended(victim: Victim, process: subprocess.Popen[str], tally: Tally) -> None:
    _, said = process.communicate()
    tally.ends += 1
    if process.returncode or "Traceback" in said:
        tally.complaints.append(f"damaged: it ended with {process.returncode}: {said[-300:]}")
    tally.complaints += victim.after_end()


def _descendants(process: int) -> list[int]:
    try:
        direct = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return []
    return [number for child in map(int, direct) for number in (child, *_descendants(child))]


def _still_running(processes: Sequence[int]) -> list[int]:
    """Those that go on working half a minute after their master has gone: a process that is just beginning notices
    when it has read its modules, which a busy machine can make slow."""
    deadline = time.monotonic() + 30
    alive = list(processes)
    while alive and time.monotonic() < deadline:
        alive = [process for process in alive if _is_running(process)]
        time.sleep(0.02)
    return alive


def _is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def kill_table(tallies: dict[str, Tally]) -> dict[str, object]:
    machine = describe_machine()
    rows = [[name, tally.kills, tally.ends, *(tally.count(kind) for kind in KINDS)] for name, tally in tallies.items()]
    total = ["all", *(sum(int(row[column]) for row in rows) for column in range(1, 6))]
    return {
        "columns": ["what", "kills", "came to its end", "damaged", "lost", "left over"],
        "rows": [*rows, total],
        "notes": [f"Measured by `benchmarks/faults.py` on {describe_device('cpu')}."],
        "complaints": {name: tally.complaints for name, tally in tallies.items()},
        "machine": machine,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", choices=[*SHARES, "places", []], help="all of them when not given")
    parser.add_argument("--kills", type=int, default=100, help="how many, in total")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--again", action="store_true", help="do not go on with what docs/results/faults.json tells")
    options = parser.parse_args()
    chosen = options.what or [*SHARES, "places"]
    tallies = {} if options.again else _earlier()
    for name in (name for name in SHARES if name in chosen):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            victim: Victim = VICTIMS[name](Path(folder))
            wanted = round(SHARES[name] * options.kills)
            before = tallies.get(name, Tally())
            for tally in torment(victim, before, wanted, seed=options.seed) if before.kills < wanted else ():
                tallies[name] = tally
                save_result("faults", kill_table({name: tallies[name] for name in SHARES if name in tallies}))
    if "places" in chosen:
        with tempfile.TemporaryDirectory() as folder:
            tried = [try_place(place, Path(folder)) for place in PLACES]
        lines = {"columns": ["what", "status", "what is told", "left behind"], "rows": [row for row in tried if row]}
        save_result("fault-lines", lines)
        print(as_markdown(lines))
    if tallies:
        print(as_markdown(kill_table(tallies)))


def _earlier() -> dict[str, Tally]:
    """What was measured before, to go on with."""
    file = RESULTS / "faults.json"
    if not file.is_file():
        return {}
    result = json.loads(file.read_text(encoding="utf-8"))
    return {
        row[0]: Tally(kills=row[1], ends=row[2], complaints=result["complaints"][row[0]])
        for row in result["rows"]
        if row[0] in SHARES
    }


if __name__ == "__main__":
    main()
