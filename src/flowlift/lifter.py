"""Keypoints2D -> Poses3D: condition, sample, aggregate, place in space."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Float32

from flowlift import __version__
from flowlift.camera import DEFAULT_FOV, Camera, place_root
from flowlift.containers import Keypoints2D, Poses3D, Provenance
from flowlift.conversion import conversion
from flowlift.errors import InputError
from flowlift.ground import known_vertical
from flowlift.joint_report import report_of
from flowlift.lifting.answer import Answer, answer_of
from flowlift.lifting.canonical import DEFAULT_HEIGHT, CanonicalConditioning
from flowlift.lifting.hypotheses import hypothesis_noise, sample_hypotheses
from flowlift.lifting.over_time import outer, over_time
from flowlift.lifting.readings import Draw
from flowlift.lifting.root_doubt import root_covariance
from flowlift.lifting.screen import ScreenConditioning
from flowlift.lifting.stature import ANIMAL_LENGTHS
from flowlift.lifting.stream import Stream
from flowlift.lifting.view import Conditioning, Seen, View
from flowlift.models import Model, find_model
from flowlift.models.checksum import checksum
from flowlift.models.words import words_of
from flowlift.one_thread import one_thread
from flowlift.person_by_person import person_by_person
from flowlift.plain_numbers import real, whole
from flowlift.runtime import Engine, load_engine
from flowlift.skeleton import MIN_JOINTS, Skeleton
from flowlift.temporal import Smoothing

__all__ = ["DEFAULT_HEIGHT", "MIN_JOINTS", "Lifter", "hypothesis_noise", "rows_of"]

LEAST_ROWS = 64
"""People in frames that are worth a core of their own; of fewer the hypotheses are shared out."""

FOREIGN_PLACE = 0.015
"""Of the body's height, in every direction: joints that another skeleton defines, a detector's say, lie elsewhere, and
their 2D fits all the same. Markerless and marker-based joint centres differ by 30 to 50 mm at hips and knees
and by 1 to 15 at ankles (Needham et al. 2021, doi:10.1038/s41598-021-00212-x)."""

HEIGHT_SD = 0.06
"""Relative: adults' heights have a standard deviation of 9 cm, men and women together, and at one height the way along
the bones from ankle to head differs by 2 to 3 %."""
TOLD_HEIGHT_SD = 0.025
"""The same when the height is given."""


@dataclass(frozen=True)
class Lifter:
    """A model ready to lift. Call it with keypoints; see `__call__`."""

    model: Model
    engine: Engine

    @classmethod
    def load(cls, name_or_path: str | Path = "human", device: str | None = None) -> "Lifter":
        """A model by name, packaged or imported, or a model's folder. `device`: None or "cpu", or a torch device.

        Raises ModelError for an unknown or damaged model, MissingExtraError where torch is wanted and missing.
        """
        model = find_model(name_or_path)
        return cls(model, load_engine(model, device))

    @property
    def conditioning(self) -> Conditioning:
        """How 2D enters this model."""
        if self.model.conditioning == "screen":
            return ScreenConditioning(self.model.skeleton, self.model.stature)
        if self.model.size:
            return CanonicalConditioning(self.model.skeleton, 1.0, standard=1.0)
        assert self.model.stature is not None  # the card's own rule
        return CanonicalConditioning(self.model.skeleton, self.model.stature)

    @property
    def unmoved(self) -> "Lifter":
        """This lifter with hypotheses that start at random and stay where the network puts them: how sure it is, and
        what they miss the 2D by, can be seen."""
        calibration = self.model.calibration
        bare = replace(calibration, missed=0 * calibration.missed, doubt=calibration.doubt[:0])
        return replace(self, model=replace(self.model, calibration=bare, starts=self.model.starts[:0]))

    def __call__(
        self,
        keypoints: Keypoints2D,
        camera: Camera | None = None,
        hypotheses: int = 20,
        steps: int | None = None,
        seed: int = 0,
        smooth: str | float = "auto",
        height: float | None = None,
        keep_hypotheses: bool = False,
        size: float | None = None,
    ) -> Poses3D:
        """Lift 2D keypoints of any skeleton that converts to the model's to 3D poses with covariances.

        Without a camera a field of view of 55 degrees across the longer side is assumed. `height`: the person's,
        metres (not given: 1.7, or as large as a model that answers in metres says). `size`: an animal's length, metres,
        along the joints that its model names (not given: poses are in body lengths). `steps`: solver steps (None: the
        model's own). `smooth`: "auto", seconds, or "off" (`over_time`): then the result depends on the seed and on each
        frame's own keypoints only; never on other people. A person with fewer than 3 visible joints is NaN, unless the
        frames around that tell. A model with conditioning "screen" knows no missing joints: they are put between their
        visible neighbours, and their covariance is larger by what is assumed of missing joints. Raises InputError for
        settings out of range, a camera of another image size, and what is no keypoints or no camera.
        """
        _check_given(keypoints, camera)
        height, size = real("height", height), real("size", size)
        _check_size(self.model, height, size)
        scale = height if size is None else size
        hypotheses, seed = whole("hypotheses", hypotheses), whole("seed", seed)
        steps = self.model.steps if steps is None else whole("steps", steps)
        settings = _Settings(hypotheses, steps, seed, scale, self._foreign(keypoints.skeleton))
        _check_settings(settings, self.model)
        smoothing = Smoothing.parse(smooth)
        camera = camera or Camera.from_fov(DEFAULT_FOV, keypoints.image_size, assumed=True)
        if camera.image_size != keypoints.image_size:
            raise InputError(
                f"the camera is for images of {camera.image_size}, the keypoints are from {keypoints.image_size} px"
            )
        seen = rows_of(self.conditioning.convert(keypoints), camera)
        frames, people, joints = *keypoints.score.shape[:2], len(self.model.skeleton)
        rows = np.flatnonzero(seen.visible.sum(axis=1) >= MIN_JOINTS)
        found = _Found.empty(frames * people, hypotheses if keep_hypotheses else 0, joints)
        self.engine.cores.each(
            lambda part: self._lift_rows(found, rows[part], seen, settings),
            len(rows),
            most=max(1, self.engine.together // hypotheses),
            least=LEAST_ROWS,
        )
        provenance = {**self._provenance(settings, camera), **self._joints(keypoints.skeleton)}
        poses = found.as_poses(keypoints, self.model.skeleton, camera, provenance)
        return self._over_time(poses, smoothing, scale)

    def over_time(
        self,
        poses: Poses3D,
        smooth: str | float = "auto",
        height: float | None = None,
        size: float | None = None,
    ) -> Poses3D:
        """Smooth a clip that was lifted by this model, frame by frame: joints by their covariances, bones to one length
        over the clip, the root's path (`smooth`: "auto", seconds, or "off"). `height`, `size`: as it was lifted with.
        Raises InputError for other settings.
        """
        return self._over_time(poses, Smoothing.parse(smooth), height if size is None else size)

    def _over_time(self, poses: Poses3D, smoothing: Smoothing, scale: float | None) -> Poses3D:
        doubt, conditioning = self._size_variance(scale), self.conditioning

        def smoothed(one: Poses3D) -> Poses3D:
            assert one.keypoints is not None
            assert one.camera is not None
            seen = rows_of(conditioning.convert(one.keypoints), one.camera)
            draw = self._drawing(one, scale)
            return over_time(one, seen, _weights(seen), smoothing, size_variance=doubt, draw=draw)

        if poses.keypoints is None or poses.camera is None:
            return poses
        kept = poses
        if poses.timed and smoothing.seconds != 0:
            with one_thread():
                kept = person_by_person(poses, smoothed)
        return replace(kept, provenance={**poses.provenance, "smooth": smoothing.word if poses.timed else "off"})

    def _drawing(self, one: Poses3D, scale: float | None) -> Draw | None:
        """One person's hypotheses: those that were kept, or drawn again. None for models that answer as published, and
        for poses that do not tell how they were lifted."""
        drawn, keypoints = one.hypotheses, one.keypoints
        told: list[Any] = [one.provenance.get(name) for name in ("hypotheses", "steps", "seed")]
        if self.model.conditioning != "canonical" or keypoints is None:
            return None
        if drawn is not None:
            return lambda frames: drawn[frames, 0]
        if not all(isinstance(number, int) for number in told):
            return None
        count, steps, seed = told

        def again(frames: slice) -> Float32[np.ndarray, "frame hypothesis joint 3"]:
            part = keypoints.take(np.arange(frames.start, frames.stop))
            asked: Any = {"size" if self.model.size else "height": scale, "seed": seed}
            poses = self(part, one.camera, count, steps, smooth="off", keep_hypotheses=True, **asked)
            assert poses.hypotheses is not None
            return poses.hypotheses[:, 0]

        return again

    def stream(self, height: float | None = None, size: float | None = None) -> Stream:
        """What `over_time(poses, "causal")` does to a clip, for frames that this model lifts one after another with
        `smooth="off"`. `height`, `size`: as they are lifted with."""

        def look(poses: Poses3D) -> tuple[Seen, Float32[np.ndarray, "row joint"]]:
            if poses.keypoints is None or poses.camera is None:
                raise InputError("a stream needs poses with their keypoints and their camera")
            seen = rows_of(self.conditioning.convert(poses.keypoints), poses.camera)
            return seen, _weights(seen)

        return Stream(look, self._size_variance(height if size is None else size))

    def _foreign(self, source: Skeleton) -> Float32[np.ndarray, " joint"]:
        """Each joint's variance of where the keypoints' lies; 0 for the model's own, and for models that answer as
        published."""
        conditioning = self.conditioning
        if not isinstance(conditioning, CanonicalConditioning):
            return np.zeros(len(self.model.skeleton), dtype=np.float32)
        own = conversion(source, self.model.skeleton).own
        return np.where(own, 0.0, (FOREIGN_PLACE * conditioning.standard) ** 2).astype(np.float32)

    def _joints(self, source: Skeleton) -> Provenance:
        """What became of the keypoints' joints, where their names decided."""
        report = report_of(source, self.model.skeleton)
        return {} if report is None else {"joints": report}

    def _provenance(self, settings: "_Settings", camera: Camera) -> Provenance:
        model = self.model
        assumed = DEFAULT_HEIGHT if model.conditioning == "canonical" else None
        told: Provenance = {"height_m": assumed if settings.height is None else settings.height, "unit": model.unit}
        if model.size:
            unit = model.unit if settings.height is None else "m"
            told = {"size_m": settings.height, "size_along": words_of(model.size), "unit": unit}
        return {
            "model": model.name,
            "model_version": model.version,
            "model_sha256": self._checksum,
            "flowlift_version": __version__,
            "engine": self.engine.name,
            "conditioning": model.conditioning,
            "method": model.method,
            "hypotheses": settings.hypotheses,
            "steps": settings.steps,
            "seed": settings.seed,
            "size_sd": self._size_variance(settings.height) ** 0.5,
            "size_given": settings.height is not None,
            **told,
            "uncertainty": model.uncertainty,
            "intrinsics": "assumed" if camera.assumed else "given",
            "vertical": "unknown" if known_vertical(camera) is None else "given",
            "root": "solved",
        }

    @cached_property
    def _checksum(self) -> str:
        return checksum(self.model)

    def _lift_rows(self, found: "_Found", rows: np.ndarray, everyone: Seen, settings: "_Settings") -> None:
        seen, conditioning = everyone.rows(rows), self.conditioning
        view, weights = conditioning.view(seen), _weights(seen)
        answer = self._answer(view, weights, seen, settings)
        mean, cov = self.engine.take(answer.mean), self._covariance(answer, seen)
        cov += settings.foreign[:, None, None] * np.eye(3, dtype=np.float32)
        drawn = None if found.hypotheses is None else self.engine.take(answer.hypotheses)
        found.put(rows, mean, cov, drawn, view.to_camera, conditioning.scale(mean, settings.height))
        own = found.cov[rows].copy()
        found.cov[rows] += self._size_variance(settings.height) * outer(found.xyz[rows])
        found.cov[rows, self.model.skeleton.root] = 0
        root = place_root(found.xyz[rows].astype(np.float64), seen.rays, weights)
        found.root[rows] = root
        found.root_cov[rows] = root_covariance(found.xyz[rows], own, root, seen.rays, weights)
        found.root_cov[rows] += self._size_variance(settings.height) * outer(found.root[rows])

    def _answer(
        self, view: View, weights: Float32[np.ndarray, "row joint"], seen: Seen, settings: "_Settings"
    ) -> Answer:
        """What comes of the hypotheses, where the engine is."""
        model, put = self.model, self.engine.put
        centred = model.conditioning == "canonical"  # others are sampled as published
        learned = model.starts if len(model.starts) else None
        noise = hypothesis_noise(settings.hypotheses, model.skeleton, settings.seed, centred=centred, learned=learned)
        states = sample_hypotheses(
            self.engine, self.conditioning, view, noise[None], method=model.method, steps=settings.steps
        )
        measured = model.calibration
        return answer_of(
            self.conditioning.poses(states),
            rays=put(view.rays),
            extent=put(view.extent),
            weights=put(weights),
            missed=put(measured.missed),
            spread=put(np.where(seen.visible[..., None], measured.spread_seen, measured.spread_missing)),
            centred=centred,
            root=model.skeleton.root,
        )

    def _covariance(self, answer: Answer, seen: Seen) -> Float32[np.ndarray, "row joint 3 3"]:
        """Of the mean, in the view's frame: what the hypotheses say, and what is known to be beyond them; larger where
        they miss the 2D."""
        measured, visible = self.model.calibration, seen.visible[..., None]
        residual = np.where(visible, measured.residual_seen, measured.residual_missing)
        doubt = measured.doubted(self.engine.take(answer.missed))
        cov = self.engine.take(answer.cov)
        factor = (doubt[:, None] * measured.scale)[..., None, None]
        return (cov + residual[..., None] * np.eye(3, dtype=np.float32)) * factor

    def _size_variance(self, height: float | None) -> float:
        """Of the factor by which the whole pose may be too large or too small. A model that answers in its own unit,
        and was told no height, gives the size itself."""
        if height is not None:
            return TOLD_HEIGHT_SD**2
        return HEIGHT_SD**2 if self.model.conditioning == "canonical" and not self.model.size else 0.0


def _turned(
    vectors: Float32[np.ndarray, "row *some 3"], turn: Float[np.ndarray, "row 3 3"]
) -> Float32[np.ndarray, "row *some 3"]:
    """Vectors of each row, turned by its rotation."""
    return np.reshape(vectors.reshape(len(turn), -1, 3) @ np.swapaxes(turn, -1, -2), vectors.shape)


def _weights(seen: Seen) -> Float32[np.ndarray, "row joint"]:
    """How much each joint counts when the root is solved."""
    return seen.visible * np.maximum(seen.score, 0.05)


@dataclass(frozen=True)
class _Settings:
    """What a caller chose; `height`: a person's, or an animal's size, m, or None. `foreign`: each joint's variance of
    where another skeleton's lies, in the view's unit squared."""

    hypotheses: int
    steps: int
    seed: int
    height: float | None
    foreign: Float32[np.ndarray, " joint"]


def _check_given(keypoints: object, camera: object) -> None:
    if not isinstance(keypoints, Keypoints2D):
        raise InputError(f"a Lifter takes Keypoints2D, such as flowlift.load gives, got {type(keypoints).__name__}")
    if camera is not None and not isinstance(camera, Camera):
        raise InputError(f"camera must be a Camera, such as Camera.load({str(camera)!r}) gives, got {camera!r}")


def _check_size(model: Model, height: float | None, size: float | None) -> None:
    """People have a height, animals a size."""
    if model.size and height is not None:
        raise InputError(f"height: the model {model.name!r} measures {words_of(model.size)}; give that length as size")
    if not model.size and size is not None:
        raise InputError(f"size: the model {model.name!r} does not answer in body lengths; leave size out")
    least, most = ANIMAL_LENGTHS
    if size is not None and not least <= size <= most:
        raise InputError(f"size must lie between {least} and {most:g} metres, got {size}: it is told in metres")


def _check_settings(settings: _Settings, model: Model) -> None:
    if settings.seed < 0:
        raise InputError(f"seed must be 0 or larger, got {settings.seed}")
    if settings.hypotheses < 1:
        raise InputError(f"hypotheses must be at least 1, got {settings.hypotheses}")
    if settings.steps < 1:
        raise InputError(f"steps must be at least 1, got {settings.steps}")
    height = None if model.size else settings.height
    if height is not None and not (np.isfinite(height) and 0.1 <= height <= 10):
        raise InputError(f"height must lie between 0.1 and 10 metres, got {height}")
    if height is not None and model.stature is None:
        raise InputError(f"height: the model {model.name!r} does not know how tall its bodies stand; leave height out")


def rows_of(keypoints: Keypoints2D, camera: Camera) -> Seen:
    """Every person of every frame; a joint of no confidence at all, or outside what the lens can show, is missing."""
    joints = keypoints.score.shape[2]
    xy = keypoints.xy.reshape(-1, joints, 2)
    rays = camera.rays(np.nan_to_num(xy))
    score = np.nan_to_num(keypoints.score.reshape(-1, joints), nan=1.0).clip(0.0, 1.0)
    visible = np.isfinite(xy).all(axis=-1) & np.isfinite(rays).all(axis=-1) & (score > 0)
    return Seen(xy, np.where(visible[..., None], rays, 0.0), visible, score, keypoints.image_size)


@dataclass(frozen=True)
class _Found:
    """Results by row (frame x person), NaN until found."""

    xyz: Float32[np.ndarray, "row joint 3"]
    root: Float32[np.ndarray, "row 3"]
    cov: Float32[np.ndarray, "row joint 3 3"]
    root_cov: Float32[np.ndarray, "row 3 3"]
    hypotheses: Float32[np.ndarray, "row hypothesis joint 3"] | None

    @classmethod
    def empty(cls, rows: int, hypotheses: int, joints: int) -> "_Found":
        def nan(*shape: int) -> Float32[np.ndarray, "..."]:
            return np.full((rows, *shape), np.nan, dtype=np.float32)

        drawn = nan(hypotheses, joints, 3) if hypotheses else None
        return cls(nan(joints, 3), nan(3), nan(joints, 3, 3), nan(3, 3), drawn)

    def put(
        self,
        rows: np.ndarray,
        mean: Float32[np.ndarray, "some joint 3"],
        cov: Float32[np.ndarray, "some joint 3 3"],
        hypotheses: Float32[np.ndarray, "some hypothesis joint 3"] | None,
        turn: Float[np.ndarray, "some 3 3"],
        scale: float | Float32[np.ndarray, " some"],
    ) -> None:
        """Keep what was found in the view's frame, turned into the camera frame and scaled."""
        factor = np.broadcast_to(np.asarray(scale, dtype=np.float32), len(rows))[:, None, None]
        self.xyz[rows] = _turned(mean, turn) * factor
        # R cov R^T of all joints in two products: matrices of 3 x 3 one by one take three times as long.
        half = np.swapaxes(_turned(cov, turn), -1, -2)
        self.cov[rows] = _turned(half, turn) * factor[..., None] ** 2
        if self.hypotheses is not None and hypotheses is not None:
            self.hypotheses[rows] = _turned(hypotheses, turn) * factor[..., None]

    def as_poses(self, keypoints: Keypoints2D, skeleton: Skeleton, camera: Camera, provenance: Provenance) -> Poses3D:
        def by_person(array: Float32[np.ndarray, "..."]) -> Float32[np.ndarray, "..."]:
            return array.reshape(len(keypoints), keypoints.people, *array.shape[1:])

        return Poses3D(
            xyz=by_person(self.xyz),
            root=by_person(self.root),
            cov=by_person(self.cov),
            root_cov=by_person(self.root_cov),
            skeleton=skeleton,
            fps=keypoints.fps,
            camera=camera,
            provenance=provenance,
            hypotheses=None if self.hypotheses is None else by_person(self.hypotheses),
            keypoints=keypoints,
            times=keypoints.times,
        )
