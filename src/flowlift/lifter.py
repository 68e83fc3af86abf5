"""Keypoints2D -> Poses3D: condition, sample, aggregate, place in space."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, Float64

from flowlift import __version__
from flowlift.aggregate import covariance, reprojection_errors, rpea_weights, weighted_mean
from flowlift.camera import DEFAULT_FOV, Camera, solve_root
from flowlift.conditioning import Canonical, canonicalize, decode_pose, features
from flowlift.containers import Keypoints2D, Poses3D
from flowlift.conversion import convert
from flowlift.errors import InputError
from flowlift.flow import integrate
from flowlift.models import Model, find_model
from flowlift.runtime import Engine, load_engine
from flowlift.skeleton import Skeleton

DEFAULT_HEIGHT = 1.7
"""A person's height (m) that is assumed when none is given: it sets the scale of everything."""

MIN_JOINTS = 3
"""With fewer visible joints a person's row stays NaN: there is nothing to lift."""

BATCH = 4096
"""Hypotheses that are sampled together. It bounds the memory and changes no result."""

RPEA_TEMPERATURE = 0.05
"""Temperature of pose-wise RPEA, in units of the subject's extent. All hypotheses are kept: on held-out poses every
choice among them was worse than their mean, which this comes close to unless some reproject badly."""

PRIOR_WEIGHT = 4.0


@dataclass(frozen=True)
class Lifter:
    """A model ready to lift. Call it with keypoints; see `__call__`."""

    model: Model
    engine: Engine

    @classmethod
    def load(cls, name_or_path: str | Path = "human", device: str | None = None) -> "Lifter":
        """A packaged model by name, or a model's folder. `device`: None or "cpu", or a torch device ("cuda").

        Raises ModelError for an unknown or damaged model, MissingExtraError where torch is wanted and missing.
        """
        model = find_model(name_or_path)
        return cls(model, load_engine(model.folder, device))

    def __call__(
        self,
        keypoints: Keypoints2D,
        camera: Camera | None = None,
        hypotheses: int = 20,
        steps: int | None = None,
        seed: int = 0,
        smooth: str = "auto",
        height: float | None = None,
        keep_hypotheses: bool = False,
    ) -> Poses3D:
        """Lift 2D keypoints of any skeleton that converts to the model's to 3D poses with covariances.

        Without a camera a field of view of 55 degrees across the longer side is assumed. `height`: the person's,
        metres (1.7 assumed). `steps`: Euler steps (None: the model's own). The result depends on the seed and on each
        frame's own keypoints only, not on other frames or people. A person with fewer than 3 visible joints is NaN.
        Raises InputError for settings out of range or a camera of another image size.
        """
        steps = self.model.steps if steps is None else steps
        height = DEFAULT_HEIGHT if height is None else height
        _check_settings(hypotheses, steps, height, smooth, seed)
        camera = camera or Camera.from_fov(DEFAULT_FOV, keypoints.image_size, assumed=True)
        if camera.image_size != keypoints.image_size:
            raise InputError(
                f"the camera is for images of {camera.image_size}, the keypoints are from {keypoints.image_size} px"
            )
        seen = convert(keypoints, self.model.skeleton)
        frames, people, joints = seen.score.shape
        xy = seen.xy.reshape(-1, joints, 2)
        visible = np.isfinite(xy).all(axis=-1)
        score = np.nan_to_num(seen.score.reshape(-1, joints), nan=1.0).clip(0.0, 1.0)
        rows = np.flatnonzero(visible.sum(axis=1) >= MIN_JOINTS)
        noise = hypothesis_noise(hypotheses, self.model.skeleton, seed)
        found = _Found.empty(frames * people, hypotheses if keep_hypotheses else 0, joints)
        for start in range(0, len(rows), max(1, BATCH // hypotheses)):
            some = rows[start : start + max(1, BATCH // hypotheses)]
            rays = camera.rays(np.nan_to_num(xy[some]))
            seen_some = visible[some] & np.isfinite(rays).all(axis=-1)  # no ray: outside what the lens can show
            rays = np.where(seen_some[..., None], rays, 0.0)
            self._lift_rows(found, some, rays, seen_some, score[some], noise, steps, height)
        return found.as_poses(
            keypoints,
            self.model.skeleton,
            camera,
            {
                "model": self.model.name,
                "model_version": self.model.version,
                "flowlift_version": __version__,
                "engine": self.engine.name,
                "hypotheses": hypotheses,
                "steps": steps,
                "seed": seed,
                "height_m": height,
                "intrinsics": "assumed" if camera.assumed else "given",
                "root": "solved",
            },
        )

    def _lift_rows(
        self,
        found: "_Found",
        rows: np.ndarray,
        rays: Float64[np.ndarray, "row joint 2"],
        visible: Bool[np.ndarray, "row joint"],
        score: Float32[np.ndarray, "row joint"],
        noise: Float32[np.ndarray, "hypothesis joint 3"],
        steps: int,
        height: float,
    ) -> None:
        view = canonicalize(rays.astype(np.float32), visible, score)
        state = self._sample(view, noise, steps)
        pose, size = decode_pose(state, self.model.skeleton.root)
        metres = pose * (height * self.model.stature / size)[..., None, None]
        weights = visible * np.maximum(score, 0.05)
        errors = reprojection_errors(metres, view.xy * view.scale[:, None, None], weights)
        judged = errors.mean(axis=2) / view.scale[:, None]
        chosen = rpea_weights(judged, keep=judged.shape[1], temperature=RPEA_TEMPERATURE)
        mean = weighted_mean(metres, chosen)
        back = np.swapaxes(view.rotation, -1, -2)
        xyz = np.einsum("bij,bkj->bki", back, mean)
        prior = np.where(visible, self.model.prior_seen, self.model.prior_missing) * (height / DEFAULT_HEIGHT) ** 2
        cov = covariance(metres, mean, prior=prior, prior_weight=PRIOR_WEIGHT)
        cov = back[:, None] @ cov @ view.rotation[:, None] * self.model.covariance_scale[:, None, None]
        cov[:, self.model.skeleton.root] = 0
        found.xyz[rows], found.cov[rows] = xyz, cov
        found.root[rows] = solve_root(xyz.astype(np.float64), rays, weights)
        if found.hypotheses is not None:
            found.hypotheses[rows] = np.einsum("bij,bhkj->bhki", back, metres)

    def _sample(
        self, view: Canonical, noise: Float32[np.ndarray, "hypothesis joint 3"], steps: int
    ) -> Float32[np.ndarray, "row hypothesis joint 3"]:
        """Hypotheses of each view: every second one is sampled from the mirrored view and mirrored back."""
        mirror = list(self.model.skeleton.mirror)
        mirrored = Canonical(
            view.xy[:, mirror] * np.array([-1, 1], dtype=np.float32),
            view.visible[:, mirror],
            view.confidence[:, mirror],
            view.rotation,
            view.scale,
        )
        count = len(noise)
        state = np.empty((len(view.xy), *noise.shape), dtype=np.float32)
        for side, which in ((view, slice(0, count, 2)), (mirrored, slice(1, count, 2))):
            start = noise[which]
            if not len(start):
                continue
            context = self.engine.encode(np.asarray(features(side), dtype=np.float32))
            x_0 = np.ascontiguousarray(np.broadcast_to(start, (len(context), *start.shape)))
            state[:, which] = integrate(partial(self.engine.velocity, context), x_0, steps=steps)
        flipped = state[:, 1::2][:, :, mirror] * np.array([-1, 1, 1], dtype=np.float32)
        root = self.model.skeleton.root
        flipped[:, :, root] = state[:, 1::2, root]  # the root's row holds the log size, which no mirror changes
        state[:, 1::2] = flipped
        return state


def hypothesis_noise(count: int, skeleton: Skeleton, seed: int) -> Float32[np.ndarray, "hypothesis joint 3"]:
    """Where each hypothesis starts, N(0, I). The same for all frames and people: the flow is deterministic, so motion
    that is continuous in 2D stays so in 3D, and no result depends on how frames are batched. In pairs of opposite
    sign (antithetic), one of each pair on the mirrored view: an odd error in the mean cancels."""
    generator = np.random.default_rng(seed)
    half = generator.standard_normal(((count + 1) // 2, len(skeleton), 3), dtype=np.float32)
    paired = np.stack([half, -half], axis=1).reshape(-1, len(skeleton), 3)
    return paired[:count]


def _check_settings(hypotheses: int, steps: int, height: float, smooth: str, seed: int) -> None:
    if seed < 0:
        raise InputError(f"seed must be 0 or larger, got {seed}")
    if hypotheses < 1:
        raise InputError(f"hypotheses must be at least 1, got {hypotheses}")
    if steps < 1:
        raise InputError(f"steps must be at least 1, got {steps}")
    if not (np.isfinite(height) and 0.1 <= height <= 10):
        raise InputError(f"height must lie between 0.1 and 10 metres, got {height}")
    if smooth not in ("auto", "off"):
        raise InputError(f'smooth must be "auto" or "off", got {smooth!r}')


@dataclass(frozen=True)
class _Found:
    """Results by row (frame x person), NaN until found."""

    xyz: Float32[np.ndarray, "row joint 3"]
    root: Float32[np.ndarray, "row 3"]
    cov: Float32[np.ndarray, "row joint 3 3"]
    hypotheses: Float32[np.ndarray, "row hypothesis joint 3"] | None

    @classmethod
    def empty(cls, rows: int, hypotheses: int, joints: int) -> "_Found":
        def nan(*shape: int) -> Float32[np.ndarray, "..."]:
            return np.full((rows, *shape), np.nan, dtype=np.float32)

        return cls(nan(joints, 3), nan(3), nan(joints, 3, 3), nan(hypotheses, joints, 3) if hypotheses else None)

    def as_poses(
        self, keypoints: Keypoints2D, skeleton: Skeleton, camera: Camera, provenance: dict[str, str | int | float]
    ) -> Poses3D:
        def by_person(array: Float32[np.ndarray, "..."]) -> Float32[np.ndarray, "..."]:
            return array.reshape(len(keypoints), keypoints.people, *array.shape[1:])

        return Poses3D(
            xyz=by_person(self.xyz),
            root=by_person(self.root),
            cov=by_person(self.cov),
            skeleton=skeleton,
            fps=keypoints.fps,
            camera=camera,
            provenance=provenance,
            hypotheses=None if self.hypotheses is None else by_person(self.hypotheses),
            keypoints=keypoints,
            times=keypoints.times,
        )
