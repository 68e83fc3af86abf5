"""`flowlift lift`: inputs in, files out."""

from dataclasses import asdict
from typing import Annotated

from cyclopts import Parameter

from flowlift.cli.options import CameraOptions, InputOptions, LiveOptions, ManyOptions, ModelOptions
from flowlift.errors import InputError

_MODEL, _CAMERA, _INPUT = ModelOptions(), CameraOptions(), InputOptions()
_MANY, _LIVE = ManyOptions(), LiveOptions()


def lift(
    inputs: list[str],
    /,
    *,
    output: Annotated[str | None, Parameter(name=["--output", "-o"])] = None,
    format: Annotated[list[str] | None, Parameter(negative="")] = None,
    model: ModelOptions = _MODEL,
    camera: CameraOptions = _CAMERA,
    clip: InputOptions = _INPUT,
    many: ManyOptions = _MANY,
    live: LiveOptions = _LIVE,
    overlay: str | None = None,
    quiet: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """3D poses from videos, images, a camera or 2D keypoint files.

    Parameters
    ----------
    inputs
        Videos, images, folders of images, camera numbers (0 is the first), or 2D keypoint files and folders; also
        patterns in quotes, such as "clips/**/*.mp4", whose folders the results keep.
    output
        A file whose suffix says the format (.npz .csv .json .html .trc .c3d .bvh .glb .parquet .nc .h5 .dlc.csv
        .rrd), or a folder: then each input gives NAME.npz, NAME.csv and NAME.html. For several inputs also an
        address such as s3://bucket/folder.
    format
        What a folder gets instead of these (bvh, dlc.csv, ...; more than once for several), or what a file is,
        whatever its suffix.
    overlay
        Also a video with the result drawn onto it (.mp4 .mov .mkv), or a folder: then each input gives NAME.mp4.
    quiet
        No progress bar, no list of what was written.
    """
    from flowlift.cli.jobs import run_job
    from flowlift.cli.many import is_many, run_many
    from flowlift.cli.outputs import plan_jobs

    settings = {**asdict(model), **asdict(camera), **asdict(clip), "image_size": _size(clip.image_size)}
    settings["model"] = model.model or ("human-fast" if live.live else "human")
    if live.live:
        from flowlift.cli.live import run_live

        if many != _MANY:
            raise InputError("--jobs, --timeout, --again and --engine are for many clips: not with --live")
        return run_live(inputs, output, format or (), settings, live, overlay=overlay, quiet=quiet)
    if live != _LIVE:
        raise InputError("--host, --port, --token and --open are for --live")
    if output is None:
        raise InputError("--output (-o) is missing: a file (poses.trc, ...) or a folder (out/) for the result")
    output = output.removeprefix("file://")
    jobs = plan_jobs(inputs, output, format or (), overlay, beside=[camera.camera, clip.mapping])
    if is_many(jobs, inputs, output, many):
        return run_many(jobs, output, settings, many, quiet=quiet)
    run_job(jobs[0], settings, quiet=quiet)
    return 0


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    from flowlift.io.hints import size_in_words

    try:
        return size_in_words(text)
    except InputError as error:
        raise InputError(f"--image-size: {error}") from error
