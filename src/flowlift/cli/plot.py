"""`flowlift plot`: a result as curves."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from flowlift.containers import Poses3D
from flowlift.view.plots import Reference, check_plot, write_plot


def plot(
    result: str,
    /,
    *,
    output: Annotated[str, Parameter(name=["--output", "-o"])],
    person: int = 0,
    joints: str | None = None,
    reference: str | None = None,
    offset: float = 0.0,
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
    offset
        Seconds to add to the reference's times.
    quiet
        Do not name the file that was written.
    """
    from flowlift.cli.outputs import check_writable
    from flowlift.clips import load_poses

    path = Path(output)
    check_plot(path)
    check_writable(path, [result] if reference is None else [result, reference])
    poses = load_poses(result)
    held_against = None if reference is None else _reference(poses, load_poses(reference), person, offset)
    names = None if joints is None else [name.strip() for name in joints.split(",") if name.strip()]
    write_plot(poses, path, person=person, joints=names, reference=held_against)
    if sys.stdout.isatty() and not quiet:
        print(path)


def _reference(poses: Poses3D, truth: Poses3D, person: int, offset: float) -> Reference:
    """The truth of one person as the plot wants it."""
    from flowlift.evaluation.comparing import LEVELS, angle_errors, bring_together, held

    pair = bring_together(poses, truth, people=(person, min(person, truth.people - 1)), offset=offset)
    angles = angle_errors(pair)
    degrees = {} if angles is None else {name: angles.b[:, i] for i, name in enumerate(angles.names)}
    return Reference(pair.times, degrees, LEVELS, held(pair))
