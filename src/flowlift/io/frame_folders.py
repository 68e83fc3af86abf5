"""Folders that are one clip: a file for each frame."""

from pathlib import Path

from flowlift.io import openpose
from flowlift.io.images import images_in


def frames_of(folder: Path) -> frozenset[Path]:
    """The files that are frames of a folder, by OpenPose or images; none where it is no clip."""
    return frozenset(openpose.frames_in(folder) or images_in(folder))
