"""Score what comparison_samples.py drew: `python benchmarks/comparison_scores.py SAMPLES -o comparison.json`.

Every method's hypotheses go through the same lines: each aggregation, with each way to know where the subject stands.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from comparison_runs import FOCAL, NETWORKS, SEEDS, config_of
from comparison_samples import HYPOTHESES, NOISE, STEPS
from jaxtyping import Float32

from flowlift.aggregate import Aggregation
from flowlift.datasets.mocap import stature
from flowlift.evaluation.calibration import energy_score, over_hypotheses
from flowlift.evaluation.metrics import mpjpe_per_pose, n_mpjpe_per_pose, p_mpjpe_per_pose
from flowlift.evaluation.reliability import expected_calibration_error
from flowlift.evaluation.ways import PUBLISHED, Oracle, Shown, Way, all_ways, answers
from flowlift.io.atomic import written_whole
from flowlift.networks import make_network
from flowlift.skeletons import HUMAN36M17

COUNTS = (1, 2, 10, 20, 40)
ROOT = HUMAN36M17.root
SIZED = (
    Way(Aggregation("mean")),
    Way(PUBLISHED, "solved"),
    Way(Aggregation("rpea-pose", PUBLISHED.keep, PUBLISHED.temperature), "solved"),
)
"""What is also measured with every hypothesis scaled to the subject's true size."""
Poses = Float32[np.ndarray, "frame hypothesis 17 3"]


def score(drawn: Poses, test: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """Errors, mm, of every way and number of hypotheses; and with the true length of the bones from ankle to head."""
    truth = test["truth"]
    oracle = Oracle(test["screen"], test["root"], test["intrinsics"])
    rays, seen = test["screen"] / np.float32(FOCAL), np.ones(test["screen"].shape[:2], dtype=np.float32)
    shown = Shown(rays, seen, FOCAL, oracle)
    scaled = drawn * (stature(truth)[:, None] / stature(drawn))[..., None, None].astype(np.float32)
    rows = []
    for count in COUNTS:
        found = answers(drawn[:, :count], shown, all_ways(), root=ROOT)
        sized = answers(scaled[:, :count], shown, SIZED, root=ROOT)
        found |= {f"{name}, true stature given": pose for name, pose in sized.items()}
        for name, pose in found.items():
            measured = {"mpjpe_mm": mpjpe_per_pose, "n_mpjpe_mm": n_mpjpe_per_pose, "p_mpjpe_mm": p_mpjpe_per_pose}
            figures = {figure: float(metric(pose, truth).mean()) * 1000 for figure, metric in measured.items()}
            rows.append({"way": name, "hypotheses": count, **figures})
    return rows


def spread(drawn: Poses, test: dict[str, np.ndarray]) -> dict[str, float]:
    """What the hypotheses say together: the best of them, beside what keeps that honest."""
    truth, moving = test["truth"], [joint for joint in range(17) if joint != ROOT]
    best = {count: over_hypotheses(drawn[:, :count], truth).minimum.mean() for count in COUNTS}
    p_best = over_hypotheses(drawn, truth, metric=p_mpjpe_per_pose).minimum.mean()
    return {
        **{f"best_of_{count}_mpjpe_mm": float(value) * 1000 for count, value in best.items()},
        f"best_of_{HYPOTHESES}_p_mpjpe_mm": float(p_best) * 1000,
        "energy_mm": float(energy_score(drawn[:, :, moving], truth[:, moving]).mean()) * 1000,
        "ece": float(expected_calibration_error(drawn[:, :, moving], truth[:, moving])),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("samples", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    options = parser.parse_args()
    tests = {kind: dict(np.load(options.samples / f"truth-{kind}.npz")) for kind in NOISE}
    entries = []
    for name in NETWORKS:
        for steps in STEPS.get(name, (3,)):
            for kind, test in tests.items():
                per_seed = []
                for seed in SEEDS:
                    file = options.samples / f"{name}-{steps}-{kind}-{seed}.npz"
                    if not file.exists():
                        continue
                    found = np.load(file)
                    drawn = found["hypotheses"]
                    per_seed.append(
                        {
                            "seed": seed,
                            "views": int(found["views"]),
                            "milliseconds": dict(zip(("1", "40"), found["milliseconds"].tolist(), strict=True)),
                            "spread": spread(drawn, test),
                            "errors": score(drawn, test),
                        }
                    )
                    print(file.name, flush=True)
                if per_seed:
                    entries.append({"network": name, "steps": steps, "keypoints": kind, "seeds": per_seed})
    result = {
        "frames": {kind: len(test["truth"]) for kind, test in tests.items()},
        "parameters": {name: _parameters(name) for name in NETWORKS},
        "entries": entries,
    }
    with written_whole(options.out) as beside:
        beside.write_text(json.dumps(_rounded(result)) + "\n", encoding="utf-8")


def _rounded(value: Any) -> Any:
    """Numbers to four decimals: a tenth of a micrometre."""
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return round(value, 4) if isinstance(value, float) else value


def _parameters(name: str) -> int:
    config = config_of(name, Path("bank.npz"), 0)
    network = make_network(config.network.kind, config.network.settings, HUMAN36M17)
    return sum(parameter.numel() for parameter in network.parameters())


if __name__ == "__main__":
    main()
