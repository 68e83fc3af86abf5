"""What stands between the matrix products of the published network, a kernel each, in Triton.

A pose's joints are padded to JOINTS rows and lie in one program, which therefore normalises over joints and over
channels alike and reads memory once. Sums are float32 whatever the features are.
"""

import triton
import triton.language as tl
from torch import Tensor

from flowlift.network import NORM_EPSILON

JOINTS = 32
"""Rows that a pose's joints are padded to: a power of two, and more than the published networks have (17 and 26)."""


# Triton's own types are not Python's: its kernels are not checked.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"


@triton.jit
def _enter(x, weight, seen, out, hypotheses, joints: tl.constexpr, rows: tl.constexpr, width: tl.constexpr):
    pose = tl.program_id(0)
    row, column = tl.arange(0, rows), tl.arange(0, width)
    there = row < joints
    at = (pose // hypotheses).to(tl.int64) * joints + row
    total = tl.load(seen + at[:, None] * width + column[None], mask=there[:, None], other=0.0).to(tl.float32)
    for axis in tl.static_range(3):
        here = tl.load(x + (pose.to(tl.int64) * joints + row) * 3 + axis, mask=there, other=0.0)
        total += here[:, None] * tl.load(weight + axis * width + column)[None]
    total = 0.5 * total * (1.0 + tl.erf(total * 0.7071067811865476))
    to = out + (pose.to(tl.int64) * joints + row[:, None]) * width + column[None]
    tl.store(to, total.to(out.dtype.element_ty), mask=there[:, None])


@triton.jit
def _norms(
    x,
    fixed,
    mix,
    mixed,
    normed,
    parts: tl.constexpr,
    joints: tl.constexpr,
    stride: tl.constexpr,
    rows: tl.constexpr,
    width: tl.constexpr,
    epsilon: tl.constexpr,
):
    pose = tl.program_id(0)
    row, column = tl.arange(0, rows), tl.arange(0, width)
    there = (row < joints)[:, None]
    at = pose.to(tl.int64) * joints + row[:, None]
    here = tl.load(x + at * width + column[None], mask=there, other=0.0).to(tl.float32)
    here += tl.load(fixed + row[:, None] * width + column[None], mask=there, other=0.0)
    half = x.dtype.element_ty

    off = here - (tl.sum(here, axis=1) / width)[:, None]
    spread = tl.sum(off * off, axis=1) / width
    said = (off * tl.rsqrt(spread + epsilon)[:, None]).to(half)
    tl.store(normed + at * width + column[None], said, mask=there)

    off = tl.where(there, here - (tl.sum(here, axis=0) / joints)[None], 0.0)
    spread = tl.sum(off * off, axis=0) / joints
    by_joint = (off * tl.rsqrt(spread + epsilon)[None]).to(half)
    for part in tl.static_range(parts):
        gather = tl.load(mix + part * rows * rows + row[:, None] * rows + tl.arange(0, rows)[None])
        said = tl.dot(gather, by_joint, input_precision="ieee").to(half)
        tl.store(mixed + at * stride + part * width + column[None], said, mask=there)


@triton.jit
def _attend(
    qkv,
    out,
    scale,
    joints: tl.constexpr,
    stride: tl.constexpr,
    rows: tl.constexpr,
    heads: tl.constexpr,
    depth: tl.constexpr,
):
    pose, head = tl.program_id(0), tl.program_id(1)
    row, column = tl.arange(0, rows), tl.arange(0, depth)
    there = row < joints
    width: tl.constexpr = heads * depth
    at = (pose.to(tl.int64) * joints + row[:, None]) * (3 * width) + head * depth + column[None]
    q = tl.load(qkv + at, mask=there[:, None], other=0.0)
    k = tl.load(qkv + at + width, mask=there[:, None], other=0.0)
    v = tl.load(qkv + at + 2 * width, mask=there[:, None], other=0.0)
    alike = tl.dot(q, tl.trans(k), input_precision="ieee") * scale
    alike = tl.where(there[None], alike, float("-inf"))
    share = tl.exp(alike - tl.max(alike, axis=1)[:, None])
    share = share / tl.sum(share, axis=1)[:, None]
    said = tl.dot(share.to(v.dtype), v, input_precision="ieee").to(v.dtype)
    to = out + (pose.to(tl.int64) * joints + row[:, None]) * stride + head * depth + column[None]
    tl.store(to, said, mask=there[:, None])


@triton.jit
def _norm(
    x, fixed, normed, count, joints: tl.constexpr, several: tl.constexpr, width: tl.constexpr, epsilon: tl.constexpr
):
    row, column = tl.program_id(0) * several + tl.arange(0, several), tl.arange(0, width)
    there = (row < count)[:, None]
    at = row.to(tl.int64)[:, None] * width + column[None]
    here = tl.load(x + at, mask=there, other=0.0).to(tl.float32)
    here += tl.load(fixed + (row % joints)[:, None] * width + column[None])
    off = here - (tl.sum(here, axis=1) / width)[:, None]
    spread = tl.sum(off * off, axis=1) / width
    tl.store(normed + at, (off * tl.rsqrt(spread + epsilon)[:, None]).to(x.dtype.element_ty), mask=there)


def enter(x: Tensor, weight: Tensor, seen: Tensor, out: Tensor) -> None:
    """GELU of `seen` (view, joint, width), of each of its hypotheses, plus `x` (pose, joint, 3) @ `weight` (3, width).

    Poses lie view by view; `out` (pose, joint, width)."""
    views, joints, width = seen.shape
    _enter[len(x),](x, weight, seen, out, len(x) // views, joints, JOINTS, width, num_warps=4)


def norms(x: Tensor, fixed: Tensor, mix: Tensor, mixed: Tensor, normed: Tensor) -> None:
    """Of x + `fixed` (pose, joint, width), normalised over channels: `normed`; normalised over joints and gathered by
    each part of the graph, `mix` (part, JOINTS, JOINTS): side by side in the first columns of `mixed`."""
    _, joints, width = x.shape
    sizes = len(mix), joints, mixed.shape[-1], JOINTS, width
    _norms[len(x),](x, fixed, mix, mixed, normed, *sizes, NORM_EPSILON, num_warps=4)


def attend(qkv: Tensor, out: Tensor, heads: int) -> None:
    """Attention over a pose's joints; `qkv` (pose, joint, 3 width), `out` (pose, joint, width) with any row stride."""
    poses, joints, three = qkv.shape
    depth = three // 3 // heads
    _attend[poses, heads](qkv, out, depth**-0.5, joints, out.stride(1), JOINTS, heads, depth, num_warps=1)


def norm(x: Tensor, fixed: Tensor, normed: Tensor) -> None:
    """x + `fixed` (pose, joint, width), normalised over channels."""
    poses, joints, width = x.shape
    count, several = poses * joints, 8
    _norm[triton.cdiv(count, several),](x, fixed, normed, count, joints, several, width, NORM_EPSILON, num_warps=4)
