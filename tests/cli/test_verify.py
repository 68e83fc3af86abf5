"""`flowlift verify`, through the real command line: a result as it was written is the same, a changed one is not."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import flowlift
from flowlift.camera import Camera
from flowlift.cli import main
from flowlift.io.packing import SUM, content_sum
from flowlift.verify import verify


@pytest.fixture(scope="module")
def results(walk: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with walk.npz (keypoints), and what was lifted from it as npz and JSON."""
    folder = tmp_path_factory.mktemp("results")
    shutil.copy(walk, folder / "walk.npz")
    for name in ("poses.npz", "poses.json"):
        arguments = ["lift", str(folder / "walk.npz"), "-o", str(folder / name), "--model", "human-fast"]
        assert main([*arguments, "--hypotheses", "4", "--seed", "3", "--quiet"]) == 0
    return folder


def changed(results: Path, folder: Path, change: dict[str, Any], *, forged: bool = False) -> Path:
    """The JSON result with parts of it changed; `forged`: with a checksum that fits again."""
    held = json.loads((results / "poses.json").read_text())
    for way, value in change.items():
        *parts, last = way.split("/")
        inside = held
        for part in parts:
            inside = inside[part]
        inside[int(last) if last.isdigit() else last] = value
    path = folder / "changed.json"
    path.write_text(json.dumps(held))
    if forged:
        path.write_text(json.dumps(held | {SUM: content_sum(flowlift.load(path))}))
    return path


def states(path: Path, **more: Any) -> dict[str, str]:
    return {finding.what: finding.state for finding in verify(path, **more)}


@pytest.mark.parametrize("name", ["poses.npz", "poses.json"])
def test_a_result_as_it_was_written(run, results: Path, name: str) -> None:
    done = run("verify", results / name, "--source", results / "walk.npz")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[-1] == "same"
    assert [line.split()[:2] for line in lines[:-1]] == [
        [f"{what}:", "same"] for what in ("content", "version", "source", "model", "poses")
    ]


def test_a_tampered_result(run, results: Path, tmp_path: Path) -> None:
    path = changed(results, tmp_path, {"arrays/xyz/values/40": 0.5})
    done = run("verify", path, "--quiet")
    assert done.returncode == 1
    assert "content: differs" in done.stdout
    assert "poses:   differs" in done.stdout


@pytest.mark.parametrize(
    "change",
    [
        {"arrays/xyz/values/40": 0.5},
        {"arrays/cov/values/100": 4.0},
        {"arrays/root/values/2": 9.0},
        {"arrays/keypoints.xy/values/30": 5.0},
        {"camera/matrix/0": [900.0, 0.0, 300.0]},
        {"provenance/seed": 4},
        {"provenance/hypotheses": 2},
        {"provenance/smooth": "off"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_forged_checksum_does_not_help(results: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    found = states(changed(results, tmp_path, change, forged=True))
    assert (found["content"], found["poses"]) == ("same", "differs")


def test_another_source_and_another_model(results: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.npz"
    flowlift.save(flowlift.load(results / "walk.npz").take(np.arange(5)), other)
    assert states(results / "poses.npz", source=other)["source"] == "differs"
    found = states(results / "poses.npz", model="human")
    assert (found["model"], found["poses"]) == ("differs", "not checked")
    assert states(changed(results, tmp_path, {"provenance/model": "unicorn"}))["model"] == "not checked"


def test_what_cannot_be_checked_is_said(run, results: Path, tmp_path: Path) -> None:
    held = flowlift.load(results / "poses.npz")
    bare = flowlift.Poses3D(held.xyz, held.root, held.cov, held.skeleton, held.fps, provenance=held.provenance)
    flowlift.save(bare, tmp_path / "bare.npz")
    done = run("verify", "bare.npz")
    assert done.returncode == 1
    assert "nothing to lift again" in done.stdout
    assert done.stdout.splitlines()[-1] == "not verified"


@pytest.mark.parametrize(
    ("settings", "provenance"),
    [
        ({"height": 1.8, "smooth": 0.2}, {"height_m": 1.8, "size_given": True, "smooth": "0.2 s"}),
        ({"ground": "auto", "smooth": "off"}, {"size_given": False, "smooth": "off"}),
        ({"ground": "auto"}, {"ground": "auto", "vertical": "unknown"}),
        ({"fov": 60.0, "steps": 2, "people": "largest"}, {"steps": 2, "intrinsics": "given"}),
    ],
    ids=["height", "ground", "ground of a smoothed clip", "camera"],
)
def test_settings_of_each_kind_are_kept_and_give_the_same(
    results: Path, tmp_path: Path, settings: dict[str, Any], provenance: dict[str, Any]
) -> None:
    poses = flowlift.lift(results / "walk.npz", model="human-fast", hypotheses=3, seed=1, **settings)
    assert {name: poses.provenance[name] for name in provenance} == provenance
    path = flowlift.save(poses, tmp_path / "a.npz")
    assert states(path)["poses"] == "same"


@pytest.mark.filterwarnings("error")
def test_a_calibrated_ground_is_verified_without_a_warning(results: Path, tmp_path: Path) -> None:
    seen = flowlift.load(results / "walk.npz")
    turn = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # the world's z is up
    camera = replace(Camera.from_fov(60.0, seen.image_size), rotation=turn, translation=np.array([0.0, 1.5, 0]))
    poses = flowlift.lift(
        results / "walk.npz", model="human-fast", hypotheses=2, camera=camera, ground="calibration", smooth="off"
    )
    assert poses.provenance["ground"] == "calibration"
    assert states(flowlift.save(poses, tmp_path / "a.npz"))["poses"] == "same"


def test_a_source_is_named_as_it_was_lifted(run, results: Path) -> None:
    """FILE::CLIP is compared by its file, whose checksum a result tells; without it the name has no ending."""
    done = run("verify", results / "poses.npz", "--source", f"{results / 'walk.npz'}::somebody")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"source:  same        {results / 'walk.npz'} is what was lifted" in done.stdout
    done = run("verify", results / "poses.npz")
    assert "it was called walk, whatever its ending" in done.stdout


def test_both_formats_tell_the_same_checksum(results: Path) -> None:
    poses = flowlift.load(results / "poses.npz")
    assert content_sum(poses) == content_sum(flowlift.load(results / "poses.json"))
    assert content_sum(poses) == json.loads((results / "poses.json").read_text())[SUM]
    moved = poses.xyz.copy()
    moved[0, 0, 0, 0] = np.nextafter(moved[0, 0, 0, 0], np.float32(1))
    assert content_sum(flowlift.Poses3D(moved, poses.root, poses.cov, poses.skeleton)) != content_sum(
        flowlift.Poses3D(poses.xyz, poses.root, poses.cov, poses.skeleton)
    )


@pytest.mark.parametrize(
    ("name", "complaint"),
    [("poses.csv", "only npz and JSON"), ("walk.npz", "2D keypoints"), ("none.npz", "no such file")],
)
def test_other_files(run, results: Path, tmp_path: Path, name: str, complaint: str) -> None:
    (tmp_path / "poses.csv").write_text("frame,x\n1,2\n")
    done = run("verify", tmp_path / name if name == "poses.csv" else results / name)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert len(done.stderr.splitlines()) == 1
