"""A run's logs: losses and held-out errors as CSV and as TensorBoard events, cut back to where a run goes on."""

import csv
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowlift.errors import MissingExtraError
from flowlift.io.atomic import written_whole
from flowlift.training.sources import Errors

LOSS, CHECKS = "log.csv", "held_out.csv"
_COLUMNS = {
    LOSS: ("step", "views", "loss", "learning_rate"),
    CHECKS: ("step", "epoch", "mpjpe_mm", "p_mpjpe_mm"),
}


@dataclass
class RunLog:
    """Appends to log.csv and held_out.csv, line by line, and to TensorBoard's events."""

    folder: Path
    events: Any

    @classmethod
    def open(cls, folder: Path, *, after_step: int) -> "RunLog":
        """Logs of a run that goes on after a step: what was logged later, before it was killed, is dropped."""
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise MissingExtraError("training's log", "train") from error
        folder.mkdir(parents=True, exist_ok=True)
        for name, columns in _COLUMNS.items():
            _cut(folder / name, columns, after_step)
        return cls(folder, SummaryWriter(str(folder / "tensorboard"), purge_step=after_step + 1))

    def write(self, *, step: int, views: int, loss: float, rate: float) -> None:
        """The mean loss since the last line."""
        self._append(LOSS, step, views, repr(loss), repr(rate))
        self.events.add_scalar("loss", loss, step)
        self.events.add_scalar("learning_rate", rate, step)

    def write_check(self, *, step: int, epoch: int, errors: Errors) -> None:
        """Errors on the held-out views at the end of an epoch."""
        self._append(CHECKS, step, epoch, repr(errors.mpjpe), repr(errors.p_mpjpe))
        self.events.add_scalar("held_out/mpjpe_mm", errors.mpjpe, step)
        self.events.add_scalar("held_out/p_mpjpe_mm", errors.p_mpjpe, step)

    def close(self) -> None:
        self.events.close()

    def _append(self, name: str, *values: Any) -> None:
        with (self.folder / name).open("a", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerow(values)
            stream.flush()
            os.fsync(stream.fileno())


def _cut(file: Path, columns: tuple[str, ...], after_step: int) -> None:
    """Keep the whole lines up to a step; start the file with its header."""
    kept = [",".join(columns)]
    if file.exists():
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()[1:]
        steps = [(line, line.split(",")) for line in lines]
        kept += [
            line
            for line, values in steps
            if len(values) == len(columns) and values[0].isdecimal() and int(values[0]) <= after_step
        ]
    with written_whole(file) as beside:
        beside.write_text("\n".join(kept) + "\n", encoding="utf-8")
