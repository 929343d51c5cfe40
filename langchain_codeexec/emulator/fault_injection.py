"""How faults are carried out: before an answer, in place of it, and on its way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeAlias, TypeVar, cast

from langchain_codeexec.emulator.brain import Brain, Prompt
from langchain_codeexec.emulator.continuing import Bodies, Continuations
from langchain_codeexec.emulator.faults import Fault
from langchain_codeexec.emulator.parsing import declared_functions
from langchain_codeexec.emulator.service_errors import VERTEX_WORDS, EmulatedError, retry_info
from langchain_codeexec.emulator.targets import Target, permission_denied, quota_exceeded
from langchain_codeexec.emulator.tokens import Usage
from langchain_codeexec.gemini.wire import GenerateContentRequest, GenerateContentResponse, Part

__all__ = ["ConnectionCut", "FaultInjection"]

_Wait: TypeAlias = Callable[[float], Awaitable[object]]
_Body: TypeAlias = Mapping[str, Any]
_ErrorEvent: TypeAlias = Callable[[EmulatedError], _Body]


class ConnectionCut(Exception):  # noqa: N818 -- what happened on purpose is no error
    """The connection is to close here, whatever was still to be sent."""


class FaultInjection:
    """The faults that hit one request, in the order in which they are carried out.

    Args:
        faults: The faults.
        wait: How to let seconds pass.
        streams: Whether the answer is a stream.
        error_event: How a stream of steps tells of an error; by default the answer has no steps.

    Attributes:
        hop: Of an answer in steps, the fault that leaves a part of it for another request; see `hops` for others.
    """

    def __init__(
        self, faults: Sequence[Fault], wait: _Wait, *, streams: bool, error_event: _ErrorEvent | None = None
    ) -> None:
        faults = [fault for fault in faults if streams or fault.kind not in _OF_STREAMS]
        hops = [fault for fault in faults if fault.kind in _HOPS and error_event]
        self.hop = next(iter(hops), None)
        self._faults = [fault for fault in faults if fault not in hops]
        self._wait = wait
        self._streams = streams
        self._error_event = error_event or (lambda error: error.envelope)

    async def begin(self, target: Target) -> None:
        """Carry out what comes before the answer."""
        for fault in self._faults:
            if fault.kind == "latency" and not fault.after:
                await self._wait(fault.seconds)
            elif fault.kind in _REFUSALS and not (fault.kind == "error" and self._streams):
                raise _REFUSALS[fault.kind](fault, target)
            elif fault.kind == "cut" and not fault.after:
                raise ConnectionCut

    def brain(self, brain: Brain) -> Brain:
        """What answers: the given brain, or a fault in its place."""
        instead = next((_INSTEAD[fault.kind] for fault in self._faults if fault.kind in _INSTEAD), None)
        return brain if instead is None else _FaultBrain(instead)

    def hops(self, bodies: Bodies, continuations: Continuations, usage: Callable[[], Usage]) -> Bodies:
        """The bodies of the answer, or of its first hop."""
        for fault in self._faults:
            if fault.kind in _HOPS:
                after = max(fault.after, 1)
                bodies = continuations.split(bodies, after, usage, finish_reason=_HOPS[fault.kind])
        return bodies

    @property
    def splits(self) -> bool:
        """Whether the answer is made piece by piece although it is no stream."""
        return not self._streams and any(fault.kind in _HOPS for fault in self._faults)

    @property
    def on_the_way(self) -> bool:
        """Whether a fault meddles with the bytes of an answer that is no stream."""
        return any(fault.kind in stage for fault in self._faults for stage in (_TEXTS, _FRAMES))

    def bodies(self, bodies: AsyncIterator[_Body]) -> AsyncIterator[_Body]:
        """The chunks of the answer, before they become bytes."""
        for fault in self._faults if self._streams else ():
            if fault.kind in _BODIES:
                bodies = _BODIES[fault.kind](bodies, fault, self._wait)
            if fault.kind == "error":
                bodies = self._with_error(bodies, fault)
        return bodies

    async def _with_error(self, bodies: AsyncIterator[_Body], fault: Fault) -> AsyncIterator[_Body]:
        async for body in bodies:
            yield body
        yield self._error_event(EmulatedError(fault.status_code, message=fault.message))

    def texts(self, texts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The chunks as JSON, before they are framed."""
        for fault in self._faults:
            if fault.kind in _TEXTS and (self._streams or fault.kind != "duplicate"):
                texts = _TEXTS[fault.kind](texts, fault.after if self._streams else 0)
        return texts

    def frames(self, frames: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The bytes as they are sent."""
        for fault in self._faults:
            if fault.kind in _FRAMES:
                frames = _FRAMES[fault.kind](frames, fault.after)
        return frames


# -- before the answer ---------------------------------------------------------------------------------


def _status(fault: Fault, target: Target) -> EmulatedError:
    """The Developer API says with a 429 only in the details when to come back."""
    seconds, code = fault.retry_after, fault.status_code
    message = fault.message or (VERTEX_WORDS.get(code, "") if target.endpoint == "vertex" else "")
    if seconds is None:
        return EmulatedError(code, message=message)
    says_in_header = target.endpoint == "vertex" or code != HTTPStatus.TOO_MANY_REQUESTS
    headers = {"Retry-After": f"{seconds:g}"} if says_in_header else {}
    return EmulatedError(code, message=message, details=[retry_info(seconds)], headers=headers)


_REFUSALS: Mapping[str, Callable[[Fault, Target], EmulatedError]] = {
    "status": _status,
    "error": _status,
    "quota": lambda fault, target: quota_exceeded(target, fault.retry_after),
    "permission": lambda _, target: permission_denied(target),
}


# -- in place of the answer ----------------------------------------------------------------------------


def _malformed(request: GenerateContentRequest) -> GenerateContentResponse:
    names = (one.get("name", "") for one in declared_functions(request))
    message = f"Malformed function call: print(default_api.{next(names, 'unknown')}("
    return {"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL", "finishMessage": message}]}


_INSTEAD: Mapping[str, Callable[[GenerateContentRequest], GenerateContentResponse]] = {
    "empty": lambda _: {"candidates": [{"finishReason": "STOP"}]},
    "no_candidates": lambda _: {"candidates": []},
    "malformed_call": _malformed,
}


class _FaultBrain:
    """A brain without parts that sets the response's fields."""

    def __init__(self, fields: Callable[[GenerateContentRequest], GenerateContentResponse]) -> None:
        self._fields = fields

    def respond(self, prompt: Prompt) -> Generator[Part | list[Part], Any, GenerateContentResponse]:
        yield cast("list[Part]", [])
        return self._fields(prompt.request)


_HOPS: Mapping[str, str | None] = {"continuation": "CONTINUATION", "checkpoint": None}
"""The faults that leave a part of the answer for another request, and the finish reason they leave it with."""
_OF_STREAMS = frozenset({"checkpoint", "done", "unfinished"})


# -- on its way ----------------------------------------------------------------------------------------


_T = TypeVar("_T")


async def _numbered(items: AsyncIterator[_T]) -> AsyncIterator[tuple[int, _T]]:
    number = 0
    async for item in items:
        yield number, item
        number += 1


async def _late(bodies: AsyncIterator[_Body], fault: Fault, wait: _Wait) -> AsyncIterator[_Body]:
    async for number, body in _numbered(bodies):
        if number == fault.after > 0:
            await wait(fault.seconds)
        yield body


async def _unfinished(bodies: AsyncIterator[_Body], fault: Fault, _: _Wait) -> AsyncIterator[_Body]:
    async for number, body in _numbered(bodies):
        if number == fault.after:
            return
        yield body


async def _duplicated(texts: AsyncIterator[bytes], after: int) -> AsyncIterator[bytes]:
    async for number, text in _numbered(texts):
        yield text
        if number == after:
            yield text


async def _garbled(texts: AsyncIterator[bytes], after: int) -> AsyncIterator[bytes]:
    """An object backwards begins with a closing brace, which is never JSON."""
    async for number, text in _numbered(texts):
        yield text[::-1] if number == after else text


async def _truncated(frames: AsyncIterator[bytes], after: int) -> AsyncIterator[bytes]:
    async for number, frame in _numbered(frames):
        if number == after:
            yield frame[: len(frame) // 2]
            return
        yield frame


async def _cut(frames: AsyncIterator[bytes], after: int) -> AsyncIterator[bytes]:
    async for number, frame in _numbered(frames):
        if number == after:
            break
        yield frame
    raise ConnectionCut


async def _cut_behind_token(frames: AsyncIterator[bytes], after: int) -> AsyncIterator[bytes]:
    async for frame in _cut(frames, max(after, 1)):
        yield frame


async def _done(frames: AsyncIterator[bytes], _: int) -> AsyncIterator[bytes]:
    async for frame in frames:
        yield frame
    yield b"data: [DONE]\r\n\r\n"


_BODIES: Mapping[str, Callable[[AsyncIterator[_Body], Fault, _Wait], AsyncIterator[_Body]]] = {
    "latency": _late,
    "error": _unfinished,
    "unfinished": _unfinished,
}
_TEXTS: Mapping[str, Callable[[AsyncIterator[bytes], int], AsyncIterator[bytes]]] = {
    "duplicate": _duplicated,
    "garbled": _garbled,
}
_FRAMES: Mapping[str, Callable[[AsyncIterator[bytes], int], AsyncIterator[bytes]]] = {
    "truncated": _truncated,
    "cut": _cut,
    "checkpoint": _cut_behind_token,
    "done": _done,
}
