"""Tidy Parquet: the columns of the tidy CSV, typed, with what else there is to say in the file's metadata."""

import json
from pathlib import Path

import numpy as np

from flowlift.containers import Keypoints2D, Poses3D
from flowlift.detect.optional import import_optional
from flowlift.io.atomic import written_whole
from flowlift.io.packing import pack
from flowlift.io.tidy_csv import columns

_FRAMES_A_GROUP = 5_000


def write(obj: Keypoints2D | Poses3D, path: Path) -> None:
    """The tidy CSV's rows and frame; missing numbers are null. Poses always have the column `bridged`, so that many
    files are one data set. The metadata's `flowlift` is JSON: skeleton, frame rate, camera, provenance. Raises
    OutputError, and MissingExtraError without pyarrow."""
    pyarrow = import_optional("pyarrow", "writing Parquet", "parquet")
    parquet = import_optional("pyarrow.parquet", "writing Parquet", "parquet")
    joints = np.asarray(obj.skeleton.joints)
    frames, people = len(obj), obj.people
    shape = (frames, people, len(joints))
    frame, person, joint = (axis.ravel() for axis in np.indices(shape, dtype=np.int32))
    times = obj.frame_times if obj.timed else np.full(frames, np.nan)
    table = {
        "frame": pyarrow.array(frame),
        "time": pyarrow.array(np.repeat(times, people * len(joints)), from_pandas=True),
        "person": pyarrow.array(person),
        "joint": pyarrow.DictionaryArray.from_arrays(joint, pyarrow.array(list(obj.skeleton.joints))),
    }
    names, values = columns(obj)
    table |= {
        name: pyarrow.array(np.ascontiguousarray(values[..., index]).ravel(), from_pandas=True)
        for index, name in enumerate(names)
        if name != "bridged"
    }
    if isinstance(obj, Poses3D):
        bridged = np.zeros(shape, dtype=bool) if obj.bridged is None else obj.bridged
        table["bridged"] = pyarrow.array(bridged.ravel())
    made = pyarrow.table(table).replace_schema_metadata({"flowlift": json.dumps(pack(obj)[1])})
    with written_whole(path) as beside:
        parquet.write_table(made, beside, row_group_size=max(1, _FRAMES_A_GROUP * people * len(joints)))
