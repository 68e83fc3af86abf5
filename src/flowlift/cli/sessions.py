"""3D recordings on the command line: what must be said of them, and what is told of what was read."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from cyclopts import Parameter

from flowlift.errors import InputError
from flowlift.io.atomic import made_folder
from flowlift.skeleton import is_skeleton_file


@Parameter(name="*", group="Recordings")
@dataclass(frozen=True, kw_only=True)
class SessionOptions:
    """What is known of 3D recordings."""

    skeleton: str | None = None
    """The recordings' joints: a TOML file (flowlift skeleton new), or a built-in skeleton's name."""
    held_out: Annotated[tuple[str, ...], Parameter(name="--held-out", consume_multiple=True, negative="")] = ()
    """Sessions, by a part of their names, that choose the epoch; of several, the last one when not given. Files of one
    name are told apart by their folders (A/save_data_AVG). A single session is cut into stretches of time."""
    unit: str | None = None
    """Unit of files that do not say: m, dm, cm or mm. It is told with the body's length, and checked."""
    up: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None
    """The axis that points up: x, y, z, -x, -y or -z; of several files, that of those whose format does not say. When
    not given, TRC's is y, and others' is not known: the model learns views with any side up, which is harder."""
    calibration: Path | None = None
    """The recordings' own cameras (anipose or Pose2Sim TOML, translations in the recordings' unit)."""


def skeleton_setting(name: str | None) -> str | None:
    """The skeleton as a run's configuration names it: a file by its whole path."""
    return str(Path(name).resolve()) if name is not None and is_skeleton_file(name) else name


def refuse(options: SessionOptions, *names: str, why: str) -> None:
    """Raises InputError for options of these names that were given where there is no use for them, and says why."""
    for name in names:
        if getattr(options, name):
            raise InputError(f"--{name.replace('_', '-')} {why}")


def build_sessions(
    paths: list[Path],
    options: SessionOptions,
    output: Path,
    *,
    quiet: bool,
    check: Callable[[Path], None] | None = None,
) -> None:
    """Make recordings a bank, and tell what mapped to what. Raises InputError, OutputError.

    `check` is called with the bank in another place, before it takes `output`'s; where it raises, nothing is changed.
    """
    from flowlift.datasets import session_rig
    from flowlift.datasets.session import in_words, read_sessions
    from flowlift.datasets.session_bank import bank_of_sessions, save_session_bank
    from flowlift.skeleton import Skeleton

    skeleton = Skeleton.named_or_loaded(options.skeleton or "")
    sessions = read_sessions(paths, skeleton, unit=options.unit, up=options.up)
    cameras = None if options.calibration is None else session_rig.read_cameras(options.calibration)
    bank = bank_of_sessions(sessions, skeleton, held_out=options.held_out, cameras=cameras)
    if check is not None:
        with TemporaryDirectory() as folder:
            save_session_bank(bank, Path(folder) / output.name)
            check(Path(folder) / output.name)
    made_folder(output.parent)
    save_session_bank(bank, output)
    if not quiet:
        for session, rig in zip_longest(sessions, bank.rigs):
            print("\n".join(in_words(session, skeleton)))
            if rig is not None:
                print(f"  {session_rig.in_words(rig)}")
        kept = sum(int(which[each.usable].sum()) for each, which in zip(sessions, bank.split.test, strict=True))
        print(
            f"{output}: {len(bank.train.xyz):,} poses to train on, {len(bank.val.xyz):,} choose the epoch, "
            f"{kept:,} frames are left for a test"
        )
