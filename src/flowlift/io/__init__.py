"""Files in and out: `load` what users own, `save` what they want."""

from flowlift.io.registry import (
    READERS,
    WRITERS,
    is_keypoint_source,
    keeps_people_apart,
    load,
    load_as_listed,
    save,
    stem_of,
    usual_min_score,
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
    "stem_of",
    "usual_min_score",
    "writer_for",
]
