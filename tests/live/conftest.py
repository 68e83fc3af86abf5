"""What the tests of live lifting share: the real server around a detector that stands in, and clients."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="needs live: pip install 'flowlift[live]'")
pytest.importorskip("websockets", reason="needs live: pip install 'flowlift[live]'")

import uvicorn
from websockets.exceptions import ConnectionClosed
from websockets.sync import client

from flowlift.cli.live import server_settings
from flowlift.cli.serving import listen
from flowlift.lifter import Lifter
from flowlift.live.lifting import LiveLifter
from flowlift.live.server import Speaker, application
from flowlift.live.session import Session
from flowlift.live.source import open_live

from .stand_in import StandIn, write_film

Message = dict[str, Any]


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds that nothing happens in."""
    return write_film(tmp_path_factory.mktemp("film") / "film.mp4", 6.0)


@pytest.fixture(scope="session")
def lifter() -> Lifter:
    return Lifter.load("human-fast")


@dataclass
class Live:
    """A server that runs; `ended` is set when its session ended by itself."""

    port: int
    session: Speaker
    ended: threading.Event
    token: str | None

    def connect(self, query: str = "", **options: object) -> Any:
        return client.connect(f"ws://127.0.0.1:{self.port}/poses{query}", **options)


Serve = Callable[..., Any]


@contextmanager
def served(session: Speaker, token: str | None = None) -> Iterator[Live]:
    """The server around a session, in this process."""
    ended = threading.Event()

    def done() -> None:
        ended.set()
        server.should_exit = True

    server = uvicorn.Server(uvicorn.Config(application(session, token, done), **server_settings()))
    listening = listen("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield Live(listening.getsockname()[1], session, ended, token)
    finally:
        server.should_exit = True
        thread.join(30)
        listening.close()
    assert not thread.is_alive()


@pytest.fixture
def run_server() -> Serve:
    """Serve whatever stands in for a session."""
    return served


@pytest.fixture
def serve(film: Path, lifter: Lifter) -> Serve:
    """Serve a video live: `with serve(delay=..., end=...) as live`."""

    @contextmanager
    def film_served(*, delay: float = 0.0, end: float | None = None, token: str | None = None) -> Iterator[Live]:
        source, detector = open_live(str(film), end=end), StandIn()
        detector.delay = delay
        session = Session(source, LiveLifter(detector, lifter, source.image_size))
        with served(session, token) as live:
            yield live
        if session.trouble is not None:
            raise session.trouble

    return film_served


def messages(connection: Any, seconds: float = 60.0) -> Iterator[Message]:
    """What a client hears until the server closes."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            yield json.loads(connection.recv(timeout=30))
        except ConnectionClosed:
            return


@contextmanager
def command(*arguments: object, cwd: Path) -> Iterator[subprocess.Popen[str]]:
    """The real command, with the detector that stands in among those that are known."""
    program = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from flowlift.detect import DETECTORS\n"
        "DETECTORS['stand-in'] = ('stand_in', 'StandIn')\n"
        "from flowlift.cli import main\n"
        "sys.exit(main())"
    )
    line = [sys.executable, "-c", program, "lift", *map(str, arguments)]
    with subprocess.Popen(line, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()
