"""Routes for whoever is on this machine, and for pages that came from here.

The route that sets faults, which the service does not have: for this machine only.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.routing import Route

from langchain_codeexec.emulator.faults import FAULT_SETTINGS
from langchain_codeexec.emulator.page import PREFIX
from langchain_codeexec.emulator.parsing import parse_json, read_body
from langchain_codeexec.emulator.service_errors import EmulatedError, invalid
from langchain_codeexec.emulator.streams import error_response, json_response
from langchain_codeexec.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeAlias

    from starlette.requests import Request
    from starlette.responses import Response

    from langchain_codeexec.emulator.faults import Faults

    _Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]

__all__ = ["admin_routes", "is_local", "local_only"]

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


_LARGEST_BODY = 1024 * 1024


def admin_routes(faults: Faults, changed: Callable[[], None] = lambda: None) -> list[Route]:
    """Routes at `/__emulator__/faults`: GET, PUT, PATCH and DELETE, and GET of `kinds` below it.

    PUT takes `{"faults": [{"kind": "quota"}, …]}`, PATCH takes `{"add": […], "remove": […]}`; all but `kinds`
    answer with the faults there are then.

    Args:
        faults: What is shown and set.
        changed: Called after every change.
    """

    async def show(request: Request) -> Response:  # noqa: ARG001 -- a route's signature
        return _listed(faults)

    async def put(request: Request) -> Response:
        body = await _body(request)
        faults.replace(_faults_in(body, "faults", required=True))
        changed()
        return _listed(faults)

    async def patch(request: Request) -> Response:
        body = await _body(request)
        faults.change(add=_faults_in(body, "add"), remove=_faults_in(body, "remove"))
        changed()
        return _listed(faults)

    async def delete(request: Request) -> Response:  # noqa: ARG001 -- a route's signature
        faults.clear()
        changed()
        return _listed(faults)

    async def kinds(request: Request) -> Response:  # noqa: ARG001 -- a route's signature
        return json_response({kind: sorted(settings) for kind, settings in FAULT_SETTINGS.items()})

    path = f"{PREFIX}/faults"
    methods = {"GET": show, "PUT": put, "PATCH": patch, "DELETE": delete}
    routes = [Route(path, local_only(answer), methods=[method]) for method, answer in methods.items()]
    return [*routes, Route(f"{path}/kinds", local_only(kinds))]


def _listed(faults: Faults) -> Response:
    return json_response({"faults": [fault.as_json() for fault in faults.pending]})


async def _body(request: Request) -> dict[str, Any]:
    body = parse_json(await read_body(request, _LARGEST_BODY))
    return body if isinstance(body, dict) else {}


def _faults_in(body: dict[str, Any], name: str, *, required: bool = False) -> list[Any]:
    found = body.get(name, None if required else [])
    if not isinstance(found, list):
        raise invalid(f'The body is to be {{"{name}": […]}}.')
    return found
