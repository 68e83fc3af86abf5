"""Model folders that appear whole or not at all."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flowlift.errors import OutputError
from flowlift.models.card import Model
from flowlift.temporary import remove_stale, sync_file, sync_names, temporary_name


@contextmanager
def made_whole(target: Path) -> Iterator[Path]:
    """A folder to write to that takes the place of `target` when the block ends; gone when it fails, or on Ctrl-C.

    What was there is replaced. Raises OutputError when the place cannot be written.
    """
    beside = target.with_name(temporary_name())
    try:
        remove_stale(target.parent)
        _bring_back(target)
        beside.mkdir(parents=True)
        yield beside
        for file in (file for file in beside.rglob("*") if file.is_file()):
            sync_file(file)
        _exchange(beside, target)
    except OSError as error:
        raise OutputError(f"{target}: cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _exchange(new: Path, target: Path) -> None:
    """Put `new` in the target's place; the old one comes back where that fails."""
    old = _set_aside(target)
    if target.exists():
        target.rename(old)
    try:
        new.rename(target)
    except OSError:
        _bring_back(target)
        raise
    sync_names(target.parent)
    shutil.rmtree(old, ignore_errors=True)


def _set_aside(target: Path) -> Path:
    """Where a folder waits while another takes its place: no file system exchanges two at once."""
    return target.with_name(f".{target.name}.old")


def _bring_back(target: Path) -> None:
    """After an exchange that broke off, whenever that was: the old folder where there is no new one."""
    old = _set_aside(target)
    if target.exists():
        shutil.rmtree(old, ignore_errors=True)
    elif old.exists():
        old.rename(target)


def export_model(model: Model, target: Path) -> None:
    """Copy a model's files into a folder, which can then be named by its path.

    Raises OutputError where the folder is there already and not empty, or cannot be written.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise OutputError(f"{target}: is there already; choose another folder")
    with made_whole(target) as folder:
        copy_files(model, folder)


def copy_files(model: Model, folder: Path) -> None:
    """Copy a model's files into a folder that is there."""
    for file in model.folder.iterdir():
        if file.is_file():
            shutil.copyfile(file, folder / file.name)
