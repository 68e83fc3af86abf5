"""The graph of a skeleton as graph convolutions read it: bones and left-right links, split by direction."""

import numpy as np
from jaxtyping import Float32, Int64

from flowlift.skeleton import Skeleton

PARTS = 4
"""Self, towards the centre, away from it, left-right links."""


def adjacency(skeleton: Skeleton, *, centre: str | None = None) -> Float32[np.ndarray, "4 joint joint"]:
    """Links [part, from, to] between joints that share a bone or are a left-right pair, and of each with itself.

    The columns of the four parts' sum add up to 1. Towards and away: by the number of links (bones and pairs) from the
    joint `centre`: None is the spine or else the neck, where there is one, else the root. Raises InputError for an
    unknown joint.
    """
    links = np.eye(len(skeleton), dtype=bool)
    pairs = [(skeleton.index(left), skeleton.index(right)) for left, right in skeleton.pairs]
    for a, b in (*skeleton.bones, *pairs):
        links[a, b] = links[b, a] = True
    middle = next((name for name in ("spine", "neck") if name in skeleton.joints), skeleton.joints[skeleton.root])
    hops = _hops(links, skeleton.index(middle if centre is None else centre))
    start, end = hops[:, None], hops[None, :]
    own = np.eye(len(skeleton), dtype=bool)
    split = np.stack([own, start > end, start < end, (start == end) & ~own])
    return (split * (links / links.sum(axis=0))).astype(np.float32)


def _hops(links: np.ndarray, centre: int) -> Int64[np.ndarray, " joint"]:
    """Fewest links from the centre to each joint."""
    hops = np.full(len(links), len(links))
    hops[centre] = 0
    for _ in range(len(links)):
        hops = np.minimum(hops, np.where(links, hops[None, :], len(links)).min(axis=1) + 1)
    hops[centre] = 0
    return hops
