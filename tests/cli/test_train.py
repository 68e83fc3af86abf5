"""`flowlift train`: a configuration in, a model that lifts out; bad input in one line."""

import json
import signal
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")

from flowlift.cli import main
from flowlift.datasets.mocap import stature
from flowlift.demo import synthesize, walk

from ..datasets import human36m_files

CONFIG = """
[data]
path = "bank.npz"

[network]
kind = "velocity"
width = 16
blocks = 1
heads = 2
hidden = 16

[method]
name = "{method}"
steps = 2

[run]
epochs = 2
epoch = 64
batch = 32
check_views = 8
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    xyz = np.asarray(walk(np.arange(0, 4, 0.1)))
    xyz = ((xyz - xyz[:, :1]) / stature(xyz - xyz[:, :1])[:, None, None]).astype(np.float32)
    np.savez(tmp_path / "bank.npz", train=xyz[:30], val=xyz[30:])
    return tmp_path


def write(folder: Path, method: str = "flow") -> str:
    (folder / "run.toml").write_text(CONFIG.format(method=method))
    return str(folder / "run.toml")


@pytest.mark.slow
@pytest.mark.parametrize("method", ["flow", "regression", "diffusion", "cvae"])
def test_what_is_trained_lifts(folder, method):
    from flowlift import Lifter

    assert main(["train", write(folder, method), "-o", str(folder / "run")]) == 0
    clip = synthesize(seed=0, seconds=0.3)
    poses = Lifter.load(folder / "run" / "model")(clip.keypoints, camera=clip.camera, hypotheses=4)
    assert np.isfinite(poses.xyz).all(axis=(1, 2, 3)).mean() > 0.5  # somebody is out of view in some frames
    card = json.loads((folder / "run" / "model" / "model.json").read_text())
    assert (card["method"], card["conditioning"], card["training"]["views"] % 64) == (method, "screen", 0)


def test_cameras_lie_where_the_data_do(tmp_path, capsys):
    """As docs/method.md trains on Human3.6M: the recipe names both in one folder, --data another one."""
    (tmp_path / "elsewhere").mkdir()
    human36m_files.write(tmp_path / "elsewhere")
    data = 'kind = "human36m"\npath = "human36m"\ncameras = "human36m/cameras.json"\nheld_out = ["S8"]'
    (tmp_path / "run.toml").write_text(CONFIG.format(method="flow").replace('path = "bank.npz"', data))
    command = ["train", str(tmp_path / "run.toml"), "--epochs", "1", "--data"]
    for number, path in enumerate((tmp_path / "elsewhere", tmp_path / "elsewhere" / "data_3d_h36m.npz")):
        assert main([*command, str(path), "-o", str(tmp_path / f"run{number}")]) == 0
        held = json.loads((tmp_path / f"run{number}" / "config.json").read_text())["data"]
        assert held["cameras"] == str(tmp_path / "elsewhere" / "cameras.json")
    (tmp_path / "elsewhere" / "cameras.json").rename(tmp_path / "cameras.json")
    assert main([*command, str(tmp_path / "elsewhere"), "-o", str(tmp_path / "run3")]) == 2
    assert "elsewhere/cameras.json: cannot read the cameras" in capsys.readouterr().err
    text = (tmp_path / "run.toml").read_text().replace("human36m/cameras.json", "cameras.json")
    (tmp_path / "run.toml").write_text(text)  # which lie beside the data
    assert main([*command, str(tmp_path / "elsewhere"), "-o", str(tmp_path / "run4")]) == 0


def test_a_run_of_another_configuration_is_not_overwritten(folder, capsys):
    config = write(folder)
    assert main(["train", config, "-o", str(folder / "run"), "--epochs", "1"]) == 0
    before = (folder / "run" / "log.csv").read_text()
    assert main(["train", config, "-o", str(folder / "run"), "--epochs", "1", "--batch", "16"]) == 2
    assert "another configuration" in capsys.readouterr().err
    assert (folder / "run" / "log.csv").read_text() == before


def test_a_run_can_be_made_longer(folder):
    config = write(folder)
    assert main(["train", config, "-o", str(folder / "run"), "--epochs", "1"]) == 0
    first = (folder / "run" / "log.csv").read_text()
    assert main(["train", config, "-o", str(folder / "run"), "--epochs", "2"]) == 0
    assert (folder / "run" / "log.csv").read_text().startswith(first)


def test_ctrl_c_leaves_a_run_that_goes_on(folder, capsys, monkeypatch):
    from flowlift.training import loop

    words = ["train", write(folder), "-o", str(folder / "run"), "--epochs", "1"]
    with monkeypatch.context() as patched:
        patched.setattr(loop, "open_source", _interrupted)
        assert main(words) == 130
    assert "run holds no checkpoint yet; the same command begins again" in capsys.readouterr().err
    with monkeypatch.context() as patched:
        patched.setattr(loop, "draw_poses", _interrupted)  # once it checks
        assert main(words) == 130
    assert "holds no checkpoint yet" in capsys.readouterr().err
    step = loop._step
    with monkeypatch.context() as patched:
        patched.setattr(loop, "_step", lambda *given: (signal.raise_signal(signal.SIGINT), step(*given))[1])
        assert main(words) == 130
    assert "stopped after step 1; the same command goes on from there" in capsys.readouterr().err
    assert (folder / "run" / "checkpoint.pt").exists()
    assert main(words) == 0


def _interrupted(*given, **settings):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["no-such.toml"], "human36m"),
        (["animal3d", "--data", "nowhere"], "nowhere"),
        (["human36m", "--epochs", "0"], "run.epochs"),
        (["human", "--data", "no-bank.npz"], "no-bank.npz"),
    ],
)
def test_bad_input_is_one_line(tmp_path, capsys, monkeypatch, arguments, named):
    monkeypatch.chdir(tmp_path)
    assert main(["train", *arguments, "-o", "run"]) == 2
    said = capsys.readouterr().err
    assert named in said
    assert said.count("\n") == 1


@pytest.mark.slow
def test_two_processes_see_what_one_does(folder):
    import csv
    import shutil
    import subprocess
    import sys

    def first_loss(devices: str) -> float:
        out = folder / f"run{devices}"
        program = shutil.which("flowlift", path=str(Path(sys.executable).parent))
        assert program is not None
        command = [program, "train", write(folder), "-o", str(out), "--devices", devices]
        done = subprocess.run(command, capture_output=True, text=True, timeout=200)
        assert done.returncode == 0, done.stderr
        assert (out / "model" / "model.json").is_file()
        with (out / "log.csv").open(newline="") as stream:
            return float(next(csv.DictReader(stream))["loss"])

    # The same views, noise and times; only dropout differs.
    assert first_loss("2") == pytest.approx(first_loss("1"), rel=0.1)


STEADY = """
[data]
path = "bank.npz"
conditioning = "canonical"

[network]
kind = "two-part"
encoder_width = 32
encoder_blocks = 1
head_width = 32
head_blocks = 1

[method]
error = "pose"
steps = 2

[optimizer]
name = "adamw"
learning_rate = 3e-3

[run]
epochs = 4
epoch = 256
batch = 32
log_every = 2
check_views = 8
"""


@pytest.mark.slow
def test_torchrun_gives_the_loss_curve_of_one_process_also_in_two_parts(folder):
    import subprocess
    import sys

    (folder / "run.toml").write_text(STEADY)

    def start(out: str, *more: str, processes: int) -> None:
        torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
        program = [*(torchrun if processes > 1 else ()), "-m", "flowlift", "train", "run.toml", "-o", out, *more]
        done = subprocess.run([sys.executable, *program], cwd=folder, capture_output=True, text=True, timeout=200)
        assert done.returncode == 0, done.stderr

    def curves(out: str) -> list[np.ndarray]:
        return [np.loadtxt(folder / out / name, delimiter=",", skiprows=1) for name in ("log.csv", "held_out.csv")]

    start("one", processes=1)
    start("two", "--epochs", "2", processes=2)
    checkpoint = folder / "two" / "checkpoint.pt"
    assert checkpoint.exists()
    start("two", processes=2)
    for one, two in zip(curves("one"), curves("two"), strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-4)
    assert len(curves("one")[0]) >= 16
    assert (folder / "two" / "two.flowlift").is_file()
    assert not list((folder / "two").glob(".flowlift-*"))  # one process writes
    start("two", "--epochs", "5", processes=1)  # and one goes on with what two began
    assert len(curves("two")[1]) == 5
