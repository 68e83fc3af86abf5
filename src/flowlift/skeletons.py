"""The built-in skeletons, each in its source's joint order. Left and right are the subject's own."""

from flowlift.skeleton import Skeleton


def _skeleton(name: str, tree: str) -> Skeleton:
    """Build a skeleton from lines of `joint < parent`; joints called left_x and right_x are paired."""
    links = [line.split() for line in tree.splitlines() if line.strip()]
    joints = tuple(link[0] for link in links)
    lefts = [joint for joint in joints if joint.startswith("left_")]
    return Skeleton(
        name=name,
        joints=joints,
        parents=tuple(link[2] if len(link) > 1 else None for link in links),
        pairs=tuple((left, "right_" + left.removeprefix("left_")) for left in lefts),
    )


HUMAN36M17 = _skeleton(
    "human36m17",
    """
    hip
    right_hip < hip
    right_knee < right_hip
    right_ankle < right_knee
    left_hip < hip
    left_knee < left_hip
    left_ankle < left_knee
    spine < hip
    thorax < spine
    nose < thorax
    head < nose
    left_shoulder < thorax
    left_elbow < left_shoulder
    left_wrist < left_elbow
    right_shoulder < thorax
    right_elbow < right_shoulder
    right_wrist < right_elbow
    """,
)

_COCO = """
    nose
    left_eye < nose
    right_eye < nose
    left_ear < left_eye
    right_ear < right_eye
    left_shoulder < nose
    right_shoulder < nose
    left_elbow < left_shoulder
    right_elbow < right_shoulder
    left_wrist < left_elbow
    right_wrist < right_elbow
    left_hip < left_shoulder
    right_hip < right_shoulder
    left_knee < left_hip
    right_knee < right_hip
    left_ankle < left_knee
    right_ankle < right_knee
"""

COCO17 = _skeleton("coco17", _COCO)

BODY25B = _skeleton(
    "body25b",
    _COCO
    + """
    neck < nose
    head_top < nose
    left_big_toe < left_ankle
    left_small_toe < left_ankle
    left_heel < left_ankle
    right_big_toe < right_ankle
    right_small_toe < right_ankle
    right_heel < right_ankle
    """,
)

HALPE26 = _skeleton(
    "halpe26",
    _COCO
    + """
    head_top < nose
    neck < nose
    hip < neck
    left_big_toe < left_ankle
    right_big_toe < right_ankle
    left_small_toe < left_ankle
    right_small_toe < right_ankle
    left_heel < left_ankle
    right_heel < right_ankle
    """,
)

_OPENPOSE_ARMS = """
    nose < neck
    neck
    right_shoulder < neck
    right_elbow < right_shoulder
    right_wrist < right_elbow
    left_shoulder < neck
    left_elbow < left_shoulder
    left_wrist < left_elbow
"""
_OPENPOSE_FACE = """
    right_eye < nose
    left_eye < nose
    right_ear < right_eye
    left_ear < left_eye
"""

COCO18 = _skeleton(
    "coco18",
    _OPENPOSE_ARMS
    + """
    right_hip < neck
    right_knee < right_hip
    right_ankle < right_knee
    left_hip < neck
    left_knee < left_hip
    left_ankle < left_knee
    """
    + _OPENPOSE_FACE,
)

BODY25 = _skeleton(
    "body25",
    _OPENPOSE_ARMS
    + """
    hip < neck
    right_hip < hip
    right_knee < right_hip
    right_ankle < right_knee
    left_hip < hip
    left_knee < left_hip
    left_ankle < left_knee
    """
    + _OPENPOSE_FACE
    + """
    left_big_toe < left_ankle
    left_small_toe < left_ankle
    left_heel < left_ankle
    right_big_toe < right_ankle
    right_small_toe < right_ankle
    right_heel < right_ankle
    """,
)

MEDIAPIPE33 = _skeleton(
    "mediapipe33",
    """
    nose
    left_eye_inner < nose
    left_eye < left_eye_inner
    left_eye_outer < left_eye
    right_eye_inner < nose
    right_eye < right_eye_inner
    right_eye_outer < right_eye
    left_ear < left_eye_outer
    right_ear < right_eye_outer
    left_mouth < nose
    right_mouth < nose
    left_shoulder < nose
    right_shoulder < nose
    left_elbow < left_shoulder
    right_elbow < right_shoulder
    left_wrist < left_elbow
    right_wrist < right_elbow
    left_pinky < left_wrist
    right_pinky < right_wrist
    left_index < left_wrist
    right_index < right_wrist
    left_thumb < left_wrist
    right_thumb < right_wrist
    left_hip < left_shoulder
    right_hip < right_shoulder
    left_knee < left_hip
    right_knee < right_hip
    left_ankle < left_knee
    right_ankle < right_knee
    left_heel < left_ankle
    right_heel < right_ankle
    left_foot_index < left_ankle
    right_foot_index < right_ankle
    """,
)

MPI_INF_3DHP17 = _skeleton(
    "mpi_inf_3dhp17",
    """
    head_top < head
    neck < spine
    right_shoulder < neck
    right_elbow < right_shoulder
    right_wrist < right_elbow
    left_shoulder < neck
    left_elbow < left_shoulder
    left_wrist < left_elbow
    right_hip < hip
    right_knee < right_hip
    right_ankle < right_knee
    left_hip < hip
    left_knee < left_hip
    left_ankle < left_knee
    hip
    spine < hip
    head < neck
    """,
)

ANIMAL3D26 = _skeleton(
    "animal3d26",
    """
    left_eye < nose
    right_eye < nose
    mouth_mid < nose
    left_front_paw < left_front_knee
    right_front_paw < right_front_knee
    left_back_paw < left_back_knee
    right_back_paw < right_back_knee
    tail_base
    left_front_thigh < left_shoulder
    right_front_thigh < right_shoulder
    left_back_thigh < tail_base
    right_back_thigh < tail_base
    left_shoulder < neck
    right_shoulder < neck
    left_front_knee < left_front_thigh
    right_front_knee < right_front_thigh
    left_back_knee < left_back_thigh
    right_back_knee < right_back_thigh
    neck < tail_base
    tail_end < tail_mid
    left_ear < left_eye
    right_ear < right_eye
    left_mouth_corner < mouth_mid
    right_mouth_corner < mouth_mid
    nose < neck
    tail_mid < tail_base
    """,
)

BUILT_IN: dict[str, Skeleton] = {
    skeleton.name: skeleton
    for skeleton in (HUMAN36M17, COCO17, BODY25, BODY25B, COCO18, HALPE26, MEDIAPIPE33, MPI_INF_3DHP17, ANIMAL3D26)
}
