"""`flowlift data`: captures and recordings become a bank of poses to train on; a look at what is in it."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from flowlift.cli.progress import progress_bar
from flowlift.cli.sessions import SessionOptions, build_sessions, refuse
from flowlift.errors import InputError, OutputError

_SESSIONS = SessionOptions()
MOST_ROWS = 50
"""More make a picture that nobody looks at, and that takes gigabytes to draw."""

data = App(
    name="data",
    help="Poses to train on, from motion capture or 3D recordings; and pictures of them.",
    help_format="plaintext",
)


@data.command
def build(
    captures: list[Path],
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    recordings: SessionOptions = _SESSIONS,
    drawn: int | None = None,
    quiet: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Collect poses into a bank to train on: flowlift train human --data BANK.

    Of people's motion capture, the distinct poses: trials that stand in two conversions are read once; T-poses and
    broken frames are dropped; some subjects and clips are held out. With --skeleton, of 3D recordings of that skeleton:
    flowlift train --skeleton FILE --data BANK. Of a folder of animated animals (.glb files of known rigs), distinct
    poses on Animal3D's joints, and those of animals that are drawn at random: flowlift train animal --data BANK. The
    same input gives the same bytes.

    Parameters
    ----------
    captures
        A folder, or an archive of one (.tar.xz): CMU's captures as BVH (per-subject, generic or iClone skeletons) and
        as Acclaim ASF/AMC. With --skeleton, recordings: anipose or DeepLabCut CSV, h5 (DeepLabCut, SLEAP, DANNCE),
        .mat (DANNCE), TRC, C3D, npz. Or a folder of .glb files.
    output
        The bank, a .npz.
    drawn
        So many animals that nobody animated, beside animated ones (150): of any proportions, standing, running,
        sitting, lying.
    quiet
        No progress, no account of what was read.
    """
    from flowlift.cli.outputs import check_writable
    from flowlift.datasets.animal_bank import holds_animals
    from flowlift.datasets.recording import SUFFIXES

    if output.suffix.lower() != ".npz" or output.is_dir():
        raise OutputError(f"{output}: a bank is a file that ends in .npz")
    check_writable(output, list(map(str, captures)))
    if recordings.skeleton is None:
        refuse(recordings, "unit", "up", "calibration", why="is told of 3D recordings, which need --skeleton")
    animated = recordings.skeleton is None and len(captures) == 1 and holds_animals(captures[0])
    if drawn is not None and (drawn < 0 or not animated):
        raise InputError(f"--drawn {drawn}: how many drawn animals go beside a folder of animated ones (.glb files)")
    if recordings.skeleton is not None:
        build_sessions(captures, recordings, output, quiet=quiet)
    elif len(captures) > 1:
        raise InputError("motion capture is one folder or archive; 3D recordings need --skeleton")
    elif captures[0].is_file() and captures[0].suffix.lower() in SUFFIXES:
        raise InputError(f"{captures[0]}: a 3D recording; --skeleton FILE tells its joints (flowlift skeleton new)")
    elif animated:
        _build_animals(captures[0], recordings.held_out, drawn, output, quiet=quiet)
    else:
        refuse(recordings, "held_out", why="is not for motion capture, of which the same subjects are always held out")
        _build_mocap(captures[0], output, quiet=quiet)


def _build_animals(folder: Path, held_out: tuple[str, ...], drawn: int | None, output: Path, *, quiet: bool) -> None:
    from flowlift.datasets.animal_bank import DRAWN, build_animal_bank, in_words, save_animal_bank

    bank = build_animal_bank(folder, held_out=held_out, drawn=DRAWN if drawn is None else drawn)
    save_animal_bank(bank, output)
    if not quiet:
        for line in in_words(bank):
            print(line)
        print(f"{output}: {len(bank.train):,} poses to train on, {len(bank.val):,} held out")


def _build_mocap(captures: Path, output: Path, *, quiet: bool) -> None:
    from flowlift.datasets.mocap_bank import bank_of, read_clips
    from flowlift.datasets.mocap_bank_file import save_bank
    from flowlift.datasets.mocap_words import in_words

    with progress_bar("reading", quiet=quiet) as report:
        captured = read_clips(captures, progress=report)
    with progress_bar("distinct poses", quiet=quiet) as report:
        bank = bank_of(captured, progress=report)
    if not len(bank.train.xyz):
        raise InputError(f"{captures}: every clip there is one that is held out: nothing is left to train on")
    save_bank(bank, output)
    if not quiet:
        for line in in_words(bank):
            print(line)
        print(f"{output}: {len(bank.train.xyz):,} poses to train on, {len(bank.val.xyz):,} held out")


@data.command
def show(
    bank: Path,
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    rows: int = 3,
) -> None:
    """Draw poses of a bank from the front and the side: are they upright, are left and right where they belong?

    Of people, of animated animals, and of 3D recordings (from the side and from above).

    Parameters
    ----------
    bank
        What flowlift data build wrote.
    output
        A folder for train.png and val.png.
    rows
        Rows of poses for each source, 50 at most; they are spread evenly over it.
    """
    from flowlift.datasets.animal_bank import load_animal_bank
    from flowlift.datasets.animal_pictures import animal_pictures
    from flowlift.datasets.mocap_bank_file import load_bank
    from flowlift.datasets.mocap_pictures import bank_pictures
    from flowlift.datasets.session_pictures import session_pictures
    from flowlift.io.atomic import written_whole

    if not 1 <= rows <= MOST_ROWS:
        raise InputError(f"--rows must be 1 to {MOST_ROWS}, got {rows}")
    pictures = session_pictures(bank, rows=rows)
    if pictures is None:
        animals = load_animal_bank(bank)
        pictures = bank_pictures(load_bank(bank), rows=rows) if animals is None else animal_pictures(animals, rows=rows)
    for name, picture in pictures.items():
        path = output / f"{name}.png"
        with written_whole(path) as part:
            picture.save(part)
        print(path)
