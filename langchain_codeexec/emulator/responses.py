"""From an answer to the bodies that travel: one response, or a stream of chunks."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from langchain_codeexec.emulator.answering import mint_signature

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    from langchain_codeexec.emulator.answering import Answer
    from langchain_codeexec.emulator.targets import Target
    from langchain_codeexec.gemini.wire import GenerateContentResponse, Part

__all__ = ["BODIES"]

_WORDS_PER_CHUNK = 4
_WORD_GROUP = re.compile(rf"(?:\S*\s+|\S+){{1,{_WORDS_PER_CHUNK}}}")


def _whole(answer: Answer) -> Generator[GenerateContentResponse]:
    """The whole answer in one body; Gemini 3's last signature rides on the last text."""
    parts = list(answer.parts())
    if answer.unsigned_text:
        parts[-1] = {**parts[-1], "thoughtSignature": mint_signature(answer.target.endpoint)}
    yield _finished(answer, parts, _identity(answer.target), spoke=bool(parts))


def _chunks(answer: Answer) -> Generator[GenerateContentResponse]:
    """The answer in pieces: text in groups of words, all else whole, and a last chunk with the totals.

    In recorded traffic Gemini 2 gives the finish reason with its last words or its last call, so these wait here
    for what comes next. From Gemini 3 on the last chunk holds an empty text, which carries the last signature
    where the answer ended with text. After parts a brain had sent as they are it holds no part at all.
    """
    identity = _identity(answer.target)
    spoke = False
    last: Part | None = None
    waiting: list[GenerateContentResponse] = []
    try:
        for part in answer.parts():
            for piece in _pieces(part):
                yield from waiting
                spoke, last = True, piece if _may_end(piece, answer) else None
                chunk = _chunk(answer, piece, identity)
                waiting = [] if last is None else [chunk]
                if last is None:
                    yield chunk
    except Exception:
        yield from waiting
        raise
    yield _finished(answer, _closing(answer) if last is None else [last], identity, spoke=spoke)


def _may_end(piece: Part, answer: Answer) -> bool:
    """Whether a piece would end an answer of Gemini 2 by itself."""
    return not answer.target.signs and not answer.written and ("text" in piece or "functionCall" in piece)


def _chunk(answer: Answer, piece: Part, identity: Mapping[str, str]) -> GenerateContentResponse:
    candidate = _candidate(answer.target, [piece])
    return cast(
        "GenerateContentResponse",
        {"candidates": [candidate], "usageMetadata": answer.usage.so_far, **identity},
    )


BODIES: Mapping[str, Callable[[Answer], Generator[GenerateContentResponse]]] = MappingProxyType(
    {"generateContent": _whole, "streamGenerateContent": _chunks}
)
"""The bodies of an answer, by method: one, or one for every chunk. Closing the generator ends the answer."""


def _closing(answer: Answer) -> list[Part]:
    if answer.unsigned_text:
        return [{"text": "", "thoughtSignature": mint_signature(answer.target.endpoint)}]
    return [] if answer.written else [{"text": ""}]


def _pieces(part: Part) -> Iterator[Part]:
    """A text in groups of words that add up to it; a signature stays on the last of them."""
    text = part.get("text", "")
    groups = _WORD_GROUP.findall(text)
    if len(groups) < 2:  # noqa: PLR2004 -- nothing to split
        yield part
        return
    unsigned = cast("Part", {key: value for key, value in part.items() if key != "thoughtSignature"})
    for group in groups[:-1]:
        yield {**unsigned, "text": group}
    yield {**part, "text": groups[-1]}


def _identity(target: Target) -> dict[str, str]:
    """What is the same in every chunk of an answer."""
    identity = {"modelVersion": target.model_version, "responseId": secrets.token_urlsafe(16)}
    if target.endpoint == "vertex":
        identity["createTime"] = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return identity


def _candidate(target: Target, parts: Sequence[Part]) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}} if parts else {}
    if target.endpoint == "developer":
        candidate["index"] = 0
    return candidate


def _finished(
    answer: Answer, parts: Sequence[Part], identity: dict[str, str], *, spoke: bool
) -> GenerateContentResponse:
    """The last body: what the brain sets itself replaces what the emulator says, `None` takes a field out."""
    fields: dict[str, Any] = {**answer.fields}
    own, *others = fields.pop("candidates", None) or [{}]
    candidate = {**_candidate(answer.target, parts), "finishReason": answer.finish_reason, **own}
    body: dict[str, Any] = {"usageMetadata": answer.usage.total, **identity, **fields}
    if spoke or not answer.fields or answer.fields.get("candidates"):
        body = {"candidates": [_present(candidate), *others], **body}
    return cast("GenerateContentResponse", _present(body))


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
