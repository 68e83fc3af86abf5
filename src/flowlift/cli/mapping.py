"""What to do about a file whose joints are called as nobody foresaw: a mapping to fill in."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flowlift.animal_skeletons import ANIMAL3D26
from flowlift.batch.job import Job
from flowlift.clips import load_keypoints
from flowlift.conversion import rules
from flowlift.io import is_keypoint_source
from flowlift.io.hints import Hints
from flowlift.io.mapping_file import write_template
from flowlift.joint_names import LEAST
from flowlift.models import find_model
from flowlift.skeletons import BUILT_IN


def mapping_advice(job: Job, settings: Mapping[str, Any]) -> str:
    """The end of an error's line; for a file that names its joints, a mapping is written beside the output.

    One that is there already stays. Raises OutputError.
    """
    if isinstance(job.source, int) or not is_keypoint_source(job.source):
        return ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they were shown when it was read to be lifted
        source = load_keypoints(job.source, Hints.of(settings["skeleton"])).skeleton
    if BUILT_IN.get(source.name) == source:
        return ""
    target = find_model(settings["model"]).skeleton
    if target != ANIMAL3D26 and len(rules(source, ANIMAL3D26)) >= LEAST:
        return "; these are an animal's joints: add --model animal"
    path = job.paths[0].with_suffix(".mapping.toml")
    if not path.exists():
        write_template(path, source, target, of=Path(job.source).name)
    return f"; say which is which in {path}, and add --mapping {path}"
