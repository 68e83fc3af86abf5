"""The rtmlib detector: several people, 17 COCO joints; YOLOX finds the people, RTMPose their joints.

The weights are OpenMMLab's. The person detectors were trained on Human-Art, whose annotations are licensed for
non-commercial use; who cannot accept that gives an own `det_model`.
"""

from contextlib import redirect_stdout
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32, UInt8

from flowlift.detect.download import fetch
from flowlift.detect.optional import import_optional, one_line
from flowlift.detect.protocol import Detection, ManagedDetector
from flowlift.errors import InputError, MissingExtraError, ModelError
from flowlift.io.video import Frame
from flowlift.skeletons import COCO17

PURPOSE = "the rtmlib detector"
HOSTS = (
    "https://download.openmmlab.com/mmpose/v1/projects/rtmposev1/onnx_sdk/",
    "https://huggingface.co/Tau-J/RTMPose/resolve/main/rtmposev1/onnx_sdk/",
)


class Weights(NamedTuple):
    """A network that OpenMMLab offers as a zip. `sha256`: of the ONNX file in it. `size`: its input (width, height)."""

    stem: str
    sha256: str
    size: tuple[int, int]


class Pair(NamedTuple):
    """A person detector and a pose estimator that go together."""

    det: Weights
    pose: Weights


MODES = {
    "lightweight": Pair(
        Weights(
            "yolox_tiny_8xb8-300e_humanart-6f3252f9",
            "ceb11c07298f95c50d7c5abeb906d03340c85f23aa79e3e66966e7fb6c307250",
            (416, 416),
        ),
        Weights(
            "rtmpose-s_simcc-body7_pt-body7_420e-256x192-acd4a1ef_20230504",
            "9aeb635b83f86aea45cf45d85798f7eba1a162de8e0d721c44e54fe5eebaf47d",
            (192, 256),
        ),
    ),
    "balanced": Pair(
        Weights(
            "yolox_m_8xb8-300e_humanart-c2c7a14a",
            "3dea6513388889f0fff4b77bf7a26013600321b9eb9ceb0e9a400a82572f5f23",
            (640, 640),
        ),
        Weights(
            "rtmpose-m_simcc-body7_pt-body7_420e-256x192-e48f03d0_20230504",
            "5c0a4bf67953e6d2ac43ce15e77dc9d5d354ae18430a47d2c5963a7bc5683e3c",
            (192, 256),
        ),
    ),
}


class RtmlibDetector(ManagedDetector):
    """Finds everybody, in each frame anew: a person's number may change from frame to frame.

    `mode`: "balanced" or "lightweight", whose weights are downloaded when first used. `det_model`, `pose_model`: ONNX
    files to use instead, a YOLOX that is fed BGR and an RTMPose of 17 joints that is fed RGB; what the files do not
    tell about their images' size is the mode's. `device`: "cpu", "cuda", or another that rtmlib knows for ONNX Runtime.
    """

    name = "rtmlib"
    skeleton = COCO17

    def __init__(
        self,
        *,
        mode: str = "balanced",
        det_model: str | Path | None = None,
        pose_model: str | Path | None = None,
        device: str = "cpu",
    ) -> None:
        if mode not in MODES:
            raise InputError(f"no rtmlib mode {mode!r}; known: {', '.join(MODES)}")
        if find_spec("rtmlib") is None:
            raise MissingExtraError(PURPOSE, "rtmlib")
        usual = MODES[mode]
        det = _file(det_model, usual.det, "det_model=...")
        pose = _file(pose_model, usual.pose, "pose_model=...")
        tools = import_optional("rtmlib", PURPOSE, "rtmlib")
        self._det = _load(tools.YOLOX, det, device)
        self._pose = _load(tools.RTMPose, pose, device)
        width, height = _input_size(self._det, usual.det.size)
        self._det.model_input_size = (height, width)  # rtmlib has it this way around here, and the other way there
        self._pose.model_input_size = _input_size(self._pose, usual.pose.size)

    def __call__(self, frame: Frame) -> Detection:
        # Each network gets the channels in the order that it was trained with.
        boxes = self._det(np.ascontiguousarray(frame.image[:, :, ::-1]))
        if not len(boxes):  # rtmlib would take the whole image for a person
            return Detection.nobody(self.skeleton)
        return self._joints(np.ascontiguousarray(frame.image), boxes)

    def close(self) -> None:
        self._det = self._pose = None

    def _joints(self, image: UInt8[np.ndarray, "height width 3"], boxes: Any) -> Detection:
        xy, score = self._pose(image, bboxes=boxes)
        if xy.shape[1:] != (len(self.skeleton), 2):
            raise ModelError(
                f"{self._pose.onnx_model}: the pose model gives {xy.shape[1]} joints, but COCO's {len(self.skeleton)} "
                "are needed"
            )
        return _detection(np.asarray(xy, np.float32), np.asarray(score, np.float32))


def _detection(xy: Float32[np.ndarray, "person joint 2"], score: Float32[np.ndarray, "person joint"]) -> Detection:
    """A joint with no confidence at all is missing: rtmlib places it anywhere."""
    there = score > 0
    return Detection(np.where(there[..., None], xy, np.nan), np.where(there, score.clip(0, 1), np.nan))


def _file(given: str | Path | None, weights: Weights, option: str) -> Path:
    if given is None:
        first, *mirrors = (f"{host}{weights.stem}.zip" for host in HOSTS)
        return fetch(
            first, weights.sha256, f"{weights.stem}.onnx", mirrors=mirrors, member="end2end.onnx", option=option
        )
    if not Path(given).is_file():
        raise ModelError(f"{given}: there is no such model file")
    return Path(given)


def _load(tool: Any, path: Path, device: str) -> Any:
    """One of rtmlib's tools. It prints what it loads, which is of no interest to the user's standard output."""
    try:
        with redirect_stdout(StringIO()):
            return tool(str(path), backend="onnxruntime", device=device)
    except Exception as error:  # onnxruntime raises its own, unexported types; an unknown device gives a KeyError
        raise ModelError(f"{path}: rtmlib cannot load this model on {device!r} ({one_line(error)})") from error


def _input_size(tool: Any, usual: tuple[int, int]) -> tuple[int, int]:
    """(width, height) px of the images that a loaded network takes; the usual ones where any will do."""
    *_, height, width = tool.session.get_inputs()[0].shape
    return (width, height) if isinstance(width, int) and isinstance(height, int) else usual
