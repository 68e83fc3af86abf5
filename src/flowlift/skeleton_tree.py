"""Skeletons as they are written in this package: lines of `joint < parent`."""

from flowlift.skeleton import Skeleton


def skeleton_of_tree(name: str, tree: str, size: tuple[str, ...] = ()) -> Skeleton:
    """Build a skeleton from lines of `joint < parent`; names that differ only in left and right are paired."""
    links = [line.split() for line in tree.splitlines() if line.strip()]
    joints = tuple(link[0] for link in links)
    return Skeleton(
        name=name,
        joints=joints,
        parents=tuple(link[2] if len(link) > 1 else None for link in links),
        pairs=tuple((joint, other) for joint in joints if (other := _on_the_right(joint)) in joints and other != joint),
        size=size,
    )


def _on_the_right(joint: str) -> str:
    return "_".join("right" if word == "left" else word for word in joint.split("_"))
