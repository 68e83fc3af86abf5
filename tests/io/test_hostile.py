"""Files made to harm: code, bombs, claims without end, ways out of the folder. Each is refused in one line, at once."""

import io
import json
import os
import pickle
import struct
import sys
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flowlift.calibration import camera_names
from flowlift.cli.outputs import plan_jobs
from flowlift.damage import refused_if_damaged
from flowlift.datasets.recording import read_recordings
from flowlift.errors import FlowliftError, InputError, MissingExtraError, ModelError
from flowlift.io import archive, load, restricted, save
from flowlift.io.archive import extract, read_arrays
from flowlift.io.images import read_image
from flowlift.io.mapping_file import read_mapping
from flowlift.io.registry import WRITERS
from flowlift.io.video import open_frames
from flowlift.models import find_model, read_card
from flowlift.skeleton import Skeleton
from flowlift.skeletons import COCO17, HUMAN36M17
from flowlift.view.film import film_beside
from flowlift.view.html import write_html

from .made_poses import made_poses

DEEP = 100_000
HUMAN36M17_PARENTS = tuple(None if parent is None else f"../../{parent}/\\" for parent in HUMAN36M17.parents)


def refusal(read: Callable[[Any], Any], given: Any) -> str:
    """What is said of it: one line, soon."""
    begun = time.monotonic()
    with pytest.raises(FlowliftError) as caught:
        read(given)
    assert time.monotonic() - begun < 5
    assert "\n" not in str(caught.value)
    return str(caught.value)


class Hostile:
    """Unpickled without restriction, it leaves a file."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trace,)


@pytest.mark.parametrize("member", ["about", "xyz"])
def test_no_pickle_in_our_npz_is_run(tmp_path: Path, member: str) -> None:
    path, trace = save(made_poses(), tmp_path / "a.npz"), tmp_path / "trace"
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    np.savez(path, **arrays | {member: np.array([Hostile(trace)], dtype=object)})
    assert "run code" in refusal(load, path)
    assert not trace.exists()


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_AT_LEAST", 1 << 20)
    path = save(made_poses(), tmp_path / "a.npz")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as file:
        file.writestr("zeros.npy", bytes(20 << 20))
    assert "unpack" in refusal(load, path)
    assert "unpack" in refusal(read_recordings, path)


def npz_that_claims(path: Path, shape: tuple[int, ...], dtype: str = "<f8") -> Path:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": dtype, "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("xyz.npy", header.getvalue() + bytes(100))
    return path


@pytest.mark.parametrize("shape", [(10**12,), (10**6, 10**6, 3), (0, 10**18), (-5, 3)])
def test_an_array_takes_the_memory_that_is_there_not_what_it_claims(tmp_path: Path, shape: tuple[int, ...]) -> None:
    refusal(read_arrays, npz_that_claims(tmp_path / "a.npz", shape))


@pytest.mark.parametrize(
    "content",
    [b"\x80\x02]r\xff\xff\xff\x7f.", b"\x80\x02]p4000000000\n.", b"\x80\x04\x8e" + b"\xff" * 7 + b"\x7f."],
    ids=["stored far away", "stored far away, in text", "bytes without end"],
)
def test_pickles_that_claim_too_much(content: bytes) -> None:
    refusal(restricted.loads, content)


def test_lists_of_the_same_lists_do_not_grow() -> None:
    doubled: list[Any] = [0.0]
    for _ in range(31):
        doubled = [doubled, doubled]
    assert "same lists" in refusal(restricted.loads, pickle.dumps(doubled))
    plain = [[1.0, 2.0]] * 3
    assert restricted.loads(pickle.dumps(plain)) == plain


def h5_that_claims(path: Path, name: str, shape: tuple[int, ...]) -> Path:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        file.create_dataset(name, shape=shape, chunks=(1, *shape[1:]), dtype="f8", fillvalue=1.0, compression="gzip")
        file.attrs["pandas_type"] = "frame"
        file["track_occupancy"] = np.ones(1)
    return path


def test_a_terabyte_that_is_not_there(tmp_path: Path) -> None:
    assert "claims" in refusal(load, h5_that_claims(tmp_path / "a.h5", "tracks", (10**6, 1, 400, 300)))
    assert "claims" in refusal(load, h5_that_claims(tmp_path / "a.nwb", "data", (10**9, 100)))
    table = h5_that_claims(tmp_path / "b.h5", "df_with_missing/block0_values", (10**9, 100))
    assert "claims" in refusal(read_recordings, table)


def test_hdf5_does_not_lead_to_other_files(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    (tmp_path / "secret").write_bytes(bytes(800))
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["tracks"] = np.zeros((2, 1, 3, 3))
    with h5py.File(tmp_path / "link.h5", "w") as file:
        file["tracks"] = h5py.ExternalLink("other.h5", "/tracks")
    with h5py.File(tmp_path / "raw.h5", "w") as file:
        file.create_dataset("tracks", (2, 1, 3, 3), "f8", external=[(str(tmp_path / "secret"), 0, 800)])
    with h5py.File(tmp_path / "virtual.h5", "w") as file:
        layout = h5py.VirtualLayout((2, 1, 3, 3), "f8")
        layout[...] = h5py.VirtualSource(str(tmp_path / "other.h5"), "tracks", (2, 1, 3, 3))
        file.create_virtual_dataset("tracks", layout)
    for name in ("link.h5", "raw.h5", "virtual.h5"):
        assert "another file" in refusal(read_recordings, tmp_path / name)


def test_a_c3d_header_that_claims_everything(tmp_path: Path) -> None:
    pytest.importorskip("ezc3d")
    path = save(made_poses(), tmp_path / "a.c3d")
    content = bytearray(path.read_bytes())
    for place in (2, 4, 6, 8):
        struct.pack_into("<H", content, place, 1 if place == 6 else 65535)
    path.write_bytes(content)
    assert "do not fit" in refusal(load, path)


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def mapping(path: Path) -> object:
    return read_mapping(path, COCO17, HUMAN36M17)


@pytest.mark.parametrize("read", [Skeleton.load, mapping, camera_names], ids=["skeleton", "mapping", "calibration"])
def test_toml_nested_without_end(tmp_path: Path, read: Callable[[Path], object]) -> None:
    refusal(read, write(tmp_path / "a.toml", "[cam]\nmatrix = " + "[" * DEEP + "]" * DEEP))


@pytest.mark.parametrize("content", ["[" * DEEP + "]" * DEEP, '{"a":' * DEEP + "1" + "}" * DEEP])
def test_json_nested_without_end(tmp_path: Path, content: str) -> None:
    refusal(load, write(tmp_path / "a.json", content))
    refusal(read_card, write(tmp_path / "model.json", content).parent)


@pytest.mark.parametrize("value", ["inf", "-inf", "1e999"])
def test_infinite_keypoints_are_refused(tmp_path: Path, value: str) -> None:
    path = save(made_poses().keypoints, tmp_path / "a.json")
    held = json.loads(path.read_text())
    held["arrays"]["xy"]["values"][3] = value
    path.write_text(json.dumps(held))
    assert "infinite" in refusal(load, path)


def test_a_picture_of_ten_billion_pixels_in_a_hundred_bytes(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    path = tmp_path / "a.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))))
    assert "too large" in refusal(read_image, path)


def test_a_video_of_gigabytes_in_a_hundred_bytes(tmp_path: Path) -> None:
    frame = b"\x21\xf9\x04\x04\x04\x00\x00\x00\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    for width, height, refused in ((16_000, 16_000, True), (64, 48, False)):
        head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
        (tmp_path / "a.gif").write_bytes(head + 3 * frame + b";")
        if refused:
            assert "16000 x 16000 pixels; at most 179 million" in refusal(open_frames, tmp_path / "a.gif")
        else:
            assert len(list(open_frames(tmp_path / "a.gif"))) == 3


@pytest.mark.parametrize("name", ["../out.bvh", "/tmp/flowlift-hostile.bvh", "link.bvh", "device.bvh"])
def test_archives_stay_in_their_folder(tmp_path: Path, name: str) -> None:
    member = tarfile.TarInfo(name)
    member.size = 3 if name[0] in "./" else 0
    kinds = {"link.bvh": tarfile.SYMTYPE, "device.bvh": tarfile.CHRTYPE}
    member.type = kinds.get(name, tarfile.REGTYPE)
    member.linkname = "/etc/passwd"
    with tarfile.open(tmp_path / "a.tar", "w") as made:
        made.addfile(member, io.BytesIO(b"abc"))
    inside = tmp_path / "deep" / "inside"
    with suppress(InputError):
        extract(tmp_path / "a.tar", inside, suffixes=(".bvh",), what="captures")
    assert not list(tmp_path.rglob("*.bvh")) or name.startswith("/")  # an absolute name is taken as one inside
    assert not Path("/tmp/flowlift-hostile.bvh").exists()


def test_a_tar_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_AT_LEAST", 1 << 20)
    with tarfile.open(tmp_path / "a.tar.xz", "w:xz") as made:
        member = tarfile.TarInfo("a.bvh")
        member.size = 8 << 20
        made.addfile(member, io.BytesIO(bytes(member.size)))
    with pytest.raises(InputError, match="unpack"):
        extract(tmp_path / "a.tar.xz", tmp_path / "in", suffixes=(".bvh",), what="captures")
    assert not (tmp_path / "in").exists()


def model_folder(folder: Path) -> Path:
    """A copy of the smallest packaged model that can be changed."""
    source = find_model("human-fast").folder
    folder.mkdir()
    for file in source.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def onnx_engine(folder: Path) -> object:
    from flowlift.runtime import OnnxEngine

    return OnnxEngine(find_model(folder))


@pytest.mark.parametrize("place", ["../secret", "/etc/passwd", "card.md", "./weights.safetensors", ""])
def test_a_graph_takes_no_weights_from_elsewhere(tmp_path: Path, place: str) -> None:
    onnx = pytest.importorskip("onnx")
    folder = model_folder(tmp_path / "model")
    (tmp_path / "secret").write_bytes(bytes(1 << 20))
    graph = onnx.load(str(folder / "velocity.onnx"), load_external_data=False)
    entry = next(e for t in graph.graph.initializer for e in t.external_data if e.key == "location")
    entry.value = place
    (folder / "velocity.onnx").write_bytes(graph.SerializeToString())
    assert "takes weights from" in refusal(onnx_engine, folder)


def test_a_graph_in_a_branch_of_a_graph_is_looked_at_too(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    folder = model_folder(tmp_path / "model")
    value = onnx.TensorProto(name="w", data_type=1, dims=[1], data_location=1)
    value.external_data.add(key="location", value="/etc/passwd")
    inner = onnx.helper.make_graph([], "inner", [], [], initializer=[value])
    node = onnx.helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner)
    graph = onnx.helper.make_graph([node], "outer", [], [])
    (folder / "velocity.onnx").write_bytes(onnx.helper.make_model(graph).SerializeToString())
    assert "'/etc/passwd'" in refusal(onnx_engine, folder)


def torch_engine(folder: Path) -> object:
    from flowlift.runtime import TorchEngine

    return TorchEngine(find_model(folder), "cpu")


def safetensors(header: bytes, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header + bytes(64)


@pytest.mark.parametrize(
    "content",
    [
        safetensors(b"{}", 2**63),
        safetensors(b"{" * 1000),
        safetensors(b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,999999999999]}}'),
        safetensors(b'{"a":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,16]}}'),
        safetensors(b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[48,32]}}'),
        b"",
    ],
    ids=["header without end", "no JSON", "beyond the file", "larger than it is", "backwards", "empty"],
)
def test_malformed_safetensors(tmp_path: Path, content: bytes) -> None:
    pytest.importorskip("torch")  # which takes longer to import than a refusal may take
    folder = model_folder(tmp_path / "model")
    (folder / "weights.safetensors").write_bytes(content)
    for engine in (torch_engine, onnx_engine):
        assert str(folder) in refusal(engine, folder)


def test_a_card_that_claims_a_network_of_any_size(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    folder = model_folder(tmp_path / "model")
    card = json.loads((folder / "model.json").read_text())
    card["network"]["width"] = 10**9
    (folder / "model.json").write_text(json.dumps(card))
    assert "width" in refusal(torch_engine, folder)


def test_a_link_in_a_packed_model_is_content(tmp_path: Path) -> None:
    """A zip may call a member a link: it becomes a file that holds the link's text, which is no description."""
    entry = zipfile.ZipInfo("model.json")
    entry.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.flowlift", "w") as made:
        made.writestr(entry, "/etc/passwd")
    assert "damaged" in refusal(find_model, tmp_path / "a.flowlift")


def test_damage_is_not_what_flowlift_says_itself() -> None:
    with pytest.raises(ModelError, match=r"^as it is$"), refused_if_damaged("never shown"):
        raise ModelError("as it is")
    with pytest.raises(InputError, match=r"^a file: two lines$"), refused_if_damaged("a file"):
        raise ValueError("two\n   lines")
    with pytest.raises(NameError), refused_if_damaged("mistakes of the program's own are not damage"):
        raise NameError("x")


def test_a_heap_of_an_hdf5_that_claims_everything(tmp_path: Path) -> None:
    """Texts of any length lie in heaps, whose claimed size HDF5's library would take from memory."""
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "a.nwb"
    with h5py.File(path, "w") as file:
        file["texts"] = ["one", "two"]
    content = bytearray(path.read_bytes())
    struct.pack_into("<Q", content, content.index(b"GCOL") + 8, 1 << 40)
    path.write_bytes(content)
    assert "claims 1,099,511,627,776 bytes" in refusal(load, path)


@pytest.mark.parametrize("suffix", [suffix for suffix in WRITERS if suffix != ".rrd"])
def test_what_joints_and_sources_are_called_leads_to_no_other_folder(tmp_path: Path, suffix: str) -> None:
    named = Skeleton("../../x", tuple(f"../../{joint}/\\" for joint in HUMAN36M17.joints), HUMAN36M17_PARENTS, ())
    given = made_poses(people=2, skeleton=named, provenance={"source": "../../evil", "model": "/etc/x"}, keypoints=None)
    (tmp_path / "a" / "b").mkdir(parents=True)
    with suppress(FlowliftError):  # some formats have no room for such names
        save(given, tmp_path / "a" / "b" / f"poses{suffix}")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]
    assert all(path.name.startswith("poses") for path in (tmp_path / "a" / "b").iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text on this system")
@pytest.mark.parametrize("suffix", WRITERS)
def test_files_whose_names_are_no_text(tmp_path: Path, suffix: str) -> None:
    """As an old archive or another system leaves them: caf\\xe9 in Latin-1."""
    name = os.fsdecode(b"caf\xe9")
    poses = made_poses(provenance={"source": name, "model": "human"})
    assert poses.provenance["source"] == "caf?"
    try:
        save(poses, tmp_path / f"{name}{suffix}")
    except MissingExtraError:
        pytest.skip("its extra is not installed")
    assert any(path.name.startswith(name) for path in tmp_path.iterdir())
    film = film_beside(write(tmp_path / f"{name}.mp4", "x"), tmp_path / "page.html")
    assert film.address == "./caf%E9.mp4"
    write_html(poses, tmp_path / "page.html", title=name, film=film)
    assert plan_jobs([str(tmp_path / f"{name}.mp4")], str(tmp_path / "out"), ["parquet"])[0].paths == (
        tmp_path / "out" / "clip=caf%5Cudce9" / "part.parquet",
    )


def test_skeletons_that_no_body_has(tmp_path: Path) -> None:
    """A chain of thousands of joints; a joint whose name would end a line, or a text."""
    chain = "\n".join(f'j{number} = "j{number - 1}"' for number in range(1, 60_000))
    assert "joints, more than" in refusal(Skeleton.load, write(tmp_path / "a.toml", f'[parents]\nj0 = ""\n{chain}'))
    for name in ("a\0", "a\nb", "a\tb", "\x1b[31m"):
        with pytest.raises(InputError, match="control characters"):
            Skeleton("x", (name,), (None,))


def test_as_many_people_as_sightings(tmp_path: Path) -> None:
    """A small file in which everybody is somebody else would become a large array, mostly of nobody."""
    one = [1.0, 2.0, 0.5] * 17
    found = [{"image_id": i, "category_id": 1, "keypoints": one, "score": 1.0, "track_id": i} for i in range(5000)]
    assert "5,000 people of 17 joints in 5,000 frames" in refusal(
        lambda path: load(path, image_size=(640, 480)), write(tmp_path / "a.json", json.dumps(found))
    )
