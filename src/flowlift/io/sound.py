"""The sound of one video on its way into another, packet by packet; how it lies beside the pictures."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flowlift.io.decoding import Place, first_time, opened, video_stream


def sound_of(path: Path, target: Any, start: float) -> "Sound | None":
    """The sound of a video file from `start` (s) on, as a new stream of an open container; None where there is none.

    It is copied; what the container cannot hold as it is becomes AAC. Raises av.error.FFmpegError or OSError.
    """
    source = opened(Place(str(path.resolve())))
    audio = next(iter(source.streams.audio), None)
    if audio is None:
        source.close()
        return None
    pictures = video_stream(source)
    start += first_time(pictures) if pictures is not None else 0.0
    if _holds(target, audio.codec_context.name):
        return Sound(source, source.demux(audio), target.add_stream_from_template(audio), start)
    stream = target.add_stream("aac", rate=audio.rate)
    return Sound(source, _as_aac(source, audio, stream), stream, start)


def lead_of_sound(path: Path) -> float:
    """How long before its first picture a video begins for who plays it, seconds: sound may come first. 0 for a file
    that cannot be read."""
    import av

    try:
        with opened(Place(str(path.resolve()))) as container:
            pictures = video_stream(container)
            if pictures is None:
                return 0.0
            first = first_time(pictures)
            return max(0.0, first - max(0.0, min([first, *map(first_time, container.streams.audio)])))
    except (av.error.FFmpegError, OSError, ValueError):
        return 0.0


def _holds(target: Any, name: str) -> bool:
    """Whether a container takes packets of this codec as they are: FFmpeg lists some that its header then refuses."""
    refused = {"mov": ("flac", "opus", "truehd"), "mp4": ("truehd",)}.get(target.format.name, ())
    return name in target.supported_codecs and not name.startswith("pcm") and name not in refused


class Sound:
    """Packets for the stream of another container, which begins `start` seconds later."""

    def __init__(self, source: Any, packets: Iterator[Any], stream: Any, start: float) -> None:
        self._source, self._packets, self._stream, self._start = source, packets, stream, start
        self._ahead: Any = None

    def until(self, time: float) -> Iterator[Any]:
        """The next packets up to `time`, seconds in the new video: so much as goes with its pictures so far."""
        import av

        while True:
            try:
                packet = self._ahead or next(self._packets, None)
            except av.error.FFmpegError:  # damaged: the pictures go on without it
                packet = None
            if packet is None:
                return
            self._ahead = None
            if packet.pts is None:
                continue
            at = float(packet.pts * packet.time_base) - self._start
            if at >= time:
                self._ahead = packet
                return
            if at >= 0:
                shift = round(self._start / packet.time_base)
                packet.pts -= shift
                packet.dts = packet.pts
                packet.stream = self._stream
                yield packet

    def close(self) -> None:
        self._source.close()


def _as_aac(source: Any, audio: Any, stream: Any) -> Iterator[Any]:
    import av

    resampler = av.AudioResampler(format="fltp", layout=audio.layout, rate=audio.rate)
    for frame in source.decode(audio):
        for part in resampler.resample(frame):
            yield from stream.encode(part)
    yield from stream.encode(None)
