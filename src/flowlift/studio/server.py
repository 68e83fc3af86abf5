"""The studio's addresses: its page, the list of jobs, their pages and downloads."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from flowlift import __version__
from flowlift.errors import FlowliftError, InputError
from flowlift.io import WRITERS, stem_of
from flowlift.studio.guard import Guard
from flowlift.studio.job import ENDED, OVERLAY, Job, JobFolder, Jobs
from flowlift.studio.options import check_options, fields
from flowlift.studio.queue import Queue
from flowlift.studio.uploads import TooLargeError, accepted, check_size, receive, safe_name

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_STATIC = {"/": ("studio.html", "text/html"), "/studio.css": ("studio.css", "text/css")}
_STATIC["/studio.js"] = ("studio.js", "text/javascript")
_MOST_JOBS = 200


@dataclass(frozen=True)
class Settings:
    """`folder`: where jobs are kept. `workers`: jobs at a time. `limit`: bytes of an upload. `keep`: seconds that a
    job that ended is kept. `token`: what every request needs, None where only this machine can connect."""

    folder: Path
    workers: int = 1
    limit: int = 2_000_000_000
    keep: float = 7 * 86_400.0
    token: str | None = None


def application(settings: Settings) -> Guard:
    """The whole studio. Its queue runs while the server does."""
    jobs = Jobs(settings.folder)
    queue = Queue(jobs, settings.workers)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        queue.start()
        cleaning = asyncio.create_task(_clean(jobs, settings.keep))
        yield
        cleaning.cancel()
        await queue.stop()

    studio = Studio(settings, jobs, queue)
    routes = [
        *(Route(path, _static(*file)) for path, file in _STATIC.items()),
        Route("/api/choices", studio.choices),
        Route("/api/jobs", studio.list_jobs),
        Route("/api/jobs", studio.add, methods=["POST"]),
        Route("/api/jobs/{job}", studio.remove, methods=["DELETE"]),
        Route("/api/jobs/{job}/cancel", studio.cancel, methods=["POST"]),
        Route("/jobs/{job}/download/{format}", studio.download),
        Route("/jobs/{job}/page.html", studio.page),
        Route("/jobs/{job}/film.mp4", studio.film),
    ]
    handlers = {FlowliftError: _told, HTTPException: _http, OSError: _disk}
    return Guard(Starlette(routes=routes, lifespan=lifespan, exception_handlers=handlers), settings.token)


@dataclass(frozen=True)
class Studio:
    """What the addresses do."""

    settings: Settings
    jobs: Jobs
    queue: Queue

    async def choices(self, request: Request) -> Response:
        """What the page needs to know once."""
        return JSONResponse(
            {
                "version": __version__,
                "fields": [asdict(field) for field in fields()],
                "accepted": accepted(),
                "limit": self.settings.limit,
                "formats": [
                    *({"suffix": suffix, "name": writer.name} for suffix, writer in WRITERS.items()),
                    {"suffix": OVERLAY, "name": "video with the poses", "filmed": True},
                ],
            }
        )

    async def list_jobs(self, request: Request) -> Response:
        waiting = [job.id for job in self.jobs if job.state == "queued"]
        return JSONResponse([self._about(job, waiting) for job in reversed(list(self.jobs))])

    async def add(self, request: Request) -> Response:
        """A new job: its name and options in the query, the file as the body."""
        name = safe_name(request.query_params.get("name", ""))
        options = check_options(_json_object(request.query_params.get("options", "{}")))
        if sum(1 for _ in self.jobs) >= _MOST_JOBS:
            raise HTTPException(429, f"there are {_MOST_JOBS} jobs already; delete some")
        check_size(_length(request), limit=self.settings.limit)
        job, folder = self.jobs.reserve()
        try:
            await receive(request.stream(), folder.upload / name, limit=self.settings.limit)
            made = self.jobs.add(job, name, options)
        except ClientDisconnect:
            self.jobs.discard(folder)
            return Response(status_code=400)
        except BaseException:
            self.jobs.discard(folder)
            raise
        self.queue.wake()
        return JSONResponse(self._about(made, []), 201)

    async def cancel(self, request: Request) -> Response:
        return JSONResponse(self._about(await self.queue.cancel(self._job(request)), []))

    async def remove(self, request: Request) -> Response:
        job = self._job(request)
        await self.queue.cancel(job)
        self.jobs.remove(job)
        return Response(status_code=204)

    async def page(self, request: Request) -> Response:
        return self._file(self._folder(request).page, "text/html")

    async def film(self, request: Request) -> Response:
        return self._file(self._folder(request).film, "video/mp4")

    async def download(self, request: Request) -> Response:
        """The result in a format, written when it is first asked for."""
        job, suffix = self._done(request), f".{request.path_params['format']}"
        if suffix not in WRITERS and not (suffix == OVERLAY and self.jobs.folder(job).film.is_file()):
            raise HTTPException(404, f"no format {suffix}")
        folder, name = self.jobs.folder(job), f"{stem_of(Path(job.name))}{suffix}"
        candidates = (folder.downloads / name, folder.downloads / f"{name}.zip")
        if not any(path.is_file() for path in candidates) and (trouble := await self.queue.write(job, suffix)):
            raise HTTPException(409, trouble)
        path = next((path for path in candidates if path.is_file()), candidates[0])
        answer = self._file(path, "application/octet-stream")
        answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(path.name, safe='')}"
        return answer

    def _about(self, job: Job, waiting: list[str]) -> dict[str, object]:
        return {
            **asdict(job),
            "progress": asdict(self.queue.progress(job)),
            "before": waiting.index(job.id) if job.id in waiting else 0,
            "filmed": job.state == "done" and self.jobs.folder(job).film.is_file(),
        }

    def _job(self, request: Request) -> Job:
        job = self.jobs.get(request.path_params["job"])
        if job is None:
            raise HTTPException(404, "there is no such job")
        return job

    def _done(self, request: Request) -> Job:
        job = self._job(request)
        if job.state != "done":
            raise HTTPException(409, "this job has no result")
        return job

    def _folder(self, request: Request) -> JobFolder:
        return self.jobs.folder(self._done(request))

    def _file(self, path: Path, kind: str) -> FileResponse:
        if not path.is_file():
            raise HTTPException(404, "there is no such file")
        return FileResponse(path, media_type=kind)


def _static(name: str, kind: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        text = (files("flowlift.studio") / "page" / name).read_text(encoding="utf-8")
        return Response(text, media_type=kind, headers={"Content-Security-Policy": _POLICY})

    return answer


async def _clean(jobs: Jobs, keep: float) -> None:
    """Every hour, remove what ended long ago."""
    while True:
        for job in jobs:
            if job.state in ENDED and time.time() - job.created > keep:
                jobs.remove(job)
        await asyncio.sleep(3600)


def _json_object(text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError("the settings are not JSON") from error
    if not isinstance(value, dict):
        raise InputError("the settings are not a JSON object")
    return value


def _length(request: Request) -> int:
    """What the request says of its size; 0 where it says nothing: it is counted as it arrives."""
    text = request.headers.get("content-length", "0")
    return int(text) if re.fullmatch(r"\d{1,18}", text) else 0


async def _told(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 413 if isinstance(error, TooLargeError) else 400)


async def _http(request: Request, error: Exception) -> Response:
    status, text = (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, str(error))
    return JSONResponse({"error": text}, status)


async def _disk(request: Request, error: Exception) -> Response:
    reason = error.strerror if isinstance(error, OSError) else None
    return JSONResponse({"error": f"the studio's disk: {reason or error}"}, 507)
