"""A folder for imported models that is the test's own, and a checkpoint to import."""

from pathlib import Path

import pytest


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where imported models go; it does not exist yet."""
    folder = tmp_path / "kept" / "models"
    monkeypatch.setenv("FLOWLIFT_MODELS", str(folder))
    return folder


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A small checkpoint of a person's network."""
    pytest.importorskip("torch")
    from .checkpoints import save_checkpoint

    return save_checkpoint(tmp_path / "person.pth")
