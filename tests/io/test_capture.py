"""Cameras: found by their number on each system, told apart from files, and one line where there is none."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from flowlift.errors import InputError
from flowlift.io import capture, decoding
from flowlift.io.decoding import Place, Tally
from flowlift.io.video import open_frames


@pytest.mark.parametrize("number", [91, "91"])
def test_a_camera_that_is_not_there_is_one_line(tmp_path, monkeypatch, number):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"camera 91: .*plugged in") as caught:
        open_frames(number)
    assert "\n" not in str(caught.value)


def test_a_file_whose_name_is_a_number_is_a_file(tmp_path, write_video, monkeypatch):
    write_video(tmp_path / "7.mp4").rename(tmp_path / "7")
    monkeypatch.chdir(tmp_path)
    assert len(list(open_frames("7"))) == 10


@pytest.fixture
def camera(tmp_path, write_video, monkeypatch):
    """A camera that is a file: it has been running for 40 s, and there is no way back."""
    file = write_video(tmp_path / "live.mkv", times=40 + np.arange(20) / 25)
    monkeypatch.setattr(capture, "_place", lambda number: Place(str(file), "matroska"))


@pytest.mark.usefixtures("camera")
def test_a_camera_counts_from_its_first_picture():
    source = open_frames(0)
    assert (source.name, source.image_size, source.frame_count) == ("camera0", (96, 64), None)
    np.testing.assert_allclose([frame.time for frame in source], np.arange(20) / 25, atol=2e-3)


@pytest.mark.usefixtures("camera")
def test_the_end_says_how_long_to_look():
    assert len(list(open_frames(0, end=0.39))) == 10


def test_each_system_has_its_own_names(monkeypatch):
    for system, location, driver in (
        ("linux", "/dev/video2", "v4l2"),
        ("darwin", "2:none", "avfoundation"),
    ):
        monkeypatch.setattr(sys, "platform", system)
        assert (capture._place(2).location, capture._place(2).format) == (location, driver)
    device = pytest.importorskip("av.device")
    found = [
        SimpleNamespace(name=name, description=name, media_types=[kind])
        for name, kind in (("Microphone", "audio"), ("Front", "video"), ("Rear", "video"))
    ]
    monkeypatch.setattr(device, "enumerate_input_devices", lambda driver: found if driver == "dshow" else [])
    monkeypatch.setattr(sys, "platform", "win32")
    assert capture._place(1) == Place("video=Rear", "dshow")
    with pytest.raises(InputError, match=r"camera 2: .*0 \(Front\), 1 \(Rear\)"):
        capture._place(2)


def test_a_camera_that_has_nothing_yet_is_asked_again():
    class Slow:
        asked = 0

        def demux(self, stream):
            self.asked += 1
            if self.asked < 3:
                raise BlockingIOError
            yield SimpleNamespace(decode=lambda: [SimpleNamespace(time=5.0, is_corrupt=False)], pts=None)

    stream = SimpleNamespace(average_rate=25, guessed_rate=25, start_time=None)
    times = [each.time for each in decoding.decoded(Slow(), stream, True, Tally())]
    assert times == [0.0]
