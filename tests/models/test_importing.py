"""Published checkpoints become models: the same numbers from both engines, or one line and nothing left behind."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from flowlift import Keypoints2D, Lifter, Skeleton  # noqa: E402
from flowlift.errors import InputError, ModelError, OutputError  # noqa: E402
from flowlift.lifting.hypotheses import follow, sample_hypotheses  # noqa: E402
from flowlift.lifting.view import View  # noqa: E402
from flowlift.models import find_model  # noqa: E402
from flowlift.models.importing import compare_engines, import_published  # noqa: E402
from flowlift.network import load_published  # noqa: E402
from flowlift.runtime import load_engine  # noqa: E402
from flowlift.skeletons import ANIMAL3D26, HUMAN36M17  # noqa: E402

from .checkpoints import WRONG, Hostile, random_state, save_checkpoint, spoil  # noqa: E402

ENGINES = (None, "torch")
PUBLISHED = {"humans": "person", "animals": "quadruped"}

CHAIN = """
name = "chain"
pairs = [["left", "right"]]
[parents]
middle = ""
left = "middle"
right = "middle"
tip = "left"
"""


@pytest.fixture(scope="module")
def golden_models(parity_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both golden checkpoints, imported."""
    folder = tmp_path_factory.mktemp("golden")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLOWLIFT_MODELS", str(folder))
        for checkpoint, name in PUBLISHED.items():
            import_published(parity_folder / f"{checkpoint}.pth", name=name)
    return folder


@pytest.mark.parametrize("device", ENGINES)
@pytest.mark.parametrize("which", PUBLISHED)
def test_an_imported_model_samples_the_published_poses(parity_folder, golden_models, which, device):
    golden = np.load(parity_folder / f"{which}.npz")
    engine = load_engine(find_model(golden_models / PUBLISHED[which]), device)
    seen = golden["pose_2d"][:, 0]
    for steps in (1, 3, 5):
        found = engine.take(follow(engine, seen, engine.put(golden["noise"]), method="flow", steps=steps))
        np.testing.assert_allclose(found, golden[f"euler_S{steps}"], atol=2e-6)


@pytest.mark.parametrize("device", ENGINES)
@pytest.mark.parametrize("which", PUBLISHED)
def test_an_imported_model_samples_the_published_mirrored_poses(parity_folder, golden_models, which, device):
    golden = np.load(parity_folder / f"{which}.npz")
    lifter = Lifter.load(golden_models / PUBLISHED[which], device=device)
    seen = golden["pose_2d"][:, 0]
    view = _view(seen, seen[:, list(lifter.model.skeleton.mirror)] * np.array([-1, 1], dtype=np.float32))
    x_0 = np.concatenate([golden["noise"], golden["noise_flip"]], axis=1)
    states = sample_hypotheses(lifter.engine, lifter.conditioning, view, x_0, method="flow", steps=3)
    found = lifter.engine.take(states)
    np.testing.assert_allclose(found.mean(axis=1, keepdims=True), golden["euler_S3_flip_mean"], atol=2e-6)


def _view(seen: np.ndarray, mirrored: np.ndarray) -> View:
    rows = len(seen)
    turn = np.broadcast_to(np.eye(3, dtype=np.float32), (rows, 3, 3))
    return View(seen, mirrored, seen, np.ones(rows, dtype=np.float32), turn)


def test_published_settings_follow_from_the_joints(imported, tmp_path):
    import_published(save_checkpoint(tmp_path / "a.pth"), name="person")
    animal = save_checkpoint(tmp_path / "b.pth", ANIMAL3D26, separate_encoders=True)
    import_published(animal, name="quadruped")
    person, animal = find_model("person"), find_model("quadruped")
    assert (person.skeleton, person.steps, person.unit, person.stature) == (HUMAN36M17, 3, "m", 0.89)
    assert (animal.skeleton, animal.steps, animal.unit, animal.stature) == (ANIMAL3D26, 5, "model units", None)
    assert person.conditioning == animal.conditioning == "screen"
    assert person.uncertainty == "uncalibrated"
    assert "person" not in person.source
    assert "a.pth" in person.source


@pytest.mark.parametrize("settings", [{}, {"block": "gcn"}, {"block": "attention"}, {"separate_encoders": True}])
def test_weights_arrive_as_they_were(imported, tmp_path, settings):
    path = save_checkpoint(tmp_path / "net.pth", seed=3, **settings)
    import_published(path, name="net")
    generator = np.random.default_rng(0)
    seen = generator.uniform(-1, 1, (5, 17, 2)).astype(np.float32)
    x = generator.standard_normal((5, 3, 17, 3)).astype(np.float32)
    network = load_published(path)
    with torch.inference_mode():
        said = [network(*map(torch.from_numpy, (seen, x[:, i].copy(), np.full(5, 0.6, np.float32)))) for i in range(3)]
    for device in ENGINES:
        engine = load_engine(find_model("net"), device)
        found = engine.take(engine.velocity(engine.encode(engine.put(seen)), engine.put(x), 0.6))
        np.testing.assert_allclose(found, np.stack(said, axis=1), atol=2e-6, rtol=2e-6)


def test_a_skeleton_of_ones_own_comes_along(imported, tmp_path):
    (tmp_path / "chain.toml").write_text(CHAIN)
    chain = Skeleton.load(tmp_path / "chain.toml")
    path = save_checkpoint(tmp_path / "chain.pth", chain)
    done = import_published(path, name="chain", skeleton=str(tmp_path / "chain.toml"), steps=7)
    (tmp_path / "chain.toml").unlink()
    model = find_model("chain")
    assert model.skeleton == chain
    assert model.steps == 7
    assert done.same_links
    xy = np.random.default_rng(0).uniform(100, 400, (2, 1, 4, 2)).astype(np.float32)
    poses = Lifter.load("chain")(Keypoints2D(xy, np.ones((2, 1, 4), dtype=np.float32), chain, (500, 500)))
    assert np.isfinite(poses.xyz).all()


def test_a_graph_of_another_skeleton_is_noticed(imported, tmp_path):
    order = [1, 0, *range(2, 17)]
    state = random_state()
    state["A"] = state["A"][:, order][:, :, order]
    torch.save(state, tmp_path / "other.pth")
    assert not import_published(tmp_path / "other.pth", name="other").same_links


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_state_dict_is_refused(imported, tmp_path, kind):
    with pytest.raises(ModelError) as caught:
        import_published(spoil(tmp_path / "bad.pth", kind), name="bad")
    assert WRONG[kind][1] in str(caught.value)
    assert str(tmp_path / "bad.pth") in str(caught.value)
    assert not imported.exists()


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("inside", [True, False])
def test_a_hostile_checkpoint_runs_nothing(imported, tmp_path, zipped, inside):
    hostile = Hostile(tmp_path / "ran")
    held = {**random_state(), "A": hostile} if inside else hostile
    torch.save(held, tmp_path / "bad.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(ModelError, match="could run code"):
        import_published(tmp_path / "bad.pth", name="bad")
    assert not (tmp_path / "ran").exists()
    assert not imported.exists()


@pytest.mark.parametrize("part", [0.0, 1e-4, 0.01, 0.5, 0.99])
def test_a_truncated_checkpoint_is_refused(imported, checkpoint, part):
    whole = checkpoint.read_bytes()
    checkpoint.write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(ModelError, match=r"person\.pth: cannot read"):
        import_published(checkpoint, name="bad")
    assert not imported.exists()


@pytest.mark.parametrize("held", [[1, 2], {}, {"A": "text"}, None, torch.zeros(3)], ids=repr)
def test_what_is_no_state_dict_is_refused(imported, tmp_path, held):
    torch.save(held, tmp_path / "bad.pth")
    with pytest.raises(ModelError, match=r"bad\.pth"):
        import_published(tmp_path / "bad.pth", name="bad")


def test_a_missing_file_is_refused(imported, tmp_path):
    with pytest.raises(ModelError, match="No such file"):
        import_published(tmp_path / "nowhere.pth", name="bad")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"skeleton": "coco99"}, "coco99"),
        ({"skeleton": "animal3d26"}, "26 joints, the checkpoint has 17"),
        ({"skeleton": "nowhere.toml"}, "nowhere.toml"),
        ({"steps": 0}, "steps"),
    ],
)
def test_settings_that_do_not_fit_are_refused(imported, checkpoint, settings, expected):
    with pytest.raises(InputError, match=expected):
        import_published(checkpoint, name="net", **settings)
    assert not imported.exists()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../up", ".hidden", "a b", "x" * 65, "human"])
def test_names_that_cannot_be_are_refused(imported, checkpoint, name):
    with pytest.raises(ModelError):
        import_published(checkpoint, name=name, overwrite=True)
    assert not imported.exists()


def test_joints_of_no_published_skeleton_need_a_name(imported, tmp_path):
    (tmp_path / "chain.toml").write_text(CHAIN)
    path = save_checkpoint(tmp_path / "chain.pth", Skeleton.load(tmp_path / "chain.toml"))
    with pytest.raises(InputError, match=r"4 joints.*--skeleton"):
        import_published(path, name="chain")


def test_a_model_is_replaced_only_when_told_to(imported, checkpoint, tmp_path):
    import_published(checkpoint, name="net")
    before = {file.name: file.read_bytes() for file in (imported / "net").iterdir()}
    other = save_checkpoint(tmp_path / "other.pth", seed=1)
    with pytest.raises(ModelError, match="already"):
        import_published(other, name="net")
    with pytest.raises(ModelError):
        import_published(spoil(tmp_path / "bad.pth", "not finite"), name="net", overwrite=True)
    assert {file.name: file.read_bytes() for file in (imported / "net").iterdir()} == before
    import_published(other, name="net", overwrite=True)
    assert "other.pth" in find_model("net").source
    assert [folder.name for folder in imported.iterdir()] == ["net"]


def test_a_failure_half_way_leaves_what_was_there(imported, checkpoint, monkeypatch):
    import_published(checkpoint, name="net")
    before = (imported / "net" / "model.json").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("flowlift.models.weights.export_onnx", full)
    with pytest.raises(OutputError, match="No space left"):
        import_published(checkpoint, name="net", overwrite=True)
    assert (imported / "net" / "model.json").read_bytes() == before
    assert [folder.name for folder in imported.iterdir()] == ["net"]


def test_engines_that_disagree_are_noticed(imported, checkpoint, tmp_path):
    import_published(checkpoint, name="net")
    import_published(save_checkpoint(tmp_path / "other.pth", seed=1), name="other")
    assert compare_engines(find_model("net")) < 1e-5
    shutil.copy(imported / "other" / "velocity.onnx", imported / "net" / "velocity.onnx")
    with pytest.raises(ModelError, match="differ"):
        compare_engines(find_model("net"))


def test_the_card_says_what_is_in_the_file(imported, checkpoint):
    import_published(checkpoint, name="net")
    card = json.loads((imported / "net" / "model.json").read_text())
    state = load_published(checkpoint)
    assert card["parameters"] == sum(p.numel() for p in state.parameters())
    assert card["network"] == {"kind": "velocity", **state.config.as_dict()}
    assert "calibration" not in card
