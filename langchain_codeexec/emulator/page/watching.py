"""Writes exchanges down as they pass: their bytes on the way, and what the brain is asked."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from langchain_codeexec.emulator.page.exchange import Run
from langchain_codeexec.emulator.scrubbing import SECRET_QUERY

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from langchain_codeexec.emulator.brain import Brain, Prompt
    from langchain_codeexec.emulator.page.exchange import Exchange
    from langchain_codeexec.emulator.page.journal import Journal
    from langchain_codeexec.executions import ExecutionResult
    from langchain_codeexec.gemini.wire import GenerateContentResponse, Part

__all__ = ["EXCHANGE", "Watched", "WatchedBrain"]

EXCHANGE = "langchain_codeexec.exchange"
"""Key in an ASGI scope of the exchange it belongs to."""

_SERVER_ERROR = 500


class Watched:
    """An application whose exchanges are written down.

    Args:
        app: The application.
        journal: Where to.
        is_own: Whether a request is the emulator's own matter, which is not written down.
    """

    def __init__(self, app: ASGIApp, journal: Journal, is_own: Callable[[Scope], bool]) -> None:
        self._app = app
        self._journal = journal
        self._is_own = is_own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and write down what is sent."""
        if scope["type"] != "http" or self._is_own(scope):
            await self._app(scope, receive, send)
            return
        exchange = scope[EXCHANGE] = self._begin(scope)

        async def sent(message: Message) -> None:
            self._write(exchange, message)
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except Exception:
            exchange.status = exchange.status or _SERVER_ERROR
            raise
        finally:
            self._journal.end(exchange)

    def _begin(self, scope: Scope) -> Exchange:
        pairs = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        headers = {name for name, _ in scope["headers"]}
        has_key = b"x-goog-api-key" in headers or not SECRET_QUERY.isdisjoint(pairs)
        credential = "key" if has_key else "bearer" if b"authorization" in headers else ""
        query = {name: value for name, value in pairs.items() if name not in SECRET_QUERY}
        return self._journal.begin(scope["method"], scope["path"], query, credential)

    def _write(self, exchange: Exchange, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = dict(message["headers"])
            exchange.content_type = headers.get(b"content-type", b"").decode("latin-1")
            exchange.status = message["status"]
            exchange.first_at = exchange.now
        elif message["type"] == "http.response.body":
            exchange.complete = not message.get("more_body", False)
            if piece := message.get("body", b""):
                self._journal.answers(exchange, piece)


class WatchedBrain:
    """A brain, and a note of when it was asked and what its code did.

    Args:
        brain: What answers.
        exchange: Where it is written down.
    """

    def __init__(self, brain: Brain, exchange: Exchange) -> None:
        self._brain = brain
        self._exchange = exchange

    def respond(
        self, prompt: Prompt
    ) -> Generator[Part | list[Part], ExecutionResult | None, GenerateContentResponse | None]:
        """Answer as the brain does."""
        exchange = self._exchange
        exchange.brain = type(self._brain).__name__.strip("_")
        exchange.notes = prompt.notes
        exchange.asked_at = exchange.now
        feedback: Any = None
        with closing(self._brain.respond(prompt)) as said:
            while True:
                try:
                    item = said.send(feedback)
                except StopIteration as end:
                    response: GenerateContentResponse | None = end.value
                    return response
                at = exchange.now
                feedback = yield item
                if feedback is not None:
                    exchange.runs.append(_run(feedback, at, exchange.now))


def _run(result: ExecutionResult, begun: float, ended: float) -> Run:
    return Run(begun, ended - begun, result.outcome.value, result.cpu_time, result.peak_memory)
