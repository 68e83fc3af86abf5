"""The live server's addresses: its page, the stream, and the schema of what is streamed. Nothing can be changed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from importlib.resources import files
from typing import Protocol, runtime_checkable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from flowlift.live import message
from flowlift.live.listeners import Listener, Listeners
from flowlift.live.session import Say
from flowlift.studio.guard import Guard
from flowlift.view.html import DRAWING, script, style

MOST_LISTENERS = 16
LARGEST = 1024
"""Bytes of a message that a listener may send: none is asked for."""
_MOST_WORDS = 100
"""Messages after which somebody who only should listen is shown the door."""
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@runtime_checkable
class Speaker(Protocol):
    """Who has something to say to listeners, such as a `Session`."""

    @property
    def hello(self) -> str:
        """What every listener is told first."""

    def start(self, say: Say, ended: Callable[[str], None]) -> None:
        """Begin; `say` gets each message, `ended` the last one, from any thread."""

    def stop(self) -> None:
        """End now; waits for it."""


def application(session: Speaker, token: str | None, done: Callable[[], None]) -> Guard:
    """The whole server; the session runs while it does. `done` is called when the session ended by itself."""
    listeners = Listeners(MOST_LISTENERS)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()

        def say(text: str, said: Callable[[], None]) -> None:
            def publish() -> None:
                listeners.publish(text)
                said()

            _call(loop, publish)

        def ended(text: str) -> None:
            _call(loop, lambda: loop.create_task(_leave(listeners, text, done)))

        session.start(say, ended)
        yield
        await asyncio.to_thread(session.stop)

    async def poses(websocket: WebSocket) -> None:
        if listeners.full:
            await websocket.send_denial_response(PlainTextResponse(f"{MOST_LISTENERS} listen already", 503))
            return
        with listeners.one_more() as listener:
            await websocket.accept()
            await _serve(websocket, listener, session.hello)

    routes = [
        Route("/", _answer(lambda: _page("live.html"), "text/html")),
        Route("/live.css", _answer(style, "text/css")),
        Route("/live.js", _answer(lambda: script(DRAWING, _page("live.js")), "text/javascript")),
        Route("/schema.json", _answer(message.schema, "application/schema+json")),
        WebSocketRoute("/poses", poses),
    ]
    return Guard(Starlette(routes=routes, lifespan=lifespan), token, "flowlift lift --live")


async def _serve(websocket: WebSocket, listener: Listener, hello: str) -> None:
    """Send what there is until it ends, the listener leaves, or talks too much."""
    sending = asyncio.create_task(_send(websocket, listener, hello))
    hearing = asyncio.create_task(_hear(websocket))
    await asyncio.wait({sending, hearing}, return_when=asyncio.FIRST_COMPLETED)
    code = 1000 if sending.done() else 1008
    for task in (sending, hearing):
        task.cancel()
    await asyncio.gather(sending, hearing, return_exceptions=True)
    with suppress(WebSocketDisconnect, RuntimeError):  # gone already
        await websocket.close(code)


async def _send(websocket: WebSocket, listener: Listener, hello: str) -> None:
    """Waits where the listener's connection is full: what comes meanwhile takes the place of what came before."""
    with suppress(WebSocketDisconnect):
        await websocket.send_text(hello)
        while (text := await listener.take()) is not None:
            await websocket.send_text(text)


async def _hear(websocket: WebSocket) -> None:
    """Listeners have nothing to say; a little of it is not held against them."""
    for _ in range(_MOST_WORDS):
        if (await websocket.receive())["type"] == "websocket.disconnect":
            return


async def _leave(listeners: Listeners, text: str, done: Callable[[], None]) -> None:
    """Say the last message, and go when everybody has heard it, or had time to."""
    listeners.finish(text)
    for _ in range(20):
        if not len(listeners):
            break
        await asyncio.sleep(0.05)
    done()


def _call(loop: asyncio.AbstractEventLoop, action: Callable[[], object]) -> None:
    with suppress(RuntimeError):  # the server has gone
        loop.call_soon_threadsafe(action)


def _answer(text: Callable[[], str], kind: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return Response(text(), media_type=kind, headers={"Content-Security-Policy": _POLICY})

    return answer


def _page(name: str) -> str:
    return (files("flowlift.live") / "page" / name).read_text(encoding="utf-8")
