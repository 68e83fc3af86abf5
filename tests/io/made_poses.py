"""Poses for the tests of formats: people who move, stretch, turn any way, and are missing now and then."""

from typing import Any

import numpy as np

from flowlift.containers import Keypoints2D, Poses3D
from flowlift.skeleton import Skeleton
from flowlift.skeletons import HUMAN36M17


def made_poses(
    seed: int = 0, frames: int = 6, people: int = 1, skeleton: Skeleton = HUMAN36M17, **more: Any
) -> Poses3D:
    """Random walks of every joint about a random body, 4 m from the camera; nothing is missing."""
    generator = np.random.default_rng(seed)
    body = generator.normal(0, 0.4, (1, people, len(skeleton), 3))
    xyz = body + np.cumsum(generator.normal(0, 0.05, (frames, people, len(skeleton), 3)), axis=0)
    root = xyz[:, :, skeleton.root].copy()
    spread = generator.normal(0, 0.02, (*xyz.shape, 3))
    seen = Keypoints2D(
        generator.uniform(0, 400, (frames, people, len(skeleton), 2)),
        generator.uniform(0, 1, (frames, people, len(skeleton))),
        skeleton,
        (640, 480),
        fps=25.0,
    )
    about = {"model": "human", "seed": 3, "detector": None, "smooth": True}
    given = {"fps": 25.0, "provenance": about, "keypoints": seen, **more}
    return Poses3D(
        xyz - root[:, :, None], root + np.array([0, 0, 4]), spread @ spread.swapaxes(-1, -2), skeleton, **given
    )


def without(poses: Poses3D, frame: int, person: int, joint: int | None = None) -> Poses3D:
    """The poses without a person, or one joint, in one frame."""
    from dataclasses import replace

    xyz = poses.xyz.copy()
    xyz[frame, person, slice(None) if joint is None else joint] = np.nan
    return replace(poses, xyz=xyz)
