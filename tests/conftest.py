"""What every test shares: shape checks on each annotated array, hypothesis profiles, and the data outside the tree."""

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import jaxtyping
import numpy as np
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Before anything imports flowlift: annotations are checked in tests, and only there. An int will do for a float;
# jaxtyping decorates method by method, where beartype cannot know what Self is, so Self passes.
SELF = "beartype.FrozenDict({__import__('typing').Self: object})"
CHECKER = f"beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True, hint_overrides={SELF}))"
jaxtyping.install_import_hook("flowlift", CHECKER)

SHARED = Path(__file__).resolve().parents[2] / "shared"

hypothesis.settings.register_profile("dev", deadline=None, max_examples=50)
hypothesis.settings.register_profile("ci", deadline=None, max_examples=50, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data (videos, captures): FLOWLIFT_SHARED_DATA, else shared/data beside the repository."""
    folder = Path(os.environ.get("FLOWLIFT_SHARED_DATA", SHARED / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder} (set FLOWLIFT_SHARED_DATA to the folder that holds eval/ and samples/)")
    return folder


@pytest.fixture(scope="session")
def parity_folder() -> Path:
    """The folder of golden values: FLOWLIFT_PARITY, else shared/parity beside the repository."""
    folder = Path(os.environ.get("FLOWLIFT_PARITY", SHARED / "parity"))
    if not (folder / "functions.npz").is_file():
        pytest.skip(f"no golden values at {folder} (set FLOWLIFT_PARITY to the folder that holds functions.npz)")
    return folder


@pytest.fixture(scope="session")
def parity(parity_folder: Path) -> Mapping[str, np.ndarray]:
    """The golden arrays of functions.npz, by name; `parity_folder` holds the other files."""
    with np.load(parity_folder / "functions.npz", allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


@pytest.fixture(scope="module")  # not longer: its driver keeps an event loop running
def chromium() -> Iterator["Browser"]:
    """A headless Chromium; skipped where there is none, or nothing to drive it with."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no chromium on this machine (Debian: apt-get install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install 'flowlift[dev]'")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()
