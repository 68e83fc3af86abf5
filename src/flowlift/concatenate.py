"""Poses of consecutive stretches of a clip, joined to one."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float32

from flowlift.containers import Keypoints2D, Poses3D


def concatenate_poses(parts: Sequence[Poses3D]) -> Poses3D:
    """One clip from its parts in order: frames follow one another, people who are not in a part are NaN there.

    What is not an array (skeleton, fps, camera, provenance) is the first part's. `root`, `root_cov`, `hypotheses`,
    `keypoints` and `times` are kept where every part has them; `bridged` where one has it. Needs at least one part.
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    people = max(part.people for part in parts)
    keypoints = [part.keypoints for part in parts if part.keypoints is not None]
    times = [part.times for part in parts if part.times is not None]
    return replace(
        first,
        xyz=_stack([part.xyz for part in parts], people),
        root=_stack_all([part.root for part in parts], people),
        root_cov=_stack_all([part.root_cov for part in parts], people),
        cov=_stack([part.cov for part in parts], people),
        hypotheses=_stack_all([part.hypotheses for part in parts], people),
        keypoints=concatenate_keypoints(keypoints) if len(keypoints) == len(parts) else None,
        times=np.concatenate(times) if len(times) == len(parts) else None,
        bridged=_stack_marks(parts, people),
    )


def concatenate_keypoints(parts: Sequence[Keypoints2D]) -> Keypoints2D:
    """One clip of keypoints from its parts in order, with the same rules as `concatenate_poses`."""
    people = max(part.people for part in parts)
    times = [part.times for part in parts if part.times is not None]
    return replace(
        parts[0],
        xy=_stack([part.xy for part in parts], people),
        score=_stack([part.score for part in parts], people),
        times=np.concatenate(times) if len(times) == len(parts) else None,
    )


def _stack(arrays: Sequence[Float32[np.ndarray, "..."]], people: int) -> Float32[np.ndarray, "..."]:
    whole = np.full((sum(map(len, arrays)), people, *arrays[0].shape[2:]), np.nan, dtype=np.float32)
    first = 0
    for array in arrays:
        whole[first : first + len(array), : array.shape[1]] = array
        first += len(array)
    whole.setflags(write=False)  # nobody else has it: what is made of it need not copy it
    return whole


def _stack_all(arrays: Sequence[Float32[np.ndarray, "..."] | None], people: int) -> Float32[np.ndarray, "..."] | None:
    known = [array for array in arrays if array is not None]
    return _stack(known, people) if len(known) == len(arrays) else None


def _stack_marks(parts: Sequence[Poses3D], people: int) -> Bool[np.ndarray, "frame person joint"] | None:
    if all(part.bridged is None for part in parts):
        return None
    marks = np.zeros((sum(map(len, parts)), people, parts[0].xyz.shape[2]), dtype=bool)
    start = 0
    for part in parts:
        if part.bridged is not None:
            marks[start : start + len(part), : part.people] = part.bridged
        start += len(part)
    return marks
