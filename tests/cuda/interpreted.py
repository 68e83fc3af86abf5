"""Prints, as JSON, how far the kernels' way through a network is from the network itself. Run by
test_fused_velocity.py in a process of its own: Triton decides when it is imported whether it interprets."""

import json

import torch

from flowlift.cuda.fused_velocity import FusedVelocity, can_fuse
from flowlift.networks import evaluate, make_network
from flowlift.skeletons import ANIMAL3D26, HUMAN36M17

SETTINGS = {"width": 64, "heads": 2, "hidden": 96, "blocks": 2}


def _noise(skeleton, views, hypotheses, held):
    """Hypotheses of each view (view, hypothesis, joint, 3), as a lifter holds them."""
    shape = len(skeleton), 3
    if held == "one for all views":
        return torch.randn(1, hypotheses, *shape).expand(views, -1, -1, -1)
    if held == "some of more":
        return torch.randn(views, hypotheses + 2, *shape)[:, 1:-1]
    return torch.randn(views, hypotheses, *shape)


def _error(skeleton, dtype, *, views, hypotheses, held="by itself", **settings):
    torch.manual_seed(0)
    network = make_network("velocity", {**SETTINGS, **settings}, skeleton).eval().requires_grad_(False)
    for weight in network.parameters():  # gains and offsets of norms, which begin as 1 and 0, as well
        weight.add_(0.1 * torch.randn_like(weight))
    assert can_fuse(network)
    fused = FusedVelocity(network, dtype)
    seen = torch.randn(views, len(skeleton), 2)
    x = _noise(skeleton, views, hypotheses, held)
    errors = []
    for t in (0.0, 0.7):
        wanted = evaluate(network, seen, x, torch.full((views, 1), t))
        found = fused.evaluate(fused.encode(seen), x, t)
        assert found.dtype == torch.float32
        assert found.shape == wanted.shape
        errors.append((found - wanted).norm() / wanted.norm())
    return float(torch.stack(errors).max())  # NaN where one is


if __name__ == "__main__":
    with torch.inference_mode():
        told = {
            f"{skeleton.name} {dtype} {views} x {hypotheses}": _error(
                skeleton, getattr(torch, dtype), views=views, hypotheses=hypotheses, separate_encoders=separate
            )
            for skeleton, separate in ((HUMAN36M17, False), (ANIMAL3D26, True))
            for dtype in ("float32", "float16")
            for views, hypotheses in ((1, 1), (3, 2))
        }
        told |= {
            f"{HUMAN36M17.name} float32 3 x {hypotheses}, {held}": _error(
                HUMAN36M17, torch.float32, views=3, hypotheses=hypotheses, held=held
            )
            for held in ("one for all views", "some of more")
            for hypotheses in (1, 2)
        }
    print(json.dumps(told))
