"""The velocity network: the published values, rows that do not see each other, and checkpoints of any kind."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from flowlift.adjacency import adjacency  # noqa: E402
from flowlift.errors import ModelError  # noqa: E402
from flowlift.flow import integrate  # noqa: E402
from flowlift.network import VelocityConfig, VelocityNetwork, load_published  # noqa: E402
from flowlift.skeleton import Skeleton  # noqa: E402
from flowlift.skeletons import ANIMAL3D26, HUMAN36M17  # noqa: E402

SMALL = VelocityConfig(width=32, blocks=3, hidden=48)
STILL = {"mlp_dropout": 0.0, "attention_dropout": 0.0, "projection_dropout": 0.0, "path_dropout": 0.0}
PUBLISHED = {"humans": HUMAN36M17, "animals": ANIMAL3D26}
WIDTHS = {HUMAN36M17: 32, ANIMAL3D26: 64}
"""Small ones; where 2D and x_t have encoders of their own, time takes 32 of the channels."""


def make(config: VelocityConfig = SMALL, *, seed: int = 0) -> VelocityNetwork:
    """A network of random weights, ready to evaluate."""
    torch.manual_seed(seed)
    skeleton = HUMAN36M17 if config.joints == len(HUMAN36M17) else ANIMAL3D26
    return VelocityNetwork(config, torch.from_numpy(adjacency(skeleton))).eval()


def inputs(batch: int, *, joints: int = 17, seed: int = 1) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """2D joints, noisy poses and times."""
    draw = torch.Generator().manual_seed(seed)
    seen, x = (torch.randn(batch, joints, axes, generator=draw) for axes in (2, 3))
    return seen, x, torch.rand(batch, generator=draw)


def refusal(path: Path) -> str:
    """The one line that a checkpoint is refused with."""
    with pytest.raises(ModelError) as refused:
        load_published(path)
    assert str(path) in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1
    return str(refused.value)


# The published values.


@pytest.fixture(params=PUBLISHED)
def golden(request, parity_folder):
    """A published network, its golden arrays without the axis of frames, and its skeleton."""
    with np.load(parity_folder / f"{request.param}.npz", allow_pickle=False) as file:
        arrays = {name: torch.from_numpy(file[name]) for name in file.files}
    arrays = {name: array[:, 0] if array.ndim == 4 else array for name, array in arrays.items()}
    return load_published(parity_folder / f"{request.param}.pth"), arrays, PUBLISHED[request.param]


def sampled(network: VelocityNetwork, seen: torch.Tensor, x_0: torch.Tensor, steps: int) -> torch.Tensor:
    with torch.inference_mode():
        return integrate(lambda x, t: network(seen, x, torch.full((len(x),), t)), x_0, steps=steps)


def test_velocity_is_the_published_one(golden):
    network, arrays, _ = golden
    for mode in (torch.inference_mode, torch.enable_grad):
        with mode():
            found = network(arrays["pose_2d"], arrays["y_t"], arrays["t"][:, 0, 0])
        torch.testing.assert_close(found.detach(), arrays["velocity"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("steps", [1, 3, 5])
def test_euler_samples_are_the_published_ones(golden, steps):
    network, arrays, _ = golden
    found = sampled(network, arrays["pose_2d"], arrays["noise"], steps)
    torch.testing.assert_close(found, arrays[f"euler_S{steps}"], rtol=0, atol=1e-5)


def test_the_mean_with_the_mirrored_sample_is_the_published_one(golden):
    network, arrays, skeleton = golden
    mirror = list(skeleton.mirror)
    flipped = arrays["pose_2d"][:, mirror] * torch.tensor([-1.0, 1.0])
    straight = sampled(network, arrays["pose_2d"], arrays["noise"], 3)
    back = sampled(network, flipped, arrays["noise_flip"], 3)[:, mirror] * torch.tensor([-1.0, 1.0, 1.0])
    torch.testing.assert_close((straight + back) / 2, arrays["euler_S3_flip_mean"], rtol=0, atol=1e-5)


def test_adjacency_is_the_published_one(golden):
    network, arrays, skeleton = golden
    np.testing.assert_array_equal(adjacency(skeleton), arrays["adjacency"].numpy())
    assert torch.equal(network.A, arrays["adjacency"])
    for block in network.FMPose3D.blocks:
        assert torch.equal(block.gcn1.adj, arrays["adjacency"])


# The graph.


@pytest.mark.parametrize("skeleton", PUBLISHED.values(), ids=PUBLISHED)
def test_what_a_joint_gathers_adds_up_to_one_over_bones_and_pairs_only(skeleton):
    links = adjacency(skeleton)
    np.testing.assert_allclose(links.sum(axis=(0, 1)), 1, atol=1e-6)
    known = {frozenset(link) for link in skeleton.bones}
    known |= {frozenset(skeleton.index(name) for name in pair) for pair in skeleton.pairs}
    known |= {frozenset({joint}) for joint in range(len(skeleton))}
    assert {frozenset(map(int, link)) for link in np.argwhere(links.any(axis=0))} == known


def test_parts_of_a_chain_by_hand():
    chain = Skeleton("chain", ("a", "b", "c"), (None, "a", "b"))
    self_links, towards, away, across = adjacency(chain)  # b gathers from three joints, its neighbours from two
    np.testing.assert_allclose(self_links, np.diag([1 / 2, 1 / 3, 1 / 2]), rtol=1e-6)
    np.testing.assert_allclose(towards, [[0, 0, 0], [1 / 2, 0, 0], [0, 1 / 3, 0]], rtol=1e-6)
    np.testing.assert_allclose(away, [[0, 1 / 3, 0], [0, 0, 1 / 2], [0, 0, 0]], rtol=1e-6)
    assert not across.any()


# The network.


def test_parameters_are_as_many_as_published():
    with torch.device("meta"):
        network = VelocityNetwork(VelocityConfig())
    assert sum(each.numel() for each in network.parameters()) == 16_045_837


@pytest.mark.parametrize("separate", [False, True])
def test_a_rows_result_does_not_depend_on_other_rows(separate):
    network = make(replace(SMALL, width=64, separate_encoders=separate))
    seen, x, t = inputs(5)
    with torch.inference_mode():
        together = network(seen, x, t)
        alone = torch.cat([network(seen[i : i + 1], x[i : i + 1], t[i : i + 1]) for i in range(5)])
        seen[1:], x[1:], t[1:] = -seen[1:], 100 * x[1:], 1 - t[1:]
        among_others = network(seen, x, t)
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-6)
    torch.testing.assert_close(among_others[0], together[0], rtol=0, atol=1e-6)
    assert not torch.allclose(among_others[1], together[1], atol=1e-2)


def test_every_input_changes_the_velocity():
    network = make()
    seen, x, t = inputs(3)
    with torch.inference_mode():
        before = network(seen, x, t)
        for changed in ((seen + 0.1, x, t), (seen, x + 0.1, t), (seen, x, t / 2)):
            assert (network(*changed) - before).abs().amax(dim=(1, 2)).min() > 1e-5


@pytest.mark.parametrize("rate", STILL)
def test_dropout_acts_in_training_only(rate):
    network = make(replace(SMALL, **{**STILL, rate: 0.5}))
    with torch.no_grad():
        still = network(*inputs(16))
        assert torch.equal(network(*inputs(16)), still)
        network.train()
        drawn = network(*inputs(16))
        assert not torch.equal(network(*inputs(16)), drawn)
        assert torch.equal(network.eval()(*inputs(16)), still)


def test_without_rates_training_computes_what_inference_does():
    network = make(replace(SMALL, **STILL))
    seen, x, t = inputs(4)
    with torch.inference_mode():
        expected = network(seen, x, t)
    network.train()
    found = network(seen, x.requires_grad_(), t)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    found.square().mean().backward()
    assert x.grad is not None
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any(), name


def test_evaluating_leaves_the_inputs_and_the_weights_as_they_are():
    network = make()
    given, state = inputs(3), {name: value.clone() for name, value in network.state_dict().items()}
    with torch.inference_mode():
        network(*given)
    assert all(torch.equal(value, other) for value, other in zip(given, inputs(3), strict=True))
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())


def test_kinds_of_blocks_differ():
    # Drawn from one seed, serial and parallel blocks have the same weights.
    kinds = ("parallel", "serial", "gcn", "attention")
    networks = [make(replace(SMALL, block=kind)) for kind in kinds]
    with torch.inference_mode():
        found = [network(*inputs(2)) for network in networks]
    assert all(each.shape == (2, 17, 3) and each.isfinite().all() for each in found)
    assert networks[0].state_dict().keys() == networks[1].state_dict().keys()
    for i, one in enumerate(found):
        assert all((one - other).abs().max() > 1e-4 for other in found[:i])


def test_attention_alone_treats_joints_alike_and_graph_convolution_keeps_to_neighbours():
    order = torch.arange(17).flip(0)
    seen, x, t = inputs(2)
    alike = make(replace(SMALL, block="attention"))
    graph = make(replace(SMALL, block="gcn"))
    with torch.inference_mode():
        there, back = alike(seen[:, order], x[:, order], t), alike(seen, x, t)[:, order]
        torch.testing.assert_close(there, back, rtol=0, atol=1e-6)
        assert (graph(seen[:, order], x[:, order], t) - graph(seen, x, t)[:, order]).abs().max() > 1e-4
        features = torch.zeros(1, 17, 32)
        features[0, HUMAN36M17.index("head")] = 1
        convolution = graph.FMPose3D.blocks[0].gcn1
        reached = (convolution(features) - convolution(torch.zeros(1, 17, 32))).abs().amax(dim=(0, 2)) > 0
    assert {HUMAN36M17.joints[i] for i in reached.nonzero()[:, 0]} == {"head", "nose"}


# Checkpoints.


@pytest.mark.parametrize("skeleton", PUBLISHED.values(), ids=PUBLISHED)
@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"state_dict": state, "epoch": 3},
        lambda state: {f"module.{name}": value for name, value in state.items()},
        lambda state: {"model_pos": {f"module.{name}": value for name, value in state.items()}},
        lambda state: {name: value.double() for name, value in state.items()},
    ],
    ids=["plain", "state_dict", "module", "model_pos", "double"],
)
def test_checkpoints_of_other_sizes_load_back(tmp_path, skeleton, wrap):
    width, separate = WIDTHS[skeleton], skeleton is ANIMAL3D26
    made = make(replace(SMALL, joints=len(skeleton), width=width, separate_encoders=separate), seed=2)
    torch.save(wrap(made.state_dict()), tmp_path / "net.pth")
    back = load_published(tmp_path / "net.pth")
    assert back.config == made.config
    assert not back.training
    given = inputs(2, joints=len(skeleton))
    with torch.inference_mode():
        assert torch.equal(back(*given), made(*given))


@pytest.mark.parametrize("block", ["gcn", "attention"])
def test_checkpoints_with_half_a_block_load_back(tmp_path, block):
    made = make(replace(SMALL, block=block))
    torch.save(made.state_dict(), tmp_path / "net.pth")
    assert load_published(tmp_path / "net.pth").config == made.config


class Hostile:
    """Writes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return Path.touch, (self.target,)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("wrap", [lambda bad: bad, lambda bad: {"state_dict": {"A": bad}}], ids=["bare", "inside"])
def test_a_checkpoint_that_would_run_code_runs_none(tmp_path, wrap, legacy):
    path, target = tmp_path / "net.pth", tmp_path / "ran"
    torch.save(wrap(Hostile(target)), path, _use_new_zipfile_serialization=not legacy)
    assert "could run code" in refusal(path)
    assert not target.exists()
    torch.load(path, weights_only=False)  # it would have
    assert target.exists()


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
def test_a_checkpoint_that_was_cut_off_is_refused(tmp_path, share):
    torch.save(make().state_dict(), tmp_path / "net.pth")
    data = (tmp_path / "net.pth").read_bytes()
    (tmp_path / "net.pth").write_bytes(data[: int(share * len(data))])
    assert "cut off" in refusal(tmp_path / "net.pth")


def test_what_is_no_checkpoint_is_refused(tmp_path):
    (tmp_path / "text.pth").write_text("width = 512\n" * 100)
    (tmp_path / "folder.pth").mkdir()
    torch.save([torch.zeros(3)], tmp_path / "list.pth")
    torch.save({"A": torch.zeros(4, 17, 17)}, tmp_path / "bare.pth")
    assert "cannot read" in refusal(tmp_path / "text.pth")
    assert "cannot read" in refusal(tmp_path / "folder.pth")
    assert "cannot read" in refusal(tmp_path / "absent.pth")
    assert "state dict" in refusal(tmp_path / "list.pth")
    assert "pred_mu.fc1.weight" in refusal(tmp_path / "bare.pth")


def _one(shape: tuple[int, ...], value: float):
    return lambda _: torch.full(shape, value)


def _first(value: float):
    return lambda weight: weight.index_fill(0, torch.tensor([0]), value)


SPOILED = {
    "missing": ("FMPose3D.blocks.2.attn.proj.bias", None, "FMPose3D.blocks.2.attn.proj.bias is missing"),
    "no block 0": ("FMPose3D.blocks.0.mlp.fc1.weight", None, "FMPose3D.blocks.0.mlp.fc1.weight"),
    "wrong shape": ("encoder.fc1.weight", _one((5, 5), 0.0), "has shape (5, 5), expected (16, 37)"),
    "too few axes": ("A", _one((17,), 0.0), "too few axes"),
    "an odd width": ("pred_mu.fc1.weight", _one((16, 33), 0.0), "33"),
    "nan": ("encoder.fc1.weight", _first(float("nan")), "encoder.fc1.weight holds values that are not finite"),
    "infinity": ("FMPose3D.norm_mu.bias", _first(float("inf")), "FMPose3D.norm_mu.bias holds values"),
    "unknown": ("FMPose3D.extra", _one((3,), 0.0), "FMPose3D.extra does not belong there"),
}


@pytest.mark.parametrize("kind", SPOILED)
def test_a_spoiled_state_is_refused(tmp_path, kind):
    name, change, expected = SPOILED[kind]
    state = make().state_dict()
    value = state.pop(name, None)
    if change is not None:
        state[name] = change(value)
    torch.save(state, tmp_path / "net.pth")
    assert expected in refusal(tmp_path / "net.pth")
