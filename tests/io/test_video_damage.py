"""Videos that are none, or no longer: one clear line, or what can still be seen, with a warning."""

import os
import struct
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


def test_a_recording_with_sound_that_breaks_off_is_told(tmp_path, write_video):
    """Matroska tells the length of the pictures apart from that of the sound, in a tag."""
    silent_file, file = write_video(tmp_path / "silent.mp4", frames=50), tmp_path / "whole.mkv"
    with av.open(str(silent_file)) as silent, av.open(str(file), "w") as container:
        pictures = silent.streams.video[0]
        video, audio = container.add_stream_from_template(pictures), container.add_stream("aac", rate=48000)
        for packet in silent.demux(pictures):
            if packet.dts is not None:
                packet.stream = video
                container.mux(packet)
        for start in range(0, 2 * 48000, 1024):
            part = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            part.sample_rate, part.pts = 48000, start
            container.mux(audio.encode(part))
        container.mux(audio.encode(None))
    content = file.read_bytes()
    assert open_frames(file).frame_count == 50
    (tmp_path / "cut.mkv").write_bytes(content[: len(content) // 2])
    with pytest.warns(UserWarning, match=r"breaks off after \d\.\d of 2\.0 s"):
        assert 0 < len(list(open_frames(tmp_path / "cut.mkv"))) < 40


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


def test_pictures_that_the_decoder_guesses_are_told(tmp_path, write_video):
    """H.264 hides what is damaged: every picture comes, some are wrong."""
    content = bytearray(write_video(tmp_path / "clip.ts", frames=30, codec="libx264", key_every=5).read_bytes())
    packets = range(len(content) // 3 // 188 * 188, len(content) // 2 // 188 * 188, 188)
    for start in packets:  # what is carried, not the packets' heads
        content[start + 100 : start + 180] = np.random.default_rng(start).bytes(80)
    (tmp_path / "hit.ts").write_bytes(bytes(content))
    with pytest.warns(UserWarning, match="pictures are damaged and filled by guessing"):
        assert list(open_frames(tmp_path / "hit.ts"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(InputError, match=r"pipe\.mp4: a pipe or a device, no file"):
        open_frames(tmp_path / "pipe.mp4")


def box(kind, *parts):
    content = b"".join(parts)
    return struct.pack(">I4s", 8 + len(content), kind) + content


def full_box(kind, version, flags, *parts):
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def photo_in_tiles(path, write_video):
    """A HEIC photo of 2 x 2 tiles of 64 pixels (all the same one), as phones write theirs."""
    single = write_video(path.with_suffix(".mp4"), frames=1, size=(64, 64), codec="libx265").read_bytes()
    at = single.index(b"hvcC") - 4
    settings = single[at : at + int.from_bytes(single[at : at + 4], "big")]
    at = single.index(b"mdat") - 4
    tile = single[at + 8 : at + int.from_bytes(single[at : at + 4], "big")]
    tiles, whole = range(1, 5), 5
    names = [full_box(b"infe", 2, 1, struct.pack(">HH4sx", item, 0, b"hvc1")) for item in tiles]
    names.append(full_box(b"infe", 2, 0, struct.pack(">HH4sx", whole, 0, b"grid")))
    sizes = [full_box(b"ispe", 0, 0, struct.pack(">II", side, side)) for side in (64, 128)]
    has = [struct.pack(">HBBB", item, 2, 0x81, 2) for item in tiles] + [struct.pack(">HBB", whole, 1, 3)]
    grid = struct.pack(">BBBBHH", 0, 0, 1, 1, 128, 128)

    def head(start):
        places = [struct.pack(">HHHHII", item, 0, 0, 1, start, len(tile)) for item in tiles]
        places.append(struct.pack(">HHHHII", whole, 1, 0, 1, 0, len(grid)))
        return full_box(
            b"meta",
            0,
            0,
            full_box(b"hdlr", 0, 0, struct.pack(">I4s13x", 0, b"pict")),
            full_box(b"pitm", 0, 0, struct.pack(">H", whole)),
            full_box(b"iloc", 1, 0, b"\x44\x00", struct.pack(">H", 5), *places),
            full_box(b"iinf", 0, 0, struct.pack(">H", 5), *names),
            full_box(b"iref", 0, 0, box(b"dimg", struct.pack(">HH4H", whole, 4, *tiles))),
            box(b"iprp", box(b"ipco", settings, *sizes), full_box(b"ipma", 0, 0, struct.pack(">I", 5), *has)),
            box(b"idat", grid),
        )

    kind = box(b"ftyp", b"heic", bytes(4), b"mif1heic")
    path.write_bytes(kind + head(len(kind) + len(head(0)) + 8) + box(b"mdat", tile))


def test_a_photo_in_tiles_is_refused_instead_of_its_corner_taken(tmp_path, write_video):
    photo_in_tiles(tmp_path / "photo.heic", write_video)
    with av.open(str(tmp_path / "photo.heic")) as container:
        assert [(stream.width, stream.height) for stream in container.streams.video] == [(64, 64)] * 4
    with pytest.raises(InputError, match=r"photo\.heic: it is a photo in tiles \(HEIC\), which are not read"):
        open_frames(tmp_path / "photo.heic")


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
