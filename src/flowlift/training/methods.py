"""What is learned: flow matching as published, and the methods it is compared with, on the same networks."""

from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from flowlift.conditioning import decode_pose
from flowlift.errors import InputError
from flowlift.flow import path
from flowlift.network import VelocityConfig, VelocityNetwork
from flowlift.networks import encode, evaluate
from flowlift.normalizing_flow import NormalizingFlow
from flowlift.sampling import sample, velocity_to
from flowlift.training.config import MethodConfig
from flowlift.training.distances import aligned_distance, mean_distance

Target = Float[Tensor, "batch #draw joint 3"]
Noise = Float[Tensor, "batch draw joint 3"]
Times = Float[Tensor, "batch draw"]


class Objective(nn.Module):
    """A network and how it is taught: called with a batch, its noise and times, it gives the loss.

    `network` is what samples later; whatever else is needed only to learn (a CVAE's posterior) stands beside it.
    `root`: the joint whose row of a pose tells the body's size. Raises InputError for a method that does not fit the
    network.
    """

    def __init__(self, network: nn.Module, method: MethodConfig, root: int = 0) -> None:
        super().__init__()
        self.network, self.method, self.root = network, method, root
        if method.name == "cvae":
            if not isinstance(network, VelocityNetwork):
                raise InputError('the method "cvae" needs a network of kind "velocity"')
            self.posterior = Posterior(network.config, network.A)

    def forward(
        self,
        condition: Float[Tensor, "batch ..."],
        target: Target,
        noise: Noise,
        t: Times,
        known: Bool[Tensor, "batch joint"] | None = None,
        truth: Float[Tensor, "batch joint 3"] | None = None,
    ) -> Float[Tensor, ""]:
        """The loss of one batch. `target`: the truth of each view, or one pose for each draw; only joints that are
        `known` count. `noise` ~ N(0, I) and `t` in [0, 1) come from outside: runs can be repeated. `truth`: of each
        view, where `method.answer` asks for it. Raises InputError for unknown joints and a method that needs all."""
        context = encode(self.network, condition)
        if self.method.name in _SQUARES:
            loss = _mean(_SQUARES[self.method.name](self, context, target, noise, t), known)
            if self.method.answer and truth is not None:
                loss = loss + self.method.answer * _answer(self, context, truth, known)
            return loss
        if known is not None and not bool(known.all()):
            raise InputError(f"the method {self.method.name!r} learns from poses of which every joint is known")
        return _LOSSES[self.method.name](self, context, target, noise, t)

    def says(self, context: Float[Tensor, "batch ..."], x: Noise, t: Times) -> Noise:
        """The network's answer for several draws of each view, from what `encode` made of it."""
        return evaluate(self.network, context, x, t)


class Posterior(nn.Module):
    """q(z | pose, 2D) of a CVAE: a network like the decoder that sees the true pose; it is gone after training."""

    def __init__(self, config: VelocityConfig, adjacency: Float[Tensor, "part joint joint"]) -> None:
        super().__init__()
        self.backbone = VelocityNetwork(config, adjacency)
        self.head = nn.Linear(config.width, 6)

    def forward(
        self, pose_2d: Float[Tensor, "batch joint 2"], pose: Float[Tensor, "batch joint 3"]
    ) -> tuple[Float[Tensor, "batch joint 3"], Float[Tensor, "batch joint 3"]]:
        """Mean and log variance of the latent."""
        found = self.head(self.backbone.features(pose_2d, pose, pose.new_zeros(len(pose))))
        return found[..., :3], found[..., 3:].clamp(-10, 10)


def _mean(squares: Float[Tensor, "batch draw joint 3"], known: Bool[Tensor, "batch joint"] | None) -> Tensor:
    """The mean over all that is known."""
    if known is None:
        return squares.mean()
    weight = known.to(squares.dtype)[:, None, :, None]
    return (squares * weight).sum() / (weight.sum() * squares.shape[1] * 3).clamp(min=1)


def _flow(objective: Objective, context: Tensor, target: Target, noise: Noise, t: Times) -> Tensor:
    """Conditional flow matching: E |v(x_t, t, 2D) - (x_1 - x_0)|^2; "pose" weighs it by (1 - t)^2."""
    point = path(noise, target, t[..., None, None])
    says = objective.says(context, point.x_t, t)
    velocity = velocity_to(says, point.x_t, t[..., None, None]) if objective.method.name == "flow-x1" else says
    error = velocity - point.velocity
    if objective.method.error == "pose":
        error = error * (1 - t)[..., None, None]
    return error.square()


def _answer(
    objective: Objective,
    context: Tensor,
    truth: Float[Tensor, "batch joint 3"],
    known: Bool[Tensor, "batch joint"] | None,
) -> Tensor:
    """How far what the middle of the noise leads to, which a lifter answers, is from the truth, in bodies: MPJPE and
    P-MPJPE, and a tenth of the error of its size.

    Means of distances, not of squares: what they lead to is nearer to the median than to the mean of what may be."""
    method, start = objective.method, torch.zeros_like(truth)[:, None]
    found = follow(objective.network, context, start, method=method.name, steps=method.steps)[:, 0]
    with torch.autocast(truth.device.type, enabled=False):
        pose, size = decode_pose(found.float(), objective.root)
        true, true_size = decode_pose(truth.float(), objective.root)
        weights = None if known is None else known.float()
        apart = mean_distance(pose, true, weights) + aligned_distance(pose, true, weights)
        return (apart / true_size + 0.1 * (size / true_size).log().abs()).mean()


def _diffusion(objective: Objective, context: Tensor, target: Target, noise: Noise, t: Times) -> Tensor:
    """E |pose(x_t, t, 2D) - x_1|^2 with the cosine schedule of `flowlift.sampling`."""
    angle = (torch.pi / 2 * t)[..., None, None]
    x_t = angle.sin() * target + angle.cos() * noise
    return (objective.says(context, x_t, t) - target).square()


def _regression(objective: Objective, context: Tensor, target: Target, noise: Noise, t: Times) -> Tensor:
    """E |pose(2D) - x_1|^2: no noise, no time."""
    still = torch.zeros_like(noise[:, :1])
    return (objective.says(context, still, torch.zeros_like(t[:, :1])) - target).square()


def _cvae(objective: Objective, context: Tensor, target: Target, noise: Noise, t: Times) -> Tensor:
    """Reconstruction and `kl` times KL(q(z | pose, 2D) || N(0, I)), both as means over coordinates."""
    mean, log_variance = objective.posterior(context, target[:, 0])
    latent = mean[:, None] + (log_variance / 2).exp()[:, None] * noise
    reconstruction = (objective.says(context, latent, torch.zeros_like(t)) - target).square().mean()
    divergence = (log_variance.exp() + mean.square() - 1 - log_variance).mean() / 2
    return reconstruction + objective.method.kl * divergence


def _normalizing_flow(objective: Objective, context: Tensor, target: Target, noise: Noise, t: Times) -> Tensor:
    """-log p(pose | 2D), for each coordinate, of poses blurred by `blur`."""
    network = objective.network
    if not isinstance(network, NormalizingFlow):
        raise InputError('the method "normalizing-flow" needs a network of that kind')
    pose = target[:, 0]
    blurred = pose + objective.method.blur * noise[:, 0]
    return -network.log_density(context, blurred).mean() / pose[0].numel()


_SQUARES: dict[str, Any] = {
    "flow": _flow,
    "flow-x1": _flow,
    "diffusion": _diffusion,
    "regression": _regression,
}
"""Methods whose loss is a mean of squares, one of each coordinate."""

_LOSSES: dict[str, Any] = {"cvae": _cvae, "normalizing-flow": _normalizing_flow}


@torch.no_grad()
def draw_poses(
    network: nn.Module, method: MethodConfig, condition: Float[Tensor, "batch ..."], noise: Noise
) -> Float[Tensor, "batch draw joint 3"]:
    """Poses that the noise leads to, with the method's own steps; the network in evaluation mode."""
    return follow(network, encode(network, condition), noise, method=method.name, steps=method.steps)


def follow(network: nn.Module, context: Float[Tensor, "batch ..."], noise: Noise, *, method: str, steps: int) -> Noise:
    """The same from what was encoded, with its gradient."""

    def at(x: Noise, t: float) -> Noise:
        return evaluate(network, context, x, x.new_full((len(x), 1), t))

    return sample(method, at, noise, steps=steps)
