"""Keypoints and poses as DeepLabCut's table: columns (scorer[, individual], bodypart, coordinate)."""

import numpy as np
from jaxtyping import Float32

from flowlift.containers import Keypoints2D, Poses3D
from flowlift.io.positions import camera_frame

SCORER = "flowlift"


def table_of(obj: Keypoints2D | Poses3D) -> tuple[dict[str, list[str]], Float32[np.ndarray, "frame column"]]:
    """The header's levels by name, one cell a column, and the columns.

    Poses: x, y, z in metres, camera frame, from the camera (from the root joint where the root is unknown), as
    DeepLabCut's 3D files have the frame of their first camera. Keypoints: x, y in px and likelihood. One person: no
    level of individuals.
    """
    if isinstance(obj, Poses3D):
        coordinates, values = ["x", "y", "z"], camera_frame(obj)
    else:
        coordinates = ["x", "y", "likelihood"]
        values = np.concatenate([obj.xy, obj.score[..., None]], axis=-1)
    joints, people = obj.skeleton.joints, [f"person{person}" for person in range(obj.people)]
    cells = [(person, joint, coordinate) for person in people for joint in joints for coordinate in coordinates]
    levels = {
        "scorer": [SCORER] * len(cells),
        "individuals": [person for person, _, _ in cells],
        "bodyparts": [joint for _, joint, _ in cells],
        "coords": [coordinate for _, _, coordinate in cells],
    }
    if obj.people == 1:
        del levels["individuals"]
    return levels, values.reshape(len(obj), len(cells))
