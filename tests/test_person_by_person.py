"""People by themselves: what is made of one does not depend on the others, nor on how long the clip is without them."""

from dataclasses import replace

import numpy as np
import pytest

from flowlift.containers import Poses3D
from flowlift.demo import synthesize
from flowlift.gaps import LIMIT
from flowlift.lifter import Lifter
from flowlift.person_by_person import person_by_person


@pytest.fixture(scope="module")
def passers_by() -> Poses3D:
    """Three people, lifted: one all along, one in frames 20 to 39 with a gap of 3, and one who is never there."""
    clip = synthesize(seconds=2.0)
    seen = clip.keypoints
    xy, score = np.full((60, 3, 17, 2), np.nan), np.full((60, 3, 17), np.nan)
    for person, frames in ((0, np.arange(60)), (1, np.r_[20:28, 31:40])):
        xy[frames, person], score[frames, person] = seen.xy[frames, 0], seen.score[frames, 0]
    return Lifter.load("human-fast")(replace(seen, xy=xy, score=score), camera=clip.camera, smooth="off")


@pytest.mark.parametrize("smooth", ["auto", "causal", 0.2])
def test_company_changes_nothing(passers_by: Poses3D, smooth: str | float) -> None:
    lifter = Lifter.load("human-fast")
    together = lifter.over_time(passers_by, smooth)
    assert passers_by.keypoints is not None
    assert passers_by.root is not None
    assert passers_by.root_cov is not None
    for person in range(3):
        who = slice(person, person + 1)
        keypoints = replace(
            passers_by.keypoints, xy=passers_by.keypoints.xy[:, who], score=passers_by.keypoints.score[:, who]
        )
        one = replace(
            passers_by,
            xyz=passers_by.xyz[:, who],
            cov=passers_by.cov[:, who],
            root=passers_by.root[:, who],
            root_cov=passers_by.root_cov[:, who],
            keypoints=keypoints,
        )
        alone = lifter.over_time(one, smooth)
        for name in ("xyz", "cov", "root", "root_cov"):
            np.testing.assert_array_equal(getattr(together, name)[:, who], getattr(alone, name))
    assert together.bridged is not None
    assert together.bridged[28:31, 1].all()
    assert np.isnan(together.xyz[:, 2]).all()


def test_each_gets_the_frames_that_show_them(passers_by: Poses3D) -> None:
    got: list[tuple[int, float]] = []

    def look(one: Poses3D) -> Poses3D:
        assert one.people == 1
        got.append((len(one), float(one.frame_times[0])))
        return replace(one, xyz=2 * one.xyz)

    doubled = person_by_person(passers_by, look)
    after = int(LIMIT * 30)
    assert got == [(60, 0.0), (20 + after, pytest.approx(20 / 30))]
    np.testing.assert_array_equal(doubled.xyz, 2 * passers_by.xyz)
    np.testing.assert_array_equal(doubled.cov, passers_by.cov)
    assert doubled.bridged is None
    assert doubled.provenance == passers_by.provenance
