"""Interactions over HTTP: create, get, cancel and delete."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any, NamedTuple

from langchain_codeexec.emulator.answering import Answer, Sessions
from langchain_codeexec.emulator.fault_injection import FaultInjection
from langchain_codeexec.emulator.interactions.environments import Environments
from langchain_codeexec.emulator.interactions.events import Event
from langchain_codeexec.emulator.interactions.requests import (
    check_revision,
    checked_request,
    envelope,
    read_creation,
)
from langchain_codeexec.emulator.interactions.store import Interaction, Interactions
from langchain_codeexec.emulator.responses import Stepper, damaged, json_response, stream_response
from langchain_codeexec.emulator.service_errors import EmulatedError, invalid
from langchain_codeexec.emulator.targets import Target
from langchain_codeexec.errors import MissingDependencyError
from langchain_codeexec.gemini.wire import EndpointKind

__all__ = ["InteractionRoute", "InteractionRoutes"]

try:
    from starlette.requests import Request
    from starlette.responses import Response
except ImportError as error:
    raise MissingDependencyError("starlette", "emulator") from error

_FAMILIES: tuple[tuple[EndpointKind, str], ...] = (
    ("developer", "/{version}/interactions"),
    ("vertex", "/{version}/projects/{project}/locations/{location}/interactions"),
)


class InteractionRoute(NamedTuple):
    """One route, the name of its method and its reply."""

    endpoint: EndpointKind
    method: str
    path: str
    name: str
    reply: Callable[[Request, Target, Any], Awaitable[Response]]


class InteractionRoutes:
    """The routes of the Interactions API.

    Args:
        begin: Carries out the faults that come before an answer, and gives those that come later.
        answer: Makes an answer that is not begun yet: of a request and its target, as it was checked, with faults
            and an executor, and of a brain where it is not the emulator's.
        check_model: Refuses a model the service does not know.
        complete: Puts files and cached contents in their places in a request.
        executor: What runs code.
    """

    def __init__(
        self,
        begin: Callable[..., Awaitable[FaultInjection]],
        answer: Callable[..., Answer],
        check_model: Callable[[Target], None],
        complete: Callable[..., dict[str, Any]],
        executor: Sessions,
    ) -> None:
        self._begin = begin
        self._answer = answer
        self._check_model = check_model
        self._complete = complete
        self._interactions = Interactions()
        self._environments = Environments(executor)

    def __iter__(self) -> Iterator[InteractionRoute]:
        """All of them, on both services."""
        for endpoint, prefix in _FAMILIES:
            yield InteractionRoute(endpoint, "POST", prefix, "createInteraction", self._create)
            yield InteractionRoute(endpoint, "GET", f"{prefix}/{{id}}", "getInteraction", self._get)
            yield InteractionRoute(
                endpoint, "POST", f"{prefix}/{{id}}/cancel", "cancelInteraction", self._cancel
            )
            yield InteractionRoute(endpoint, "DELETE", f"{prefix}/{{id}}", "deleteInteraction", self._delete)

    async def _faults(self, request: Request, target: Target, *, streams: bool = False) -> FaultInjection:
        return await self._begin(request, target, streams=streams, error_event=_error_event)

    async def _create(self, request: Request, target: Target, body: Any) -> Response:
        """Answer with a whole interaction, its events, or where it goes on by itself with its beginning."""
        check_revision(request.headers.get("api-revision", ""))
        creation = read_creation(body)
        self._check_model(target)
        context = self._interactions.context(creation)
        checked = checked_request(creation, context.steps, target, self._complete)
        environment_id, executor = self._environments.choose(creation.environment)
        streams = bool(creation.body.get("stream"))
        injection = await self._faults(request, target, streams=streams)
        answer = self._answer(request, target, checked, injection, executor=executor, brain=context.rest)
        interaction = Interaction(creation, context, answer.target, environment_id)
        self._interactions.add(interaction)
        events = interaction.tell(answer, injection.hop, self._interactions.hold)
        interaction.start(Stepper(events, answer.stop))
        if not creation.in_background:
            try:
                await interaction.reach(end=not streams)
            except BaseException:  # it failed, or the client went away
                self._interactions.discard(interaction)
                await interaction.cancel()
                raise
        if streams:
            return _stream(interaction, injection, 0 if creation.in_background else None)
        return _whole(interaction.resource(), injection)

    async def _get(self, request: Request, target: Target, body: Any) -> Response:  # noqa: ARG002 -- a reply's signature
        """Look one up, or listen to it from its beginning or from behind an event."""
        interaction = self._interactions.get(request.path_params["id"])
        query = request.query_params
        streams, last = query.get("stream") == "true", query.get("last_event_id", "")
        if last and not streams:
            raise invalid("'last_event_id' can only be used if 'stream' is true.")
        if last and not last.isdecimal():
            raise invalid("Invalid input at 'last_event_id'.")
        injection = await self._faults(request, target, streams=streams)
        if streams:
            return _stream(interaction, injection, int(last[:9] or 0))
        return _whole(interaction.stored(with_input=query.get("include_input") == "true"), injection)

    async def _cancel(self, request: Request, target: Target, body: Any) -> Response:  # noqa: ARG002
        """Stop one that goes on in the background."""
        interaction = self._interactions.get(request.path_params["id"])
        injection = await self._faults(request, target)
        if not interaction.runs:
            raise invalid("Only a background interaction that is in progress can be cancelled.")
        await interaction.cancel()
        return _whole(interaction.stored(with_input=False), injection)

    async def _delete(self, request: Request, target: Target, body: Any) -> Response:  # noqa: ARG002
        """Forget one, and stop it."""
        interaction = self._interactions.get(request.path_params["id"])
        injection = await self._faults(request, target)
        self._interactions.discard(interaction)
        await interaction.cancel()
        return _whole({}, injection)


def _error_event(error: EmulatedError) -> Event:
    return {**envelope(error), "event_type": "error"}


class _Listener:
    """A client, with which an interaction ends, if it is given one."""

    def __init__(self, interaction: Interaction | None = None) -> None:
        self._interaction = interaction

    async def aclose(self) -> None:
        if self._interaction is not None:
            await self._interaction.cancel()


def _whole(body: Mapping[str, Any], injection: FaultInjection) -> Response:
    return damaged(json_response(body), injection)


def _stream(interaction: Interaction, injection: FaultInjection, after: int | None = 0) -> Response:
    """The events of an interaction behind one of them, with ids by which they can be asked for again.

    As recorded, they have none where the stream creates an interaction in the foreground, which ends with it.
    """
    numbered = after is not None
    listener = _Listener(None if numbered else interaction)

    async def events() -> AsyncIterator[Event]:
        async for number, event in interaction.follow(after or 0):
            yield {**event, "event_id": str(number)} if numbered else event

    return stream_response(events(), (_framed, "text/event-stream"), injection, listener)


_TYPE = re.compile(rb'"event_type": "([a-z._]+)"')


async def _framed(texts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Events under their names; the last is a mark, unless the interaction did not come to its end."""
    name = b""
    async for text in texts:
        *_, name = [b"", *_TYPE.findall(text)]
        yield (b"event: " + name + b"\n" if name else b"") + b"data: " + text + b"\n\n"
    if name == b"interaction.completed":
        yield b"event: done\ndata: [DONE]\n\n"
