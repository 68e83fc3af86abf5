"""Packages that an extra brings, imported where they are used."""

from importlib import import_module
from types import ModuleType

from flowlift.errors import FlowliftError, MissingExtraError


def import_optional(module: str, purpose: str, extra: str) -> ModuleType:
    """Import a module. Raises MissingExtraError where it is not installed, FlowliftError where it is broken."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(purpose, extra) from error
    except Exception as error:  # a package built for another NumPy, say, raises anything when it is imported
        raise FlowliftError(
            f"{purpose} cannot use the {module.partition('.')[0]} that is installed ({one_line(error)}); "
            f"repair it with: pip install --force-reinstall 'flowlift[{extra}]'"
        ) from error


def one_line(error: BaseException) -> str:
    """The first line of what an exception says, behind its type."""
    said = str(error).strip().splitlines()
    return f"{type(error).__name__}: {said[0]}" if said else type(error).__name__
