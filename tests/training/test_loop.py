"""Training: it learns, it resumes exactly, and its result lifts."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from flowlift.datasets.mocap import stature  # noqa: E402
from flowlift.demo import walk  # noqa: E402
from flowlift.errors import InputError, ModelError  # noqa: E402
from flowlift.models.weights import load_network  # noqa: E402
from flowlift.network import LiftNetwork, NetworkConfig  # noqa: E402
from flowlift.training.loop import TrainingConfig, config_as_dict, learning_rate, load_poses, train  # noqa: E402

SMALL = NetworkConfig(encoder_width=64, encoder_blocks=1, head_width=48, head_blocks=1)
CONFIG = TrainingConfig(samples=64 * 12, batch=64, warmup=2, network=SMALL)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    xyz = np.asarray(walk(np.arange(0, 6, 0.1)))
    xyz = ((xyz - xyz[:, :1]) / stature(xyz - xyz[:, :1])[:, None, None]).astype(np.float32)
    file = tmp_path_factory.mktemp("bank") / "bank.npz"
    np.savez(file, train=xyz[:50], val=xyz[50:])
    return file


def averaged(folder):
    return torch.load(folder / "checkpoint.pt", weights_only=True)["averaged"]


def test_a_run_that_was_cut_goes_on_to_the_same_weights(data, tmp_path):
    # Within the warm-up the schedule does not depend on the length of the run.
    flat = replace(CONFIG, warmup=10**6)
    one, two = tmp_path / "one", tmp_path / "two"
    train(flat, data, one)
    train(replace(flat, samples=64 * 5), data, two)
    train(flat, data, two)
    for name, value in averaged(one).items():
        assert torch.equal(value, averaged(two)[name]), name
    assert (one / "log.csv").read_text().count("\n") == 2


def test_the_loss_falls(data, tmp_path):
    config = replace(CONFIG, samples=64 * 150, learning_rate=3e-3)
    early = train(replace(config, samples=64 * 2), data, tmp_path / "early")
    late = train(config, data, tmp_path / "late")

    def held_out(folder):
        return float((folder / "log.csv").read_text().splitlines()[-1].split(",")[-1])

    assert held_out(late) < 0.8 * held_out(early)


def test_the_learning_rate_rises_then_falls_to_zero():
    config = TrainingConfig(samples=512 * 1000, batch=512, warmup=100, learning_rate=1.0)
    rates = [learning_rate(config, step) for step in range(1001)]
    assert rates[0] == pytest.approx(0.01)
    assert max(rates) == pytest.approx(1.0)
    assert rates.index(max(rates)) in (99, 100)
    assert all(a >= b for a, b in pairwise(rates[100:]))
    assert rates[-1] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.slow
def test_a_run_is_published_as_a_model_that_lifts(data, tmp_path):
    from flowlift import Lifter
    from flowlift.demo import synthesize
    from flowlift.training.publish import publish

    run = train(CONFIG, data, tmp_path / "run")
    (run / "config.json").write_text(json.dumps(config_as_dict(CONFIG)))
    publish(run, data, tmp_path / "model", name="tiny")
    clip = synthesize(seed=0, seconds=0.5)
    poses = Lifter.load(tmp_path / "model")(clip.keypoints, camera=clip.camera)
    assert np.isfinite(poses.xyz).any()
    assert poses.provenance["model"] == "tiny"
    network = load_network(tmp_path / "model")
    assert isinstance(network, LiftNetwork)
    (tmp_path / "model" / "weights.safetensors").write_bytes(b"junk")
    with pytest.raises(ModelError, match="weights"):
        load_network(tmp_path / "model")


def test_data_that_is_no_bank_is_refused(tmp_path):
    (tmp_path / "bad.npz").write_bytes(b"junk")
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    for name in ("bad.npz", "other.npz", "absent.npz"):
        with pytest.raises(InputError, match=name):
            load_poses(tmp_path / name)
