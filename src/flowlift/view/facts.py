"""The result's numbers in words, for the panel beside it."""

import numpy as np

from flowlift.containers import Poses3D
from flowlift.view.spread import joint_deviation

Fact = tuple[str, str]


def facts_of(poses: Poses3D) -> list[Fact]:
    """Label and text: what made the result, the camera, the clip, the mean uncertainty."""
    made = [_fact(name, value) for name, value in poses.provenance.items() if value is not None]
    return [*made, ("camera", _camera(poses)), *_clip(poses), ("mean sd", mean_deviation(poses))]


def mean_deviation(poses: Poses3D) -> str:
    """The mean over frames, people and joints of one standard deviation (per axis), in mm or the poses' own unit."""
    deviation = joint_deviation(poses.xyz, poses.cov)
    known = deviation[~np.isnan(deviation)]
    if not len(known):
        return "not told" if np.isfinite(poses.xyz).any() else "nobody seen"
    return f"{1000 * known.mean():.0f} mm" if poses.unit == "m" else f"{known.mean():.3f} {poses.unit}"


def _fact(name: str, value: str | int | float | bool) -> Fact:
    """A setting in words: `height_m` 1.7 is a height of 1.7 m."""
    bare = name.removesuffix("_m")
    unit = " m" if bare != name else ""
    if isinstance(value, bool):
        return bare.replace("_", " "), "yes" if value else "no"
    return bare.replace("_", " "), (f"{value:g}" if isinstance(value, float) else str(value)) + unit


def _camera(poses: Poses3D) -> str:
    if poses.camera is None:
        return "none: poses about the origin" if poses.root is None else "not recorded"
    width, height = poses.camera.image_size
    longer, focal = max((width, poses.camera.matrix[0, 0]), (height, poses.camera.matrix[1, 1]))
    fov = np.degrees(2 * np.arctan(longer / 2 / focal))
    return f"{'assumed' if poses.camera.assumed else 'given'}, {fov:.0f}° across, {width} x {height} px"


def _clip(poses: Poses3D) -> list[Fact]:
    facts = [("frames", f"{len(poses)}")]
    if poses.fps is not None:
        facts.append(("frame rate", f"{poses.fps:g} per second"))
    seen = ~np.isnan(poses.xyz).all(axis=(2, 3))
    facts.append(("people", f"{poses.people}"))
    if not seen.any(axis=1).all():
        facts.append(("nobody in", f"{int((~seen.any(axis=1)).sum())} frames"))
    facts.append(("skeleton", poses.skeleton.name))
    if poses.keypoints is not None:
        source = f" from {poses.keypoints.source}" if poses.keypoints.source else ""
        facts.append(("2D", poses.keypoints.skeleton.name + source))
    return facts
