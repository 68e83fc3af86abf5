"""Evaluation: hand-computed means, honest labels, and no difference between a prefix and fewer hypotheses."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest

from flowlift.camera import Camera
from flowlift.containers import Keypoints2D, Poses3D
from flowlift.datasets.labelled import DataSet, LabelledClip
from flowlift.errors import InputError
from flowlift.evaluation.evaluating import EvaluationSettings, evaluate
from flowlift.evaluation.evaluation_report import markdown, write_report
from flowlift.evaluation.protocols import PROTOCOLS, protocol_for
from flowlift.evaluation.tally import Tally, rows
from flowlift.lifter import hypothesis_noise
from flowlift.skeleton import Skeleton
from flowlift.skeletons import ANIMAL3D26, HUMAN36M17, MPI_INF_3DHP17

CAMERA = Camera.from_fov(60.0, (1000, 800))


def clip(
    name: str, skeleton: Skeleton = HUMAN36M17, *, frames: int = 6, known: bool = True, **labels: str
) -> LabelledClip:
    generator = np.random.default_rng(len(name) * 1000 + sum(map(ord, name)))
    xyz = generator.normal(0, 0.3, (frames, len(skeleton), 3))
    xyz[:, skeleton.root] = 0
    root = np.array([0.1, 0.2, 5.0]) + generator.normal(0, 0.1, (frames, 3))
    xy = CAMERA.project(xyz + root[:, None])
    keypoints = Keypoints2D(xy[:, None], np.ones((frames, 1, len(skeleton))), skeleton, CAMERA.image_size)
    valid = np.ones(frames, dtype=bool)
    return LabelledClip(name, labels, keypoints, xyz, root if known else None, CAMERA if known else None, valid)


@dataclass(frozen=True)
class Fake:
    """A data set in memory."""

    held: tuple[LabelledClip, ...]
    name: str = "Human3.6M"
    unit: str = "m"
    keypoints: str = "exact projection"
    splits: tuple[str, ...] = ("test",)

    @property
    def skeleton(self) -> Skeleton:
        return self.held[0].skeleton

    def clips(self, split: str) -> Iterator[LabelledClip]:
        assert split in self.splits
        yield from self.held


@dataclass(frozen=True)
class Knowing:
    """Answers the truth of the clip that has the same keypoints, off by `shift` (m along x, all joints but the root)
    times a number of the action; hypotheses scatter about it by `spread` m."""

    held: tuple[LabelledClip, ...]
    shift: float = 0.0
    spread: float = 0.0

    def __call__(
        self, keypoints: Keypoints2D, *, camera, hypotheses, steps, seed, smooth, height, keep_hypotheses
    ) -> Poses3D:
        each = next(c for c in self.held if np.isin(keypoints.xy, c.keypoints.xy).all())
        frames = [int(np.flatnonzero((c == each.keypoints.xy).all(axis=(1, 2, 3)))[0]) for c in keypoints.xy]
        moved = each.xyz[frames] + self.shift * float(each.labels.get("weight", 1)) * np.array([1.0, 0, 0])
        moved[:, each.skeleton.root] = 0
        noise = np.random.default_rng(seed).normal(0, self.spread, (len(moved), hypotheses, *moved.shape[1:]))
        drawn = (moved[:, None] + noise)[:, None]
        drawn[:, :, :, each.skeleton.root] = 0
        cov = np.broadcast_to(np.eye(3) * 0.01, (*moved[:, None].shape, 3))
        said = {"root": "solved", "intrinsics": "given", "hypotheses": hypotheses, "steps": 3}
        return Poses3D(
            moved[:, None],
            None,
            cov,
            each.skeleton,
            camera=camera,
            provenance=said,
            hypotheses=drawn,
            keypoints=keypoints,
        )


def test_the_fake_is_a_data_set():
    assert isinstance(Fake((clip("a"),)), DataSet)


def test_perfect_answers_have_no_error_by_any_way():
    held = (clip("a", action="Walking"), clip("b", action="Photo"))
    done = evaluate(Knowing(held), Fake(held), PROTOCOLS["human36m-p1"], EvaluationSettings("perfect", (1, 2, 5)))
    for result in (done.own, *done.ways, *done.spread):
        for name, figure in result.rows[0].figures.items():
            expected = 1.0 if name == "coverage_90" else 0.0
            assert figure.mean == pytest.approx(expected, abs=1e-3), (result.name, name)
    assert len(done.ways) == 11 * 3


def test_the_two_means_are_those_computed_by_hand():
    # Walking: 6 frames that are off by 10 mm in 16 of 17 joints; Photo: 12 frames, off by 40.
    held = (
        clip("a", action="Walking", weight="1"),
        clip("b", action="Photo", weight="4"),
        clip("bb", action="Photo", weight="4"),
    )
    done = evaluate(Knowing(held, 0.01), Fake(held), PROTOCOLS["human36m-p1"], EvaluationSettings("off", (1,)))
    by_group = {row.group: row.figures["mpjpe_mm"].mean for row in done.own.rows}
    assert by_group["Walking"] == pytest.approx(10 * 16 / 17, rel=1e-4)
    assert by_group["Photo"] == pytest.approx(40 * 16 / 17, rel=1e-4)
    assert by_group["all frames"] == pytest.approx(30 * 16 / 17, rel=1e-4)
    assert by_group["mean of groups by action"] == pytest.approx(25 * 16 / 17, rel=1e-4)


def test_invalid_frames_do_not_count():
    whole = clip("a", action="Walking", frames=8)
    half = replace(whole, valid=np.arange(8) % 2 == 0)
    done = evaluate(Knowing((half,)), Fake((half,)), PROTOCOLS["human36m-p1"], EvaluationSettings("x", (1,)))
    assert done.own.rows[0].frames == 4
    done = evaluate(Knowing((half,)), Fake((half,)), PROTOCOLS["human36m-p1"], EvaluationSettings("x", (1,), every=2))
    assert done.own.rows[0].frames == 2
    none = replace(whole, valid=np.zeros(8, dtype=bool))
    with pytest.raises(InputError, match="no valid frame"):
        evaluate(Knowing((none,)), Fake((none,)), PROTOCOLS["human36m-p1"], EvaluationSettings("x", (1,)))


def test_pck_leaves_out_what_the_protocol_leaves_out():
    held = (clip("ts", MPI_INF_3DHP17, sequence="TS1"),)
    done = evaluate(
        Knowing(held, 0.149),
        Fake(held, "MPI-INF-3DHP (univ_annot3)"),
        PROTOCOLS["mpi-inf-3dhp"],
        EvaluationSettings("x", (1,)),
    )
    figures = done.own.rows[0].figures
    assert figures["pck_150"].mean == 1.0
    assert figures["auc"].mean == pytest.approx(1 / 31)  # of 31 thresholds only 150 mm is above 149
    done = evaluate(
        Knowing(held, 0.151),
        Fake(held, "MPI-INF-3DHP (univ_annot3)"),
        PROTOCOLS["mpi-inf-3dhp"],
        EvaluationSettings("x", (1,)),
    )
    assert done.own.rows[0].figures["pck_150"].mean == 0.0  # the root, which would be right, is not counted


def test_whatever_used_the_truth_says_oracle_everywhere():
    held = (clip("a", action="Walking"),)
    done = evaluate(Knowing(held, spread=0.05), Fake(held), PROTOCOLS["human36m-p1"], EvaluationSettings("m", (5,)))
    for result in done.ways:
        assert ("ORACLE" in result.name) == ("ORACLE" in (result.conditions.root or ""))
    named = [result.name for result in done.ways if "ORACLE" in result.name]
    assert len(named) == 3
    text = markdown(done)
    for name in named:
        assert name in text


def test_without_true_root_or_camera_there_is_no_oracle_and_the_report_says_so():
    held = (clip("a", action="Walking", known=False),)
    done = evaluate(Knowing(held, spread=0.05), Fake(held), PROTOCOLS["human36m-p1"], EvaluationSettings("m", (5,)))
    assert not [result for result in done.ways if "ORACLE" in result.name]
    assert any("oracle root left out for 1 of 1" in note for note in done.notes)
    assert "oracle root left out" in markdown(done)


def test_animals_have_procrustes_errors_only():
    held = (clip("dog", ANIMAL3D26, frames=1, species="dog"), clip("cat.", ANIMAL3D26, frames=1, species="cat"))
    done = evaluate(
        Knowing(held, spread=0.02), Fake(held, "Animal3D"), PROTOCOLS["animal3d"], EvaluationSettings("m", (2,))
    )
    assert set(done.own.rows[0].figures) == {"p_mpjpe_mm"}
    assert {row.group for row in done.own.rows} == {"all frames", "mean of groups by species", "cat", "dog"}


def test_spread_without_bias_is_calibrated_and_the_best_of_many_is_better():
    held = tuple(clip(f"clip {i}", action="Walking", frames=40) for i in range(4))
    done = evaluate(Knowing(held, spread=0.05), Fake(held), PROTOCOLS["human36m-p1"], EvaluationSettings("m", (2, 40)))
    small, large = (result.rows[0].figures["min_mpjpe_mm"].mean for result in done.spread)
    assert large < small
    mean = {result.name: result.rows[0].figures["mpjpe_mm"].mean for result in done.ways}
    assert mean["mean, N = 40"] < mean["mean, N = 2"]


def test_a_prefix_of_many_starts_is_what_fewer_hypotheses_start_from():
    many = hypothesis_noise(40, HUMAN36M17, 3)
    for count in (1, 2, 5, 10, 20, 40):
        np.testing.assert_array_equal(hypothesis_noise(count, HUMAN36M17, 3), many[:count])


def test_a_report_is_three_files_that_agree(tmp_path):
    held = (clip("a", action="Walking"), clip("b", action="Photo"))
    settings = EvaluationSettings("m", (1, 5), seeds=(0, 1))
    done = evaluate(Knowing(held, 0.01, 0.02), Fake(held), PROTOCOLS["human36m-p2"], settings)
    written = write_report(done, tmp_path / "report")
    assert [path.name for path in written] == ["report.md", "report.json", "reliability.svg"]
    table = json.loads((tmp_path / "report" / "report.json").read_text())
    figure = table["model_answer"][0]["rows"][0]["p_mpjpe_mm"]
    assert len(figure["per_seed"]) == 2
    text = (tmp_path / "report" / "report.md").read_text()
    assert f"{figure['mean']:.1f}" in text
    assert "seeds: 0, 1" in text
    assert table["model_answer"][0]["conditions"]["intrinsics"] == "given"


def test_sums_are_means_and_frames_without_a_pose_are_told():
    tally = Tally()
    tally.add("a", {"mpjpe_mm": np.array([0.010, 0.030, np.nan])})
    tally.add("b", {"mpjpe_mm": np.array([0.100])})
    everything, groups, a, b = rows([tally], kind="action")
    assert (everything.frames, everything.without_pose) == (3, 1)
    assert everything.figures["mpjpe_mm"].mean == pytest.approx(140 / 3)
    assert groups.figures["mpjpe_mm"].mean == pytest.approx(60)
    assert (a.frames, a.without_pose, b.frames) == (2, 1, 1)


@pytest.mark.parametrize("settings", [{"counts": ()}, {"counts": (0,)}, {"seeds": ()}, {"every": 0}])
def test_settings_that_cannot_be(settings):
    with pytest.raises(InputError):
        EvaluationSettings("m", **settings)


def test_each_data_set_has_its_protocol():
    held = (clip("a"),)
    assert protocol_for(Fake(held)).name == "human36m-p1"
    assert protocol_for(Fake(held, "MPI-INF-3DHP (annot3)")).name == "mpi-inf-3dhp"
    assert protocol_for(Fake(held, "CtrlAni3D")).name == "animal3d"
    assert protocol_for(Fake(held, "some folder")).name == "mocap"
    assert protocol_for(Fake(held), "human36m-p2").headline == "p_mpjpe_mm"
    with pytest.raises(InputError, match="human36m-p1"):
        protocol_for(Fake(held), "p3")
