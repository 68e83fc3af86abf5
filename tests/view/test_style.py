import pytest

from flowlift.skeletons import BUILT_IN
from flowlift.view.style import HEAT, bone_sides, heat, joint_sides, large_deviation


@pytest.mark.parametrize("skeleton", BUILT_IN.values(), ids=lambda skeleton: skeleton.name)
def test_sides_are_the_subjects_own(skeleton) -> None:
    for joint, side in zip(skeleton.joints, joint_sides(skeleton), strict=True):
        named = next((word for word in ("left", "right") if word in joint.split("_")), "centre")
        assert side == named
    sides = dict(zip(skeleton.bones, bone_sides(skeleton), strict=True))
    other = {"left": "right", "right": "left", "centre": "centre"}
    for (parent, child), side in sides.items():
        mirrored = (skeleton.mirror[parent], skeleton.mirror[child])
        assert sides.get(mirrored, other[side]) == other[side]


def test_heat_runs_from_small_to_large() -> None:
    assert heat(0.0, 0.1) == HEAT[0]
    assert heat(0.05, 0.1) == HEAT[1]
    assert heat(0.1, 0.1) == heat(3.0, 0.1) == HEAT[2]


@pytest.mark.parametrize(("size", "large"), [(1.78, 0.1), (0.5, 0.02), (4.0, 0.2)])
def test_large_depends_on_the_body(size: float, large: float) -> None:
    assert large_deviation(size) == large
