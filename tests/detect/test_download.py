"""Downloads against a server of our own: whole and right, or not at all."""

import hashlib
import io
import re
import socket
import sys
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowlift.detect import download
from flowlift.detect.download import cache_folder, cached, fetch
from flowlift.errors import ModelError

MODEL = bytes(range(256)) * 3000
SHA256 = hashlib.sha256(MODEL).hexdigest()


def zipped(**files: bytes) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/").replace("_onnx", ".onnx"), content)
    return memory.getvalue()


def damaged(archive: bytes, at: int, content: bytes) -> bytes:
    """Bytes of the first member's head or content replaced; the directory at the end still fits."""
    return archive[:at] + content + archive[at + len(content) :]


FILES = {
    "/model": MODEL,
    "/other": MODEL[:-1] + b"!",
    "/empty": b"",
    "/zip": zipped(folder__end2end_onnx=MODEL, folder__other_onnx=b"no"),
    "/zip-without": zipped(folder__other_onnx=MODEL),
    "/zip-other": zipped(end2end_onnx=b"not the model"),
    "/zip-torn": damaged(zipped(end2end_onnx=MODEL), 30 + len("end2end.onnx"), b"\xff" * 20),
    "/zip-locked": zipped(end2end_onnx=MODEL).replace(b"\x14\0\0\0\x08\0", b"\x14\0\x01\0\x08\0"),
}


class Server(ThreadingHTTPServer):
    daemon_threads = True
    asked: list[str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        content = FILES.get(self.path.removesuffix("-cut"))
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if self.path.endswith("-cut") else content)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def served() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as server:
        server.asked = []
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def server(served: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setenv("no_proxy", "*")
    served.asked.clear()
    return served


def refused() -> str:
    """The address of a port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_a_download_arrives_whole_and_once(server: Server, cache: Path) -> None:
    path = fetch(f"{server.url}/model", SHA256, "model.task")
    assert path == cache / "model.task"
    assert path.read_bytes() == MODEL
    assert fetch(f"{server.url}/model", SHA256, "model.task") == path
    assert server.asked == ["/model"]
    assert left(cache) == ["model.task"]
    assert cached("model.task", SHA256)


def test_no_word_where_nobody_waits_at_a_terminal(
    server: Server, cache: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch(f"{server.url}/model", SHA256, "model.task")
    assert capfd.readouterr() == ("", "")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    fetch(f"{server.url}/model", SHA256, "another.task")
    assert capfd.readouterr().err == f"flowlift: downloading another.task from {server.url[7:]} into {cache}\n"


def test_a_zip_gives_its_member(server: Server, cache: Path) -> None:
    path = fetch(f"{server.url}/zip", SHA256, "model.onnx", member="end2end.onnx")
    assert path.read_bytes() == MODEL
    assert left(cache) == ["model.onnx"]


@pytest.mark.parametrize(
    ("path", "member", "says"),
    [
        ("/other", None, "wrong checksum"),
        ("/empty", None, "wrong checksum"),
        ("/model-cut", None, f"ended after {len(MODEL) // 2} of {len(MODEL)} bytes"),
        ("/nothing", None, "404"),
        ("/zip", None, "wrong checksum"),
        ("/zip-cut", "end2end.onnx", "the answer ended after"),
        ("/zip-other", "end2end.onnx", "wrong checksum"),
        ("/zip-torn", "end2end.onnx", r"no zip with end2end\.onnx in it"),
        ("/zip-locked", "end2end.onnx", r"no zip with end2end\.onnx in it"),
        ("/zip-without", "end2end.onnx", r"no zip with end2end\.onnx in it"),
        ("/model", "end2end.onnx", r"no zip with end2end\.onnx in it"),
    ],
)
@pytest.mark.parametrize("before", [None, b"an older one"])
def test_what_is_not_the_file_leaves_nothing(
    path: str, member: str | None, says: str, before: bytes | None, server: Server, cache: Path
) -> None:
    if before is not None:
        cache.mkdir(parents=True)
        (cache / "model").write_bytes(before)
    with pytest.raises(ModelError, match=says) as caught:
        fetch(server.url + path, SHA256, "model", member=member, option="model_path=...")
    said = str(caught.value)
    assert "\n" not in said
    assert f"get {server.url}{path}" in said
    assert f"place it as {cache / 'model'}" in said
    assert said.endswith("or name the file with model_path=...")
    assert ("another checksum" in said) == (before is not None)
    assert left(cache) == ([] if before is None else ["model"])
    assert before is None or (cache / "model").read_bytes() == before


@pytest.mark.parametrize("url", ["refused", "http://a-host-that-is-not.invalid"])
def test_without_a_network_the_message_says_what_to_place_where(url: str, server: Server, cache: Path) -> None:
    url = f"{refused() if url == 'refused' else url}/model.task"
    with pytest.raises(ModelError) as caught:
        fetch(url, SHA256, "model.task", option="model_path=...")
    assert re.fullmatch(
        rf"model\.task cannot be downloaded \([^)]+\); get {re.escape(url)} and place it as "
        rf"{re.escape(str(cache / 'model.task'))}, or name the file with model_path=\.\.\.",
        str(caught.value),
    )
    assert left(cache) == []


def test_a_file_placed_by_hand_needs_no_network(cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / "model.task").write_bytes(MODEL)
    assert fetch(refused(), SHA256, "model.task") == cache / "model.task"


@pytest.mark.parametrize("damage", [MODEL[:-5], b"", MODEL + b"x"])
def test_a_damaged_file_in_the_cache_is_replaced(damage: bytes, server: Server, cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / "model.task").write_bytes(damage)
    assert not cached("model.task", SHA256)
    assert fetch(f"{server.url}/model", SHA256, "model.task").read_bytes() == MODEL


def test_a_mirror_stands_in(server: Server, cache: Path) -> None:
    mirrors = [f"{server.url}/nothing", f"{server.url}/model-cut", f"{server.url}/model"]
    assert fetch(refused(), SHA256, "model.task", mirrors=mirrors).read_bytes() == MODEL
    with pytest.raises(ModelError, match="refused"):
        fetch(refused(), SHA256, "other.task", mirrors=mirrors[:2])


def test_many_at_once_get_one_whole_file(server: Server, cache: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(lambda _: fetch(f"{server.url}/model", SHA256, "model.task"), range(16)))
    assert {path.read_bytes() for path in paths} == {MODEL}
    assert left(cache) == ["model.task"]


def test_a_server_that_falls_silent_is_given_up(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(download, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/model"
        with pytest.raises(ModelError, match="timed out"):
            fetch(url, SHA256, "model.task")
    assert left(cache) == []


def test_a_cache_that_cannot_be_made_is_one_line(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FLOWLIFT_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(ModelError, match=r"models cannot be kept here \(Not a directory\); set FLOWLIFT_CACHE"):
        fetch(f"{server.url}/model", SHA256, "model.task")
    assert server.asked == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files")
def test_a_disk_that_lacks_a_few_bytes_is_no_wrong_checksum(server: Server, cache: Path) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(MODEL) - 5, hard))
    try:
        with pytest.raises(ModelError, match="the download cannot be written"):
            fetch(f"{server.url}/model", SHA256, "model.onnx")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert left(cache) == []


def test_a_full_disk_is_told_from_a_bad_network(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = download._write
    with Path("/dev/full").open("wb", buffering=0) as full:
        monkeypatch.setattr(download, "_write", lambda file, piece, part: write(full, piece, part))
        with pytest.raises(ModelError, match="cannot be written: No space left on device"):
            fetch(f"{server.url}/model", SHA256, "model.task", mirrors=[f"{server.url}/model"])
    assert server.asked == ["/model"]
    assert left(cache) == []


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"XDG_CACHE_HOME": "/x/cache"}, "/x/cache/flowlift"),
        ("linux", {}, "/home/somebody/.cache/flowlift"),
        ("darwin", {"XDG_CACHE_HOME": "/x/cache"}, "/home/somebody/Library/Caches/flowlift"),
        ("win32", {"LOCALAPPDATA": "/x/local"}, "/x/local/flowlift/Cache"),
        ("win32", {}, "/home/somebody/AppData/Local/flowlift/Cache"),
        ("linux", {"FLOWLIFT_CACHE": "/mine", "XDG_CACHE_HOME": "/x/cache"}, "/mine"),
        ("linux", {"FLOWLIFT_CACHE": "", "XDG_CACHE_HOME": ""}, "/home/somebody/.cache/flowlift"),
    ],
)
def test_the_cache_is_where_the_platform_has_it(
    platform: str, variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FLOWLIFT_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr(Path, "home", lambda: Path("/home/somebody"))
    assert cache_folder() == Path(expected)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(content=st.binary(max_size=2000))
def test_only_the_right_bytes_count_as_cached(content: bytes, cache: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    (cache / "model").write_bytes(content)
    assert cached("model", hashlib.sha256(content).hexdigest())
    assert not cached("model", hashlib.sha256(content + b"x").hexdigest())
    assert not cached("another", hashlib.sha256(content).hexdigest())
