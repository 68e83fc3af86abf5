"""Every reader of files, with small whole files for it: made by flowlift's own writers and by those of the tests."""

import json
import os
import pickle
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from flowlift.io import load, save
from flowlift.skeleton import Skeleton
from flowlift.skeletons import ANIMAL3D26, COCO17, HUMAN36M17

ROOT = Path(__file__).resolve().parents[1]

if "tests" not in sys.modules:  # packages from elsewhere install a `tests` of their own
    _tests = ModuleType("tests")
    _tests.__path__ = [str(ROOT / "tests")]
    sys.modules["tests"] = _tests

Files = list[Path]


@dataclass(frozen=True)
class Target:
    """A reader. `seeds(folder)` writes whole files, each in a folder of its own with what it needs beside it, and names
    those to damage; `read(path)` reads one. `real`: patterns of further files in a folder of real data."""

    name: str
    seeds: Callable[[Path], Files]
    read: Callable[[Path], object]
    real: tuple[str, ...] = ()


def _each(folder: Path, **writers: Callable[[Path], object]) -> Files:
    """One file in each of several folders, called as the keyword with its last _ as the dot of the suffix."""
    made = []
    for number, (name, write) in enumerate(writers.items()):
        stem, _, suffix = name.rpartition("_")
        path = folder / str(number) / f"{stem}.{suffix}"
        path.parent.mkdir(parents=True)
        found = write(path)
        made.append(found if isinstance(found, Path) and found.is_file() else path)
    return made


def _text(content: Any) -> Callable[[Path], object]:
    text = content if isinstance(content, str) else json.dumps(content)
    return lambda path: path.write_text(text)


def _loaded(path: Path) -> object:
    return load(path, image_size=(640, 480))


def _native(suffix: str) -> Callable[[Path], Files]:
    def seeds(folder: Path) -> Files:
        from tests.io.made_poses import made_poses

        poses = replace(made_poses(people=2), hypotheses=np.zeros((6, 2, 2, 17, 3)), times=np.arange(6) / 25)
        return _each(
            folder,
            **{f"poses_{suffix}": lambda path: save(poses, path)},
            **{f"keypoints_{suffix}": lambda path: save(poses.keypoints, path)},
        )

    return seeds


def _videopose3d(folder: Path) -> Files:
    from tests.io.test_videopose3d import custom

    return _each(folder, data_npz=lambda path: custom(path, "walk.mp4"))


def _json_formats(folder: Path) -> Files:
    from tests.io.test_mediapipe_json import SHAPES
    from tests.io.test_mutations import CONTENTS

    alike = {f"{name.replace(' ', '-')}_json": _text(content) for name, content in CONTENTS.items()}
    return _each(folder, **alike, **{f"landmarks-{name}_json": _text(content) for name, content in SHAPES.items()})


def _openpose(folder: Path) -> Files:
    from tests.io.test_readers import openpose_frame, person

    for number in range(2):
        openpose_frame(folder / f"a_{number:03}.json", [person(18), person(18, 1)])
    return [folder / "a_000.json"]


def _tables(folder: Path) -> Files:
    from tests.io.test_deeplabcut import MOUSE, columns, table, write_csv

    labels, two = columns((), MOUSE), columns(("a", "b"), MOUSE)
    return _each(
        folder,
        one_csv=lambda path: write_csv(path, labels, table(labels)),
        two_csv=lambda path: write_csv(path, two, table(two)),
    )


def _deeplabcut_h5(folder: Path) -> Files:
    from tests.io.test_deeplabcut import MOUSE, columns, table, write_h5

    labels = columns((), MOUSE)
    return _each(
        folder,
        table_h5=lambda path: write_h5(path, labels, table(labels)),
        fixed_h5=lambda path: write_h5(path, labels, table(labels), "fixed"),
    )


def _sleap(folder: Path) -> Files:
    from tests.io.test_sleap import WRITE, mouse, tracked, video

    made = tracked(mouse(), video())
    return _each(folder, **{f"clip_{end[1:]}": lambda path, end=end: WRITE[end](made, path) for end in WRITE})


def _nwb(folder: Path) -> Files:
    from tests.io.test_nwb import write

    return _each(folder, one_nwb=write, two_nwb=lambda path: write(path, people=2, modules=("behavior",)))


def _written(*suffixes: str) -> Callable[[Path], Files]:
    def seeds(folder: Path) -> Files:
        from tests.io.made_poses import made_poses

        return _each(folder, **{f"poses_{end}": lambda path: save(made_poses(), path) for end in suffixes})

    return seeds


def _calibrations(folder: Path) -> Files:
    from tests.test_calibration import OPENCV, OPENCV_JSON, OPENCV_XML, PLAIN, TOML

    texts = {"a_toml": TOML, "b_yaml": OPENCV, "c_xml": OPENCV_XML, "d_json": OPENCV_JSON, "e_json": PLAIN}
    return _each(folder, **{name: _text(text) for name, text in texts.items()})


def _cameras(path: Path) -> object:
    from flowlift.datasets.session_rig import read_cameras

    return read_cameras(path)


def _skeletons(folder: Path) -> Files:
    from flowlift.demo_animal_files import skeleton_toml

    return _each(folder, a_toml=_text(skeleton_toml(ANIMAL3D26)), b_toml=_text(skeleton_toml(HUMAN36M17)))


def _mappings(folder: Path) -> Files:
    from flowlift.io.mapping_file import write_template

    return _each(folder, a_toml=lambda path: write_template(path, COCO17, HUMAN36M17, of="a.json"))


def _mapping(path: Path) -> object:
    from flowlift.io.mapping_file import read_mapping

    return read_mapping(path, COCO17, HUMAN36M17)


def _images(folder: Path) -> Files:
    from PIL import Image

    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8))
    more = {"save_all": True, "append_images": [picture.rotate(90)]}
    kinds: dict[str, dict[str, Any]] = {"png": {}, "jpg": {}, "tiff": more, "webp": more, "bmp": {}, "ppm": {}}

    def writer(options: dict[str, Any]) -> Callable[[Path], object]:
        return lambda path: picture.save(path, **options)

    return _each(folder, **{f"a_{kind}": writer(options) for kind, options in kinds.items()})


def _videos(folder: Path) -> Files:
    from tests.io.conftest import write

    return _each(
        folder,
        a_mp4=write,
        b_mkv=lambda path: write(path, times=[0.0, 0.1, 0.5]),
        c_avi=write,
        d_mp4=lambda path: write(path, codec="libx264", metadata={"title": "x"}),
    )


def _frames(path: Path) -> object:
    from flowlift.io.video import open_frames

    return sum(1 for _ in islice(open_frames(path), 30))


KEYPOINTS = (
    Target("flowlift npz", _native("npz"), _loaded),
    Target("flowlift JSON", _native("json"), _loaded),
    Target("VideoPose3D npz", _videopose3d, _loaded),
    Target("AlphaPose, MMPose, COCO, MediaPipe JSON", _json_formats, _loaded),
    Target("OpenPose JSON", _openpose, lambda path: load(path.parent, image_size=(640, 480)), ("**/*_keypoints.json",)),
    Target("DeepLabCut CSV", _tables, _loaded),
    Target("DeepLabCut h5", _deeplabcut_h5, _loaded),
    Target("SLEAP", _sleap, _loaded),
    Target("NWB", _nwb, _loaded),
    Target("TRC", _written("trc"), _loaded, ("eval/pose2sim/*.trc",)),
    Target("C3D", _written("c3d"), _loaded),
    Target("images", _images, _frames),
    Target("videos", _videos, _frames, ("eval/pose2sim/videos/cam04.mp4",)),
    Target("camera calibrations", _calibrations, _cameras, ("eval/pose2sim/*.toml",)),
    Target("skeleton TOML", _skeletons, Skeleton.load),
    Target("mapping TOML", _mappings, _mapping),
)


def _bvh(folder: Path) -> Files:
    from tests.datasets.mocap_moving import SUBJECT_RIG, walking, write_moving_bvh

    return _each(
        folder,
        a_bvh=lambda path: write_moving_bvh(path, SUBJECT_RIG, walking(6)),
        **{"02_01_bvh": lambda path: shutil.copy(_written("bvh")(path.parent / "written")[0], path)},
    )


def _motion(path: Path) -> object:
    from flowlift.datasets.bvh import read_bvh

    return read_bvh(path)


def _acclaim(folder: Path) -> Files:
    from tests.datasets.mocap_files import write_amc, write_asf

    write_asf(folder / "01.asf")
    write_amc(folder / "01_01.amc", [0.0] * 4)
    return [folder / "01.asf", folder / "01_01.amc"]


def _acclaim_motion(path: Path) -> object:
    from flowlift.datasets.asf_amc import human36m17_from_acclaim, read_acclaim

    return human36m17_from_acclaim(read_acclaim(path.parent / "01.asf", path.parent / "01_01.amc"))


def _captures(folder: Path) -> Files:
    from tests.datasets.mocap_moving import archived, write_captures

    return _each(
        folder, captures_tar=lambda path: archived(write_captures(path.parent / "c"), path.with_suffix(".tar"))
    )


def _takes(path: Path) -> object:
    from flowlift.datasets.mocap_takes import opened, read_take, takes

    with opened(path) as folder:
        return [read_take(take) for take in takes(folder).taken]


def _glb(folder: Path) -> Files:
    from tests.datasets.glb_files import about, write_fox

    keys = {"Walk": {"Front_Leg_Upper_L": [(0.0, about(0, 0)), (1.0, about(0, 40))]}}
    return _each(folder, fox_glb=lambda path: write_fox(path, keys))


def _animals(path: Path) -> object:
    from flowlift.datasets.animal_takes import animal_takes

    return list(animal_takes(path.parent))


def _human36m(folder: Path) -> Files:
    from tests.datasets.human36m_files import write

    write(folder)
    return [folder / name for name in ("data_3d_h36m.npz", "data_2d_h36m_cpn_ft_h36m_dbb.npz", "cameras.json")]


def _mpi_inf_3dhp(folder: Path) -> Files:
    from tests.datasets.mpi_inf_3dhp_files import write

    write(folder)
    return sorted(folder.glob("*.npz"))


def _threedpw(folder: Path) -> Files:
    from tests.datasets.test_threedpw import contents

    path = folder / "sequenceFiles" / "test" / "walk_00.pkl"
    path.parent.mkdir(parents=True)
    path.write_bytes(pickle.dumps(contents(), protocol=2))
    return [path]


def _animal3d(folder: Path) -> Files:
    from tests.datasets.test_animal3d import record, write

    write(folder, record(0), record(1))
    return [folder / "test.json"]


def _data_set(kind: str, split: str | None, *, above: int = 1, cameras: bool = False) -> Callable[[Path], object]:
    """Reads all clips of a split (None: the file's) of the data set in a folder that is `above` the damaged file."""

    def read(path: Path) -> object:
        from flowlift.datasets.opening import DataSetOptions, open_dataset

        folder = path.parents[above - 1]
        annotation = "univ_annot3" if kind == "mpi_inf_3dhp" else None
        options = DataSetOptions(cameras=folder / "cameras.json" if cameras else None, annotation=annotation)
        return list(open_dataset(folder, kind=kind, options=options).clips(split or path.stem.split("_")[1]))

    return read


def _recordings(folder: Path) -> Files:
    from tests.datasets import recordings as made

    xyz = made.moving(8)
    return _each(
        folder,
        anipose_csv=lambda path: made.write_anipose(path, xyz),
        dlc_csv=lambda path: made.write_deeplabcut_csv(path, xyz),
        dlc_h5=lambda path: made.write_deeplabcut_h5(path, xyz),
        sleap_h5=lambda path: made.write_sleap(path, xyz),
        dannce_h5=lambda path: made.write_dannce_h5(path, xyz, matlab=True),
        dannce_mat=lambda path: made.write_dannce_mat(path, xyz),
        markers_trc=lambda path: made.write_trc(path, xyz),
        markers_c3d=lambda path: made.write_c3d(path, xyz),
        plain_npz=lambda path: made.write_npz(path, xyz),
    )


def _sessions(path: Path) -> object:
    from flowlift.datasets.session import read_sessions
    from tests.datasets.recordings import ANIMAL

    return read_sessions([path], ANIMAL)


def _banks(folder: Path) -> Files:
    from flowlift.datasets.animal_bank import AnimalBank, save_animal_bank
    from flowlift.datasets.mocap_bank import Bank, Part, SourceCount
    from flowlift.datasets.mocap_bank_file import save_bank
    from flowlift.datasets.mocap_cleaning import FAULTS
    from flowlift.datasets.session import read_sessions
    from flowlift.datasets.session_bank import bank_of_sessions, save_session_bank
    from tests.datasets.recordings import ANIMAL, moving, write_npz

    random = np.random.default_rng(0)
    part = Part(random.normal(size=(4, 17, 3)).astype(np.float32), np.zeros(4, np.uint8))
    told = {"animations": 1, "frames": 4, "poses": 4, "unknown": []}
    bodies = tuple({"body": name, "held_out": held, **told} for name, held in (("fox", False), ("dog", True)))
    animals = random.normal(size=(2, 4, 26, 3)).astype(np.float32)
    people = Bank(part, part, (SourceCount("cmu", 1, 4, 4, (0,) * len(FAULTS)),), ())

    def sessions(path: Path) -> object:
        recording = write_npz(path.parent / "recording.npz", moving(400))
        return save_session_bank(bank_of_sessions(read_sessions([recording], ANIMAL), ANIMAL), path)

    return _each(
        folder,
        people_npz=lambda path: save_bank(people, path),
        animals_npz=lambda path: save_animal_bank(AnimalBank(animals[0], animals[1], bodies), path),
        sessions_npz=sessions,
    )


def _bank(path: Path) -> object:
    """As every user of banks reads them: each damaged one must be refused by its own."""
    from flowlift.datasets.animal_bank import load_animal_bank
    from flowlift.datasets.mocap_bank_file import load_bank
    from flowlift.datasets.session_pictures import session_pictures
    from flowlift.training.figure_source import load_figures
    from flowlift.training.sources import load_poses
    from tests.datasets.recordings import ANIMAL

    if path.stem == "people":
        return load_bank(path), load_poses(path)
    if path.stem == "animals":
        return load_animal_bank(path), load_figures(path, ANIMAL3D26)
    return session_pictures(path, rows=1), load_figures(path, ANIMAL)


DATA_SETS = (
    Target("BVH", _bvh, _motion),
    Target("ASF and AMC", _acclaim, _acclaim_motion),
    Target("archives of motion capture", _captures, _takes),
    Target("glTF", _glb, _animals, ("animals/*/[FS]*.glb", "animals/*/fox*.glb")),
    Target("Human3.6M", _human36m, _data_set("human36m", "test", cameras=True)),
    Target("MPI-INF-3DHP", _mpi_inf_3dhp, _data_set("mpi_inf_3dhp", None)),
    Target("3DPW", _threedpw, _data_set("threedpw", "test", above=3)),
    Target("Animal3D", _animal3d, _data_set("animal3d", "test")),
    Target("3D recordings of animals", _recordings, _sessions),
    Target("banks of poses", _banks, _bank),
)


def _checkpoints(folder: Path) -> Files:
    from tests.models.checkpoints import save_checkpoint

    return _each(folder, person_pth=save_checkpoint)


def _published(path: Path) -> object:
    from flowlift.network import load_published

    return load_published(path)


def _models(folder: Path) -> Files:
    """A model of random weights, with graphs."""
    from flowlift.models.importing import import_published
    from flowlift.models.packed import pack_model
    from tests.models.checkpoints import save_checkpoint

    os.environ["FLOWLIFT_MODELS"] = str(folder)
    model = import_published(save_checkpoint(folder / "person.pth"), name="small").model
    made, packed = model.folder, folder / "packed" / "small.flowlift"
    packed.parent.mkdir()
    pack_model(model, packed)
    return [packed, *(made / name for name in ("model.json", "weights.safetensors", "velocity.onnx"))]


def _lifting(path: Path) -> object:
    """Both engines evaluate it once."""
    from flowlift.models import find_model
    from flowlift.runtime import OnnxEngine, TorchEngine

    model = find_model(path if path.suffix == ".flowlift" else path.parent)
    joints = len(model.skeleton)
    seen, state = np.zeros((1, joints, 2), np.float32), np.zeros((1, 1, joints, 3), np.float32)
    return [
        engine.take(engine.velocity(engine.encode(engine.put(seen)), engine.put(state), 0.5))
        for engine in (OnnxEngine(model), TorchEngine(model, "cpu"))
    ]


def _runs(folder: Path) -> Files:
    """A run that was trained for one step."""
    from flowlift.training.loop import train

    np.savez(folder / "bank.npz", train=_standing(16), val=_standing(4))
    train(_config(folder), folder / "run")
    return [folder / "run" / name for name in ("checkpoint.pt", "best.pt", "config.json", "log.csv")]


def _config(folder: Path) -> Any:
    from flowlift.training.config import config_from

    return config_from(
        {
            "data": {"kind": "bank", "path": str(folder / "bank.npz")},
            "network": {"kind": "velocity", "width": 16, "blocks": 1, "hidden": 24},
            "run": {"epochs": 1, "batch": 4, "epoch": 4, "check_views": 4},
        }
    )


def _standing(count: int) -> np.ndarray:
    from flowlift.demo import walk

    xyz = walk(np.arange(count) / 30)
    return ((xyz - xyz[:, :1]) / 1.5).astype(np.float32)


def _resumed(path: Path) -> object:
    from flowlift.training.loop import train
    from flowlift.training.publish import publish

    run = path.parent
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train(_config(run.parent), run)
        return publish(run, run.parent / "published", name="small")


def _configurations(folder: Path) -> Files:
    recipes = ROOT / "src" / "flowlift" / "training" / "recipes"
    return [Path(shutil.copy(recipe, folder)) for recipe in sorted(recipes.glob("*.toml"))]


def _configuration(path: Path) -> object:
    from flowlift.training.config import find_config

    return find_config(str(path))


MODELS = (
    Target("published checkpoints", _checkpoints, _published),
    Target("models: card, safetensors, ONNX, .flowlift", _models, _lifting),
    Target("training runs: checkpoints, configuration, log", _runs, _resumed),
    Target("training recipes", _configurations, _configuration),
)

TARGETS = {target.name: target for target in (*KEYPOINTS, *DATA_SETS, *MODELS)}


def seeds_of(target: Target, folder: Path, real: Path | None = None) -> Iterator[Path]:
    """Whole files for a reader, of real data too where there is some; each has what it needs beside it."""
    folder.mkdir(parents=True)
    yield from target.seeds(folder)
    for number, path in enumerate(islice((p for glob in target.real for p in sorted((real or folder).glob(glob))), 4)):
        if real is not None:
            beside = folder / f"real{number}"
            beside.mkdir()
            yield Path(shutil.copy(path, beside))
