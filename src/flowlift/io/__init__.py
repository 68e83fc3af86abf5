"""Files in and out: `load` what users own, `save` what they want."""

from flowlift.io.registry import (
    READERS,
    WRITERS,
    is_keypoint_source,
    keeps_people_apart,
    load,
    load_as_listed,
    save,
    split_clip,
    stem_of,
    writer_for,
)

__all__ = [
    "READERS",
    "WRITERS",
    "is_keypoint_source",
    "keeps_people_apart",
    "load",
    "load_as_listed",
    "save",
    "split_clip",
    "stem_of",
    "writer_for",
]
