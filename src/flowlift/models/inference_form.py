"""The published network as engines evaluate it fastest: the same function, with its products arranged otherwise.

- Features lie as rows (pose and joint, channel): each layer is one product with its bias, however many poses.
- The time is embedded once, for all hypotheses of a step.
- Graph convolution: the norm over joints is folded into the gathering over neighbours, and of each part of the graph
  only as many joints as have links in it go through the convolution, the largest product of a block: where fewer joints
  receive than send they are gathered before it, else after. With 17 joints 53 rows instead of 68.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import linear

from flowlift.network import Attention, Block, GraphConvolution, VelocityNetwork

Rows = Float[Tensor, "row channel"]


class InferenceForm(nn.Module):
    """A velocity network as the engine calls it: 2D (B, J, 2), hypotheses (B, H, J, 3), one time (1,)."""

    def __init__(self, network: VelocityNetwork) -> None:
        super().__init__()
        self.network = network
        joints = network.config.joints
        blocks = (block for block in network.FMPose3D.blocks if isinstance(block, Block))
        self.blocks = nn.Sequential(*(_Block(block, joints) for block in blocks))

    def forward(
        self,
        context: Float[Tensor, "batch joint 2"],
        x: Float[Tensor, "batch hypothesis joint 3"],
        t: Float[Tensor, "1"],
    ) -> Float[Tensor, "batch hypothesis joint 3"]:
        network = self.network
        seen = context[:, None].expand(-1, x.shape[1], -1, -1).reshape(-1, 2)
        states, time = x.reshape(-1, 3), network.time_embed(t).expand(seen.shape[0], -1)
        if network.config.separate_encoders:
            rows = torch.cat([network.encoder_pose_2d(seen), network.encoder_y_t(states), time], dim=-1)
        else:
            rows = network.encoder(torch.cat([seen, states, time], dim=-1))
        return network.pred_mu(network.FMPose3D.norm_mu(self.blocks(rows))).reshape(x.shape)


class _Block(nn.Module):
    def __init__(self, block: Block, joints: int) -> None:
        super().__init__()
        self.block = block
        self.graph = None if block.kind == "attention" else _Graph(block.norm1, block.gcn1)
        self.attention = None if block.kind == "gcn" else _Attention(block.norm_att1, block.attn, joints)

    def forward(self, x: Rows) -> Rows:
        block = self.block
        local = x if self.graph is None else x + self.graph(x)
        if self.attention is not None:
            local = local + self.attention(x if block.kind == "parallel" else local)
        return local + block.mlp(block.norm_mlp(local))


class _Graph(nn.Module):
    """Norm over joints and graph convolution: scatter (product of each part (gather (x - mean) / deviation))."""

    gather: Tensor
    scatter: Tensor
    shift: Tensor

    def __init__(self, norm: nn.LayerNorm, graph: GraphConvolution) -> None:
        super().__init__()
        self.epsilon = norm.eps
        joints, width = graph.adj.shape[1], graph.conv1d.weight.shape[1]
        self.joints = joints
        weights = graph.conv1d.weight.detach()[..., 0].reshape(-1, width, width)  # part, out, in
        biases = graph.get_parameter("conv1d.bias").detach().reshape(-1, width)
        links = graph.adj.transpose(1, 2)  # part, to, from
        used = links.flatten(1).any(dim=1)  # a skeleton without pairs has none between them
        weights, biases, links = weights[used], biases[used], links[used]
        before, after = zip(*(_split(part) for part in links), strict=True)
        self.counts = [len(part) for part in before]
        gather = torch.cat(before) * norm.weight.detach()
        # Centred once more: where joints are all alike, the little that rounding left of them would be scaled up.
        self.register_buffer("gather", gather - gather.mean(dim=1, keepdim=True))
        self.register_buffer("scatter", torch.cat(after, dim=1))
        shifted = torch.einsum("pij,j,pc->ic", links, norm.bias.detach(), weights.sum(dim=2))
        self.register_buffer("shift", shifted + torch.einsum("pij,pc->ic", links, biases))
        self.parts = nn.ParameterList(list(weights))

    def forward(self, x: Rows) -> Rows:
        poses = x.reshape(-1, self.joints, x.shape[1])
        off = poses - poses.mean(dim=1, keepdim=True)
        scale = 1 / torch.sqrt((off * off).mean(dim=1, keepdim=True) + self.epsilon)
        gathered = torch.split(self.gather @ (off * scale), self.counts, dim=1)
        products = [linear(part, weight) for part, weight in zip(gathered, self.parts, strict=True)]
        return (self.scatter @ torch.cat(products, dim=1) + self.shift).reshape(x.shape)


def _split(
    links: Float[Tensor, "to from"],
) -> tuple[Float[Tensor, "some from"], Float[Tensor, "to some"]]:
    """Links as a product of two: what is gathered before the convolution, and after it, over as few rows as can be."""
    every = torch.eye(len(links), dtype=links.dtype)
    receive, send = links.any(dim=1), links.any(dim=0)
    if receive.sum() < send.sum():
        return links[receive], every[:, receive]
    return every[send], links[:, send]


class _Attention(nn.Module):
    """Norm over channels and self-attention over the joints."""

    def __init__(self, norm: nn.LayerNorm, attention: Attention, joints: int) -> None:
        super().__init__()
        self.norm = norm
        self.attention, self.joints = attention, joints

    def forward(self, x: Rows) -> Rows:
        heads, width = self.attention.heads, x.shape[1]
        split = self.attention.qkv(self.norm(x)).reshape(-1, self.joints, 3, heads, width // heads)
        q, k, v = split.permute(2, 0, 3, 1, 4)
        alike = (q * (width // heads) ** -0.5) @ k.transpose(-1, -2)
        return self.attention.proj((torch.softmax(alike, dim=-1) @ v).transpose(1, 2).reshape(-1, width))
