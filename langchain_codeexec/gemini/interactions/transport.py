"""The Interactions API as a transport: whoever speaks generateContent need not know which of the two it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, closing, suppress
from typing import Any, Final, Unpack, cast

from langchain_codeexec.errors import ConfigurationError, GeminiError
from langchain_codeexec.gemini.interactions.hops import Hops
from langchain_codeexec.gemini.interactions.steps import plain_parts
from langchain_codeexec.gemini.limits import Deadline
from langchain_codeexec.gemini.responses import candidates_of, collect, parts_of
from langchain_codeexec.gemini.retries import RetryPolicy
from langchain_codeexec.gemini.wire import (
    ApiKind,
    Content,
    CountTokensResponse,
    EndpointKind,
    GenerateContentRequest,
    GenerateContentResponse,
    InteractionCarrier,
    InteractionRequest,
    Limits,
    Transport,
)

__all__ = ["InteractionsTransport"]

Json = dict[str, Any]

_TIME_TO_CANCEL: Final = 10.0
"""Seconds that cancelling an interaction may take, whatever time its caller has left."""


class InteractionsTransport:
    """Asks the Interactions API through another transport. Implements `Transport`.

    By default nothing is stored, and each request holds the whole conversation. With `store` in the request, the
    service keeps the interaction, and the next request sends only what is new where the history shows that it may.
    An interaction that runs in the background is asked for until it is done or the deadline has come; it is
    cancelled at the service when its caller gives it up.

    Args:
        carrier: A `RestTransport`, or a `GenAITransport` of a google-genai client, release 3 or newer.

    Raises:
        ConfigurationError: `carrier` cannot reach the Interactions API.
    """

    api: Final[ApiKind] = "interactions"

    def __init__(self, carrier: Transport) -> None:
        if not callable(getattr(carrier, "interaction_events", None)):
            raise ConfigurationError(
                f"api='interactions' goes with a RestTransport or a GenAITransport, not {type(carrier).__name__}"
            )
        if callable(check := getattr(carrier, "check_interactions", None)):
            check()
        self._carrier = carrier
        self._events = cast("InteractionCarrier", carrier)
        self._policy: RetryPolicy = getattr(carrier, "retry_policy", None) or RetryPolicy()

    def __repr__(self) -> str:
        return f"InteractionsTransport({self._carrier!r})"

    @property
    def endpoint(self) -> EndpointKind:
        """Which of the two services answers."""
        return self._carrier.endpoint

    @property
    def address(self) -> str:
        """Where requests go; see `Transport`."""
        return self._carrier.address

    @property
    def carrier(self) -> Transport:
        """What carries the requests."""
        return self._carrier

    def generate(
        self, model: str, request: GenerateContentRequest, **limits: Unpack[Limits]
    ) -> GenerateContentResponse:
        """Create an interaction, and give its answer as that of generateContent; see `Transport`."""
        return _whole(list(self._chunks(self._hops(model, request, streamed=False), limits)))

    async def agenerate(
        self, model: str, request: GenerateContentRequest, **limits: Unpack[Limits]
    ) -> GenerateContentResponse:
        """Do the same without blocking the event loop; see `Transport`."""
        chunks = self._achunks(self._hops(model, request, streamed=False), limits)
        return _whole([chunk async for chunk in chunks])

    def stream(
        self, model: str, request: GenerateContentRequest, **limits: Unpack[Limits]
    ) -> Generator[GenerateContentResponse, None, None]:
        """Create an interaction and give its events as chunks of streamGenerateContent; see `Transport`."""
        yield from self._chunks(self._hops(model, request, streamed=True), limits)

    async def astream(
        self, model: str, request: GenerateContentRequest, **limits: Unpack[Limits]
    ) -> AsyncGenerator[GenerateContentResponse, None]:
        """Do the same without blocking the event loop; see `Transport`."""
        async with aclosing(self._achunks(self._hops(model, request, streamed=True), limits)) as chunks:
            async for chunk in chunks:
                yield chunk

    def count_tokens(
        self, model: str, request: GenerateContentRequest, **limits: Unpack[Limits]
    ) -> CountTokensResponse:
        """Call countTokens, which counts for both APIs; see `Transport`."""
        contents = [
            {**content, "parts": plain_parts(cast("list[Json]", content.get("parts", [])))}
            for content in request.get("contents", [])
        ]
        kept = {key: value for key, value in request.items() if key not in _OF_INTERACTIONS}
        plain = cast("GenerateContentRequest", {**kept, "contents": cast("list[Content]", contents)})
        return self._carrier.count_tokens(model, plain, **limits)

    def close(self) -> None:
        """Close the connections of blocking calls. The transport may be used again."""
        self._carrier.close()

    async def aclose(self) -> None:
        """Close them and those of the running event loop. The transport may be used again."""
        await self._carrier.aclose()

    def _hops(self, model: str, request: GenerateContentRequest, *, streamed: bool) -> Hops:
        follows = not getattr(self._carrier, "follows_hops", False)
        return Hops(model, request, streamed=streamed, follows=follows)

    def _chunks(self, hops: Hops, limits: Limits) -> Generator[GenerateContentResponse, None, None]:
        deadline = self._deadline(limits)
        request = hops.first()
        try:
            while request is not None:
                if hops.wait:
                    self._policy.sleep(deadline.least(hops.wait) or 0.0)
                failure: GeminiError | None = None
                try:
                    with closing(self._answered(request, _left(limits, deadline))) as events:
                        for event in events:
                            yield from hops.take(event)
                except GeminiError as error:
                    failure = error
                request = hops.next(failure)
        except BaseException:
            if cancelling := hops.to_cancel:
                with suppress(GeminiError):
                    self._events.interaction(cancelling, timeout=_TIME_TO_CANCEL, deadline=_TIME_TO_CANCEL)
            raise
        yield hops.last()

    async def _achunks(self, hops: Hops, limits: Limits) -> AsyncGenerator[GenerateContentResponse, None]:
        deadline = self._deadline(limits)
        request = hops.first()
        try:
            while request is not None:
                if hops.wait:
                    await self._policy.asleep(deadline.least(hops.wait) or 0.0)
                failure: GeminiError | None = None
                try:
                    async with aclosing(self._aanswered(request, _left(limits, deadline))) as events:
                        async for event in events:
                            for chunk in hops.take(event):
                                yield chunk
                except GeminiError as error:
                    failure = error
                request = hops.next(failure)
        except BaseException:
            if cancelling := hops.to_cancel:
                with suppress(GeminiError):
                    cancelled = self._events.ainteraction(
                        cancelling, timeout=_TIME_TO_CANCEL, deadline=_TIME_TO_CANCEL
                    )
                    await asyncio.shield(cancelled)
            raise
        yield hops.last()

    def _answered(self, request: InteractionRequest, limits: Limits) -> Generator[Json, None, None]:
        if request.is_streamed:
            yield from self._events.interaction_events(request, **limits)
        else:
            yield self._events.interaction(request, **limits)

    async def _aanswered(self, request: InteractionRequest, limits: Limits) -> AsyncGenerator[Json, None]:
        if request.is_streamed:
            async with aclosing(self._events.ainteraction_events(request, **limits)) as events:
                async for event in events:
                    yield event
        else:
            yield await self._events.ainteraction(request, **limits)

    def _deadline(self, limits: Limits) -> Deadline:
        """The deadline of all requests of a call together."""
        seconds = limits.get("deadline")
        return Deadline(getattr(self._carrier, "deadline", None) if seconds is None else seconds)


_OF_INTERACTIONS: Final = frozenset({"store", "environment", "background"})


def _left(limits: Limits, deadline: Deadline) -> Limits:
    """The limits of the next request."""
    deadline.check()
    deadline.waiting_for = "the interaction"
    left = deadline.least()
    return limits if left is None else {**limits, "deadline": left}


def _whole(chunks: list[GenerateContentResponse]) -> GenerateContentResponse:
    """Chunks as one response, with each part of theirs as it came."""
    response: Json = {}
    candidate: Json = {}
    parts: list[Json] = []
    for chunk in cast("list[Json]", chunks):
        collect(response, {key: value for key, value in chunk.items() if key != "candidates"})
        for each in candidates_of(chunk):
            parts += parts_of(each)
            candidate |= each
    candidate["content"] = {"role": "model", "parts": parts}
    return cast("GenerateContentResponse", {**response, "candidates": [candidate]})
