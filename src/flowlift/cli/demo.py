"""`flowlift demo`: the whole way from keypoints to a page, on a clip whose truth is known."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from cyclopts import Parameter

from flowlift.containers import Poses3D
from flowlift.errors import InputError, OutputError

_MINUTES = 8.0
"""Of a synthetic animal's recording."""


def demo(
    *,
    output: Annotated[str | None, Parameter(name=["--output", "-o"])] = None,
    show: Annotated[bool, Parameter(name="--open", negative="--no-open")] = True,
    seed: int = 0,
    animal: Annotated[bool, Parameter(negative="")] = False,
    minutes: float | None = None,
) -> None:
    """Lift a clip that flowlift synthesises, and show the result.

    A walking figure's 2D keypoints, with noise and some hidden, are lifted by the packaged model. The page shows 2D
    beside 3D; the error against the figure's true pose is printed. With --animal nothing is lifted: it writes the files
    that docs/your-animal.md trains a model from.

    Parameters
    ----------
    output
        The page (.html), or a folder for it; demo.html when not given. With --animal a folder; animal when not given.
    show
        Open the page in the browser, when run in a terminal.
    seed
        Seed of the detector's errors and of the hypotheses; with --animal of the motion.
    animal
        Write a synthetic animal's recording instead: its skeleton (TOML), triangulated joints (CSV), the cameras'
        calibration (TOML), and what one of them saw later (2D, CSV).
    minutes
        How long that recording is; 8 when not given.
    """
    if seed < 0:
        raise InputError(f"seed must be 0 or larger, got {seed}")
    if animal:
        from flowlift.demo_animal_files import write_files

        seconds = 60 * (_MINUTES if minutes is None else minutes)
        for file in write_files(Path(output or "animal"), seed=seed, seconds=seconds):
            print(file)
        return
    if minutes is not None:
        raise InputError("--minutes is for the recording that --animal writes")
    from flowlift.cli.browser import open_page
    from flowlift.demo import synthesize
    from flowlift.lifter import Lifter
    from flowlift.view.html import write_html

    path = _page_path(output or "demo.html")
    clip = synthesize(seed=seed)
    poses = Lifter.load("human")(clip.keypoints, camera=clip.camera, seed=seed, keep_hypotheses=True)
    write_html(poses, path, title="flowlift demo: a walking figure, synthesised")
    print(_summary(measure(poses, clip.truth), len(poses)))
    print(path)
    if show and sys.stdout.isatty():
        open_page(path)


@dataclass(frozen=True)
class DemoErrors:
    """Mean errors against the truth over the lifted frames and all joints, mm."""

    mpjpe: float
    p_mpjpe: float
    frames: int


def measure(poses: Poses3D, truth: Poses3D) -> DemoErrors:
    """Errors over the frames in which somebody was seen. NaN where nobody was seen at all."""
    from flowlift.evaluation.metrics import mpjpe, p_mpjpe

    seen = ~np.isnan(poses.xyz).any(axis=(2, 3))
    if not seen.any():
        return DemoErrors(float("nan"), float("nan"), 0)
    found, known = poses.xyz[seen].astype(np.float64), truth.xyz[seen].astype(np.float64)
    return DemoErrors(1000 * float(mpjpe(found, known)), 1000 * float(p_mpjpe(found, known)), int(seen.sum()))


def _summary(errors: DemoErrors, frames: int) -> str:
    return (
        f"mean joint error against the known truth: {errors.mpjpe:.0f} mm (MPJPE), "
        f"{errors.p_mpjpe:.0f} mm after alignment (P-MPJPE); "
        f"{errors.frames} of {frames} frames, nobody is visible in the others"
    )


def _page_path(output: str) -> Path:
    """Where the page goes; its folder is made. Raises OutputError for another kind of file."""
    from flowlift.cli.outputs import names_folder

    path = Path(output)
    if names_folder(output) or not path.suffix:
        path = path / "demo.html"
    if path.suffix.lower() not in (".html", ".htm"):
        raise OutputError(f"{output}: the demo writes a page; name it with .html, or name a folder")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path.parent}: cannot make this folder: {error.strerror}") from error
    return path
