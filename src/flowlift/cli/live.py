"""`flowlift lift --live`: a camera lifted while it runs, shown in the browser and streamed."""

import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import ModuleType
from typing import Any

from flowlift.batch.job import Job
from flowlift.cli.options import LiveOptions
from flowlift.cli.outputs import is_address, plan_jobs
from flowlift.errors import InputError
from flowlift.io.capture import address_name, is_stream
from flowlift.people import how_many
from flowlift.temporal import Smoothing

_WHOLE_CLIP = {"keep_hypotheses": False, "ground": "off"}
"""Settings that need the whole clip, and what they are when nobody asks for them."""
_FILES = ("mapping", "skeleton", "fps", "image_size", "min_score")
"""Settings that describe files of keypoints or images."""
_BUFFER = 65_536
"""Bytes that the system keeps for a listener: what it sends to somebody slow must not be old."""
_MOST_CONNECTIONS = 64
_SILENCE = 10.0
"""Seconds after which a listener is asked whether it is still there, and for which it may think about it."""


def run_live(
    inputs: Sequence[str],
    output: str | None,
    formats: Sequence[str],
    settings: Mapping[str, Any],
    options: LiveOptions,
    *,
    overlay: str | None,
    quiet: bool,
) -> int:
    """Lift one source live until it ends or Ctrl-C; then write what was shown, where `output` says so.

    Prints the page's address first, and how it went last. Raises FlowliftError.
    """
    job = _job(inputs, output, formats, settings["camera"])
    _check(settings, overlay, recorded=job is not None)
    uvicorn = _server_packages()
    from flowlift.cli.browser import open_page
    from flowlift.cli.jobs import write_all
    from flowlift.cli.serving import address_of, listen, new_token
    from flowlift.detect import DEFAULT, load_detector
    from flowlift.live.recording import Recording
    from flowlift.live.server import application
    from flowlift.live.session import Session
    from flowlift.live.source import open_live
    from flowlift.studio.guard import LOCAL

    keep = how_many(settings["people"])
    with listen(options.host, options.port) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        source = open_live(inputs[0], start=settings["start"], end=settings["end"])
        detector = load_detector(settings["detector"] or DEFAULT)
        recording = None if job is None else Recording()
        session = Session(source, _lifter(settings, detector, source), recording.add if recording is not None else None)
        token = new_token() if options.token or options.host not in LOCAL else None
        app = application(session, token, lambda: setattr(server, "should_exit", True))
        server = uvicorn.Server(uvicorn.Config(app, **server_settings()))
        address = address_of(options.host, listening, token)
        print(address, flush=True)
        if options.show and sys.stdout.isatty():
            open_page(address)
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # it also ends cleanly, and is recorded
        with suppress(KeyboardInterrupt):  # this is how it ends
            server.run(sockets=[listening])
        session.stop()
        if not session.stuck:  # else closing would wait for it, too
            detector.close()
    if not quiet:
        print(session.report(), flush=True)
    if job is not None and recording is not None and (len(recording) or session.trouble is None):
        clip = recording.clip(session.nothing, source=source.name, fps=source.fps, detector=detector.name, keep=keep)
        write_all(clip, job, quiet=quiet)
    if session.trouble is not None:
        raise session.trouble
    return 0


def _job(inputs: Sequence[str], output: str | None, formats: Sequence[str], camera: str | None) -> Job | None:
    """The files that are written in the end, if any."""
    if len(inputs) != 1:
        raise InputError(f"--live watches one camera, address or video; {len(inputs)} are given")
    if output is None:
        if formats:
            raise InputError("--format says what -o gets; give -o as well")
        return None
    if is_address(output):
        raise InputError(f"{output}: --live writes to a file or folder of this machine")
    name = address_name(inputs[0]) if is_stream(inputs[0]) else inputs[0]
    return plan_jobs([name], output, formats, beside=[camera])[0]


def _check(settings: Mapping[str, Any], overlay: str | None, *, recorded: bool) -> None:
    if how_many(settings["people"]) is not None and not recorded:
        raise InputError("--people says who is kept in the recording, the stream tells of everybody; give -o, too")
    described = [name for name in _FILES if settings[name] is not None]
    if described:
        option = f"--{described[0].replace('_', '-')}"
        raise InputError(f"{option} describes files of keypoints or images: not with --live")
    asked = [name for name, usual in _WHOLE_CLIP.items() if settings[name] != usual]
    if asked or overlay is not None:
        option = f"--{asked[0].replace('_', '-')}" if asked else "--overlay"
        raise InputError(f"{option} needs the whole clip: not with --live; record with -o, and use it afterwards")
    if settings["smooth"] not in ("auto", "causal", "off"):
        Smoothing.parse(settings["smooth"])
        raise InputError(f"--smooth {settings['smooth']}: --live knows the past alone: causal (or auto), and off")


def _server_packages() -> ModuleType:
    """The server, when all that it needs is there. Raises MissingExtraError."""
    from flowlift.detect.optional import import_optional

    for module in ("starlette", "websockets"):
        import_optional(module, "--live", "live")
    return import_optional("uvicorn", "--live", "live")


def _lifter(settings: Mapping[str, Any], detector: Any, source: Any) -> Any:
    from flowlift.clip_camera import choose_camera, read_camera_for
    from flowlift.lifter import Lifter
    from flowlift.live.lifting import LiveLifter

    given = read_camera_for(settings["camera"], source.name, settings["camera_unit"])
    return LiveLifter(
        detector,
        Lifter.load(settings["model"], device=settings["device"]),
        source.image_size,
        camera=choose_camera(source.image_size, camera=given, fov=settings["fov"], focal=settings["focal"]),
        smooth=settings["smooth"] != "off",
        metres=settings["camera_unit"] is not None,
        **{name: settings[name] for name in ("hypotheses", "steps", "seed", "height", "size")},
    )


def server_settings() -> dict[str, Any]:
    """How the server runs: it says little, keeps little for each connection, and notices who is gone."""
    from flowlift.live.server import LARGEST

    return {
        "log_level": "critical",  # errors to it are listeners that left, and a second Ctrl-C, by a traceback
        "access_log": False,
        "server_header": False,
        "timeout_graceful_shutdown": 2,
        "limit_concurrency": _MOST_CONNECTIONS,
        "ws_max_size": LARGEST,
        "ws_ping_interval": _SILENCE,
        "ws_ping_timeout": _SILENCE,
        "ws_per_message_deflate": False,  # a message is small, and late is worse than large
    }
