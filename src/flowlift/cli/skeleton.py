"""`flowlift skeleton`: the built-in skeletons, a template for one's own, and what is wrong with it."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from flowlift.cli.report import complain
from flowlift.errors import InputError

skeleton = App(
    name="skeleton",
    help="The built-in skeletons; a template for your own; what is wrong with it.",
    help_format="plaintext",
)


@skeleton.command
def new(output: Path, /) -> None:
    """Write a template to edit, with a comment for every part.

    Parameters
    ----------
    output
        A new file that ends in .toml.
    """
    from flowlift.errors import OutputError
    from flowlift.io.atomic import written_whole
    from flowlift.skeleton_words import TEMPLATE

    if output.suffix.lower() != ".toml":
        raise OutputError(f"{output}: a skeleton is a file that ends in .toml")
    if output.exists():
        raise OutputError(f"{output}: is there already; choose another name")
    with written_whole(output) as part:
        part.write_text(TEMPLATE, encoding="utf-8")
    print(output)


@skeleton.command(name="list")
def show_all() -> None:
    """The built-in skeletons."""
    from flowlift.skeletons import BUILT_IN

    for each in BUILT_IN.values():
        print(f"{each.name}: {', '.join(each.joints)}")


@skeleton.command
def show(name: str, /) -> None:
    """A skeleton's tree, its pairs, and what a body's length means.

    Parameters
    ----------
    name
        A built-in skeleton, or a TOML file.
    """
    from flowlift.skeleton import Skeleton
    from flowlift.skeleton_words import in_words

    for line in in_words(Skeleton.named_or_loaded(name)):
        print(line)


@skeleton.command
def check(
    name: str,
    /,
    *,
    data: Annotated[list[Path] | None, Parameter(consume_multiple=True, negative="")] = None,
    unit: str | None = None,
) -> None:
    """Whether a skeleton is one, and fits its recordings: which joint is which of theirs.

    Parameters
    ----------
    name
        A TOML file, or a built-in skeleton.
    data
        3D recordings.
    unit
        Of recordings that do not say: m, dm, cm or mm.
    """
    from flowlift.skeleton import Skeleton
    from flowlift.skeleton_words import doubts

    if unit is not None and not data:
        raise InputError("--unit is of recordings; give them with --data")
    found = Skeleton.named_or_loaded(name)
    for line in doubts(found):
        complain("warning", line)
    print(f"{found.name}: {len(found)} joints, {len(found.pairs)} pairs, root {found.joints[found.root]}")
    if data:
        from flowlift.datasets.session import in_words, read_sessions

        for session in read_sessions(data, found, unit=unit):
            print("\n".join(in_words(session, found)))
