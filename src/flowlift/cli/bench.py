"""`flowlift bench`: how fast everything is here."""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from flowlift.bench.stages import Row


def bench(
    *,
    device: str | None = None,
    seconds: float = 2.0,
    hypotheses: Annotated[list[int] | None, Parameter(negative="")] = None,
    steps: Annotated[list[int] | None, Parameter(negative="")] = None,
    json_file: Annotated[str | None, Parameter(name="--json")] = None,
) -> None:
    """How fast detection, lifting, aggregation, smoothing and writing are on this machine, and how fast they could be.

    Everything is timed on a clip that flowlift synthesises. The arithmetic limit of a network is the machine's rate of
    matrix products over the network's operations: of float32, on a GPU of the precision that the device asks for. It
    needs the train extra, and so does a network of the published size (random weights). A minute or two.

    Parameters
    ----------
    device
        Where the networks run, as `flowlift lift` takes it.
    seconds
        To spend on each row.
    hypotheses
        Numbers of hypotheses, instead of 1, 20 and 40.
    steps
        Numbers of steps, instead of 1 and 3.
    json_file
        Also write the figures, with the machine's description, to this file.
    """
    from flowlift.bench.machine import describe_device, describe_machine, matrix_rate, precision_of, torch_device
    from flowlift.bench.stages import HYPOTHESES, QUICKEST, STEPS, Bench
    from flowlift.cli.outputs import check_writable
    from flowlift.errors import InputError
    from flowlift.io.atomic import written_whole
    from flowlift.lifter import Lifter

    for name, values in (("--hypotheses", hypotheses or ()), ("--steps", steps or ())):
        if min(values, default=1) <= 0:
            raise InputError(f"{name} must be above 0, got {min(values)}")
    if not 0 < seconds < math.inf:
        raise InputError(f"--seconds must be above 0, and finite, got {seconds:g}")
    if json_file is not None:
        check_writable(Path(json_file), ())
    where, precision = torch_device(device), precision_of(device)
    Lifter.load(QUICKEST, device=device)  # a device that cannot be is refused now, with the reason
    rate = matrix_rate(where, precision)
    todo = Bench(rate, seconds, device, hypotheses or HYPOTHESES, steps or STEPS)
    rows = list(todo.rows())
    speed = "" if rate is None else f": {rate / 1e9:.0f} billion operations/s in {precision} matrix products"
    _show(rows, describe_device(where) + speed)
    if json_file is not None:
        told = {
            "machine": describe_machine(),
            "device": device or "cpu",
            "device_name": describe_device(where),
            "matrix_operations_per_second": rate,
            "matrix_precision": precision,
        }
        with written_whole(Path(json_file)) as beside:
            text = json.dumps({**told, "rows": [asdict(row) for row in rows]}, indent=1)
            beside.write_text(text + "\n", encoding="utf-8")


def _show(rows: list[Row], title: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for column in ("stage", "what"):
        table.add_column(column, no_wrap=True)
    for column in ("frames", "frames/s", "of limit"):
        table.add_column(column, no_wrap=True, justify="right")
    table.add_column("")
    for row in rows:
        speed = "-" if row.per_second is None else f"{row.per_second:.{0 if row.per_second >= 10 else 1}f}"
        share = "" if row.of_limit is None else f"{100 * row.of_limit:.0f} %"
        table.add_row(row.stage, row.what, str(row.frames or ""), speed, share, Text(row.note, overflow="fold"))
    console = Console(highlight=False, markup=False)
    console.print(title, soft_wrap=True)
    console.print(table)
