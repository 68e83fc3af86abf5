"""`flowlift studio` as it is started and ended; what it does is in tests/studio."""

import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Run

pytest.importorskip("uvicorn", reason="needs the studio: pip install 'flowlift[studio]'")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--workers", "0"], "--workers, --max-upload and --keep must be positive"),
        (["--port", "70000"], "cannot listen at 127.0.0.1, port 70000"),
        (["--host", "203.0.113.7"], "cannot listen at 203.0.113.7, port 8765"),
        (["--port", "0", "--folder", "file"], "file: jobs cannot be kept here"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(run: Run, tmp_path: Path, arguments: list[str], complaint: str) -> None:
    (tmp_path / "file").touch()
    done = run("studio", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"flowlift: error: {complaint}")
    assert done.stderr.count("\n") == 1


def test_a_port_that_is_taken(run: Run, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = run("studio", "--port", other.getsockname()[1], "--folder", "jobs")
    assert done.returncode == 2
    assert "try another --port" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_without_its_packages(tmp_path: Path) -> None:
    code = "import sys; sys.modules['uvicorn'] = None; from flowlift.cli import main; sys.exit(main(['studio']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "pip install 'flowlift[studio]'" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send")
@pytest.mark.parametrize("token", [False, True])
def test_it_answers_until_ctrl_c(tmp_path: Path, token: bool) -> None:
    command = [sys.executable, "-m", "flowlift", "studio", "--port", "0", "--folder", tmp_path / "jobs"]
    with subprocess.Popen(
        [*command, *["--token"] * token], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        address = server.stdout.readline().strip()
        assert ("?token=" in address) == token
        if token:
            with pytest.raises(urllib.error.HTTPError, match="401"):
                urllib.request.urlopen(address.partition("?")[0])
        else:
            assert b"flowlift studio" in urllib.request.urlopen(address).read()
        assert (tmp_path / "jobs").stat().st_mode & 0o077 == 0
        server.send_signal(signal.SIGINT)
        assert server.wait(20) == 0
        assert server.stderr.read() == ""


def test_an_upload_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "flowlift", "studio", "--port", "0", "--folder", tmp_path / "jobs"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        address = server.stdout.readline().strip()
        port = int(address.rstrip("/").rpartition(":")[2])
        head = f"POST /api/jobs?name=a.mp4 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-Flowlift-Studio: 1\r\n"
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(f"{head}Content-Length: 1000000\r\n\r\n".encode() + bytes(5000))
            _wait_until(lambda: len(list((tmp_path / "jobs").glob("*/upload/a.mp4"))) == 1)
        _wait_until(lambda: not list((tmp_path / "jobs").iterdir()))
        assert urllib.request.urlopen(f"{address}api/jobs").read() == b"[]"
        server.terminate()


def _wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)
