"""A 2D detector that breaks in the way that an image's brightness asks for, in the place of MediaPipe's.

Python imports this file by itself where its folder is on PYTHONPATH. It exists to find out what flowlift does then.
"""

import os
import signal
import sys
import time
import types
from pathlib import Path

CRASHES, IS_KILLED, HANGS, NEEDS_ALL_MEMORY, CRASHES_ONCE, IS_SLOW, IS_WRONG = 10, 20, 30, 40, 50, 60, 70
"""Mean brightness of an image, in steps of 10; a brighter one shows one person."""
MARKS = "FLOWLIFT_FAULTY_MARKS"
"""Environment variable: the folder where a detector that crashes once notes that it has."""


class FaultyDetector:
    """Finds a person in the middle of any bright image."""

    name = "faulty"

    @property
    def skeleton(self):  # type: ignore[no-untyped-def]  # flowlift is not imported before it is needed
        from flowlift.skeletons import BUILT_IN

        return BUILT_IN["coco17"]

    def __call__(self, frame):  # type: ignore[no-untyped-def]
        import numpy as np

        from flowlift.detect import Detection

        match round(float(frame.image.mean()) / 10) * 10:
            case 10:
                os.kill(os.getpid(), signal.SIGSEGV)
            case 20:
                os.kill(os.getpid(), signal.SIGKILL)
            case 30:
                time.sleep(3600)
            case 40:
                raise MemoryError
            case 50:
                mark = Path(os.environ[MARKS]) / "crashed"
                if not mark.exists():
                    mark.touch()
                    os.kill(os.getpid(), signal.SIGSEGV)
            case 60:
                time.sleep(0.1)
            case 70:
                raise RuntimeError("the detector's own\nerror")
        height, width = frame.image.shape[:2]
        around = np.linspace(0, 2 * np.pi, 17, endpoint=False)
        circle = np.stack([np.cos(around), np.sin(around)], axis=-1) * height / 4 + [width / 2, height / 2]
        return Detection(circle[None].astype(np.float32), np.ones((1, 17), np.float32))

    def __enter__(self):  # type: ignore[no-untyped-def]
        return self

    def __exit__(self, *raised: object) -> None:
        pass

    def close(self) -> None:
        pass


module = types.ModuleType("flowlift.detect.mediapipe")
module.MediapipeDetector = FaultyDetector  # type: ignore[attr-defined]
sys.modules[module.__name__] = module
