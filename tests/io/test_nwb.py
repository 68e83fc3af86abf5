"""Pose estimation in NWB, as ndx-pose's own classes and sleap-io write it."""

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flowlift.clips import load_keypoints
from flowlift.containers import Keypoints2D
from flowlift.errors import InputError, MissingExtraError
from flowlift.io import load
from flowlift.io.hints import Hints

h5py = pytest.importorskip("h5py")
pynwb = pytest.importorskip("pynwb")
ndx_pose = pytest.importorskip("ndx_pose")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the writers

NODES = ("snout", "left ear", "right ear")
EDGES = np.array([[0, 1], [0, 2]], dtype=np.uint8)


def points(person: int, node: int, frames: int, axes: int = 2) -> np.ndarray:
    """(frame, axis) px."""
    return np.random.default_rng((person, node)).uniform(0, 400, (frames, axes))


def write(
    path: Path,
    *,
    times: np.ndarray | None = None,
    rate: float | None = None,
    frames: int = 5,
    people: int = 1,
    axes: int = 2,
    dimensions: tuple[int, int] | None = (640, 480),
    modules: tuple[str, ...] = ("behavior",),
) -> Path:
    """As DeepLabCut's converter writes it: one module, a pose estimation a person, a series a joint."""
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    file = pynwb.NWBFile(session_description="test", identifier="x", session_start_time=start)
    skeleton = ndx_pose.Skeleton(name="mouse", nodes=list(NODES), edges=EDGES)
    homes = [file.create_processing_module(name=name, description="test") for name in modules]
    homes[0].add(ndx_pose.Skeletons(skeletons=[skeleton]))
    when = {"timestamps": times} if times is not None else {"rate": rate or 30.0, "starting_time": 0.5}
    for home in homes:
        for person in range(people):
            series = [
                ndx_pose.PoseEstimationSeries(
                    name=name,
                    data=points(person, node, frames, axes),
                    unit="pixels",
                    reference_frame="(0, 0) is the top left corner",
                    confidence=np.full(frames, 0.25 + 0.25 * node),
                    **when,
                )
                for node, name in enumerate(NODES)
            ]
            more = {} if dimensions is None else {"dimensions": np.array([dimensions], dtype=np.uint16)}
            name = f"Person{person}" if people > 1 else "PoseEstimation"
            home.add(
                ndx_pose.PoseEstimation(
                    name=name, pose_estimation_series=series, original_videos=["clip.mp4"], skeleton=skeleton, **more
                )
            )
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(file)
    return path


def read(path: Path | str, **more: Any) -> Keypoints2D:
    found = load(path, **more)
    assert isinstance(found, Keypoints2D)
    return found


def test_one_animal(tmp_path: Path) -> None:
    found = read(write(tmp_path / "a.nwb", rate=50.0))
    assert found.skeleton.joints == ("snout", "left_ear", "right_ear")
    assert found.skeleton.parents == (None, "snout", "snout")
    assert (found.fps, found.image_size) == (pytest.approx(50), (640, 480))
    assert found.xy.shape == (5, 1, 3, 2)
    for node in range(3):
        np.testing.assert_allclose(found.xy[:, 0, node], points(0, node, 5), rtol=1e-6)
        np.testing.assert_allclose(found.score[:, 0, node], 0.25 + 0.25 * node)


def test_several_people_and_gaps(tmp_path: Path) -> None:
    found = read(write(tmp_path / "a.nwb", people=2, frames=4, times=np.array([10.0, 10.1, 10.2, 10.6])))
    assert found.xy.shape == (7, 2, 3, 2)
    assert found.fps == pytest.approx(10)
    assert found.times is None
    np.testing.assert_allclose(found.xy[[0, 1, 2, 6], 1, 2], points(1, 2, 4), rtol=1e-6)
    assert np.isnan(found.xy[3:6]).all()


def test_uneven_times_are_kept(tmp_path: Path) -> None:
    times = np.array([3.0, 3.1, 3.25, 3.3, 3.4])
    found = read(write(tmp_path / "a.nwb", times=times))
    np.testing.assert_allclose(found.frame_times, times - 3)
    assert found.xy.shape == (5, 1, 3, 2)


@pytest.mark.parametrize(
    ("given", "size"), [((480, 640), (480, 640)), ((640, 300), (640, 300)), ((300, 640), (640, 300))]
)
def test_sizes_that_were_turned_round(tmp_path: Path, given: tuple[int, int], size: tuple[int, int]) -> None:
    path = write(tmp_path / "a.nwb", dimensions=given)
    with h5py.File(path, "a") as file:
        for name in NODES:
            file[f"processing/behavior/PoseEstimation/{name}/data"][:, 1] *= 0.5
    assert read(path).image_size == size


def test_a_size_that_is_not_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nwb", dimensions=None)
    with pytest.warns(UserWarning, match="image size"):
        read(path)
    assert read(path, image_size=(500, 500)).image_size == (500, 500)
    assert load_keypoints(path, Hints(camera_size=(640, 512))).image_size == (640, 512)


def test_one_of_several_videos(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nwb", modules=("left", "right"))
    assert len(read(f"{path}::right")) == 5
    with pytest.raises(InputError, match="left, right"):
        read(path)


def test_3d_and_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.nwb.*3D"):
        read(write(tmp_path / "a.nwb", axes=3))
    with h5py.File(tmp_path / "b.nwb", "w") as file:
        file["x"] = 3
    with pytest.raises(InputError, match=r"b\.nwb.*no PoseEstimation"):
        read(tmp_path / "b.nwb")


def test_what_sleap_io_writes(tmp_path: Path) -> None:
    sio = pytest.importorskip("sleap_io")
    skeleton = sio.Skeleton(list(NODES), edges=[("snout", "left ear"), ("snout", "right ear")], name="mouse")
    seen = sio.Video("/nowhere/clip.mp4", backend_metadata={"shape": (3, 480, 640, 1)}, open_backend=False)
    tracks = [sio.Track("adam"), sio.Track("zoe")]
    frames = []
    for frame in range(3):
        animals = []
        for animal, track in enumerate(tracks):
            xy = np.stack([points(animal, node, 3)[frame] for node in range(3)])
            values = np.concatenate([xy, np.full((3, 1), 0.5)], axis=1)
            animals.append(sio.PredictedInstance.from_numpy(values, score=0.9, skeleton=skeleton, track=track))
        frames.append(sio.LabeledFrame(seen, frame, animals))
    sio.save_nwb(sio.Labels(frames), str(tmp_path / "a.nwb"))
    found = read(tmp_path / "a.nwb", image_size=(640, 480))
    assert found.xy.shape == (3, 2, 3, 2)
    for animal in range(2):
        for node in range(3):
            np.testing.assert_allclose(found.xy[:, animal, node], points(animal, node, 3), rtol=1e-6)


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.nwb")
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(MissingExtraError, match=r"flowlift\[sleap\]"):
        read(path)


def test_a_given_rate_counts_for_uneven_times_too(tmp_path: Path) -> None:
    file = write(tmp_path / "a.nwb", times=np.array([0.0, 0.027, 0.061, 0.1, 0.131]))
    assert load(file).times is not None
    told = load(file, fps=120.0)
    np.testing.assert_allclose(told.frame_times, np.arange(5) / 120)
