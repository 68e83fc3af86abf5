"""The parts of a live session, each by itself."""

import functools
import http.server
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlift.camera import Camera
from flowlift.containers import Poses3D
from flowlift.demo import synthesize
from flowlift.errors import InputError
from flowlift.io import capture, load, save
from flowlift.io.decoding import Place
from flowlift.io.frames import Frame
from flowlift.io.orientation import Orientation
from flowlift.io.video import VideoSource
from flowlift.lifter import Lifter
from flowlift.lifting.stream import Streamed
from flowlift.live import message
from flowlift.live.lifting import LiveLifter
from flowlift.live.newest import Newest
from flowlift.live.recording import Recording
from flowlift.live.report import Report, Tally
from flowlift.live.source import frames_as_they_come, open_live
from flowlift.view.scene import scene_of

from .stand_in import StandIn, write_film


@given(st.lists(st.booleans()))
def test_what_is_taken_is_the_newest_and_the_rest_is_counted(puts: list[bool]) -> None:
    """True: something is put; False: it is taken, where there is something."""
    slot: Newest[int] = Newest()
    put, taken, held = 0, [], False
    for puts_one in puts:
        if puts_one:
            put, held = put + 1, True
            slot.put(put)
        elif held:
            taken.append(slot.take())
            assert taken[-1] == put
            held = False
    slot.close()
    last = slot.take()
    assert last == (put if held else None)
    assert slot.take() is None
    assert len(taken) + held + slot.dropped == put


def test_taking_waits_until_something_is_put_or_nothing_will_be() -> None:
    slot: Newest[int] = Newest()
    got: list[int | None] = []
    for action, expected in ((lambda: slot.put(7), 7), (slot.close, None)):
        waiting = Thread(target=lambda: got.append(slot.take()))
        waiting.start()
        time.sleep(0.05)
        assert waiting.is_alive()
        action()
        waiting.join(5)
        assert got.pop() == expected


@pytest.fixture(scope="module")
def walk() -> Poses3D:
    keypoints = synthesize(seconds=1.0).keypoints
    return Lifter.load("human-fast")(keypoints, hypotheses=4, smooth="causal")


def one_frame(poses: Poses3D, frame: int, people: tuple[int, ...]) -> Streamed:
    def part(array: np.ndarray | None) -> np.ndarray | None:
        return None if array is None else np.repeat(array[frame : frame + 1], len(people), axis=1)

    seen, times = poses.keypoints, poses.frame_times[frame : frame + 1]
    return Streamed(
        replace(
            poses,
            **{name: part(getattr(poses, name)) for name in ("xyz", "cov", "root", "root_cov", "bridged")},
            keypoints=replace(seen, xy=part(seen.xy), score=part(seen.score), times=times),
            times=times,
        ),
        people,
    )


@pytest.mark.parametrize("people", [(), (3,), (0, 5)])
def test_messages_hold_the_poses_and_keep_to_the_schema(walk: Poses3D, people: tuple[int, ...]) -> None:
    rules = jsonschema.Draft202012Validator(json.loads(message.schema()))
    jsonschema.Draft202012Validator.check_schema(rules.schema)
    seen, scene = one_frame(walk, 20, people), scene_of(walk)
    hello = json.loads(message.hello(one_frame(walk, 0, ()).poses, scene, source="a", fps=None))
    frame = json.loads(message.frame(seen, scene, message.About(20, 1.7e9, 2)))
    rules.validate(hello)
    rules.validate(frame)
    rules.validate(json.loads(message.end(Tally().report(0))))
    assert [person["person"] for person in frame["people"]] == list(people)
    for row, person in enumerate(frame["people"]):
        np.testing.assert_allclose(person["xyz"], seen.poses.xyz[0, row], atol=1e-4)
        np.testing.assert_allclose(person["root"], seen.poses.root[0, row], atol=1e-4)
        xx, xy, xz, yy, yz, zz = np.transpose(person["cov"])
        cov = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]).transpose(2, 0, 1)
        np.testing.assert_allclose(cov, seen.poses.cov[0, row], atol=1e-7)


def test_who_cannot_be_lifted_is_left_out_and_a_missing_root_is_null(walk: Poses3D) -> None:
    seen = one_frame(walk, 20, (0, 1))
    xyz, root = seen.poses.xyz.copy(), seen.poses.root.copy()
    xyz[0, 0], root[0, 1] = np.nan, np.nan
    xy = seen.poses.keypoints.xy.copy()
    xy[0, 1, 3] = np.nan
    poses = replace(seen.poses, xyz=xyz, root=root, keypoints=replace(seen.poses.keypoints, xy=xy))
    said = json.loads(message.frame(Streamed(poses, (0, 1)), scene_of(walk), message.About(0, 0.0, 0)))
    jsonschema.validate(said, json.loads(message.schema()))
    (person,) = said["people"]
    assert (person["person"], person["root"], person["keypoints"][3]) == (1, None, None)


def test_a_recording_is_what_was_shown(walk: Poses3D, tmp_path: Path) -> None:
    recording, nothing = Recording(), one_frame(walk, 0, ()).poses
    for frame in range(len(walk)):
        recording.add(one_frame(walk, frame, (4,) if frame % 3 else (4, 9) if frame else ()))
    one = recording.clip(nothing, source="camera0", fps=30.0, detector="d", keep=1)
    np.testing.assert_array_equal(one.xyz[1:], walk.xyz[1:])
    np.testing.assert_array_equal(one.root[1:], walk.root[1:])
    assert np.isnan(one.xyz[0]).all()
    both = recording.clip(nothing, source="camera0", fps=30.0, detector="d", keep=None)
    assert both.people == 2
    assert np.isfinite(both.xyz[:, 1]).all(axis=(1, 2)).sum() == len(range(3, len(walk), 3))
    for suffix in (".npz", ".trc", ".csv", ".html", ".bvh"):
        save(one, tmp_path / f"session{suffix}")
    assert isinstance(load(tmp_path / "session.npz"), Poses3D)


def test_nobody_to_record_is_said(walk: Poses3D) -> None:
    recording, nothing = Recording(), one_frame(walk, 0, ())
    recording.add(nothing)
    with pytest.raises(InputError, match="nobody was seen in 1 frames"):
        recording.clip(nothing.poses, source="camera0", fps=None, detector="d", keep=None)


def test_the_report_counts_and_orders() -> None:
    tally = Tally()
    for latency in np.random.default_rng(0).permutation(101) / 1000:
        tally.count()
        tally.note(float(latency))
    assert tally.report(7) == Report(108, 101, 7, 50.0, 95.0)
    assert str(Tally().report(2)) == "0 of 2 frames lifted, 2 dropped"


def test_a_video_plays_at_its_own_speed(film: Path) -> None:
    source = open_live(str(film), start=1.0, end=1.6)
    begun = time.monotonic()
    caught = list(frames_as_they_come(source, Event()))
    assert 0.5 < time.monotonic() - begun < 1.5
    assert len(caught) == 18
    waited = np.array([each.at for each in caught]) - [each.frame.time for each in caught]
    assert waited.min() > waited[0] - 0.01, "none comes before it is due"


def test_stopping_does_not_wait_for_the_next_frame(film: Path) -> None:
    stop = Event()
    coming = frames_as_they_come(open_live(str(film)), stop)
    next(coming)
    stop.set()
    assert list(coming) == []


def test_times_never_fall_where_a_stream_begins_again() -> None:
    class Restarted(VideoSource):
        def __iter__(self) -> Iterator[Frame]:
            for index, seconds in enumerate((0.0, 0.1, 0.2, 0.0, 0.1)):
                yield Frame(index, seconds, np.zeros((2, 2, 3), np.uint8))

    source = Restarted(Place("", "v4l2"), "camera 0", "camera0", (2, 2), None, None, Orientation())
    times = [each.frame.time for each in frames_as_they_come(source, Event())]
    assert (np.diff(times) > 0).all()


@pytest.fixture
def web(film: Path) -> Iterator[int]:
    """A server that has the film; its port."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    write_film(film.with_suffix(".mkv"), 0.5)  # which needs no seeking
    handler = functools.partial(Quiet, directory=str(film.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_an_address_is_opened_and_its_password_is_nowhere(web: int) -> None:
    source = open_live(f"http://me:secret@127.0.0.1:{web}/film.mkv", end=0.3)
    assert (source.name, source.image_size) == ("film", (1280, 720))
    assert "secret" not in f"{source.label}{source.name}"
    assert len(list(frames_as_they_come(source, Event()))) == 9
    with pytest.raises(InputError) as refused:
        open_live(f"http://me:secret@127.0.0.1:{web}/absent.mp4")
    assert "secret" not in str(refused.value)


def test_a_playlist_from_the_network_leads_to_no_file_here(web: int, film: Path) -> None:
    (film.parent / "list.m3u8").write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\nfile://{film}\n#EXT-X-ENDLIST\n"
    )
    with pytest.raises(InputError, match=r"cannot be opened|gives no video"):
        open_live(f"http://127.0.0.1:{web}/list.m3u8")


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("rtsp://me:secret@camera.local:554/live/stream1", "stream1"),
        ("http://10.0.0.7", "10.0.0.7"),
        ("http://host/../../etc/passwd", "passwd"),
        ("http://host/..", "host"),
        ("http://[::1]/a*b[1]?.mjpg", "a_b_1_"),
    ],
)
def test_a_stream_s_name_is_a_plain_name(address: str, name: str) -> None:
    assert capture.address_name(address) == name


def test_a_camera_that_can_hardly_stand_there_is_refused_at_the_first_person() -> None:
    camera = replace(Camera.from_fov(55, (1280, 720)), rotation=np.eye(3), translation=np.array([0, 0, 5000.0]))
    frames = [Frame(i, i / 30, np.zeros((720, 1280, 3), np.uint8)) for i in range(20)]
    lifter = Lifter.load("human-fast")
    known, unsure = (
        LiveLifter(StandIn(), lifter, (1280, 720), camera=camera, metres=metres) for metres in (True, False)
    )
    assert any(known(frame).people for frame in frames)
    with pytest.raises(InputError, match="5,000 m from its world's origin"):
        list(map(unsure, frames))
