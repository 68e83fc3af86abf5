"""C3D, read back by ezc3d: millimetres, y up, labels, what is missing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flowlift.containers import Poses3D
from flowlift.datasets.recording import read_recordings
from flowlift.errors import InputError, MissingExtraError, OutputError
from flowlift.io import load, save
from flowlift.io.positions import y_up
from flowlift.skeleton import Skeleton
from flowlift.skeletons import HUMAN36M17

from .made_poses import made_poses, without

ezc3d = pytest.importorskip("ezc3d")


def points(path: Path) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """(frame, point, 3) mm, (frame, point) residuals, and labels."""
    file = ezc3d.c3d(str(path))
    about = file["parameters"]["POINT"]
    parts = ["LABELS", *(f"LABELS{part}" for part in range(2, 9))]
    labels = [label for part in parts if part in about for label in about[part]["value"]]
    return file["data"]["points"][:3].transpose(2, 1, 0), file["data"]["meta_points"]["residuals"][0].T, labels


def test_points_come_back(tmp_path: Path) -> None:
    poses = without(made_poses(), 2, 0, 5)
    path = save(poses, tmp_path / "walk.c3d")
    found, residuals, labels = points(path)
    np.testing.assert_allclose(found, y_up(poses)[:, 0] * 1000, atol=1e-2)
    assert np.isnan(found[2, 5]).all()
    assert residuals[2, 5] == -1
    assert (residuals >= 0).sum() == residuals.size - 1
    spread = np.sqrt((poses.std[0, 0, 7].astype(float) ** 2).mean()) * 1000
    assert residuals[0, 7] == round(spread)
    assert labels[:4] == ["Hip", "RHip", "RKnee", "RAnkle"]
    about = ezc3d.c3d(str(path))["parameters"]["POINT"]
    assert about["UNITS"]["value"] == ["mm"]
    assert about["RATE"]["value"] == [25]
    assert (about["X_SCREEN"]["value"], about["Y_SCREEN"]["value"]) == (["+X"], ["+Y"])


@pytest.mark.parametrize("people", [1, 2])
def test_points_whose_names_differ_in_signs_or_capitals_stay_apart(tmp_path: Path, people: int) -> None:
    names = ("root", "T+", "T-", "R", "r")
    poses = made_poses(people=people, skeleton=Skeleton("markers", names, (None, *["root"] * 4)))
    found = load(save(poses, tmp_path / "signs.c3d"))
    assert found.skeleton.joints == names
    np.testing.assert_allclose(found.absolute, poses.absolute, atol=1e-5)


@pytest.mark.parametrize("person", ["", "Anna:"])
def test_what_a_model_computed_is_no_place(tmp_path: Path, person: str) -> None:
    """Plug-in-Gait's angles and forces stand among the points, and are listed."""
    made = made_poses(skeleton=Skeleton("gait", ("LKNE", "LANK", "LKneeAngles", "LGRF"), (None, *["LKNE"] * 3)))
    file = ezc3d.c3d(str(save(made, tmp_path / "plain.c3d")))
    file["parameters"]["POINT"]["LABELS"]["value"] = [person + name for name in made.skeleton.joints]
    file.add_parameter("POINT", "ANGLES", ["LKneeAngles", ""])
    file.add_parameter("POINT", "FORCES", [f"{person}LGRF"])
    file.write(str(tmp_path / "gait.c3d"))
    found = load(tmp_path / "gait.c3d")
    assert found.skeleton.joints == ("LKNE", "LANK")
    np.testing.assert_allclose(found.absolute, made.absolute[:, :, :2], atol=1e-5)
    file.add_parameter("POINT", "SCALARS", ["LKNE", "LANK"])
    file.write(str(tmp_path / "none.c3d"))
    with pytest.raises(InputError, match="no markers"):
        load(tmp_path / "none.c3d")


def test_points_of_one_name_are_refused(tmp_path: Path) -> None:
    file = ezc3d.c3d(str(save(made_poses(), tmp_path / "a.c3d")))
    file["parameters"]["POINT"]["LABELS"]["value"][3] = "LKnee"
    file.write(str(tmp_path / "b.c3d"))
    with pytest.raises(InputError, match="two points are called 'LKnee'"):
        load(tmp_path / "b.c3d")


def test_names_are_as_long_as_the_format_can_tell(tmp_path: Path) -> None:
    def named(length: int) -> Poses3D:
        return made_poses(people=2, skeleton=Skeleton("long", ("root", "ö" * length), (None, "root")))

    longest = (127 - len("person0:")) // 2
    path = save(named(longest), tmp_path / "a.c3d")
    np.testing.assert_allclose(load(path).absolute, named(longest).absolute, atol=1e-5)
    assert points(path)[2][1].startswith("person0:")
    with pytest.raises(OutputError, match="127 bytes at most"):
        save(named(longest + 1), tmp_path / "b.c3d")
    assert not (tmp_path / "b.c3d").exists()


@pytest.mark.parametrize("first", [0, 1, 40_000, 65_528, 65_529, 65_536, 100_000, 3_000_000])
def test_it_is_kept_when_a_clip_began(tmp_path: Path, first: int) -> None:
    poses = replace(made_poses(), times=(first + np.arange(6)) / 25)
    path = save(poses, tmp_path / "late.c3d")
    np.testing.assert_allclose(load(path).frame_times, poses.times, rtol=0, atol=1e-9)
    np.testing.assert_allclose(points(path)[0], y_up(poses)[:, 0] * 1000, atol=1e-2)
    if first > 65_535:
        told = ezc3d.c3d(str(path))["parameters"]["TRIAL"]
        words = [told[f"ACTUAL_{end}_FIELD"]["value"] for end in ("START", "END")]
        assert [int(low) % 2**16 + 2**16 * int(high) for low, high in words] == [first + 1, first + 6]


def test_people_share_a_file(tmp_path: Path) -> None:
    poses = made_poses(people=20, frames=3)  # more labels than one list holds
    found, _, labels = points(save(poses, tmp_path / "crowd.c3d"))
    assert labels[17 * 19 + 1] == "person19:RHip"
    assert len(set(labels)) == 17 * 20
    np.testing.assert_allclose(found[:, 17 * 19 :], y_up(poses)[:, 19] * 1000, atol=1e-2)


def test_our_own_file_is_known_again(tmp_path: Path) -> None:
    poses = made_poses(people=2)
    found = load(save(poses, tmp_path / "walk.c3d"))
    assert isinstance(found, Poses3D)
    assert found.skeleton == HUMAN36M17
    np.testing.assert_allclose(found.absolute, poses.absolute, atol=1e-5)
    (told,) = read_recordings(save(made_poses(), tmp_path / "one.c3d"))
    assert told.up == "y"


@pytest.mark.parametrize(
    ("screen", "turn", "up"),
    [
        (("+Y", "+Z"), [[0, 0, -1], [1, 0, 0], [0, -1, 0]], "z"),  # columns: right is y, down is -z, away is -x
        (("X", "-Y"), [[1, 0, 0], [0, 1, 0], [0, 0, 1]], "-y"),
        (("?", "+Z"), None, None),
        (("+Z", "-Z"), None, None),
    ],
)
def test_the_screen_says_what_is_right_and_up(
    tmp_path: Path, screen: tuple[str, str], turn: list[list[float]] | None, up: str | None
) -> None:
    path = save(made_poses(), tmp_path / "walk.c3d")
    file = ezc3d.c3d(str(path))
    for name, axis in zip(("X_SCREEN", "Y_SCREEN"), screen, strict=True):
        file["parameters"]["POINT"][name]["value"] = [axis]
    file.write(str(path))
    own = file["data"]["points"][:3].transpose(2, 1, 0)[:, None] / 1000
    found = load(path)
    assert isinstance(found, Poses3D)
    np.testing.assert_allclose(found.absolute, own @ (np.eye(3) if turn is None else np.array(turn)), atol=1e-5)
    assert read_recordings(path)[0].up == up


def test_a_root_that_is_missing_takes_no_other_joint_with_it(tmp_path: Path) -> None:
    poses = made_poses()
    place = poses.absolute.copy()
    place[1, :, poses.skeleton.root] = np.nan
    gone = replace(poses, xyz=place, root=np.zeros_like(poses.root))
    for name in ("walk.c3d", "walk.trc"):
        found = load(save(gone, tmp_path / name))
        assert isinstance(found, Poses3D)
        np.testing.assert_allclose(found.absolute, place, atol=1e-5)
    names = [joint for joint in range(17) if joint != poses.skeleton.root]
    np.testing.assert_allclose(found.root[1], place[1][:, names].mean(axis=1), atol=1e-5)


def test_without_a_root_or_a_rate(tmp_path: Path) -> None:
    poses = made_poses()
    bare = Poses3D(poses.xyz, None, poses.cov, HUMAN36M17)
    path = save(bare, tmp_path / "walk.c3d")
    np.testing.assert_allclose(points(path)[0], poses.xyz[:, 0] * [1000, -1000, -1000], atol=1e-2)
    assert ezc3d.c3d(str(path))["parameters"]["POINT"]["RATE"]["value"] == [30]


def test_a_model_s_own_unit_is_said(tmp_path: Path) -> None:
    poses = made_poses(provenance={"unit": "body lengths"})
    path = save(poses, tmp_path / "walk.c3d")
    found, residuals, _ = points(path)
    np.testing.assert_allclose(found, y_up(poses)[:, 0], atol=1e-5)
    assert residuals[0, 7] == pytest.approx(np.sqrt((poses.std[0, 0, 7].astype(float) ** 2).mean()), abs=6e-4)
    assert ezc3d.c3d(str(path))["parameters"]["POINT"]["UNITS"]["value"] == ["body lengths"]


def test_uneven_times_give_their_mean_rate(tmp_path: Path) -> None:
    poses = made_poses(frames=3, fps=None, times=np.array([1.0, 1.02, 1.1]))
    path = save(poses, tmp_path / "walk.c3d")
    assert ezc3d.c3d(str(path))["parameters"]["POINT"]["RATE"]["value"] == pytest.approx([20])


def test_the_time_of_the_first_frame_is_kept(tmp_path: Path) -> None:
    late = made_poses(times=0.48 + np.arange(6) / 25)
    path = save(late, tmp_path / "late.c3d")
    assert ezc3d.c3d(str(path))["header"]["points"]["first_frame"] == 12
    found = load(path)
    assert isinstance(found, Poses3D)
    np.testing.assert_allclose(found.frame_times, late.frame_times, atol=1e-6)
    assert load(save(made_poses(), tmp_path / "early.c3d")).times is None


def test_what_c3d_cannot_hold(tmp_path: Path) -> None:
    xyz = np.zeros((65_536, 1, 17, 3))
    for poses in (Poses3D(xyz, None, np.zeros((*xyz.shape, 3)), HUMAN36M17), made_poses(frames=0)):
        with pytest.raises(OutputError, match=r"walk\.c3d.*frames"):
            save(poses, tmp_path / "walk.c3d")
    assert not list(tmp_path.iterdir())


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ezc3d", None)
    with pytest.raises(MissingExtraError, match=r"flowlift\[c3d\]"):
        save(made_poses(), tmp_path / "walk.c3d")
