"""2D detectors behind one protocol; each is imported when it is asked for."""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType

from flowlift.detect.protocol import Detection, Detector
from flowlift.errors import InputError

__all__ = ["DETECTORS", "Detection", "Detector", "load_detector"]

DETECTORS: Mapping[str, str] = MappingProxyType(
    {"mediapipe": "flowlift.detect.mediapipe", "rtmlib": "flowlift.detect.rtmlib"}
)
"""Name -> the module whose `load(**options)` makes the detector."""


def load_detector(name: str = "mediapipe", **options: object) -> Detector:
    """A detector by name. Raises InputError for an unknown name or option, MissingExtraError for a missing package."""
    if name not in DETECTORS:
        raise InputError(f"no detector named {name!r}; known: {', '.join(DETECTORS)}")
    load = import_module(DETECTORS[name]).load
    try:
        return load(**options)
    except TypeError as error:
        if "unexpected keyword argument" not in str(error):
            raise
        raise InputError(f"the {name} detector has no such option: {str(error).split('argument ')[-1]}") from error
