"""The emulator's own routes, below `/__emulator__`: the page, its data and events, and the faults.

They are for this machine only: a web page that a browser here was lured to is refused as well.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Scope

from langchain_codeexec.emulator.access import is_named_well
from langchain_codeexec.emulator.faults import FAULT_SETTINGS, Faults
from langchain_codeexec.emulator.page import PREFIX
from langchain_codeexec.emulator.page.copying import cassette_of, curl_of, json_of
from langchain_codeexec.emulator.page.details import detail, document, search, summary
from langchain_codeexec.emulator.page.exchanges import parse_exchange, text_at
from langchain_codeexec.emulator.page.journal import Exchange, Journal
from langchain_codeexec.emulator.parsing import bytes_from_base64, parse_json
from langchain_codeexec.emulator.responses import SHUTDOWN_EXTENSION, error_response, json_response, read_body
from langchain_codeexec.emulator.server import is_loopback
from langchain_codeexec.emulator.service_errors import EmulatedError, invalid
from langchain_codeexec.errors import ConfigurationError

__all__ = ["is_page", "page_routes"]

_Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
_View: TypeAlias = Callable[[Exchange, Request], Response]


# -- the page ------------------------------------------------------------------------------------------

_STATIC = {file.name: file for file in (Path(__file__).parent / "static").iterdir()}
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_ALONE = {**_HEADERS, "content-security-policy": "default-src 'none'; sandbox"}
"""For what a stranger wrote, when it is opened by itself."""
_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/svg+xml"})


def is_page(scope: Scope) -> bool:
    """Whether a request is for the page, and none that a service would get."""
    path: str = scope["path"]
    return path == PREFIX or path.startswith(f"{PREFIX}/") or (path == "/" and _is_browser(Request(scope)))


def _is_browser(request: Request) -> bool:
    return request.method in ("GET", "HEAD") and "text/html" in request.headers.get("accept", "")


def page_routes(journal: Journal, faults: Faults) -> list[Route]:
    """Routes of the page, its data and its events; the first of them that is used opens the journal."""
    live = _Live(journal, faults)
    rows: list[tuple[str, str, _Endpoint]] = [
        ("GET", "", _to_page),
        ("GET", "/", _static),
        ("GET", "/static/{name}", _static),
        ("GET", "/events", live.events),
        ("GET", "/requests", live.changed),
        ("DELETE", "/requests", live.clear),
        ("GET", "/search", live.search),
    ]
    rows += [("GET", f"/requests/{{number}}{path}", live.one(view)) for path, view in _VIEWS.items()]
    routes = [
        Route(f"{PREFIX}{path}", _local_only(_opening(journal, answer)), methods=[method])
        for method, path, answer in rows
    ]
    return [Route("/", _home), *routes, *_fault_routes(faults, journal.changed)]


def _opening(journal: Journal, answer: _Endpoint) -> _Endpoint:
    async def opened(request: Request) -> Response:
        journal.is_open = True
        return await answer(request)

    return opened


async def _home(request: Request) -> Response:
    if _is_browser(request) and _is_local(request):
        return RedirectResponse(f"{PREFIX}/", headers=_ALONE)
    raise HTTPException(404)


async def _to_page(request: Request) -> Response:  # noqa: ARG001 -- a route's signature
    return RedirectResponse(f"{PREFIX}/", headers=_ALONE)


async def _static(request: Request) -> Response:
    file = _STATIC.get(request.path_params.get("name", "index.html"))
    if file is None or file.suffix not in _TYPES:
        raise _not_there(request.url.path)
    return Response(file.read_bytes(), headers=_HEADERS, media_type=f"{_TYPES[file.suffix]}; charset=utf-8")


def _not_there(what: str) -> EmulatedError:
    return EmulatedError(404, message=f"There is no {what}.")


_TOGETHER = 0.1
_LOOK_AGAIN = 1.0
_ALIVE = 15


class _Live:
    """What the page asks for while it is open."""

    def __init__(self, journal: Journal, faults: Faults) -> None:
        self._journal = journal
        self._faults = faults

    async def events(self, request: Request) -> Response:
        """Everything that changed after the revision `after`, and from then on."""
        shutdown = (request.scope.get("extensions") or {}).get(SHUTDOWN_EXTENSION) or asyncio.Event()
        stream = self._events(self._after(request), shutdown)
        return StreamingResponse(stream, headers=_ALONE, media_type="text/event-stream")

    async def changed(self, request: Request) -> Response:
        """The same, once."""
        return _json(await self._changes(self._after(request)))

    def _after(self, request: Request) -> int:
        """The revision a page has seen; that of another run means nothing here."""
        query = request.query_params
        after = _number(query.get("after", "0"))
        if after is None:
            raise invalid(f"after is {query['after']!r}, not a revision.")
        return after if query.get("run", self._journal.run) == self._journal.run else 0

    async def clear(self, request: Request) -> Response:
        """Forget all exchanges."""
        self._journal.clear()
        return await self.changed(request)

    async def search(self, request: Request) -> Response:
        """Numbers of the exchanges that say `q`, each with a snippet."""
        query = request.query_params.get("q", "")
        exchanges = self._journal.since(0)
        hits = await asyncio.to_thread(lambda: {one.number: search(one, query) for one in exchanges})
        return _json({"hits": {number: hit for number, hit in hits.items() if hit is not None}})

    async def _changes(self, after: int) -> dict[str, Any]:
        """The state of the page, with the exchanges that changed after a revision.

        Returns:
            `run` and `revision` of the journal; `oldest`, before which everything is forgotten; `missed`, how
            many came before it was opened; `faults`; `requests`.
        """
        exchanges = self._journal.since(after)
        change = {
            "run": self._journal.run,
            "revision": self._journal.revision,
            "oldest": self._journal.oldest,
            "missed": self._journal.missed,
            "faults": [fault.as_json() for fault in self._faults.pending],
        }
        lines = await asyncio.to_thread(lambda: [summary(exchange) for exchange in exchanges])
        return {**change, "requests": lines}

    async def _events(self, after: int, shutdown: asyncio.Event) -> AsyncIterator[bytes]:
        """The state at first, then at every change, a few changes at once. It ends when the server does.

        Faults are looked at now and then as well: a program may set them without telling anybody.
        """
        sent: tuple[int, object] | None = None
        waited = 0.0
        over = asyncio.ensure_future(shutdown.wait())
        try:
            with self._journal.listening() as woken:
                while not shutdown.is_set():
                    woken.clear()
                    state = (self._journal.revision, self._faults.pending)
                    if state != sent:
                        change = await self._changes(after)
                        sent, after, waited = state, change["revision"], 0.0
                        yield f"data: {json.dumps(change)}\n\n".encode()
                    elif waited >= _ALIVE:
                        waited = 0.0
                        yield b": alive\n\n"
                    await asyncio.wait({over}, timeout=_TOGETHER)
                    waited += await _next(woken, over)
        finally:
            over.cancel()

    def one(self, view: _View) -> _Endpoint:
        """A view of one exchange; made in a thread, for bodies may be large."""

        async def answer(request: Request) -> Response:
            number = request.path_params["number"]
            exchange = self._journal.get(_number(number) or 0)
            if exchange is None:
                raise _not_there(f"request {number} any more, or not yet")
            try:
                return await asyncio.to_thread(view, exchange, request)
            except RecursionError:
                raise invalid("The request is nested too deep for that.") from None

        return answer


def _number(text: str) -> int | None:
    """A count in a URL; Python refuses to read one of some thousand digits."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < _LONGEST_NUMBER else None


_LONGEST_NUMBER = 20


def _json(body: Any) -> Response:
    response = json_response(body)
    response.headers.update(_ALONE)
    return response


def _text(text: str | bytes, **headers: str) -> Response:
    return Response(text, headers={**_ALONE, **headers}, media_type="text/plain; charset=utf-8")


def _blob(exchange: Exchange, request: Request) -> Response:
    """What was cut out of the document at the JSON pointer `at`."""
    pointer = request.query_params.get("at", "")
    try:
        text, mime_type = text_at(document(parse_exchange(exchange)), pointer)
        raw = bytes_from_base64(text) if mime_type else b""
    except (LookupError, ValueError):
        raise _not_there(f"text at {pointer!r}") from None
    if not mime_type:
        return _text(text.encode("utf-8", "backslashreplace"))
    if mime_type.startswith("text/"):
        return _text(raw)
    media_type = mime_type if mime_type in _PICTURES else "application/octet-stream"
    return Response(raw, headers=_ALONE, media_type=media_type)


def _curl(exchange: Exchange, request: Request) -> Response:
    return _text(curl_of(exchange, f"{request.url.scheme}://{request.url.netloc}"))


def _cassette(exchange: Exchange, request: Request) -> Response:  # noqa: ARG001 -- a view's signature
    name = f"request-{exchange.number}.yaml"
    return _text(
        cassette_of(exchange).encode("utf-8", "backslashreplace"),
        **{"content-disposition": f'attachment; filename="{name}"'},
    )


_VIEWS: Mapping[str, _View] = {
    "": lambda exchange, _: _json(detail(exchange)),
    "/blob": _blob,
    "/request": lambda exchange, _: _text(exchange.request_body),
    "/response": lambda exchange, _: _text(exchange.response_body),
    "/json": lambda exchange, _: _text(json_of(exchange)),
    "/curl": _curl,
    "/cassette": _cassette,
}
"""What can be had of an exchange, by the end of the path."""


async def _next(woken: asyncio.Event, over: asyncio.Future[Any]) -> float:
    """Wait for something to happen, up to a while; the seconds of that while."""
    waiting = asyncio.ensure_future(woken.wait())
    try:
        await asyncio.wait({waiting, over}, timeout=_LOOK_AGAIN, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
    return _TOGETHER + _LOOK_AGAIN


# -- faults --------------------------------------------------------------------------------------------

_LARGEST_BODY = 1024 * 1024


def _fault_routes(faults: Faults, changed: Callable[[], None]) -> list[Route]:
    """Routes at `/__emulator__/faults`: GET, PUT, PATCH and DELETE, and GET of `kinds` below it.

    PUT takes `{"faults": [{"kind": "quota"}, …]}`, PATCH takes `{"add": […], "remove": […]}`; all but `kinds`
    answer with the faults there are then.
    """

    async def answer(request: Request) -> Response:
        body = await _body(request) if request.method in ("PUT", "PATCH") else {}
        match request.method:
            case "PUT":
                faults.replace(_faults_in(body, "faults", required=True))
            case "PATCH":
                faults.change(add=_faults_in(body, "add"), remove=_faults_in(body, "remove"))
            case "DELETE":
                faults.clear()
        if request.method in ("PUT", "PATCH", "DELETE"):
            changed()
        return json_response({"faults": [fault.as_json() for fault in faults.pending]})

    async def kinds(request: Request) -> Response:  # noqa: ARG001 -- a route's signature
        return json_response({kind: sorted(settings) for kind, settings in FAULT_SETTINGS.items()})

    path = f"{PREFIX}/faults"
    return [
        Route(path, _local_only(answer), methods=["GET", "PUT", "PATCH", "DELETE"]),
        Route(f"{path}/kinds", _local_only(kinds)),
    ]


async def _body(request: Request) -> dict[str, Any]:
    body = parse_json(await read_body(request, _LARGEST_BODY))
    return body if isinstance(body, dict) else {}


def _faults_in(body: dict[str, Any], name: str, *, required: bool = False) -> list[Any]:
    listed = body.get(name, None if required else [])
    if not isinstance(listed, list):
        raise invalid(f'The body is to be {{"{name}": […]}}.')
    return listed


# -- this machine only ---------------------------------------------------------------------------------

_NOT_FROM_HERE = EmulatedError(403, message="This route answers requests from this machine only.")


def _local_only(answer: _Endpoint) -> _Endpoint:
    """Refuse whoever is not on this machine, a web page that a browser here was lured to included."""

    async def guarded(request: Request) -> Response:
        if not _is_local(request):
            return error_response(_NOT_FROM_HERE)
        try:
            return await answer(request)
        except EmulatedError as error:
            return error_response(error)
        except ConfigurationError as error:
            return error_response(invalid(str(error)))

    return guarded


def _is_local(request: Request) -> bool:
    """Whether a request comes from this machine, and not on behalf of another site."""
    return request.client is not None and is_loopback(request.client.host) and is_named_well(request)
