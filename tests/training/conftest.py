"""Small networks train fastest on one thread; a small bank."""

import numpy as np
import pytest

from flowlift.datasets.mocap import stature
from flowlift.demo import walk


@pytest.fixture(scope="session")
def bank(tmp_path_factory):
    xyz = np.asarray(walk(np.arange(0, 6, 0.1)))
    xyz = ((xyz - xyz[:, :1]) / stature(xyz - xyz[:, :1])[:, None, None]).astype(np.float32)
    file = tmp_path_factory.mktemp("bank") / "bank.npz"
    np.savez(file, train=xyz[:50], val=xyz[50:])
    return file


@pytest.fixture(autouse=True)
def _one_thread():
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def few_steps(monkeypatch):
    """Starts that cover are hardly learned: for tests of what is done with them."""
    monkeypatch.setattr("flowlift.training.covering.STEPS", 10)
