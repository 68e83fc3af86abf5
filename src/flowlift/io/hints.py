"""What a user may say of a file that does not say it itself."""

from dataclasses import dataclass

from flowlift.errors import InputError
from flowlift.skeleton import Skeleton


@dataclass(frozen=True)
class Hints:
    """`fps`: frames per second. `image_size`: (width, height) px. `clip`: the name of a clip inside the file."""

    skeleton: Skeleton | None = None
    fps: float | None = None
    image_size: tuple[int, int] | None = None
    clip: str | None = None

    def __post_init__(self) -> None:
        if self.image_size is not None and min(self.image_size) <= 0:
            raise InputError(f"the image size must be positive, got {self.image_size[0]} x {self.image_size[1]}")
        if self.fps is not None and not 0 < self.fps < float("inf"):
            raise InputError(f"the frame rate must be a positive number, got {self.fps}")
