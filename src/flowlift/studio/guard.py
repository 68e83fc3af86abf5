"""Who may talk to a server of ours: its own page in the user's own browser, and nobody else.

A web site that is open in another tab can send requests to this machine. They carry a foreign Host (DNS rebinding) or
a foreign Origin (forgery), and cannot carry the header that our script adds without asking first; all of them are
refused. Where the server listens to more than this machine, every request needs the token as well. A WebSocket is held
to the same: a browser always says which page opened it.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OUR_HEADER = "x-flowlift-studio"
"""What our page sends with everything that changes something; a foreign page cannot."""
LOCAL = ("127.0.0.1", "localhost", "::1")
"""The names of this machine that only it can use."""
_COOKIE = "flowlift_studio"
_READING = ("GET", "HEAD")

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "SAMEORIGIN",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Guard:
    """An application that lets through what may pass. `token`: None where only this machine can connect. `command`:
    what the user started, for messages."""

    app: ASGIApp
    token: str | None
    command: str = "flowlift studio"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        answer = self._refusal(HTTPConnection(scope))
        await (answer or self.app)(scope, receive, send_with_headers)

    def _refusal(self, request: HTTPConnection) -> Response | None:
        headers = request.headers
        if self.token is None and _name(headers.get("host", "")) not in LOCAL:
            return PlainTextResponse(f"{self.command} answers to 127.0.0.1 and localhost only", 421)
        if not _own_origin(request):
            return PlainTextResponse("requests from other sites are refused", 403)
        if _method(request) not in _READING and OUR_HEADER not in headers:
            return PlainTextResponse(f"only the page of {self.command} may change something", 403)
        return None if self.token is None else _token_refusal(request, self.token, self.command)


def _name(place: str) -> str | None:
    """The name in HOST:PORT."""
    try:
        return urlsplit(f"//{place}").hostname
    except ValueError:
        return None


def _method(request: HTTPConnection) -> str:
    """A WebSocket begins as a GET."""
    return str(request.scope.get("method", "GET"))


def _own_origin(request: HTTPConnection) -> bool:
    """Whether a request comes from a page of this server, or opens the front page from wherever its address stands."""
    headers = request.headers
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2] != headers.get("host"):
        return False
    front = request.scope["type"] == "http" and _method(request) == "GET" and request.url.path == "/"
    opens = front and headers.get("sec-fetch-mode") == "navigate"
    return opens or headers.get("sec-fetch-site", "none") in ("same-origin", "none")


def _token_refusal(request: HTTPConnection, token: str, command: str) -> Response | None:
    """None for who has the token. The address with the token in it leaves a cookie, and is not kept; a WebSocket may
    have it in its address."""
    query = parse_qsl(request.url.query, keep_blank_values=True)
    given = dict(query).get("token")
    if given is not None and _same(given, token) and _method(request) in _READING:
        if request.scope["type"] == "websocket":
            return None
        rest = urlencode([(name, value) for name, value in query if name != "token"])
        answer = RedirectResponse(request.url.path + (f"?{rest}" if rest else ""), 303)
        answer.set_cookie(_cookie(request.headers), token, httponly=True, samesite="lax", path="/")
        return answer
    if _same(_sent(request.cookies, request.headers), token):
        return None
    return PlainTextResponse(f"open the address that {command} printed: it has the token in it", 401)


def _cookie(headers: Headers) -> str:
    """Cookies of a host are shared by its ports: each studio has one of its own."""
    return f"{_COOKIE}_{headers.get('host', '').rpartition(':')[2]}"


def _sent(cookies: Mapping[str, str], headers: Headers) -> str:
    return cookies.get(_cookie(headers), "")


def _same(given: str, token: str) -> bool:
    return secrets.compare_digest(given.encode(), token.encode())
