"""Several synthetic people in one clip, as a detector would see them: in any order, with gaps."""

from dataclasses import dataclass

import numpy as np

from flowlift.camera import Camera
from flowlift.containers import Keypoints2D
from flowlift.demo import synthesize, walk
from flowlift.skeletons import HUMAN36M17

SIZE = (1280, 720)


@dataclass(frozen=True)
class Crowd:
    """`keypoints`: people in random order in each frame. `who` (frame, person): whom each of them is, -1: nobody."""

    keypoints: Keypoints2D
    who: np.ndarray


def camera() -> Camera:
    return synthesize(seconds=0.1).camera


def walkers(seconds: float, fps: float, starts: tuple[float, ...]) -> np.ndarray:
    """World positions (frame, person, 17, 3) of people who walk one circle one after the other: `starts` in turns."""
    times = np.arange(round(seconds * fps)) / fps
    people = []
    for start in starts:
        turn = 2 * np.pi * start
        about = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
        people.append(walk(times + 0.37 * start) @ about.T)
    return np.stack(people, axis=1)


def observed(world: np.ndarray, fps: float, seed: int, *, noise: float = 2.0, shuffle: bool = True) -> Crowd:
    """What a detector sees of people (frame, person, 17, 3): who is hidden behind another is not found at all."""
    rng = np.random.default_rng(seed)
    seen = camera()
    xyz = world @ seen.rotation.T + seen.translation
    px = seen.project(xyz) + noise * rng.standard_normal((*world.shape[:3], 2))
    frames, people = px.shape[:2]
    who = np.tile(np.arange(people), (frames, 1))
    for frame in range(frames):
        for person in range(people):
            for other in range(people):
                apart = np.abs(px[frame, person, 0] - px[frame, other, 0])
                behind = xyz[frame, person, 0, 2] > xyz[frame, other, 0, 2]
                if behind and apart[0] < 100:
                    who[frame, person] = -1
    px[rng.random(px.shape[:3]) < 0.05] = np.nan
    px[who < 0] = np.nan
    if shuffle:
        order = rng.permuted(np.tile(np.arange(people), (frames, 1)), axis=1)
        px = np.take_along_axis(px, order[:, :, None, None], axis=1)
        who = np.take_along_axis(who, order, axis=1)
    score = np.where(np.isfinite(px[..., 0]), 0.9, np.nan)
    return Crowd(Keypoints2D(px, score, HUMAN36M17, SIZE, fps=fps, source="crowd"), who)
