"""What a packaged model's description says of it, as a table for its card. Writes docs/results/model-NAME.json.

python benchmarks/model_facts.py human
"""

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from pages import ROOT, as_markdown, save_result


def before(training: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The model that a model began from, and those before it."""
    if "started_from" in training:
        yield training["started_from"]
        yield from before(training["started_from"])


def measured(training: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    """What held-out poses said, and of which model: one that was refit has learned from them since."""
    if "held_out" in training:
        return training["held_out"], ""
    return training["started_from"]["held_out"], ", before those were learned from, too"


def words(of: Mapping[str, Any]) -> str:
    where = f" on {of['on']}" if "on" in of else ""
    return f"{of['name']}: {of['views']:,} views, {of['minutes']} minutes{where}"


def main(name: str) -> None:
    folder = ROOT / "src" / "flowlift" / "models" / name
    model = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    training = model["training"]
    network = model["network"]
    held_out, since = measured(training)
    method, optimizer, run = (training["config"][name] for name in ("method", "optimizer", "run"))
    kibibytes = {file.name: round(file.stat().st_size / 1024) for file in sorted(folder.iterdir())}
    called = {"adamw": "AdamW", "muon": "Muon with AdamW"}[optimizer["name"]]
    answered = "what the noise's centre leads to" if method.get("answer") else "mean of 4 hypotheses"
    unit = "mm" if model.get("unit", "m") == "m" else "thousandths of the body's length"
    rows = [
        ["parameters", f"{model['parameters']:,}"],
        ["encoder", f"{network['encoder_blocks']} residual blocks of width {network['encoder_width']}, once a person"],
        ["head", f"{network['head_blocks']} residual blocks of width {network['head_width']}, per hypothesis and step"],
        ["Euler steps", model["steps"]],
        ["views trained on", f"{training['views']:,} ({run['batch']} a step, {method['draws']} noises a view)"],
        ["training time", f"{training['minutes']} minutes on {training.get('on', 'one core of a CPU')}"],
        *(["before that", words(of)] for of in before(training)),
        *(["taught by", words(of)] for of in (training.get("taught_by"),) if of),
        ["optimizer", f"{called}, learning rate {optimizer['learning_rate']} falling to 0, weights averaged"],
        ["P-MPJPE on held-out poses", f"{held_out['p_mpjpe_mm']:.1f} {unit} (exact 2D, {answered}){since}"],
        *([file, f"{size:,} KiB"] for file, size in kibibytes.items() if not file.endswith(".md")),
    ]
    result = {"columns": ["", name], "rows": rows, "notes": []}
    save_result(f"model-{name}", result)
    print(as_markdown(result))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "human")
