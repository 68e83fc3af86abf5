"""The way of docs/your-animal.md at small size: a recording in, a model in one file out; bad input in one line each."""

import csv
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")

from flowlift import Lifter, load, save
from flowlift.cli import main
from flowlift.containers import Keypoints2D, Poses3D
from flowlift.datasets.recording import read_recordings
from flowlift.datasets.session import read_sessions
from flowlift.demo_animal import MOUSE, cameras, roam, seen_by
from flowlift.errors import InputError
from flowlift.evaluation.sessions import evaluate_sessions
from flowlift.models import find_model

SMALL = """
[data]
kind = "any"
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
learning_rate = 4e-3
schedule = "cosine"

[run]
epochs = 3
epoch = 2560
batch = 128
check_views = 64
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the synthetic animal's files and a run on them."""
    folder = tmp_path_factory.mktemp("animal")
    assert main(["demo", "--animal", "-o", str(folder), "--minutes", "0.5", "--seed", "4"]) == 0
    (folder / "small.toml").write_text(SMALL)
    words = ["--skeleton", str(folder / "mouse.toml"), "--data", str(folder / "session.csv"), "--up", "z"]
    cameras_too = ["--calibration", str(folder / "calibration.toml")]
    run = ["train", str(folder / "small.toml"), "-o", str(folder / "run"), "--name", "mouse", "--quiet"]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("flowlift.training.covering.STEPS", 10)
        assert main([*run, *words, *cameras_too]) == 0
    return folder


def test_a_model_comes_in_one_file_that_tells_what_it_was_trained_on(trained: Path) -> None:
    model = find_model(trained / "run" / "mouse.flowlift")
    assert (model.name, model.unit, model.size, model.calibrated) == ("mouse", "body lengths", MOUSE.size, True)
    assert model.skeleton == MOUSE
    card = json.loads(zipfile.ZipFile(trained / "run" / "mouse.flowlift").read("model.json"))
    (session,) = card["training"]["sessions"]
    assert session["name"] == "session"
    assert 0 < session["trained"] < session["frames"]
    assert str(trained) not in json.dumps(card)


def test_it_learns(trained: Path) -> None:
    with (trained / "run" / "held_out.csv").open() as stream:
        errors = [float(row["p_mpjpe_mm"]) for row in csv.DictReader(stream)]
    assert errors[-1] < 0.8 * errors[0]
    assert errors[-1] < 250  # thousandths of the body's length; a mean pose that does not look has more


def test_poses_are_in_body_lengths_or_in_metres_where_the_length_is_told(trained: Path) -> None:
    lifter = Lifter.load(trained / "run" / "mouse.flowlift")
    camera = cameras()["cam1"]
    keypoints = seen_by(camera, roam(seed=9, seconds=1.0))
    plain = lifter(keypoints, camera, hypotheses=4)
    told = lifter(keypoints, camera, hypotheses=4, size=0.1)
    assert (plain.unit, told.unit) == ("body lengths", "m")
    np.testing.assert_allclose(told.xyz, plain.xyz * 0.1, atol=1e-6)
    np.testing.assert_allclose(told.root, plain.root * 0.1, rtol=1e-4)
    assert (np.linalg.det(told.cov[:, :, 1:]) > np.linalg.det(plain.cov[:, :, 1:] * 0.01)).all()
    chain = plain.xyz[0, 0, MOUSE.indices(MOUSE.size)]
    assert np.linalg.norm(np.diff(chain, axis=0), axis=-1).sum() == pytest.approx(1.0, abs=0.3)
    assert told.provenance["size_m"] == 0.1


def test_a_file_with_the_models_joints_is_as_sure_as_the_models_own_keypoints(trained: Path) -> None:
    lifter, read = Lifter.load(trained / "run" / "mouse.flowlift"), load(trained / "cam0.csv", image_size=(1280, 1024))
    assert isinstance(read, Keypoints2D)
    assert read.skeleton != MOUSE
    some = read.frames(0, 3)
    order = [some.skeleton.joints.index(joint) for joint in MOUSE.joints]
    own = replace(some, xy=some.xy[:, :, order], score=some.score[:, :, order], skeleton=MOUSE)
    theirs, ours = (lifter(seen, hypotheses=4, smooth="off") for seen in (some, own))
    np.testing.assert_array_equal(theirs.xyz, ours.xyz)
    np.testing.assert_array_equal(theirs.cov, ours.cov)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"height": 1.0}, "give that length as size"),
        ({"size": -1}, "size must lie"),
        ({"size": float("nan")}, "size must lie"),
        ({"size": 97}, "between 0.0005 and 40 metres, got 97: it is told in metres"),
    ],
)
def test_sizes_that_cannot_be(trained: Path, settings: dict[str, float], complaint: str) -> None:
    lifter = Lifter.load(trained / "run" / "model")
    with pytest.raises(InputError, match=complaint):
        lifter(seen_by(cameras()["cam0"], roam(seconds=0.1)), **settings)
    with pytest.raises(InputError, match="does not answer in body lengths"):
        Lifter.load("human")(load_walk(), size=0.1)


def load_walk():
    from flowlift.demo import synthesize

    return synthesize(seconds=0.1).keypoints


def test_lifting_says_its_unit_in_files(trained: Path, tmp_path: Path) -> None:
    words = [str(trained / "cam0.csv"), "--model", str(trained / "run" / "mouse.flowlift"), "--hypotheses", "2"]
    words += ["--camera", str(trained / "calibration.toml"), "--quiet"]
    assert main(["lift", *words, "--size", "0.097", "-o", str(tmp_path / "far.trc")]) == 2  # 689 m away
    words += ["--camera-unit", "mm"]
    for name, more, unit in (("lengths.trc", [], "body_lengths"), ("metres.trc", ["--size", "0.097"], "m")):
        assert main(["lift", *words, *more, "-o", str(tmp_path / name)]) == 0
        assert (tmp_path / name).read_text().splitlines()[2].split("\t")[4] == unit
        poses = load(tmp_path / name)
        assert poses.unit == unit.replace("_", " ")
        save(poses, tmp_path / "again.trc")
        assert (tmp_path / "again.trc").read_text().splitlines()[2].split("\t")[4] == unit
    assert main(["lift", *words, "-o", str(tmp_path / "page.html")]) == 0
    assert "body lengths" in (tmp_path / "page.html").read_text()


def test_held_out_stretches_and_other_recordings_are_evaluated(trained: Path, tmp_path: Path) -> None:
    words = ["evaluate", str(trained / "run" / "mouse.flowlift"), "--hypotheses", "2", "--up", "z"]
    own = [str(trained / "session.csv"), "--calibration", str(trained / "calibration.toml")]
    assert main([*words, *own, "-o", str(tmp_path / "own")]) == 0
    report = json.loads((tmp_path / "own" / "report.json").read_text())
    exact, noise, real = report["results"]
    assert [result["name"] for result in report["results"]] == ["mouse, exact", "mouse, noise", "mouse, own cameras"]
    assert exact["rows"][0]["frames"] == pytest.approx(0.2 * 900, abs=20)
    assert 0 < exact["rows"][0]["p_mpjpe"]["mean"] < exact["rows"][0]["mpjpe"]["mean"] < 1
    assert exact["rows"][0]["p_mpjpe"]["mean"] < noise["rows"][0]["p_mpjpe"]["mean"]
    assert real["conditions"]["cameras"] == "the recording's own"
    assert "only the stretches" in report["notes"][0]
    assert set(report["joints"]) == set(MOUSE.joints)
    assert main(["demo", "--animal", "-o", str(tmp_path), "--minutes", "0.1", "--seed", "30"]) == 0
    assert main([*words, str(tmp_path / "session.csv"), "-o", str(tmp_path / "new"), "--every", "9"]) == 0
    report = json.loads((tmp_path / "new" / "report.json").read_text())
    assert report["results"][0]["rows"][0]["frames"] == pytest.approx(180 / 9, abs=5)
    assert report["notes"] == []


BAD_SKELETONS = {
    "a parent that is no joint": ('neck = "spine"', 'neck = "back"', "parent 'back' is not a joint"),
    "a cycle": ('spine = "tail_base"', 'spine = "nose"', "form a cycle"),
    "two roots": ('spine = "tail_base"', 'spine = ""', "exactly one joint must have no parent"),
    "no partner": ('["left_ear", "right_ear"]', '["left_ear"]', "expected pairs ="),
    "an unknown partner": ('["left_ear", "right_ear"]', '["left_ear", "other_ear"]', "'other_ear' is not a joint"),
    "an unknown size": ('size = ["nose"', 'size = ["snout"', "size names 'snout', which is not a joint"),
    "an unknown word": ("size = [", "length = [", "a skeleton has no 'length'"),
    "another joint set": ('tail_end = "tail_mid"', 'tail_end = "tail_mid"\nwing = "neck"', "has no joint wing"),
}


@pytest.mark.parametrize("case", BAD_SKELETONS)
def test_bad_skeletons_are_told_in_one_line(trained: Path, tmp_path: Path, capsys, case: str) -> None:
    before, after, complaint = BAD_SKELETONS[case]
    text = (trained / "mouse.toml").read_text()
    assert before in text
    (tmp_path / "bad.toml").write_text(text.replace(before, after))
    words = ["--skeleton", str(tmp_path / "bad.toml"), "--data", str(trained / "session.csv")]
    capsys.readouterr()
    assert main(["train", *words, "-o", str(tmp_path / "run")]) == 2
    told = capsys.readouterr()
    assert complaint in told.err
    assert told.err.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_bad_recordings_are_told_in_one_line(trained: Path, tmp_path: Path, capsys) -> None:
    rows = list(csv.reader((trained / "session.csv").open()))
    gone = [
        [("" if i > 0 and name.startswith("nose") else cell) for name, cell in zip(rows[0], row, strict=True)]
        for i, row in enumerate(rows)
    ]
    cases = {
        "empty.csv": ("", "the file is empty"),
        "header.csv": (",".join(rows[0]) + "\n", "it holds no frames"),
        "nose.csv": (_text(gone), "never shows nose: every value is missing"),
        "words.csv": (_text([rows[0], ["x"] * len(rows[0])]), "could not convert string to float"),
        "short.csv": (_text([rows[0], *rows[1:4], rows[4][:-3]]), "line 5 has"),
        "other.csv": ("a,b\n1,2\n", "expected columns such as nose_x"),
    }
    for name, (text, complaint) in cases.items():
        (tmp_path / name).write_text(text)
        words = ["--skeleton", str(trained / "mouse.toml"), str(tmp_path / name)]
        assert main(["data", "build", *words, "-o", str(tmp_path / "bank.npz")]) == 2
        told = capsys.readouterr().err
        assert complaint in told
        assert told.count("\n") == 1
    words = ["--skeleton", str(trained / "mouse.toml"), str(trained / "session.csv")]
    assert main(["data", "build", *words, "--unit", "m", "-o", str(tmp_path / "bank.npz")]) == 2
    assert "would be 97" in capsys.readouterr().err
    assert not (tmp_path / "bank.npz").exists()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--keep", "3"], "--keep is for labelled data sets"),
        (["--temperature", "9"], "--temperature is for labelled data sets"),
        (["--protocol", "mocap"], "--protocol is for labelled data sets"),
        (["--hypotheses", "1,2"], "a recording is lifted with one number of them, got 2"),
    ],
)
def test_what_an_evaluation_of_a_recording_does_not_use_is_refused(
    trained: Path, tmp_path: Path, capsys, words: list[str], complaint: str
) -> None:
    model, session = str(trained / "run" / "mouse.flowlift"), str(trained / "session.csv")
    capsys.readouterr()
    assert main(["evaluate", model, session, "-o", str(tmp_path / "report"), *words]) == 2
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "report").exists()


def test_what_a_model_began_with_has_seen_its_recordings_too(trained: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("flowlift.training.covering.STEPS", 10)
    assert main(["demo", "--animal", "-o", str(tmp_path), "--minutes", "0.2", "--seed", "30"]) == 0
    words = [str(trained / "small.toml"), "--skeleton", str(trained / "mouse.toml"), "--up", "z", "--quiet"]
    start = ["--start", str(trained / "run" / "mouse.flowlift"), "--epochs", "1", "-o", str(tmp_path / "run")]
    assert main(["train", *words, "--data", str(tmp_path / "session.csv"), *start]) == 0
    told = json.loads((tmp_path / "run" / "model" / "model.json").read_text())["training"]
    assert [len(each["sessions"]) for each in (told, told["started_from"])] == [1, 1]
    words = [
        "evaluate",
        str(tmp_path / "run" / "model"),
        "--hypotheses",
        "1",
        "--up",
        "z",
        "-o",
        str(tmp_path / "report"),
    ]
    for session, frames in ((trained / "session.csv", 900), (tmp_path / "session.csv", 360)):
        assert main([*words, str(session)]) == 0
        report = json.loads((tmp_path / "report" / "report.json").read_text())
        assert report["results"][0]["rows"][0]["frames"] == pytest.approx(0.2 * frames, abs=20)
        assert "only the stretches" in report["notes"][0]


def test_a_run_that_is_refused_changes_nothing(trained: Path, tmp_path: Path, capsys) -> None:
    assert main(["demo", "--animal", "-o", str(tmp_path), "--minutes", "0.1", "--seed", "30"]) == 0
    (tmp_path / "other.toml").write_text((trained / "mouse.toml").read_text().replace('size = ["nose", ', "size = ["))
    run, packed = trained / "run", str(trained / "run" / "mouse.flowlift")
    before = {file: file.read_bytes() for file in run.rglob("*") if file.is_file()}
    mouse, session = str(trained / "mouse.toml"), str(trained / "session.csv")
    other = str(tmp_path / "session.csv")
    for skeleton, data, more, complaint in (
        (mouse, other, ["-o", str(run)], "holds a run on other data"),
        (mouse, other, ["-o", str(run), "--batch", "64"], "another configuration"),
        (mouse, other, ["--refit", "human"], "human's network has another skeleton"),
        (mouse, session, ["--start", "nobody"], "no model 'nobody'"),
        (mouse, other, ["--refit", packed], "mouse was trained on other recordings (session) than these (session)"),
        (mouse, session, ["--epochs", "0"], "run.epochs must be positive"),
        (str(tmp_path / "other.toml"), session, ["--refit", packed], "mouse's body length goes from nose to neck"),
        (str(tmp_path / "other.toml"), session, ["--start", packed], "mouse's body length goes from nose to neck"),
        (str(tmp_path / "other.toml"), str(run / "bank.npz"), [], "its body lengths go from nose to neck"),
    ):
        words = [] if data.endswith(".npz") else ["--up", "z"]
        words += [] if "-o" in more else ["-o", str(tmp_path / "new")]
        capsys.readouterr()
        small = str(trained / "small.toml")
        assert main(["train", small, "--skeleton", skeleton, "--data", data, "--quiet", *words, *more]) == 2
        told = capsys.readouterr().err
        assert complaint in told
        assert told.count("\n") == 1
        assert not (tmp_path / "new").exists()
    assert {file: file.read_bytes() for file in run.rglob("*") if file.is_file()} == before


def test_a_recording_may_be_npz_as_a_bank_is(trained: Path, tmp_path: Path, monkeypatch) -> None:
    (found,) = read_recordings(trained / "session.csv")
    np.savez(tmp_path / "session.npz", xyz=found.xyz, joints=np.array(found.joints))
    begun = []
    monkeypatch.setattr("flowlift.training.loop.train", lambda plan, out, device: begun.append(plan) or _stop())
    words = ["--skeleton", str(trained / "mouse.toml"), "--data", str(tmp_path / "session.npz"), "--up", "z"]
    assert main(["train", str(trained / "small.toml"), *words, "-o", str(tmp_path / "run")]) == 2
    with np.load(begun[0].data.path) as bank, np.load(trained / "run" / "bank.npz") as from_csv:
        np.testing.assert_array_equal(bank["train"], from_csv["train"])


def _stop() -> None:
    raise InputError("stopped")


def _text(rows: list[list[str]]) -> str:
    return "".join(",".join(row) + "\n" for row in rows)


def test_command_lines_that_lack_something(trained: Path, tmp_path: Path, capsys) -> None:
    session, mouse = str(trained / "session.csv"), str(trained / "mouse.toml")
    bank = str(trained / "run" / "bank.npz")
    out = ["-o", str(tmp_path / "run")]
    for words, complaint in (
        (["train", *out], "name a configuration, or give --skeleton"),
        (["train", "--skeleton", mouse, *out], "name a configuration, or give --skeleton and --data"),
        (["train", "human", "--data", session, session, *out], "need --skeleton"),
        (["train", "human36m", "--skeleton", mouse, "--data", session, *out], 'data.kind = "any"'),
        (["train", "--skeleton", mouse, "--data", bank, "--up", "z", *out], "--up is told of 3D recordings"),
        (["train", "--skeleton", mouse, "--data", bank, "--unit", "mm", *out], "--unit is told of 3D recordings"),
        (["train", "any", "--held-out", "a", *out], "--held-out is told of 3D recordings"),
        (["train", "human", "--data", bank, "--calibration", mouse, *out], "--calibration is told of 3D recordings"),
        (["data", "build", session, session, "-o", str(tmp_path / "b.npz")], "3D recordings need --skeleton"),
        (["skeleton", "new", str(tmp_path / "a.txt")], "ends in .toml"),
        (["skeleton", "new", mouse], "is there already"),
        (["skeleton", "check", mouse, "--unit", "mm"], "--unit is of recordings; give them with --data"),
        (["skeleton", "show", "nobody"], "no skeleton named 'nobody'"),
    ):
        capsys.readouterr()
        assert main(words) == 2
        told = capsys.readouterr().err
        assert complaint in told
        assert told.count("\n") == 1


def test_a_template_is_a_skeleton(tmp_path: Path, capsys) -> None:
    assert main(["skeleton", "new", str(tmp_path / "mine.toml")]) == 0
    assert main(["skeleton", "check", str(tmp_path / "mine.toml")]) == 0
    assert main(["skeleton", "show", str(tmp_path / "mine.toml")]) == 0
    told = capsys.readouterr()
    assert "a body's length: nose - neck - tail_base" in told.out
    assert told.err == ""
    text = (tmp_path / "mine.toml").read_text().replace('    ["left_ear", "right_ear"],\n', "")
    (tmp_path / "slip.toml").write_text(text.replace('right_back_paw = "right_hip"', 'right_back_paw = "left_hip"'))
    assert main(["skeleton", "check", str(tmp_path / "slip.toml")]) == 0
    told = capsys.readouterr().err
    assert "left_ear stands in no pair" in told
    assert "right_back_paw on left_hip" in told
    (tmp_path / "MINE.TOML").write_bytes((tmp_path / "mine.toml").read_bytes())
    assert main(["skeleton", "show", str(tmp_path / "MINE.TOML")]) == 0
    assert main(["skeleton", "list"]) == 0
    assert "animal3d26" in capsys.readouterr().out


def test_frames_that_are_left_out_leave_time(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lifter, plain, seen = Lifter.load(trained / "run" / "model"), Lifter.__call__, []

    def watched(self: Lifter, keypoints: Keypoints2D, *args: Any, **settings: Any) -> Poses3D:
        if settings.get("smooth") != "off":  # as hypotheses are drawn again
            seen.append(keypoints)
        return plain(self, keypoints, *args, **settings)

    monkeypatch.setattr(Lifter, "__call__", watched)
    (session,) = read_sessions([trained / "session.csv"], MOUSE, up="z")
    assert session.fps is None  # CSV tells none
    for fps, smoothing in ((None, "off"), (30.0, "auto")):
        new = replace(session, fps=fps, sha256="of another recording")
        found = evaluate_sessions(lifter, [new], hypotheses=1, seeds=(0,), every=7)
        assert found.results[0].conditions.smoothing == smoothing
        rooted = np.isfinite(session.xyz[session.usable, MOUSE.root, 0]).sum()
        assert found.results[0].rows[0].frames == -(-rooted // 7)
    steps = [np.diff(keypoints.frame_times).min() for keypoints in seen if keypoints.timed and len(keypoints) > 1]
    np.testing.assert_allclose(min(steps), 7 / 30, rtol=1e-6)
