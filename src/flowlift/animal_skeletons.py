"""The built-in skeletons of four-legged animals, each in its source's joint order. Left and right are the animal's own.

A front "thigh" is the elbow, a front "knee" the carpus; a back "thigh" is the stifle, a back "knee" the hock.
"""

from flowlift.skeleton_tree import skeleton_of_tree

ANIMAL3D26 = skeleton_of_tree(
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
    size=("nose", "neck", "tail_base"),
)

SUPERANIMAL_QUADRUPED39 = skeleton_of_tree(
    "superanimal_quadruped39",
    """
    nose < neck_end
    upper_jaw < nose
    lower_jaw < nose
    mouth_end_right < lower_jaw
    mouth_end_left < lower_jaw
    right_eye < nose
    right_earbase < right_eye
    right_earend < right_earbase
    right_antler_base < right_earbase
    right_antler_end < right_antler_base
    left_eye < nose
    left_earbase < left_eye
    left_earend < left_earbase
    left_antler_base < left_earbase
    left_antler_end < left_antler_base
    neck_base < back_base
    neck_end < neck_base
    throat_base < neck_base
    throat_end < throat_base
    back_base < back_middle
    back_end < tail_base
    back_middle < back_end
    tail_base
    tail_end < tail_base
    front_left_thai < back_base
    front_left_knee < front_left_thai
    front_left_paw < front_left_knee
    front_right_thai < back_base
    front_right_knee < front_right_thai
    front_right_paw < front_right_knee
    back_left_paw < back_left_knee
    back_left_thai < tail_base
    back_right_thai < tail_base
    back_left_knee < back_left_thai
    back_right_knee < back_right_thai
    back_right_paw < back_right_knee
    belly_bottom < back_middle
    body_middle_right < back_middle
    body_middle_left < back_middle
    """,
)

AP10K17 = skeleton_of_tree(
    "ap10k17",
    """
    left_eye < nose
    right_eye < nose
    nose < neck
    neck < root_of_tail
    root_of_tail
    left_shoulder < neck
    left_elbow < left_shoulder
    left_front_paw < left_elbow
    right_shoulder < neck
    right_elbow < right_shoulder
    right_front_paw < right_elbow
    left_hip < root_of_tail
    left_knee < left_hip
    left_back_paw < left_knee
    right_hip < root_of_tail
    right_knee < right_hip
    right_back_paw < right_knee
    """,
)

ANIMALPOSE20 = skeleton_of_tree(
    "animalpose20",
    """
    left_eye < nose
    right_eye < nose
    left_ear_base < left_eye
    right_ear_base < right_eye
    nose < throat
    throat < withers
    tail_base
    withers < tail_base
    left_front_elbow < withers
    right_front_elbow < withers
    left_back_elbow < tail_base
    right_back_elbow < tail_base
    left_front_knee < left_front_elbow
    right_front_knee < right_front_elbow
    left_back_knee < left_back_elbow
    right_back_knee < right_back_elbow
    left_front_paw < left_front_knee
    right_front_paw < right_front_knee
    left_back_paw < left_back_knee
    right_back_paw < right_back_knee
    """,
)

ANIMALS = (ANIMAL3D26, SUPERANIMAL_QUADRUPED39, AP10K17, ANIMALPOSE20)
