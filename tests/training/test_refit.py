"""Once all is chosen, what was held out is trained on, too: the last epoch is the result, its uncertainty what
was measured before."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")

from flowlift.cli import main  # noqa: E402
from flowlift.demo_animal import MOUSE, roam  # noqa: E402
from flowlift.errors import InputError, ModelError  # noqa: E402
from flowlift.models import find_model  # noqa: E402
from flowlift.models.packed import pack_model  # noqa: E402
from flowlift.skeletons import HUMAN36M17  # noqa: E402
from flowlift.training.__main__ import main as publish_again  # noqa: E402
from flowlift.training.config import DataConfig, config_from  # noqa: E402
from flowlift.training.figure_source import open_figures  # noqa: E402
from flowlift.training.loop import train  # noqa: E402
from flowlift.training.publish import publish  # noqa: E402
from flowlift.training.sources import open_source  # noqa: E402

pytestmark = pytest.mark.usefixtures("few_steps")
CPU = torch.device("cpu")


NETWORK = {"encoder_width": 32, "encoder_blocks": 1, "head_width": 32, "head_blocks": 1}


def plan(bank, start="", **data):
    return config_from(
        {
            "data": {"path": str(bank), "conditioning": "canonical", **data},
            "network": {"kind": "two-part", **NETWORK},
            "method": {"steps": 2, "error": "pose"},
            "optimizer": {"name": "adamw", "learning_rate": 3e-3},
            "run": {"epochs": 2, "epoch": 96, "batch": 16, "check_views": 8, "start": start},
        }
    )


def refit(config, start):
    return replace(config, data=replace(config.data, refit=True), run=replace(config.run, start=str(start)))


@pytest.fixture(scope="module")
def first(bank, tmp_path_factory):
    """A model that was trained with some of its bank held out."""
    folder = tmp_path_factory.mktemp("first")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("flowlift.training.covering.STEPS", 10)
        publish(train(plan(bank), folder / "run"), folder / "model", name="first")
    return folder / "model"


@pytest.fixture
def animals(tmp_path):
    """A bank of two bodies, the second of them held out and 1.5 times as large; with the first one's cameras."""
    xyz = roam(seed=6, seconds=2.0).xyz / 97.0
    xyz = (xyz - xyz[:, :1])[..., [0, 2, 1]] * [1, 1, -1]
    parts = {"train": xyz[:40].astype(np.float32), "val": (1.5 * xyz[40:]).astype(np.float32)}
    told = [{"body": "a", "poses": 40, "held_out": False}, {"body": "b", "poses": len(xyz) - 40, "held_out": True}]
    arrays = parts | {
        "train_session": np.zeros(40, dtype=np.int64),
        "train_place": np.zeros((40, 3), dtype=np.float32),
        "camera_rotation": np.diag([1.0, -1.0, -1.0]).astype(np.float32)[None, None],
        "camera_translation": np.array([[[0.0, 0.0, 7.0]]], dtype=np.float32),
    }
    np.savez(tmp_path / "animals.npz", about=np.array(json.dumps({"bodies": told})), **arrays)
    return tmp_path / "animals.npz"


def test_every_pose_is_trained_on_and_known_to_be_its_bodys(animals):
    data = DataConfig(path=str(animals), kind="any", conditioning="canonical")
    before = open_figures(data, MOUSE, CPU)
    after = open_figures(replace(data, refit=True), MOUSE, CPU)
    assert len(after.bank) == len(before.bank) + len(before.kept)
    assert after.bank.body.unique().tolist() == [0, 1]
    assert len(after.bank.shapes) == 2
    longer = after.bank.shapes.norm(dim=-1)[1] / after.bank.shapes.norm(dim=-1)[0].clamp(min=1e-6)
    assert float(longer[1:].median()) == pytest.approx(1.5, rel=0.05)


def test_cameras_of_sessions_see_only_the_poses_whose_place_is_known(animals):
    views = {"real": 1.0, "noise": 0.0, "complete": 1.0, "outlier": 0.0}
    data = DataConfig(path=str(animals), kind="any", conditioning="canonical", refit=True, views=views)
    source = open_figures(data, MOUSE, CPU)
    poses = len(source.bank) // 2
    assert (len(source.real.session), len(source.real.place)) == (poses, poses)
    assert source.real.place.isfinite().all(dim=-1).tolist() == [True] * 40 + [False] * (poses - 40)
    batch = source.batch(torch.arange(300), torch.Generator().manual_seed(0))
    assert torch.isfinite(batch.condition).all()
    assert torch.isfinite(batch.target).all()


def test_a_bank_of_people_is_trained_on_whole(bank):
    data = DataConfig(path=str(bank), conditioning="canonical")
    before, after = (open_source(replace(data, refit=whole), HUMAN36M17, CPU) for whole in (False, True))
    assert len(after.bank) == len(before.bank) * 60 / 50


def test_the_last_epoch_is_the_result_and_as_sure_as_was_measured(bank, first, tmp_path, capsys):
    again = refit(plan(bank), first)
    publish(train(again, tmp_path / "again"), tmp_path / "whole", name="whole")
    last = torch.load(tmp_path / "again" / "checkpoint.pt", weights_only=True)
    best = torch.load(tmp_path / "again" / "best.pt", weights_only=True)
    assert best["step"] == last["step"] == 12
    for name, value in best["network"].items():
        assert torch.equal(value, last["averaged"][f"network.{name}"]), name
    before, after = (json.loads((folder / "model.json").read_text()) for folder in (first, tmp_path / "whole"))
    same = [{key: value for key, value in card["calibration"].items() if key != "missed"} for card in (before, after)]
    assert same[0] == same[1]
    assert after["calibration"]["missed"] != before["calibration"]["missed"]  # it takes no truth to measure
    assert after["starts"] != before["starts"]
    assert find_model(tmp_path / "whole").calibrated
    assert "held_out" not in after["training"]
    for name in ("held_out", "on"):
        assert after["training"]["started_from"][name] == before["training"][name]
    card = (tmp_path / "whole" / "model.json").read_text()
    assert publish_again(["calibrate", str(tmp_path / "whole"), "--data", str(bank)]) == 2
    assert "nothing is left to measure" in capsys.readouterr().err
    assert (tmp_path / "whole" / "model.json").read_text() == card


def test_an_early_epoch_that_was_better_on_what_is_no_longer_held_out_is_not_taken(bank, first, tmp_path):
    worse = refit(plan(bank), first)
    worse = replace(worse, optimizer=replace(worse.optimizer, learning_rate=3.0, averaging=0.0, clip=0.0))
    out = train(worse, tmp_path / "worse")
    errors = [float(line.split(",")[3]) for line in (out / "held_out.csv").read_text().splitlines()[1:]]
    assert torch.load(out / "best.pt", weights_only=True)["step"] == 12
    assert errors[-1] == torch.load(out / "best.pt", weights_only=True)["p_mpjpe"]


def test_a_model_that_was_never_measured_is_refused_before_anything_is_trained(bank, first, tmp_path):
    shutil.copytree(first, tmp_path / "model")
    card = tmp_path / "model" / "model.json"
    card.write_text(json.dumps({**json.loads(card.read_text()), "calibration": None}))
    with pytest.raises(ModelError, match="its uncertainty was never measured"):
        train(refit(plan(bank), tmp_path / "model"), tmp_path / "again")
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({"refit": True}, r"data\.refit needs run\.start"),
        ({"refit": True, "kind": "human36m", "start": "human"}, "data.refit goes with"),
    ],
)
def test_refitting_that_cannot_be(bank, data, complaint):
    with pytest.raises(InputError, match=complaint):
        plan(bank, **data)


def test_the_command_line_refits(bank, first, tmp_path, capsys):
    network = "\n".join(f"{key} = {value}" for key, value in NETWORK.items())
    (tmp_path / "small.toml").write_text(
        f'data = {{ path = "{bank}", conditioning = "canonical" }}\n'
        'method = { error = "pose", steps = 2 }\n'
        "run = { epochs = 1, epoch = 96, batch = 16, check_views = 8 }\n"
        f'[network]\nkind = "two-part"\n{network}\n'
    )
    packed = tmp_path / "first.flowlift"
    pack_model(find_model(first), packed)
    words = ["train", str(tmp_path / "small.toml"), "-o", str(tmp_path / "whole"), "--refit", str(packed)]
    assert main([*words, "--start", "human"]) == 2
    assert "--start cannot name another" in capsys.readouterr().err
    assert main(words) == 0
    told = json.loads((tmp_path / "whole" / "model" / "model.json").read_text())["training"]
    assert told["config"]["data"]["refit"] is True
    assert told["started_from"]["name"] == "first"
