"""Places and times at which nothing can be written, found or fetched: what flowlift says then, and what it leaves."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kills import PROGRAM, left_over
from PIL import Image

import flowlift
from flowlift.demo import synthesize

FAULTY = Path(__file__).parent / "faulty"
UNREACHABLE = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")


@dataclass(frozen=True)
class Place:
    """A command that cannot succeed. `limit`: run in the process before it begins; `needs`: a mount for `there`, or
    a package. `expected`: exit statuses."""

    what: str
    arguments: Sequence[str]
    mount: str = ""
    limit: Callable[[], None] | None = None
    needs: str = ""
    faulty: bool = False
    offline: bool = False
    expected: tuple[int, ...] = (2,)


def _small_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


LIFT = ("lift", "walk.npz", "--format", "npz", "--format", "html", "-o")
MANY = ("lift", "clips/*.npz", "-o")
PLACES = (
    Place("a full disk: lift", (*LIFT, "there/out/"), mount="size=64k"),
    Place("a full disk: many clips", (*MANY, "there/out/"), mount="size=64k"),
    Place("a full disk: models export", ("models", "export", "human-fast", "-o", "there/model"), mount="size=64k"),
    Place("a full disk: train", ("train", "run.toml", "-o", "there/run"), mount="size=64k", needs="torch"),
    Place("files cannot grow: lift", (*LIFT, "out/"), limit=_small_files),
    Place("a place that is read-only: lift", (*LIFT, "there/out/"), mount="ro"),
    Place("a place that is read-only: many clips", (*MANY, "there/out/"), mount="ro"),
    Place("a place that is read-only: train", ("train", "run.toml", "-o", "there/run"), mount="ro", needs="torch"),
    Place("a detector that crashes", ("lift", "crash", "-o", "out/", "--jobs", "1"), faulty=True),
    Place("a detector that hangs", ("lift", "hang", "-o", "out/", "--timeout", "4"), faulty=True),
    Place("a detector that takes all memory", ("lift", "memory", "-o", "out/", "--jobs", "1"), faulty=True),
    Place(
        "no network for a download",
        ("lift", "image.png", "-o", "out/", "--detector", "rtmlib"),
        offline=True,
        needs="rtmlib",
    ),
)


def try_place(place: Place, folder: Path) -> list[object] | None:
    """What, exit status, the line that is told, and how many files are left behind; None where it cannot be tried."""
    from kills import Train

    if place.needs and not _is_there(place.needs):
        return None
    here = folder / "".join(letter for letter in place.what if letter.isalnum())
    here.mkdir()
    Train(here)  # its configuration and its bank
    flowlift.save(synthesize(seconds=4).keypoints, here / "walk.npz")
    (here / "clips").mkdir()
    for name in ("a", "b"):
        flowlift.save(synthesize(seconds=4).keypoints, here / "clips" / f"{name}.npz")
    for name, brightness in (("crash", 10), ("hang", 30), ("memory", 40)):
        (here / name).mkdir()
        Image.new("RGB", (64, 48), (brightness,) * 3).save(here / name / "0.png")
    Image.new("RGB", (64, 48)).save(here / "image.png")
    if place.mount and not _mount(here / "there", place.mount):
        return None
    try:
        return _row(place, here)
    finally:
        if place.mount:
            subprocess.run(["umount", here / "there"], check=False, capture_output=True)


def _row(place: Place, here: Path) -> list[object]:
    (here / "tmp").mkdir()
    environment = {**os.environ, "TMPDIR": str(here / "tmp"), "FLOWLIFT_CACHE": str(here / "cache")}
    if place.faulty:
        environment["PYTHONPATH"] = f"{FAULTY}{os.pathsep}{environment.get('PYTHONPATH', '')}"
    if place.offline:
        environment |= UNREACHABLE
    before = _files(here)
    done = subprocess.run(
        [*PROGRAM, *place.arguments],
        cwd=here,
        env=environment,
        preexec_fn=place.limit,
        capture_output=True,
        text=True,
        timeout=250,
    )
    told = [line.replace(str(here), "...").removeprefix("flowlift: ") for line in done.stderr.splitlines()]
    # A run's folder and a manifest are meant to be there, and tell how far it came.
    left = sorted(name for name in _files(here) - before if not name.startswith("there/run/") and "_m" not in name)
    return [place.what, done.returncode, " / ".join(f"`{line}`" for line in told), len([*left, *left_over(here)])]


def _files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def _mount(folder: Path, options: str) -> bool:
    """A file system of its own in memory, which only root can have."""
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False)
    return done.returncode == 0


def _is_there(package: str) -> bool:
    return subprocess.run([sys.executable, "-c", f"import {package}"], capture_output=True, check=False).returncode == 0
