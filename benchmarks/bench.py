"""What `flowlift bench` measures, beside the published loop in the same run. Writes docs/results/bench.json.

    python benchmarks/bench.py [--device cuda+fp16] [--seconds 4]

Six minutes. Another device than the CPU writes bench-DEVICE.json: of lifting, which alone runs there.
"""

import argparse
from dataclasses import asdict, replace

from pages import as_markdown, save_result
from published_loop import FORMS, hypotheses_per_second

from flowlift.bench.machine import describe_device, describe_machine, matrix_rate, precision_of, torch_device
from flowlift.bench.stages import HYPOTHESES, PUBLISHED, Bench, Row, lifting_words

STEPS = 3
HALF = "openvino+bf16"
"""The CPU's faster device, where it has instructions for it; the limit stays that of float32."""


def time_loops(device: str, seconds: float) -> dict[str, dict[int, float]]:
    """Frames/s of each form of the loop, by the number of hypotheses."""
    return {
        name: {
            count: hypotheses_per_second(form, hypotheses=count, steps=STEPS, seconds=seconds, device=device) / count
            for count in HYPOTHESES
        }
        for name, form in FORMS.items()
    }


def cells(row: Row, loops: dict[str, dict[int, float]]) -> list[str]:
    """One line of the table; networks of the published size are set against the loops."""
    speed = row.note if row.per_second is None else f"{row.per_second:.{0 if row.per_second >= 20 else 2}f}"
    share = "" if row.of_limit is None else f"{100 * row.of_limit:.0f} %"
    count = next((n for n in HYPOTHESES if row.what == lifting_words(PUBLISHED, n, STEPS)), None)
    ratios = [
        "" if count is None or row.per_second is None else f"{row.per_second / loop[count]:.1f}"
        for loop in loops.values()
    ]
    return [row.stage, row.what, speed, share, *ratios]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu", help="where networks run, as flowlift lift takes it")
    parser.add_argument("--seconds", type=float, default=4.0, help="for each row")
    options = parser.parse_args()
    where, precision = torch_device(options.device), precision_of(options.device)
    rate = matrix_rate(where, precision) or float("nan")
    loops = time_loops(where, options.seconds)
    bench = Bench(rate, options.seconds, options.device)
    rows = list(bench.rows() if options.device == "cpu" else bench.lifting())
    if options.device == "cpu":
        halves = Bench(rate, options.seconds, HALF, steps=(STEPS,)).lifting()
        rows += [replace(row, stage=f"lifting, {HALF}") for row in halves]
    of_loops = [
        Row("published loop", f"{lifting_words(PUBLISHED, count, STEPS)}, {name}", per_second=speed)
        for name, speeds in loops.items()
        for count, speed in speeds.items()
    ]
    device = describe_device(where)
    result = {
        "columns": ["stage", "what", "frames/s", "of the limit", *(f"times the loop, {name}" for name in loops)],
        "rows": [cells(row, loops) for row in [*rows, *of_loops]],
        "notes": [
            f"Measured by `benchmarks/bench.py` on {device}, which does {rate / 1e9:.0f} billion operations a second "
            f"in {precision} matrix products. The limit is that over the operations of the network's own layers."
        ],
        "measured": [asdict(row) for row in [*rows, *of_loops]],
        "matrix_operations_per_second": rate,
        "machine": {**describe_machine(), "device": device},
    }
    save_result("bench" if options.device == "cpu" else f"bench-{options.device.replace(':', '-')}", result)
    print(as_markdown(result))


if __name__ == "__main__":
    main()
