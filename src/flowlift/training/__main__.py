"""`python -m flowlift.training`: publish a run that is not finished; measure a model's uncertainty again."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from flowlift.errors import FlowliftError

app = App(name="python -m flowlift.training", help=__doc__)


@app.command
def publish(
    run: Path,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"])],
    name: str,
    licence: str = "",
    source: str = "",
) -> None:
    """Write a run of `flowlift train` as a model folder again, from its best weights so far.

    Parameters
    ----------
    run
        The run's folder.
    out
        The model's folder.
    name
        The model's name.
    licence
        What the weights may be used for, for the model's card.
    source
        Where they come from, for the model's card.
    """
    from flowlift.training.publish import publish as write

    write(run, out, name=name, licence=licence, source=source)
    print(f"{out}: {name} is ready")


@app.command
def calibrate(model: Path, *, data: Path) -> None:
    """Measure a model's uncertainty again, on the held-out poses of the bank that it was trained on.

    Parameters
    ----------
    model
        The model's folder; its card is written anew.
    data
        The bank.
    """
    from flowlift.training.publish import calibrate as measure

    measure(model, data)
    print(f"{model}: calibrated")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Exit status 0, or 2 with one line on stderr."""
    try:
        app(sys.argv[1:] if arguments is None else list(arguments), result_action="return_value")
    except FlowliftError as error:
        print(f"flowlift: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
