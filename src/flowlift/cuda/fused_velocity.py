"""The published network as a GPU likes it: half precision, few large matrix products, one kernel between two of them.

The same function as `flowlift.network.VelocityNetwork` evaluates, put together otherwise. What is linear is folded into
the matrices that follow (gains and offsets of norms); the graph's gathering goes before the convolution, so that it and
the attention's projection are one product, added to the residual where that lies; offsets that are the same for every
pose never touch the residual: whoever reads it adds them.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import gelu, linear, pad

from flowlift.cuda import kernels
from flowlift.network import Block, Mlp, VelocityNetwork


@dataclass(frozen=True, eq=False)
class _Block:
    """One block's matrices; `fixed` and `fixed_mlp` (J, width): what its two halves add to the residual they read."""

    fixed: Tensor
    mix: Tensor
    qkv: Tensor
    qkv_bias: Tensor
    gathered: Tensor
    fixed_mlp: Tensor
    mlp: Tensor
    mlp_bias: Tensor
    mlp_out: Tensor


def can_fuse(network: torch.nn.Module) -> bool:
    """Whether a network is of this kind, and its sizes suit the kernels."""
    if not isinstance(network, VelocityNetwork) or network.config.block != "parallel":
        return False
    config = network.config
    sizes = (config.width, config.width // 2, config.width // config.heads)
    return config.joints <= kernels.JOINTS and all(size >= 16 and size & (size - 1) == 0 for size in sizes)


def fused(network: torch.nn.Module, dtype: torch.dtype) -> "FusedVelocity | None":
    """The network put together; None where it is not of this kind, and where its kernels do not run, which is told.

    Triton makes them when they are first called, with a C compiler that not every machine has.
    """
    if not can_fuse(network):
        return None
    assert isinstance(network, VelocityNetwork)
    try:
        with torch.inference_mode():
            made, joints = FusedVelocity(network, dtype), network.config.joints
            made.evaluate(made.encode(network.A.new_zeros(1, joints, 2)), network.A.new_zeros(1, 2, joints, 3), 0.0)
    except Exception as error:  # Triton raises what its compilers and drivers raise
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        warnings.warn(f"published networks go slower: Triton makes no kernels here ({reason})", stacklevel=2)
        return None
    return made


class FusedVelocity:
    """A network's weights, put together for a GPU: `encode` what was seen, then evaluate hypotheses of it."""

    def __init__(self, network: VelocityNetwork, dtype: torch.dtype) -> None:
        self._config, self._dtype, self._time = network.config, dtype, network.time_embed
        self._separate = network.config.separate_encoders
        if self._separate:
            self._of_2d, self._of_x = network.encoder_pose_2d, network.encoder_y_t
        else:
            self._of_2d = self._of_x = network.encoder
        first = self._of_x.fc1
        self._weight_x = first.weight[:, (0 if self._separate else 2) :][:, :3].T.contiguous()
        second = _second(self._of_x)
        self._second = _half(pad(second.weight, (0, 0, 0, network.config.width - len(second.weight))), dtype)
        if self._separate:  # (2D, x, time) side by side: what x says goes to the middle
            self._second = torch.roll(self._second, _second(self._of_2d).out_features, dims=0).contiguous()
        fixed = second.bias.new_zeros(network.config.joints, network.config.width)
        if not self._separate:
            fixed = fixed + second.bias
        self._blocks = []
        for block in network.FMPose3D.blocks:
            assert isinstance(block, Block)
            made = _put_together(block, fixed, dtype)
            self._blocks.append(made)
            fixed = made.fixed_mlp + _second(block.mlp).bias
        self._fixed = fixed.contiguous()
        norm, out = network.FMPose3D.norm_mu, network.pred_mu
        self._out, self._out_bias = _after_norm(out.fc1, norm, dtype)
        last = _second(out)
        self._last, self._last_bias = _half(last.weight, dtype), _half(last.bias, dtype)

    def encode(self, pose_2d: Float[Tensor, "view joint 2"]) -> Float[Tensor, "view joint channel"]:
        """What the first layer makes of the 2D, once for all hypotheses and steps."""
        if self._separate:
            return self._of_2d(pose_2d)
        first = self._of_2d.fc1
        return linear(pose_2d, first.weight[:, :2], first.bias)

    def evaluate(
        self, seen: Float[Tensor, "view joint channel"], x: Float[Tensor, "view hypothesis joint 3"], t: float
    ) -> Float[Tensor, "view hypothesis joint 3"]:
        """The velocity at x, float32."""
        with torch.cuda.device(x.get_device()):  # kernels start on the thread's, wherever their tensors are
            return self._evaluate(seen, x, t)

    def _evaluate(self, seen: Tensor, x: Tensor, t: float) -> Tensor:
        (views, count, joints, _), width, dtype = x.shape, self._config.width, self._dtype
        time = self._time(x.new_full((1,), t))[0]
        first = self._of_x.fc1
        beside_x = first.bias.expand(views, joints, -1) if self._separate else seen + linear(time, first.weight[:, 5:])
        poses = views * count
        hidden = x.new_empty(poses, joints, width // 2, dtype=dtype)
        each = x.reshape(poses, joints, 3).contiguous()  # noise that is one for all views stays one when it is reshaped
        kernels.enter(each, self._weight_x, beside_x.contiguous(), hidden)
        state = linear(hidden, self._second)
        if self._separate:
            beside = _second(self._of_x).bias.expand(views, joints, -1)
            told = torch.cat([seen, beside, time.expand(views, joints, -1)], dim=-1)
            state.view(views, count, joints, width).add_(told[:, None].to(dtype))
        normed = torch.empty_like(state)
        wide = len(self._blocks[0].gathered)
        mixed = state.new_empty(poses, joints, wide)
        rows = state.view(-1, width)
        for block in self._blocks:
            kernels.norms(state, block.fixed, block.mix, mixed, normed)
            qkv = linear(normed, block.qkv, block.qkv_bias)
            kernels.attend(qkv, mixed[..., wide - width :], self._config.heads)
            rows.addmm_(mixed.view(-1, wide), block.gathered)
            kernels.norm(state, block.fixed_mlp, normed)
            inner = gelu(linear(normed, block.mlp, block.mlp_bias))
            rows.addmm_(inner.view(len(rows), -1), block.mlp_out)
        kernels.norm(state, self._fixed, normed)
        said = linear(gelu(linear(normed, self._out, self._out_bias)), self._last, self._last_bias)
        return said.float().view(views, count, joints, 3)


def _put_together(block: Block, before: Tensor, dtype: torch.dtype) -> _Block:
    """`before` (J, width): what is already to be added to the residual."""
    norm, graph, attention = block.norm1, block.gcn1, block.attn
    gather = graph.adj.transpose(1, 2)  # part k: joint w gathers from v
    parts, joints = gather.shape[:2]
    convolution: Any = graph.conv1d
    width = convolution.in_channels
    weight = convolution.weight[..., 0].view(parts, width, width)  # (part, out, in)
    bias = convolution.bias.view(parts, width)
    # An offset of the norm over joints is the same in every channel: the convolution sums its weights over them.
    of_norm = torch.einsum("kwv,v,kc->wc", gather, norm.bias, weight.sum(dim=2))
    of_graph = torch.einsum("kwv,kc->wc", gather, bias)
    room = kernels.JOINTS - joints
    qkv, qkv_bias = _after_norm(attention.qkv, block.norm_att1, dtype)
    mlp, mlp_bias = _after_norm(block.mlp.fc1, block.norm_mlp, dtype)
    return _Block(
        fixed=before.contiguous(),
        mix=_half(pad(gather * norm.weight, (0, room, 0, room)), dtype),
        qkv=qkv,
        qkv_bias=qkv_bias,
        gathered=_half(torch.cat([weight.transpose(1, 2).flatten(0, 1), attention.proj.weight.T]), dtype),
        fixed_mlp=before + of_norm + of_graph + attention.proj.bias,
        mlp=mlp,
        mlp_bias=mlp_bias,
        mlp_out=_half(_second(block.mlp).weight.T, dtype),
    )


def _after_norm(layer: torch.nn.Linear, norm: torch.nn.LayerNorm, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Weight and bias of a layer behind a norm that has no gain and offset any more."""
    return _half(layer.weight * norm.weight, dtype), _half(layer.bias + layer.weight @ norm.bias, dtype)


def _second(mlp: Mlp) -> torch.nn.Linear:
    layer = mlp.get_submodule(mlp.second)
    assert isinstance(layer, torch.nn.Linear)
    return layer


def _half(weight: Tensor, dtype: torch.dtype) -> Tensor:
    return weight.to(dtype).contiguous()
