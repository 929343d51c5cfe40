"""The route that sets faults, which the service does not have: for this machine only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from langchain_codeexec.emulator.faults import FAULT_SETTINGS
from langchain_codeexec.emulator.local import local_only
from langchain_codeexec.emulator.page import PREFIX
from langchain_codeexec.emulator.parsing import parse_json
from langchain_codeexec.emulator.reading import read_body
from langchain_codeexec.emulator.service_errors import invalid
from langchain_codeexec.emulator.streams import json_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from langchain_codeexec.emulator.faults import Faults

__all__ = ["admin_routes"]

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
