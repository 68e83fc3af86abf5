"""A bank of any skeleton as batches: what is unknown neither shows nor counts; banks that cannot be are told."""

import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")

from flowlift.conditioning import decode_pose  # noqa: E402
from flowlift.demo_animal import MOUSE, roam, triangulated  # noqa: E402
from flowlift.errors import InputError  # noqa: E402
from flowlift.skeletons import HUMAN36M17  # noqa: E402
from flowlift.training.calibrate import held_out_figures  # noqa: E402
from flowlift.training.config import DataConfig, MethodConfig, config_from, find_config  # noqa: E402
from flowlift.training.figure_source import load_figures, open_figures  # noqa: E402
from flowlift.training.figure_variation import AS_CAPTURED, FigureVariation  # noqa: E402
from flowlift.training.methods import Objective  # noqa: E402
from flowlift.training.sources import Batch  # noqa: E402

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    xyz = triangulated(roam(seed=6, seconds=20.0), seed=6)
    xyz = (xyz - np.where(np.isnan(xyz[:, :1]), xyz[:, 1:2], xyz[:, :1])) / 97.0
    xyz = xyz[np.isfinite(xyz[..., 0]).sum(axis=1) > 10][..., [0, 2, 1]] * [1, 1, -1]
    file = tmp_path_factory.mktemp("bank") / "bank.npz"
    np.savez(file, train=xyz[:450].astype(np.float32), val=xyz[480:].astype(np.float32))
    return file


def data(bank, **changes):
    return replace(DataConfig(path=str(bank), kind="any", conditioning="canonical"), **changes)


def told(**about):
    return {"about": np.array(json.dumps(about))}


def test_batches_follow_from_the_generator_and_hide_what_is_unknown(bank):
    source = open_figures(data(bank), MOUSE, CPU)
    one, two = (source.batch(torch.arange(200), torch.Generator().manual_seed(3)) for _ in range(2))
    torch.testing.assert_close(one.condition, two.condition)
    torch.testing.assert_close(one.target, two.target)
    assert torch.isfinite(one.condition).all()
    assert torch.isfinite(one.target).all()
    visible = one.condition[:, 2 * len(MOUSE) : 3 * len(MOUSE)].bool()
    known = one.known.clone()
    known[:, MOUSE.root] |= visible[:, MOUSE.root]
    assert not known.all()
    assert not (visible & ~known).any()


def test_the_truth_has_no_error_and_a_scaled_one_has_what_it_should(bank):
    source = open_figures(data(bank), MOUSE, CPU)
    held_out = source.held_out(100)
    exact = source.errors(held_out.target, held_out)
    assert exact.mpjpe == pytest.approx(0, abs=1e-3)
    assert exact.p_mpjpe == pytest.approx(0, abs=1e-2)
    wrong = torch.where(held_out.known[..., None], held_out.target, 99.0)  # what is unknown does not count
    assert source.errors(wrong, held_out).mpjpe == pytest.approx(0, abs=1e-3)
    _, size = decode_pose(held_out.target, MOUSE.root)
    larger = held_out.target.clone()
    larger[:, [i for i in range(len(MOUSE)) if i != MOUSE.root]] *= 1.1
    found = source.errors(larger, held_out)
    assert found.mpjpe > 10
    assert found.p_mpjpe == pytest.approx(0, abs=1e-2)
    assert (size > 0).all()


def test_what_is_unknown_does_not_count_in_the_loss():
    class Zero(torch.nn.Module):
        def forward(self, condition, x, t):
            return torch.zeros_like(x)

    objective = Objective(Zero(), MethodConfig())
    target, noise, t = torch.randn(5, 1, 20, 3), torch.zeros(5, 2, 20, 3), torch.rand(5, 2)
    known = torch.rand(5, 20) < 0.5
    seen = torch.zeros(5, 20, 2)
    loss = objective(seen, target, noise, t, known)
    assert float(loss) == pytest.approx(float(target[:, 0][known].square().mean()), rel=1e-5)
    wild = torch.where(known[:, None, :, None], target, 1e6)
    assert float(objective(seen, wild, noise, t, known)) == pytest.approx(float(loss), rel=1e-5)
    whole = objective(seen, target, noise, t, torch.ones(5, 20, dtype=torch.bool))
    assert float(whole) == pytest.approx(float(objective(seen, target, noise, t)), rel=1e-6)
    other = Objective(Zero(), MethodConfig())
    other.method = replace(MethodConfig(), name="normalizing-flow")
    with pytest.raises(InputError, match="learns from poses of which every joint is known"):
        other(seen, target, noise, t, known)


def test_a_bank_that_does_not_know_up_is_seen_from_anywhere(bank, tmp_path):
    with np.load(bank) as arrays:
        held = dict(arrays)
    np.savez(tmp_path / "unknown.npz", **held, about=np.array(json.dumps({"up": "unknown"})))
    source = open_figures(data(tmp_path / "unknown.npz"), MOUSE, CPU)
    assert source.seen_by.any_orientation == 1.0
    assert open_figures(data(bank), MOUSE, CPU).seen_by.any_orientation < 1.0
    clip = held_out_figures(tmp_path / "unknown.npz", MOUSE, count=300)
    ears, paws = MOUSE.index("left_ear"), MOUSE.index("left_back_paw")
    below = np.nanmean(clip.truth.xyz[:, 0, ears, 1] > clip.truth.xyz[:, 0, paws, 1])
    assert 0.35 < below < 0.65


@pytest.mark.parametrize("bodies", [AS_CAPTURED, FigureVariation(limb_length=0.3, bone_length=0.2, curve=0.3)])
def test_what_calibrates_is_as_long_as_a_body_and_projects_onto_its_keypoints(bank, bodies):
    clip = held_out_figures(bank, MOUSE, bodies=bodies, count=300)
    chain = clip.truth.xyz[:, 0, MOUSE.indices(MOUSE.size)].astype(float)
    lengths = np.linalg.norm(np.diff(chain, axis=1), axis=-1).sum(axis=-1)
    assert np.nanmedian(lengths) == pytest.approx(1, abs=0.05)
    px = clip.camera.project(clip.truth.absolute[:, 0])
    error = np.linalg.norm(px - clip.keypoints.xy[:, 0], axis=-1)
    assert np.nanmedian(error) < 5
    assert clip.height is None


def test_an_exact_detector_errs_nowhere(bank):
    clip = held_out_figures(bank, MOUSE, count=100, exact=True)
    px = clip.camera.project(clip.truth.absolute[:, 0])
    known = np.isfinite(px)
    np.testing.assert_allclose(clip.keypoints.xy[:, 0][known], px[known], atol=0.01)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"train": np.zeros((5, 17, 3))}, "train has shape"),
        ({"train": np.zeros((0, 20, 3))}, "train has shape"),
        ({"train": np.full((5, 20, 3), np.nan)}, "poses of fewer than 3 joints"),
        ({"val": np.full((5, 20, 3), np.inf)}, "val has shape"),
        ({"about": np.array(json.dumps({"joints": ["a", "b"]}))}, "'mouse' has other joints"),
        (told(size=["neck", "nose"]), "its body lengths go from neck to nose, those of 'mouse' from nose to neck to"),
        (told(parents=[None] * len(MOUSE)), "'mouse' has other parents or pairs"),
        (told(pairs=[MOUSE.pairs[0][::-1], *MOUSE.pairs[1:]]), "'mouse' has other parents or pairs"),
        ({"about": np.array("{")}, "expected a bank"),
        ({"camera_rotation": np.zeros((1, 2, 3, 3)), "camera_translation": np.zeros((1, 3, 3))}, "cameras do not fit"),
    ],
)
def test_banks_that_cannot_be(bank, tmp_path, change, complaint):
    with np.load(bank) as arrays:
        held = dict(arrays)
    held |= {"train_session": np.zeros(len(held["train"]), dtype=int), "train_place": held["train"][:, 0]}
    np.savez(tmp_path / "bad.npz", **(held | change))
    with pytest.raises(InputError, match=complaint):
        load_figures(tmp_path / "bad.npz", MOUSE)
    for name in ("absent.npz", "junk.npz"):
        (tmp_path / "junk.npz").write_bytes(b"junk")
        with pytest.raises(InputError, match=name):
            load_figures(tmp_path / name, MOUSE)


def test_a_bank_that_tells_the_skeleton_that_it_was_built_with(bank, tmp_path):
    with np.load(bank) as arrays:
        held = dict(arrays)
    pairs = [list(pair) for pair in reversed(MOUSE.pairs)]  # in whichever order
    held |= told(joints=MOUSE.joints, parents=MOUSE.parents, pairs=pairs, size=MOUSE.size_chain)
    np.savez(tmp_path / "told.npz", **held)
    assert len(load_figures(tmp_path / "told.npz", MOUSE).train) == 450


def test_a_joint_that_no_pose_shows_is_told(bank, tmp_path):
    with np.load(bank) as arrays:
        held = dict(arrays)
    held["train"][:, MOUSE.index("tail_end")] = np.nan
    np.savez(tmp_path / "bad.npz", **held)
    with pytest.raises(InputError, match="no pose tells where tail_end is"):
        load_figures(tmp_path / "bad.npz", MOUSE)


def test_settings_that_cannot_be(bank):
    with pytest.raises(InputError, match="goes with conditioning"):
        config_from({"data": {"kind": "any"}})
    with pytest.raises(InputError, match=r"\[data.bodies\] or \[data.views\]"):
        open_figures(data(bank, bodies={"wings": 2}), MOUSE, CPU)
    assert find_config("any").data.kind == "any"


def test_a_human_bank_may_be_learned_the_general_way(tmp_path):
    from flowlift.demo import walk

    xyz = walk(np.arange(0, 4, 0.1)).astype(np.float32)
    np.savez(tmp_path / "walk.npz", train=xyz - xyz[:, :1], val=xyz - xyz[:, :1])
    source = open_figures(data(tmp_path / "walk.npz"), HUMAN36M17, CPU)
    batch = source.batch(torch.arange(50), torch.Generator().manual_seed(0))
    assert isinstance(batch, Batch)
    assert torch.isfinite(batch.target).all()
    assert batch.known.all()
