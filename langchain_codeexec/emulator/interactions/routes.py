"""Interactions over HTTP: create, get, cancel and delete."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from langchain_codeexec.emulator.answering import Answer
from langchain_codeexec.emulator.brain import Brain
from langchain_codeexec.emulator.caching import CachedContents
from langchain_codeexec.emulator.fault_injection import FaultInjection
from langchain_codeexec.emulator.interactions.environments import Environments
from langchain_codeexec.emulator.interactions.events import Event
from langchain_codeexec.emulator.interactions.requests import (
    check_revision,
    envelope,
    read_creation,
    request_from,
)
from langchain_codeexec.emulator.interactions.store import Interaction, Interactions
from langchain_codeexec.emulator.responses import (
    HALVES,
    Stepper,
    json_response,
    one_body,
    stream_response,
)
from langchain_codeexec.emulator.service_errors import EmulatedError, invalid
from langchain_codeexec.emulator.targets import Target
from langchain_codeexec.errors import MissingDependencyError
from langchain_codeexec.executors.base import CodeExecutor
from langchain_codeexec.gemini.wire import EndpointKind, GenerateContentRequest

__all__ = ["CREATE", "Service", "interaction_routes"]

try:
    from starlette.requests import Request
    from starlette.responses import Response
except ImportError as error:
    raise MissingDependencyError("starlette", "emulator") from error

CREATE = "createInteraction"
_FAMILIES: tuple[tuple[EndpointKind, str], ...] = (
    ("developer", "/{version}/interactions"),
    ("vertex", "/{version}/projects/{project}/locations/{location}/interactions"),
)
_Reply: TypeAlias = Callable[[Request, Target, Any], Awaitable[Response]]


class Service(Protocol):
    """What answers requests, as far as these routes need it."""

    caches: CachedContents

    def check_model(self, target: Target) -> None:
        """Refuse a model the service does not know."""
        ...

    async def begin(
        self,
        request: Request,
        target: Target,
        *,
        streams: bool,
        error_event: Callable[[EmulatedError], Event],
    ) -> FaultInjection:
        """Carry out the faults that come before an answer."""
        ...

    def answer(
        self,
        request: Request,
        target: Target,
        checked: GenerateContentRequest,
        injection: FaultInjection,
        executor: CodeExecutor,
        brain: Brain | None,
    ) -> Answer:
        """An answer, which is not begun yet."""
        ...


def interaction_routes(
    service: Service, executor: CodeExecutor
) -> Sequence[tuple[EndpointKind, str, str, str, _Reply]]:
    """Service, HTTP method, path, name of the method and reply of every route."""
    routes = _Routes(service, executor)
    return [
        (endpoint, method, f"{prefix}{path}", name, reply)
        for endpoint, prefix in _FAMILIES
        for method, path, name, reply in (
            ("POST", "", CREATE, routes.create),
            ("GET", "/{id}", "getInteraction", routes.get),
            ("POST", "/{id}/cancel", "cancelInteraction", routes.cancel),
            ("DELETE", "/{id}", "deleteInteraction", routes.delete),
        )
    ]


class _Routes:
    def __init__(self, service: Service, executor: CodeExecutor) -> None:
        self._service = service
        self._interactions = Interactions()
        self._environments = Environments(executor)

    async def create(self, request: Request, target: Target, body: Any) -> Response:
        """Answer with a whole interaction, its events, or where it goes on by itself with its beginning."""
        check_revision(request.headers.get("api-revision", ""))
        creation = read_creation(body)
        self._service.check_model(target)
        context = self._interactions.context(creation)
        checked = request_from(creation, context.steps, target, self._service.caches.complete)
        streams, in_background = creation.is_set("stream"), creation.is_set("background")
        injection = await self._service.begin(request, target, streams=streams, error_event=_error_event)
        environment_id, executor = self._environments.executor(creation.environment)
        answer = self._service.answer(request, target, checked, injection, executor, context.rest)
        interaction = Interaction(creation, context, answer.target, environment_id)
        telling = interaction.tell(answer, injection.hop, self._interactions.hold)
        interaction.start(Stepper(telling, answer.stop))
        self._interactions.add(interaction)
        if in_background:
            if streams:
                return _stream(interaction, injection, numbered=True)
            return _whole(interaction.resource(), injection)
        try:
            await (interaction.begun() if streams else interaction.ended())
        except BaseException:  # it failed, or the client went away
            await interaction.cancel()
            if interaction.id:
                self._interactions.delete(interaction.id)
            raise
        if streams:
            return _stream(interaction, injection, source=_Foreground(interaction))
        return _whole(interaction.resource(), injection)

    async def get(self, request: Request, target: Target, body: Any) -> Response:  # noqa: ARG002 -- a reply's signature
        """Look one up, or go on listening to it."""
        interaction = self._interactions.get(request.path_params["id"])
        query = request.query_params
        streams = query.get("stream", "").lower() == "true"
        last = query.get("last_event_id", "")
        if last and not streams:
            raise invalid("'last_event_id' can only be used if 'stream' is true.")
        if last and not last.isdecimal():
            raise invalid("Invalid input at 'last_event_id'.")
        injection = await self._service.begin(request, target, streams=streams, error_event=_error_event)
        if streams:
            return _stream(interaction, injection, after=int(last[:9] or 0), numbered=True)
        with_input = query.get("include_input", "").lower() == "true"
        return _whole(interaction.resource(is_stored=True, with_input=with_input), injection)

    async def cancel(self, request: Request, target: Target, body: Any) -> Response:  # noqa: ARG002
        """Stop one that goes on in the background."""
        interaction = self._interactions.get(request.path_params["id"])
        injection = await self._service.begin(request, target, streams=False, error_event=_error_event)
        if not interaction.runs:
            raise invalid("Only a background interaction that is in progress can be cancelled.")
        await interaction.cancel()
        return _whole(interaction.resource(is_stored=True), injection)

    async def delete(self, request: Request, target: Target, body: Any) -> Response:  # noqa: ARG002
        """Forget one."""
        self._interactions.get(request.path_params["id"])
        injection = await self._service.begin(request, target, streams=False, error_event=_error_event)
        await self._interactions.delete(request.path_params["id"]).cancel()
        return _whole({}, injection)


def _error_event(error: EmulatedError) -> Event:
    return {**envelope(error), "event_type": "error"}


class _Lasting:
    """What goes on when a client goes away."""

    async def aclose(self) -> None:
        pass


class _Foreground:
    """An interaction that ends when its client goes away."""

    def __init__(self, interaction: Interaction) -> None:
        self._interaction = interaction

    async def aclose(self) -> None:
        await self._interaction.cancel()


def _whole(body: Mapping[str, Any], injection: FaultInjection) -> Response:
    if injection.on_the_way:
        return stream_response(one_body(body), HALVES, injection, _Lasting())
    return json_response(body)


def _stream(
    interaction: Interaction,
    injection: FaultInjection,
    *,
    after: int = 0,
    numbered: bool = False,
    source: _Foreground | _Lasting | None = None,
) -> Response:
    """The events of an interaction; where it can be asked for again they have ids, as the service's types say."""

    async def events() -> AsyncIterator[Event]:
        async for number, event in interaction.follow(after):
            yield {**event, "event_id": str(number)} if numbered else event

    framing = (_framed, "text/event-stream")
    return stream_response(events(), framing, injection, source or _Lasting())


_TYPE = re.compile(rb'"event_type": "([a-z._]+)"')


async def _framed(texts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Events under their names; the last is a mark, unless the interaction did not come to its end."""
    name = b""
    async for text in texts:
        *_, name = [b"", *_TYPE.findall(text)]
        yield (b"event: " + name + b"\n" if name else b"") + b"data: " + text + b"\n\n"
    if name == b"interaction.completed":
        yield b"event: done\ndata: [DONE]\n\n"
