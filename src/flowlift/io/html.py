"""The viewer's page, as one of the formats that are written."""

from pathlib import Path

from flowlift.containers import Keypoints2D, Poses3D
from flowlift.errors import FlowliftError, OutputError
from flowlift.io.atomic import unwritable


def write(obj: Keypoints2D | Poses3D, path: Path) -> None:
    """Write the page. Raises OutputError for 2D keypoints, poses without a frame, or an unwritable place."""
    from flowlift.view.html import write_html

    if not isinstance(obj, Poses3D):
        raise OutputError(f"{path}: the page shows 3D poses; 2D keypoints go to .npz, .json or .csv")
    with unwritable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        write_html(obj, path, title=path.stem)
    except OutputError:
        raise
    except FlowliftError as error:
        raise OutputError(f"{path}: {error}") from error
