"""`flowlift compare`: two results, or a result and the truth."""

import json
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def compare(
    first: str,
    second: str,
    /,
    *,
    output: Annotated[str | None, Parameter(name=["--output", "-o"])] = None,
    person: int = 0,
    other_person: int | None = None,
    offset: float | None = None,
    sync: Annotated[bool, Parameter(negative="")] = False,
    turn: bool | None = None,
) -> None:
    """How far two results are apart, or a result from the truth: joints, angles, and whether the uncertainty holds.

    Frames are matched by their times (the second is interpolated), joints by their names, relative to the middle of the
    hips, or of the joints that both know. MPJPE is the mean distance of joints, N-MPJPE after the best scale of each
    frame, P-MPJPE after the best rotation, scale and shift. The second counts as the truth.

    Parameters
    ----------
    first
        3D poses: what `flowlift lift` wrote, or TRC or C3D.
    second
        Others, or the truth.
    output
        Also write the figures to this JSON file.
    person
        Whom to compare (0 is the first), in both.
    other_person
        Whom to compare in the second, where that is another number; of a second of one person it is that one.
    offset
        Seconds to add to the second's times.
    sync
        Find the offset, up to 5 s either way.
    turn
        Turn the second by the one rotation that fits the whole clip best: its axes are its own. By default where it
        comes without a camera, as TRC and C3D do.
    """
    from flowlift.cli.outputs import check_writable, names_folder
    from flowlift.clips import load_poses
    from flowlift.errors import InputError, OutputError
    from flowlift.evaluation.comparing import bring_together, find_offset, partner
    from flowlift.evaluation.comparing_report import summary_of, tables
    from flowlift.io.atomic import written_whole

    if sync and offset is not None:
        raise InputError("--sync finds the offset that --offset gives; take one of them")
    if output is not None:
        if names_folder(output):
            raise OutputError(f"{output}: the figures go to one file; name it, such as {Path(output) / 'figures.json'}")
        check_writable(Path(output), [first, second])
    a, b = load_poses(first), load_poses(second)
    people = (person, partner(b, person, other_person))
    shift = find_offset(a, b, people=people) if sync else offset or 0.0
    summary = summary_of(bring_together(a, b, people=people, offset=shift, turn=turn))
    if output is not None:
        with written_whole(Path(output)) as beside:
            beside.write_text(
                json.dumps({"first": first, "second": second, **summary}, indent=1) + "\n", encoding="utf-8"
            )
    print(tables(summary), end="")
