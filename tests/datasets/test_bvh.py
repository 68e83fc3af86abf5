"""BVH: forward kinematics on files small enough to check by hand, and what is refused."""

import numpy as np
import pytest

from flowlift.datasets.bvh import read_bvh
from flowlift.errors import InputError

ARM = """HIERARCHY
ROOT Hips
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation
  JOINT Arm
  {
    OFFSET 0 2 0
    CHANNELS 3 Zrotation Yrotation Xrotation
    JOINT Hand
    {
      OFFSET 1 0 0
      CHANNELS 3 Zrotation Yrotation Xrotation
      End Site
      {
        OFFSET 0.5 0 0
      }
    }
  }
}
MOTION
Frames: 3
Frame Time: 0.05
0 0 0  0 0 0  0 0 0  0 0 0
5 6 7  90 0 0  0 0 0  0 0 0
0 0 0  0 0 0  90 0 0  0 90 0
"""


@pytest.fixture
def arm(tmp_path):
    file = tmp_path / "arm.bvh"
    file.write_text(ARM)
    return file


def test_joints_stand_where_the_rotations_put_them(arm):
    motion = read_bvh(arm)
    assert motion.joints == ("Hips", "Arm", "Hand", "Hand.end")
    assert motion.fps == pytest.approx(20)
    np.testing.assert_allclose(motion.xyz[0], [[0, 0, 0], [0, 2, 0], [1, 2, 0], [1.5, 2, 0]], atol=1e-12)
    # A quarter turn of the root about z: up becomes left.
    np.testing.assert_allclose(motion.xyz[1], [[5, 6, 7], [3, 6, 7], [3, 7, 7], [3, 7.5, 7]], atol=1e-12)
    # The arm turns about z: its bone points up; the hand turns about its own y: its bone points to -z.
    np.testing.assert_allclose(motion.xyz[2], [[0, 0, 0], [0, 2, 0], [0, 3, 0], [0, 3, -0.5]], atol=1e-12)


def test_a_stride_keeps_every_so_many_frames(arm):
    motion = read_bvh(arm, stride=2)
    assert motion.fps == pytest.approx(10)
    np.testing.assert_array_equal(motion.xyz, read_bvh(arm).xyz[::2])


@pytest.mark.parametrize(
    "text",
    ["", "not motion capture", ARM.replace("Frames: 3", "Frames: 4"), ARM.split("MOTION")[0], ARM.replace("0.05", "0")],
)
def test_what_is_not_bvh_is_refused_by_name(tmp_path, text):
    file = tmp_path / "bad.bvh"
    file.write_text(text)
    with pytest.raises(InputError, match=r"bad\.bvh"):
        read_bvh(file)


def test_a_missing_file_and_a_missing_joint_are_named(tmp_path, arm):
    with pytest.raises(InputError, match=r"absent\.bvh"):
        read_bvh(tmp_path / "absent.bvh")
    with pytest.raises(InputError, match="Tail"):
        read_bvh(arm).joint("Tail")


def test_a_lost_bone_takes_another_joints_offset_and_a_bone_that_is_there_keeps_its_own(arm):
    whole = read_bvh(arm)
    arm.write_text(ARM.replace("OFFSET 1 0 0", "OFFSET 0 0 0"))
    restored = read_bvh(arm, lost={"Hand": "Arm", "Arm": "Hand", "Tail": "Arm"})
    np.testing.assert_allclose(restored.joint("Arm"), whole.joint("Arm"))
    np.testing.assert_allclose(restored.joint("Hand")[0], [0, 4, 0])
    np.testing.assert_allclose(restored.joint("Hand")[2], [-2, 2, 0], atol=1e-12)  # the arm is turned by 90 degrees
    np.testing.assert_allclose(read_bvh(arm).joint("Hand"), whole.joint("Arm"))
