"""`flowlift models`: import, list, show, export, and lifting with what was imported."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import flowlift
from flowlift.cli import main
from flowlift.models import find_model


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where imported models go; it does not exist yet."""
    folder = tmp_path / "kept"
    monkeypatch.setenv("FLOWLIFT_MODELS", str(folder))
    return folder


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A small checkpoint of a person's network."""
    pytest.importorskip("torch")
    from ..models.checkpoints import save_checkpoint

    return save_checkpoint(tmp_path / "person.pth")


def assert_one_error_line(stderr: str, *expected: str) -> None:
    lines = stderr.splitlines()
    assert len(lines) == 1, stderr
    assert lines[0].startswith("flowlift: error: ")
    for text in expected:
        assert text in lines[0]


def test_a_golden_checkpoint_lifts(kept, walk, tmp_path, parity_folder, capfd):
    assert main(["models", "import", str(parity_folder / "humans.pth"), "--name", "golden"]) == 0
    lift = ["lift", str(walk), "-o", f"{tmp_path}/out.npz", "--model", "golden", "--hypotheses", "4", "--smooth", "off"]
    assert main(lift) == 0
    assert capfd.readouterr().err == ""
    poses = flowlift.load(tmp_path / "out.npz")
    about = poses.provenance
    assert (about["model"], about["conditioning"], about["uncertainty"]) == ("golden", "screen", "uncalibrated")
    assert about["steps"] == 3
    seen = np.isfinite(poses.keypoints.xy).all(axis=-1).sum(axis=-1) >= 3
    assert (np.isfinite(poses.xyz).all(axis=(2, 3)) == seen).all()
    assert seen.any()


@pytest.mark.parametrize("name", ["human", "human-fast"])
def test_packaged_models_tell_their_licence_and_whom_their_motion_is_from(name, capsys):
    assert main(["models", "show", name]) == 0
    told = capsys.readouterr().out
    assert "licence: Apache-2.0" in told
    assert "obtained from mocap.cs.cmu.edu" in told
    assert "created with funding from NSF EIA-0196217" in told


def test_import_list_show_and_export(kept, checkpoint, walk, tmp_path, capfd):
    assert main(["models", "import", str(checkpoint), "--name", "mine", "--steps", "2"]) == 0
    told = capfd.readouterr()
    assert "licence" in told.out
    assert str(kept / "mine") in told.out
    assert told.err == ""
    assert main(["models", "list"]) == 0
    lines = {line.split()[0]: line.split()[1:] for line in capfd.readouterr().out.splitlines()}
    own, mine = (find_model(name).parameters for name in ("human", "mine"))
    assert lines["human"] == ["human36m17", "two-part", f"{own:,}", "canonical", "package"]
    assert lines["mine"] == ["human36m17", "velocity", f"{mine:,}", "screen", "import"]
    assert main(["models", "show", "mine"]) == 0
    shown = capfd.readouterr().out
    for text in ("uncalibrated", "person.pth", "flow, 2 steps", "not known to flowlift"):
        assert text in shown
    assert main(["models", "export", "mine", "-o", f"{tmp_path}/copy"]) == 0
    assert main(["lift", str(walk), "-o", f"{tmp_path}/a.npz", "--model", "mine"]) == 0
    assert main(["lift", str(walk), "-o", f"{tmp_path}/b.npz", "--model", f"{tmp_path}/copy"]) == 0
    one, other = flowlift.load(tmp_path / "a.npz"), flowlift.load(tmp_path / "b.npz")
    np.testing.assert_array_equal(one.xyz, other.xyz)


def test_another_graph_is_a_warning(kept, tmp_path, capfd):
    torch = pytest.importorskip("torch")
    from ..models.checkpoints import random_state

    state = random_state()
    state["A"] = state["A"].flip(1, 2)
    torch.save(state, tmp_path / "other.pth")
    assert main(["models", "import", f"{tmp_path}/other.pth", "--name", "other"]) == 0
    assert capfd.readouterr().err.startswith("flowlift: warning: other: its graph links other joints")


KINDS = ("missing key", "extra key", "wrong shape", "not finite", "sparse", "larger than the file")


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_state_dict_is_one_line(kept, tmp_path, capfd, kind):
    pytest.importorskip("torch")
    from ..models.checkpoints import WRONG, spoil

    assert set(WRONG) == set(KINDS)
    bad = spoil(tmp_path / "bad.pth", kind)
    assert main(["models", "import", str(bad), "--name", "bad"]) == 2
    assert_one_error_line(capfd.readouterr().err, str(bad), WRONG[kind][1])
    assert not kept.exists()


def test_a_hostile_checkpoint_is_one_line_and_runs_nothing(run, tmp_path, kept):
    torch = pytest.importorskip("torch")
    from ..models.checkpoints import Hostile, random_state

    torch.save({**random_state(), "A": Hostile(tmp_path / "ran")}, tmp_path / "bad.pth")
    done = run("models", "import", "bad.pth", "--name", "bad")
    assert done.returncode == 2
    assert done.stdout == ""
    assert_one_error_line(done.stderr, "bad.pth", "could run code")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.pth"]


def test_a_truncated_checkpoint_is_one_line(kept, checkpoint, capfd):
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    assert main(["models", "import", str(checkpoint), "--name", "bad"]) == 2
    assert_one_error_line(capfd.readouterr().err, "person.pth", "cut off")
    assert not kept.exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["import", "nowhere.pth", "--name", "x"], "nowhere.pth"),
        (["import", "nowhere.pth", "--name", "human"], "human"),
        (["import", "nowhere.pth", "--name", "a/b"], "a/b"),
        (["import", "nowhere.pth"], "--name"),
        (["import", "nowhere.pth", "--name", "x", "--steps", "0"], "steps"),
        (["show", "unicorn"], "unicorn"),
        (["export", "unicorn", "-o", "out"], "unicorn"),
        (["export", "human"], "--output"),
        (["export", "human", "-o", "."], "already"),
        (["adopt"], "adopt"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_what_cannot_be_is_one_line(kept, tmp_path, monkeypatch, capfd, arguments, expected):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes").touch()
    assert main(["models", *arguments]) == 2
    assert_one_error_line(capfd.readouterr().err, expected)
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]


def test_a_damaged_model_hides_no_other(kept, capfd):
    (kept / "broken").mkdir(parents=True)
    (kept / "broken" / "model.json").write_text("{}")
    assert main(["models", "list"]) == 0
    shown, told = capfd.readouterr()
    assert "human " in shown
    assert "broken damaged import" in " ".join(shown.split())
    assert told.startswith(f"flowlift: warning: {kept / 'broken' / 'model.json'}: ")
    assert told.count("\n") == 1


@pytest.mark.parametrize("arguments", [["models", "list"], ["models", "show", "human"], ["models", "--help"]])
def test_looking_needs_no_torch(kept, arguments):
    code = f"import sys; from flowlift.cli import main; main({arguments!r}); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("False\n")


def test_importing_without_torch_says_how_to_add_it(kept, tmp_path, monkeypatch, capfd):
    for module in ("torch", "flowlift.models.weights", "flowlift.network"):
        monkeypatch.setitem(sys.modules, module, None)
    assert main(["models", "import", "some.pth", "--name", "x"]) == 2
    assert_one_error_line(capfd.readouterr().err, "flowlift[train]")
