"""Comparisons: equal results are equal however they are written down, and known differences are told."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flowlift
from flowlift.cli import main
from flowlift.containers import Poses3D
from flowlift.demo import synthesize
from flowlift.errors import InputError
from flowlift.evaluation.comparing import bring_together, find_offset, joint_errors
from flowlift.evaluation.comparing_report import summary_of, tables
from flowlift.skeleton import Skeleton

TRUTH = synthesize(seconds=1.5).truth


def unsure(poses: Poses3D, deviation: float = 0.02) -> Poses3D:
    cov = np.broadcast_to(deviation**2 * np.eye(3), poses.cov.shape).copy()
    cov[:, :, poses.skeleton.root] = 0
    return replace(poses, cov=cov)


def rotation(seed: int) -> np.ndarray:
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return (turn * np.sign(np.linalg.det(turn))).astype(np.float32)


def test_a_result_does_not_differ_from_itself() -> None:
    summary = summary_of(bring_together(unsure(TRUTH), TRUTH))
    assert summary["frames"] == len(TRUTH)
    assert summary["all"]["mpjpe_mm"] == pytest.approx(0, abs=1e-3)
    assert summary["all"]["p_mpjpe_mm"] == pytest.approx(0, abs=1e-2)
    assert summary["all"]["in_90_regions"] == 1
    assert all(each["mean_absolute_difference_deg"] < 0.1 for each in summary["angles"].values())
    assert not summary["turned_to_fit"]


@settings(max_examples=10)
@given(seed=st.integers(0, 1000), scale=st.floats(0.5, 2.0))
def test_axes_and_sizes_of_the_other(seed: int, scale: float) -> None:
    other = replace(TRUTH, xyz=scale * TRUTH.xyz @ rotation(seed), root=None, camera=None)
    errors = joint_errors(bring_together(TRUTH, other))
    size = np.linalg.norm(TRUTH.xyz[:, 0], axis=-1)
    np.testing.assert_allclose(errors.mpjpe, abs(scale - 1) * size, atol=1e-4)
    assert errors.n_mpjpe.max() < 1e-4
    assert errors.p_mpjpe.max() < 1e-4
    assert np.nanmax(joint_errors(bring_together(TRUTH, other, turn=False)).p_mpjpe) < 1e-4


def test_axes_are_the_same_only_where_the_cameras_say_so() -> None:
    def seen(turn: np.ndarray | None) -> Poses3D:
        camera = TRUTH.camera
        assert camera is not None
        shift = None if turn is None else np.zeros(3)
        posed = flowlift.Camera.from_matrix(camera.matrix, camera.image_size, rotation=turn, translation=shift)
        return replace(TRUTH, xyz=TRUTH.xyz if turn is None else TRUTH.xyz @ turn.T.astype(np.float32), camera=posed)

    alike, turned = seen(rotation(1).astype(np.float64)), seen(rotation(2).astype(np.float64))
    for a, b, fits in (
        (alike, turned, True),
        (alike, alike, False),
        (seen(None), seen(None), False),
        (seen(None), seen(np.eye(3)), False),
        (replace(TRUTH, camera=None), alike, True),
        (alike, replace(TRUTH, camera=None), True),
        (seen(None), alike, True),
    ):
        pair = bring_together(a, b)
        assert pair.turned is fits
        assert np.nanmax(joint_errors(pair).mpjpe) < 1e-4


def test_one_wrong_joint_is_told_by_name() -> None:
    xyz = TRUTH.xyz.copy()
    xyz[:, :, TRUTH.skeleton.index("left_wrist"), 2] += 0.1
    summary = summary_of(bring_together(unsure(replace(TRUTH, xyz=xyz)), TRUTH))
    assert summary["joints"]["left_wrist"]["mpjpe_mm"] == pytest.approx(100, abs=0.1)
    assert summary["joints"]["left_wrist"]["in_90_regions"] == 0
    assert summary["joints"]["right_wrist"]["mpjpe_mm"] == pytest.approx(0, abs=0.01)
    assert summary["angles"]["left elbow flexion"]["mean_absolute_difference_deg"] > 5
    assert summary["angles"]["right elbow flexion"]["mean_absolute_difference_deg"] < 0.1


def test_joints_meet_by_name_in_any_order_and_spelling() -> None:
    order = np.random.default_rng(0).permutation(17)
    names = TRUTH.skeleton.joints
    spelled = [names[i].replace("left_", "L").replace("right_", "R") for i in order]
    spelled = [name[0] + name[1].upper() + name[2:] if name[0] in "LR" else name for name in spelled]
    spelled[int(np.flatnonzero(order == names.index("spine"))[0])] = "C7"
    skeleton = Skeleton("markers", tuple(spelled), (None, *[spelled[0]] * 16))
    other = Poses3D(TRUTH.xyz[:, :, order], None, TRUTH.cov[:, :, order], skeleton, fps=30.0, camera=TRUTH.camera)
    pair = bring_together(TRUTH, other)
    assert set(pair.joints) == set(names) - {"spine"}
    assert (pair.only_a, pair.only_b) == (("spine",), ("c_7",))
    assert joint_errors(pair).mpjpe.max() < 1e-5


def test_other_frame_rates_are_interpolated() -> None:
    fast = synthesize(seconds=1.5, fps=120.0).truth
    errors = joint_errors(bring_together(replace(TRUTH, camera=None), fast))
    assert errors.mpjpe.shape[0] == len(TRUTH)
    assert errors.mpjpe.max() < 0.002
    slow = synthesize(seconds=1.5, fps=15.0).truth
    assert 0.0005 < joint_errors(bring_together(TRUTH, slow)).mpjpe.mean() < 0.01


def test_gaps_are_not_filled() -> None:
    xyz = TRUTH.xyz.copy()
    xyz[10:20] = np.nan
    assert len(bring_together(TRUTH, replace(TRUTH, xyz=xyz)).times) == len(TRUTH) - 10
    sparse = np.delete(np.arange(len(TRUTH)), np.arange(10, 20))
    cut = replace(TRUTH, xyz=TRUTH.xyz[sparse], root=None, cov=TRUTH.cov[sparse], keypoints=None)
    cut = replace(cut, times=TRUTH.frame_times[sparse])
    assert len(bring_together(TRUTH, cut).times) == len(sparse)


@pytest.mark.parametrize("offset", [0.4, -0.3])
def test_the_offset_is_found(offset: float) -> None:
    other = replace(TRUTH, times=TRUTH.frame_times - offset, xyz=1.2 * TRUTH.xyz @ rotation(3), camera=None)
    assert find_offset(TRUTH, other, within=1.0) == pytest.approx(offset, abs=0.02)


def test_several_people() -> None:
    two = replace(
        TRUTH,
        xyz=np.concatenate([TRUTH.xyz[::-1], TRUTH.xyz], axis=1),
        cov=np.concatenate([TRUTH.cov] * 2, axis=1),
        root=None,
        keypoints=None,
    )
    assert joint_errors(bring_together(two, TRUTH, people=(1, 0))).mpjpe.max() < 1e-6
    assert joint_errors(bring_together(two, TRUTH, people=(0, 0))).mpjpe.mean() > 0.05
    with pytest.raises(InputError, match="no person 2 in the first: it has 2"):
        bring_together(two, TRUTH, people=(2, 0))
    with pytest.raises(InputError, match="no person 1 in the second: it has 1"):
        bring_together(two, TRUTH, people=(1, 1))


def test_what_cannot_be_compared_says_why() -> None:
    late = replace(TRUTH, times=TRUTH.frame_times + 100)
    with pytest.raises(InputError, match=r"no frame in common.*--offset"):
        bring_together(TRUTH, late)
    stick = Skeleton("stick", ("a", "b"), (None, "a"))
    with pytest.raises(InputError, match="share 0 joints"):
        bring_together(TRUTH, Poses3D(np.zeros((5, 1, 2, 3)), None, np.zeros((5, 1, 2, 3, 3)), stick, fps=30.0))


def write_c3d(poses: Poses3D, path: Path, prefix: str = "") -> Path:
    """As a laboratory would: millimetres, z up, short names, a point that is missing in some frames."""
    ezc3d = pytest.importorskip("ezc3d")
    file = ezc3d.c3d()
    to_z_up = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])
    points = poses.absolute[:, 0].astype(float) @ to_z_up.T * 1000
    file["parameters"]["POINT"]["RATE"]["value"] = [poses.fps]
    file["parameters"]["POINT"]["UNITS"]["value"] = ["mm"]
    file["parameters"]["POINT"]["LABELS"]["value"] = [f"{prefix}{joint}" for joint in poses.skeleton.joints]
    file["data"]["points"] = np.concatenate([points, np.ones((*points.shape[:2], 1))], axis=-1).transpose(2, 1, 0)
    residuals = np.zeros((1, points.shape[1], points.shape[0]))
    residuals[0, poses.skeleton.index("head"), :10] = -1
    file["data"]["meta_points"]["residuals"] = residuals
    file.write(str(path))
    return path


@pytest.mark.parametrize("prefix", ["", "ANNA:"])
def test_c3d_is_read_and_compared(tmp_path: Path, prefix: str) -> None:
    path = write_c3d(TRUTH, tmp_path / "lab.c3d", prefix)
    read = flowlift.load(path)
    assert isinstance(read, Poses3D)
    assert (read.people, read.fps, read.skeleton.name) == (1, 30.0, "human36m17")
    head = read.skeleton.index("head")
    assert np.isnan(read.xyz[:10, 0, head]).all()
    errors = joint_errors(bring_together(TRUTH, read))
    assert np.nanmax(errors.mpjpe) < 2e-4
    assert np.isnan(errors.mpjpe[:10, head]).all()


def test_damaged_c3d_is_one_line(tmp_path: Path) -> None:
    pytest.importorskip("ezc3d")
    (tmp_path / "bad.c3d").write_bytes(b"\x02\x50" + bytes(600))
    with pytest.raises(InputError, match=r"bad\.c3d"):
        flowlift.load(tmp_path / "bad.c3d")


def test_compare_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, poses in (("a.npz", unsure(TRUTH)), ("b.trc", TRUTH)):
        flowlift.save(poses, tmp_path / name)
    a, b, out = (f"{tmp_path}/{name}" for name in ("a.npz", "b.trc", "new/out.json"))
    assert main(["compare", a, b, "-o", out]) == 0
    said = capsys.readouterr().out
    assert "second turned by the one rotation that fits" in said
    row = next(line for line in said.splitlines() if line.startswith("all "))
    assert row.split()[1:4] == ["0.0", "0.0", "0.0"]
    figures = json.loads(Path(out).read_text())
    assert figures["joints"]["left_knee"]["in_90_regions"] == 1
    assert figures["frames"] == len(TRUTH)
    assert main(["compare", a, b, "--sync"]) == 0
    assert "second moved by 0 s" in capsys.readouterr().out
    assert main(["compare", a, b, "--offset", "99"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["compare", a, f"{tmp_path}/none.npz"]) == 2
    assert main(["compare", a, b, "--sync", "--offset", "1"]) == 2


def test_without_frame_rates_frames_are_matched_by_their_numbers_and_said_to_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    timeless = replace(TRUTH, fps=None, times=None)
    summary = summary_of(bring_together(timeless, timeless))
    assert (summary["frames"], summary["to_s"], summary["clock"]) == (len(TRUTH), len(TRUTH) - 1, "frames")
    for name in ("a.npz", "b.npz"):
        flowlift.save(timeless, tmp_path / name)
    assert main(["compare", str(tmp_path / "a.npz"), str(tmp_path / "b.npz")]) == 0
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first == f"{len(TRUTH)} frames, 0 to {len(TRUTH) - 1}"
    assert second == "second moved by 0 frames"


@pytest.mark.parametrize("which", ["first", "second"])
def test_a_clip_without_a_frame_rate_is_not_matched_with_seconds(which: str) -> None:
    timeless = replace(TRUTH, fps=None, times=None)
    pair = (timeless, TRUTH) if which == "first" else (TRUTH, timeless)
    with pytest.raises(InputError, match=f"the {which} does not tell its frame rate"):
        bring_together(*pair)
    one = replace(timeless, xyz=TRUTH.xyz[:1], cov=TRUTH.cov[:1], root=None, root_cov=None, keypoints=None)
    assert len(bring_together(one, TRUTH).times) == 1


@pytest.mark.parametrize("suffix", [".c3d", ".trc", ".npz"])
def test_sides_are_known_in_a_laboratory_s_own_set_of_markers(tmp_path: Path, suffix: str) -> None:
    """Which is no skeleton of ours, and has markers whose names differ in a sign."""
    if suffix == ".c3d":
        pytest.importorskip("ezc3d")
    one = unsure(TRUTH)
    own = {"right_knee": "RKnee", "left_knee": "LKnee", "left_ankle": "L_Ankle", "spine": "T+", "head": "T-"}
    skeleton = one.skeleton
    names = tuple(own.get(joint, joint) for joint in skeleton.joints)
    above = tuple(None if parent is None else own.get(parent, parent) for parent in skeleton.parents)
    other = replace(one, skeleton=Skeleton("laboratory", names, above), keypoints=None)
    flowlift.save(other, tmp_path / f"own{suffix}")
    found = flowlift.load(tmp_path / f"own{suffix}")
    pair = bring_together(one, found)
    assert {"left_knee", "right_knee", "left_ankle"} <= set(pair.joints)
    assert set(pair.joints) == set(skeleton.joints) - {"spine", "head"}
    assert np.nanmax(joint_errors(pair).mpjpe) < 1e-4


def test_a_second_of_one_person_is_that_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody's TRC beside the result that it was written with."""
    one = unsure(TRUTH)
    two = replace(
        one,
        xyz=np.concatenate([one.xyz[::-1], one.xyz], axis=1),
        root=np.concatenate([one.root, one.root + 1], axis=1),
        cov=np.concatenate([one.cov, one.cov], axis=1),
        keypoints=None,
    )
    flowlift.save(two, tmp_path / "two.npz")
    flowlift.save(two, tmp_path / "two.trc")
    files = [str(tmp_path / "two.npz"), str(tmp_path / "two_person1.trc")]
    assert main(["compare", *files, "--person", "1", "-o", str(tmp_path / "same.json")]) == 0
    assert json.loads((tmp_path / "same.json").read_text())["all"]["mpjpe_mm"] < 0.01
    assert main(["compare", *files, "--person", "1", "--other-person", "1"]) == 2
    assert "no person 1 in the second" in capsys.readouterr().err


def test_lengths_of_different_units_are_not_compared() -> None:
    lengths = replace(TRUTH, provenance={**TRUTH.provenance, "unit": "body lengths"})
    with pytest.raises(InputError, match="the first is in body lengths, the second in m; --size"):
        summary_of(bring_together(lengths, TRUTH))
    summary = summary_of(bring_together(lengths, lengths))
    assert "MPJPE, 1/1000 body lengths" in tables(summary)
    assert "mm" not in tables(summary)


@pytest.mark.parametrize("seed", range(3))
def test_a_short_overlap_that_happens_to_fit_is_no_offset(seed: int) -> None:
    truth = synthesize(seed, 2.0).truth
    lifted = replace(truth, xyz=truth.xyz + np.random.default_rng(seed).normal(0, 0.03, truth.xyz.shape))
    assert find_offset(lifted, truth) == pytest.approx(0, abs=0.05)
    late = replace(truth, times=truth.frame_times - 0.5)
    assert find_offset(lifted, late) == pytest.approx(0.5, abs=0.05)


def test_a_joint_that_one_never_knows_hinders_no_synchrony() -> None:
    xyz = TRUTH.xyz.copy()
    xyz[:, :, TRUTH.skeleton.index("left_wrist")] = np.nan
    assert find_offset(TRUTH, replace(TRUTH, xyz=xyz)) == 0


def test_a_truth_of_one_frame_is_held_against_that_frame() -> None:
    bare = replace(TRUTH, root=None, root_cov=None, keypoints=None)
    one = replace(bare, xyz=TRUTH.xyz[15:16], cov=TRUTH.cov[15:16], times=TRUTH.frame_times[15:16])
    pair = bring_together(TRUTH, one)
    assert pair.times.tolist() == [TRUTH.frame_times[15]]


def test_an_input_is_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.json", "b.npz"):
        flowlift.save(TRUTH, tmp_path / name)
    before = (tmp_path / "a.json").read_bytes()
    assert main(["compare", str(tmp_path / "a.json"), str(tmp_path / "b.npz"), "-o", str(tmp_path / "a.json")]) == 2
    assert "this is an input" in capsys.readouterr().err
    assert (tmp_path / "a.json").read_bytes() == before


def without(poses: Poses3D, *joints: str, frames: slice = slice(None)) -> Poses3D:
    """Poses of which some joints are not known in some frames."""
    xyz = poses.xyz.copy()
    xyz[frames, :, poses.skeleton.indices(joints)] = np.nan
    return replace(poses, xyz=xyz, root=None, root_cov=None, keypoints=None)


def picked(poses: Poses3D, joints: tuple[str, ...]) -> Poses3D:
    """The poses of some joints only, all hanging on the first of them."""
    rows = poses.skeleton.indices(joints)
    skeleton = Skeleton("some", joints, (None, *[joints[0]] * (len(joints) - 1)))
    return Poses3D(poses.xyz[:, :, rows], None, poses.cov[:, :, rows], skeleton, fps=poses.fps, camera=poses.camera)


@pytest.mark.parametrize(
    "true",
    [
        without(TRUTH, "left_hip", frames=slice(0, None, 3)),
        without(TRUTH, "left_hip"),
        without(TRUTH, "left_hip", "right_hip", "hip", frames=slice(0, None, 3)),
        picked(without(TRUTH, "head"), ("left_knee", "left_ankle", "right_knee", "right_ankle", "head", "spine")),
    ],
    ids=["a hip in some frames", "a hip never", "no hips in some frames", "a skeleton without hips"],
)
def test_a_joint_that_is_not_known_leaves_the_others_and_every_frame(true: Poses3D) -> None:
    moved = TRUTH.xyz + np.float32([0.3, -0.2, 0.5])
    moved[:, :, TRUTH.skeleton.index("left_ankle"), 2] += 0.1
    pair = bring_together(replace(TRUTH, xyz=moved), true, turn=False)
    summary = summary_of(pair)
    assert (summary["frames"], summary["frames_left_out"]) == (len(TRUTH), 0)
    assert summary["joints"]["right_knee"]["poses"] == len(TRUTH)
    apart = pair.a - pair.b
    ankle, knee = (apart[:, pair.joints.index(name)] for name in ("left_ankle", "right_knee"))
    np.testing.assert_allclose(ankle - knee, np.tile([0, 0, 0.1], (len(TRUTH), 1)), atol=1e-6)
    assert np.abs(knee).max() < 0.1, "both are taken relative to one point"


def test_frames_that_cannot_be_compared_are_counted() -> None:
    most = [joint for joint in TRUTH.skeleton.joints if joint not in ("hip", "left_hip", "right_hip")]
    true = without(TRUTH, *most, frames=slice(5))
    summary = summary_of(bring_together(TRUTH, true))
    assert (summary["frames"], summary["frames_left_out"]) == (len(TRUTH) - 5, 5)
    assert tables(summary).startswith(f"{len(TRUTH) - 5} frames (5 of the first left out), ")
    with pytest.raises(InputError, match="in no frame do both know 4 of the joints"):
        bring_together(TRUTH, without(TRUTH, *most))


def test_a_folder_is_no_place_for_the_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flowlift.save(TRUTH, tmp_path / "a.npz")
    (tmp_path / "there").mkdir()
    before = sorted(tmp_path.rglob("*"))
    for output in ("new/", "there"):
        assert main(["compare", f"{tmp_path}/a.npz", f"{tmp_path}/a.npz", "-o", f"{tmp_path}/{output}"]) == 2
        said = capsys.readouterr()
        assert (said.out, said.err.count("\n")) == ("", 1)
        assert f"name it, such as {tmp_path / output / 'figures.json'}" in said.err
    assert sorted(tmp_path.rglob("*")) == before


def test_tables_that_are_read_in_2d_alone_say_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.npz", "a.dlc.csv"):
        flowlift.save(TRUTH, tmp_path / name)
    assert main(["compare", f"{tmp_path}/a.npz", f"{tmp_path}/a.dlc.csv"]) == 2
    assert "3D coordinates (x, y, z), which are not read from this format; lift the 2D" in capsys.readouterr().err
