"""Some people of a clip, in an order of one's own."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Shaped

from flowlift.containers import Poses3D


def pick_people(poses: Poses3D, who: Sequence[int | None]) -> Poses3D:
    """The poses of some people, by index. None, and an index that nobody has, is somebody who is never there: NaN."""
    places = [place for place, person in enumerate(who) if person is not None and person < poses.people]
    people = [person for person in who if person is not None and person < poses.people]

    def some(array: Shaped[np.ndarray, "frame person ..."]) -> Shaped[np.ndarray, "frame who ..."]:
        nobody = False if array.dtype == bool else np.nan
        picked = np.full((len(array), len(who), *array.shape[2:]), nobody, dtype=array.dtype)
        picked[:, places] = array[:, people]
        return picked

    def some_if(array: Shaped[np.ndarray, "frame person ..."] | None) -> Shaped[np.ndarray, "frame who ..."] | None:
        return None if array is None else some(array)

    seen = poses.keypoints
    return replace(
        poses,
        xyz=some(poses.xyz),
        root=some_if(poses.root),
        root_cov=some_if(poses.root_cov),
        cov=some(poses.cov),
        hypotheses=some_if(poses.hypotheses),
        keypoints=None if seen is None else replace(seen, xy=some(seen.xy), score=some(seen.score)),
        bridged=some_if(poses.bridged),
    )
