"""What the commands that serve a page have in common: where they listen, and the address to open."""

import secrets
import socket
import sys

from flowlift.errors import FlowliftError


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens, before anything else is begun. Raises FlowliftError where it cannot."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)
    except (OSError, OverflowError) as error:
        listening.close()
        reason = getattr(error, "strerror", None) or error
        raise FlowliftError(f"cannot listen at {host}, port {port}: {reason}; try another --port") from error
    return listening


def new_token() -> str:
    """What everybody who connects from elsewhere has to know."""
    return secrets.token_urlsafe(24)


def address_of(host: str, listening: socket.socket, token: str | None) -> str:
    """The address to open in a browser."""
    shown = socket.gethostname() if host in ("", "0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listening.getsockname()[1]}/" + (f"?token={token}" if token else "")
