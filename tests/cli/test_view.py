"""`flowlift view` as it is typed."""

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

import flowlift
from flowlift.batch.job import Job
from flowlift.cli.jobs import write_all
from flowlift.demo import synthesize
from flowlift.view.mark import Mark, mark_for, mark_of

from .conftest import Run


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A result file: the demo's truth."""
    return flowlift.save(synthesize(seconds=0.5).truth, tmp_path_factory.mktemp("result") / "walk.npz")


def test_page_lies_beside_the_result(run: Run, result: Path) -> None:
    page = result.with_suffix(".html")
    for _ in range(2):  # its own page is replaced
        done = run("view", result)
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{page}\n", "")
    assert "<title>walk</title>" in page.read_text()
    assert run("view", page).stdout == f"{page}\n"


def test_page_of_another_format_in_a_folder(run: Run, result: Path, tmp_path: Path) -> None:
    flowlift.save(flowlift.load(result), tmp_path / "poses.trc")
    (tmp_path / "clip.mp4").write_bytes(b"not looked at: the browser plays it")
    done = run("view", "poses.trc", "--video", "clip.mp4", "-o", "pages/")
    assert (done.returncode, done.stderr) == (0, "")
    assert '"address":"./../clip.mp4"' in (tmp_path / "pages" / "poses.html").read_text()
    assert run("view", "poses.trc", "--video", "clip.mp4", "--embed").returncode == 0
    assert "bm90IGxvb2tlZCBhdDogdGhlIGJyb3dzZXIgcGxheXMgaXQ=" in (tmp_path / "poses.html").read_text()


def test_page_of_a_lifted_video_shows_it(result: Path, tmp_path: Path) -> None:
    video, page = tmp_path / "clip.mp4", tmp_path / "out" / "clip.html"
    video.touch()
    write_all(flowlift.load(result), Job(str(video), (page, tmp_path / "out" / "clip.npz")), quiet=True)
    assert '"address":"./../clip.mp4"' in page.read_text()
    write_all(flowlift.load(result), Job(str(result), (page,)), quiet=True)
    assert '"video":null' in page.read_text(), "keypoints have no pictures"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["absent.npz"], "absent.npz: there is no such file"),
        (["absent.html"], "absent.html: there is no such file"),
        (["keypoints.npz"], "keypoints.npz: it holds 2D keypoints; lift them first"),
        (["poses.npz", "--video", "absent.mp4", "-o", "other.html"], "absent.mp4: there is no such video"),
        (["poses.npz", "--video", ".", "-o", "other.html"], ".: a folder; a page shows a video"),
        (["poses.npz", "--embed"], "--embed puts a video into the page; name it with --video"),
        (["poses.npz", "-o", "page.pdf"], "page.pdf: a page is written; name it with .html"),
        (["poses.npz"], "poses.npz.html: is there, and flowlift did not write it"),
        (["poses.npz::walk"], "poses.npz: flowlift npz has no clips with names; leave ::walk out"),
        (["poses.html", "-o", "other.html"], "poses.html: this is a page already"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(
    run: Run, result: Path, tmp_path: Path, arguments: list[str], complaint: str
) -> None:
    flowlift.save(synthesize(seconds=0.2).keypoints, tmp_path / "keypoints.npz")
    flowlift.save(flowlift.load(result), tmp_path / "poses.npz")
    for name in ("poses.html", "poses.npz.html"):
        (tmp_path / name).write_text("mine")
    before = sorted(tmp_path.iterdir())
    done = run("view", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"flowlift: error: {complaint}")
    assert done.stderr.count("\n") == 1
    assert {(tmp_path / name).read_text() for name in ("poses.html", "poses.npz.html")} == {"mine"}
    assert sorted(tmp_path.iterdir()) == before


def test_the_page_that_shows_the_video_stays(run: Run, result: Path, tmp_path: Path) -> None:
    video, page = tmp_path / "clip.mp4", tmp_path / "clip.html"
    video.touch()
    poses = flowlift.load(result)
    write_all(poses, Job(str(video), (tmp_path / "clip.npz", page)), quiet=True)
    assert run("view", tmp_path / "clip.npz").stdout == f"{page}\n"
    assert '"address":"./clip.mp4"' in page.read_text()
    assert "name it with --video" in run("view", tmp_path / "clip.npz", "--embed").stderr
    os.utime(page, ns=(0, 0))  # copied about: it is what the page shows that counts
    assert run("view", tmp_path / "clip.npz").stdout == f"{page}\n"
    assert '"address":"./clip.mp4"' in page.read_text()


def test_a_page_is_of_one_result(run: Run, result: Path, tmp_path: Path) -> None:
    """Files of one name that hold different things have their own pages, and a page that is there stays as it is."""
    poses = flowlift.load(result)
    write_all(poses, Job("walk.npz", (tmp_path / "walk.npz", tmp_path / "walk.html")), quiet=True)
    lifted = (tmp_path / "walk.html").read_bytes()
    flowlift.save(poses, tmp_path / "walk.trc")
    for _ in range(2):
        assert run("view", "walk.trc").stdout == "walk.trc.html\n"
        assert run("view", "walk.npz").stdout == "walk.html\n"
    assert (tmp_path / "walk.html").read_bytes() == lifted
    assert "<title>walk.trc</title>" in (tmp_path / "walk.trc.html").read_text()
    flowlift.save(poses, tmp_path / "walk.glb")
    done = run("view", "walk.glb")
    assert (done.returncode, done.stdout) == (2, "")
    assert "walk.glb: flowlift writes .glb files like this one, and does not read them" in done.stderr


def test_the_page_of_a_file_follows_it(run: Run, result: Path, tmp_path: Path) -> None:
    poses = flowlift.load(result)
    for shown in (poses, replace(poses, xyz=2 * poses.xyz)):
        flowlift.save(shown, tmp_path / "walk.npz")
        assert run("view", "walk.npz").stdout == "walk.html\n"
        assert mark_of(tmp_path / "walk.html") == mark_for(shown, ".npz")
    flowlift.save(poses, tmp_path / "walk.trc")
    assert run("view", "walk.trc").stdout == "walk.trc.html\n"
    assert mark_of(tmp_path / "walk.html") == mark_for(replace(poses, xyz=2 * poses.xyz), ".npz")


def test_pages_of_before_there_were_marks(run: Run, result: Path, tmp_path: Path) -> None:
    """They are taken to show the npz or JSON that is not newer, as `lift` wrote them; nothing replaces them."""
    poses, page = flowlift.load(result), tmp_path / "walk.html"
    for name in ("walk.npz", "walk.trc", "walk.html"):
        flowlift.save(poses, tmp_path / name)
    page.write_text(re.sub('<meta name="flowlift-result".*\n', "", page.read_text()))
    before = page.read_bytes()
    assert mark_of(page) == Mark()
    assert run("view", "walk.npz").stdout == "walk.html\n"
    assert run("view", "walk.trc").stdout == "walk.trc.html\n"
    os.utime(page, ns=(0, 0))
    assert run("view", "walk.npz").stdout == "walk.npz.html\n"
    assert page.read_bytes() == before
