"""Detectors by name, and what goes wrong before one is made."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlift.detect import DETECTORS, Detection, load_detector
from flowlift.detect.optional import import_optional, one_line
from flowlift.errors import FlowliftError, InputError, MissingExtraError, ModelError
from flowlift.skeletons import BUILT_IN


@given(st.text().filter(lambda name: name not in DETECTORS))
def test_an_unknown_name_gets_the_list(name: str) -> None:
    with pytest.raises(InputError, match="mediapipe, rtmlib, superanimal"):
        load_detector(name)


@pytest.mark.parametrize("name", DETECTORS)
def test_an_unknown_option_gets_the_list(name: str) -> None:
    known = {
        "mediapipe": "model_path, static, confidence",
        "rtmlib": "mode, det_model, pose_model, device",
        "superanimal": "model, boxes, pose_model, box_model, most, confidence, device",
    }
    with pytest.raises(InputError, match=f"the {name} detector has no option hypothesis; it takes {known[name]}"):
        load_detector(name, hypothesis=20)


@pytest.mark.parametrize("name", DETECTORS)
def test_a_missing_package_names_the_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "deeplabcut" if name == "superanimal" else name, None)
    with pytest.raises(MissingExtraError, match=rf"the {name} detector .*pip install 'flowlift\[{name}\]'"):
        load_detector(name)


def test_looking_up_detectors_imports_none() -> None:
    heavy = {"mediapipe", "rtmlib", "deeplabcut", "cv2", "urllib.request"}
    code = f"import sys, flowlift.detect; print(*{heavy!r} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("skeleton", BUILT_IN.values(), ids=lambda skeleton: skeleton.name)
def test_nobody_is_zero_people(skeleton) -> None:
    nobody = Detection.nobody(skeleton)
    assert nobody.xy.shape == (0, len(skeleton), 2)
    assert nobody.score.shape == (0, len(skeleton))


@pytest.mark.parametrize(
    ("module", "raised", "error", "says"),
    [
        ("missing_for_sure", None, MissingExtraError, r"flowlift\[extra\]"),
        ("broken", "raise ImportError('libGL.so.1: cannot open')", FlowliftError, "ImportError: libGL.so.1"),
        ("broken", "raise AttributeError('_ARRAY_API not found\\nline 2')", FlowliftError, "_ARRAY_API not found\\)"),
        ("broken", "import missing_for_sure", MissingExtraError, r"flowlift\[extra\]"),
    ],
)
def test_a_package_that_cannot_be_imported_is_one_line(
    module: str, raised: str | None, error: type[Exception], says: str, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if raised is not None:
        (tmp_path / "broken.py").write_text(raised)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(error, match=says) as caught:
        import_optional(module, "the test", "extra")
    assert "\n" not in str(caught.value)
    assert not isinstance(caught.value, ModelError)


@given(st.text())
def test_one_line_is_one_line(said: str) -> None:
    assert len(one_line(ValueError(said)).splitlines()) == 1
