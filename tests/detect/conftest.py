"""Real frames with a person, a MediaPipe model as a file, and a cache of one's own."""

import warnings
import zipfile
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import pytest

from flowlift.io.video import Frame, open_frames


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache for models; it does not exist yet."""
    folder = tmp_path / "cache" / "models"
    monkeypatch.setenv("FLOWLIFT_CACHE", str(folder))
    return folder


@pytest.fixture(scope="session")
def person(shared_data: Path) -> Sequence[Frame]:
    """Twelve frames of a video that shows a man in full, and a bystander; 1080 x 1920 px."""
    video = shared_data / "eval" / "pose2sim" / "videos" / "cam01.mp4"
    if not video.is_file():
        pytest.skip(f"no video at {video}")
    return tuple(islice(open_frames(video), 12))


@pytest.fixture(scope="session")
def task_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pose landmarker's .task file, put together from the networks in MediaPipe's own wheel (up to 0.10.21)."""
    mediapipe = pytest.importorskip("mediapipe", reason="mediapipe is not installed")
    modules = Path(mediapipe.__file__).parent / "modules"
    networks = {
        "pose_detector.tflite": (modules / "pose_detection" / "pose_detection.tflite", 127.5, 127.5, 2),
        "pose_landmarks_detector.tflite": (modules / "pose_landmark" / "pose_landmark_full.tflite", 0.0, 255.0, 5),
    }
    if not all(file.is_file() for file, *_ in networks.values()):
        pytest.skip("this mediapipe has no networks in its wheel")
    path = tmp_path_factory.mktemp("mediapipe") / "pose.task"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as bundle:
        for name, (file, mean, deviation, outputs) in networks.items():
            bundle.writestr(name, described(file, mean, deviation, outputs))
    return path


def described(network: Path, mean: float, deviation: float, outputs: int) -> bytes:
    """A network that says how its image is scaled, which the tasks API asks for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mediapipe.tasks.python.metadata.metadata_writers.metadata_writer import MetadataWriter

        writer = MetadataWriter.create(bytearray(network.read_bytes()))
        writer.add_general_info("pose").add_image_input([mean], [deviation])
        for output in range(outputs):
            writer.add_feature_output(f"output {output}")
        return bytes(writer.populate()[0])
