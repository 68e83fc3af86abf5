"""An evaluation as files: report.md to read, report.json with every number, reliability.svg."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from flowlift.evaluation.evaluating import Evaluation
from flowlift.evaluation.reliability import reliability_svg
from flowlift.evaluation.report import Result, Row, to_json
from flowlift.evaluation.ways import ORACLE
from flowlift.io.atomic import written_whole

LABELS = {
    "mpjpe_mm": "MPJPE mm",
    "n_mpjpe_mm": "N-MPJPE mm",
    "p_mpjpe_mm": "P-MPJPE mm",
    "pck_150": "PCK 150 mm %",
    "auc": "AUC %",
    "coverage_90": "coverage of 90 % regions %",
    "min_mpjpe_mm": "min-of-N MPJPE mm",
    "mean_mpjpe_mm": "mean-of-N MPJPE mm",
    "median_mpjpe_mm": "median-of-N MPJPE mm",
    "min_p_mpjpe_mm": "min-of-N P-MPJPE mm",
    "mean_p_mpjpe_mm": "mean-of-N P-MPJPE mm",
    "energy_mm": "energy score mm",
}

MOTION = {
    "mpsse_mm": "left and right bones differ by (MPSSE)",
    "mpsce_mm": "bones' lengths vary over time by (MPSCE)",
    "acceleration_error_mm": "acceleration error, per frame^2 of the frames compared",
    "jitter_mm": "acceleration, per frame^2 of the frames compared",
}


def write_report(evaluation: Evaluation, folder: Path) -> tuple[Path, ...]:
    """Write the three files; their paths. Raises OutputError when they cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {"report.md": markdown(evaluation), "report.json": as_json(evaluation)}
    if evaluation.curve is not None:
        files["reliability.svg"] = reliability_svg({evaluation.settings.model: evaluation.curve})
    for name, text in files.items():
        with written_whole(folder / name) as beside:
            beside.write_text(text, encoding="utf-8")
    return tuple(folder / name for name in files)


def as_json(evaluation: Evaluation) -> str:
    """Everything, with the conditions of every number."""
    curve = evaluation.curve
    return (
        json.dumps(
            {
                "dataset": evaluation.dataset,
                "protocol": evaluation.protocol.name,
                "model": evaluation.settings.model,
                "model_answer": json.loads(to_json([evaluation.own])),
                "aggregations": json.loads(to_json(evaluation.ways)),
                "hypotheses": json.loads(to_json(evaluation.spread)),
                "motion": dict(evaluation.motion),
                "reliability": None
                if curve is None
                else {
                    "quantiles": curve.quantiles.tolist(),
                    "frequency": curve.frequency.tolist(),
                    "ece": curve.ece,
                },
                "notes": list(evaluation.notes),
            },
            indent=2,
            allow_nan=False,
        )
        + "\n"
    )


def markdown(evaluation: Evaluation) -> str:
    """The report: conditions, the headline, aggregations side by side, hypotheses and calibration, groups."""
    return "\n".join(_parts(evaluation)) + "\n"


def _parts(evaluation: Evaluation) -> Iterator[str]:
    own, protocol = evaluation.own, evaluation.protocol
    headline = own.rows[0].figures[protocol.headline]
    yield f"# {evaluation.settings.model} on {evaluation.dataset}"
    yield ""
    yield f"Protocol {protocol.name}. {LABELS[protocol.headline]}, the model's own answer: "
    yield (
        f"{_number(protocol.headline, headline.mean)} over all frames, "
        f"{_number(protocol.headline, own.rows[1].figures[protocol.headline].mean)} as the {own.rows[1].group}."
    )
    yield ""
    yield from _conditions(evaluation)
    yield from ("", "## The model's own answer", "")
    yield from _groups_table(own)
    yield from ("", "## Aggregations", "")
    if any(result.conditions.root == ORACLE for result in evaluation.ways):
        yield "Rows that say ORACLE used the test set's true root and true camera, as published. No user has them."
        yield ""
    yield from _results_table(evaluation.ways, protocol.group)
    if evaluation.spread:
        yield from ("", "## Hypotheses", "")
        if evaluation.curve is not None:
            ece = evaluation.curve.ece
            yield f"Expected calibration error {ece:.3f} (0 is best); its curve is in reliability.svg. The minimum over"
            yield "N falls with any spread: read it beside the energy score and the calibration."
            yield ""
        yield from _results_table(evaluation.spread, protocol.group)
    if evaluation.motion:
        yield from ("", "## Bones and motion of the model's answer", "", "Means over clips, mm.", "")
        yield _line(["figure", "mm"])
        yield _line(["---", "---:"])
        for name, value in evaluation.motion.items():
            yield _line([MOTION[name], f"{value:.1f}"])


def _conditions(evaluation: Evaluation) -> Iterator[str]:
    for name, value in vars(evaluation.own.conditions).items():
        if value not in (None, ()):
            words = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
            yield f"- {name}: {words}"
    settings = evaluation.settings
    yield f"- RPEA: {settings.keep} kept, temperature {settings.temperature:g} (half image widths)"
    yield from (f"- {note}" for note in evaluation.notes)


def _groups_table(result: Result) -> Iterator[str]:
    names = list(result.rows[0].figures)
    yield _line(["frames of", "frames", "without pose", *(LABELS[name] for name in names)])
    yield _line(["---", "---:", "---:", *("---:" for _ in names)])
    for row in result.rows:
        yield _line([row.group, str(row.frames), str(row.without_pose), *_cells(row, names)])


def _results_table(results: Sequence[Result], kind: str) -> Iterator[str]:
    """All frames, and the mean of the groups, of each result."""
    if not results:
        return
    names = list(results[0].rows[0].figures)
    yield _line(["answer", *(LABELS[name] for name in names), *(f"{LABELS[name]}, mean by {kind}" for name in names)])
    yield _line(["---", *("---:" for _ in range(2 * len(names)))])
    for result in results:
        yield _line([result.name, *_cells(result.rows[0], names), *_cells(result.rows[1], names)])


def _cells(row: Row, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        figure = row.figures.get(name)
        if figure is None or figure.mean != figure.mean:
            yield "-"
            continue
        spread = f" ± {_number(name, figure.spread)}" if len(figure.per_seed) > 1 else ""
        yield _number(name, figure.mean) + spread


def _number(name: str, value: float) -> str:
    return f"{value:.1f}" if name.endswith("_mm") else f"{100 * value:.1f}"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
