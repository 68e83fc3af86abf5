"""The published network as a GPU evaluates it: the same function, whatever is folded into what."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from flowlift.models import find_model  # noqa: E402
from flowlift.runtime import load_engine  # noqa: E402

EXACT = {"float32": 5e-5, "float16": 3e-3}
"""Relative: float32 differs by its order of adding (of which the animals' norm over joints makes much: their time is
the same at every joint), float16 by its ten bits in some tens of operations."""
on_a_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU that torch can use")


def test_kernels_that_are_interpreted_give_the_network_s_answer():
    pytest.importorskip("triton")
    script = Path(__file__).parent / "interpreted.py"
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", script], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert len(told) == 12
    for what, error in told.items():
        assert error < EXACT[what.split()[1]], what


@pytest.mark.parametrize(
    ("settings", "fits"),
    [
        ({}, True),
        ({"block": "gcn"}, False),
        ({"block": "serial"}, False),
        ({"width": 96, "heads": 2}, False),
        ({"width": 64, "heads": 8}, False),
    ],
)
def test_only_networks_that_suit_the_kernels_are_put_together(settings, fits):
    pytest.importorskip("triton")
    from flowlift.cuda.fused_velocity import can_fuse
    from flowlift.networks import make_network
    from flowlift.skeletons import HUMAN36M17

    assert can_fuse(make_network("velocity", settings, HUMAN36M17)) is fits
    assert not can_fuse(make_network("two-part", {}, HUMAN36M17))


def test_where_kernels_cannot_be_made_the_network_is_as_it_was_and_that_is_told():
    pytest.importorskip("triton")
    from flowlift.cuda.fused_velocity import fused
    from flowlift.networks import make_network
    from flowlift.skeletons import HUMAN36M17

    network = make_network("velocity", {"width": 32, "heads": 2, "blocks": 1}, HUMAN36M17)  # on the CPU
    with pytest.warns(UserWarning, match=r"^published networks go slower: Triton makes no kernels here \(.+\)$"):
        assert fused(network, torch.float16) is None


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs that torch can use")
def test_the_second_gpu_answers_as_the_first(tmp_path):
    from flowlift.bench.published_size import write_published_size

    model = write_published_size(tmp_path)
    seen, x = np.zeros((1, 17, 2), np.float32), np.ones((1, 2, 17, 3), np.float32)
    said = []
    for device in ("cuda:0+fp16", "cuda:1+fp16"):
        engine = load_engine(model, device)
        said.append(engine.take(engine.velocity(engine.encode(engine.put(seen)), engine.put(x), 0.3)))
    np.testing.assert_allclose(said[1], said[0], atol=1e-2)


@on_a_gpu
@pytest.mark.parametrize(("device", "most"), [("cuda", 1e-4), ("cuda+fp16", 4e-3), ("cuda+bf16", 3e-2)])
@pytest.mark.parametrize("hypotheses", [1, 20, 41])
def test_a_gpu_evaluates_the_published_size_as_the_cpu_does(tmp_path, device, most, hypotheses):
    from flowlift.bench.published_size import write_published_size

    model = write_published_size(tmp_path)
    draw = np.random.default_rng(0)
    seen = draw.uniform(-1, 1, (3, 17, 2)).astype(np.float32)
    x = draw.standard_normal((3, hypotheses, 17, 3)).astype(np.float32)
    said = []
    for where in ("torch", device):
        engine = load_engine(model, where)
        said.append(engine.take(engine.velocity(engine.encode(engine.put(seen)), engine.put(x), 0.3)))
    assert np.linalg.norm(said[1] - said[0]) < most * np.linalg.norm(said[0])


@on_a_gpu
@pytest.mark.parametrize(("device", "most"), [("cuda", 1e-4), ("cuda+bf16", 2e-2)])
def test_a_gpu_lifts_as_the_cpu_does(device, most):
    from flowlift.demo import synthesize
    from flowlift.lifter import Lifter

    keypoints, model = synthesize(seconds=4.0, fps=30.0).keypoints, find_model("human")
    here, there = (
        Lifter(model, load_engine(model, where))(keypoints, hypotheses=20, keep_hypotheses=True, smooth="off")
        for where in ("torch", device)
    )
    for name in ("xyz", "root", "hypotheses"):
        one, other = getattr(here, name), getattr(there, name)
        assert np.linalg.norm(one - other) < most * np.linalg.norm(one), name
    np.testing.assert_allclose(there.cov, here.cov, atol=most * float(np.abs(here.cov).max()))
