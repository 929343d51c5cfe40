"""Recorded traffic as a server, without the service."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_codeexec.emulator.cassettes import nearest, read_cassette
from langchain_codeexec.emulator.hosting import LocalServer
from langchain_codeexec.emulator.reading import read_body
from langchain_codeexec.emulator.recording import LARGEST_BODY, METHODS, RecordingProxy, recorded_question
from langchain_codeexec.emulator.scrubbing import Scrubber
from langchain_codeexec.emulator.service_errors import EmulatedError
from langchain_codeexec.emulator.streams import error_response
from langchain_codeexec.errors import ConfigurationError, MissingDependencyError

try:
    from starlette.applications import Starlette
    from starlette.responses import Response
    from starlette.routing import Route
except ImportError as error:
    raise MissingDependencyError("starlette", "emulator") from error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request

    from langchain_codeexec.emulator.cassettes import Interaction, RecordedAnswer, RecordedQuestion

__all__ = ["CassettePlayer", "open_cassette"]


class CassettePlayer(LocalServer):
    """Answers requests as a cassette says, each interaction once.

    A request nothing was recorded for is answered with 400, which clients do not try again; the message shows
    the recorded request most like it.

    Args:
        cassette: The file.
        strict: Whether the request must be the recorded one. Otherwise each takes the next interaction of its
            method (`generateContent`, `streamGenerateContent` and so on), whatever it asks.
        secrets: The texts that were not to be written down.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.

    Raises:
        ConfigurationError: The file cannot be read or is no cassette, or `host` is not a loopback address.
        MissingDependencyError: Starlette or uvicorn is not installed.
    """

    def __init__(
        self,
        cassette: str | Path,
        *,
        strict: bool = True,
        secrets: Iterable[str] = (),
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self._name = str(cassette)
        self._fits = _same_request if strict else _same_method
        self._scrubber = Scrubber(secrets)
        self._recorded = read_cassette(cassette)
        self._left = list(self._recorded)
        self._unanswered: list[RecordedQuestion] = []
        self._lock = threading.Lock()
        app = Starlette(routes=[Route("/{path:path}", self._answer, methods=METHODS)])
        super().__init__(app, host=host, port=port)

    def assert_finished(self) -> None:
        """Check that every interaction was used and every request answered.

        Raises:
            AssertionError: It names those that were not.
        """
        with self._lock:
            left, unanswered = list(self._left), list(self._unanswered)
        if left or unanswered:
            told = (
                f"{self._name} was not played as it was recorded: {len(left)} of {len(self._recorded)} "
                f"interactions were not used, {len(unanswered)} were missing"
            )
            lines = [f"Not used: {one.request.method} {one.request.path}" for one in left]
            lines += [f"Not recorded: {one.method} {one.path}" for one in unanswered]
            raise AssertionError("\n".join([told, *lines]))

    async def _answer(self, request: Request) -> Response:
        try:
            raw = await read_body(request, LARGEST_BODY)
            return _response(self._take(recorded_question(request, raw, self._scrubber)))
        except EmulatedError as error:
            return error_response(error)

    def _take(self, question: RecordedQuestion) -> RecordedAnswer:
        with self._lock:
            for index, interaction in enumerate(self._left):
                if self._fits(interaction, question):
                    del self._left[index]
                    return interaction.response
            self._unanswered.append(question)
            used = any(self._fits(interaction, question) for interaction in self._recorded)
        why = "this request was recorded and is used up" if used else "no such request was recorded"
        difference = nearest(question, (one.request for one in self._left or self._recorded))
        raise EmulatedError(
            400, "FAILED_PRECONDITION", f"{self._name}: {why}; record it anew.\n{difference}".strip()
        )


def open_cassette(
    cassette: str | Path, *, base_url: str = "", strict: bool = True, secrets: Iterable[str] = ()
) -> CassettePlayer | RecordingProxy:
    """Play a cassette where there is one, else record it.

    Args:
        cassette: The file.
        base_url: The service to record; empty only plays.
        strict: As for `CassettePlayer`.
        secrets: As for both.

    Raises:
        ConfigurationError: There is no file and no service.
    """
    if Path(cassette).exists():
        return CassettePlayer(cassette, strict=strict, secrets=secrets)
    if not base_url:
        raise ConfigurationError(f"there is no cassette {cassette}; give a base_url to record it from")
    return RecordingProxy(base_url, cassette, secrets=secrets)


def _same_request(interaction: Interaction, question: RecordedQuestion) -> bool:
    return interaction.request.matches(question)


def _same_method(interaction: Interaction, question: RecordedQuestion) -> bool:
    recorded = interaction.request
    same_action = recorded.path.rpartition(":")[2] == question.path.rpartition(":")[2]
    return recorded.method == question.method and same_action and recorded.query == question.query


def _response(answer: RecordedAnswer) -> Response:
    return Response(_content(answer), answer.status, headers=dict(answer.headers))


def _content(answer: RecordedAnswer) -> bytes:
    if answer.chunks is not None:
        return "".join(map(_event, answer.chunks)).encode()
    return (json.dumps(answer.body) if answer.text is None else answer.text).encode()


def _event(chunk: object) -> str:
    return f"{chunk if isinstance(chunk, str) else f'data: {json.dumps(chunk)}'}\r\n\r\n"
