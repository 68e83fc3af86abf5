"""The superanimal detector around a module of DeepLabCut's shape: its own needs weights that are not at hand."""

import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from flowlift.animal_skeletons import SUPERANIMAL_QUADRUPED39
from flowlift.clips import open_images
from flowlift.detect import DETECTORS, Detection, load_detector
from flowlift.errors import InputError, ModelError
from flowlift.io.video import Frame

BODYPARTS = [*reversed(SUPERANIMAL_QUADRUPED39.joints), "hat"]  # not in our order, and one more
IMAGE = np.arange(60 * 80 * 3, dtype=np.uint8).reshape(60, 80, 3)


class Runner:
    """What DeepLabCut's runners do: a list of images, with boxes or without, to a list of predictions."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.seen: list[Any] = []

    def inference(self, images: list[Any]) -> list[dict[str, np.ndarray]]:
        self.seen += images
        return [self.answer(image) for image in images]


def place(animal: int, joint: str) -> tuple[float, float, float]:
    """Where the fake finds a joint: tells animal and joint apart."""
    return 100.0 * animal + BODYPARTS.index(joint), 5.0 * animal, 0.9


def poses(of: tuple[np.ndarray, dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    _, context = of
    found = [[place(i, joint) for joint in BODYPARTS] for i in range(len(context["bboxes"]))]
    return {"bodyparts": np.array([*found, [(-1.0, -1.0, -1.0)] * len(BODYPARTS)], dtype=np.float64)}


class Zoo(ModuleType):
    """deeplabcut.pose_estimation_pytorch.modelzoo, as release 3.0.2 has it."""

    def __init__(
        self, boxes: int = 2, scores: tuple[float, ...] = (0.9, 0.7), bodyparts: list[str] = BODYPARTS
    ) -> None:
        super().__init__("deeplabcut.pose_estimation_pytorch.modelzoo")
        found = {"bboxes": np.ones((boxes, 4), np.float32), "bbox_scores": np.array(scores[:boxes], np.float32)}
        self.pose, self.boxes = Runner(poses), Runner(lambda _: found)
        self.bodyparts, self.asked = bodyparts, dict[str, Any]()

    def create_superanimal_inference_runners(
        self,
        superanimal_name: str,
        model_name: str,
        detector_name: str | None = None,
        max_individuals: int = 10,
        batch_size: int = 1,
        detector_batch_size: int = 1,
        device: str | None = "auto",
        customized_model_config: Any = None,
        customized_pose_checkpoint: Any = None,
        customized_detector_checkpoint: Any = None,
    ) -> tuple[Runner, Runner, dict[str, Any]]:
        self.asked = dict(locals())
        print("DeepLabCut says hello")
        if device == "cuda":
            raise RuntimeError("no CUDA\nat all")
        return self.pose, self.boxes, {"metadata": {"bodyparts": self.bodyparts}}


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Any:
    def use_zoo(zoo: Zoo) -> Zoo:
        for name in ("deeplabcut", "deeplabcut.pose_estimation_pytorch"):
            monkeypatch.setitem(sys.modules, name, ModuleType(name))
        monkeypatch.setitem(sys.modules, zoo.__name__, zoo)
        return zoo

    return use_zoo


def test_it_keeps_the_protocol(use: Any, capfd: pytest.CaptureFixture[str]) -> None:
    zoo = use(Zoo())
    with load_detector("superanimal", most=3) as detector:
        found = detector(Frame(0, 0.0, IMAGE))
    assert isinstance(found, Detection)
    assert found.xy.shape == (2, 39, 2)
    assert found.score.dtype == np.float32
    assert capfd.readouterr() == ("", "")
    assert (zoo.asked["superanimal_name"], zoo.asked["model_name"]) == ("superanimal_quadruped", "hrnet_w32")
    assert (zoo.asked["max_individuals"], zoo.asked["device"]) == (3, "auto")
    np.testing.assert_array_equal(zoo.pose.seen[0][0], IMAGE)  # RGB goes in as it is
    with pytest.raises(InputError, match="closed"):
        detector(Frame(0, 0.0, IMAGE))
    detector.close()


@pytest.mark.parametrize("joint", SUPERANIMAL_QUADRUPED39.joints)
def test_joints_are_taken_by_name(use: Any, joint: str) -> None:
    use(Zoo())
    found = load_detector("superanimal")(Frame(0, 0.0, IMAGE))
    index = SUPERANIMAL_QUADRUPED39.index(joint)
    for animal in (0, 1):
        np.testing.assert_allclose(found.xy[animal, index], place(animal, joint)[:2])
        np.testing.assert_allclose(found.score[animal, index], 0.9)


def test_boxes_that_are_not_sure_are_left_out(use: Any) -> None:
    zoo = use(Zoo())
    assert load_detector("superanimal", confidence=0.8)(Frame(0, 0.0, IMAGE)).xy.shape[0] == 1
    assert len(zoo.pose.seen[0][1]["bboxes"]) == 1
    use(Zoo(boxes=0))
    assert load_detector("superanimal")(Frame(0, 0.0, IMAGE)).xy.shape == (0, 39, 2)


def test_a_joint_without_confidence_is_missing(use: Any) -> None:
    zoo = use(Zoo(boxes=1))
    zoo.pose.answer = lambda image: {
        "bodyparts": np.where(np.arange(40)[None, :, None] == 3, 0.0, poses(image)["bodyparts"])
    }
    found = load_detector("superanimal")(Frame(0, 0.0, IMAGE))
    index = SUPERANIMAL_QUADRUPED39.index(BODYPARTS[3])
    assert np.isnan(found.xy[0, index]).all()
    assert np.isnan(found.score[0]).sum() == 1


def test_a_network_of_other_joints_is_refused(use: Any) -> None:
    use(Zoo(bodyparts=BODYPARTS[5:]))
    with pytest.raises(ModelError, match="body_middle_left"):
        load_detector("superanimal")


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"model": "resnet_9000"}, InputError, "hrnet_w32"),
        ({"boxes": "none"}, InputError, "ssdlite"),
        ({"most": 0}, InputError, "most"),
        ({"confidence": 2.0}, InputError, "confidence"),
        ({"pose_model": "nowhere.pt"}, ModelError, "nowhere.pt"),
        ({"device": "cuda"}, ModelError, "no CUDA"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(use: Any, options: dict[str, Any], error: type, says: str) -> None:
    use(Zoo())
    with pytest.raises(error, match=says) as caught:
        load_detector("superanimal", **options)
    assert "\n" not in str(caught.value)


def test_a_clip_of_animals_has_their_skeleton(use: Any) -> None:
    class Frames:
        name, image_size, fps, frame_count = "clip", (80, 60), 30.0, 2

        def __iter__(self) -> Any:
            return iter([Frame(0, 0.0, IMAGE), Frame(1, 1 / 30, IMAGE)])

    use(Zoo())
    assert "superanimal" in DETECTORS
    clip = open_images(Frames(), load_detector("superanimal"), lambda done, total: None)
    (chunk,) = clip.chunks
    assert chunk.keypoints.skeleton == SUPERANIMAL_QUADRUPED39
    assert chunk.keypoints.xy.shape == (2, 2, 39, 2)
