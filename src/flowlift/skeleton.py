"""A skeleton: named joints, their parents, left-right pairs and a root. No index is known outside."""

import re
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Self

from flowlift.damage import refused_if_damaged
from flowlift.errors import InputError

MIN_JOINTS = 3
"""Of fewer joints there is no pose to lift."""
_MOST = 1000
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def plain_name(name: str) -> str:
    """Lower case, with spaces and dashes as underscores: as the built-in skeletons name joints."""
    return re.sub(r"[\s-]+", "_", name.strip().lower())


def is_skeleton_file(name: str) -> bool:
    """Whether a skeleton's name is that of a TOML file, and not of a built-in one."""
    return name.lower().endswith(".toml")


@dataclass(frozen=True)
class Skeleton:
    """Named joints that form one tree.

    `parents` gives each joint's parent by name (None for the root only); `pairs` lists (left, right) joints. `size`:
    joints whose distances, each to the next, add up to the body's length; it says how lengths are told, and does not
    make two skeletons differ. Raises InputError for duplicate or unknown names, names with control characters, several
    roots, a cycle, a joint in two pairs or paired with itself, a size of fewer than two joints, or more joints than
    anybody has.
    """

    name: str
    joints: tuple[str, ...]
    parents: tuple[str | None, ...]
    pairs: tuple[tuple[str, str], ...] = ()
    size: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        def fail(what: str) -> None:
            raise InputError(f"skeleton {self.name!r}: {what}")

        if not self.joints:
            fail("it has no joints")
        if len(self.parents) != len(self.joints):
            fail(f"{len(self.joints)} joints but {len(self.parents)} parents")
        if len(self.joints) > _MOST:
            fail(f"it has {len(self.joints):,} joints, more than {_MOST:,}")
        known = set(self.joints)
        for joint, count in Counter(self.joints).items():
            if count > 1:
                fail(f"joint {joint!r} is listed twice")
            if not joint.strip():
                fail("a joint has no name")
            if _CONTROL.search(joint):
                fail(f"joint {joint!r} has control characters in its name")
        for named in (p for p in self.parents if p is not None):
            if named not in known:
                fail(f"parent {named!r} is not a joint")
        roots = [joint for joint, parent in zip(self.joints, self.parents, strict=True) if parent is None]
        if len(roots) != 1:
            fail(f"exactly one joint must have no parent, found {roots or 'none'}")
        parent_of = dict(zip(self.joints, self.parents, strict=True))
        to_root: set[str | None] = {None}
        for joint in self.joints:
            way: dict[str, None] = {}
            above: str | None = joint
            while above is not None and above not in to_root:
                if above in way:
                    fail(f"the parents of {joint!r} form a cycle")
                way[above] = None
                above = parent_of[above]
            to_root.update(way)
        for left, right in self.pairs:
            if left == right:
                fail(f"{left!r} is paired with itself; leave a joint in the middle out of pairs")
        paired = [joint for pair in self.pairs for joint in pair]
        for joint in paired:
            if joint not in known:
                fail(f"paired joint {joint!r} is not a joint")
        for joint, count in Counter(paired).items():
            if count > 1:
                fail(f"joint {joint!r} stands in two left-right pairs")
        for joint in self.size:
            if joint not in known:
                fail(f"size names {joint!r}, which is not a joint")
        if len(self.size) == 1:
            fail("size needs at least two joints")
        for joint, after in pairwise(self.size):
            if joint == after:
                fail(f"size goes from {joint!r} to itself")

    def __len__(self) -> int:
        return len(self.joints)

    @cached_property
    def root(self) -> int:
        """Index of the root joint."""
        return self.parents.index(None)

    @cached_property
    def parent_indices(self) -> tuple[int, ...]:
        """Index of each joint's parent, -1 for the root."""
        index = {joint: number for number, joint in enumerate(self.joints)}
        return tuple(-1 if parent is None else index[parent] for parent in self.parents)

    @cached_property
    def bones(self) -> tuple[tuple[int, int], ...]:
        """(parent, child) index pairs, in the order of the children."""
        return tuple((parent, child) for child, parent in enumerate(self.parent_indices) if parent >= 0)

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """Indices of the joints that hang on each joint."""
        hung: list[list[int]] = [[] for _ in self.joints]
        for parent, child in self.bones:
            hung[parent].append(child)
        return tuple(map(tuple, hung))

    @cached_property
    def mirror(self) -> tuple[int, ...]:
        """Joint order after exchanging left and right: `array[..., mirror, :]`; its own inverse."""
        order = list(range(len(self)))
        for left, right in self.pairs:
            i, j = self.index(left), self.index(right)
            order[i], order[j] = j, i
        return tuple(order)

    @cached_property
    def size_chain(self) -> tuple[str, ...]:
        """`size`; where it is not given, the path of the most bones between two joints that stand in no pair (with
        fewer than two such joints, between any two), the first one in the joints' order among equals."""
        if self.size:
            return self.size
        paired = {joint for pair in self.pairs for joint in pair}
        middle = [joint for joint in range(len(self)) if self.joints[joint] not in paired]
        ends = middle if len(middle) > 1 else list(range(len(self)))
        # In a tree, what is furthest from anywhere ends a longest path, and what is furthest from that ends it, too.
        hops = [self.hops(ends[0])]
        for _ in range(2):
            hops.append(self.hops(max(ends, key=hops[-1].__getitem__)))
        longest = max(hops[-1][end] for end in ends)
        first = next(end for end in ends if longest in (hops[1][end], hops[2][end]))
        away = self.hops(first)
        other = next(end for end in ends if away[end] == longest)
        return tuple(self.joints[joint] for joint in self._path(first, other))

    def hops(self, start: int) -> list[int]:
        """Bones between a joint and every other one."""
        hops, order = [-1] * len(self), [start]
        hops[start] = 0
        for joint in order:
            for other in (*self.children[joint], self.parent_indices[joint]):
                if other >= 0 and hops[other] < 0:
                    hops[other] = hops[joint] + 1
                    order.append(other)
        return hops

    def _path(self, a: int, b: int) -> tuple[int, ...]:
        """Joints from one to another along the bones."""
        up = [[a], [b]]
        for chain in up:
            while self.parent_indices[chain[-1]] >= 0:
                chain.append(self.parent_indices[chain[-1]])
        there = set(up[1])
        meet = next(joint for joint in up[0] if joint in there)
        down = up[1][: up[1].index(meet)]
        return (*up[0][: up[0].index(meet) + 1], *reversed(down))

    @cached_property
    def topological(self) -> tuple[int, ...]:
        """Joint indices with every parent before its children."""
        order = [self.root]
        for joint in order:
            order.extend(self.children[joint])
        return tuple(order)

    def index(self, joint: str) -> int:
        """Index of a joint by name. Raises InputError for an unknown name."""
        try:
            return self.joints.index(joint)
        except ValueError:
            raise InputError(
                f"skeleton {self.name!r} has no joint {joint!r}; it has {', '.join(self.joints)}"
            ) from None

    def indices(self, joints: Sequence[str]) -> list[int]:
        """Indices of several joints by name. Raises InputError for an unknown name."""
        return [self.index(joint) for joint in joints]

    @classmethod
    def named(cls, name: str) -> "Skeleton":
        """A built-in skeleton. Raises InputError for an unknown name, listing the known ones."""
        from flowlift.skeletons import BUILT_IN

        if name not in BUILT_IN:
            raise InputError(f"no skeleton named {name!r}; known: {', '.join(sorted(BUILT_IN))}")
        return BUILT_IN[name]

    @classmethod
    def named_or_loaded(cls, text: str) -> "Skeleton":
        """A built-in skeleton by name, or one of a TOML file. Raises InputError."""
        return cls.load(text) if is_skeleton_file(text) else cls.named(text)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a skeleton from TOML: `name`, a table `[parents]` (joint = "parent", "" for the root), `pairs`, `size`.

        Raises InputError when the file cannot be read or does not describe a skeleton.
        """
        path = Path(path)
        with refused_if_damaged(f"{path}: cannot read the skeleton"):
            table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        parents = table.get("parents")
        if not isinstance(parents, dict) or not all(isinstance(v, str) for v in parents.values()):
            raise InputError(f'{path}: expected a table [parents] with lines like knee = "hip" and root = ""')
        pairs = table.get("pairs", [])
        if not isinstance(pairs, list) or not all(
            isinstance(p, list) and len(p) == 2 and all(isinstance(j, str) for j in p) for p in pairs
        ):
            raise InputError(f'{path}: expected pairs = [["left name", "right name"], ...]')
        size = table.get("size", [])
        if not isinstance(size, list) or not all(isinstance(joint, str) for joint in size):
            raise InputError(f'{path}: expected size = ["nose", ..., "tail_base"], the joints that a length goes along')
        unknown = set(table) - {"name", "parents", "pairs", "size"}
        if unknown:
            raise InputError(f"{path}: a skeleton has no {sorted(unknown)[0]!r}; it has name, pairs, size, [parents]")
        try:
            return cls(
                name=str(table.get("name", path.stem)),
                joints=tuple(parents),
                parents=tuple(parent or None for parent in parents.values()),
                pairs=tuple((left, right) for left, right in pairs),
                size=tuple(size),
            )
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
