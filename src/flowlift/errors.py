"""The package's own exceptions: one clear line each (what, where, what to do)."""


class FlowliftError(Exception):
    """Base of every error that flowlift raises on purpose; the command line shows its text and exits with 2."""


class InputError(FlowliftError):
    """A file or value that was given cannot be used."""


class UnknownJointsError(InputError):
    """Keypoints whose joints are not those that a model needs, or are called otherwise."""


class OutputError(FlowliftError):
    """A result cannot be written where it was asked for."""


class ModelError(FlowliftError):
    """A model is unknown, damaged, or does not fit the input."""


class MissingExtraError(FlowliftError):
    """An optional package is not installed."""

    def __init__(self, purpose: str, extra: str) -> None:
        super().__init__(
            f"{purpose} needs a package that is not installed; add it with: pip install 'flowlift[{extra}]'"
        )
        self.extra = extra
