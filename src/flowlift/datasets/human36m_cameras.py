"""Human3.6M's cameras, from a JSON file that is written once from the published tables.

The data set's npz files do not hold them. The file looks like this, with a list of four cameras, in the order 54138969,
55011271, 58860488, 60457274, for each subject that is used:

    {
      "intrinsics": "pixels",
      "subjects": {
        "S9": [
          {
            "id": "54138969",
            "orientation": [w, x, y, z],
            "translation": [x, y, z],
            "focal_length": [fx, fy],
            "center": [cx, cy],
            "radial_distortion": [k1, k2, k3],
            "tangential_distortion": [p1, p2],
            "res_w": 1000,
            "res_h": 1002
          },
          ...
        ],
        ...
      }
    }

- `orientation` and `translation` (mm) place the camera in the world: X_camera = R(orientation)^-1 (X_world -
  translation).
- `intrinsics` says what focal_length and center are, and must be there: "pixels" as published, or "normalised", in
  halves of the image's width from its centre, as VideoPose3D keeps them: f = f_px / (w / 2), c = (c_px - (w, h) / 2) /
  (w / 2).
- `id` may be left out; where it stands, the order is checked by it.

The distortion is read as OpenCV's. VideoPose3D's `gt` keypoints were projected with a tangential part of another form:
with the published values they lie within 0.4 px of this projection in the middle 40 % of the image, 1.7 px in a corner.
"""

from pathlib import Path
from typing import Any

import numpy as np

from flowlift.camera import Camera
from flowlift.datasets.checked import member, numbers, sequence, table
from flowlift.datasets.rotations import quaternion_to_matrix
from flowlift.errors import InputError
from flowlift.io import json_file

CAMERAS = ("54138969", "55011271", "58860488", "60457274")
"""The four cameras, in the order of every list of them."""

_INTRINSICS = ("pixels", "normalised")
_MILLIMETRE = 1e-3


def read_cameras(path: Path, subject: str) -> tuple[Camera, ...]:
    """A subject's four cameras, with distortion, and with pose in the capture's world (metres).

    Raises InputError where the file cannot be read, or anything in it is missing or of the wrong shape.
    """
    try:
        content = json_file.parse(path)
    except OSError as error:
        raise InputError(f"{path}: cannot read the cameras: {error.strerror or error}") from error
    intrinsics = member(content, "intrinsics", str(path))
    if intrinsics not in _INTRINSICS:
        raise InputError(f"{path}: intrinsics must be one of {', '.join(_INTRINSICS)}, got {intrinsics!r}")
    where = f"{path}: subjects"
    four = sequence(member(member(content, "subjects", str(path)), subject, where), len(CAMERAS), f"{where}: {subject}")
    return tuple(
        _camera(each, name, f"{where}: {subject}: camera {name}", in_pixels=intrinsics == "pixels")
        for each, name in zip(four, CAMERAS, strict=True)
    )


def _camera(given: Any, name: str, where: str, *, in_pixels: bool) -> Camera:
    def of(key: str, *shape: int) -> Any:
        return numbers(member(given, key, where), shape, f"{where}: {key}")

    identity = table(given, where).get("id", name)
    if str(identity) != name:
        raise InputError(f"{where}: its id is {identity!r}; the order must be {', '.join(CAMERAS)}")
    size = np.array([of("res_w"), of("res_h")])
    focal, center = of("focal_length", 2), of("center", 2)
    if not in_pixels:
        focal, center = focal * size[0] / 2, (center * size[0] + size) / 2
    matrix = [[focal[0], 0, center[0]], [0, focal[1], center[1]], [0, 0, 1]]
    (k1, k2, k3), (p1, p2) = of("radial_distortion", 3), of("tangential_distortion", 2)
    orientation, translation = of("orientation", 4), of("translation", 3) * _MILLIMETRE
    try:
        turn = quaternion_to_matrix(orientation).T
        image_size = (int(size[0]), int(size[1]))
        return Camera.from_matrix(matrix, image_size, [k1, k2, p1, p2, k3], turn, -turn @ translation)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
