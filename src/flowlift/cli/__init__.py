"""The command line: a table of commands, each loaded when it is called."""

import sys
from collections.abc import Sequence

from cyclopts import App

from flowlift import __version__
from flowlift.cli.report import guarded


def _app() -> App:
    app = App(
        name="flowlift",
        help="What one camera saw, as 3D poses with their uncertainty.",
        version=__version__,
        help_format="plaintext",
        suppress_keyboard_interrupt=False,
    )
    commands = {
        "lift": "3D poses from videos, images, a camera or 2D keypoint files.",
        "overlay": "Draw a result onto its video.",
        "plot": "Joint angles and paths over time, with their uncertainty.",
        "verify": "Whether a result is what it claims: unchanged, and what lifting its 2D gives again.",
        "compare": "Two results, or a result and the truth: how far apart they are.",
        "evaluate": "How good a model is on a labelled data set, by its protocol.",
        "train": "Train a model from a configuration, or go on with a run.",
        "view": "Show a result: video and 2D beside 3D, in one page.",
        "studio": "Lift in the browser: drop files, watch, look, download.",
        "demo": "Lift a clip that flowlift synthesises, and show the result.",
        "bench": "How fast everything is on this machine, and how fast it could be.",
        "doctor": "What is installed, what works, and how to add what is missing.",
    }
    app.command("flowlift.cli.models:models", name="models", help="Which models there are, and how to add one.")
    app.command("flowlift.cli.data:data", name="data", help="Poses to train on, from motion capture or 3D recordings.")
    app.command("flowlift.cli.skeleton:skeleton", name="skeleton", help="Skeletons: the built-in ones, and your own.")
    for name, help_line in commands.items():
        app.command(f"flowlift.cli.{name}:{name}", name=name, help=help_line)
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (default: the program's own); returns the exit status. Prints errors as one line."""
    tokens = list(sys.argv[1:] if arguments is None else arguments)
    return guarded(lambda: _app()(tokens, exit_on_error=False, print_error=False, result_action="return_value"))
