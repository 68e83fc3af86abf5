"""Still images, one or a folder of them, as frames."""

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps, UnidentifiedImageError

from flowlift.errors import InputError
from flowlift.io.frames import Frame

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif")


@dataclass(frozen=True)
class ImageSource:
    """Images in the order of their names, numbers counted as numbers (img2 before img10); one a second."""

    files: tuple[Path, ...]
    image_size: tuple[int, int]
    name: str
    fps: float | None = None

    @property
    def frame_count(self) -> int | None:
        return len(self.files)

    def __iter__(self) -> Iterator[Frame]:
        for index, file in enumerate(self.files):
            image = read_image(file)
            if (image.shape[1], image.shape[0]) != self.image_size:
                raise InputError(
                    f"{file}: {image.shape[1]} x {image.shape[0]} pixels, but the images before it have "
                    f"{self.image_size[0]} x {self.image_size[1]}; lift images of another size apart"
                )
            yield Frame(index, float(index), image)


def open_images(path: Path) -> ImageSource:
    """One image, or all images of a folder. Raises InputError for none, or for a file that is no image."""
    if path.is_dir():
        files = tuple(sorted((f for f in path.iterdir() if f.suffix.lower() in SUFFIXES), key=_natural))
        if not files:
            raise InputError(f"{path}: the folder holds no images ({' '.join(SUFFIXES)}) and no keypoint files")
    else:
        files = (path,)
    first = read_image(files[0])
    return ImageSource(files, (first.shape[1], first.shape[0]), path.resolve().stem)


def read_image(file: Path) -> UInt8[np.ndarray, "height width 3"]:
    """RGB pixels, turned upright as the camera noted. Raises InputError when the file is no image."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file) as image:
                upright = ImageOps.exif_transpose(image)
                return np.asarray(_to_8_bit(upright).convert("RGB"))
    except UnidentifiedImageError as error:
        raise InputError(f"{file}: not an image that can be read, or damaged") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(f"{file}: too large an image: {error}") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"{file}: cannot read the image: {error}") from error


def _to_8_bit(image: Image.Image) -> Image.Image:
    """16-bit grey, scaled; Pillow itself would clip it."""
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image).astype(np.float64)
    return Image.fromarray((values / 257).clip(0, 255).astype(np.uint8))


def _natural(file: Path) -> list[tuple[int, int, str]]:
    parts = re.split(r"(\d+)", file.name.lower())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]
