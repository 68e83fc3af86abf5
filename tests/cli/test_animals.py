"""Animals on the command line: a DeepLabCut file with a model in the published layout, and mappings of names."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

import flowlift
from flowlift.animal_skeletons import ANIMAL3D26, SUPERANIMAL_QUADRUPED39
from flowlift.cli import main
from flowlift.containers import Keypoints2D, Poses3D

DOG = (
    *("Snout", "LEye", "REye", "Neck", "TailBase", "TailTip", "LF_Elbow", "LF_Wrist", "LF_Paw", "RF_Paw"),
    *("LH_Stifle", "LH_Hock", "LH_Paw", "RH_Paw", "food bowl"),
)


def write_csv(path: Path, bodyparts: Sequence[str], individuals: Sequence[str] = (), frames: int = 3) -> Path:
    """DeepLabCut's table with points that differ in all columns."""
    columns = [
        (who, part, what) for who in individuals or ("",) for part in bodyparts for what in ("x", "y", "likelihood")
    ]
    values = np.random.default_rng(0).uniform(100, 500, (frames, len(columns)))
    values[:, 2::3] = 0.9
    rows = [["scorer", *("DLC" for _ in columns)]]
    rows += [["individuals", *(who for who, _, _ in columns)]] if individuals else []
    rows += [["bodyparts", *(part for _, part, _ in columns)], ["coords", *(what for _, _, what in columns)]]
    rows += [[str(i), *map(str, row)] for i, row in enumerate(values)]
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return path


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An animal's checkpoint in the published layout, of random weights, imported through the command line."""
    pytest.importorskip("torch")
    from ..models.checkpoints import save_checkpoint

    folder = tmp_path_factory.mktemp("published")
    path = save_checkpoint(folder / "animals.pth", ANIMAL3D26, separate_encoders=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLOWLIFT_MODELS", str(folder / "models"))
        assert main(["models", "import", str(path), "--name", "published"]) == 0
        yield "published"


def lift(*arguments: object) -> int:
    size = ("--image-size", "640x480", "--hypotheses", "2")
    return main(["lift", *map(str, arguments), *size])


def test_a_deeplabcut_file_is_lifted_and_told_of(
    published: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dog = write_csv(tmp_path / "dog.csv", DOG, ("zoe", "adam"))
    capsys.readouterr()
    assert lift(dog, "--model", published, "-o", tmp_path / "dog.npz") == 0
    told = capsys.readouterr()
    assert told.out == ""
    (line,) = told.err.splitlines()
    assert line.startswith("flowlift: joints: 15 of 26 found: ")
    for words in ("left_front_knee = lf_wrist", "left_back_thigh = lh_stifle", "tail_mid = tailbase + tailtip"):
        assert words in line
    assert line.endswith("not used: food_bowl")
    poses = flowlift.load(tmp_path / "dog.npz")
    assert isinstance(poses, Poses3D)
    assert poses.xyz.shape == (3, 2, 26, 3)
    assert poses.provenance["joints"] == line.removeprefix("flowlift: joints: ")
    assert lift(f"{dog}::adam", "--model", published, "-o", tmp_path / "adam.npz", "--quiet") == 0
    assert capsys.readouterr().err == ""
    np.testing.assert_allclose(flowlift.load(tmp_path / "adam.npz").xyz[:, 0], poses.xyz[:, 1], atol=1e-4)
    assert lift(f"{dog}::max", "--model", published, "-o", tmp_path / "max.npz") == 2
    assert "there are zoe, adam" in capsys.readouterr().err


def test_unknown_names_get_a_mapping_to_fill_in(
    published: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = write_csv(tmp_path / "odd.csv", [f"p{i}" for i in range(8)])
    mapping = tmp_path / "out" / "odd.mapping.toml"
    capsys.readouterr()
    assert lift(odd, "--model", published, "-o", tmp_path / "out" / "odd.csv") == 2
    told = capsys.readouterr().err
    assert "Traceback" not in told
    assert f"add --mapping {mapping}" in told
    text = mapping.read_text()
    assert all(f'{joint} = ""' in text for joint in ANIMAL3D26.joints)
    assert lift(odd, "--model", published, "-o", tmp_path / "odd.npz", "--mapping", mapping) == 2
    assert "maps nothing yet" in capsys.readouterr().err
    filled = text.replace('nose = ""', 'nose = "P0"').replace('neck = ""', 'neck = ["p1", "p2"]')
    mapping.write_text(filled.replace('tail_base = ""', 'tail_base = "p3"'))
    assert lift(odd, "--model", published, "-o", tmp_path / "out" / "odd.csv") == 2  # what was filled in stays
    assert 'nose = "P0"' in mapping.read_text()
    capsys.readouterr()
    assert lift(odd, "--model", published, "-o", tmp_path / "odd.npz", "--mapping", mapping) == 0
    assert "3 of 26 found: tail_base = p3, neck = p1 + p2, nose = p0" in capsys.readouterr().err
    poses = flowlift.load(tmp_path / "odd.npz")
    before = flowlift.load(odd, image_size=(640, 480))
    assert poses.keypoints is not None
    middle = before.xy[:, :, [1, 2]].mean(axis=2)
    np.testing.assert_allclose(poses.keypoints.xy[:, :, ANIMAL3D26.index("neck")], middle, rtol=1e-5)
    assert "neck = p1 + p2" in poses.provenance["joints"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[joints]\nnose = 3\n", "nose: expected"),
        ("[joints]\nsnout = 'p0'\n", "no joint 'snout'"),
        ("[joints]\nnose = 'p99'\n", "no 'p99'"),
        ("skeleton = 'human36m17'\n[joints]\nnose = 'p0'\n", "maps to 'human36m17'"),
        ("nose = 'p0'\n", r"\[joints\]"),
        ("[joints\n", "cannot be read as TOML"),
        (None, "cannot be read"),
    ],
)
def test_a_bad_mapping_is_told_in_one_line(tmp_path: Path, text: str | None, says: str) -> None:
    from flowlift.errors import InputError
    from flowlift.io.mapping_file import read_mapping

    path = tmp_path / "map.toml"
    if text is not None:
        path.write_text(text)
    source = flowlift.load(write_csv(tmp_path / "odd.csv", [f"p{i}" for i in range(8)]), image_size=(640, 480)).skeleton
    with pytest.raises(InputError, match=says) as caught:
        read_mapping(path, source, ANIMAL3D26)
    assert "\n" not in str(caught.value)


def test_an_animal_given_to_the_human_model_is_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dog = write_csv(tmp_path / "dog.csv", DOG)
    assert lift(dog, "-o", tmp_path / "dog.npz") == 2
    assert "add --model animal" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dog.csv"]


def test_superanimals_file_maps_by_definition(
    published: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_csv(tmp_path / "clip.csv", SUPERANIMAL_QUADRUPED39.joints)
    capsys.readouterr()
    assert lift(path, "--model", published, "-o", tmp_path / "clip.npz") == 0
    assert "26 of 26 found" in capsys.readouterr().err
    poses = flowlift.load(tmp_path / "clip.npz")
    assert isinstance(poses.keypoints, Keypoints2D)
    assert poses.keypoints.skeleton == SUPERANIMAL_QUADRUPED39
    assert "left_shoulder = back_base + front_left_thai" in poses.provenance["joints"]


def test_a_mapping_is_not_for_videos(published: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from PIL import Image

    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    (tmp_path / "map.toml").write_text("")
    assert lift(tmp_path / "a.png", "-o", tmp_path / "a.npz", "--mapping", tmp_path / "map.toml") == 2
    assert "keypoint files" in capsys.readouterr().err


def test_the_golden_animal_checkpoint_lifts_a_deeplabcut_file(
    parity_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    monkeypatch.setenv("FLOWLIFT_MODELS", str(tmp_path / "models"))
    assert main(["models", "import", str(parity_folder / "animals.pth"), "--name", "golden"]) == 0
    dog = write_csv(tmp_path / "dog.csv", DOG)
    assert lift(dog, "--model", "golden", "-o", tmp_path / "dog.npz", "--quiet") == 0
    poses = flowlift.load(tmp_path / "dog.npz")
    assert isinstance(poses, Poses3D)
    assert np.isfinite(poses.xyz).all()
    assert poses.skeleton == ANIMAL3D26
    assert (poses.provenance["unit"], poses.provenance["steps"]) == ("model units", 5)
