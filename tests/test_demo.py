import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowlift.cli.demo import demo, measure
from flowlift.demo import DemoClip, synthesize, walk
from flowlift.errors import InputError, ModelError, OutputError
from flowlift.skeletons import HUMAN36M17


@pytest.fixture(scope="module")
def clip() -> DemoClip:
    return synthesize()


@pytest.fixture(scope="module")
def world() -> np.ndarray:
    return walk(np.arange(240) / 30)


def test_shapes_and_settings(clip: DemoClip) -> None:
    assert clip.truth.xyz.shape == (240, 1, 17, 3)
    assert clip.keypoints.xy.shape == (240, 1, 17, 2)
    assert clip.keypoints.fps == clip.truth.fps == 30
    assert clip.keypoints.image_size == clip.camera.image_size == (1280, 720)
    assert not np.isnan(clip.truth.xyz).any()
    assert (clip.truth.cov == 0).all()


def test_truth_projects_to_where_it_was_seen(clip: DemoClip) -> None:
    px = clip.camera.project(clip.truth.absolute)
    error = np.linalg.norm(px - clip.keypoints.xy, axis=-1)
    height = np.ptp(px[..., 1], axis=-1)[..., None]
    assert 0.004 < np.nanmean(error / height) < 0.015
    assert (px > 0).all()
    assert (px < (1280, 720)).all()


def test_noise_comes_from_the_seed_alone(clip: DemoClip) -> None:
    again, other = synthesize(), synthesize(seed=1)
    np.testing.assert_array_equal(clip.keypoints.xy, again.keypoints.xy)
    np.testing.assert_array_equal(clip.truth.xyz, other.truth.xyz)
    assert (clip.keypoints.xy[0] != other.keypoints.xy[0]).all()


def test_some_things_are_hidden(clip: DemoClip) -> None:
    missing = np.isnan(clip.keypoints.xy).any(axis=-1)[:, 0]
    assert 5 <= missing.all(axis=1).sum() <= 20, "a moment with nobody"
    legs = missing[:, HUMAN36M17.indices(["left_ankle", "right_ankle"])].all(axis=1) & ~missing.all(axis=1)
    assert 25 <= legs.sum() <= 35, "a bench for about a second"
    arm = missing[:, HUMAN36M17.index("left_wrist")] & ~missing[:, HUMAN36M17.index("right_wrist")]
    assert arm.sum() > 10, "an arm behind the body"
    assert (clip.keypoints.score[:, 0][missing] == 0).all()
    assert (clip.keypoints.score[:, 0][~missing] > 0.3).all()


def test_hidden_arm_is_behind_the_body(clip: DemoClip) -> None:
    missing = np.isnan(clip.keypoints.xy).any(axis=-1)[:, 0]
    wrist, hip = HUMAN36M17.index("left_wrist"), HUMAN36M17.root
    behind = missing[:, wrist] & ~missing[:, hip]
    depth = clip.truth.absolute[:, 0, :, 2]
    assert (depth[behind, wrist] > depth[behind, hip]).all()


def test_bones_keep_their_lengths(world: np.ndarray) -> None:
    lengths = np.stack([np.linalg.norm(world[:, a] - world[:, b], axis=-1) for a, b in HUMAN36M17.bones])
    assert (np.ptp(lengths, axis=1) < 1e-9).all()
    mirrored = {(HUMAN36M17.mirror[a], HUMAN36M17.mirror[b]): i for i, (a, b) in enumerate(HUMAN36M17.bones)}
    for i, bone in enumerate(HUMAN36M17.bones):
        assert lengths[i, 0] == pytest.approx(lengths[mirrored[bone], 0])


def test_figure_stands_upright_at_a_person_s_size(world: np.ndarray) -> None:
    head, ankles = (
        world[:, HUMAN36M17.index("head"), 1],
        world[..., HUMAN36M17.indices(["left_ankle", "right_ankle"]), 1],
    )
    assert ((head > 1.6) & (head < 1.75)).all()
    assert (ankles > 0.06).all()
    assert (ankles.min(axis=1) < 0.12).all(), "one foot is always at the ground"


def test_standing_feet_do_not_slide(world: np.ndarray) -> None:
    for foot in HUMAN36M17.indices(["left_ankle", "right_ankle"]):
        speed = np.linalg.norm(np.diff(world[:, foot], axis=0), axis=1) * 30
        standing = world[1:, foot, 1] < 0.0695
        assert 0.3 < standing.mean() < 0.6
        assert np.percentile(speed[standing], 90) < 0.25, "while the body walks at 1.1 m/s"


def test_knees_bend_forwards_and_arms_swing_against_legs(world: np.ndarray) -> None:
    forward = np.gradient(world[:, 0], axis=0)
    forward /= np.linalg.norm(forward, axis=1, keepdims=True)

    def ahead(joint: str) -> np.ndarray:
        return ((world[:, HUMAN36M17.index(joint)] - world[:, 0]) * forward).sum(axis=1)

    for side, other in (("left", "right"), ("right", "left")):
        assert (ahead(f"{side}_knee") > (ahead(f"{side}_hip") + ahead(f"{side}_ankle")) / 2 - 0.02).all()
        assert np.corrcoef(ahead(f"{side}_wrist"), ahead(f"{other}_ankle"))[0, 1] > 0.6
        assert np.ptp(ahead(f"{side}_ankle")) > 0.5


def test_nose_is_in_front_and_left_is_left(world: np.ndarray) -> None:
    forward = np.gradient(world[:, 0], axis=0)
    nose, head = (world[:, HUMAN36M17.index(name)] for name in ("nose", "head"))
    assert (((nose - head) * forward).sum(axis=1) > 0).all()
    across = world[:, HUMAN36M17.index("left_shoulder")] - world[:, HUMAN36M17.index("right_shoulder")]
    assert (np.cross(np.array([0.0, 1.0, 0.0]), forward) * across).sum(axis=1).min() > 0


def test_figure_is_seen_from_all_around(clip: DemoClip) -> None:
    xyz = clip.truth.xyz[:, 0].astype(float)
    across = xyz[:, HUMAN36M17.index("left_shoulder")] - xyz[:, HUMAN36M17.index("right_shoulder")]
    facing = across[:, 0] / np.linalg.norm(across, axis=1)  # 1: towards the camera, its left at the image's right
    assert facing[0] > 0.9
    assert facing.min() < -0.9
    assert np.abs(facing).min() < 0.1
    up = xyz[:, HUMAN36M17.index("head"), 1]
    assert (up < -0.6).all(), "y points down"


@settings(max_examples=15)
@given(st.floats(0.1, 4.0), st.floats(12.0, 120.0))
def test_any_length_and_rate(seconds: float, fps: float) -> None:
    clip = synthesize(seconds=seconds, fps=fps)
    assert len(clip.keypoints) == len(clip.truth) == round(seconds * fps)
    assert clip.truth.fps == fps


@pytest.mark.parametrize(("seconds", "fps"), [(0.0, 30.0), (-1.0, 30.0), (2.0, 0.0), (float("nan"), 30.0), (1.0, -5.0)])
def test_no_frames_are_refused(seconds: float, fps: float) -> None:
    with pytest.raises(InputError, match="at least one frame"):
        synthesize(seconds=seconds, fps=fps)


class TruthTeller:
    """A lifter that knows the truth; nobody where nobody is visible."""

    def __call__(self, keypoints, **settings):
        from dataclasses import replace

        truth = synthesize(seed=settings["seed"]).truth
        nobody = np.isnan(keypoints.xy).all(axis=(2, 3))
        return replace(truth, xyz=np.where(nobody[..., None, None], np.float32(np.nan), truth.xyz))


@pytest.fixture
def truthful(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command's own work, without a model."""
    lifter = SimpleNamespace(Lifter=SimpleNamespace(load=lambda name: TruthTeller()))
    monkeypatch.setitem(sys.modules, "flowlift.lifter", lifter)


@pytest.mark.parametrize(
    ("output", "page"), [("page.html", "page.html"), ("out/", "out/demo.html"), ("new/page.HTML", "new/page.HTML")]
)
def test_command_writes_the_page(truthful, tmp_path: Path, capsys, output: str, page: str) -> None:
    demo(output=f"{tmp_path}/{output}", seed=3)
    text = (tmp_path / page).read_text(encoding="utf-8")
    assert "<!doctype html>" in text
    said = capsys.readouterr().out
    assert str(tmp_path / page) in said
    assert "0 mm (MPJPE)" in said
    assert "of 240 frames" in said


def test_command_refuses_other_formats(truthful, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"\.html"):
        demo(output=f"{tmp_path}/demo.csv")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot make this folder"):
        demo(output=f"{tmp_path}/file/demo.html")


@pytest.mark.parametrize(("terminal", "show", "opened"), [(True, True, 1), (True, False, 0), (False, True, 0)])
def test_browser_opens_on_a_terminal_only(
    truthful, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: bool, show: bool, opened: int
) -> None:
    pages: list[str] = []
    monkeypatch.setattr("webbrowser.open", pages.append)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal, raising=False)
    monkeypatch.setenv("DISPLAY", ":0")
    demo(output=str(tmp_path / "a page.html"), show=show)
    assert pages == [(tmp_path / "a page.html").as_uri()] * opened


def test_errors_are_measured_in_frames_that_were_lifted(clip: DemoClip) -> None:
    from dataclasses import replace

    xyz = 1.1 * clip.truth.xyz
    xyz[:100] = np.nan
    errors = measure(replace(clip.truth, xyz=xyz), clip.truth)
    assert errors.frames == 140
    assert errors.mpjpe > 20
    assert errors.p_mpjpe == pytest.approx(0, abs=0.1)


def test_packaged_model_lifts_the_demo(tmp_path: Path, clip: DemoClip, capsys) -> None:
    from flowlift.lifter import Lifter

    try:
        Lifter.load("human")
    except (ModelError, ImportError) as error:
        pytest.skip(f"no packaged human model: {error}")
    demo(output=str(tmp_path / "demo.html"))
    said = capsys.readouterr().out
    aligned = int(said.split("P-MPJPE")[0].split(", ")[-1].split(" mm")[0])
    assert 0 < aligned < 100
