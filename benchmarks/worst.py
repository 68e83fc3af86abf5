"""The worst cases of a model on HDM05, with pictures and what went wrong. Writes docs/worst.md and docs/worst.png.

python benchmarks/worst.py HDM05 [--model human] [--count 20]
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from pages import ROOT
from PIL import Image, ImageDraw, ImageFont

from flowlift import Lifter
from flowlift.datasets.hdm05 import read_captures
from flowlift.datasets.views import VARIATIONS, view
from flowlift.evaluation.failures import what_went_wrong
from flowlift.evaluation.metrics import p_mpjpe_per_pose, procrustes
from flowlift.skeletons import HUMAN36M17
from flowlift.view.shapes import paint, skeleton_shapes

HYPOTHESES = 20
_BOX, _HEAD, _ACROSS, _METRE = 190, 34, 2, 78.0
_GREY = (150, 156, 164)
_FRONT = np.array([[1.0, 0, 0], [0, 1, 0]])
_SIDE = np.array([[0.0, 0, 1], [0, 1, 0]])
"""Pixel directions (right, down): as the camera sees it, and from its left, so that the camera is at the left."""


@dataclass(frozen=True, eq=False)
class Case:
    """A clip's worst frame: poses in m, camera frame; `pred` is moved, turned and scaled onto the truth."""

    clip: int
    actor: str
    action: str
    frame: int
    error_mm: float
    joint: str
    wrong: list[str]
    pred: Float[np.ndarray, "17 3"]
    truth: Float[np.ndarray, "17 3"]


def worst_of_clips(source: Path, model: str) -> list[Case]:
    """One case a clip, the worst first; seen as the table of HDM05 sees them (exact 2D, intrinsics given)."""
    lifter, cases = Lifter.load(model), []
    for clip, capture in enumerate(read_captures(source)):
        seen = view(capture, VARIATIONS["exact"], np.random.default_rng([0, clip]))
        poses = lifter(seen.keypoints, camera=seen.camera.without_pose, hypotheses=HYPOTHESES, keep_hypotheses=True)
        assert poses.hypotheses is not None
        pred, truth = poses.xyz[:, 0].astype(np.float64), seen.truth.astype(np.float64)
        errors = p_mpjpe_per_pose(pred, truth)
        frame = int(np.nanargmax(errors))
        placed = procrustes(pred[frame], truth[frame])(pred[frame])
        farthest = int(np.linalg.norm(placed - truth[frame], axis=-1).argmax())
        drawn = poses.hypotheses[frame, 0].astype(np.float64)
        wrong = what_went_wrong(pred[frame], truth[frame], drawn)
        joint = HUMAN36M17.joints[farthest].replace("_", " ")
        error = 1000 * float(errors[frame])
        cases.append(Case(clip, capture.actor, capture.action, frame, error, joint, wrong, placed, truth[frame]))
    return sorted(cases, key=lambda case: -case.error_mm)


def picture(cases: list[Case]) -> Image.Image:
    """Each case from the camera and from the camera's left; the truth in grey, left blue, right orange."""
    rows = -(-len(cases) // _ACROSS)
    image = Image.new("RGB", (2 * _BOX * _ACROSS, rows * (_BOX + _HEAD)), (255, 255, 255))
    pen, shapes = ImageDraw.Draw(image), []
    for place, case in enumerate(cases):
        left, top = place % _ACROSS * 2 * _BOX, place // _ACROSS * (_BOX + _HEAD)
        pen.rectangle([left, top, left + 2 * _BOX, top + _BOX + _HEAD], outline=(222, 226, 230))
        title = f"{place + 1}. {case.action}, {case.actor}: {case.error_mm:.0f} mm"
        pen.text((left + 6, top + 4), title, fill=(60, 66, 74), font=ImageFont.load_default(size=13))
        pen.text((left + 6, top + 19), case.wrong[0], fill=(110, 116, 124), font=ImageFont.load_default(size=11))
        for directions, middle in ((_FRONT, left + _BOX / 2), (_SIDE, left + 1.5 * _BOX)):
            flat = [_METRE * pose @ directions.T for pose in (case.truth, case.pred)]
            both = np.concatenate(flat)
            shift = np.array([middle, top + _HEAD + _BOX / 2]) - (both.min(axis=0) + both.max(axis=0)) / 2
            shapes += skeleton_shapes(flat[0] + shift, HUMAN36M17, 3.0, color=_GREY)
            shapes += skeleton_shapes(flat[1] + shift, HUMAN36M17, 3.0)
    return paint(image, shapes)


def page(cases: list[Case], model: str) -> str:
    """The page that shows the picture and tells of each case."""
    rows = "\n".join(
        f"| {place} | {case.action} | {case.actor} | {case.clip}, {case.frame} | {case.error_mm:.0f} | {case.joint} | "
        f"{'; '.join(case.wrong)} |"
        for place, case in enumerate(cases, start=1)
    )
    return f"""# The worst cases

Model `{model}` on HDM05 (exact 2D, virtual cameras, intrinsics given, root solved, {HYPOTHESES} hypotheses, seed 0):
the worst frame of each of the {len(cases)} worst clips by P-MPJPE. Left in each box: as the camera sees it; right: from
the camera's left, the camera being at the left. Grey: the truth; blue and orange: left and right as found, placed on
the truth. What went wrong is told by rules (`src/flowlift/evaluation/failures.py`): a limb is "the wrong way round"
when its depth, mirrored about the joint it turns about, is less than half as wrong. Written by `benchmarks/worst.py`.

![The worst cases](worst.png)

| | action | actor | clip, frame | P-MPJPE mm | farthest joint | what went wrong |
| --- | --- | --- | --- | --- | --- | --- |
{rows}

HDM05: M. Müller, T. Röder, M. Clausen, B. Eberhardt, B. Krüger, A. Weber: Documentation Mocap Database HDM05,
Universität Bonn, CG-2007-2 (CC BY-SA 3.0).
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="the archive of HDM05, or what it unpacks to")
    parser.add_argument("--model", default="human", help="a packaged model or a model's folder")
    parser.add_argument("--count", type=int, default=20, help="how many cases")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="the folder for worst.md and worst.png")
    options = parser.parse_args()
    cases = worst_of_clips(options.source, options.model)[: options.count]
    picture(cases).quantize(64).save(options.out / "worst.png", optimize=True)
    (options.out / "worst.md").write_text(page(cases, options.model), encoding="utf-8")


if __name__ == "__main__":
    main()
