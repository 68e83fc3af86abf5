"""`flowlift studio`: the local web application."""

import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from flowlift.errors import FlowliftError, InputError


def studio(
    *,
    host: str = "127.0.0.1",
    port: int = 8765,
    folder: Path | None = None,
    workers: int = 1,
    max_upload: Annotated[float, Parameter(name="--max-upload")] = 2000,
    keep: float = 7,
    always_token: Annotated[bool, Parameter(name="--token", negative="")] = False,
    show: Annotated[bool, Parameter(name="--open", negative="--no-open")] = True,
) -> None:
    """Lift in the browser: drop videos or keypoint files, watch them being lifted, look at the results, download them.

    Only this machine can connect; with another --host, everybody who can reach it and has the token that is printed.

    Parameters
    ----------
    host
        The address to listen at.
    port
        The port; 0 takes any that is free.
    folder
        Where jobs and results are kept; a place of the user's own when not given.
    workers
        Jobs that are worked on at the same time.
    max_upload
        The largest file that is taken, MB.
    keep
        Days after which a finished job is removed.
    always_token
        Ask for a token on this machine, too: for a machine that others use.
    show
        Open the browser, when run in a terminal.
    """
    from flowlift.cli.browser import open_page
    from flowlift.cli.serving import address_of, listen, new_token
    from flowlift.detect.download import cache_folder
    from flowlift.detect.optional import import_optional

    uvicorn = import_optional("uvicorn", "the studio", "studio")
    import_optional("starlette", "the studio", "studio")
    from flowlift.studio.guard import LOCAL
    from flowlift.studio.server import Settings, application

    if workers < 1 or max_upload <= 0 or keep <= 0:
        raise InputError("--workers, --max-upload and --keep must be positive")
    token = new_token() if always_token or host not in LOCAL else None
    listening = listen(host, port)  # before any job is touched, so that two studios do not work in one folder
    port = listening.getsockname()[1]
    settings = Settings(
        folder=folder or cache_folder() / "studio" / str(port),
        workers=workers,
        limit=round(max_upload * 1e6),
        keep=keep * 86_400,
        token=token,
    )
    try:
        app = application(settings)
    except OSError as error:
        raise FlowliftError(f"{settings.folder}: jobs cannot be kept here: {error.strerror or error}") from error
    address = address_of(host, listening, token)
    print(address, flush=True)
    if show and sys.stdout.isatty():
        open_page(address)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=3
    )
    with suppress(KeyboardInterrupt):  # this is how it ends
        uvicorn.Server(config).run(sockets=[listening])
