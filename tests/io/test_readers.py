"""Readers on files in the shapes that their programs write."""

import csv
import io
import json
import pickle
import zipfile

import numpy as np
import pytest

from flowlift.errors import InputError
from flowlift.io import load
from flowlift.io.restricted import loads
from flowlift.skeletons import BODY25, BODY25B, COCO17, HALPE26, HUMAN36M17, MEDIAPIPE33


def openpose_frame(file, people):
    flat = [{"person_id": [-1], "pose_keypoints_2d": np.asarray(person).ravel().tolist()} for person in people]
    file.write_text(json.dumps({"version": 1.3, "people": flat}))


def person(joints, seed=0):
    generator = np.random.default_rng(seed)
    values = np.concatenate([generator.uniform(10, 400, (joints, 2)), generator.uniform(0.1, 1, (joints, 1))], axis=1)
    values[3] = 0
    return values


class TestOpenPose:
    def test_frames_come_in_the_order_of_their_numbers_and_gaps_are_empty(self, tmp_path):
        for number in (2, 10, 4):
            openpose_frame(tmp_path / f"clip7_{number}_keypoints.json", [person(18, number)])
        found = load(tmp_path, image_size=(640, 480), fps=50)
        assert found.skeleton.name == "coco18"
        assert len(found) == 9
        assert found.fps == 50
        for number in (2, 4, 10):
            np.testing.assert_allclose(found.xy[number - 2, 0, 5], person(18, number)[5, :2], rtol=1e-6)
        assert np.isnan(found.xy[[1, 3, 4]]).all()

    def test_zeros_are_missing_and_people_are_padded(self, tmp_path):
        openpose_frame(tmp_path / "a_000.json", [person(18), person(18, 1)])
        openpose_frame(tmp_path / "a_001.json", [person(18)])
        openpose_frame(tmp_path / "a_002.json", [])
        found = load(tmp_path, image_size=(640, 480))
        assert found.xy.shape == (3, 2, 18, 2)
        assert np.isnan(found.xy[:, :, 3]).all()
        assert np.isnan(found.score[0, 0, 3])
        assert np.isfinite(found.xy[0, 1, 4]).all()
        assert np.isnan(found.xy[1, 1]).all()
        assert np.isnan(found.xy[2]).all()

    def test_one_frame_is_a_clip_of_one(self, tmp_path):
        openpose_frame(tmp_path / "a_000.json", [person(18)])
        assert len(load(tmp_path / "a_000.json", image_size=(640, 480))) == 1

    def test_26_joints_are_halpe_s_as_pose2sim_writes_them(self, tmp_path):
        openpose_frame(tmp_path / "a_000.json", [person(26)])
        found = load(tmp_path, image_size=(640, 480))
        assert found.skeleton == HALPE26
        np.testing.assert_allclose(found.xy[0, 0, found.skeleton.index("right_heel")], person(26)[25, :2], rtol=1e-6)

    def test_the_image_size_is_guessed_with_a_warning(self, tmp_path):
        openpose_frame(tmp_path / "a_000.json", [person(18) * [3, 1, 1]])
        with pytest.warns(UserWarning, match="image size"):
            found = load(tmp_path)
        assert found.image_size == (1280, 720)
        assert (np.nanmax(found.xy, axis=(0, 1, 2)) < found.image_size).all()

    @pytest.mark.parametrize("camera", ["cam01", "cam03"])
    def test_the_real_folders_are_read_whole(self, shared_data, camera):
        folder = shared_data / "eval" / "pose2sim" / "openpose_body25b" / f"{camera}_json"
        found = load(folder, skeleton="body25b", image_size=(1088, 1920))
        assert len(found) == 100
        assert found.skeleton == BODY25B
        assert np.isfinite(found.xy[..., 0]).any(axis=(1, 2)).all()
        with pytest.warns(UserWarning, match="body25b"):
            assert load(folder, image_size=(1088, 1920)).skeleton == BODY25B
        with pytest.warns(UserWarning, match="geometry"):
            assert load(folder, skeleton="body25", image_size=(1088, 1920)).skeleton == BODY25

    @pytest.mark.parametrize(
        ("content", "complaint"),
        [
            ({"people": [{"pose_keypoints_2d": [1, 2]}]}, "2 numbers"),
            ({"people": [{"pose_keypoints_2d": [1, 2, 3] * 7}]}, "7 joints"),
            ({"people": [{"pose_keypoints_2d": "no"}]}, "pose_keypoints_2d"),
            ({"people": [{}]}, "pose_keypoints_2d"),
            ({"people": [3]}, "pose_keypoints_2d"),
            ({"people": []}, "nobody"),
        ],
    )
    def test_damaged_frames_are_refused(self, tmp_path, content, complaint):
        (tmp_path / "a_000.json").write_text(json.dumps(content))
        with pytest.raises(InputError, match=complaint):
            load(tmp_path, image_size=(640, 480))

    def test_a_wrong_skeleton_and_a_broken_frame_in_the_middle_are_refused(self, tmp_path):
        openpose_frame(tmp_path / "a_000.json", [person(18)])
        with pytest.raises(InputError, match="18 joints"):
            load(tmp_path, skeleton="body25", image_size=(640, 480))
        (tmp_path / "a_001.json").write_text("{")
        with pytest.raises(InputError, match="a_001"):
            load(tmp_path, image_size=(640, 480))


def test_coco_annotations(tmp_path):
    values = person(17)
    values[:, 2] = 2
    values[3] = 0
    file = tmp_path / "person_keypoints.json"
    content = {
        "images": [{"id": 9, "width": 640, "height": 480}, {"id": 4, "width": 640, "height": 480}],
        "annotations": [{"image_id": 4, "keypoints": values.ravel().tolist()}],
    }
    file.write_text(json.dumps(content))
    found = load(file)
    assert found.skeleton == COCO17
    assert found.image_size == (640, 480)
    assert np.isnan(found.xy[0]).all()
    np.testing.assert_allclose(found.xy[1, 0, 5], values[5, :2], rtol=1e-6)
    assert found.score[1, 0, 5] == 1
    assert np.isnan(found.xy[1, 0, 3]).all()
    for broken in ({"image_id": 4, "keypoints": [1, 2, 3]}, {"image_id": 5, "keypoints": values.ravel().tolist()}):
        file.write_text(json.dumps({**content, "annotations": [broken]}))
        with pytest.raises(InputError, match="damaged"):
            load(file)


def test_coco_results(tmp_path):
    file = tmp_path / "results.json"
    entries = [{"image_id": i, "keypoints": person(17, i).ravel().tolist(), "score": 0.9} for i in (10, 2, 2)]
    file.write_text(json.dumps(entries))
    found = load(file, image_size=(640, 480))
    assert found.xy.shape == (9, 2, 17, 2)  # images without anybody are not listed: gaps in the numbers are frames
    np.testing.assert_allclose(found.score[8, 0, 5], person(17, 10)[5, 2], rtol=1e-6)


def test_mediapipe_landmarks(tmp_path):
    landmarks = [{"x": i / 33, "y": 0.5, "z": 0.0, "visibility": 0.9} for i in range(33)]
    file = tmp_path / "landmarks.json"
    file.write_text(json.dumps([landmarks, [], landmarks]))
    found = load(file, image_size=(330, 200))
    assert found.skeleton == MEDIAPIPE33
    np.testing.assert_allclose(found.xy[0, 0, 7], [70, 100])
    assert np.isnan(found.xy[1]).all()
    with pytest.raises(InputError, match="size"):
        load(file)
    about = {"frames": [{"pose_landmarks": landmarks}, {"pose_landmarks": None}], "image_size": [330, 200], "fps": 25}
    file.write_text(json.dumps(about))
    found = load(file)
    assert (len(found), found.fps, found.image_size) == (2, 25, (330, 200))
    file.write_text(json.dumps([landmarks[:20]]))
    with pytest.raises(InputError, match="20 landmarks"):
        load(file, image_size=(330, 200))


def deeplabcut_rows(individuals, bodyparts, frames):
    columns = [(i, b, c) for i in individuals for b in bodyparts for c in ("x", "y", "likelihood")]
    values = np.random.default_rng(0).uniform(0, 1, (frames, len(columns))).round(4)
    levels = [("scorer", *["DLC_resnet50"] * len(columns))]
    if individuals != [""]:
        levels.append(("individuals", *[c[0] for c in columns]))
    levels += [("bodyparts", *[c[1] for c in columns]), ("coords", *[c[2] for c in columns])]
    return columns, values, [*levels, *[(f, *row) for f, row in enumerate(values.tolist())]]


@pytest.mark.parametrize("individuals", [[""], ["mouse1", "mouse2"]], ids=["single", "multi"])
def test_deeplabcut_csv(tmp_path, individuals):
    columns, values, rows = deeplabcut_rows(individuals, ["Left Ear", "right-ear", "tailbase"], 4)
    rows[5] = tuple("" if i == 1 else cell for i, cell in enumerate(rows[5]))
    file = tmp_path / "videoDLC.csv"
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    found = load(file, image_size=(640, 480))
    assert found.skeleton.joints == ("left_ear", "right_ear", "tailbase")
    assert found.skeleton.pairs == (("left_ear", "right_ear"),)
    assert found.people == len(individuals)
    last = columns.index((individuals[-1], "tailbase", "y"))
    np.testing.assert_allclose(found.xy[2, -1, 2, 1], values[2, last], rtol=1e-6)
    np.testing.assert_allclose(found.score[2, -1, 2], values[2, last + 1], rtol=1e-6)
    assert np.isnan(found.xy).any()
    file.write_text(file.read_text() + "9,1,2\n")
    with pytest.raises(InputError, match="expected"):
        load(file, image_size=(640, 480))


def test_deeplabcut_csv_of_coco_joints_is_coco(tmp_path):
    _, _, rows = deeplabcut_rows([""], list(reversed(COCO17.joints)), 2)
    with (tmp_path / "a.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    found = load(tmp_path / "a.csv", image_size=(640, 480))
    assert found.skeleton == COCO17
    assert found.xy[0, 0, -1, 0] == pytest.approx(rows[3][1])


@pytest.mark.parametrize("layout", ["table", "fixed"])
@pytest.mark.parametrize("individuals", [[""], ["mouse1", "mouse2"]], ids=["single", "multi"])
def test_deeplabcut_h5(tmp_path, layout, individuals):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("tables")
    columns, values, _ = deeplabcut_rows(individuals, ["nose", "tailbase"], 5)
    names = ["scorer", "individuals", "bodyparts", "coords"]
    labels = [("DLC", *c) for c in columns]
    if individuals == [""]:
        names.remove("individuals")
        labels = [("DLC", *c[1:]) for c in columns]
    frame = pandas.DataFrame(values, columns=pandas.MultiIndex.from_tuples(labels, names=names))
    file = tmp_path / "videoDLC.h5"
    frame.to_hdf(file, key="df_with_missing", format=layout, mode="w")
    found = load(file, image_size=(640, 480))
    assert found.xy.shape == (5, len(individuals), 2, 2)
    last = columns.index((individuals[-1], "tailbase", "x"))
    np.testing.assert_allclose(found.xy[:, -1, 1, 0], values[:, last], rtol=1e-6)


def test_a_hostile_h5_runs_nothing(tmp_path):
    tables = pytest.importorskip("tables")
    marker = tmp_path / "ran"

    class Hostile:
        def __reduce__(self):
            return (exec, (f"open({str(marker)!r}, 'w').close()",))

    file = tmp_path / "bad.h5"
    with tables.open_file(str(file), "w") as stream:
        group = stream.create_group("/", "df_with_missing")
        table = stream.create_table(
            group, "table", {"index": tables.Int64Col(), "values_block_0": tables.Float64Col(shape=3)}
        )
        table.attrs.values_block_0_kind = Hostile()
        group._v_attrs.pandas_type = Hostile()
    marker.unlink(missing_ok=True)
    with pytest.raises(InputError):
        load(file, image_size=(640, 480))
    assert not marker.exists()


def videopose3d(file, positions, metadata=None):
    np.savez_compressed(file, positions_2d=np.array(positions, dtype=object), metadata=np.array(metadata, dtype=object))


def test_videopose3d(tmp_path):
    clip = np.random.default_rng(0).uniform(0, 900, (6, 17, 2)).astype(np.float32)
    file = tmp_path / "data_2d_custom.npz"
    symmetry = [[1, 3, 5, 7, 9, 11, 13, 15], [2, 4, 6, 8, 10, 12, 14, 16]]
    metadata = {"layout_name": "coco", "num_joints": 17, "keypoints_symmetry": symmetry}
    metadata["video_metadata"] = {"dog.mp4": {"w": 1000, "h": 900}}
    videopose3d(file, {"dog.mp4": {"custom": [clip]}}, metadata)
    found = load(file)
    assert found.skeleton == COCO17
    assert found.image_size == (1000, 900)
    np.testing.assert_array_equal(found.xy[:, 0], clip)
    sides = [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]]
    videopose3d(file, {"S1": {"Walking": [clip, clip + 1]}}, {"num_joints": 17, "keypoints_symmetry": sides})
    with pytest.raises(InputError, match="S1/Walking/1"):
        load(file, image_size=(1000, 1000))
    found = load(f"{file}::S1/Walking/1", image_size=(1000, 1000))
    assert found.skeleton == HUMAN36M17
    np.testing.assert_array_equal(found.xy[:, 0], clip + 1)
    with pytest.raises(InputError, match="no clip"):
        load(f"{file}::S2", image_size=(1000, 1000))


@pytest.mark.parametrize("call", [(eval, ("1+1",)), (exec, ("1",)), (np.load, ("x",)), (getattr, (3, "real"))])
def test_hostile_pickles_run_nothing(tmp_path, call):
    class Hostile:
        def __reduce__(self):
            return call

    with pytest.raises(InputError, match="could run code"):
        loads(pickle.dumps([Hostile()]))
    file = tmp_path / "bad.npz"
    videopose3d(file, {"a": {"b": [Hostile()]}})
    with pytest.raises(InputError, match=r"bad\.npz"):
        load(file)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_content_is_unpickled_by_every_protocol(protocol):
    value = {"a": [np.arange(6.0).reshape(2, 3), np.float32(2), "ü", b"x", None, (1, True)], 3: {1, 2}}
    back = loads(pickle.dumps(value, protocol=protocol))
    np.testing.assert_array_equal(back["a"][0], value["a"][0])
    assert back["a"][1:] == value["a"][1:]
    assert back[3] == {1, 2}


@pytest.mark.parametrize("data", [b"", b"junk", b"\x80\x05", pickle.dumps([1, 2])[:-3]])
def test_damaged_pickles_are_refused(data):
    with pytest.raises(InputError):
        loads(data)


def test_an_npz_that_lies_about_its_arrays_is_refused(tmp_path):
    file = tmp_path / "bad.npz"
    with zipfile.ZipFile(file, "w") as archive:
        buffer = io.BytesIO()
        np.save(buffer, np.arange(4))
        archive.writestr("positions_2d.npy", buffer.getvalue())
    with pytest.raises(InputError, match="object array"):
        load(file)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("positions_2d.npy", b"junk")
    with pytest.raises(InputError, match=r"bad\.npz"):
        load(file)
