"""Training: it learns with every method, and a run that was killed goes on as if nothing had happened."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")

from flowlift.errors import InputError, ModelError, OutputError  # noqa: E402
from flowlift.models import find_model  # noqa: E402
from flowlift.models.weights import load_network  # noqa: E402
from flowlift.skeletons import HUMAN36M17  # noqa: E402
from flowlift.training import loop  # noqa: E402
from flowlift.training.__main__ import main as publish_again  # noqa: E402
from flowlift.training.config import OptimizerConfig, RunConfig, config_from  # noqa: E402
from flowlift.training.graph import recorded  # noqa: E402
from flowlift.training.interruption import noted_interrupt  # noqa: E402
from flowlift.training.lessons import Lessons  # noqa: E402
from flowlift.training.loop import make_objective, skeleton_of, train  # noqa: E402
from flowlift.training.methods import draw_poses  # noqa: E402
from flowlift.training.optimizers import learning_rate, make_optimizers  # noqa: E402
from flowlift.training.publish import publish  # noqa: E402
from flowlift.training.sources import load_poses, open_source  # noqa: E402

pytestmark = pytest.mark.usefixtures("few_steps")

NETWORKS = {
    "velocity": {"kind": "velocity", "width": 16, "blocks": 1, "heads": 2, "hidden": 16},
    "simple": {"kind": "simple", "width": 32},
    "normalizing-flow": {
        "kind": "normalizing-flow",
        "width": 16,
        "blocks": 1,
        "heads": 2,
        "backbone_hidden": 16,
        "transforms": 2,
        "hidden": 16,
        "context": 8,
    },
    "two-part": {"kind": "two-part", "encoder_width": 32, "encoder_blocks": 1, "head_width": 32, "head_blocks": 1},
}


def plan(bank, *, network="velocity", method="flow", epochs=2, **run):
    tables = {
        "data": {"path": str(bank), "conditioning": "canonical" if network == "two-part" else "screen"},
        "network": NETWORKS[network],
        "method": {"name": method, "steps": 2, "error": "pose" if network == "two-part" else "velocity"},
        "optimizer": {"name": "adamw", "learning_rate": 3e-3},
        "run": {"epochs": epochs, "epoch": 96, "batch": 16, "log_every": 2, "check_views": 8, **run},
    }
    return config_from(tables)


def rows(file):
    return [line.split(",") for line in file.read_text().splitlines()[1:]]


@pytest.mark.parametrize(
    ("network", "method"),
    [
        ("velocity", "flow"),
        ("two-part", "flow"),
        *(
            pytest.param(*names, marks=pytest.mark.slow)
            for names in (
                ("velocity", "diffusion"),
                ("velocity", "regression"),
                ("velocity", "cvae"),
                ("simple", "regression"),
                ("simple", "flow"),
                ("normalizing-flow", "normalizing-flow"),
            )
        ),
    ],
)
def test_every_method_learns(bank, tmp_path, network, method):
    out = train(plan(bank, network=network, method=method, epochs=12), tmp_path)
    losses = [float(row[2]) for row in rows(out / "log.csv")]
    assert np.mean(losses[-8:]) < np.mean(losses[:8]) - 0.1 * abs(np.mean(losses[:8]))
    held_out = [float(row[3]) for row in rows(out / "held_out.csv")]
    assert np.isfinite(held_out).all()
    best = torch.load(out / "best.pt", weights_only=True)
    assert best["p_mpjpe"] == min(held_out)


def test_a_cvae_needs_the_velocity_network(bank, tmp_path):
    with pytest.raises(InputError, match="cvae"):
        train(plan(bank, network="simple", method="cvae"), tmp_path)


@pytest.mark.parametrize("drawn", [1, 3])
def test_a_run_in_two_parts_is_the_run_in_one(bank, tmp_path, drawn):
    one, two = tmp_path / "one", tmp_path / "two"
    train(plan(bank, epochs=4, drawn=drawn), one)
    train(plan(bank, epochs=2, drawn=drawn), two)
    train(plan(bank, epochs=4, drawn=drawn), two)
    assert (one / "log.csv").read_text() == (two / "log.csv").read_text()
    assert (one / "held_out.csv").read_text() == (two / "held_out.csv").read_text()
    ends = [torch.load(folder / "checkpoint.pt", weights_only=True) for folder in (one, two)]
    for name, value in ends[0]["averaged"].items():
        assert torch.equal(value, ends[1]["averaged"][name]), name


def test_views_drawn_together_are_those_of_one_large_batch(bank):
    config, device = plan(bank, drawn=3), torch.device("cpu")
    source = open_source(config.data, skeleton_of(config), device)
    lessons, whole = Lessons(config, source, 4, device), Lessons(replace(config, run=RunConfig()), source, 12, device)
    seen, noise, t = whole.of(0)
    for step in (2, 0, 1):
        mine = slice(4 * step, 4 * step + 4)
        found = lessons.of(step)
        assert torch.equal(found[0].condition, seen.condition[mine])
        assert torch.equal(found[0].target, seen.target[mine])
        assert torch.equal(found[1], noise[mine])
        assert torch.equal(found[2], t[mine])
    assert not torch.equal(lessons.of(3)[0].condition, lessons.of(0)[0].condition)


def test_a_run_whose_configuration_does_not_tell_newer_settings_goes_on(bank, tmp_path):
    train(plan(bank, epochs=1), tmp_path)
    file = tmp_path / "config.json"
    table = json.loads(file.read_text())
    del table["run"]["drawn"], table["run"]["graph"]
    file.write_text(json.dumps(table))
    train(plan(bank, epochs=2), tmp_path)
    assert len(rows(tmp_path / "held_out.csv")) == 2


def test_only_flows_are_recorded(bank):
    with pytest.raises(InputError, match=r"run\.graph goes with the method"):
        plan(bank, network="simple", method="regression", graph=True)


@pytest.mark.parametrize("network", ["velocity", "simple"])
@pytest.mark.filterwarnings("ignore:User provided device_type of 'cuda'")
def test_recording_a_step_leaves_the_network_as_it_was(bank, monkeypatch, network):
    def warmed_up(module, arguments):  # what torch does on a GPU: it runs the module, then records it
        for _ in range(4):
            module(*arguments)
        return module

    monkeypatch.setattr(torch.cuda, "make_graphed_callables", warmed_up)
    config, device = plan(bank, network=network, graph=True), torch.device("cpu")
    lessons = Lessons(config, open_source(config.data, skeleton_of(config), device), 4, device)
    seen, noise, t = lessons.of(0)
    objective, other = make_objective(config), make_objective(config)
    loss = recorded(objective, lessons.of(1), config)
    for name, value in other.state_dict().items():
        assert torch.equal(objective.state_dict()[name], value), name
    torch.manual_seed(0)
    found = loss(seen.condition, seen.target[:, None], noise, t, None, seen.target)
    torch.manual_seed(0)
    assert torch.equal(found, other(seen.condition, seen.target[:, None], noise, t, None, seen.target))


def test_the_seed_decides_the_run(bank, tmp_path):
    texts = []
    for index, seed in enumerate((0, 0, 1)):
        train(plan(bank, epochs=1, seed=seed), tmp_path / str(index))
        texts.append((tmp_path / str(index) / "log.csv").read_text())
    assert texts[0] == texts[1] != texts[2]


_RUN = """
import json, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from flowlift.training.config import config_from
from flowlift.training.loop import train
table = json.loads(Path(sys.argv[1]).read_text())
train(config_from(table), Path(sys.argv[2]))
"""


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_has_the_same_loss_curve(bank, tmp_path):
    import json

    config = plan(bank, epochs=20)
    table = config.as_dict()
    table["run"]["save_minutes"] = 1e-4  # as good as at every line of the log
    file, whole, cut = tmp_path / "run.json", tmp_path / "whole", tmp_path / "cut"
    file.write_text(json.dumps(table))

    def start(out):
        return subprocess.Popen([sys.executable, "-c", _RUN, str(file), str(out)], env={**os.environ})

    assert start(whole).wait() == 0
    wait, kills = np.random.default_rng(5), 0
    for _ in range(30):
        process = start(cut)
        seen = len(rows(cut / "log.csv")) if (cut / "log.csv").exists() else 0
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            now = len(rows(cut / "log.csv")) if (cut / "log.csv").exists() else 0
            if kills < 2 and now > seen + 5:
                time.sleep(wait.uniform(0, 0.05))
                process.send_signal(signal.SIGKILL)
                kills += 1
                break
            time.sleep(0.005)
        if process.wait() == 0:
            break
    assert kills == 2
    assert (whole / "log.csv").read_text() == (cut / "log.csv").read_text()
    assert (whole / "held_out.csv").read_text() == (cut / "held_out.csv").read_text()


def test_the_published_schedule_falls_by_the_large_factor_every_period_and_by_the_small_one_else():
    config = OptimizerConfig(learning_rate=1.0, per_epoch=0.98, period=5, per_period=0.8)
    rates = [learning_rate(config, step=10 * epoch, steps_per_epoch=10, steps=1000) for epoch in range(12)]
    factors = [b / a for a, b in pairwise(rates)]
    assert factors == pytest.approx([0.98] * 4 + [0.8] + [0.98] * 4 + [0.8] + [0.98])


def test_the_cosine_schedule_rises_then_falls_to_zero():
    config = OptimizerConfig(schedule="cosine", warmup=100, learning_rate=1.0)
    rates = [learning_rate(config, step=step, steps_per_epoch=10, steps=1000) for step in range(1001)]
    assert rates[0] == pytest.approx(0.01)
    assert max(rates) == pytest.approx(1.0)
    assert rates.index(max(rates)) in (99, 100)
    assert all(a >= b for a, b in pairwise(rates[100:]))
    assert rates[-1] == pytest.approx(0.0, abs=1e-9)


def test_a_run_starts_from_a_model_and_deeper_blocks_change_nothing(bank, tmp_path):
    small = plan(bank, network="two-part", epochs=1)
    publish(train(small, tmp_path / "run"), tmp_path / "model", name="small")
    model = load_network(find_model(tmp_path / "model"))
    deeper = replace(small.network, settings={**small.network.settings, "encoder_blocks": 3})
    started = replace(small, network=deeper, run=replace(small.run, start=str(tmp_path / "model"), seed=5))
    network = make_objective(started).network.eval()
    seen, x, t = torch.randn(4, 4 * 17 + 1), torch.randn(4, 17, 3), torch.rand(4)
    with torch.no_grad():
        torch.testing.assert_close(network(network.encode(seen), x, t), model(model.encode(seen), x, t))


def test_a_run_does_not_start_from_another_network(bank, tmp_path):
    started = plan(bank, network="two-part", start="human")
    with pytest.raises(InputError, match=r"run\.start: human's network has another skeleton, kind or width"):
        train(started, tmp_path / "run")
    with pytest.raises(ModelError, match="no model 'nobody'"):
        train(replace(started, run=replace(started.run, start="nobody")), tmp_path / "run")


def test_a_student_learns_its_teachers_answer_to_each_noise_in_one_step(bank, tmp_path):
    taught = plan(bank, network="two-part", epochs=6)
    publish(train(taught, tmp_path / "run"), tmp_path / "model", name="teacher")
    method = replace(taught.method, teacher=str(tmp_path / "model"), at_start=1.0, steps=1, draws=4)
    out = train(replace(taught, method=method, run=replace(taught.run, epochs=25)), tmp_path / "student")
    teacher = load_network(find_model(tmp_path / "model"))
    student = make_objective(taught).network.eval()
    student.load_state_dict(torch.load(out / "best.pt", weights_only=True)["network"])
    source = open_source(taught.data, HUMAN36M17, torch.device("cpu"))
    seen = source.batch(torch.arange(64), torch.Generator().manual_seed(3)).condition
    noise = torch.randn(64, 5, 17, 3, generator=torch.Generator().manual_seed(4))
    wanted = draw_poses(teacher, taught.method, seen, noise)
    one_step = [draw_poses(network, method, seen, noise) for network in (teacher, student)]
    errors = [float((poses - wanted).square().mean()) for poses in one_step]
    assert errors[1] < 0.5 * errors[0]
    spread = float(one_step[1].std(dim=1).mean()) / float(wanted.std(dim=1).mean())
    assert spread > 0.7  # its hypotheses differ as the teacher's do


def test_a_teacher_of_another_kind_is_refused(bank, tmp_path):
    taught = plan(bank, network="velocity", epochs=1)
    with pytest.raises(InputError, match=r"method\.teacher: human's skeleton, size, conditioning or method"):
        train(replace(taught, method=replace(taught.method, teacher="human")), tmp_path / "run")
    with pytest.raises(InputError, match=r"method\.teacher goes with"):
        replace(taught, method=replace(taught.method, name="regression", teacher="human")).check()


def test_a_run_is_published_with_the_words_of_its_card_and_no_path_of_this_machine(bank, tmp_path, capsys):
    run = train(plan(bank, epochs=1), tmp_path / "run")
    words = ["--name", "mine", "--licence", "CC0", "--source", "the demo's walk"]
    assert publish_again(["publish", str(run), "-o", str(tmp_path / "model"), *words]) == 0
    assert "mine is ready" in capsys.readouterr().out
    model = find_model(tmp_path / "model")
    assert (model.name, model.licence, model.source) == ("mine", "CC0", "the demo's walk")
    assert str(tmp_path) not in (tmp_path / "model" / "model.json").read_text()
    assert "of a CPU" in json.loads((tmp_path / "model" / "model.json").read_text())["training"]["on"]
    assert publish_again(["publish", str(tmp_path), "-o", str(tmp_path / "no"), "--name", "no"]) == 2
    assert "cannot read the run's configuration" in capsys.readouterr().err


def test_uncertainty_measured_again_is_what_it_was(bank, tmp_path, capsys):
    model = tmp_path / "model"
    publish(train(plan(bank, network="two-part", epochs=1), tmp_path / "run"), model, name="mine")
    card = model / "model.json"
    published = card.read_text()
    missed = find_model(model).calibration.missed
    assert (np.delete(missed, HUMAN36M17.root) > 0).all()
    card.write_text(json.dumps({**json.loads(published), "calibration": None}))
    assert publish_again(["calibrate", str(model), "--data", str(bank)]) == 0
    assert "model: calibrated" in capsys.readouterr().out
    assert json.loads(card.read_text()) == json.loads(published)
    assert {file.name for file in model.iterdir()} == {file.name for file in find_model("human").folder.iterdir()} - {
        "card.md"
    }


def test_a_model_of_screen_conditioning_is_not_calibrated(bank, tmp_path, capsys):
    publish(train(plan(bank, epochs=1), tmp_path / "run"), tmp_path / "model", name="mine")
    assert publish_again(["calibrate", str(tmp_path / "model"), "--data", str(bank)]) == 2
    assert "conditioning 'screen' is not calibrated" in capsys.readouterr().err


def test_a_run_needs_a_folder(bank, tmp_path):
    (tmp_path / "run").write_text("something else")
    with pytest.raises(OutputError, match=r"run: is a file; a folder is wanted"):
        train(plan(bank), tmp_path / "run")
    assert (tmp_path / "run").read_text() == "something else"


@pytest.mark.parametrize(("device", "told"), [("tpu", "must be cpu or cuda"), ("cuda", "sees 0 here")])
def test_devices_that_are_not_there(bank, tmp_path, monkeypatch, device, told):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(InputError, match=told):
        train(plan(bank), tmp_path / "run", device=device)
    assert not (tmp_path / "run").exists()


def test_data_that_is_no_bank_is_refused(tmp_path):
    (tmp_path / "bad.npz").write_bytes(b"junk")
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    for name in ("bad.npz", "other.npz", "absent.npz"):
        with pytest.raises(InputError, match=name):
            load_poses(tmp_path / name)


def test_muon_steps_the_blocks_matrices_and_adamw_the_rest(bank, tmp_path):
    config = plan(bank, network="two-part")
    config = replace(config, optimizer=replace(config.optimizer, name="muon"))
    objective = make_objective(config)
    muon, adamw = make_optimizers(config.optimizer, objective)
    stepped = [weight for optimizer in (muon, adamw) for group in optimizer.param_groups for weight in group["params"]]
    assert {id(weight) for weight in stepped} == {id(weight) for weight in objective.parameters()}
    assert len(stepped) == len(list(objective.parameters()))
    assert [tuple(weight.shape) for weight in muon.param_groups[0]["params"]] == 4 * [(32, 32)]
    one, two = tmp_path / "one", tmp_path / "two"
    train(replace(config, run=replace(config.run, epochs=12)), one)
    losses = [float(row[2]) for row in rows(one / "log.csv")]
    assert np.mean(losses[-8:]) < 0.9 * np.mean(losses[:8])
    for epochs in (6, 12):
        train(replace(config, run=replace(config.run, epochs=epochs)), two)
    assert (one / "log.csv").read_text() == (two / "log.csv").read_text()


def test_muon_is_for_networks_with_residual_blocks(bank, tmp_path):
    config = plan(bank, network="simple", method="regression")
    with pytest.raises(InputError, match="two-part"):
        train(replace(config, optimizer=replace(config.optimizer, name="muon")), tmp_path)


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_the_answer_itself_is_learned_where_a_run_asks_for_it(bank, tmp_path, precision):
    config = plan(bank, network="two-part", epochs=12, precision=precision)
    errors = {}
    for weight in (0.0, 1.0):
        asked = replace(config, method=replace(config.method, answer=weight))
        out = train(asked, tmp_path / str(weight))
        network = make_objective(asked).network.eval()
        network.load_state_dict(torch.load(out / "best.pt", weights_only=True)["network"])
        source = open_source(asked.data, HUMAN36M17, torch.device("cpu"))
        held_out = source.held_out(64)
        found = draw_poses(network, asked.method, held_out.condition, torch.zeros_like(held_out.target)[:, None])
        errors[weight] = source.errors(found[:, 0], held_out)
    assert errors[1.0].p_mpjpe < 0.95 * errors[0.0].p_mpjpe


def test_the_answer_is_learned_by_flows_of_canonical_conditioning_only(bank):
    for changes in ({"network": "velocity"}, {"network": "simple", "method": "regression"}):
        config = plan(bank, **changes)
        with pytest.raises(InputError, match=r"method\.answer goes with"):
            replace(config, method=replace(config.method, answer=1.0)).check()
    config = plan(bank, network="two-part")
    with pytest.raises(InputError, match=r"method\.answer must not be below 0"):
        replace(config, method=replace(config.method, answer=-1.0)).check()


def test_a_run_does_not_go_on_with_other_data(bank, tmp_path):
    train(plan(bank, epochs=1), tmp_path / "run")
    before = (tmp_path / "run" / "best.pt").read_bytes()
    with np.load(bank) as arrays:
        np.savez(tmp_path / "other.npz", train=arrays["train"][:-1], val=arrays["val"])
    with pytest.raises(InputError, match="holds a run on other data"):
        train(plan(tmp_path / "other.npz", epochs=2), tmp_path / "run")
    assert (tmp_path / "run" / "best.pt").read_bytes() == before
    shutil.copy(bank, tmp_path / "moved.npz")
    train(plan(tmp_path / "moved.npz", epochs=2), tmp_path / "run")
    assert len(rows(tmp_path / "run" / "held_out.csv")) == 2


def test_a_run_that_is_interrupted_between_two_lines_of_its_log_goes_on_as_if_nothing_had_happened(
    bank, tmp_path, monkeypatch
):
    one, two = tmp_path / "one", tmp_path / "two"
    train(plan(bank, log_every=4), one)
    step = loop._step

    def interrupted(fabric, config, source, model, run, *others):
        if run.step == 2:
            signal.raise_signal(signal.SIGINT)
        return step(fabric, config, source, model, run, *others)

    with monkeypatch.context() as patched:
        patched.setattr(loop, "_step", interrupted)
        with pytest.raises(KeyboardInterrupt, match="stopped after step 3;"):
            train(plan(bank, log_every=4), two)
    assert torch.load(two / "checkpoint.pt", weights_only=True)["step"] == 3
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    train(plan(bank, log_every=4), two)
    assert (one / "log.csv").read_text() == (two / "log.csv").read_text()
    assert (one / "held_out.csv").read_text() == (two / "held_out.csv").read_text()
    ends = [torch.load(folder / "checkpoint.pt", weights_only=True)["averaged"] for folder in (one, two)]
    for name, value in ends[0].items():
        assert torch.equal(value, ends[1][name]), name


def test_ctrl_c_pressed_twice_interrupts_at_once():
    with noted_interrupt() as interrupted:
        assert not interrupted()
        signal.raise_signal(signal.SIGINT)
        assert interrupted()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with noted_interrupt() as interrupted:
            signal.raise_signal(signal.SIGINT)  # of a process in the background, which Ctrl-C is not for
            assert not interrupted()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def test_a_run_does_not_go_on_with_another_skeleton(bank, tmp_path):
    file, run = tmp_path / "mine.toml", tmp_path / "run"
    parents = zip(HUMAN36M17.joints, HUMAN36M17.parents, strict=True)
    text = f'pairs = {json.dumps(HUMAN36M17.pairs)}\nname = "human36m17"\nsize = ["hip", "spine"]\n[parents]\n'
    text += "".join(f'{joint} = "{parent or ""}"\n' for joint, parent in parents)
    file.write_text(text)
    config = replace(plan(bank, epochs=1), skeleton=str(file))
    train(config, run)
    file.write_text(text.replace('"spine"]', '"spine", "thorax"]'))
    with pytest.raises(InputError, match="holds a run on another skeleton"):
        train(config, run)
    state = torch.load(run / "checkpoint.pt", weights_only=True)
    torch.save({key: value for key, value in state.items() if key != "skeleton"}, run / "checkpoint.pt")
    train(config, run)  # what an older version wrote goes on
