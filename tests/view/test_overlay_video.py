"""Overlay videos: every frame at its own time, upright, with the sound, drawn where the people are."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

import flowlift
from flowlift.cli import main
from flowlift.cli.outputs import plan_jobs
from flowlift.containers import Poses3D
from flowlift.demo import synthesize
from flowlift.errors import InputError, OutputError
from flowlift.io import save
from flowlift.io.video import Frame, open_frames
from flowlift.io.video_writing import video_writer
from flowlift.view.film import film_beside, film_inside
from flowlift.view.overlay_video import matched, write_overlay

SIZE = (320, 180)


@pytest.fixture(scope="module")
def bare(walker: Poses3D) -> Poses3D:
    """Poses of which nothing is drawn, as nothing was seen, which is quick."""
    unseen = replace(walker.keypoints, xy=np.full_like(walker.keypoints.xy, np.nan))
    return replace(walker, root=None, camera=None, keypoints=unseen, hypotheses=None)


def write_clip(
    path: Path, times: list[float], *, sound: str | None = None, matrix: list[int] | None = None, size=SIZE
) -> Path:
    """A grey video with frames at `times` (s); `sound`: a codec for a tone that grows louder."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libvpx" if path.suffix == ".webm" else "mpeg4", rate=30)
        video.width, video.height = size
        video.codec_context.time_base = video.time_base = Fraction(1, 600)
        if matrix is not None:
            video.set_display_matrix(matrix)
        audio = None if sound is None else container.add_stream(sound, rate=48000)
        for time in times:
            frame = av.VideoFrame.from_ndarray(np.full((size[1], size[0], 3), 128, np.uint8))
            frame.pts, frame.time_base = round(time * 600), Fraction(1, 600)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio is not None:
            ticks = np.arange(round(48000 * (times[-1] + 0.04)))
            wave = np.sin(ticks * 2 * np.pi * 440 / 48000) * np.linspace(0, 1, len(ticks))
            resampler = av.AudioResampler(audio.codec_context.format, audio.codec_context.layout, 48000)
            for start in range(0, len(wave), 4800):
                part = av.AudioFrame.from_ndarray(
                    (wave[None, start : start + 4800] * 30000).astype(np.int16), format="s16", layout="mono"
                )
                part.sample_rate, part.pts, part.time_base = 48000, start, Fraction(1, 48000)
                for piece in resampler.resample(part):
                    container.mux(audio.encode(piece))
            container.mux(audio.encode(None))
    return path


def loudness(path: Path) -> np.ndarray:
    """Mean loudness of the sound in each tenth of a second."""
    mono = av.AudioResampler("flt", "mono", 48000)
    with av.open(str(path)) as container:
        parts = [part.to_ndarray()[0] for frame in container.decode(audio=0) for part in mono.resample(frame)]
    wave = np.concatenate(parts)
    return np.abs(wave[: len(wave) // 4800 * 4800]).reshape(-1, 4800).mean(axis=1)


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv", "out.mov"])
def test_every_frame_keeps_its_time(tmp_path: Path, bare: Poses3D, name: str) -> None:
    times = np.cumsum([0, *np.random.default_rng(0).choice([0.02, 0.04, 0.1], 25)]).tolist()
    source = write_clip(tmp_path / "in.mkv", times)
    write_overlay(open_frames(source), bare, tmp_path / name)
    written = [frame.time for frame in open_frames(tmp_path / name)]
    np.testing.assert_allclose(written, times, atol=0.0015)


def test_the_usual_rate_is_kept(tmp_path: Path, bare: Poses3D) -> None:
    source = write_clip(tmp_path / "in.mp4", [i / 30 for i in range(30)])
    write_overlay(open_frames(source), bare, tmp_path / "out.mp4")
    assert open_frames(tmp_path / "out.mp4").fps == pytest.approx(30, rel=0.01)


def test_people_are_drawn_where_they_are_and_nothing_else_changes(tmp_path: Path, walker: Poses3D) -> None:
    source = write_clip(tmp_path / "in.mp4", [i / 30 for i in range(32)])
    write_overlay(open_frames(source), walker, tmp_path / "out.mp4")
    frames = list(open_frames(tmp_path / "out.mp4"))
    assert len(frames) == 32
    nobody = np.isnan(walker.xyz).all(axis=(1, 2, 3))
    assert nobody[:32].any()
    for frame in frames:
        off = np.abs(frame.image.astype(int) - 128).max(axis=-1) > 40
        if nobody[frame.index]:
            assert not off.any()
            assert np.abs(frame.image.astype(int) - 128).mean() < 3, "the colours stay"
        else:
            middle = np.argwhere(off)[:, ::-1].mean(axis=0) * 1280 / SIZE[0]
            np.testing.assert_allclose(middle, np.nanmean(walker.keypoints.xy[frame.index, 0], axis=0), atol=40)


def test_a_phone_held_upright_stays_upright(tmp_path: Path, walker: Poses3D) -> None:
    quarter = [0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30]
    source = write_clip(tmp_path / "in.mp4", [i / 30 for i in range(5)], matrix=quarter)
    upright = (SIZE[1], SIZE[0])
    assert open_frames(source).image_size == upright
    tall = replace(walker, camera=None, keypoints=replace(walker.keypoints, image_size=(720, 1280)))
    write_overlay(open_frames(source), tall, tmp_path / "out.mp4")
    shown = open_frames(tmp_path / "out.mp4")
    assert shown.image_size == upright
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == upright
    frame = list(shown)[3]
    off = np.argwhere(np.abs(frame.image.astype(int) - 128).max(axis=-1) > 40)[:, ::-1].mean(axis=0)
    np.testing.assert_allclose(off * 720 / SIZE[1], np.nanmean(tall.keypoints.xy[3, 0], axis=0), atol=80)


@pytest.mark.parametrize(
    ("name", "codec", "out", "kept"),
    [
        ("in.mp4", "aac", "out.mp4", "aac"),
        ("in.mkv", "pcm_s16le", "out.mp4", "aac"),
        ("in.mkv", "flac", "out.mp4", "flac"),
        ("in.mkv", "flac", "out.mov", "aac"),  # which QuickTime does not hold
        ("in.webm", "libopus", "out.mov", "aac"),
    ],
)
def test_the_sound_comes_along(tmp_path: Path, bare: Poses3D, name: str, codec: str, out: str, kept: str) -> None:
    source = write_clip(tmp_path / name, [i / 30 for i in range(60)], sound=codec)
    write_overlay(open_frames(source), bare, tmp_path / out)
    with av.open(str(tmp_path / out)) as container:
        assert container.streams.audio[0].codec_context.name == kept
    before, after = loudness(source), loudness(tmp_path / out)
    assert abs(len(before) - len(after)) <= 1
    np.testing.assert_allclose(after[:18], before[:18], atol=0.06)


def test_a_part_has_its_own_sound(tmp_path: Path, bare: Poses3D) -> None:
    source = write_clip(tmp_path / "in.mp4", [i / 30 for i in range(60)], sound="aac")
    write_overlay(open_frames(source, start=1.0, end=1.5), bare, tmp_path / "out.mp4")
    assert len(list(open_frames(tmp_path / "out.mp4"))) == 15
    after = loudness(tmp_path / "out.mp4")
    assert 4 <= len(after) <= 6
    np.testing.assert_allclose(after[:4], loudness(source)[10:14], atol=0.06)


@pytest.mark.parametrize("name", ["in.mp4", "in.webm"])
@pytest.mark.parametrize("begin", [0.0, 0.4])
def test_a_page_knows_that_sound_begins_before_the_pictures(tmp_path: Path, name: str, begin: float) -> None:
    """A browser's clock begins with whatever comes first, that of poses with the first picture."""
    codec = "libopus" if name.endswith(".webm") else "aac"
    source = write_clip(tmp_path / name, [begin + i / 30 for i in range(10)], sound=codec)
    for film in (film_beside(source, tmp_path / "page.html"), film_inside(source)):
        assert film.start == pytest.approx(-begin, abs=0.01)
    assert film_inside(source, start=0.1).start == pytest.approx(0.1 - begin, abs=0.01)


def test_odd_sides_lose_a_pixel(tmp_path: Path) -> None:
    with video_writer(tmp_path / "odd.mp4", fps=10) as writer:
        for frame in range(5):
            writer.write(np.full((101, 67, 3), 40 * frame, np.uint8), frame / 10)
    frames = list(open_frames(tmp_path / "odd.mp4"))
    assert [frame.image.shape for frame in frames] == [(100, 66, 3)] * 5
    np.testing.assert_allclose([frame.image.mean() for frame in frames], 40.0 * np.arange(5), atol=4)


@dataclass
class Counted:
    """Frames that say how many were taken."""

    image_size: tuple[int, int] = SIZE
    fps: float | None = 30.0
    frame_count: int | None = None
    name: str = "counted"
    shift: float = 0.0
    stop: bool = False

    def __iter__(self) -> Iterator[Frame]:
        for index in range(40):
            if self.stop and index == 20:
                raise KeyboardInterrupt
            yield Frame(index, self.shift + index / 30, np.full((SIZE[1], SIZE[0], 3), 128, np.uint8))


def test_frames_find_their_poses(walker: Poses3D) -> None:
    assert [pose for _, pose in matched(Counted(), walker)] == list(range(40))
    assert [pose for _, pose in matched(Counted(shift=0.01), walker)] == list(range(40))
    late = [pose for _, pose in matched(Counted(shift=1.0), walker)]
    assert late == [*range(30, 60), *[None] * 10]
    timeless = replace(walker, fps=None, keypoints=None)
    assert [pose for _, pose in matched(Counted(), timeless)] == list(range(40))
    slow = replace(walker, fps=10.0, keypoints=None)
    assert [pose for _, pose in matched(Counted(), slow)][:6] == [0, 0, 1, 1, 1, 2]


@pytest.mark.parametrize(
    ("frames", "error"),
    [(Counted(shift=50.0), "no frame at the times"), (Counted(image_size=(180, 320)), "not the same pictures")],
)
def test_another_video_is_refused_and_leaves_nothing(tmp_path: Path, walker: Poses3D, frames, error: str) -> None:
    with pytest.raises(InputError, match=error):
        write_overlay(frames, walker, tmp_path / "out.mp4")
    assert not list(tmp_path.iterdir())


def test_ctrl_c_leaves_nothing(tmp_path: Path, bare: Poses3D) -> None:
    with pytest.raises(KeyboardInterrupt):
        write_overlay(Counted(stop=True), bare, tmp_path / "out.mp4")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["out.avi", "out", "out.npz"])
def test_other_suffixes_are_refused(tmp_path: Path, bare: Poses3D, name: str) -> None:
    with pytest.raises(OutputError, match=r"\.mp4, \.mov, \.mkv"):
        write_overlay(Counted(), bare, tmp_path / name)


def test_progress_counts_frames(tmp_path: Path, bare: Poses3D) -> None:
    seen: list[tuple[int, int | None]] = []
    write_overlay(Counted(), bare, tmp_path / "out.mp4", report=lambda *now: seen.append(now))
    assert seen == [(done, None) for done in range(1, 41)]


def test_several_people_are_numbered(walker: Poses3D) -> None:
    from flowlift.view.overlay import draw_overlay

    grey = np.full((720, 1280, 3), 128, np.uint8)
    seen = walker.keypoints
    two = replace(
        walker,
        xyz=np.repeat(walker.xyz, 2, axis=1),
        root=np.repeat(walker.root, 2, axis=1),
        cov=np.repeat(walker.cov, 2, axis=1),
        hypotheses=None,
        keypoints=replace(seen, xy=np.repeat(seen.xy, 2, axis=1), score=np.repeat(seen.score, 2, axis=1)),
    )
    top = int(np.nanmin(seen.xy[3, 0, :, 1]))
    above = slice(max(0, top - 45), top - 12)
    one, both = draw_overlay(grey, walker, 3)[above], draw_overlay(grey, two, 3)[above]
    assert ((both != 128).sum() - (one != 128).sum()) > 200


def test_overlay_on_the_command_line(tmp_path: Path, walker: Poses3D, capsys) -> None:
    source = write_clip(tmp_path / "in.mp4", [i / 30 for i in range(8)])
    flowlift.save(walker, tmp_path / "poses.npz")
    command = ["overlay", f"{tmp_path}/poses.npz", str(source), "-o"]
    assert main([*command, f"{tmp_path}/new/out.mp4", "--end", "0.1"]) == 0
    assert len(list(open_frames(tmp_path / "new" / "out.mp4"))) == 3
    for wrong, said in ((f"{tmp_path}/out.csv", "ends in"), (str(source), "is an input")):
        assert main([*command, wrong]) == 2
        assert said in capsys.readouterr().err
    flowlift.save(walker.keypoints, tmp_path / "seen.npz")
    assert main(["overlay", f"{tmp_path}/seen.npz", str(source), "-o", f"{tmp_path}/a.mp4"]) == 2
    assert "2D keypoints" in capsys.readouterr().err
    flowlift.save(walker, tmp_path / "poses.trc")
    assert main(["overlay", f"{tmp_path}/poses.trc", str(source), "-o", f"{tmp_path}/a.mp4"]) == 2
    assert "neither 2D keypoints nor where the camera was" in capsys.readouterr().err
    assert not (tmp_path / "a.mp4").exists()


def test_where_overlays_go(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        write_clip(tmp_path / name, [0.0])
    videos = [f"{tmp_path}/a.mp4", f"{tmp_path}/b.mp4"]
    jobs = plan_jobs(videos, f"{tmp_path}/out/", overlay=f"{tmp_path}/drawn/")
    assert [job.overlay for job in jobs] == [tmp_path / "drawn" / "a.mp4", tmp_path / "drawn" / "b.mp4"]
    assert plan_jobs(videos[:1], f"{tmp_path}/out/", overlay=f"{tmp_path}/c.mkv")[0].overlay == tmp_path / "c.mkv"
    for inputs, overlay, error in (
        (videos, f"{tmp_path}/c.mp4", "2 inputs"),
        (videos[:1], videos[0], "is an input"),
        (videos[:1], f"{tmp_path}/c.gif", "ends in"),
    ):
        with pytest.raises(OutputError, match=error):
            plan_jobs(inputs, f"{tmp_path}/out/", overlay=overlay)
    for source in ("0", f"{tmp_path}/points.npz"):
        with pytest.raises(InputError, match="draws onto a video"):
            plan_jobs([source], f"{tmp_path}/out/", overlay=f"{tmp_path}/c.mp4")


@pytest.mark.slow
def test_a_real_upright_video_from_lift_to_overlay(shared_data: Path, tmp_path: Path) -> None:
    pytest.importorskip("mediapipe")
    source = shared_data / "eval" / "pose2sim" / "videos" / "cam02.mp4"
    told = ["-o", f"{tmp_path}/out/", "--overlay", f"{tmp_path}/drawn.mp4", "--hypotheses", "4", "--end", "0.4"]
    assert main(["lift", str(source), *told]) == 0
    drawn, whole = open_frames(tmp_path / "drawn.mp4"), open_frames(source)
    assert drawn.image_size == whole.image_size
    poses = flowlift.load(tmp_path / "out" / "cam02.npz")
    np.testing.assert_allclose([frame.time for frame in drawn], poses.frame_times, atol=0.001)


def test_pictures_and_poses_without_times_meet_from_the_beginning_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    timeless = replace(synthesize(seconds=0.2).truth, fps=None, times=None)
    save(timeless, tmp_path / "a.npz")
    (tmp_path / "clip.mp4").write_bytes(b"is not opened")
    line = ["overlay", str(tmp_path / "a.npz"), str(tmp_path / "clip.mp4"), "-o", str(tmp_path / "drawn.mp4")]
    assert main([*line, "--start", "1"]) == 2
    assert "leave --start out" in capsys.readouterr().err
