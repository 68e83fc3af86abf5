"""The rtmlib detector, on networks that follow a red spot: several people, nobody, channels, sizes, bad files.

Where rtmlib is not installed, a stand-in shows what it would be given, and what is made of its answers.
"""

import hashlib
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from flowlift.detect import Detection, load_detector, rtmlib
from flowlift.errors import InputError, ModelError
from flowlift.io.video import Frame
from flowlift.skeletons import COCO17

RED = (255, 0, 0)
SIZE = (128, 96)
LEFT, RIGHT = [4.0, 10.0, 28.0, 42.0], [34.0, 6.0, 62.0, 46.0]
"""Two people in the detector's input, 64 px wide, into which the image is shrunk by half."""

needs_rtmlib = pytest.mark.skipif(find_spec("rtmlib") is None, reason="rtmlib is not installed")


def picture(*spots: tuple[int, int], colour: tuple[int, int, int] = RED, size: tuple[int, int] = SIZE) -> Frame:
    """A black image with a spot of 3 x 3 px around each of the (x, y)."""
    image = np.zeros((size[1], size[0], 3), np.uint8)
    for x, y in spots:
        image[y - 1 : y + 2, x - 1 : x + 2] = colour
    return Frame(0, 0.0, image)


@pytest.fixture
def detect(tmp_path: Path) -> Callable[..., Detection]:
    pytest.importorskip("onnx", reason="onnx makes the networks")

    def detect_with(frame: Frame, boxes: list[list[float]], **pose: object) -> Detection:
        from .networks import save_rtmpose, save_yolox

        models = {
            "det_model": save_yolox(tmp_path / "det.onnx", boxes),
            "pose_model": save_rtmpose(tmp_path / "pose.onnx", **pose),
        }
        with load_detector("rtmlib", **models) as detector:
            assert detector.skeleton is COCO17
            return detector(frame)

    return detect_with


@needs_rtmlib
def test_each_person_is_where_their_spot_is(detect: Callable[..., Detection]) -> None:
    seen = detect(picture((30, 50), (100, 60)), [LEFT, RIGHT])
    assert seen.xy.shape == (2, 17, 2)
    np.testing.assert_allclose(seen.xy[0], np.tile([30, 50], (17, 1)), atol=2)
    np.testing.assert_allclose(seen.xy[1], np.tile([100, 60], (17, 1)), atol=2)
    assert seen.xy.dtype == seen.score.dtype == np.float32
    assert (seen.score > 0.5).all()
    assert (seen.score <= 1).all()


@needs_rtmlib
@pytest.mark.parametrize("frame", [picture(), picture((30, 50), colour=(0, 0, 255))], ids=["black", "blue"])
def test_where_nobody_is_nobody_is_made_up(frame: Frame, detect: Callable[..., Detection]) -> None:
    seen = detect(frame, [LEFT, RIGHT])
    assert seen.xy.shape == (0, 17, 2)
    assert seen.score.shape == (0, 17)


@needs_rtmlib
def test_a_joint_without_confidence_is_missing(detect: Callable[..., Detection]) -> None:
    seen = detect(picture((30, 50)), [LEFT, RIGHT])
    assert np.isfinite(seen.xy[0]).all()
    assert np.isnan(seen.xy[1]).all()
    assert np.isnan(seen.score[1]).all()


@needs_rtmlib
def test_scores_are_probabilities(detect: Callable[..., Detection]) -> None:
    seen = detect(picture((30, 50)), [LEFT], certain=1.4)
    assert (seen.score == 1).all()


@needs_rtmlib
@pytest.mark.parametrize("size", [(48, 64), (72, 96), (96, 48)])
def test_the_network_tells_its_image_size(size: tuple[int, int], detect: Callable[..., Detection]) -> None:
    seen = detect(picture((30, 50)), [LEFT], size=size)
    np.testing.assert_allclose(seen.xy[0], np.tile([30, 50], (17, 1)), atol=2)


@needs_rtmlib
def test_a_network_for_any_size_gets_the_usual_one(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="onnx makes the networks")
    from .networks import save_rtmpose, save_yolox

    boxes = [[10 * side for side in LEFT]]  # in 640 px, for an image of 128
    models = {
        "det_model": save_yolox(tmp_path / "det.onnx", boxes, fixed=False),
        "pose_model": save_rtmpose(tmp_path / "pose.onnx"),
    }
    seen = load_detector("rtmlib", **models)(picture((30, 50)))
    np.testing.assert_allclose(seen.xy[0], np.tile([30, 50], (17, 1)), atol=2)


@needs_rtmlib
def test_frames_are_left_as_they_are_and_output_is_clean(
    detect: Callable[..., Detection], capfd: pytest.CaptureFixture[str]
) -> None:
    frame = picture((30, 50))
    before = frame.image.copy()
    frame.image.setflags(write=False)
    detect(frame, [LEFT])
    np.testing.assert_array_equal(frame.image, before)
    assert capfd.readouterr() == ("", "")


@needs_rtmlib
def test_another_number_of_joints_is_refused(detect: Callable[..., Detection]) -> None:
    with pytest.raises(ModelError, match=r"pose\.onnx: the pose model gives 26 joints, but COCO's 17 are needed"):
        detect(picture((30, 50)), [LEFT], joints=26)


@needs_rtmlib
def test_a_file_that_is_no_network_is_one_line(tmp_path: Path) -> None:
    for name in ("det.onnx", "pose.onnx"):
        (tmp_path / name).write_bytes(b"no network\nat all")
    with pytest.raises(ModelError, match=r"det\.onnx: rtmlib cannot load this model on 'cpu'") as caught:
        load_detector("rtmlib", det_model=tmp_path / "det.onnx", pose_model=tmp_path / "pose.onnx")
    assert "\n" not in str(caught.value)


@needs_rtmlib
def test_an_unknown_device_is_one_line(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="onnx makes the networks")
    from .networks import save_yolox

    det = save_yolox(tmp_path / "det.onnx", [LEFT])
    with pytest.raises(ModelError, match="on 'abacus'"):
        load_detector("rtmlib", det_model=det, pose_model=det, device="abacus")


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """rtmlib, as far as a check for its presence goes."""
    if find_spec("rtmlib") is None:
        monkeypatch.setattr(rtmlib, "find_spec", lambda name: sys)


def test_a_missing_file_is_named(installed: None, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere\.onnx: there is no such model file"):
        load_detector("rtmlib", det_model=tmp_path / "nowhere.onnx")


def test_an_unknown_mode_gets_the_list() -> None:
    with pytest.raises(InputError, match="known: lightweight, balanced"):
        load_detector("rtmlib", mode="best")


@pytest.mark.parametrize("mode", rtmlib.MODES)
@pytest.mark.parametrize("given", [None, "det_model"])
def test_without_a_network_the_message_says_what_to_place_where(
    mode: str, given: str | None, installed: None, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(rtmlib, "HOSTS", ("http://127.0.0.1:9/", "http://127.0.0.1:9/mirror/"))
    options: dict[str, object] = {"mode": mode}
    if given is not None:
        options[given] = tmp_path / "own.onnx"
        (tmp_path / "own.onnx").touch()
    wanted = rtmlib.MODES[mode].det if given is None else rtmlib.MODES[mode].pose
    option = "det_model" if given is None else "pose_model"
    with pytest.raises(ModelError) as caught:
        load_detector("rtmlib", **options)
    said = str(caught.value)
    assert f"get http://127.0.0.1:9/{wanted.stem}.zip, take end2end.onnx out of it" in said
    assert f"place it as {cache / wanted.stem}.onnx, or name the file with {option}=..." in said


def test_every_download_has_a_checksum_of_its_own() -> None:
    sums = [weights.sha256 for pair in rtmlib.MODES.values() for weights in pair]
    assert all(len(bytes.fromhex(each)) == hashlib.sha256().digest_size for each in sums)
    assert len(set(sums)) == len(sums)


class Tool:
    """In the place of one of rtmlib's tools: gives the answer it is told, and notes what it is shown."""

    def __init__(self, onnx_model: str, backend: str, device: str) -> None:
        print(f"load {onnx_model} with {backend} backend")
        self.made_with = (onnx_model, backend, device)
        self.onnx_model = onnx_model
        self.model_input_size: tuple[int, int] | None = None
        self.session = SimpleNamespace(get_inputs=lambda: [SimpleNamespace(shape=self.input_shape)])
        self.shown: list[tuple[np.ndarray, Any]] = []

    input_shape: tuple[object, ...] = (1, 3, 40, 30)
    answer: Any = ()

    def __call__(self, image: np.ndarray, bboxes: Any = None) -> Any:
        assert image.flags.c_contiguous
        self.shown.append((image.copy(), bboxes))
        return self.answer


class YOLOX(Tool): ...


class RTMPose(Tool): ...


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, object]:
    """Puts a module in the place of rtmlib; the options for a detector that uses it."""
    module = ModuleType("rtmlib")
    module.__spec__ = ModuleSpec("rtmlib", None)
    vars(module).update(YOLOX=YOLOX, RTMPose=RTMPose)
    monkeypatch.setitem(sys.modules, "rtmlib", module)
    options: dict[str, object] = {"det_model": tmp_path / "det.onnx", "pose_model": tmp_path / "pose.onnx"}
    for file in options.values():
        Path(str(file)).touch()
    return options


def coloured(size: tuple[int, int] = (20, 10)) -> Frame:
    image = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Frame(0, 0.0, image)


def test_each_network_gets_its_channels_and_the_boxes(
    stand_in: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    boxes = np.array([[1.0, 2.0, 9.0, 8.0], [0.0, 0.0, 5.0, 5.0]])
    monkeypatch.setattr(YOLOX, "answer", boxes)
    monkeypatch.setattr(RTMPose, "answer", (np.ones((2, 17, 2)), np.ones((2, 17))))
    frame = coloured()
    detector = load_detector("rtmlib", **stand_in)
    detector(frame)
    ((to_det, _),), ((to_pose, given),) = detector._det.shown, detector._pose.shown
    np.testing.assert_array_equal(to_det, frame.image[:, :, ::-1], "YOLOX learned from BGR")
    np.testing.assert_array_equal(to_pose, frame.image, "RTMPose learned from RGB")
    np.testing.assert_array_equal(given, boxes)


def test_without_boxes_no_joints_are_asked_for(stand_in: dict[str, object]) -> None:
    detector = load_detector("rtmlib", **stand_in)
    seen = detector(coloured())
    assert (seen.xy.shape, seen.score.shape) == ((0, 17, 2), (0, 17))
    assert len(detector._det.shown) == 1
    assert detector._pose.shown == [], "it would take the whole image for a person"


def test_answers_become_people_with_gaps(stand_in: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    xy = np.random.default_rng(1).uniform(0, 20, (3, 17, 2))
    score = np.full((3, 17), 0.5)
    score[0, 4], score[1, 5], score[2] = 0.0, 1.3, -0.1
    monkeypatch.setattr(YOLOX, "answer", np.zeros((3, 4)))
    monkeypatch.setattr(RTMPose, "answer", (xy, score))
    seen = load_detector("rtmlib", **stand_in)(coloured())
    np.testing.assert_allclose(seen.xy, np.where((score > 0)[..., None], xy, np.nan), rtol=1e-6)
    np.testing.assert_allclose(seen.score, np.where(score > 0, score.clip(0, 1), np.nan), rtol=1e-6)


def test_how_the_tools_are_made(
    stand_in: dict[str, object], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    detector = load_detector("rtmlib", device="cuda", **stand_in)
    for tool, option in ((detector._det, "det_model"), (detector._pose, "pose_model")):
        assert tool.made_with == (str(stand_in[option]), "onnxruntime", "cuda")
    assert detector._det.model_input_size == (40, 30), "height, width"
    assert detector._pose.model_input_size == (30, 40), "width, height"
    monkeypatch.setattr(Tool, "input_shape", ("batch", 3, "height", "width"))
    detector = load_detector("rtmlib", mode="lightweight", **stand_in)
    assert (detector._det.model_input_size, detector._pose.model_input_size) == ((416, 416), (192, 256))
    assert capfd.readouterr() == ("", "")
