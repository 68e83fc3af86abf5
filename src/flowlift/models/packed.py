"""A model in one file: a zip of its folder, NAME.flowlift. Nothing in it is executed; only known names are read."""

import shutil
import tempfile
import weakref
import zipfile
from collections.abc import Callable
from pathlib import Path

from flowlift.damage import refused_if_damaged
from flowlift.errors import ModelError, OutputError
from flowlift.models.card import CARD, SKELETON, Model, read_card
from flowlift.temporary import remove_stale, sync_file, temporary_name

SUFFIX = ".flowlift"

LARGEST = {
    CARD: 2**20,
    "card.md": 2**20,
    SKELETON: 2**20,
    "weights.safetensors": 2**30,
    "encoder.onnx": 2**30,
    "velocity.onnx": 2**30,
}
"""What a model consists of, and how many bytes of each are read at most."""
_TOGETHER = 2**31
_DATED = (1980, 1, 1, 0, 0, 0)


def pack_model(model: Model, path: Path) -> None:
    """Write a model's files into one; the same model gives the same bytes. Raises OutputError."""
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; a model in one file ends in {SUFFIX}")
    beside = path.with_name(temporary_name())
    remove_stale(path.parent)
    try:
        with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in (model.folder / name for name in LARGEST):
                if file.is_file():
                    entry = zipfile.ZipInfo(file.name, _DATED)
                    entry.external_attr = 0o644 << 16
                    archive.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED)
        sync_file(beside)
        beside.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        beside.unlink(missing_ok=True)


def open_packed(path: Path) -> Model:
    """The model in a file, unpacked to a folder that is gone with the model. Raises ModelError.

    Members are read by the names that a model has, into files that are made here: no path, link or size in the archive
    is believed.
    """
    remove_stale(Path(tempfile.gettempdir()))
    folder = Path(tempfile.gettempdir()) / temporary_name()
    folder.mkdir(mode=0o700)
    try:
        with refused_if_damaged(f"{path}: cannot be read as a model", ModelError):
            _unpack(path, folder)
        model = read_card(folder)
    except ModelError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise ModelError(str(error).replace(str(folder), str(path))) from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    weakref.finalize(model, shutil.rmtree, folder, ignore_errors=True)
    return model


def _unpack(path: Path, folder: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        strange = [name for name in names if name not in LARGEST]
        if strange:
            raise ModelError(f"{path}: no model: it holds {strange[0]!r}, and a model is {', '.join(LARGEST)}")
        if len(set(names)) != len(names):
            raise ModelError(f"{path}: no model: it holds a file twice")
        if CARD not in names:
            raise ModelError(f"{path}: no model: it holds no {CARD}")
        left = _TOGETHER
        for name in names:
            with archive.open(name) as source, (folder / name).open("wb") as target:
                left -= _copied(source.read, target.write, min(left, LARGEST[name]), f"{path}: {name}")


def _copied(read: Callable[[int], bytes], write: Callable[[bytes], int], most: int, what: str) -> int:
    """Copy a stream, counting what truly comes. Raises ModelError where it is too much."""
    count = 0
    while block := read(2**20):
        count += len(block)
        if count > most:
            raise ModelError(f"{what} is larger than {most:,} bytes")
        write(block)
    return count
