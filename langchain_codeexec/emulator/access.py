"""Who is answered: clients on this machine and those that were allowed, never a page of another site.

A page that a browser here was lured to reaches local ports as well, by its own name once that points here (DNS
rebinding) or across sites; the names in a request's headers tell.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from langchain_codeexec.emulator.responses import error_response
from langchain_codeexec.emulator.server import is_loopback
from langchain_codeexec.emulator.service_errors import EmulatedError

__all__ = ["GuardedApp", "is_named_well"]


class GuardedApp:
    """An application that answers only who calls it by a name it has.

    Args:
        app: The application.
        allow_remote: The names besides those of this machine: some, any (`True`) or none (`False`).
    """

    def __init__(self, app: ASGIApp, allow_remote: bool | Collection[str] = False) -> None:
        self._app = app
        self._allow_remote = {allow_remote} if isinstance(allow_remote, str) else allow_remote

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse."""
        if scope["type"] != "http" or is_named_well(Request(scope), self._allow_remote):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        message = (
            f"Requests to {request.headers.get('host', '')!r} from {request.headers.get('origin', 'no page')!r} "
            "are refused: what runs code answers this machine only, and no page of another site. Call it by a "
            "loopback address or localhost, or start it with allow_remote and the names it is called by."
        )
        await error_response(EmulatedError(403, message=message))(scope, receive, send)


def is_named_well(request: Request, allow_remote: bool | Collection[str] = False) -> bool:
    """Whether a request gives the server a name it has, and does not come from another site's page."""
    host = _hostname(f"//{request.headers.get('host', '')}")
    origin = request.headers.get("origin")
    names = {host} if origin is None else {host, _hostname(origin)}
    if _is_embedded_elsewhere(request):
        return False
    if allow_remote is True and len(names) == 1:
        return True
    allowed = () if isinstance(allow_remote, bool) else allow_remote
    return all(is_loopback(name) or name in allowed for name in names)


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:  # brackets that do not close
        return ""


def _is_embedded_elsewhere(request: Request) -> bool:
    """Whether a browser says that another site's page asks; to follow a link from there is well."""
    site = request.headers.get("sec-fetch-site", "none")
    follows = request.method in ("GET", "HEAD") and request.headers.get("sec-fetch-mode") == "navigate"
    return site not in ("none", "same-origin") and not follows
