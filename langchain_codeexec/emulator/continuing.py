"""Answers in several hops: the tokens that go on with an answer, and what is still to come of it.

A token comes with a candidate that ended with CONTINUATION, or as a checkpoint with any chunk of a stream. The
same request with it in `continuationToken` gets the rest; where a script sent the token, that is its next step.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from threading import Lock
from typing import Any, cast

from langchain_codeexec.emulator.parsing import bytes_from_base64
from langchain_codeexec.emulator.service_errors import invalid
from langchain_codeexec.emulator.tokens import Usage
from langchain_codeexec.gemini.wire import GenerateContentRequest, GenerateContentResponse

__all__ = ["Bodies", "Continuations", "append_part", "merged"]

Bodies = Generator[GenerateContentResponse, None, None]

_REMEMBERED = 1000
_TEXT = frozenset({"text", "thought", "thoughtSignature"})


class Continuations:
    """The tokens that were sent, the last 1,000 of them, each with the bodies that are still to come."""

    def __init__(self) -> None:
        self._rests: dict[bytes, Sequence[GenerateContentResponse] | None] = {}
        self._lock = Lock()

    def rest(self, request: GenerateContentRequest) -> Sequence[GenerateContentResponse] | None:
        """What is still to come of the answer that a request continues; `None` where a brain is to say it."""
        token = request.get("continuationToken")
        if not token:
            return None
        with self._lock:
            if (key := _key(token)) not in self._rests:
                raise invalid("The continuation token is not valid.")
            return self._rests[key]

    def noted(self, bodies: Bodies) -> Bodies:
        """Bodies on their way, whose tokens are good from then on."""
        with closing(bodies):
            for body in bodies:
                for token in _tokens(body.get("candidates")):
                    self._remember(token)
                yield body

    def split(
        self, bodies: Bodies, after: int, usage: Callable[[], Usage], *, finish_reason: str | None
    ) -> Bodies:
        """So many of the bodies, the last with a token for the rest; all of them where that is no fewer.

        The last ends with the finish reason; without one it is a checkpoint in mid-stream.
        """
        with closing(bodies):
            every = list(bodies)
        head, rest = every[:after], every[after:]
        if not (head and rest):
            yield from every
            return
        token = base64.b64encode(secrets.token_bytes(18)).decode("ascii")
        candidates: list[Any] = head[-1].get("candidates") or [{}]
        reason = {"finishReason": finish_reason} if finish_reason else {}
        candidate = {**candidates[0], **reason, "continuationToken": token}
        head[-1] = cast("GenerateContentResponse", {**head[-1], "candidates": [candidate]})
        self._remember(token, _counted(rest, usage()))
        yield from _counted(head, usage())

    def _remember(self, token: str, rest: Sequence[GenerateContentResponse] | None = None) -> None:
        with self._lock:
            self._rests.setdefault(_key(token), rest)
            if len(self._rests) > _REMEMBERED:
                del self._rests[next(iter(self._rests))]


def _key(token: str) -> bytes:
    """The bytes of a token: clients write them anew, in either alphabet of base64."""
    try:
        return bytes_from_base64(token)
    except ValueError:  # of a script
        return token.encode()


def _tokens(candidates: Any) -> list[str]:
    """The tokens that candidates carry, whatever a script has for them."""
    objects = [one for one in candidates if isinstance(one, dict)] if isinstance(candidates, list) else []
    return [token for one in objects if isinstance(token := one.get("continuationToken"), str) and token]


def _counted(bodies: Sequence[GenerateContentResponse], usage: Usage) -> list[GenerateContentResponse]:
    """Bodies with the tokens of their own hop."""
    counted: list[Any] = []
    for body in bodies:
        for part in _parts(body):
            usage.add(part)
        counted.append({**body, "usageMetadata": usage.total if body is bodies[-1] else usage.so_far})
    return counted


def _parts(body: Mapping[str, Any]) -> list[Any]:
    candidates = body.get("candidates") or [{}]
    return (candidates[0].get("content") or {}).get("parts") or []


def merged(chunks: Iterable[GenerateContentResponse]) -> Bodies:
    """The chunks of a stream as the one body that says the same."""
    body: dict[str, Any] = {}
    candidates: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        usage = {**body.get("usageMetadata", {}), **chunk.get("usageMetadata", {})}
        body.update({**chunk, **({"usageMetadata": usage} if usage else {})})
        for position, candidate in enumerate(chunk.get("candidates") or []):
            whole = candidates.setdefault(candidate.get("index", position), {})
            parts = (whole.get("content") or {}).get("parts", [])
            whole.update(candidate)
            for part in (candidate.get("content") or {}).get("parts") or []:
                append_part(parts, part)
            if parts:
                whole["content"] = {"parts": parts, "role": "model"}
    if "candidates" in body:
        body["candidates"] = [candidates[index] for index in sorted(candidates)]
    yield cast("GenerateContentResponse", body)


def append_part(parts: list[Any], part: Any) -> None:
    """Add a part; text goes on in the last one, whose signature may come with an empty text."""
    before: Any = parts[-1] if parts else None
    goes_on = _is_text(before) and _is_text(part) and "thoughtSignature" not in before
    if goes_on and before.get("thought") == part.get("thought"):
        parts[-1] = {**part, "text": before["text"] + part["text"]}
    elif not parts or part != {"text": ""}:
        parts.append(part)


def _is_text(part: Any) -> bool:
    return isinstance(part, dict) and isinstance(part.get("text"), str) and part.keys() <= _TEXT
