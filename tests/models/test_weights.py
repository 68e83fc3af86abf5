"""Every kind of network as files: what is read back, and what both engines make of it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from flowlift import Keypoints2D, Lifter  # noqa: E402
from flowlift.cores import Cores  # noqa: E402
from flowlift.errors import MissingExtraError, ModelError  # noqa: E402
from flowlift.models import Model, read_card  # noqa: E402
from flowlift.models.weights import export_onnx, has_graphs, load_network, save_weights  # noqa: E402
from flowlift.networks import make_network  # noqa: E402
from flowlift.runtime import Engine, OnnxEngine, TorchEngine, load_engine  # noqa: E402
from flowlift.skeletons import HUMAN36M17  # noqa: E402

SMALL = {
    "velocity": {"width": 16, "blocks": 1, "hidden": 24},
    "two-part": {"encoder_width": 32, "head_width": 32},
    "simple": {"width": 32},
    "normalizing-flow": {"width": 16, "blocks": 1, "backbone_hidden": 24, "transforms": 2, "hidden": 16, "context": 8},
}
METHODS = {"velocity": "flow", "two-part": "flow", "simple": "diffusion", "normalizing-flow": "normalizing-flow"}


def make(kind: str, folder: Path, *, method: str | None = None) -> Model:
    """A model of random weights, trained statistics included."""
    if kind == "normalizing-flow":
        pytest.importorskip("zuko")
    torch.manual_seed(0)
    network = make_network(kind, SMALL[kind], HUMAN36M17)
    for part in network.modules():
        if isinstance(part, torch.nn.BatchNorm1d):
            part.running_mean.normal_()
            part.running_var.uniform_(0.5, 70000.0)
    card = {
        "format": "flowlift-model-1",
        "name": kind,
        "version": "0",
        "skeleton": "human36m17",
        "steps": 2,
        "stature": 0.86,
        "conditioning": "canonical" if kind == "two-part" else "screen",
        "method": method or METHODS[kind],
        "network": {"kind": kind, **SMALL[kind]},
    }
    (folder / "model.json").write_text(json.dumps(card))
    save_weights(network, folder)
    export_onnx(network, folder)
    return read_card(folder)


def said(engine: Engine, seen: np.ndarray, x: np.ndarray, t: float = 0.3) -> np.ndarray:
    return engine.take(engine.velocity(engine.encode(engine.put(seen)), engine.put(x), t))


@pytest.mark.parametrize("kind", SMALL)
def test_weights_come_back(tmp_path, kind):
    model = make(kind, tmp_path)
    torch.manual_seed(1)  # what is drawn where a network is made must not matter
    one, other = load_network(model).state_dict(), load_network(tmp_path).state_dict()
    torch.manual_seed(0)
    made = make_network(kind, SMALL[kind], HUMAN36M17).state_dict()
    for name, value in made.items():
        assert torch.equal(one[name], other[name])
        assert one[name].dtype == value.dtype
        if "running" not in name:
            torch.testing.assert_close(one[name], value, rtol=1e-3 if kind == "two-part" else 0, atol=1e-6)
    assert not load_network(model).training


@pytest.mark.parametrize("kind", ["velocity", "simple", "two-part"])
def test_engines_agree_for_any_number_of_views_and_hypotheses(tmp_path, kind):
    model = make(kind, tmp_path)
    engines = OnnxEngine(model), TorchEngine(model, "cpu")
    generator = np.random.default_rng(0)
    for views, hypotheses in ((1, 1), (2, 5), (7, 1)):
        shape = (views, 69) if kind == "two-part" else (views, 17, 2)
        seen = generator.uniform(-1, 1, shape).astype(np.float32)
        x = generator.standard_normal((views, hypotheses, 17, 3)).astype(np.float32)
        one, other = (
            engine.take(engine.velocity(engine.encode(engine.put(seen)), engine.put(x), 0.3)) for engine in engines
        )
        assert one.shape == x.shape
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=3e-6)


@pytest.mark.parametrize("kind", ["velocity", "simple", "two-part"])
@pytest.mark.parametrize("make_engine", [OnnxEngine, lambda model: TorchEngine(model, "cpu")], ids=["onnx", "torch"])
def test_pieces_change_nothing(tmp_path, monkeypatch, kind, make_engine):
    model = make(kind, tmp_path)
    whole, pieces = make_engine(model), make_engine(model)
    for name, value in (("_piece", 3), ("_most", 3), ("_least", 2), ("cores", Cores(2))):
        if hasattr(pieces, name):
            monkeypatch.setattr(pieces, name, value)
    generator = np.random.default_rng(0)
    seen = generator.uniform(-1, 1, (5, 69) if kind == "two-part" else (5, 17, 2)).astype(np.float32)
    x = generator.standard_normal((5, 7, 17, 3)).astype(np.float32)
    np.testing.assert_allclose(said(pieces, seen, x), said(whole, seen, x), rtol=1e-5, atol=3e-6)


@pytest.mark.parametrize("word", ["bf16", "fp16"])
@pytest.mark.parametrize("kind", ["velocity", "two-part"])
def test_half_precision_is_nearly_the_same_network(tmp_path, kind, word):
    model = make(kind, tmp_path)
    generator = np.random.default_rng(0)
    seen = generator.uniform(-1, 1, (4, 69) if kind == "two-part" else (4, 17, 2)).astype(np.float32)
    x = generator.standard_normal((4, 3, 17, 3)).astype(np.float32)
    engine = load_engine(model, f"torch+{word}")
    assert engine.name.endswith(f" on cpu {word}")
    found, exact = said(engine, seen, x), said(load_engine(model, "torch"), seen, x)
    error = np.sqrt(((found - exact) ** 2).mean()) / exact.std()
    assert 1e-6 < error < 0.02


def test_a_network_that_torch_cannot_compile_is_told(tmp_path, monkeypatch):
    def no_compiler(function, mode):
        def fail(*_):
            raise RuntimeError("no C++ compiler\nat all")

        return fail

    monkeypatch.setattr(torch, "compile", no_compiler)
    engine = load_engine(make("velocity", tmp_path), "torch+compile")
    with pytest.raises(ModelError, match=r"compile the network \(no C\+\+ compiler\); leave out \+compile"):
        said(engine, np.zeros((1, 17, 2), np.float32), np.zeros((1, 1, 17, 3), np.float32))


@pytest.mark.parametrize("kind", ["velocity", "simple", "two-part"])
def test_openvino_is_the_same_network(tmp_path, kind):
    pytest.importorskip("openvino")
    model = make(kind, tmp_path)
    exact, engine, half = (load_engine(model, device) for device in ("cpu", "openvino", "openvino+bf16"))
    generator = np.random.default_rng(0)
    for views in (3, 40, 1, 50):
        seen = generator.uniform(-1, 1, (views, 69) if kind == "two-part" else (views, 17, 2)).astype(np.float32)
        x = generator.standard_normal((views, 9, 17, 3)).astype(np.float32)
        expected = said(exact, seen, x)
        np.testing.assert_allclose(
            said(engine, seen, x), expected, rtol=1e-4, atol=2e-3 if kind == "two-part" else 1e-5
        )
        assert np.sqrt(((said(half, seen, x) - expected) ** 2).mean()) / expected.std() < 0.03
    assert engine.name.startswith("openvino 2")
    assert half.name == f"{engine.name} bf16"


def test_ctrl_c_still_works_when_openvino_engines_have_gone(tmp_path):
    pytest.importorskip("openvino")
    make("velocity", tmp_path)
    program = """
import gc, os, signal, sys, time
from flowlift.models import find_model
from flowlift.runtime import load_engine

signal.signal(signal.SIGINT, signal.default_int_handler)
model = find_model(sys.argv[1])
engines = [load_engine(model, "openvino") for _ in range(3)]
while engines:
    engines.pop(0)
    gc.collect()
try:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(5)
except KeyboardInterrupt:
    print("interrupted")
"""
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, "interrupted\n"), ended.stderr


def test_openvino_says_what_it_cannot_load(tmp_path):
    pytest.importorskip("openvino")
    model = make("velocity", tmp_path)
    (tmp_path / "velocity.onnx").unlink()
    with pytest.raises(ModelError, match="graph is missing"):
        load_engine(model, "openvino")


def test_openvino_that_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingExtraError, match=r"flowlift\[openvino\]"):
        load_engine(make("velocity", tmp_path), "openvino")


@pytest.mark.parametrize(
    "device", ["cuda+int3", "torch+bf16+fp16", "cpu+", "torch+", "openvino+fp16", "onnx-cuda+bf16"]
)
def test_words_that_mean_nothing_are_refused(tmp_path, device):
    with pytest.raises(ModelError, match=r"^the device '.+': behind \+ come"):
        load_engine(make("velocity", tmp_path), device)


def test_a_gpu_without_the_runtime_for_it_is_refused(tmp_path):
    with pytest.raises(ModelError, match="pip install onnxruntime-gpu"):
        load_engine(make("velocity", tmp_path), "onnx-cuda")


@pytest.mark.parametrize("kind", ["velocity", "simple", "two-part"])
def test_graphs_hold_no_weights_of_their_own(tmp_path, kind):
    model = make(kind, tmp_path)
    onnx = pytest.importorskip("onnx")
    for graph in tmp_path.glob("*.onnx"):
        parts = onnx.load(str(graph), load_external_data=False).graph.initializer
        shared = [part for part in parts if part.data_location == onnx.TensorProto.EXTERNAL]
        assert shared
        assert {entry.value for part in shared for entry in part.external_data if entry.key == "location"} == {
            "weights.safetensors"
        }
    # They are the weights: a graph without its file, or with another's, does not load or does not give the same.
    seen = np.ones((1, 69) if kind == "two-part" else (1, 17, 2), dtype=np.float32)
    x = np.ones((1, 1, 17, 3), dtype=np.float32)

    def says():
        engine = OnnxEngine(model)
        return said(engine, seen, x)

    before = says()
    weights = tmp_path / "weights.safetensors"
    data = bytearray(weights.read_bytes())
    start = 8 + int.from_bytes(data[:8], "little")
    data[start:] = bytes(len(data) - start)
    weights.write_bytes(bytes(data))
    assert not np.allclose(says(), before)
    weights.unlink()
    with pytest.raises(ModelError, match="cannot load it"):
        says()


@pytest.mark.parametrize("kind", SMALL)
def test_every_kind_lifts(tmp_path, kind):
    make(kind, tmp_path)
    lifter = Lifter.load(tmp_path)
    generator = np.random.default_rng(0)
    xy = generator.uniform(100, 400, (2, 1, 17, 2)).astype(np.float32)
    poses = lifter(Keypoints2D(xy, np.ones((2, 1, 17), dtype=np.float32), HUMAN36M17, (500, 500)), hypotheses=3)
    assert np.isfinite(poses.xyz).all()
    assert poses.provenance["method"] == METHODS[kind]


def test_regression_knows_one_answer(tmp_path):
    make("simple", tmp_path, method="regression")
    xy = np.random.default_rng(0).uniform(100, 400, (1, 1, 17, 2)).astype(np.float32)
    keypoints = Keypoints2D(xy, np.ones((1, 1, 17), dtype=np.float32), HUMAN36M17, (500, 500))
    one = Lifter.load(tmp_path)(keypoints, hypotheses=6, keep_hypotheses=True)
    np.testing.assert_array_equal(one.hypotheses[:, :, 0], one.hypotheses[:, :, 2])
    np.testing.assert_array_equal(one.xyz, Lifter.load(tmp_path)(keypoints, hypotheses=6, seed=5).xyz)
    assert (one.std[..., 1:, :] > 0).all()


def test_a_normalizing_flow_needs_torch_and_says_so(tmp_path, monkeypatch):
    model = make("normalizing-flow", tmp_path)
    assert not has_graphs(load_network(model))
    assert "torch" in load_engine(model).name
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"a normalizing flow, needs .*flowlift\[train\]"):
        load_engine(model)


def test_weights_that_do_not_fit_are_told(tmp_path):
    model = make("velocity", tmp_path)
    card = json.loads((tmp_path / "model.json").read_text())
    for network, expected in (
        ({"kind": "velocity", "width": 32, "blocks": 1}, "weights.safetensors"),
        ({"kind": "velocity", "depth": 3}, r"model\.json.*depth"),
        ({"kind": "velocity", "width": "wide"}, r"model\.json.*whole number"),
    ):
        (tmp_path / "model.json").write_text(json.dumps({**card, "network": network}))
        with pytest.raises(ModelError, match=expected):
            load_network(tmp_path)
    (model.folder / "weights.safetensors").write_bytes(b"\x00" * 40)
    with pytest.raises(ModelError, match=r"weights\.safetensors"):
        load_network(model)
    (model.folder / "velocity.onnx").write_bytes(b"\x00" * 40)
    with pytest.raises(ModelError, match=r"velocity\.onnx"):
        OnnxEngine(model)
    (model.folder / "velocity.onnx").unlink()
    with pytest.raises(ModelError, match=r"velocity\.onnx.*missing"):
        OnnxEngine(model)


@pytest.mark.parametrize("where", ["../secret.bin", "/etc/hostname"])
def test_a_graph_that_reaches_out_of_its_folder_is_refused(tmp_path, where):
    onnx = pytest.importorskip("onnx")
    (tmp_path / "secret.bin").write_bytes(bytes(1 << 20))
    (tmp_path / "model").mkdir()
    model = make("two-part", tmp_path / "model")
    graph = onnx.load(str(tmp_path / "model" / "velocity.onnx"), load_external_data=False)
    for part in graph.graph.initializer:
        for entry in part.external_data:
            if entry.key == "location":
                entry.value = where
    (tmp_path / "model" / "velocity.onnx").write_bytes(graph.SerializeToString())
    with pytest.raises(ModelError, match="takes weights from"):
        OnnxEngine(model)
