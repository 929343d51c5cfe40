"""Routes for whoever is on this machine, and for pages that came from here."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from langchain_codeexec.emulator.service_errors import EmulatedError, invalid
from langchain_codeexec.emulator.streams import error_response
from langchain_codeexec.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeAlias

    from starlette.requests import Request
    from starlette.responses import Response

    _Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]

__all__ = ["is_local", "local_only"]

_NOT_FROM_HERE = EmulatedError(403, message="This route answers requests from this machine only.")


def local_only(answer: _Endpoint) -> _Endpoint:
    """Refuse whoever is not on this machine, a web page that a browser here was lured to included."""

    async def guarded(request: Request) -> Response:
        if not is_local(request):
            return error_response(_NOT_FROM_HERE)
        try:
            return await answer(request)
        except EmulatedError as error:
            return error_response(error)
        except ConfigurationError as error:
            return error_response(invalid(str(error)))

    return guarded


def is_local(request: Request) -> bool:
    """Whether a request comes from this machine, and not on behalf of another site."""
    peer = request.client.host if request.client else ""
    return _is_loopback(peer) and _named_locally(request) and not _embedded_elsewhere(request)


def _named_locally(request: Request) -> bool:
    """Whether every name the request gives its place by is this machine's: no rebound DNS, no other site."""
    origin = request.headers.get("origin")
    hosts = [urlsplit(f"//{request.headers.get('host', '')}").hostname]
    if origin is not None:
        hosts.append(urlsplit(origin).hostname)
    return all(host is not None and (host == "localhost" or _is_loopback(host)) for host in hosts)


def _embedded_elsewhere(request: Request) -> bool:
    """Whether a browser says that another site's page asks; to follow a link from there is well."""
    site = request.headers.get("sec-fetch-site", "none")
    return site not in ("none", "same-origin") and request.headers.get("sec-fetch-mode") != "navigate"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
