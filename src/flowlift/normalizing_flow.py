"""A conditional normalizing flow on the velocity network's features: an invertible map between noise and poses."""

from dataclasses import asdict, dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from flowlift.errors import MissingExtraError
from flowlift.network import VelocityConfig, VelocityNetwork


@dataclass(frozen=True)
class FlowConfig:
    """Backbone and flow: `transforms` coupling steps with MLPs of `hidden` units, conditioned on `context` numbers.

    `scale`: about the standard deviation of a coordinate, in the poses' unit.
    """

    joints: int = 17
    width: int = 64
    blocks: int = 2
    heads: int = 8
    backbone_hidden: int = 1024
    transforms: int = 8
    hidden: int = 128
    context: int = 128
    scale: float = 0.3

    def as_dict(self) -> dict[str, int | float]:
        return asdict(self)


class NormalizingFlow(nn.Module):
    """zuko's affine flow with coupling (a conditional RealNVP). Called as a network, it maps noise to poses."""

    def __init__(self, config: FlowConfig, adjacency: Float[Tensor, "part joint joint"] | None = None) -> None:
        """Raises MissingExtraError where zuko is not installed."""
        super().__init__()
        try:
            import zuko
        except ImportError as error:
            raise MissingExtraError("a normalizing flow", "train") from error
        self.config = config
        backbone = VelocityConfig(config.joints, config.width, config.blocks, config.heads, config.backbone_hidden)
        self.backbone = VelocityNetwork(backbone, adjacency)
        self.context = nn.Linear(config.joints * config.width, config.context)
        self.flow = zuko.flows.MAF(
            3 * config.joints,
            config.context,
            transforms=config.transforms,
            randperm=True,
            passes=2,
            hidden_features=(config.hidden, config.hidden),
        )

    def distribution(self, pose_2d: Float[Tensor, "batch joint 2"]) -> Any:
        """The distribution of flattened poses (B, 3 J) given what was seen."""
        still = pose_2d.new_zeros(*pose_2d.shape[:2], 3)
        features = self.backbone.features(pose_2d, still, pose_2d.new_zeros(len(pose_2d)))
        return self.flow(self.context(features.flatten(1)))

    def log_density(
        self, pose_2d: Float[Tensor, "batch joint 2"], pose: Float[Tensor, "batch joint 3"]
    ) -> Float[Tensor, " batch"]:
        """log p(pose / scale | 2D), what training maximises."""
        return self.distribution(pose_2d).log_prob(pose.flatten(1) / self.config.scale)

    def forward(
        self, pose_2d: Float[Tensor, "batch joint 2"], x_t: Float[Tensor, "batch joint 3"], t: Float[Tensor, " batch"]
    ) -> Float[Tensor, "batch joint 3"]:
        """The pose that the noise x_t stands for; t plays no role."""
        pose = self.distribution(pose_2d).transform.inv(x_t.flatten(1)) * self.config.scale
        return pose.unflatten(-1, x_t.shape[1:])
