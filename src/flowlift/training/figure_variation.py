"""How far captured poses of any skeleton are varied in training."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FigureVariation:
    """How far bodies are varied; lengths as standard deviations of the log, angles in radians.

    `mix`: share of bodies that take some branches (limbs, head, tail) from another pose. `joint_angle`: of every joint,
    with what hangs on it; drawn anew for each body between 0 and twice that. `limb_length`: of all bones of a branch
    together, left and right alike; `bone_length`: of each; `asymmetry`: of left against right. `joint_offset`: where a
    joint is said to be, left and right alike, in body lengths. `tilt`: of the whole body. `unusual`: share of bodies
    whose lengths, angles and offsets vary as widely as told; of the others by USUAL of that. `curve`: share of bodies
    that curve from nose to tail as those do that turn, curl up or rear: as far as `figure_turns.CURVED` says, every
    bone in the body's middle as the next. `species`: share of bodies whose bones are as long as those of another one
    of the bank and lie as its do, or go part of the way there, or beyond (`figure_shapes.SPECIES`). `swing`: angle of
    every joint about the line across the body, as legs swing and necks nod; `wag`: of the joints of free ends in the
    body's middle, as tails have them, any way; both drawn as `joint_angle` is. `width`: how far apart the pairs are
    that hang on one joint: hips, shoulders, eyes.
    """

    mix: float = 0.3
    joint_angle: float = 0.1
    limb_length: float = 0.05
    bone_length: float = 0.05
    asymmetry: float = 0.01
    joint_offset: float = 0.005
    tilt: float = 0.1
    unusual: float = 1.0
    curve: float = 0.0
    species: float = 0.0
    swing: float = 0.0
    wag: float = 0.0
    width: float = 0.0


AS_CAPTURED = FigureVariation(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
