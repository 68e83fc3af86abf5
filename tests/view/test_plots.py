"""Plots: every format is what its suffix says, and what is drawn is what was measured."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import flowlift
from flowlift.angles import angles_of
from flowlift.cli import main
from flowlift.containers import Poses3D
from flowlift.errors import InputError, MissingExtraError, OutputError
from flowlift.view.plots import write_plot
from flowlift.view.style import LEFT, RIGHT

pytest.importorskip("matplotlib")


def dark_or_coloured(image: np.ndarray, color: tuple[int, int, int]) -> int:
    return int((np.abs(image.astype(int) - color).max(axis=-1) < 30).sum())


@pytest.mark.parametrize(("suffix", "begins"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_the_suffix_says_the_format(tmp_path: Path, walker: Poses3D, suffix: str, begins: bytes) -> None:
    path = tmp_path / f"plot{suffix}"
    write_plot(walker, path)
    first = path.read_bytes()
    assert first.startswith(begins)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_both_sides_and_every_angle_are_there(tmp_path: Path, walker: Poses3D) -> None:
    write_plot(walker, tmp_path / "plot.svg")
    text = (tmp_path / "plot.svg").read_text()
    for label in {angle.label for angle in angles_of(walker).angles}:
        assert f"<!-- {label}, degrees -->" in text
    for way in ("to the right, m", "up, m", "away, m"):
        assert f"<!-- {way} -->" in text
    write_plot(walker, tmp_path / "plot.png")
    image = np.asarray(Image.open(tmp_path / "plot.png").convert("RGB"))
    assert dark_or_coloured(image, LEFT) > 500
    assert dark_or_coloured(image, RIGHT) > 500


def curves(monkeypatch: pytest.MonkeyPatch, poses: Poses3D, path: Path, **options: object) -> dict[str, list]:
    """What was drawn, by the panels' titles: (label, x, y) of each line."""
    from matplotlib.figure import Figure

    kept: list[Figure] = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (kept.append(self), save(self, *a, **k))[1])
    write_plot(poses, path, **options)
    for axis in kept[0].axes:  # a line that looks different from another is explained
        lines = [line for line in axis.lines if not str(line.get_label()).startswith("_")]
        assert len(lines) < 2 or axis.get_legend() is not None
    return {
        axis.get_title(loc="left"): [(line.get_label(), line.get_xdata(), line.get_ydata()) for line in axis.lines]
        for axis in kept[0].axes
        if axis.get_visible()
    }


def test_curves_are_the_angles_and_the_paths(tmp_path: Path, walker: Poses3D, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = curves(monkeypatch, walker, tmp_path / "a.png", joints=["head"])
    found = angles_of(walker)
    (_, times, left), (_, _, right) = drawn["knee flexion, degrees"]
    np.testing.assert_allclose(times, walker.frame_times)
    np.testing.assert_allclose(left, found.degrees[:, 0, found.names.index("left knee flexion")], rtol=1e-5)
    np.testing.assert_allclose(right, found.degrees[:, 0, found.names.index("right knee flexion")], rtol=1e-5)
    ((label, _, up),) = drawn["up, m"]
    assert label == "head"
    np.testing.assert_allclose(up, -walker.absolute[:, 0, walker.skeleton.index("head"), 1], rtol=1e-4)
    assert "reliability of the joints' regions" not in drawn


def test_a_reference_is_drawn_and_measured(tmp_path: Path, walker: Poses3D, monkeypatch: pytest.MonkeyPatch) -> None:
    from flowlift.cli.plot import _reference

    drawn = curves(monkeypatch, walker, tmp_path / "a.png", reference=_reference(walker, walker, 0, None, 0.0))
    assert [line[0] for line in drawn["trunk lean, degrees"]] == ["centre", "centre, true"]
    (_, known, true) = drawn["trunk lean, degrees"][1]
    np.testing.assert_allclose(known, walker.frame_times)
    np.testing.assert_allclose(true, drawn["trunk lean, degrees"][0][2], atol=0.01)
    _, (_, levels, shares) = drawn["reliability of the joints' regions"]
    assert len(levels) == 19
    assert (shares == 1).all(), "the truth itself lies in every region"


def test_short_and_empty_results(tmp_path: Path, walker: Poses3D) -> None:
    few = Poses3D(walker.xyz[:1], None, walker.cov[:1], walker.skeleton)
    write_plot(few, tmp_path / "few.png")
    write_plot(replace(few, xyz=np.full_like(few.xyz, np.nan)), tmp_path / "nobody.png")
    assert (tmp_path / "nobody.png").stat().st_size > 1000


def test_what_cannot_be_plotted(tmp_path: Path, walker: Poses3D) -> None:
    with pytest.raises(OutputError, match=r"\.png, \.svg, \.pdf"):
        write_plot(walker, tmp_path / "a.gif")
    with pytest.raises(InputError, match="no person 3"):
        write_plot(walker, tmp_path / "a.png", person=3)
    with pytest.raises(InputError, match="no joint 'tail'"):
        write_plot(walker, tmp_path / "a.png", joints=["tail"])
    assert not list(tmp_path.iterdir())


def test_without_matplotlib(tmp_path: Path, walker: Poses3D, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"flowlift\[plot\]"):
        write_plot(walker, tmp_path / "a.png")


def test_plot_on_the_command_line(tmp_path: Path, walker: Poses3D, capsys: pytest.CaptureFixture[str]) -> None:
    flowlift.save(walker, tmp_path / "walk.npz")
    result = f"{tmp_path}/walk.npz"
    told = ["--joints", "left_wrist, head", "--reference", result]
    assert main(["plot", result, "-o", f"{tmp_path}/new/plot.svg", *told]) == 0
    assert "left wrist" in (tmp_path / "new" / "plot.svg").read_text()
    assert main(["plot", result, "-o", f"{tmp_path}/plot.jpg"]) == 2
    assert main(["plot", result, "-o", f"{tmp_path}/plot.png", "--person", "9"]) == 2
    assert capsys.readouterr().err.count("\n") == 2


def test_paths_are_in_the_unit_of_the_poses(tmp_path: Path, walker: Poses3D) -> None:
    lengths = replace(walker, provenance={**walker.provenance, "unit": "body lengths"})
    for poses, unit in ((walker, "m"), (lengths, "body lengths")):
        write_plot(poses, tmp_path / "a.svg", joints=["left_wrist"])
        assert f"to the right, {unit} -->" in (tmp_path / "a.svg").read_text()


def test_a_truth_with_a_gap_is_not_drawn_across_it(
    tmp_path: Path, walker: Poses3D, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flowlift.cli.plot import _reference

    xyz = walker.xyz.copy()
    xyz[20:30] = np.nan
    told = _reference(walker, replace(walker, xyz=xyz), 0, None, 0.0)
    drawn = curves(monkeypatch, walker, tmp_path / "a.png", reference=told)
    _, (_, times, true) = drawn["trunk lean, degrees"]
    np.testing.assert_allclose(times, walker.frame_times)
    known = np.isfinite(walker.xyz).all(axis=(1, 2, 3))
    known[20:30] = False
    np.testing.assert_array_equal(np.isfinite(true), known)


def test_whose_truth_it_is(tmp_path: Path, walker: Poses3D, capsys: pytest.CaptureFixture[str]) -> None:
    """That of the same number; of one person that one; and nobody else's, but who is asked for."""

    def several(*people: Poses3D) -> Poses3D:
        return Poses3D(
            np.concatenate([each.xyz for each in people], axis=1),
            None,
            np.concatenate([each.cov for each in people], axis=1),
            walker.skeleton,
            fps=walker.fps,
            camera=walker.camera,
        )

    back = replace(walker, xyz=walker.xyz[::-1])
    for name, poses in (
        ("one", several(walker)),
        ("two", several(back, walker)),
        ("three", several(back, back, walker)),
    ):
        flowlift.save(poses, tmp_path / f"{name}.npz")

    def plotted(result: str, reference: str, *told: str) -> str:
        line = [str(tmp_path / f"{result}.npz"), "-o", str(tmp_path / "a.svg"), *told]
        status = main(["plot", *line, "--reference", str(tmp_path / f"{reference}.npz")])
        return "" if status == 0 else capsys.readouterr().err

    assert plotted("three", "one", "--person", "2") == ""
    assert "no person 2 in the second: it has 2" in plotted("three", "two", "--person", "2")
    assert plotted("three", "two", "--person", "2", "--other-person", "1") == ""
    assert "no person 1 in the second" in plotted("two", "one", "--other-person", "1")
    for told in (["--other-person", "0"], ["--offset", "1"], ["--offset", "0"]):
        assert main(["plot", str(tmp_path / "one.npz"), "-o", str(tmp_path / "a.svg"), *told]) == 2
        assert "give one with --reference" in capsys.readouterr().err
