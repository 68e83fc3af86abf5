"""Jobs from drop to download, and what goes wrong on the way, without a browser."""

import io
import json
import os
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

import flowlift
from flowlift.demo import synthesize
from flowlift.io import stem_of
from flowlift.studio import child
from flowlift.studio.job import JobFolder, Jobs
from flowlift.studio.server import Settings

from .conftest import LIMIT, Client, client_of, drop, ended, wait_for


def test_from_drop_to_download(studio: Client, folder: Path, walk: bytes, tmp_path: Path) -> None:
    job = drop(studio, walk, "../My walk.npz", json.dumps({"hypotheses": 4, "height": 1.9, "seed": 3}))
    assert job["name"] == "My walk.npz"
    done = wait_for(studio, job, ended)
    assert (done["state"], done["message"]) == ("done", "")
    assert not (folder / job["id"] / "upload").exists(), "what was dropped goes when the job has ended"
    assert "<title>My walk.npz</title>" in studio.get(f"/jobs/{job['id']}/page.html").text
    answer = studio.get(f"/jobs/{job['id']}/download/npz")
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''My%20walk.npz"
    (tmp_path / "got.npz").write_bytes(answer.content)
    got = flowlift.load(tmp_path / "got.npz")
    expected = flowlift.Lifter.load("human")(
        synthesize(seconds=0.5).keypoints, hypotheses=4, height=1.9, seed=3, keep_hypotheses=True
    )
    np.testing.assert_array_equal(got.xyz, expected.xyz)
    np.testing.assert_array_equal(got.hypotheses, expected.hypotheses)
    table = studio.get(f"/jobs/{job['id']}/download/csv").text
    assert table.startswith("frame,time,person,joint")
    assert studio.get(f"/jobs/{job['id']}/film.mp4").status_code == 404, "keypoints have no film"
    assert studio.delete(f"/api/jobs/{job['id']}").status_code == 204
    assert studio.get("/api/jobs").json() == []
    assert list(folder.iterdir()) == []


def test_a_bad_job_stops_nothing(studio: Client, folder: Path, walk: bytes) -> None:
    bad = [drop(studio, walk[:200], "cut.npz"), drop(studio, b"no video", "v.mp4"), drop(studio, b"{}", "k.json")]
    good = drop(studio, walk)
    for job in bad:
        failed = wait_for(studio, job, ended)
        assert failed["state"] == "failed"
        assert failed["message"].startswith(job["name"]), failed["message"]
        assert "\n" not in failed["message"]
        assert str(folder) not in failed["message"]
        assert "Traceback" not in failed["message"]
        assert studio.get(f"/jobs/{job['id']}/download/npz").status_code == 409
    assert wait_for(studio, good, ended)["state"] == "done"


def test_cancel_ends_the_process(studio: Client, folder: Path, long_walk: bytes) -> None:
    first, second = drop(studio, long_walk), drop(studio, long_walk)
    running = wait_for(studio, first, lambda job: job["progress"]["done"] > 0)
    assert running["progress"]["total"] == 3600
    assert wait_for(studio, second, lambda job: True)["state"] == "queued"
    assert studio.post(f"/api/jobs/{second['id']}/cancel").json()["state"] == "cancelled"
    start = time.monotonic()
    assert studio.post(f"/api/jobs/{first['id']}/cancel").json()["state"] == "cancelled"
    assert time.monotonic() - start < 3
    assert _children_of(folder) == []
    assert not (folder / first["id"] / "upload").exists()
    assert not (folder / first["id"] / "result.npz").exists()


def test_jobs_outlive_the_server(folder: Path, walk: bytes, long_walk: bytes) -> None:
    with client_of(Settings(folder)) as client:
        done = wait_for(client, drop(client, walk), ended)
        running = drop(client, long_walk, options='{"end": 1}')
        wait_for(client, running, lambda job: job["state"] == "running")
    assert _children_of(folder) == [], "they end with the server"
    (folder / ("a" * 16) / "upload").mkdir(parents=True)  # broke off before it was a job
    (folder / "not-ours").mkdir()
    with client_of(Settings(folder)) as client:
        jobs = client.get("/api/jobs").json()
        assert [job["id"] for job in jobs] == [running["id"], done["id"]]
        assert wait_for(client, running, ended)["state"] == "done"
        assert client.get(f"/jobs/{done['id']}/download/csv").status_code == 200
    assert not (folder / ("a" * 16)).exists()
    assert (folder / "not-ours").exists()


@pytest.mark.parametrize("name", ["walk.dlc.npz", "a.b.npz"])
def test_names_with_several_dots_are_downloaded(studio: Client, walk: bytes, name: str) -> None:
    job = wait_for(studio, drop(studio, walk, name, '{"hypotheses": 1, "smooth": "off"}'), ended)
    for suffix in ("csv", "dlc.csv"):
        answer = studio.get(f"/jobs/{job['id']}/download/{suffix}")
        assert answer.status_code == 200
        assert answer.headers["content-disposition"].endswith(f"{stem_of(Path(name))}.{suffix}")


def test_warnings_are_told_in_the_words_of_the_form(studio: Client, tmp_path: Path) -> None:
    """A table without a frame rate and an image size: both are missed, and can be given."""
    table = flowlift.save(synthesize(seconds=0.3).keypoints, tmp_path / "walk.dlc.csv").read_bytes()
    settings = {"hypotheses": 1}
    bare = wait_for(studio, drop(studio, table, "walk.csv", json.dumps(settings)), ended)
    assert bare["state"] == "done"
    rate, size = (next(text for text in bare["warnings"] if what in text) for what in ("frame rate", "image size"))
    assert rate.endswith('give "Frames per second of a keypoint file"')
    assert size.endswith('give "Image size of a keypoint file"')
    settings |= {"fps": 30, "image_size": "1280x720", "min_score": 0.2}
    told = wait_for(studio, drop(studio, table, "walk.csv", json.dumps(settings)), ended)
    assert (told["state"], told["warnings"]) == ("done", [])
    (tmp_path / "got.npz").write_bytes(studio.get(f"/jobs/{told['id']}/download/npz").content)
    assert flowlift.load(tmp_path / "got.npz").keypoints.image_size == (1280, 720)


def test_old_jobs_are_removed(folder: Path, walk: bytes) -> None:
    with client_of(Settings(folder)) as client:
        wait_for(client, drop(client, walk[:100]), ended)
    with client_of(Settings(folder, keep=0.001)) as client:
        time.sleep(0.05)
        assert client.get("/api/jobs").json() == []
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("told", [True, False], ids=["told before", "found out"])
def test_huge_bodies_are_refused(studio: Client, folder: Path, told: bool) -> None:
    body = bytes(LIMIT + 1)
    content = body if told else (body[i : i + 65_536] for i in range(0, len(body), 65_536))
    answer = studio.post("/api/jobs?name=large.mp4", content=content)
    assert answer.status_code == 413
    assert "larger than 3 MB" in answer.json()["error"]
    assert list(folder.iterdir()) == []
    assert studio.get("/api/jobs").json() == []


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("name=script.py", "not a kind of file"),
        ("", "not a kind of file"),
        ("name=a.npz&options=[1]", "not a JSON object"),
        ("name=a.npz&options=" + "[" * 5000, "not JSON"),
        ("name=a.npz&options={", "not JSON"),
        ('name=a.npz&options={"hypotheses": 1e99}', "Hypotheses"),
        ('name=a.npz&options={"output": "/etc/passwd"}', "no setting output"),
    ],
)
def test_what_cannot_be_is_told(studio: Client, folder: Path, query: str, complaint: str) -> None:
    answer = studio.post(f"/api/jobs?{query}", content=b"x")
    assert answer.status_code == 400
    assert complaint in answer.json()["error"]
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "path",
    [
        "/jobs/../../etc/passwd/page.html",
        "/jobs/%2e%2e/page.html",
        "/jobs/%2e%2e%2f%2e%2e/page.html",
        "/jobs/ID/download/..%2f..%2fjob.json",
        "/jobs/ID/download/py",
        "/jobs/ID/download/%00",
        "/jobs/ID/upload/walk.npz",
        "/jobs/ID/job.json",
        "/jobs/ID/../job.json",
        "/studio.py",
        "/page/studio.html",
    ],
)
def test_nothing_else_is_served(studio: Client, walk: bytes, path: str) -> None:
    job = drop(studio, walk)
    answer = studio.get(path.replace("ID", job["id"]))
    assert answer.status_code in (404, 409)
    assert b"root:" not in answer.content
    assert studio.get("/api/jobs").status_code == 200


def test_damaged_lists_do_no_harm(folder: Path) -> None:
    for name, about in (
        ("b" * 16, "{"),
        ("c" * 16, '{"id": "other"}'),
        ("d" * 16, "[]"),
        ("e" * 16, '{"id": 5, "x": 1}'),
    ):
        (folder / name).mkdir(parents=True)
        (folder / name / "job.json").write_text(about)
    assert list(Jobs(folder)) == []


def test_a_result_of_several_files_is_zipped(
    studio: Client, folder: Path, walk: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a format makes arrives as one download."""
    job = wait_for(studio, drop(studio, walk), ended)

    def two_files(poses: object, path: Path, *, format: str) -> None:
        assert format == ".trc"
        path.mkdir(parents=True)
        (path / "1.trc").write_text("one")
        (path / "2.trc").write_text("two")

    monkeypatch.setattr(child, "save", two_files)
    child._write(JobFolder(folder / job["id"]), ".trc")
    answer = studio.get(f"/jobs/{job['id']}/download/trc")
    assert answer.headers["content-disposition"].endswith("walk.trc.zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["walk.trc/1.trc", "walk.trc/2.trc"]


def _children_of(folder: Path) -> list[str]:
    """Processes that work in a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if any(os.fsencode(folder) in word for word in words) and b"flowlift.studio.child" in words:
            found.append(entry.parent.name)
    return found
