"""Still images, one or a folder of them, as frames."""

import math
import mimetypes
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps, UnidentifiedImageError

from flowlift.damage import DAMAGE, in_one_line
from flowlift.errors import InputError
from flowlift.io.frames import Frame
from flowlift.io.numbering import last_number
from flowlift.plain_numbers import check_rate

STILLS = (".png", ".jpg", ".jpeg", ".jfif", ".bmp", ".tif", ".tiff", ".webp", ".avif", ".ppm", ".pgm")
"""Suffixes of image files. One TIFF, PNG, WebP or AVIF may hold several pages, which are frames."""
_IN_FOLDERS = (*STILLS, ".gif")
_UNREAD = (".heic", ".heif")
"""Suffixes of photos that are not read: a folder that holds some is not whole without them."""
_SAME = 1e-6
"""Of a frame: times that are so close are the same."""
_PAGED = ("TIFF", "PNG", "WEBP", "GIF", "AVIF")  # not MPO: a photo with another one, for some other use, behind it


@dataclass(frozen=True)
class ImageSource:
    """Images in the order of their names, numbers counted as numbers (img2 before img10); one a second without fps.

    `pages`: images in each file; `wanted`: numbers of those that are given out.
    """

    files: tuple[Path, ...]
    pages: tuple[int, ...]
    image_size: tuple[int, int]
    name: str
    wanted: range
    fps: float | None = None

    @property
    def frame_count(self) -> int:
        return len(self.wanted)

    def __iter__(self) -> Iterator[Frame]:
        after = 0
        for file, pages in zip(self.files, self.pages, strict=True):
            before, after = after, after + pages
            if after <= self.wanted.start or before >= self.wanted.stop:
                continue
            for number, image in enumerate(_pages(file), before):
                _check_size(file, (image.shape[1], image.shape[0]), self.image_size)
                if number in self.wanted:
                    yield Frame(number - self.wanted.start, number / (self.fps or 1.0), image)


def open_images(path: Path, *, fps: float | None = None, start: float = 0.0, end: float = math.inf) -> ImageSource:
    """One image (or all pages of one), or all images of a folder, whose sizes must agree; with `fps` those of start <=
    time < end, seconds.

    Raises InputError for none, for a file that is no image, and for one of another size than the first.
    """
    files = images_in(path) if path.is_dir() else (path,)
    if not files:
        videos = any((mimetypes.guess_type(file.name)[0] or "").startswith("video/") for file in path.iterdir())
        advice = f"; its videos are given as a pattern in quotes, such as '{path}/*.*'" if videos else ""
        raise InputError(f"{path}: the folder holds no images ({' '.join(_IN_FOLDERS)}) and no keypoint files{advice}")
    check_rate(fps)
    if path.is_dir():
        _warn_of_gaps(path, files, fps)
    height, width, _ = read_image(files[0]).shape
    pages = []
    for file in files:
        # The head only, before hours of work; which side is up, and the rest, shows when the frames are read.
        with _reading(file):
            image = Image.open(file)
        with image:
            pages.append(_page_count(file, image))
            if sorted(image.size) != sorted((width, height)):
                _check_size(file, image.size, (width, height))
    total, rate = sum(pages), fps or 1.0
    first, last = (math.ceil(min(at * rate, total) - _SAME) for at in (start, end))
    if first >= last:
        raise InputError(f"{path}: no image lies between start and end; the last one is at {(total - 1) / rate:g} s")
    return ImageSource(files, tuple(pages), (width, height), path.resolve().stem, range(first, last), fps)


def read_image(file: Path) -> UInt8[np.ndarray, "height width 3"]:
    """RGB pixels, turned upright as the camera noted. Raises InputError when the file is no image."""
    return next(_pages(file))


def images_in(folder: Path) -> tuple[Path, ...]:
    """Images of a folder in the order of their frames."""
    found = (f for f in folder.iterdir() if f.suffix.lower() in _IN_FOLDERS and not f.name.startswith("."))
    return tuple(sorted((f for f in found if f.is_file()), key=lambda file: (_natural(file), file.name)))


def _warn_of_gaps(folder: Path, files: tuple[Path, ...], fps: float | None) -> None:
    """Tell what a folder's clip lacks: photos that are not read, and, where images are a clip, numbers left out."""
    unread = sorted(file.name for file in folder.iterdir() if file.suffix.lower() in _UNREAD)
    if unread:
        _warn(f"{folder}: {unread[0]} and the like ({len(unread)}) are passed over; save them as JPEG or PNG")
    numbers = [last_number(file.stem) for file in files]
    steps = [later - sooner for sooner, later in pairwise(numbers)]
    if fps is None or not steps or min(steps) < 1 or max(steps) == min(steps):
        return
    if all(step % min(steps) == 0 for step in steps):
        jump = next(place for place, step in enumerate(steps) if step > min(steps))
        _warn(
            f"{folder}: numbers are left out, first between {files[jump].name} and {files[jump + 1].name}; "
            f"the images are taken to follow one another all the same, {fps:g} in a second"
        )


def _warn(text: str) -> None:
    warnings.warn(text, UserWarning, stacklevel=4)


def _pages(file: Path) -> Iterator[UInt8[np.ndarray, "height width 3"]]:
    with _reading(file):
        image = Image.open(file)
    with image:
        for page in range(_page_count(file, image)):
            with _reading(file):
                image.seek(page)
                pixels = np.asarray(_to_8_bit(ImageOps.exif_transpose(image)).convert("RGB"))
            yield pixels


def _page_count(file: Path, image: Image.Image) -> int:
    with _reading(file):
        return int(getattr(image, "n_frames", 1)) if image.format in _PAGED else 1


@contextmanager
def _reading(file: Path) -> Iterator[None]:
    """Say in one line what is wrong with a file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of 100 megapixels, which phones take, and of odd tags
            yield
    except UnidentifiedImageError as error:
        raise InputError(f"{file}: not an image that can be read, or damaged") from error
    except Image.DecompressionBombError as error:
        raise InputError(f"{file}: too large an image: {error}") from error
    except DAMAGE as error:
        raise InputError(f"{file}: cannot read the image: {in_one_line(error)}") from error


def _check_size(file: Path, size: tuple[int, int], wanted: tuple[int, int]) -> None:
    if size != wanted:
        raise InputError(
            f"{file}: {size[0]} x {size[1]} pixels, but the images before it have {wanted[0]} x {wanted[1]}; "
            f"lift images of another size apart"
        )


def _to_8_bit(image: Image.Image) -> Image.Image:
    """16-bit grey, scaled; Pillow itself would clip it."""
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image).astype(np.float64)
    return Image.fromarray((values / 257).clip(0, 255).astype(np.uint8))


def _natural(file: Path) -> list[tuple[int, int, str]]:
    parts = re.split(r"(\d+)", file.name.lower())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]
