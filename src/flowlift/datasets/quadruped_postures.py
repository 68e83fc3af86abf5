"""What quadrupeds do with their legs: standing, gaits, sitting, lying; angles of bones as ranges to draw from."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

Range = tuple[float, float]
Legs = tuple[Range, Range, Range]
"""Angles of a leg's bones, the uppermost first: degrees from straight down, forward."""


@dataclass(frozen=True)
class Posture:
    """`share`: how often it is drawn. `front`, `hind`: how legs are held, one of these; none: as the body stands.

    `swing`: how far a gait's legs swing to and fro, degrees; `phases`: when in a stride, of left hind, left front,
    right hind and right front; `uneven`: how far those differ from time to time. `lifted`: how often a leg is held as
    FRONT_LIFTED or HIND_LIFTED say. `stands`: whether front and hind rest on one ground, which tells how the trunk
    leans; else `pitch` does; `held`: whether the front legs hang on a trunk that rises. `rolled`: about the line from
    tail to neck, either way; `opened`: how far legs are held aside; `humped`: how far the spine bends up or down.
    """

    share: float
    front: tuple[Legs, ...] = ()
    hind: tuple[Legs, ...] = ()
    swing: Range = (0.0, 0.0)
    phases: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    uneven: float = 0.0
    lifted: float = 0.0
    stands: bool = True
    pitch: Range = (0.0, 0.0)
    held: bool = False
    rolled: Range = (-6.0, 6.0)
    opened: Range = (-8.0, 8.0)
    humped: float = 6.0


_FORWARD: Legs = ((-85, -30), (60, 100), (60, 105))
_TUCKED: Legs = ((-80, -40), (70, 100), (-120, -80))
_FOLDED: Legs = ((65, 125), (-85, -45), (70, 100))
_STRETCHED_BACK: Legs = ((-70, -20), (-100, -60), (-110, -80))
_LEAP_FRONT: tuple[Legs, ...] = (((-10, 60), (0, 80), (-30, 90)), ((-60, 10), (-60, 40), (-90, 20)))
_LEAP_HIND: tuple[Legs, ...] = (((-40, 30), (-80, 0), (-70, 10)), ((20, 90), (-50, 20), (0, 80)))

FRONT_LIFTED: Legs = ((-20, 40), (10, 90), (-80, 10))
HIND_LIFTED: Legs = ((10, 90), (-80, -10), (-40, 60))

POSTURES: Mapping[str, Posture] = MappingProxyType(
    {
        "stand": Posture(0.14),
        "walk": Posture(0.14, swing=(8, 32), phases=(0.0, 0.25, 0.5, 0.75), uneven=0.03),
        "trot": Posture(0.12, swing=(10, 35), phases=(0.0, 0.5, 0.5, 0.0), uneven=0.03),
        "pace": Posture(0.04, swing=(10, 32), phases=(0.0, 0.0, 0.5, 0.5), uneven=0.03),
        "gallop": Posture(
            0.14, swing=(25, 50), phases=(0.0, 0.45, 0.1, 0.55), uneven=0.1, stands=False, pitch=(-25, 25), humped=18
        ),
        "jump": Posture(0.05, front=_LEAP_FRONT, hind=_LEAP_HIND, stands=False, pitch=(-30, 40), humped=12),
        "sit": Posture(0.10, hind=(_FOLDED,), opened=(-5, 35)),
        "lie": Posture(
            0.08,
            front=(_FORWARD, _FORWARD, _TUCKED),
            hind=(_FOLDED, _FOLDED, _FOLDED, _STRETCHED_BACK),
            opened=(-5, 35),
        ),
        "lie on a side": Posture(
            0.04,
            front=(((-30, 40), (-40, 50), (-60, 50)), _FORWARD),
            hind=(((0, 80), (-70, 20), (-30, 60)),),
            stands=False,
            rolled=(60, 110),
        ),
        "bow": Posture(0.04, front=(_FORWARD,)),
        "rear": Posture(
            0.05,
            front=(((-10, 60), (10, 110), (-60, 60)),),
            hind=(((-10, 50), (-60, -10), (-10, 35)),),
            stands=False,
            pitch=(25, 80),
            held=True,
        ),
        "crouch": Posture(0.05, front=(((-70, -35), (0, 35), (-10, 15)),), hind=(((45, 80), (-75, -45), (10, 45)),)),
        "lift a leg": Posture(0.05, lifted=0.35, opened=(-10, 20)),
    }
)
