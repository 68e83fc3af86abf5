"""The built-in skeletons, each in its source's joint order. Left and right are the subject's own."""

from flowlift.animal_skeletons import ANIMAL3D26, ANIMALPOSE20, ANIMALS, AP10K17, SUPERANIMAL_QUADRUPED39
from flowlift.skeleton import Skeleton
from flowlift.skeleton_tree import skeleton_of_tree

__all__ = [
    "ANIMAL3D26",
    "ANIMALPOSE20",
    "AP10K17",
    "BODY25",
    "BODY25B",
    "BUILT_IN",
    "COCO17",
    "COCO18",
    "HUMAN36M17",
    "MEDIAPIPE33",
    "MPI_INF_3DHP17",
    "SUPERANIMAL_QUADRUPED39",
]

HUMAN36M17 = skeleton_of_tree(
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

COCO17 = skeleton_of_tree("coco17", _COCO)

BODY25B = skeleton_of_tree(
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

HALPE26 = skeleton_of_tree(
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

COCO18 = skeleton_of_tree(
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

BODY25 = skeleton_of_tree(
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

MEDIAPIPE33 = skeleton_of_tree(
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

MPI_INF_3DHP17 = skeleton_of_tree(
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

BUILT_IN: dict[str, Skeleton] = {
    skeleton.name: skeleton
    for skeleton in (
        *(HUMAN36M17, COCO17, BODY25, BODY25B, COCO18, HALPE26, MEDIAPIPE33, MPI_INF_3DHP17),
        *ANIMALS,
    )
}
