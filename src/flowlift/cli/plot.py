"""`flowlift plot`: a result as curves."""

import sys
from pathlib import Path
from typing import Annotated

import numpy as np
from cyclopts import Parameter

from flowlift.containers import Poses3D
from flowlift.errors import InputError
from flowlift.view.plots import Reference, check_plot, write_plot


def plot(
    result: str,
    /,
    *,
    output: Annotated[str, Parameter(name=["--output", "-o"])],
    person: int = 0,
    joints: str | None = None,
    reference: str | None = None,
    other_person: int | None = None,
    offset: float | None = None,
    quiet: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Joint angles and the paths of joints over time, with bands that hold 90 %.

    Parameters
    ----------
    result
        3D poses: what `flowlift lift` wrote, or TRC or C3D.
    output
        The figure (.png .svg .pdf).
    person
        Whom to show (0 is the first).
    joints
        Joints whose paths to show, such as left_wrist,right_ankle; wrists and ankles where not given.
    reference
        The truth, as poses: its angles are drawn dashed, and how often the regions hold it is shown.
    other_person
        Whom to show of the reference, where that is another number; of a reference of one person it is that one.
    offset
        Seconds to add to the reference's times.
    quiet
        Do not name the file that was written.
    """
    from flowlift.cli.outputs import check_writable
    from flowlift.clips import load_poses

    if other_person is not None and reference is None:
        raise InputError("--other-person is somebody of the reference; give one with --reference")
    if offset is not None and reference is None:
        raise InputError("--offset moves the reference; give one with --reference")
    path = Path(output)
    check_plot(path)
    check_writable(path, [result] if reference is None else [result, reference])
    poses = load_poses(result)
    held_against = None
    if reference is not None:
        held_against = _reference(poses, load_poses(reference), person, other_person, offset or 0.0)
    names = None if joints is None else [name.strip() for name in joints.split(",") if name.strip()]
    write_plot(poses, path, person=person, joints=names, reference=held_against)
    if sys.stdout.isatty() and not quiet:
        print(path)


def _reference(poses: Poses3D, truth: Poses3D, person: int, other: int | None, offset: float) -> Reference:
    """The truth of one person as the plot wants it: at the times of the poses, NaN where it is not known."""
    from flowlift.evaluation.comparing import LEVELS, angle_errors, bring_together, held, partner

    pair = bring_together(poses, truth, people=(person, partner(truth, person, other)), offset=offset)
    angles = angle_errors(pair)
    times = np.asarray(poses.frame_times, dtype=np.float64)
    compared = np.isin(times, pair.times)
    degrees = {}
    if angles is not None:
        whole = np.full((len(times), len(angles.names)), np.nan)
        whole[compared] = angles.b
        degrees = dict(zip(angles.names, whole.T, strict=True))
    return Reference(times, degrees, LEVELS, held(pair))
