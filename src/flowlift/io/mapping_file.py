"""A mapping by hand: a TOML file that says of which of a file's joints each of a model's joints is made."""

import json
import tomllib
from pathlib import Path
from typing import Any

from flowlift.conversion import Conversion, conversion_by, rules
from flowlift.damage import refused_if_damaged
from flowlift.errors import InputError
from flowlift.io.atomic import written_whole
from flowlift.io.naming import plain_name
from flowlift.skeleton import Skeleton


def read_mapping(path: Path, source: Skeleton, target: Skeleton) -> Conversion:
    """The conversion that a file describes: in a table [joints], each joint of `target` is a name of `source`, several
    (their mean), or "" for none; joints that are not listed are missing.

    Raises InputError for a file that cannot be read, another model's, or a name that is not there.
    """
    with refused_if_damaged(f"{path}: cannot be read as TOML"):
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    joints = table.get("joints")
    if not isinstance(joints, dict) or set(table) - {"skeleton", "joints"}:
        raise InputError(
            f'{path}: expected skeleton = "{target.name}" and a table [joints] with lines like nose = "snout"'
        )
    if table.get("skeleton", target.name) != target.name:
        raise InputError(f"{path}: it maps to {table['skeleton']!r}, but the model's skeleton is {target.name!r}")
    found = {}
    for joint, told in joints.items():
        if joint not in target.joints:
            raise InputError(f"{path}: {target.name!r} has no joint {joint!r}; it has {', '.join(target.joints)}")
        if names := _names(told, f"{path}: {joint}", source):
            found[joint] = {name: 1 / len(names) for name in names}
    if not found:
        raise InputError(f"{path}: it maps nothing yet: write your names behind the joints under [joints]")
    return conversion_by(found, source, target)


def _names(told: Any, where: str, source: Skeleton) -> list[str]:
    listed = told if isinstance(told, list) else [told]
    if not all(isinstance(name, str) for name in listed):
        raise InputError(f'{where}: expected "a name", ["several", "names"] for their mean, or "" for none')
    known = {plain_name(joint): joint for joint in source.joints}
    for name in filter(None, listed):
        if plain_name(name) not in known:
            raise InputError(f"{where}: the keypoints have no {name!r}; they have {', '.join(source.joints)}")
    return list(dict.fromkeys(known[plain_name(name)] for name in listed if name))


def write_template(path: Path, source: Skeleton, target: Skeleton, *, of: str) -> None:
    """A mapping to fill in, with what the names gave already. `of`: what the file is called. Raises OutputError."""
    found = rules(source, target)
    lines = [
        f"# Which of the joints of {of} those of {target.name} are. Left and right are the animal's or person's own.",
        '# One name; several, ["like", "these"], for their mean; "" where there is none.',
        f"# Its joints: {', '.join(source.joints)}",
        f"skeleton = {json.dumps(target.name)}",
        "",
        "[joints]",
    ]
    for joint in target.joints:
        names = list(found.get(joint, {})) or [""]
        lines.append(f"{joint} = {json.dumps(names[0] if len(names) == 1 else names, ensure_ascii=False)}")
    with written_whole(path) as part:
        part.write_text("\n".join(lines) + "\n", encoding="utf-8")
