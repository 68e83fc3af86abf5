"""Where models are: those of the package, those that the user imported, and any folder."""

import os
import re
import sys
from pathlib import Path

from flowlift.errors import ModelError
from flowlift.models.card import CARD, Model, read_card
from flowlift.models.packed import open_packed

PACKAGED = Path(__file__).parent
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def models_folder() -> Path:
    """Where imported models are kept: FLOWLIFT_MODELS, else the platform's place for a user's data."""
    if chosen := os.environ.get("FLOWLIFT_MODELS"):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "flowlift" / "models"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "flowlift" / "models"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "flowlift" / "models"


def packaged_models() -> tuple[str, ...]:
    """Names of the models that come with the package."""
    return _names(PACKAGED)


def registered_models() -> tuple[str, ...]:
    """Names of the models that the user imported. One that has a packaged model's name is never found."""
    return tuple(name for name in _names(models_folder()) if name not in packaged_models())


def find_model(name_or_path: str | Path) -> Model:
    """A packaged model by name, else an imported one, else a model's folder or file. Raises ModelError."""
    name = str(name_or_path)
    if name in packaged_models():
        return read_card(PACKAGED / name)
    if name in registered_models():
        return read_card(models_folder() / name)
    if Path(name_or_path).is_file():
        return open_packed(Path(name_or_path))
    if not (Path(name_or_path) / CARD).is_file():
        imported = ", ".join(registered_models()) or "none"
        raise ModelError(
            f"no model {name!r}: packaged are {', '.join(packaged_models()) or 'none'}; imported are {imported}; "
            f"or give a folder with a {CARD}, or a .flowlift file"
        )
    return read_card(Path(name_or_path))


def check_name(name: str) -> None:
    """Raises ModelError for what cannot be a model's name."""
    if not _NAME.fullmatch(name):
        raise ModelError(f"a model cannot be called {name!r}: up to 64 letters, digits, dots, dashes and underscores")


def place_for(name: str) -> Path:
    """The folder that an imported model of this name has. Raises ModelError for a name that cannot be used."""
    check_name(name)
    if name in packaged_models():
        raise ModelError(f"a model called {name!r} comes with the package; choose another name")
    return models_folder() / name


def _names(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(file.parent.name for file in folder.glob(f"*/{CARD}") if _NAME.fullmatch(file.parent.name)))
