"""A conversion in words: which joint was made of which, what is missing, and what was not used."""

from flowlift.animal_skeletons import ANIMALS
from flowlift.conversion import Conversion, conversion
from flowlift.skeleton import Skeleton
from flowlift.skeletons import BUILT_IN


def joints_in_words(used: Conversion) -> str:
    """One line, such as "17 of 26 found: nose = snout, neck, ...; missing: ...; not used: ...".

    A joint that is called the same in both stands alone; a mean is written with plus signs.
    """
    found, missing, taken = [], [], set[str]()
    for joint, row in zip(used.target.joints, used.weights.any(axis=0), strict=True):
        origins = [name for name, uses in zip(used.source.joints, row, strict=True) if uses]
        taken.update(origins)
        if origins:
            found.append(joint if origins == [joint] else f"{joint} = {' + '.join(origins)}")
        else:
            missing.append(joint)
    parts = [f"{len(found)} of {len(used.target)} found: {', '.join(found)}"]
    unused = [name for name in used.source.joints if name not in taken]
    parts += [f"missing: {', '.join(missing)}"] * bool(missing)
    return "; ".join(parts + [f"not used: {', '.join(unused)}"] * bool(unused))


def report_of(source: Skeleton, target: Skeleton) -> str | None:
    """The default conversion in words, where it is worth telling: names decided, or it is from animal to animal."""
    by_definition = BUILT_IN.get(source.name) == source
    if source == target or (by_definition and source not in ANIMALS):
        return None
    return joints_in_words(conversion(source, target))
