"""`flowlift overlay`: a result drawn onto its video."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def overlay(
    result: str,
    video: str,
    /,
    *,
    output: Annotated[str, Parameter(name=["--output", "-o"])],
    start: float | None = None,
    end: float | None = None,
    quiet: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Draw a result onto the video that it is from: 2D, 3D projected back, uncertainty.

    Frames are matched by their times, the sound comes along.

    Parameters
    ----------
    result
        3D poses, as `flowlift lift` wrote them (.npz or .json).
    video
        The video, or a folder of images.
    output
        The new video (.mp4 .mov .mkv).
    start
        Begin here, seconds.
    end
        Stop here, seconds.
    quiet
        No progress bar.
    """
    from flowlift.cli.outputs import check_writable
    from flowlift.cli.progress import progress_bar
    from flowlift.clips import load_poses, open_source
    from flowlift.errors import InputError
    from flowlift.view.overlay_video import write_overlay

    path = Path(output)
    check_writable(path, [result, video])
    poses = load_poses(result)
    if start is not None and not poses.timed:
        raise InputError(
            f"{result}: its poses do not tell when they were, so only from the video's beginning is it known "
            "which picture is which; leave --start out"
        )
    frames = open_source(video, start, end, poses.fps)
    with progress_bar(output, quiet=quiet) as report:
        write_overlay(frames, poses, path, report=report)
    if sys.stdout.isatty() and not quiet:
        print(path)
