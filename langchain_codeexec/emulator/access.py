"""Who is answered: clients on this machine and those that were allowed, never a page of another site.

A page that a browser here was lured to reaches local ports as well, by its own name once that points here (DNS
rebinding) or across sites; the names in a request's headers tell.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from langchain_codeexec.emulator.responses import error_response
from langchain_codeexec.emulator.server import is_http_url, is_loopback
from langchain_codeexec.emulator.service_errors import EmulatedError
from langchain_codeexec.errors import ConfigurationError, MissingDependencyError

__all__ = ["GuardedApp", "check_origins", "is_named_well"]

try:
    from starlette.middleware.cors import CORSMiddleware
    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send
except ImportError as error:
    raise MissingDependencyError("starlette", "emulator") from error

_EXPOSED = ("Retry-After", "X-Goog-Upload-Status", "X-Goog-Upload-URL", "X-Goog-Upload-Size-Received")
"""Headers of answers that pages may read besides the harmless ones."""


class GuardedApp:
    """An application that answers only who calls it by a name it has.

    Args:
        app: The application.
        allow_remote: The names besides those of this machine: some, any (`True`) or none (`False`).
        allow_origins: Origins of the pages that may ask all the same, and whose browsers are told so.
    """

    def __init__(
        self,
        app: ASGIApp,
        allow_remote: bool | Collection[str] = False,
        allow_origins: Collection[str] = (),
    ) -> None:
        self._app = _shared(app, allow_origins) if allow_origins else app
        self._allow_origins = allow_origins
        self._allow_remote = {allow_remote} if isinstance(allow_remote, str) else allow_remote

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse."""
        is_http = scope["type"] == "http"
        if not is_http or is_named_well(Request(scope), self._allow_remote, self._allow_origins):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        message = (
            f"Requests to {request.headers.get('host', '')!r} from {request.headers.get('origin', 'no page')!r} "
            "are refused: what runs code answers this machine only, and no page of another site. Call it by a "
            "loopback address or localhost, or start it with allow_remote and the names it is called by, or with "
            "allow_origins and the origin of the page."
        )
        await error_response(EmulatedError(403, message=message))(scope, receive, send)


def check_origins(origins: Collection[str]) -> None:
    """Refuse what is no origin of a page.

    Raises:
        ConfigurationError: One of them is none.
    """
    for origin in origins:
        if not is_http_url(origin) or urlsplit(origin)._replace(scheme="", netloc="").geturl():
            raise ConfigurationError(
                f"{origin!r} is no origin of a page: scheme, host and port, as in http://localhost:5173"
            )


def _shared(app: ASGIApp, origins: Collection[str]) -> ASGIApp:
    """An application that tells browsers which pages of other origins may ask (CORS)."""
    return CORSMiddleware(
        app,
        allow_origins=list(origins),
        allow_methods=["GET", "POST", "PATCH", "DELETE"],
        allow_headers=["*"],
        expose_headers=_EXPOSED,
    )


def is_named_well(
    request: Request, allow_remote: bool | Collection[str] = False, allow_origins: Collection[str] = ()
) -> bool:
    """Whether a request gives the server a name it has, and comes from no page but its own and allowed ones."""
    host = _hostname(f"//{request.headers.get('host', '')}")
    origin = request.headers.get("origin")
    is_allowed = origin in allow_origins
    names = {host} if origin is None or is_allowed else {host, _hostname(origin)}
    if _is_embedded_elsewhere(request) and not is_allowed:
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
