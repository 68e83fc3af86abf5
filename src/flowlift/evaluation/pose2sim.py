"""The Pose2Sim clip: one man on a beam, filmed by calibrated cameras, against joints triangulated from three."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int64

from flowlift.camera import Camera
from flowlift.containers import Keypoints2D, Poses3D
from flowlift.damage import refused_if_damaged
from flowlift.detect import load_detector
from flowlift.errors import InputError
from flowlift.evaluation.calibration import inside
from flowlift.evaluation.lifting import UNSAID, Lift, LiftSettings, Said, said
from flowlift.evaluation.mediapipe_world import world_landmarks
from flowlift.evaluation.report import Conditions, PerFrame, Result, Row, frame_mean, mean_of_rows
from flowlift.evaluation.scoring import score_hypotheses, score_joints
from flowlift.io import load_as_listed
from flowlift.io.archive import read_arrays
from flowlift.io.hints import Hints
from flowlift.io.video import open_frames
from flowlift.skeleton import Skeleton
from flowlift.skeletons import BODY25B, MEDIAPIPE33

LIMBS = tuple(
    f"{side}_{joint}" for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle") for side in ("left", "right")
)
_HIPS = [LIMBS.index("left_hip"), LIMBS.index("right_hip")]
_CALIBRATED_SIZE = (1088, 1920)


class Given(Enum):
    """What a method is told of the cameras: nothing, their intrinsics, or how they stand as well."""

    NOTHING = auto()
    INTRINSICS = auto()
    CALIBRATION = auto()


@dataclass(frozen=True, eq=False)
class Shot:
    """What one camera has: where its files are, its calibration, the subject's 2D joints, and the true limbs (frame,
    12, 3): m, camera frame, mid-hip at 0, NaN where not triangulated; and where the mid-hip truly is, `place` (frame,
    3): m, camera frame."""

    number: int
    video: Path
    openpose: Path
    calibration: Camera
    subject: Keypoints2D
    truth: Float32[np.ndarray, "frame 12 3"]
    place: Float32[np.ndarray, "frame 3"]

    def camera(self, given: Given, keypoints: Keypoints2D) -> Camera | None:
        """The camera as a method gets it; detectors told of images some pixels narrower than the calibration's."""
        if given is Given.NOTHING:
            return None
        camera = replace(self.calibration, image_size=keypoints.image_size)
        return camera if given is Given.CALIBRATION else camera.without_pose


def read_shots(folder: str | Path) -> list[Shot]:
    """The cameras that the reference was triangulated from (1, 2 and 4).

    Raises InputError when reference.npz cannot be read or is not what is expected.
    """
    file = Path(folder) / "reference.npz"
    reference = read_arrays(file, expected="the reference of the Pose2Sim clip")
    with refused_if_damaged(f"{file}: cannot read the reference of the Pose2Sim clip"):
        names = [str(name) for name in reference["keypoint_names"]]
        everything = reference["world_xyz_m"]
        world = everything[:, [names.index(joint) for joint in LIMBS]]
        hips = world[:, _HIPS].mean(axis=1)
        return [
            Shot(
                number=int(number),
                video=Path(folder) / "videos" / f"cam{number:02d}.mp4",
                openpose=Path(folder) / "openpose_body25b" / f"cam{number:02d}_json",
                calibration=_calibration(reference["intrinsics"][i], reference["extrinsics"][i]),
                subject=_subject(everything, reference["extrinsics"][i], reference["intrinsics"][i]),
                truth=from_mid_hip(world @ reference["extrinsics"][i][:, :3].T).astype(np.float32),
                place=(hips @ reference["extrinsics"][i][:, :3].T + reference["extrinsics"][i][:, 3]).astype(
                    np.float32
                ),
            )
            for i, number in enumerate(reference["cameras"])
        ]


def _calibration(matrix: Float[np.ndarray, "3 3"], pose: Float[np.ndarray, "3 4"]) -> Camera:
    return Camera.from_matrix(matrix, _CALIBRATED_SIZE, rotation=pose[:, :3], translation=pose[:, 3])


def from_mid_hip(limbs: Float[np.ndarray, "frame 12 3"]) -> Float[np.ndarray, "frame 12 3"]:
    """Limb joints relative to the point between both hips."""
    return limbs - limbs[:, _HIPS].mean(axis=1, keepdims=True)


def limbs_of(xyz: Float[np.ndarray, "frame joint 3"], skeleton: Skeleton) -> Float[np.ndarray, "frame 12 3"]:
    """The 12 limb joints of a pose, mid-hip at 0."""
    return from_mid_hip(xyz[:, skeleton.indices(LIMBS)])


def _subject(
    world: Float32[np.ndarray, "frame 25 3"], pose: Float[np.ndarray, "3 4"], matrix: Float[np.ndarray, "3 3"]
) -> Keypoints2D:
    """Where a camera sees the reference's joints, as one person's keypoints; NaN where the reference has none.

    The file also holds keypoints of each camera, but in 15 frames of camera 2 and one of camera 1 they are
    the bystander's.
    """
    px = (world.astype(np.float64) @ pose[:, :3].T + pose[:, 3]) @ matrix.T
    xy = px[..., :2] / px[..., 2:]
    return Keypoints2D(xy[:, None], np.ones((len(xy), 1, xy.shape[1])), BODY25B, _CALIBRATED_SIZE)


def choose_subject(keypoints: Keypoints2D, subject: Keypoints2D) -> Keypoints2D:
    """One person: in each frame the one nearest to the subject (mean over the joints that both skeletons have).

    The order of people changes between frames, so the index on the person axis says nothing. A frame without people,
    or past the keypoints' end, is NaN.
    """
    shared = [joint for joint in subject.skeleton.joints if joint in keypoints.skeleton.joints]
    frames, count = len(subject), min(len(subject), len(keypoints))
    people = keypoints.xy[:count][:, :, keypoints.skeleton.indices(shared)]
    there = subject.xy[:count][:, :, subject.skeleton.indices(shared)]
    chosen = _nearest(people, there)
    xy = np.full((frames, 1, *keypoints.xy.shape[2:]), np.nan, np.float32)
    score = np.full((frames, 1, *keypoints.score.shape[2:]), np.nan, np.float32)
    found = np.flatnonzero(chosen >= 0)
    xy[found, 0], score[found, 0] = keypoints.xy[found, chosen[found]], keypoints.score[found, chosen[found]]
    return Keypoints2D(xy, score, keypoints.skeleton, keypoints.image_size, keypoints.fps, keypoints.source)


def _nearest(
    people: Float32[np.ndarray, "frame person joint 2"], subject: Float32[np.ndarray, "frame 1 joint 2"]
) -> Int64[np.ndarray, " frame"]:
    """Index of the person with the least mean distance in each frame, -1 where there is nobody."""
    apart = np.linalg.norm(people - subject, axis=-1)
    count = np.isfinite(apart).sum(axis=-1)
    mean = np.where(count > 0, np.nansum(apart, axis=-1) / np.maximum(count, 1), np.inf)
    nobody = ~np.isfinite(mean).any(axis=-1)
    return np.array([-1 if none else row.argmin() for none, row in zip(nobody, mean, strict=True)], dtype=np.int64)


def openpose_keypoints(shot: Shot) -> Keypoints2D:
    """The subject's keypoints from OpenPose's files, which hold everybody in view."""
    everybody = load_as_listed(shot.openpose, Hints(BODY25B, 60.0, _CALIBRATED_SIZE))
    if not isinstance(everybody, Keypoints2D):
        raise InputError(f"{shot.openpose}: expected OpenPose's 2D keypoints")
    return choose_subject(everybody, shot.subject)


def detected_keypoints(shot: Shot, detector: str = "mediapipe") -> Keypoints2D:
    """The subject's keypoints as a detector finds them in the video."""
    detect, frames = load_detector(detector), open_frames(shot.video)
    try:
        found = [detect(frame) for frame in frames]
    finally:
        detect.close()
    people = max(1, *(len(each.xy) for each in found))
    xy = np.full((len(found), people, len(detect.skeleton), 2), np.nan, np.float32)
    score = np.full(xy.shape[:3], np.nan, np.float32)
    for i, each in enumerate(found):
        xy[i, : len(each.xy)], score[i, : len(each.xy)] = each.xy, each.score
    everybody = Keypoints2D(xy, score, detect.skeleton, frames.image_size, frames.fps, str(shot.video))
    return choose_subject(everybody, shot.subject)


def evaluate_keypoints(
    name: str,
    source: str,
    shots: Sequence[Shot],
    keypoints: Mapping[int, Keypoints2D],
    lift: Lift,
    settings: LiftSettings,
    *,
    given: Given = Given.INTRINSICS,
) -> Result:
    """Lift each camera's keypoints (by the camera's number, one person) and compare with the truth."""
    seeds: dict[int, list[PerFrame]] = {}
    told: Said | None = None
    for shot in shots:
        seen = keypoints[shot.number]
        camera = shot.camera(given, seen)
        seeds[shot.number] = []
        for seed in settings.seeds:
            poses = settings.run(lift, seen, camera=camera, height=None, seed=seed)
            seeds[shot.number].append(score_limbs(poses, shot.truth))
            told = said(poses)
    if told is None:
        raise InputError("nothing to evaluate: no camera, or no seed")
    conditions = _conditions(source, "the model's", smoothing=settings.smooth, seeds=settings.seeds, told=told)
    return Result(name, conditions, tuple(_rows(seeds)))


def evaluate_poses(
    name: str, source: str, shots: Sequence[Shot], limbs: Mapping[int, Float[np.ndarray, "frame 12 3"]]
) -> Result:
    """Compare limbs that some other method found (m, camera frame, mid-hip at 0), by the camera's number."""
    seeds = {shot.number: [score_where_known(limbs[shot.number], shot.truth)] for shot in shots}
    conditions = _conditions(source, "the method's")
    return Result(name, conditions, tuple(_rows(seeds)))


def evaluate_mediapipe_world(shots: Sequence[Shot]) -> Result:
    """MediaPipe's own 3D on the videos, the yardstick. Raises MissingExtraError without MediaPipe."""
    limbs = {shot.number: limbs_of(world_landmarks(shot.video), MEDIAPIPE33) for shot in shots}
    return evaluate_poses("MediaPipe's world landmarks", "MediaPipe, complexity 1, tracking", shots, limbs)


def _conditions(
    keypoints: str, scale: str, *, smoothing: str | None = None, seeds: tuple[int, ...] = (), told: Said = UNSAID
) -> Conditions:
    return Conditions(
        dataset="Pose2Sim's balancing clip (one man, one motion: a reality check, not a benchmark)",
        split="all frames in which the reference has all 12 limb joints",
        cameras="1, 2, 4 of the capture; the reference is triangulated from them, good to about 20 mm",
        keypoints=keypoints,
        joints="12 (shoulders, elbows, wrists, hips, knees, ankles), mid-hip aligned, camera frame",
        scale=scale,
        smoothing=smoothing,
        seeds=seeds,
        **told,
    )


def score_where_known(pred: Float[np.ndarray, "frame 12 3"], truth: Float32[np.ndarray, "all 12 3"]) -> PerFrame:
    """Figures of the frames whose truth has all joints; NaN for those that the prediction lacks."""
    known = _known(truth)
    return score_joints(_as_long(pred, len(truth))[known], truth[known].astype(np.float64))


def score_limbs(poses: Poses3D, truth: Float32[np.ndarray, "all 12 3"]) -> PerFrame:
    """The same of one person's poses, and where they keep their hypotheses also the best of them, and the coverage."""
    figures = score_where_known(limbs_of(poses.xyz[:, 0], poses.skeleton), truth)
    if poses.hypotheses is None or poses.hypotheses.shape[2] < 2:
        return figures
    known, limbs = _known(truth), poses.skeleton.indices(LIMBS)
    drawn = poses.hypotheses[:, 0][:, :, limbs]
    drawn = _as_long(drawn - drawn[:, :, _HIPS].mean(axis=2, keepdims=True), len(truth))[known]
    pred = _as_long(limbs_of(poses.xyz[:, 0], poses.skeleton), len(truth))[known]
    cov = _as_long(poses.cov[:, 0, limbs], len(truth))[known]
    true = truth[known].astype(np.float64)
    there = np.isfinite(pred).all(axis=(1, 2))
    covered = np.full(len(true), np.nan)
    covered[there] = inside(pred[there], cov[there], true[there], level=0.9).mean(axis=1)
    return {**figures, **score_hypotheses(drawn, true, moving=range(len(LIMBS))), "coverage_90": covered}


def _known(truth: Float32[np.ndarray, "all 12 3"]) -> Bool[np.ndarray, " all"]:
    return np.isfinite(truth).all(axis=(1, 2))


def _as_long(found: Float[np.ndarray, "frame *rest"], frames: int) -> Float64[np.ndarray, "all *rest"]:
    """Cut, or filled up with NaN, to a number of frames."""
    padded = np.full((frames, *found.shape[1:]), np.nan)
    padded[: len(found)] = found[:frames]
    return padded


def _rows(seeds: Mapping[int, list[PerFrame]]) -> Iterator[Row]:
    cameras = [frame_mean(f"camera {number}", values) for number, values in seeds.items()]
    yield from cameras
    yield mean_of_rows("mean of cameras", cameras)
