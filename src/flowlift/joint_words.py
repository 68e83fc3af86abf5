"""A joint's name as people write it -> the words that it means, whatever its case, order, separators and language of
labs: `L_F_Paw`, `forepaw left` and `LeftFrontHoof` are one joint."""

import re
from functools import cache

Words = frozenset[str]

_MEANINGS = {
    "left": "left lft l",
    "right": "right rgt r",
    "front": "front fore f anterior thoracic",
    "back": "back hind rear b h posterior pelvic",
    "base": "base root start set origin proximal",
    "end": "end tip point last distal",
    "mid": "mid middle center centre median central",
    "top": "top upper superior",
    "low": "low lower bottom inferior",
    "paw": "paw foot hoof toe toes paws feet hooves pad digit",
    "knee": "knee",
    "hock": "hock tarsus tarsal ankle heel",
    "carpus": "carpus carpal wrist",
    "elbow": "elbow",
    "stifle": "stifle",
    "thigh": "thigh thai",
    "shoulder": "shoulder shoulders scapula",
    "hip": "hip hips",
    "pelvis": "pelvis",
    "hand": "hand",
    "withers": "withers wither",
    "tail": "tail",
    "neck": "neck",
    "throat": "throat",
    "head": "head skull",
    "nose": "nose snout nostril muzzle",
    "mouth": "mouth lip lips",
    "corner": "corner",
    "jaw": "jaw chin mandible",
    "eye": "eye eyes",
    "ear": "ear ears pinna",
    "spine": "spine",
    "thorax": "thorax chest",
    "": "leg limb joint marker kp the of and",  # these tell nothing
}
_MEANING = {word: meaning for meaning, words in _MEANINGS.items() for word in words.split()}
_CODES = {f"{a}{b}": (a, b) for a in "lr" for b in "fbh"} | {f"{b}{a}": (a, b) for a in "lr" for b in "fbh"}
"""Two letters that tell a limb: LF, RH, BL, ..."""


@cache
def words_of(name: str) -> Words:
    """What a joint's name means; a word that is not known stands for itself.

    >>> sorted(words_of("L_F_Paw")) == sorted(words_of("forepawLeft")) == ["front", "left", "paw"]
    True
    >>> sorted(words_of("TailBase"))
    ['base', 'tail']
    """
    if name.lower() == "rear":  # alone it tells of no joint, unless it is the other one of a mouse's lear
        return frozenset({"right", "ear"})
    words = [word for part in _parts(name) for word in _split(part)]
    return frozenset(_MEANING.get(word, word) for word in words) - {""}


@cache
def how_plain(name: str) -> int:
    """How far the words of a name stand from those that are said first of what they mean: 0 for `left_paw`, more for
    `left_toe`, so that an ankle is called for before a heel."""
    words = [word for part in _parts(name) for word in _split(part)]
    return sum(_MEANINGS[_MEANING[word]].split().index(word) for word in words if word in _MEANING)


def _parts(name: str) -> list[str]:
    """The name at its separators, digits' ends and humps, in lower case."""
    apart = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    apart = re.sub(r"([A-Z])([A-Z][a-z]{2,})", r"\1 \2", apart)
    return re.findall(r"[^\W\d_]+|\d+", apart.lower())


def _split(part: str) -> tuple[str, ...]:
    """A part as known words: itself, a limb's code, or words written as one (tailbase, lfrontpaw); else as it is."""
    if part in _CODES:
        return _CODES[part]
    return _known(part) or _sided(part) or (part,)


def _sided(part: str) -> tuple[str, ...]:
    """A part that begins with a letter for a side, or a limb's code: lear, fpaw, rfpaw."""
    for code in (part[:2], part[:1]):
        rest = _known(part[len(code) :]) if len(part) > len(code) else ()
        if rest and code in _CODES:
            return (*_CODES[code], *rest)
        if rest and code in _MEANING:
            return (code, *rest)
    return ()


@cache
def _known(part: str) -> tuple[str, ...]:
    """The part as words of the list that follow one another, as few as can be; () where it is not made of them."""
    if part in _MEANING:
        return (part,)
    ways = [(part[:cut], *_known(part[cut:])) for cut in range(3, len(part) - 1) if part[:cut] in _MEANING]
    return min((way for way in ways if len(way) > 1), key=len, default=())
