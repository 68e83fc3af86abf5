"""`flowlift lift`: inputs in, files out."""

from dataclasses import asdict
from typing import Annotated

from cyclopts import Parameter

from flowlift.cli.options import CameraOptions, InputOptions, LiveOptions, ModelOptions
from flowlift.cli.report import BAD_INPUT, complain
from flowlift.errors import FlowliftError, InputError

_MODEL, _CAMERA, _INPUT, _LIVE = ModelOptions(), CameraOptions(), InputOptions(), LiveOptions()


def lift(
    inputs: list[str],
    /,
    *,
    output: Annotated[str | None, Parameter(name=["--output", "-o"])] = None,
    format: Annotated[list[str] | None, Parameter(negative="")] = None,
    model: ModelOptions = _MODEL,
    camera: CameraOptions = _CAMERA,
    clip: InputOptions = _INPUT,
    live: LiveOptions = _LIVE,
    overlay: str | None = None,
    quiet: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """3D poses from videos, images, a camera or 2D keypoint files.

    Parameters
    ----------
    inputs
        Videos, images, folders of images, camera numbers (0 is the first), or 2D keypoint files and folders.
    output
        A file whose suffix says the format (.npz .csv .json .html .trc .c3d .bvh .glb .parquet .nc .h5 .dlc.csv
        .rrd), or a folder: then each input gives NAME.npz, NAME.csv and NAME.html.
    format
        What a folder gets instead of these (bvh, dlc.csv, ...; more than once for several), or what a file is,
        whatever its suffix.
    overlay
        Also a video with the result drawn onto it (.mp4 .mov .mkv), or a folder: then each input gives NAME.mp4.
    quiet
        No progress bar, no list of what was written.
    """
    from flowlift.cli.jobs import run_job
    from flowlift.cli.outputs import plan_jobs

    settings = {**asdict(model), **asdict(camera), **asdict(clip), "image_size": _size(clip.image_size)}
    settings["model"] = model.model or ("human-fast" if live.live else "human")
    if live.live:
        from flowlift.cli.live import run_live

        return run_live(inputs, output, format or (), settings, live, overlay=overlay, quiet=quiet)
    if output is None:
        raise InputError("--output (-o) is missing: a file (poses.trc, ...) or a folder (out/) for the result")
    jobs = plan_jobs(inputs, output, format or (), overlay)
    status = 0
    for job in jobs:
        try:
            run_job(job, settings, quiet=quiet)
        except FlowliftError as error:
            if len(jobs) == 1:
                raise
            complain("error", error)  # the other inputs are worth their results
            status = BAD_INPUT
    return status


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise InputError(f"--image-size: expected WIDTHxHEIGHT in pixels, such as 1920x1080, got {text!r}")
    return int(width), int(height)
