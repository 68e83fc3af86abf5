"""Joint angles: known poses give known degrees, and the deviations follow from the covariances."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowlift.angles import angles_in, angles_of, vertical_of
from flowlift.camera import Camera
from flowlift.containers import Poses3D
from flowlift.demo import synthesize
from flowlift.errors import InputError
from flowlift.skeletons import ANIMAL3D26, COCO17, HUMAN36M17

STANDING = {  # seen from behind: x to the person's right, y down, z the way the person faces
    "hip": (0, 0, 0),
    **{f"{side}_hip": (sign * 0.13, 0, 0) for side, sign in (("left", -1), ("right", 1))},
    **{f"{side}_knee": (sign * 0.13, 0.45, 0) for side, sign in (("left", -1), ("right", 1))},
    **{f"{side}_ankle": (sign * 0.13, 0.9, 0) for side, sign in (("left", -1), ("right", 1))},
    "spine": (0, -0.25, 0),
    "thorax": (0, -0.5, 0),
    "nose": (0, -0.6, 0.1),
    "head": (0, -0.7, 0),
    **{f"{side}_shoulder": (sign * 0.18, -0.48, 0) for side, sign in (("left", -1), ("right", 1))},
    **{f"{side}_elbow": (sign * 0.18, -0.18, 0) for side, sign in (("left", -1), ("right", 1))},
    **{f"{side}_wrist": (sign * 0.18, 0.08, 0) for side, sign in (("left", -1), ("right", 1))},
}


def pose(**moved: tuple[float, float, float]) -> Poses3D:
    """The standing figure with some joints elsewhere."""
    places = {**STANDING, **moved}
    xyz = np.array([[[places[joint] for joint in HUMAN36M17.joints]]], dtype=float)
    return Poses3D(xyz, None, np.zeros((1, 1, 17, 3, 3)), HUMAN36M17)


def measured(poses: Poses3D) -> dict[str, float]:
    found = angles_of(poses)
    return dict(zip(found.names, found.degrees[0, 0].tolist(), strict=True))


def test_who_stands_straight_bends_nothing() -> None:
    found = measured(pose())
    assert set(found) == {
        *(f"{side} {name}" for side in ("left", "right") for name in ("knee flexion", "hip flexion", "hip abduction")),
        *(f"{side} {name}" for side in ("left", "right") for name in ("elbow flexion", "shoulder elevation")),
        "trunk lean",
    }
    assert max(map(abs, found.values())) < 1e-3


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize(
    ("joint", "place", "name", "degrees"),
    [
        ("ankle", (0.13, 0.45, -0.45), "knee flexion", 90),
        ("knee", (0.13, 0, 0.45), "hip flexion", 90),
        ("knee", (0.13, 0.45 * 3**0.5 / 2, -0.225), "hip flexion", -30),
        ("knee", (0.13 + 0.225, 0.45 * 3**0.5 / 2, 0), "hip abduction", 30),
        ("wrist", (0.18, -0.18, 0.26), "elbow flexion", 90),
        ("elbow", (0.48, -0.48, 0), "shoulder elevation", 90),
        ("elbow", (0.18, -0.78, 0), "shoulder elevation", 180),
    ],
)
def test_known_poses(side: str, joint: str, place: tuple[float, float, float], name: str, degrees: float) -> None:
    sign = 1 if side == "right" else -1
    found = measured(pose(**{f"{side}_{joint}": (sign * place[0], *place[1:])}))
    assert found[f"{side} {name}"] == pytest.approx(degrees, abs=1e-3)
    other = "left" if side == "right" else "right"
    assert found[f"{other} {name}"] == pytest.approx(0, abs=1e-3)


def test_lean_is_from_the_vertical() -> None:
    turn = np.radians(25)
    leaning = {
        joint: (x, y * np.cos(turn) - z * np.sin(turn), -y * np.sin(turn) + z * np.cos(turn))
        for joint, (x, y, z) in STANDING.items()
        if "shoulder" in joint
    }
    assert measured(pose(**leaning))["trunk lean"] == pytest.approx(25, abs=1e-3)
    assert angles_of(pose(), up=np.array([1.0, 0, 0])).degrees[0, 0, -1] == pytest.approx(90)


def test_the_vertical_is_the_calibrated_world_s() -> None:
    tilt = np.radians(20)
    rotation = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    camera = Camera.from_matrix(np.diag([900, 900, 1]), (640, 480), rotation=rotation, translation=[0, 0, 0])
    np.testing.assert_allclose(vertical_of(camera), [0, -np.cos(tilt), -np.sin(tilt)], atol=1e-9)
    np.testing.assert_allclose(vertical_of(None), [0, -1, 0])


@settings(max_examples=6)
@given(st.integers(0, 1000))
def test_angles_ignore_place_size_and_turning_but_for_the_lean(seed: int) -> None:
    rng = np.random.default_rng(seed)
    poses = synthesize(seconds=0.1).truth
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    moved = replace(poses, xyz=rng.uniform(0.3, 3) * poses.xyz @ turn.T.astype(np.float32), root=None)
    np.testing.assert_allclose(angles_of(moved).degrees[..., :-1], angles_of(poses).degrees[..., :-1], atol=0.05)


def test_mirrored_people_have_the_other_side_s_angles() -> None:
    poses = synthesize(seconds=0.3).truth
    mirrored = replace(poses, xyz=(poses.xyz * np.float32([-1, 1, 1]))[:, :, HUMAN36M17.mirror])
    angles, others = angles_of(poses), angles_of(mirrored)
    swap = {"left": "right", "right": "left", "centre": "centre"}
    order = [angles.names.index(a.name.replace(a.side, swap[a.side])) for a in angles.angles]
    np.testing.assert_allclose(others.degrees, angles.degrees[..., order], atol=0.01)


def test_deviations_are_those_of_errors_that_add_up_along_the_bones() -> None:
    rng = np.random.default_rng(0)
    one = synthesize(seconds=0.2).truth
    frame = one.xyz[3, 0].astype(np.float64)
    steps = np.full(17, 0.004) * rng.uniform(0.5, 1.5, 17)
    drawn, cov = np.repeat(frame[None], 3000, axis=0), np.zeros((17, 3, 3))
    noise = np.zeros_like(drawn)
    for joint in HUMAN36M17.topological:
        parent = HUMAN36M17.parent_indices[joint]
        if parent >= 0:
            noise[:, joint] = noise[:, parent] + steps[joint] * rng.normal(size=(len(drawn), 3))
            cov[joint] = cov[parent] + steps[joint] ** 2 * np.eye(3)
    stated = Poses3D(frame[None, None], None, cov[None, None], HUMAN36M17)
    many = Poses3D((drawn + noise)[:, None], None, np.zeros((len(drawn), 1, 17, 3, 3)), HUMAN36M17)
    true = angles_of(many).degrees[:, 0].std(axis=0)
    np.testing.assert_allclose(angles_of(stated).deviation[0, 0], true, rtol=0.08)


def test_doubt_about_the_size_turns_nothing() -> None:
    poses = synthesize(seconds=0.2).truth
    xyz = poses.xyz.astype(np.float64)
    cov = 0.06**2 * xyz[..., :, None] * xyz[..., None, :]
    unsure = replace(poses, cov=cov, provenance={"size_sd": 0.06})
    assert angles_of(unsure).deviation.max() < 0.1
    assert angles_of(replace(unsure, provenance={})).deviation.max() > 1


def test_what_is_unknown_is_nan() -> None:
    poses = synthesize(seconds=0.2).truth
    xyz, cov = poses.xyz.copy(), poses.cov.copy()
    xyz[0], cov[1] = np.nan, np.nan
    found = angles_of(replace(poses, xyz=xyz, cov=cov))
    assert np.isnan(found.degrees[0]).all()
    assert np.isfinite(found.degrees[1:]).all()
    assert np.isnan(found.deviation[:2]).all()
    assert np.isfinite(found.deviation[2:]).all()


def test_other_skeletons() -> None:
    assert [a.name for a in angles_in(ANIMAL3D26)] == [
        f"{side} {leg} knee flexion" for leg in ("front", "back") for side in ("left", "right")
    ]
    assert len(angles_in(COCO17)) == 11
    from flowlift.skeleton import Skeleton

    stick = Skeleton("stick", ("a", "b"), (None, "a"))
    with pytest.raises(InputError, match="none of the joints"):
        angles_of(Poses3D(np.zeros((1, 1, 2, 3)), None, np.zeros((1, 1, 2, 3, 3)), stick))
