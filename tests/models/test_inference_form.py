"""The network as engines evaluate it is the network: the same function for every shape that it can have."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from flowlift.adjacency import PARTS, adjacency  # noqa: E402
from flowlift.models.inference_form import InferenceForm  # noqa: E402
from flowlift.models.weights import export_onnx, save_weights  # noqa: E402
from flowlift.network import VelocityConfig, VelocityNetwork  # noqa: E402
from flowlift.skeletons import HUMAN36M17  # noqa: E402

HUMAN = torch.from_numpy(adjacency(HUMAN36M17))
UNPAIRED = torch.cat([HUMAN[:3], torch.zeros(1, 17, 17)])
DENSE = torch.rand(PARTS, 17, 17, generator=torch.Generator().manual_seed(0))


def network(graph=HUMAN, **settings):
    """Small, with norms that do not start as the identity."""
    torch.manual_seed(0)
    made = VelocityNetwork(VelocityConfig(width=48, blocks=2, hidden=24, **settings), graph).eval()
    for part in made.modules():
        if isinstance(part, torch.nn.LayerNorm):
            part.weight.data.uniform_(0.5, 2.0)
            part.bias.data.uniform_(-1.0, 1.0)
    return made


def inputs(views=3, hypotheses=4):
    generator = torch.Generator().manual_seed(1)
    seen = torch.randn(views, 17, 2, generator=generator)
    return seen, torch.randn(views, hypotheses, 17, 3, generator=generator), torch.tensor([0.3])


def direct(made, seen, x, t):
    count = x.shape[1]
    return made(seen.repeat_interleave(count, dim=0), x.flatten(0, 1), t.expand(len(x) * count)).view(x.shape)


@pytest.mark.parametrize("block", ["parallel", "serial", "gcn", "attention"])
@pytest.mark.parametrize("separate", [False, True])
@pytest.mark.parametrize("graph", [HUMAN, UNPAIRED, DENSE], ids=["human", "unpaired", "dense"])
@torch.inference_mode()
def test_it_is_the_same_function(block, separate, graph):
    made = network(graph, block=block, separate_encoders=separate).double()
    given = [each.double() for each in inputs()]
    torch.testing.assert_close(InferenceForm(made)(*given), direct(made, *given), rtol=0, atol=1e-12)


@torch.inference_mode()
def test_joints_that_are_all_alike_lose_no_digits():
    made = network(separate_encoders=True)  # the time's channels are the same for every joint
    found = InferenceForm(made)(*inputs())
    exact = direct(made.double(), *(each.double() for each in inputs()))
    assert (found - exact).abs().max() < 2e-6


def test_the_convolution_sees_only_joints_with_links():
    form = InferenceForm(network())
    assert [block.graph.counts for block in form.blocks] == [[17, 12, 12, 12]] * 2


def test_the_graph_file_holds_hardly_more_than_names(tmp_path):
    made = network()
    save_weights(made, tmp_path)
    export_onnx(made, tmp_path)
    onnx = pytest.importorskip("onnx")
    parts = onnx.load(str(tmp_path / "velocity.onnx"), load_external_data=False).graph.initializer
    own = sum(int(np.prod(part.dims)) for part in parts if part.data_location != onnx.TensorProto.EXTERNAL)
    folded = 2 * (2 * 53 * 17 + 17 * 48)  # what gathers, scatters and shifts in each block
    assert own < folded + 3000
    assert sum(value.numel() for value in made.parameters()) > 5 * folded
