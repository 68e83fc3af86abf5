import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library keeps memory its own way")

LIFT = """
import resource
from flowlift import Lifter
from flowlift.demo import synthesize

keypoints = synthesize(seconds=20, fps=30.0).keypoints
lifter = Lifter.load("human-fast")
lifter.engine.cores.count = 1
faults = []
for _ in range(4):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    lifter(keypoints, smooth="off")
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(min(faults))
"""


def test_lifting_does_not_fetch_its_memory_from_the_system_again_and_again():
    done = subprocess.run([sys.executable, "-c", LIFT], capture_output=True, text=True, check=True)
    # Without it three thousand pages: some hundred arrays of half a megabyte, three times a lift of 600 frames.
    assert int(done.stdout) < 300
