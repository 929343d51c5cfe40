"""The emulator's own routes, which the service does not have: for this machine only."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.routing import Route

from langchain_codeexec.emulator.parsing import parse_json
from langchain_codeexec.emulator.reading import read_body
from langchain_codeexec.emulator.service_errors import EmulatedError, invalid
from langchain_codeexec.emulator.streams import error_response, json_response
from langchain_codeexec.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from langchain_codeexec.emulator.faults import Faults

__all__ = ["admin_routes"]

_PREFIX = "/__emulator__"
_LARGEST_BODY = 1024 * 1024
_NOT_FROM_HERE = EmulatedError(403, message="This route answers requests from this machine only.")


def admin_routes(faults: Faults) -> list[Route]:
    """GET, PUT and DELETE of `/__emulator__/faults`: `{"faults": [{"kind": "quota"}, …]}`."""

    async def show(request: Request) -> Response:  # noqa: ARG001 -- a route's signature
        return _listed(faults)

    async def put(request: Request) -> Response:
        faults.replace(_faults_in(parse_json(await read_body(request, _LARGEST_BODY))))
        return _listed(faults)

    async def delete(request: Request) -> Response:  # noqa: ARG001 -- a route's signature
        faults.clear()
        return _listed(faults)

    path = f"{_PREFIX}/faults"
    return [
        Route(path, _local(answer), methods=[method])
        for method, answer in (("GET", show), ("PUT", put), ("DELETE", delete))
    ]


def _listed(faults: Faults) -> Response:
    return json_response({"faults": [fault.as_json() for fault in faults.pending]})


def _faults_in(body: Any) -> list[Any]:
    found = body.get("faults") if isinstance(body, dict) else None
    if not isinstance(found, list):
        raise invalid('The body is to be {"faults": […]}.')
    return found


def _local(answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Refuse whoever is not on this machine, a web page that a browser here was lured to included."""

    async def guarded(request: Request) -> Response:
        if not (_is_loopback(request.client.host if request.client else "") and _named_locally(request)):
            return error_response(_NOT_FROM_HERE)
        try:
            return await answer(request)
        except EmulatedError as error:
            return error_response(error)
        except ConfigurationError as error:
            return error_response(invalid(str(error)))

    return guarded


def _named_locally(request: Request) -> bool:
    """Whether every name the request gives its place by is this machine's: no rebound DNS, no other site."""
    origin = request.headers.get("origin")
    hosts = [urlsplit(f"//{request.headers.get('host', '')}").hostname]
    if origin is not None:
        hosts.append(urlsplit(origin).hostname)
    return all(host is not None and (host == "localhost" or _is_loopback(host)) for host in hosts)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
