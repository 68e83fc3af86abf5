"""The real command line: what it says, what it writes when it is ended, and what it refuses."""

import signal
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest

import flowlift
from flowlift.cli import main
from flowlift.containers import Poses3D
from flowlift.verify import verified, verify

from .conftest import command
from .stand_in import DELAY


def test_ctrl_c_ends_it_cleanly_and_what_was_shown_is_written(film: Path, tmp_path: Path) -> None:
    options = ("--live", "--port", 0, "--detector", "stand-in", "-o", "out/", "--format", "npz", "--format", "html")
    with command(film, *options, cwd=tmp_path) as live:
        address = live.stdout.readline().strip()
        assert b"flowlift live" in urllib.request.urlopen(address).read()
        time.sleep(1.5)
        live.send_signal(signal.SIGINT)
        assert live.wait(30) == 0
        said = live.stdout.read()
        assert live.stderr.read() == ""
    assert "frames lifted" in said
    assert "latency" in said
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["film.html", "film.npz"]
    poses = flowlift.load(tmp_path / "out" / "film.npz")
    assert isinstance(poses, Poses3D)
    assert 10 < len(poses) < 170
    assert poses.provenance["smooth"] == "causal"
    assert poses.provenance["model"] == "human-fast"
    assert (np.diff(poses.frame_times) > 0).all()
    assert np.isfinite(poses.xyz).all(axis=(1, 2, 3)).sum() > 5
    assert verified(verify(tmp_path / "out" / "film.npz")), "its 2D, lifted as a clip, gives the same again"


def test_an_impatient_second_ctrl_c_is_no_traceback(film: Path, tmp_path: Path) -> None:
    with command(film, "--live", "--port", 0, "--detector", "stand-in", "-o", "poses.npz", cwd=tmp_path) as live:
        assert live.stdout.readline().startswith("http://127.0.0.1:")
        time.sleep(1.0)
        for _ in range(2):
            live.send_signal(signal.SIGINT)
            time.sleep(0.05)
        assert live.wait(30) == 0
        assert live.stderr.read() == ""
    assert len(flowlift.load(tmp_path / "poses.npz")) > 5


def test_a_video_ends_it_and_sigterm_too(film: Path, tmp_path: Path) -> None:
    for options, ends in (((), False), (("--end", 0.7, "--quiet"), True)):
        line = (film, "--live", "--port", 0, "--detector", "stand-in", "-o", "poses.csv", *options)
        with command(*line, cwd=tmp_path) as live:
            assert live.stdout.readline().startswith("http://127.0.0.1:")
            if not ends:
                time.sleep(1.0)
                live.send_signal(signal.SIGTERM)
            assert live.wait(30) == 0
            assert ("frames lifted" in live.stdout.read()) is not ends
        assert (tmp_path / "poses.csv").read_text().startswith("frame,time,person")
        (tmp_path / "poses.csv").unlink()


@pytest.mark.slow
def test_a_detector_that_hangs_does_not_keep_it(film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DELAY, "100")
    with command(film, "--live", "--port", 0, "--detector", "stand-in", "-o", "a.npz", cwd=tmp_path) as live:
        address = live.stdout.readline().strip()
        urllib.request.urlopen(address).read()
        live.send_signal(signal.SIGINT)
        assert live.wait(30) == 2
        assert live.stderr.read() == "flowlift: error: film: nothing to write: nobody was seen in 0 frames\n"
    assert list(tmp_path.iterdir()) == []


def test_with_another_host_it_has_a_token(film: Path, tmp_path: Path) -> None:
    line = (film, "--live", "--port", 0, "--detector", "stand-in", "--host", "0.0.0.0", "--end", 0.5)
    with command(*line, cwd=tmp_path) as live:
        assert "/?token=" in live.stdout.readline()
        assert live.wait(30) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["91"], "camera 91: cannot be opened"),
        (["nowhere.mp4"], "no such file"),
        (["http://127.0.0.1:9/stream"], "http://127.0.0.1:9/stream: cannot be opened"),
        (["http://[::1]:9/stream"], "http://[::1]:9/stream: cannot be opened"),
        (["http://camera:door/stream"], "and a port that is a number"),
        (["rtsp://me:secret@127.0.0.1:9/stream"], "rtsp://127.0.0.1:9/stream: cannot be opened"),
        (["file:///etc/passwd"], "begins with rtsp://"),
        (["http://[/x"], "begins with rtsp://"),
        (["FILM", "FILM"], "watches one camera"),
        (["FILM", "--smooth", "2"], "knows the past alone"),
        (["FILM", "--smooth", "much"], "smooth must be"),
        (["FILM", "--ground", "auto"], "--ground needs the whole clip"),
        (["FILM", "--keep-hypotheses"], "--keep-hypotheses needs the whole clip"),
        (["FILM", "--overlay", "a.mp4"], "--overlay needs the whole clip"),
        (["FILM", "--format", "bvh"], "-o"),
        (["FILM", "-o", "poses.docx"], "no writer"),
        (["FILM", "-o", "s3://bucket/out/"], "of this machine"),
        (["FILM", "--engine", "ray"], "not with --live"),
        (["FILM", "--fps", "60"], "--fps describes files of keypoints or images"),
        (["FILM", "--image-size", "64x48"], "--image-size describes files"),
        (["FILM", "--hypotheses", "0"], "hypotheses must be"),
        (["FILM", "--model", "nobody"], "nobody"),
        (["FILM", "--fov", "60", "--focal", "900"], "give one of them"),
        (["FILM", "--port", "99999"], "cannot listen"),
        (["FILM", "--people", "few"], "people must be"),
        (["FILM", "--people", "1"], "give -o"),
        (["http://127.0.0.1:9/stream", "--start", "2"], "start is for files"),
        (["http://127.0.0.1:9/stream", "--end", "-2"], "end is a number of seconds"),
        (["91", "--start", "2"], "start is for files"),
        (["FOLDER"], "wants a camera's number"),
        (["walk.npz"], "wants a camera's number"),
    ],
)
def test_refusals_are_one_line(
    arguments: list[str], said: str, film: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: object
) -> None:
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    (tmp_path / "images").mkdir()
    Image.new("RGB", (64, 48)).save(tmp_path / "images" / "1.png")
    given = [{"FILM": str(film), "FOLDER": "images"}.get(each, each) for each in arguments]
    port = [] if "--port" in given else ["--port", "0"]
    assert main(["lift", *given, "--live", *port]) == 2
    told = capfd.readouterr()
    assert told.out == ""
    assert said in told.err
    assert "secret" not in told.err
    assert len(told.err.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["images"]


def test_without_live_an_output_is_needed(film: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["lift", str(film)]) == 2
    assert "--output (-o) is missing" in capfd.readouterr().err
