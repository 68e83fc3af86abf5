"""`flowlift models`: which models there are, what they are, and how others become one."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from flowlift.cli.report import complain

models = App(
    name="models",
    help="Which models there are, what they are; published checkpoints become models that lift.",
    help_format="plaintext",
)


@models.command(name="list")
def show_all() -> None:
    """Every model that is found by its name, packaged or imported."""
    from rich.console import Console
    from rich.table import Table

    from flowlift.errors import ModelError
    from flowlift.models import find_model, packaged_models, registered_models

    table = Table("name", "skeleton", "network", "parameters", "conditioning", "from", box=None, pad_edge=False)
    packaged = packaged_models()
    damaged: list[ModelError] = []
    for name in (*packaged, *registered_models()):
        try:
            model = find_model(name)
        except ModelError as error:
            damaged.append(error)
            table.add_row(name, "damaged", "", "", "", "import")
            continue
        count = "?" if model.parameters is None else f"{model.parameters:,}"
        origin = "package" if name in packaged else "import"
        table.add_row(name, model.skeleton.name, model.network, count, model.conditioning, origin)
    Console(highlight=False, markup=False, soft_wrap=True).print(table)
    for reason in damaged:
        complain("warning", reason)


@models.command
def show(name: str, /) -> None:
    """What is known of a model.

    Parameters
    ----------
    name
        A packaged or imported model, or a model's folder.
    """
    from flowlift.models import find_model
    from flowlift.models.words import in_words

    for line in in_words(find_model(name), file=Path(name) if Path(name).is_file() else None):
        print(line)


@models.command(name="import")
def import_(
    checkpoint: Path,
    /,
    *,
    name: str,
    skeleton: str | None = None,
    steps: int | None = None,
    overwrite: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Make a published checkpoint (.pth) a model: flowlift lift --model NAME.

    Nothing in the file is run. The weights stay as they are; whether you may use them, their source says.

    Parameters
    ----------
    checkpoint
        A state dict of the method's network, as its authors publish it.
    name
        What the model will be called.
    skeleton
        A built-in skeleton's name or a TOML file; by the number of joints when not given: 17 is human36m17, 26 is
        animal3d26.
    steps
        Solver steps; when not given, as published: 3 for people, 5 for animals.
    overwrite
        Replace an imported model of that name.
    """
    from flowlift.models.importing import import_published

    done = import_published(checkpoint, name=name, skeleton=skeleton, steps=steps, overwrite=overwrite)
    model = done.model
    print(f"{name}: {model.skeleton.name}, {model.parameters:,} parameters, in {model.folder}")
    print(f"ONNX Runtime and torch agree to {done.difference:.0e} of the largest number")
    print("the weights' licence is yours to check: flowlift does not know what their source allows")
    if not done.same_links:
        complain(
            "warning", f"{name}: its graph links other joints than {model.skeleton.name}: is it the right skeleton?"
        )


@models.command
def export(
    name: str,
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
) -> None:
    """Copy a model's weights, graphs and card into a folder or one file, used by its path: flowlift lift --model PATH.

    Parameters
    ----------
    name
        A packaged or imported model, or a model's folder or file.
    output
        A new folder, or a file that ends in .flowlift.
    """
    from flowlift.models import find_model
    from flowlift.models.folders import export_model
    from flowlift.models.packed import SUFFIX, pack_model

    if output.suffix.lower() == SUFFIX:
        pack_model(find_model(name), output)
    else:
        export_model(find_model(name), output)
    print(output)
