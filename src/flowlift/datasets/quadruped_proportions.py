"""How quadrupeds are built, drawn at random: from a mouse's proportions to a giraffe's, on the joints of Animal3D."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

FRONT, HIND = (0.30, 0.40, 0.30), (0.34, 0.36, 0.30)
"""Parts of a leg: shoulder, elbow, carpus, paw; and hip, stifle, hock, paw."""
_ALIKE = 60.0
"""How little the parts of legs differ between animals: the sum of a Dirichlet distribution's parameters."""
_FLAT_FOOTED = 0.12
"""How many walk on their soles, as bears do."""


@dataclass(frozen=True, eq=False)
class Proportions:
    """A quadruped whose trunk, neck to tail base, is 1 long. Points are (to its left, up, forward), of the left side.

    `front`, `hind`: lengths of a leg's bones, the uppermost first; `front_stands`, `hind_stands`: their angles as it
    stands, degrees from straight down, forward. `shoulder`: from the neck, `hip`: from the tail base. `neck`: its
    length; `neck_up`: how it rises, degrees. `skull`: length from the neck's end to the nose; `head_up` as `neck_up`;
    `eye`, `corner` (of the mouth), `mouth`, `ear`: in lengths of the skull, from the neck's end, as the skull lies;
    `ear_tip`: from there. `tail`: its length; `tail_up`: how its base rises; `tail_curl`: how far it turns up towards
    its end.
    """

    front: Float64[np.ndarray, "3"]
    hind: Float64[np.ndarray, "3"]
    front_stands: Float64[np.ndarray, "3"]
    hind_stands: Float64[np.ndarray, "3"]
    shoulder: Float64[np.ndarray, "3"]
    hip: Float64[np.ndarray, "3"]
    neck: float
    neck_up: float
    skull: float
    head_up: float
    eye: Float64[np.ndarray, "3"]
    corner: Float64[np.ndarray, "3"]
    mouth: Float64[np.ndarray, "3"]
    ear: Float64[np.ndarray, "3"]
    ear_tip: Float64[np.ndarray, "3"]
    tail: float
    tail_up: float
    tail_curl: float

    @property
    def size(self) -> float:
        """The body's length as it stands: nose to neck to tail base."""
        neck, head = math.radians(self.neck_up), math.radians(self.head_up)
        along = self.neck * math.cos(neck) + self.skull * math.cos(head)
        return 1.0 + math.hypot(along, self.neck * math.sin(neck) + self.skull * math.sin(head))


def draw_proportions(rng: np.random.Generator) -> Proportions:
    """Somebody's proportions. Sizes are log-normal, and kept between what animals have."""

    def length(median: float, spread: float, least: float, most: float) -> float:
        return float(np.clip(median * math.exp(rng.normal(0, spread)), least, most))

    def about(*means_and_spreads: tuple[float, float]) -> Float64[np.ndarray, " number"]:
        mean, spread = np.array(means_and_spreads).T
        return rng.normal(mean, spread)

    legs, flat = length(0.87, 0.3, 0.35, 1.9), rng.random() < _FLAT_FOOTED
    front_stands, hind_stands = about((-28, 10), (2, 5), (6, 8)), about((32, 9), (-38, 9), (4, 8))
    if flat:
        front_stands[2], hind_stands[2] = rng.uniform(10, 60), rng.uniform(30, 80)
    ear_tip = about((1.0, 1.0), (0.6, 1.0), (-0.3, 1.0))
    return Proportions(
        front=legs * length(1.0, 0.06, 0.8, 1.2) * rng.dirichlet(_ALIKE * np.array(FRONT)),
        hind=legs * length(1.12, 0.08, 0.85, 1.6) * rng.dirichlet(_ALIKE * np.array(HIND)),
        front_stands=front_stands,
        hind_stands=hind_stands,
        shoulder=np.array([length(0.13, 0.3, 0.06, 0.3), -abs(rng.normal(0.21, 0.07)), rng.normal(-0.05, 0.08)]),
        hip=np.array([length(0.13, 0.3, 0.06, 0.3), -abs(rng.normal(0.08, 0.05)), rng.normal(0.13, 0.05)]),
        neck=length(0.45, 0.45, 0.12, 1.8),
        neck_up=float(rng.normal(28, 20)),
        skull=length(0.38, 0.25, 0.18, 0.75),
        head_up=float(rng.normal(-22, 15)),
        eye=np.array([length(0.17, 0.25, 0.08, 0.35), abs(rng.normal(0.18, 0.06)), rng.normal(0.5, 0.07)]),
        corner=np.array([length(0.12, 0.25, 0.05, 0.25), -abs(rng.normal(0.1, 0.06)), rng.normal(0.72, 0.1)]),
        mouth=np.array([0.0, -abs(rng.normal(0.14, 0.08)), rng.normal(0.93, 0.05)]),
        ear=np.array([length(0.2, 0.3, 0.08, 0.4), rng.normal(0.32, 0.12), rng.normal(0.12, 0.1)]),
        ear_tip=rng.uniform(0, 0.5) * ear_tip / np.linalg.norm(ear_tip),
        tail=length(0.5, 0.6, 0.06, 1.4),
        tail_up=float(rng.normal(-35, 40)),
        tail_curl=float(rng.normal(0, 60)),
    )
