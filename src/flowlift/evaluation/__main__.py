"""`python -m flowlift.evaluation pose2sim FOLDER`, `... hdm05 TAR_OR_FOLDER`: tables of what a model reaches."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from flowlift.containers import Keypoints2D
from flowlift.datasets.views import VARIATIONS
from flowlift.errors import FlowliftError, InputError, MissingExtraError, ModelError
from flowlift.evaluation.lifting import Lift, LiftSettings
from flowlift.evaluation.report import Result, to_json, to_markdown, to_text
from flowlift.io.atomic import written_whole
from flowlift.lifter import Lifter

MEAN_POSE = "mean-pose"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message} ({self.prog} --help shows what there is)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one protocol and print its table. Exit status 0, or 2 with one line on stderr."""
    try:
        options = _parser().parse_args(arguments)
        results = options.run(options)
        print(to_markdown(results) if options.markdown else to_text(results), end="")
        if options.json is not None:
            with written_whole(options.json) as beside:
                beside.write_text(to_json(results), encoding="utf-8")
    except FlowliftError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted: nothing was measured to the end", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m flowlift.evaluation", description="What a model reaches, under a named protocol.")
    protocols = parser.add_subparsers(required=True, metavar="PROTOCOL")
    common = _Parser(add_help=False)
    common.add_argument("--model", default="human", help="a packaged model or a model's folder (human)")
    common.add_argument("--device", help="cpu, or a torch device")
    common.add_argument("--hypotheses", type=_positive, default=20, metavar="N", help="hypotheses for each pose (20)")
    common.add_argument("--steps", type=_positive, metavar="N", help="solver steps (the model's own)")
    common.add_argument("--seeds", type=_positive, default=3, metavar="N", help="how many seeds: 0, 1, ... (3)")
    common.add_argument("--smooth", choices=("auto", "off"), default="auto", help="smoothing over the clip (auto)")
    common.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    common.add_argument("--json", type=Path, metavar="FILE", help="write everything, seed by seed, as JSON")

    clip = protocols.add_parser("pose2sim", parents=[common], help="a real clip with triangulated joints")
    clip.add_argument("source", type=Path, metavar="FOLDER", help="the folder that holds reference.npz")
    clip.add_argument("--unknown-intrinsics", action="store_true", help="do not tell the method the calibration")
    clip.add_argument("--detector", default="mediapipe", help="finds 2D keypoints in the videos (mediapipe)")
    clip.set_defaults(run=_pose2sim)

    capture = protocols.add_parser("hdm05", parents=[common], help="marker capture seen by virtual cameras")
    capture.add_argument("source", type=Path, metavar="TAR_OR_FOLDER", help="the archive, or what it unpacks to")
    capture.add_argument("--variations", default="exact,noise", help=f"of {','.join(VARIATIONS)}")
    capture.add_argument("--actors", default="bd,bk,dg", help="which actors (bd,bk,dg)")
    capture.add_argument(
        "--every", type=_positive, default=1, metavar="N", help="every Nth clip only, for a quick look"
    )
    capture.add_argument("--camera-seed", type=int, default=0, metavar="N", help="draws the cameras and the noise (0)")
    capture.set_defaults(run=_hdm05)
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {value}")
    return value


def _settings(options: argparse.Namespace) -> LiftSettings:
    return LiftSettings(options.model, options.hypotheses, options.steps, tuple(range(options.seeds)), options.smooth)


def _lifter(options: argparse.Namespace) -> Lifter:
    return Lifter.load(options.model, device=options.device)


def _pose2sim(options: argparse.Namespace) -> list[Result]:
    from flowlift.camera import DEFAULT_FOV, Camera
    from flowlift.evaluation import pose2sim
    from flowlift.lifting.mending import mended_sides

    settings, shots = _settings(options), pose2sim.read_shots(options.source)
    lift = _lifter(options)
    known = [pose2sim.Given.INTRINSICS, pose2sim.Given.CALIBRATION]
    given = [pose2sim.Given.NOTHING] if options.unknown_intrinsics else known

    def lifted(source: str, find: Callable[[pose2sim.Shot], Keypoints2D]) -> list[Result]:
        keypoints = {}
        for shot in shots:
            seen = find(shot)
            assumed = Camera.from_fov(DEFAULT_FOV, seen.image_size, assumed=True)
            camera = shot.camera(given[0], seen) or assumed
            keypoints[shot.number] = mended_sides(seen, lift, camera).keypoints  # as `flowlift lift` does
        told = f"{source}, exchanged sides mended"
        return [
            pose2sim.evaluate_keypoints(
                f"{options.model}, {source}" + (", vertical known" if what is pose2sim.Given.CALIBRATION else ""),
                told,
                shots,
                keypoints,
                lift,
                settings,
                given=what,
            )
            for what in given
        ]

    results = lifted("OpenPose", pose2sim.openpose_keypoints)
    try:
        results += lifted(options.detector, lambda shot: pose2sim.detected_keypoints(shot, options.detector))
        results.append(pose2sim.evaluate_mediapipe_world(shots))
    except (MissingExtraError, ModelError) as error:
        print(f"left out: {error}", file=sys.stderr)
    return results


def _hdm05(options: argparse.Namespace) -> list[Result]:
    from flowlift.datasets.hdm05 import read_captures
    from flowlift.evaluation.baselines import mean_pose
    from flowlift.evaluation.hdm05 import evaluate_hdm05

    names = options.variations.split(",")
    for name in names:
        if name not in VARIATIONS:
            raise InputError(f"no variation {name!r}; known: {', '.join(VARIATIONS)}")
    captures = read_captures(options.source, actors=options.actors.split(","))
    lift: Lift = mean_pose(captures) if options.model == MEAN_POSE else _lifter(options)
    return [
        evaluate_hdm05(
            captures[:: options.every],
            lift,
            _settings(options),
            VARIATIONS[name],
            name=f"{options.model}, {name}",
            camera_seed=options.camera_seed,
            progress=_progress if sys.stderr.isatty() else None,
        )
        for name in names
    ]


def _progress(done: int, total: int) -> None:
    print(f"\rclip {done} of {total}", end="\n" if done == total else "", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
