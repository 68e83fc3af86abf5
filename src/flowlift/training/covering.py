"""Where hypotheses start: learned, so that a few of them cover what the truth may be.

Of the noise's many directions few change the pose, and starts drawn at random leave gaps there. Instead starts are
learned that, followed through the finished network, come as near to the truths of training's views as so many can.
"""

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from flowlift.conditioning import decode_pose
from flowlift.lifting.canonical import mirrored_states
from flowlift.lifting.hypotheses import START_SPREAD
from flowlift.models import Model
from flowlift.models.weights import load_network
from flowlift.networks import encode
from flowlift.sampling import SAMPLES_ONE
from flowlift.training.config import OptimizerConfig
from flowlift.training.distances import aligned_distance
from flowlift.training.methods import follow
from flowlift.training.optimizers import learning_rate
from flowlift.training.sources import Batch, Source

COUNTS = (10, 20, 40)
"""Numbers of hypotheses that shall cover, the first two at the noise's centre among them, which count as one here."""
STEPS, VIEWS = 250, 96
FALLING = OptimizerConfig(learning_rate=0.2, schedule="cosine")


def covering_starts(model: Model, source: Source) -> list[list[float]]:
    """Where a model's hypotheses start, for its card: all but the first two, every second one for the mirrored view.
    A model whose answer is one pose has none."""
    if model.method == SAMPLES_ONE:
        return []
    starts = _learned(load_network(model), model, source, Generator().manual_seed(0)).numpy()
    starts[1::2] = mirrored_states(starts[1::2], model.skeleton)
    return starts.reshape(len(starts), -1).round(3).tolist()


def _learned(network: nn.Module, model: Model, source: Source, generator: Generator) -> Float[Tensor, "start joint 3"]:
    """Starts for the views as they are, learned with the random part that every seed adds to them."""
    starts = torch.randn(max(COUNTS) - 2, len(model.skeleton), 3, generator=generator).requires_grad_(True)
    optimizer = torch.optim.Adam([starts], lr=FALLING.learning_rate)
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(FALLING, step=step, steps_per_epoch=1, steps=STEPS)
        seen = source.batch(torch.arange(VIEWS), generator)
        varied = starts + START_SPREAD * torch.randn(starts.shape, generator=generator)
        errors = _errors(network, model, seen, varied)
        loss = torch.stack([errors[:, : count - 1].amin(dim=1).mean() for count in COUNTS]).mean()
        (starts.grad,) = torch.autograd.grad(loss, starts)
        optimizer.step()
    return starts.detach()


def _errors(
    network: nn.Module, model: Model, seen: Batch, starts: Float[Tensor, "start joint 3"]
) -> Float[Tensor, "batch hypothesis"]:
    """P-MPJPE, in bodies, of what 0 and each start lead to."""
    root = model.skeleton.root
    with torch.no_grad():
        context = encode(network, seen.condition)
    x_0 = torch.cat([torch.zeros_like(starts[:1]), starts]).expand(len(context), -1, -1, -1)
    found, _ = decode_pose(follow(network, context, x_0, method=model.method, steps=model.steps).flatten(0, 1), root)
    truth, size = decode_pose(seen.target, root)
    found, truth = found.unflatten(0, x_0.shape[:2]), truth[:, None].expand(-1, x_0.shape[1], -1, -1)
    weights = None if seen.known is None else seen.known[:, None].to(truth.dtype)
    return aligned_distance(found, truth, weights) / size[:, None]
