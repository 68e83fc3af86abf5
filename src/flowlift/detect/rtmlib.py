"""RTMPose through rtmlib: several people, 17 COCO joints."""

import zipfile
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from flowlift.detect.download import cache_folder, fetch
from flowlift.detect.protocol import Detection, Detector
from flowlift.errors import MissingExtraError, ModelError
from flowlift.io.frames import Frame
from flowlift.skeleton import Skeleton
from flowlift.skeletons import COCO17

_HOME = "https://download.openmmlab.com/mmpose/v1/projects/rtmposev1/onnx_sdk/"
PERSON_MODEL = "yolox_m_8xb8-300e_humanart-c2c7a14a.zip"
POSE_MODEL = "rtmpose-m_simcc-body7_pt-body7_420e-256x192-e48f03d0_20230504.zip"
PERSON_SIZE = (640, 640)
POSE_SIZE = (192, 256)
"""(width, height) that these two models take."""


def load(
    *,
    det_model: str | Path | None = None,
    pose_model: str | Path | None = None,
    det_size: tuple[int, int] = PERSON_SIZE,
    pose_size: tuple[int, int] = POSE_SIZE,
    device: str = "cpu",
) -> Detector:
    """The detector with two ONNX files: `det_model` (YOLOX) finds people, `pose_model` (RTMPose) their joints.

    Files that are not given are fetched once, where there is a network. `det_size`, `pose_size`: their input sizes,
    (width, height). Raises MissingExtraError, ModelError.
    """
    if find_spec("rtmlib") is None:
        raise MissingExtraError("the rtmlib detector", "rtmlib")
    person = Path(det_model) if det_model else _fetched(PERSON_MODEL, "det_model")
    pose = Path(pose_model) if pose_model else _fetched(POSE_MODEL, "pose_model")
    for file in (person, pose):
        if not file.is_file():
            raise ModelError(f"{file}: there is no such ONNX file")
    tools = import_module("rtmlib")
    settings = {"backend": "onnxruntime", "device": device}
    try:
        return RtmlibDetector(
            tools.YOLOX(str(person), model_input_size=det_size, **settings),
            tools.RTMPose(str(pose), model_input_size=pose_size, to_openpose=False, **settings),
        )
    except Exception as error:  # onnxruntime raises its own, unexported types
        raise ModelError(f"rtmlib cannot load its models: {str(error).splitlines()[0]}") from error


def _fetched(archive: str, option: str) -> Path:
    """The ONNX file of a published archive. The archive names its model end2end.onnx."""
    file = cache_folder() / archive.replace(".zip", ".onnx")
    if file.is_file():
        return file
    try:
        zipped = fetch(_HOME + archive, None, archive)
        with zipfile.ZipFile(zipped) as content:
            inside = next(name for name in content.namelist() if name.endswith(".onnx"))
            beside = file.with_suffix(".part")
            beside.write_bytes(content.read(inside))
            beside.replace(file)
    except ModelError as error:
        raise ModelError(f"{error}; or give an ONNX file: {option}=FILE") from error
    except (zipfile.BadZipFile, StopIteration, OSError) as error:
        raise ModelError(f"{cache_folder() / archive}: not the archive of an ONNX model; delete it") from error
    return file


@dataclass(frozen=True)
class RtmlibDetector:
    """Boxes first, then joints in each; people come in the order of their boxes."""

    _person: Any
    _pose: Any
    name: str = "rtmlib"
    skeleton: Skeleton = COCO17

    def __call__(self, frame: Frame) -> Detection:
        bgr = np.ascontiguousarray(frame.image[..., ::-1])
        boxes = self._person(bgr)
        if not len(boxes):  # without a box rtmlib would take the whole image for a person
            return Detection(np.empty((0, 17, 2), np.float32), np.empty((0, 17), np.float32))
        xy, score = self._pose(bgr, bboxes=boxes)
        return Detection(np.asarray(xy, np.float32), np.asarray(score, np.float32).clip(0, 1))

    def close(self) -> None:
        """Nothing to release: the models go with the object."""
