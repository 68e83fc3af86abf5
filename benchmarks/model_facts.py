"""What a packaged model's description says of it, as a table for its card. Writes docs/results/model-NAME.json.

python benchmarks/model_facts.py human
"""

import json
import sys

from pages import ROOT, as_markdown, save_result


def main(name: str) -> None:
    folder = ROOT / "src" / "flowlift" / "models" / name
    model = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    training = model["training"]
    config, network, last = training["config"], model["network"], training["log_last"]
    kibibytes = {file.name: round(file.stat().st_size / 1024) for file in sorted(folder.iterdir())}
    rows = [
        ["parameters", f"{model['parameters']:,}"],
        ["encoder", f"{network['encoder_blocks']} residual blocks of width {network['encoder_width']}, once a person"],
        ["head", f"{network['head_blocks']} residual blocks of width {network['head_width']}, per hypothesis and step"],
        ["Euler steps", model["steps"]],
        ["views trained on", f"{training['views']:,} ({config['batch']} a step, {config['draws']} noises a view)"],
        ["training time", f"{training['minutes']} minutes on a shared CPU, one or two cores"],
        ["optimizer", f"AdamW, learning rate {config['learning_rate']} falling to 0, weights averaged"],
        ["P-MPJPE on trained poses, new views", f"{last['train_poses_mm']} mm (exact 2D, one step)"],
        ["P-MPJPE on held-out poses", f"{last['held_out_poses_mm']} mm (exact 2D, one step)"],
        *([file, f"{size:,} KiB"] for file, size in kibibytes.items() if not file.endswith(".md")),
    ]
    result = {"columns": ["", name], "rows": rows, "notes": []}
    save_result(f"model-{name}", result)
    print(as_markdown(result))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "human")
