"""Draw hypotheses with the networks of comparison_runs.py: `python benchmarks/comparison_samples.py RUNS HDM05 OUT`.

HDM05 (never trained on) is seen by the camera of the training views; every 8th frame of the clips at 10 a second. The
time of a pose is measured with 1 and with 40 hypotheses, on one thread, a few times; the smallest counts.
"""

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from comparison_runs import FOCAL, NETWORKS, SEEDS, config_of
from jaxtyping import Float32

from flowlift.datasets.hdm05 import read_captures
from flowlift.datasets.views import Variation, view
from flowlift.datasets.virtual_camera import ViewRange, to_camera_frame
from flowlift.lifter import hypothesis_noise
from flowlift.networks import make_network
from flowlift.screen import screen_intrinsics, to_screen
from flowlift.skeletons import HUMAN36M17
from flowlift.training.methods import draw_poses

HYPOTHESES, EVERY = 40, 8
FOV = float(np.degrees(2 * np.arctan(1 / FOCAL)))
STUDIO = ViewRange(distance=(3.9, 6.0), pitch=(-5.0, 20.0), fov=(FOV, FOV), aim=0.4, image_size=(1000, 1000))
STEPS = {"flow": (1, 2, 3, 5, 10), "diffusion": (5, 10, 50), "flow-pose": (1, 3, 10), "flow-x1": (1, 3, 10)}
"""Steps that are compared; 3 for what is not named."""
NOISE = {"noise": 0.01, "exact": 0.0}
EXACT = (("flow", 3), ("flow-x1", 3), ("diffusion", 5), ("regression", 3))
"""What is also measured on exact 2D."""


@dataclass(frozen=True, eq=False)
class TestSet:
    """`screen` (F, 17, 2), `truth` (F, 17, 3) m relative to the hip, `root` (F, 3) m, `intrinsics` (F, 9)."""

    screen: Float32[np.ndarray, "frame 17 2"]
    truth: Float32[np.ndarray, "frame 17 3"]
    root: Float32[np.ndarray, "frame 3"]
    intrinsics: Float32[np.ndarray, "frame 9"]


def read_test_set(source: Path, noise: float) -> TestSet:
    """HDM05 in the studio; frames with a joint outside the image are left out."""
    parts = []
    for index, capture in enumerate(read_captures(source)):
        seen = view(capture, replace(Variation(noise=noise), views=STUDIO), np.random.default_rng([0, index]))
        root = to_camera_frame(seen.camera, capture.xyz)[:, 0]
        screen = to_screen(seen.keypoints.xy[:, 0], seen.camera.image_size)
        rows = np.flatnonzero(np.isfinite(screen).all(axis=(1, 2)))
        rows = rows[rows % EVERY == 0]
        lens = np.tile(screen_intrinsics(seen.camera), (len(rows), 1))
        parts.append((screen[rows], seen.truth[rows], root[rows], lens))
    return TestSet(*(np.concatenate(arrays).astype(np.float32) for arrays in zip(*parts, strict=True)))


def draw(
    network: torch.nn.Module, method: object, screen: torch.Tensor, noise: torch.Tensor
) -> Float32[np.ndarray, "frame hypothesis 17 3"]:
    """Hypotheses of every frame: every second one on the mirrored view, as the Lifter draws them."""
    mirror, sign = list(HUMAN36M17.mirror), torch.tensor([-1.0, 1.0, 1.0])
    found = torch.empty(len(screen), *noise.shape)
    for start in range(0, len(screen), 64):
        rows = slice(start, start + 64)
        some = screen[rows]
        left = noise[0::2].expand(len(some), -1, -1, -1)
        found[rows, 0::2] = draw_poses(network, method, some, left)
        if len(noise) > 1:
            right = noise[1::2].expand(len(some), -1, -1, -1)
            drawn = draw_poses(network, method, some[:, mirror] * sign[:2], right)
            found[rows, 1::2] = drawn[:, :, mirror] * sign
    found[:, :, HUMAN36M17.root] = 0
    return found.numpy()


def milliseconds(network: torch.nn.Module, method: object, screen: torch.Tensor, count: int) -> float:
    """Time of one pose, one frame at a time, the smallest of several."""
    noise = torch.from_numpy(hypothesis_noise(count, HUMAN36M17, 0))
    times = []
    for _ in range(12):
        start = time.perf_counter()
        draw(network, method, screen[:1], noise)
        times.append(time.perf_counter() - start)
    return min(times) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path)
    parser.add_argument("hdm05", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--part", default="0/1", help="which share of the networks: I/N")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    part, parts = map(int, options.part.split("/"))
    sets = {name: read_test_set(options.hdm05, noise) for name, noise in NOISE.items()}
    for name, each in sets.items():
        np.savez(options.out / f"truth-{name}.npz", **vars(each))
    todo = [(name, seed) for seed in SEEDS for name in NETWORKS]
    for name, seed in todo[part::parts]:
        run = options.runs / f"{name}-{seed}"
        config = config_of(name, Path("bank.npz"), seed)
        if not (run / "checkpoint.pt").exists():
            print("not there:", run)
            continue
        network = make_network(config.network.kind, config.network.settings, HUMAN36M17).eval()
        state = torch.load(run / "checkpoint.pt", weights_only=True)
        if state["step"] < config.run.epochs * (config.run.epoch // config.run.batch):
            print("not finished:", run)
            continue
        mean = {key: value for key, value in state["averaged"].items() if key.startswith("network.")}
        network.load_state_dict({key.removeprefix("network."): value for key, value in mean.items()})
        for steps in STEPS.get(name, (3,)):
            method = replace(config.method, steps=steps)
            for kind, each in sets.items():
                file = options.out / f"{name}-{steps}-{kind}-{seed}.npz"
                if file.exists() or (kind == "exact" and (name, steps) not in EXACT):
                    continue
                screen = torch.from_numpy(each.screen)
                noise = torch.from_numpy(hypothesis_noise(HYPOTHESES, HUMAN36M17, seed))
                found = draw(network, method, screen, noise)
                took = [milliseconds(network, method, screen, count) for count in (1, HYPOTHESES)]
                beside = file.with_suffix(".part.npz")
                np.savez(beside, hypotheses=found, milliseconds=took, views=state["step"] * config.run.batch)
                beside.replace(file)
                print(file.name, flush=True)


if __name__ == "__main__":
    main()
