"""Writes a file in each of flowlift's own formats: python tests/golden/write.py, once for each version of a format.

What lies in the folders stays as it is: it is what people have on their disks. All of it is synthetic.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import flowlift
from flowlift.containers import Keypoints2D
from flowlift.io.packing import FORMAT
from flowlift.models import FORMAT as MODEL_FORMAT
from flowlift.models import find_model
from flowlift.models.packed import pack_model

HERE = Path(__file__).parent


def keypoints() -> Keypoints2D:
    """Four frames of a figure and a half, of numbers that any machine makes alike."""
    joints = np.arange(17)
    body = np.stack([300 + 40 * (joints % 5), 60 + 22 * joints], axis=-1).astype(np.float32)
    xy = body + 8 * np.arange(4, dtype=np.float32)[:, None, None, None] + np.array([[0], [250]])[None, :, None]
    xy[1, 1, 9:] = np.nan
    score = np.where(np.isnan(xy[..., 0]), np.nan, np.float32(0.75))
    skeleton = flowlift.Skeleton.named("coco17")
    return Keypoints2D(xy, score, skeleton, (1280, 720), 25.0, "figure", np.array([0, 0.04, 0.08, 0.125]))


def write(folder: Path, model: Path) -> None:
    """Keypoints and poses as npz and JSON; the poses are what the model makes of the keypoints."""
    folder.mkdir(parents=True, exist_ok=True)
    poses = flowlift.Lifter.load(model)(keypoints(), hypotheses=2, seed=5, keep_hypotheses=True)
    for suffix in ("npz", "json"):
        flowlift.save(keypoints(), folder / f"keypoints.{suffix}")
        flowlift.save(poses, folder / f"poses.{suffix}")


def write_model(path: Path) -> None:
    """A model of random weights, the smallest there is."""
    import torch

    from flowlift.models.importing import import_published
    from flowlift.networks import make_network

    with TemporaryDirectory() as folder:
        torch.manual_seed(0)
        sizes = {"width": 8, "blocks": 1, "hidden": 8}
        network = make_network("velocity", sizes, flowlift.Skeleton.named("human36m17"))
        torch.save(network.state_dict(), Path(folder) / "small.pth")
        model = import_published(Path(folder) / "small.pth", name="golden", overwrite=True).model
        path.parent.mkdir(parents=True, exist_ok=True)
        pack_model(model, path)


if __name__ == "__main__":
    packed = HERE / MODEL_FORMAT / "small.flowlift"
    if not packed.exists():
        write_model(packed)
    if not (HERE / FORMAT).exists():
        write(HERE / FORMAT, packed)
    print(find_model(packed).version)
