"""What the tests of the studio share: a studio without a browser, and files to drop onto it."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import flowlift
from flowlift.demo import synthesize

pytest.importorskip("starlette", reason="needs the studio: pip install 'flowlift[studio]'")

from starlette.testclient import TestClient

from flowlift.studio.guard import OUR_HEADER
from flowlift.studio.server import Settings, application

ADDRESS = "http://127.0.0.1:8765"
LIMIT = 3_000_000

Client = TestClient
Job = dict[str, Any]


def client_of(settings: Settings) -> TestClient:
    """What the studio's own page is to it."""
    return TestClient(application(settings), base_url=ADDRESS, headers={OUR_HEADER: "1"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "studio"


@pytest.fixture
def studio(folder: Path) -> Iterator[TestClient]:
    with client_of(Settings(folder, limit=LIMIT)) as client:
        yield client


@pytest.fixture(scope="session")
def walk() -> bytes:
    """Half a second of keypoints, as a file."""
    return _file(0.5)


@pytest.fixture(scope="session")
def long_walk() -> bytes:
    """Keypoints that keep a process busy for a while."""
    return _file(120.0)


def _file(seconds: float) -> bytes:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as place:
        return flowlift.save(synthesize(seconds=seconds).keypoints, Path(place) / "walk.npz").read_bytes()


def drop(client: TestClient, content: bytes, name: str = "walk.npz", options: str = "{}") -> Job:
    """Drop a file; the job that it became."""
    answer = client.post("/api/jobs", params={"name": name, "options": options}, content=content)
    assert answer.status_code == 201, answer.text
    return answer.json()


def wait_for(client: TestClient, job: Job, reached: Callable[[Job], bool], seconds: float = 60.0) -> Job:
    """The job as soon as something is true of it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        now = next(one for one in client.get("/api/jobs").json() if one["id"] == job["id"])
        if reached(now):
            return now
        time.sleep(0.05)
    raise AssertionError(f"still {now}")


def ended(job: Job) -> bool:
    return job["state"] in ("done", "failed", "cancelled")
