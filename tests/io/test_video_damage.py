"""Videos that are none, or no longer: one clear line, or what can still be seen, with a warning."""

import wave
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowlift.errors import InputError
from flowlift.io.video import open_frames

PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:3,\nhttp://127.0.0.1:9/never.ts\n"


def sound(path):
    with wave.open(str(path), "wb") as stream:
        stream.setnchannels(1)
        stream.setsampwidth(2)
        stream.setframerate(8000)
        stream.writeframes(bytes(16000))


def sound_with_a_cover(path):
    with av.open(str(path), "w") as container:
        tone, cover = container.add_stream("aac", rate=44100), container.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = 32, 32, "rgb24"
        cover.disposition = 0x400
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), format="flt", layout="mono")
        samples.rate = 44100
        container.mux(cover.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8))))
        container.mux(cover.encode(None))
        container.mux(tone.encode(samples))
        container.mux(tone.encode(None))


def no_frames(path):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        container.start_encoding()


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("empty.mp4", b"", "cannot be read as a video"),
        ("junk.mp4", bytes(range(256)) * 20, "cannot be read as a video"),
        ("page.mp4", b"<!DOCTYPE html>\n<title>404 N\xc3\xb6t found</title>" * 20, "holds text"),
        ("cut letter.mp4", b"a" * 511 + "ö".encode(), "holds text"),
        ("notes.txt", b"hello\n" * 100, "holds text"),
        ("list.m3u8", PLAYLIST.encode(), "holds text"),
        ("list.mp4", b"\xef\xbb\xbf" + PLAYLIST.encode(), "holds text"),
        ("parts.ffconcat", b"ffconcat version 1.0\nfile other.mp4\n", "holds text"),
        ("sound.wav", sound, "no video"),
        ("song.mp4", sound_with_a_cover, "no video"),
        ("none.mp4", no_frames, "no video|no frames"),
        ("none.avi", no_frames, "cannot be read|no video|no frames"),
    ],
)
def test_what_is_no_video_is_refused_in_one_line(tmp_path, name, content, complaint):
    file = tmp_path / name
    if callable(content):
        content(file)
    else:
        file.write_bytes(content)
    with pytest.raises(InputError, match=complaint) as caught:
        open_frames(file)
    assert str(caught.value).startswith(str(file))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("source", ["absent.mp4", Path("absent.mp4"), "absent/", "12a"])
def test_what_is_not_there_is_named(tmp_path, monkeypatch, source):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        open_frames(source)


def test_a_video_that_breaks_off_gives_what_there_is(tmp_path, write_video, frame_number):
    file = write_video(tmp_path / "clip.mkv", frames=25)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.warns(UserWarning, match=r"clip\.mkv: it breaks off after 0\.\d of 1\.0 s") as caught:
        numbers = [frame_number(frame.image) for frame in open_frames(file)]
    assert len(caught) == 1
    assert 5 < len(numbers) < 20
    assert numbers == list(range(len(numbers)))


def test_a_cut_that_ends_before_the_break_is_no_cause_to_warn(tmp_path, write_video, recwarn):
    file = write_video(tmp_path / "clip.mkv", frames=25)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    assert len(list(open_frames(file, end=0.2))) == 5
    assert not recwarn.list


def damaged_in_the_middle(path):
    data = bytearray(path.read_bytes())
    begin = len(data) // 3
    data[begin : begin + len(data) // 8] = np.random.default_rng(0).bytes(len(data) // 8)
    path.write_bytes(data)
    return path


def test_damage_in_the_middle_costs_what_it_hit(tmp_path, write_video):
    file = write_video(tmp_path / "clip.mp4", frames=60, codec="libx264", key_every=5)
    damaged_in_the_middle(file)
    with pytest.warns(UserWarning, match=r"clip\.mp4: \d+ damaged pieces are left out") as caught:
        frames = list(open_frames(file))
    assert len(caught) == 1
    assert 30 < len(frames) < 60
    assert frames[-1].time == pytest.approx(59 / 25), "what comes after it is there, at its time"


def test_a_video_that_is_damaged_throughout_is_refused(tmp_path, write_video):
    file = write_video(tmp_path / "clip.mp4", frames=20, codec="libx264")
    data = bytearray(file.read_bytes())
    begin, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    data[begin:end] = np.random.default_rng(0).bytes(end - begin)
    file.write_bytes(data)
    with pytest.raises(InputError, match="no frame"):
        list(open_frames(file))


def complaint(file):
    """What is said of a file, None where all or some of it is read."""
    try:
        source = open_frames(file)
        sizes = {frame.image.shape[1::-1] for frame in source}
    except InputError as error:
        return str(error)
    assert sizes == {source.image_size}
    return None


@pytest.fixture(scope="module")
def healthy_clips(tmp_path_factory, write_video):
    folder = tmp_path_factory.mktemp("clips")
    kinds = (("mp4", "mpeg4"), ("mkv", "libx264"), ("avi", "mjpeg"))
    return [
        write_video(folder / f"a.{name}", frames=6, codec=codec, pixels="yuvj420p" if codec == "mjpeg" else "yuv420p")
        for name, codec in kinds
    ]


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    which=st.integers(0, 2),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=12),
    kept=st.floats(0.01, 1),
)
def test_no_damage_gets_through_as_anything_but_our_error(tmp_path, healthy_clips, which, changes, kept):
    data = bytearray(healthy_clips[which].read_bytes())
    for place, value in changes:
        data[int(place * len(data))] = value
    file = tmp_path / f"bad{healthy_clips[which].suffix}"
    file.write_bytes(data[: max(1, int(kept * len(data)))])
    told = complaint(file)
    assert told is None or (told.startswith(f"{file}: ") and "\n" not in told)
