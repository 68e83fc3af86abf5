"""The superanimal detector: several four-legged animals, 39 joints; DeepLabCut's SuperAnimal-Quadruped.

DeepLabCut downloads the networks when they are first used; their licence is its Model Zoo's to tell.
"""

from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from flowlift.animal_skeletons import SUPERANIMAL_QUADRUPED39
from flowlift.detect.optional import import_optional, one_line
from flowlift.detect.protocol import Detection, ManagedDetector
from flowlift.errors import InputError, ModelError
from flowlift.io.video import Frame
from flowlift.quiet import quiet_stderr

PURPOSE = "the superanimal detector"
PROJECT = "superanimal_quadruped"
POSE_MODELS = ("hrnet_w32", "rtmpose_s")
BOX_MODELS = ("fasterrcnn_resnet50_fpn_v2", "fasterrcnn_mobilenet_v3_large_fpn", "ssdlite")


class SuperanimalDetector(ManagedDetector):
    """Finds up to `most` animals, in each frame anew: an animal's number may change from frame to frame.

    `model`, `boxes`: DeepLabCut's networks for the joints and for finding animals. `pose_model`, `box_model`: snapshots
    (.pt) of those to use instead of what is downloaded. `confidence`: an animal whose box is less sure, in [0, 1], is
    left out. `device`: None for a GPU where there is one, "cpu", "cuda", ...
    """

    name = "superanimal"
    skeleton = SUPERANIMAL_QUADRUPED39

    def __init__(
        self,
        *,
        model: str = "hrnet_w32",
        boxes: str = "fasterrcnn_resnet50_fpn_v2",
        pose_model: str | Path | None = None,
        box_model: str | Path | None = None,
        most: int = 10,
        confidence: float = 0.6,
        device: str | None = None,
    ) -> None:
        for what, given, known in (("model", model, POSE_MODELS), ("boxes", boxes, BOX_MODELS)):
            if given not in known:
                raise InputError(f"the superanimal detector's {what} can be {', '.join(known)}, got {given!r}")
        if most < 1 or not 0 <= confidence <= 1:
            raise InputError(f"most must be at least 1 and confidence between 0 and 1, got {most} and {confidence}")
        for path in (pose_model, box_model):
            if path is not None and not Path(path).is_file():
                raise ModelError(f"{path}: there is no such model file")
        self._confidence = confidence
        self._pose: Any = None
        self._boxes: Any = None
        with redirect_stdout(StringIO()), quiet_stderr():
            zoo = import_optional("deeplabcut.pose_estimation_pytorch.modelzoo", PURPOSE, "superanimal")
        try:
            with redirect_stdout(StringIO()), quiet_stderr():  # it tells of every setting of its own that is empty
                self._pose, self._boxes, config = zoo.create_superanimal_inference_runners(
                    PROJECT,
                    model,
                    boxes,
                    max_individuals=most,
                    device=device or "auto",
                    customized_pose_checkpoint=pose_model,
                    customized_detector_checkpoint=box_model,
                )
            self._columns = _columns(list(config["metadata"]["bodyparts"]))
        except ModelError:
            raise
        except Exception as error:  # no network, no space, a damaged snapshot, a device that is not there: anything
            raise ModelError(f"DeepLabCut cannot load {PROJECT} {model} with {boxes} ({one_line(error)})") from error

    def __call__(self, frame: Frame) -> Detection:
        if self._pose is None:
            raise InputError(f"{PURPOSE} is closed")
        image = np.ascontiguousarray(frame.image)
        (found,) = self._boxes.inference(images=[image])
        sure = np.asarray(found["bbox_scores"]).reshape(-1) >= self._confidence
        if not sure.any():
            return Detection.nobody(self.skeleton)
        context = {key: np.asarray(found[key])[sure] for key in ("bboxes", "bbox_scores")}
        (seen,) = self._pose.inference(images=[(image, context)])
        return _detection(np.asarray(seen["bodyparts"], dtype=np.float32)[:, self._columns])

    def close(self) -> None:
        self._pose = self._boxes = None


def _columns(bodyparts: list[str]) -> list[int]:
    """Where each joint of the skeleton stands in what the network gives. Raises ModelError."""
    lacking = [joint for joint in SUPERANIMAL_QUADRUPED39.joints if joint not in bodyparts]
    if lacking:
        raise ModelError(f"the network does not give {', '.join(lacking)}; is it one of {PROJECT}?")
    return [bodyparts.index(joint) for joint in SUPERANIMAL_QUADRUPED39.joints]


def _detection(poses: Float32[np.ndarray, "animal 39 3"]) -> Detection:
    """A joint with no confidence at all is missing, an animal without joints is none: DeepLabCut fills up with -1."""
    there = np.isfinite(poses).all(axis=-1) & (poses[..., 2] > 0)
    poses, there = poses[there.any(axis=1)], there[there.any(axis=1)]
    xy, score = poses[..., :2], poses[..., 2].clip(0, 1)
    return Detection(np.where(there[..., None], xy, np.float32(np.nan)), np.where(there, score, np.float32(np.nan)))
