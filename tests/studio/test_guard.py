"""Requests that a foreign page could make, and those without the token."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flowlift.studio.guard import OUR_HEADER
from flowlift.studio.server import Settings

from .conftest import ADDRESS, Client, client_of, drop

TOKEN = "a-token-of-the-test"


@pytest.fixture
def guarded(folder: Path) -> Iterator[Client]:
    with client_of(Settings(folder, token=TOKEN)) as client:
        yield client


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:8765", "[::1]:8765", "localhost"])
def test_own_names_are_answered(studio: Client, host: str) -> None:
    assert studio.get("/api/jobs", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", "", "[::1", "10.0.0.1"]
)
def test_other_names_are_not(studio: Client, host: str) -> None:
    """DNS rebinding: a site's name that leads to this machine."""
    assert studio.get("/api/jobs", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_other_origins_are_refused(studio: Client, walk: bytes, headers: dict[str, str]) -> None:
    """Forged requests, reading or changing; a job is neither seen nor made, cancelled or deleted."""
    assert studio.get("/api/jobs", headers=headers).status_code == 403
    job = drop(studio, walk)
    assert studio.post("/api/jobs?name=a.npz", content=walk, headers=headers).status_code == 403
    assert studio.post(f"/api/jobs/{job['id']}/cancel", headers=headers).status_code == 403
    assert studio.delete(f"/api/jobs/{job['id']}", headers=headers).status_code == 403
    assert [one["id"] for one in studio.get("/api/jobs").json()] == [job["id"]]


def test_changes_need_the_pages_header(studio: Client, walk: bytes) -> None:
    del studio.headers[OUR_HEADER]
    assert studio.get("/api/jobs").status_code == 200
    assert studio.post("/api/jobs?name=a.npz", content=walk, headers={"Origin": ADDRESS}).status_code == 403


def test_own_origin_may(studio: Client, walk: bytes) -> None:
    answer = studio.post("/api/jobs?name=a.npz", content=walk, headers={"Origin": ADDRESS})
    assert answer.status_code == 201


def test_nothing_answers_without_the_token(guarded: Client, walk: bytes) -> None:
    for path in ("/", "/studio.js", "/api/jobs", "/api/choices", "/jobs/0/page.html", "/absent", "/?token=wrong"):
        assert guarded.get(path).status_code == 401
    assert guarded.post("/api/jobs?name=a.npz", content=walk).status_code == 401
    assert guarded.post(f"/api/jobs?name=a.npz&token={TOKEN}", content=walk).status_code == 401


def test_token_leaves_a_cookie_and_the_address(guarded: Client, walk: bytes) -> None:
    answer = guarded.get(f"/?token={TOKEN}&a=1", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/?a=1")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert guarded.get("/").status_code == 200
    assert (
        guarded.post("/api/jobs?name=a.npz", content=walk, headers={"Origin": "http://evil.example"}).status_code == 403
    )
    assert drop(guarded, walk)["state"] == "queued"


def test_answers_are_fenced_in(studio: Client) -> None:
    for path in ("/", "/api/jobs", "/absent"):
        headers = studio.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "SAMEORIGIN"
        assert headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in headers
    assert "default-src 'none'" in studio.get("/").headers["content-security-policy"]
