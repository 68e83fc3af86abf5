"""What docs/your-animal.md reaches at full size: docs/results/your-animal.json.

    python benchmarks/your_animal.py FOLDER [--model MODEL] [--seeds 3] [--every 4] [--state "the machine was idle"]

makes the recording in FOLDER, trains on it (or goes on, where a run lies there already, or takes the run that is
finished, or MODEL), and evaluates on the stretches that were held out, where the model's card knows them, and on
another recording.
"""

import argparse
import json
import time
from pathlib import Path

from pages import save_result

from flowlift.bench.machine import describe_machine
from flowlift.cli import main as flowlift
from flowlift.datasets.session import read_sessions
from flowlift.datasets.session_rig import read_cameras, rig_of
from flowlift.demo_animal_files import write_files
from flowlift.evaluation.report import Result
from flowlift.evaluation.sessions import SessionResult, evaluate_sessions
from flowlift.lifter import Lifter

FIGURES = {"mpjpe": "MPJPE", "n_mpjpe": "N-MPJPE", "p_mpjpe": "P-MPJPE", "coverage_90": "in 90 % regions"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", type=Path, help="a model that was trained on such a recording, instead of training")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--every", type=int, default=4, help="every Nth frame only")
    parser.add_argument("--state", default="", help="what else the machine did, for the note")
    options = parser.parse_args()
    folder: Path = options.folder
    if not (folder / "session.csv").exists():
        write_files(folder)
    model = options.model or folder / "run" / "mouse.flowlift"
    begun = time.process_time()
    if not model.exists() and flowlift(_training(folder)):
        raise SystemExit("training failed")
    cpu = (time.process_time() - begun) / 60
    lifter = Lifter.load(model)
    card = json.loads((lifter.model.folder / "model.json").read_text(encoding="utf-8"))["training"]
    seeds = tuple(range(options.seeds))
    write_files(folder / "other", seed=50, seconds=120)
    where = {"held-out minutes": folder} if card.get("sessions") else {}
    rows = []
    for name, recording in (where | {"another recording": folder / "other"}).items():
        found = _evaluated(lifter, recording, seeds, options.every)
        rows += [_row(name, result) for result in found.results]
        conditions = found.results[0].conditions
    processor = f"; {cpu:.0f} minutes of processor time in this run" if cpu > 1 else ""
    notes = [
        "- a synthetic animal, 8 minutes at 30 frames/s: 70 % train, 10 % choose the epoch, 20 % are held out; another "
        "recording: 2 minutes of another motion",
        "- errors in % of the body's length (nose - neck - spine - tail base), against the recordings as triangulated, "
        "which err themselves (0.8 % of the body's length along each axis)",
        f"- training: {card['minutes']} minutes, {card['views']:,} views{processor}{_state(options.state)}; "
        f"precision: {card['config']['run']['precision']}",
        f"- virtual cameras: {conditions.cameras.removeprefix('virtual, ')}; root: solved; intrinsics: given; "
        f"hypotheses: {conditions.hypotheses}; steps: {conditions.steps}; seeds: {', '.join(map(str, seeds))}; "
        f"every {options.every}th frame",
        "- noise: Gaussian, 1.5 % of the body's length, and 10 % of the joints missing",
    ]
    columns = ["frames of", "seen by", "frames", *FIGURES.values()]
    print(save_result("your-animal", {"columns": columns, "rows": rows, "notes": notes, "machine": describe_machine()}))


def _training(folder: Path) -> list[str]:
    words = ["train", "--skeleton", str(folder / "mouse.toml"), "--data", str(folder / "session.csv"), "--up", "z"]
    return [*words, "--calibration", str(folder / "calibration.toml"), "-o", str(folder / "run"), "--name", "mouse"]


def _evaluated(lifter: Lifter, folder: Path, seeds: tuple[int, ...], every: int) -> SessionResult:
    sessions = read_sessions([folder / "session.csv"], lifter.model.skeleton, up="z")
    views = read_cameras(folder / "calibration.toml")
    return evaluate_sessions(lifter, sessions, rigs=[(rig_of(sessions[0], views), views)], seeds=seeds, every=every)


def _row(name: str, result: Result) -> list[str | int]:
    kind = result.name.partition(", ")[2]
    seen_by = {"exact": "virtual cameras", "noise": "virtual cameras, noise"}.get(kind, "the recording's cameras")
    row = result.row("all frames")
    return [name, seen_by, row.frames, *(f"{100 * row.figures[figure].mean:.1f} %" for figure in FIGURES)]


def _state(words: str) -> str:
    return f" ({words})" if words else ""


if __name__ == "__main__":
    main()
