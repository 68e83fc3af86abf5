"""Video: every frame, once, upright, at its time; cut where it was asked for; no more memory for a longer clip."""

import gc
import struct
import subprocess
import sys
import tracemalloc
import warnings
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from flowlift.errors import InputError
from flowlift.io.decoding import Tally, decoded
from flowlift.io.orientation import Orientation
from flowlift.io.video import FrameSource, open_frames

CONTAINERS = {
    "clip.mp4": {"codec": "libx264"},  # with frames that refer to later ones
    "clip.mkv": {"codec": "libx264"},
    "clip.avi": {"codec": "mpeg4"},
    "clip.ts": {"codec": "libx264"},  # its seeking comes out late
    "clip.h264": {"codec": "libx264"},  # it knows no seeking
    "clip.webm": {"codec": "libvpx"},
    "clip.mjpeg": {"codec": "mjpeg", "pixels": "yuvj420p"},
}
TURN = 65536
"""One, in the numbers of a display matrix."""


def test_frames_come_in_order_at_their_times(tmp_path, write_video, frame_number):
    source = open_frames(write_video(tmp_path / "walk.v2.mp4", frames=12))
    assert isinstance(source, FrameSource)
    assert (source.image_size, source.fps, source.frame_count, source.name) == ((96, 64), 25, 12, "walk.v2")
    frames = list(source)
    assert [frame.index for frame in frames] == list(range(12))
    assert [frame_number(frame.image) for frame in frames] == list(range(12))
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(12) / 25, atol=1e-6)
    assert all(frame.image.shape == (64, 96, 3) and frame.image.dtype == np.uint8 for frame in frames)
    assert [frame_number(frame.image) for frame in source] == list(range(12)), "a source can be read again"


def test_colours_are_red_green_blue(tmp_path, write_video):
    source = open_frames(
        write_video(
            tmp_path / "red.mp4", frames=1, picture=lambda _: np.full((64, 96, 3), (200, 60, 20)).astype(np.uint8)
        )
    )
    np.testing.assert_allclose(next(iter(source)).image.mean(axis=(0, 1)), (200, 60, 20), atol=8)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.webm"])
def test_variable_frame_rates_keep_each_time(tmp_path, write_video, frame_number, name):
    times = [0.0, 0.02, 0.1, 0.15, 0.3, 0.9, 1.2]
    codec = CONTAINERS[name]["codec"]
    frames = list(open_frames(write_video(tmp_path / name, times=times, codec=codec)))
    np.testing.assert_allclose([frame.time for frame in frames], times, atol=2e-3)
    assert [frame_number(frame.image) for frame in frames] == list(range(7))


CORNERS = {(-1, -1): (255, 0, 0), (1, -1): (0, 255, 0), (-1, 1): (0, 0, 255), (1, 1): (255, 255, 255)}
"""What colour each corner has as it is recorded: x to the right, y down."""


def corners(image):
    """The colour that stands in each corner."""
    height, width = image.shape[:2]
    at = {(x, y): image[(height - 8 if y > 0 else 8), (width - 8 if x > 0 else 8)] for x, y in CORNERS}
    return {corner: tuple(np.where(colour > 127, 255, 0)) for corner, colour in at.items()}


def four_colours(width=96, height=64):
    image = np.zeros((height, width, 3), np.uint8)
    for (x, y), colour in CORNERS.items():
        image[height // 2 * (y > 0) :, width // 2 * (x > 0) :][: height // 2, : width // 2] = colour
    return image


@pytest.mark.parametrize("name", ["phone.mp4", "phone.mov"])
@pytest.mark.parametrize("a", [-1, 0, 1])
@pytest.mark.parametrize("b", [-1, 1])
@pytest.mark.parametrize("d", [-1, 1])
def test_every_orientation_that_a_matrix_can_tell_is_set_upright(tmp_path, write_video, name, a, b, d):
    # x' = a x + c y, y' = b x + d y: either a and d, or b and c, are not zero.
    a, b, c, d = (a, 0, 0, d) if a else (0, b, d, 0)
    matrix = [a * TURN, b * TURN, 0, c * TURN, d * TURN, 0, 0, 0, 1 << 30]
    source = open_frames(write_video(tmp_path / name, frames=2, picture=lambda _: four_colours(), matrix=matrix))
    assert source.image_size == ((96, 64) if a else (64, 96))
    for frame in source:
        assert frame.image.shape == (source.image_size[1], source.image_size[0], 3)
        assert frame.image.flags.c_contiguous
        expected = {(a * x + c * y, b * x + d * y): colour for (x, y), colour in CORNERS.items()}
        assert corners(frame.image) == expected


def test_a_phone_held_upright_gives_tall_pictures(tmp_path, write_video):
    # What phones write for the usual way of holding them: turn by a quarter to the right.
    matrix = [0, TURN, 0, -TURN, 0, 0, 0, 0, 1 << 30]
    source = open_frames(write_video(tmp_path / "p.mp4", frames=1, picture=lambda _: four_colours(), matrix=matrix))
    assert source.image_size == (64, 96)
    seen = corners(next(iter(source)).image)
    assert seen[1, -1] == CORNERS[-1, -1], "what was recorded at the top left stands at the top right"


@pytest.mark.parametrize(
    ("a", "b", "c", "d", "corner"),
    [(0, 1, -1, 0, (1, -1)), (-1, 0, 0, -1, (1, 1)), (0, -1, 1, 0, (-1, 1))],
    ids=["a quarter to the right", "half", "a quarter to the left"],
)
def test_the_matrix_is_read_as_the_file_has_it(tmp_path, write_video, a, b, c, d, corner):
    # Into the bytes of the track's header, apart from what the library that wrote the file takes a matrix for.
    file = write_video(tmp_path / "phone.mp4", frames=2, picture=lambda _: four_colours())
    data, plain = bytearray(file.read_bytes()), struct.pack(">9i", TURN, 0, 0, 0, TURN, 0, 0, 0, 1 << 30)
    place = data.index(plain, data.index(b"tkhd"))
    data[place : place + 36] = struct.pack(">9i", a * TURN, b * TURN, 0, c * TURN, d * TURN, 0, 0, 0, 1 << 30)
    file.write_bytes(data)
    source = open_frames(file)
    assert source.image_size == ((96, 64) if a else (64, 96))
    for frame in source:
        assert frame.image.shape == (source.image_size[1], source.image_size[0], 3)
        assert corners(frame.image)[corner] == CORNERS[-1, -1], "where what was recorded at the top left stands"


def joined(file, *parts):
    """Several files as one, end to end."""
    file.write_bytes(b"".join(part.read_bytes() for part in parts))
    return file


def test_a_size_that_changes_on_the_way_is_scaled_to_the_first(tmp_path, write_video, recwarn):
    first, second = (
        write_video(tmp_path / f"{size[0]}.h264", frames=5, size=size, codec="libx264")
        for size in [(96, 64), (192, 128)]
    )
    source = open_frames(joined(tmp_path / "both.h264", first, second))
    assert [frame.image.shape for frame in source] == [(64, 96, 3)] * 10
    assert source.image_size == (96, 64)
    assert not recwarn.list


@pytest.mark.parametrize("matrix", [None, [0, TURN, 0, -TURN, 0, 0, 0, 0, 1 << 30]])
def test_a_shape_that_changes_on_the_way_is_told_and_distorts_nobody(tmp_path, write_video, matrix):
    """As where somebody turns their phone during a call: people would become short and wide."""
    first, second = (
        write_video(
            tmp_path / f"{size[0]}.ts",
            frames=30,
            size=size,
            codec="libx264",
            picture=lambda _, size=size: np.full((*size[::-1], 3), 200, np.uint8),
        )
        for size in [(96, 64), (64, 96)]
    )
    source = open_frames(joined(tmp_path / "both.ts", first, second))
    if matrix is not None:
        source = replace(source, image_size=(64, 96), orientation=Orientation(swap=True))
    with pytest.warns(UserWarning, match="change their shape, from 96 x 64 to 64 x 96|from 64 x 96 to 96 x 64"):
        frames = [frame.image for frame in source]
    assert {image.shape[1::-1] for image in frames} == {source.image_size}
    assert len(frames) == 60
    bright = [np.ptp(np.argwhere(image[..., 0] > 100), axis=0) + 1 for image in frames]
    for rows, columns in bright[:30]:
        assert (columns, rows) == source.image_size
    for rows, columns in bright[30:]:
        width, height = source.image_size
        assert columns / rows == pytest.approx(height / width, rel=0.05), "as wide as it was recorded"
        assert columns == width or rows == height, "as large as it can be"


def test_a_clock_of_many_ticks_is_no_frame_rate(tmp_path, write_video):
    """Digital video from tapes, as FFmpeg reads it: 60000 ticks a second, 25 frames."""
    file = write_video(tmp_path / "tape.dv", frames=5, size=(720, 576), codec="dvvideo")
    source = open_frames(file)
    assert source.fps == 25
    np.testing.assert_allclose([frame.time for frame in source], np.arange(5) / 25, atol=1e-6)


@pytest.mark.parametrize(("name", "told"), [("50.h264", 50), ("50.m2v", 50), ("50.mjpeg", None)])
def test_a_codecs_output_has_the_rate_that_it_tells_or_that_is_given(tmp_path, name, told, recwarn):
    """It has no times: FFmpeg makes some up, 25 frames a second, whatever its headers say."""
    codec, pixels = {"h264": ("libx264", "yuv420p"), "m2v": ("mpeg2video", "yuv420p")}.get(
        name.partition(".")[2], ("mjpeg", "yuvj420p")
    )
    with av.open(str(tmp_path / name), "w") as container:
        stream = container.add_stream(codec, rate=50)
        stream.width, stream.height, stream.pix_fmt = 96, 64, pixels
        for index in range(20):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((64, 96, 3), 10 * index, np.uint8))))
        container.mux(stream.encode(None))
    for given in (None, 100):
        source = open_frames(tmp_path / name, fps=given)
        rate = given or told or 25
        assert source.fps == rate
        np.testing.assert_allclose([frame.time for frame in source], np.arange(20) / rate, atol=1e-9)
        cut = list(open_frames(tmp_path / name, fps=given, start=4.5 / rate, end=8.5 / rate))
        np.testing.assert_allclose([frame.time for frame in cut], np.arange(5, 9) / rate, atol=1e-9)
        np.testing.assert_allclose([frame.image.mean() for frame in cut], 10 * np.arange(5, 9), atol=6)
    assert {"give --fps" in str(warning.message) for warning in recwarn.list} == ({True} if told is None else set())
    with pytest.raises(InputError, match="frame rate must be a positive number"):
        open_frames(tmp_path / name, fps=0)


@pytest.mark.parametrize("suffix", [".ts", ".mpg"])
@pytest.mark.parametrize(("start", "end"), [(0.42, 0.9), (1.1, 1.5), (2.2, None)])
def test_a_cut_of_what_was_joined_is_a_part_of_the_whole(tmp_path, write_video, frame_number, suffix, start, end):
    """Each part's clock begins anew: its seconds come twice, and only one of them is meant."""
    codec = "libx264" if suffix == ".ts" else "mpeg2video"
    parts = [
        write_video(tmp_path / f"{first}{suffix}", frames=32, first=first, codec=codec, key_every=6)
        for first in (0, 32)
    ]
    file = joined(tmp_path / f"both{suffix}", *parts)
    whole = [(frame.time, frame_number(frame.image)) for frame in open_frames(file)]
    assert [number for _, number in whole] == [index % 36 for index in range(64)]
    cut = [(frame.time, frame_number(frame.image)) for frame in open_frames(file, start=start, end=end)]
    assert cut == [(time, number) for time, number in whole if start <= time < (end or 9)]
    assert cut


@pytest.mark.parametrize("played", [0, 1])
def test_of_several_videos_the_one_that_is_played_is_read_and_told(tmp_path, played):
    sizes = [(96, 64), (128, 64)]
    with av.open(str(tmp_path / "two.mkv"), "w") as container:
        streams = [container.add_stream("mpeg4", rate=25) for _ in sizes]
        for number, (stream, size) in enumerate(zip(streams, sizes, strict=True)):
            stream.width, stream.height = size
            stream.disposition = int(number == played)
        for stream, (width, height) in zip(streams, sizes, strict=True):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((height, width, 3), np.uint8))))
            container.mux(stream.encode(None))
    source = open_frames(tmp_path / "two.mkv")
    assert source.image_size == sizes[played]
    with pytest.warns(UserWarning, match=f"2 videos, of which the one of {sizes[played][0]} x 64 pixels is read"):
        assert [frame.image.shape[1::-1] for frame in source] == [sizes[played]]


@pytest.mark.parametrize("turned", [False, True])
def test_pixels_that_are_not_square_are_made_so(tmp_path, write_video, turned):
    matrix = [0, TURN, 0, -TURN, 0, 0, 0, 0, 1 << 30] if turned else None
    file = write_video(tmp_path / "dv.mp4", frames=2, pixel_width=Fraction(4, 3), matrix=matrix)
    source = open_frames(file)
    assert source.image_size == ((64, 128) if turned else (128, 64))
    assert {frame.image.shape[1::-1] for frame in source} == {source.image_size}


@pytest.mark.parametrize("name", CONTAINERS)
@pytest.mark.parametrize(("start", "end"), [(0.4, None), (None, 0.6), (0.5, 0.9), (0.0, 0.02)])
def test_a_cut_is_a_part_of_the_whole(tmp_path, write_video, name, start, end):
    file = write_video(tmp_path / name, frames=26, key_every=10, **CONTAINERS[name])
    whole = list(open_frames(file))
    assert len(whole) == 26
    wanted = [f for f in whole if f.time >= (start or 0.0) - 1e-6 and f.time < (end or 9.0)]
    source = open_frames(file, start=start, end=end)
    part = list(source)
    assert [frame.index for frame in part] == list(range(len(wanted)))
    np.testing.assert_allclose([frame.time for frame in part], [frame.time for frame in wanted], atol=1e-6)
    for one, other in zip(part, wanted, strict=True):
        np.testing.assert_allclose(one.image.astype(float), other.image.astype(float), atol=2)
    assert source.frame_count is None or abs(source.frame_count - len(part)) <= 1


@pytest.mark.parametrize(
    ("start", "end"), [(-1, None), (float("nan"), None), (float("inf"), None), (None, float("nan")), (0.3, 0.3), (2, 1)]
)
def test_times_that_cannot_be_are_refused(tmp_path, write_video, start, end):
    file = write_video(tmp_path / "a.mp4")
    with pytest.raises(InputError, match=r"start|end"):
        open_frames(file, start=start, end=end)


def test_a_cut_without_frames_says_so(tmp_path, write_video):
    file = write_video(tmp_path / "a.mp4", times=[0.0, 0.1, 1.0, 1.1])
    with pytest.raises(InputError, match="ends at"):
        open_frames(file, start=60)
    with pytest.raises(InputError, match=r"no frame lies between 0\.2 and 0\.5 s"):
        list(open_frames(file, start=0.2, end=0.5))


def test_an_animated_gif_is_a_clip(tmp_path, write_video):
    file = write_video(tmp_path / "a.gif", frames=5, codec="gif", pixels="rgb8")
    assert len(list(open_frames(file))) == 5


def test_a_name_that_looks_like_an_address_is_a_file(tmp_path, write_video, monkeypatch):
    write_video(tmp_path / "clip.mp4").rename(tmp_path / "12:30.mp4")
    monkeypatch.chdir(tmp_path)
    assert len(list(open_frames("12:30.mp4"))) == 10


def test_a_title_in_another_encoding_is_no_obstacle(tmp_path, write_video):
    file = write_video(tmp_path / "clip.mkv", metadata={"title": "AAAABBBB"})
    assert b"AAAABBBB" in file.read_bytes()
    file.write_bytes(file.read_bytes().replace(b"AAAABBBB", b"AA\xe9\xffBBBB"))
    assert len(list(open_frames(file))) == 10


def test_the_file_is_closed_when_nobody_reads_on(tmp_path, write_video):
    file = write_video(tmp_path / "clip.mp4")
    frames = iter(open_frames(file))
    next(frames)
    del frames
    gc.collect()
    if sys.platform == "linux":
        links = [link.resolve() for link in Path("/proc/self/fd").iterdir() if link.exists()]
        assert file.resolve() not in links


READ_ALL = """
import sys, warnings
from flowlift.errors import InputError
from flowlift.io.video import open_frames
warnings.simplefilter("ignore")
for name in sys.argv[1:]:
    try:
        print(sum(1 for _ in open_frames(name)))
    except InputError as error:
        print(error)
"""


@dataclass
class Stream:
    start_time: int = 0
    time_base: Fraction = Fraction(1, 1000)
    average_rate: float = 10.0
    guessed_rate: float = 10.0


@dataclass
class Picture:
    time: float | None
    is_corrupt: bool = False


@dataclass
class Packet:
    at: float | None
    pts: int | None = None
    duration: int = 0

    def decode(self):
        return [Picture(self.at)]


@dataclass
class Container:
    times: list

    def demux(self, stream):
        return iter([Packet(time) for time in self.times])


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([0.0, 0.1, 0.1, 0.2], [0.0, 0.1, 0.2]),  # twice the same instant
        ([0.0, 0.3, 0.1, 0.2, 0.4], [0.0, 0.3, 0.4]),  # disorder
        ([5.0, 5.1, 0.0, 0.1, 0.2], [5.0, 5.1, 5.2, 5.3, 5.4]),  # the clock was set back
        ([None, None, None], [0.0, 0.1, 0.2]),
        ([-0.2, -0.1, 0.0], [-0.2, -0.1, 0.0]),
    ],
)
def test_times_rise_whatever_a_file_says(told, expected):
    found = [timed.time for timed in decoded(Container(told), Stream(), False, Tally())]
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_damage_makes_no_noise_of_the_decoder(tmp_path, write_video):
    """In a process of its own, as a user has it: FFmpeg logs to file descriptor 2."""
    whole = write_video(tmp_path / "clip.mp4", frames=40, codec="libx264", key_every=5).read_bytes()
    hit = bytearray(whole)
    hit[len(hit) // 3 : len(hit) // 2] = np.random.default_rng(0).bytes(len(hit) // 2 - len(hit) // 3)
    broken = write_video(tmp_path / "clip.mkv", frames=40, codec="libx264").read_bytes()
    contents = {
        "hit.mp4": bytes(hit),
        "cut.mp4": whole[: len(whole) // 2],
        "cut.mkv": broken[: len(broken) // 2],
        "empty.mp4": b"",
        "junk.mp4": bytes(range(256)) * 20,
        "text.mp4": b"hello\n" * 100,
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    done = subprocess.run([sys.executable, "-c", READ_ALL, *contents], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    hit_frames, cut_mp4, cut_frames, *others = done.stdout.splitlines()
    assert 0 < int(hit_frames) < 40
    assert 0 < int(cut_frames) < 40
    for name, said in zip(["cut.mp4", "empty.mp4", "junk.mp4", "text.mp4"], [cut_mp4, *others], strict=True):
        assert said.startswith(f"{name}: ")


MEASURE = """
import resource, sys
from flowlift.io.video import open_frames
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # MiB
frames = iter(open_frames(sys.argv[1]))
for _ in range(50):
    next(frames)
before, count = peak(), 50 + sum(1 for _ in frames)
print(count, peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="maximum resident size is counted in KiB on Linux only")
def test_memory_does_not_grow_with_the_clip(tmp_path, write_video):
    still = np.kron(np.random.default_rng(0).integers(0, 255, (15, 20, 3)), np.ones((16, 16, 1))).astype(np.uint8)
    file = write_video(tmp_path / "long.mp4", frames=1000, size=(320, 240), picture=lambda i: np.roll(still, i, axis=1))
    told = subprocess.run([sys.executable, "-c", MEASURE, file], capture_output=True, text=True, check=True).stdout
    count, grown = map(float, told.split())
    assert count == 1000
    assert grown < 20, f"grew by {grown} MiB; all frames would be 220"


def test_only_the_frame_at_hand_is_held(tmp_path, write_video):
    file = write_video(tmp_path / "clip.mp4", frames=120, size=(160, 128))
    source = open_frames(file)
    tracemalloc.start()
    try:
        count = sum(1 for _ in source)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 120
    assert peak < 20 * 160 * 128 * 3


@pytest.mark.parametrize(
    ("name", "size", "frames"),
    [("cam01", (1080, 1920), 100), ("cam03", (1088, 1920), 100), ("sports2d_demo", (1768, 994), 230)],
)
def test_real_videos(shared_data, name, size, frames):
    folder = "samples" if name == "sports2d_demo" else "eval/pose2sim/videos"
    source = open_frames(shared_data / folder / f"{name}.mp4", end=0.1)
    whole = open_frames(shared_data / folder / f"{name}.mp4")
    assert whole.image_size == size
    assert whole.frame_count == frames
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        few = list(source)
    assert 3 <= len(few) <= 7
    assert all(frame.image.shape == (size[1], size[0], 3) and frame.image.std() > 10 for frame in few)
