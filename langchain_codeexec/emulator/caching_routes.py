"""Where cached contents are made, looked up, prolonged and deleted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from langchain_codeexec.emulator.streams import json_response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from langchain_codeexec.emulator.caching import CachedContents
    from langchain_codeexec.emulator.targets import Target
    from langchain_codeexec.gemini.transport import EndpointKind

    Reply = Callable[[Request, Target, Any], Awaitable[Response]]
    Wrap = Callable[[EndpointKind, Reply], Callable[[Request], Awaitable[Response]]]

__all__ = ["cache_routes"]

_COLLECTIONS: tuple[tuple[EndpointKind, str], ...] = (
    ("vertex", "/{version}/projects/{project}/locations/{location}/cachedContents"),
    ("developer", "/{version}/cachedContents"),
)


def cache_routes(caches: CachedContents, wrap: Wrap, check_model: Callable[[Target], None]) -> list[Route]:
    """The five methods, on both services.

    Args:
        caches: Where they are kept.
        wrap: Makes a reply an endpoint of a service.
        check_model: Refuses a model that the service does not know.
    """

    async def create(request: Request, target: Target, body: Any) -> Response:  # noqa: ARG001 -- a reply's signature
        model = body.get("model") if isinstance(body, dict) else None
        if isinstance(model, str) and model:
            check_model(replace(target, model=model.rpartition("/")[2], action="createCachedContent"))
        return json_response(caches.create(body, target))

    async def enumerate_all(request: Request, target: Target, body: Any) -> Response:  # noqa: ARG001 -- as above
        return json_response(caches.list(target, request.query_params))

    async def get(request: Request, target: Target, body: Any) -> Response:  # noqa: ARG001 -- as above
        return json_response(caches.get(_name(request, target), target))

    async def update(request: Request, target: Target, body: Any) -> Response:
        return json_response(caches.update(_name(request, target), body, target))

    async def delete(request: Request, target: Target, body: Any) -> Response:  # noqa: ARG001 -- as above
        return json_response(caches.delete(_name(request, target), target))

    replies = (
        ("POST", "", create),
        ("GET", "", enumerate_all),
        ("GET", "/{cache}", get),
        ("PATCH", "/{cache}", update),
        ("DELETE", "/{cache}", delete),
    )
    return [
        Route(f"{collection}{path}", wrap(endpoint, reply), methods=[method])
        for endpoint, collection in _COLLECTIONS
        for method, path, reply in replies
    ]


def _name(request: Request, target: Target) -> str:
    return f"{target.parent}cachedContents/{request.path_params['cache']}"
