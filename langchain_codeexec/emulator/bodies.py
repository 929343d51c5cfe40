"""The bodies that an answer consists of: one, or one for every chunk of a stream."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from langchain_codeexec.emulator.answering import Answer, mint_signature
from langchain_codeexec.emulator.brain import RESPONSE_FIELDS
from langchain_codeexec.emulator.continuing import merged
from langchain_codeexec.emulator.service_errors import stamp
from langchain_codeexec.emulator.targets import Target
from langchain_codeexec.emulator.tokens import tokens_with_ids
from langchain_codeexec.gemini.wire import FunctionCall, GenerateContentResponse, Part

__all__ = ["BODIES", "text_pieces"]

_END_OF_CALL: Part = {"functionCall": {}}
_CALLED = "Model generated function call(s)."
_PIECE = re.compile(r".{1,20}", re.DOTALL)
"""A text is cut anywhere, inside words and numbers too, as recorded."""
_RESULTS = frozenset({"codeExecutionResult", "toolResponse"})
_LOGPROB = -0.25
"""The same for every token: a script has no probabilities. Those that were not chosen are stand-ins."""


def _whole(answer: Answer) -> Generator[GenerateContentResponse]:
    """The whole answer in one body; its last signature rides on the last text."""
    parts = list(answer.parts())
    if any(map(_is_response, parts)):
        identity = _identity(answer.target)
        yield from merged(_sent(answer, part, identity) for part in parts)
        return
    if answer.unsigned_text:
        parts[-1] = {**parts[-1], "thoughtSignature": mint_signature(answer.target.endpoint)}
    yield _finished(answer, parts, _identity(answer.target), has_parts=bool(parts), whole=True)


def _chunks(answer: Answer) -> Generator[GenerateContentResponse]:
    """The answer in pieces: text cut anywhere, all else whole, and a last chunk with the totals.

    In recorded traffic Gemini 2 gives the finish reason with its last words or its last call, so these wait here
    for what comes next. From Gemini 3 on the last chunk holds an empty text, which carries the last signature
    where the answer ended with text. After parts a brain had sent as they are it holds no part at all, and after a
    chunk of the brain's own there is none.
    """
    identity = _identity(answer.target)
    has_parts = is_own = False
    last: Part | None = None
    waiting: list[GenerateContentResponse] = []
    try:
        for part in answer.parts():
            is_own = _is_response(part)
            for piece in _call_pieces(part) if answer.streams_arguments(part) else text_pieces(part):
                yield from waiting
                has_parts, last = True, piece if _may_end(piece, answer) else None
                chunk = _sent(answer, piece, identity)
                waiting = [] if last is None else [chunk]
                if last is None:
                    yield chunk
    except Exception:
        yield from waiting
        raise
    if not is_own:
        yield _finished(answer, _closing(answer) if last is None else [last], identity, has_parts=has_parts)


BODIES: Mapping[str, Callable[[Answer], Generator[GenerateContentResponse]]] = {
    "generateContent": _whole,
    "streamGenerateContent": _chunks,
}
"""The bodies of an answer, by method: one, or one for every chunk. Closing the generator ends the answer."""


def _may_end(piece: Part, answer: Answer) -> bool:
    """Whether a piece would end an answer of Gemini 2 by itself."""
    if piece == _END_OF_CALL:
        return True
    return not answer.target.signs and not answer.verbatim and ("text" in piece or "functionCall" in piece)


def _is_response(part: Mapping[str, Any]) -> bool:
    """Whether a brain gave a chunk of its own for a part."""
    return not RESPONSE_FIELDS.isdisjoint(part)


def _sent(answer: Answer, piece: Part, identity: Mapping[str, str]) -> GenerateContentResponse:
    """A chunk of one part; that of a brain's own is only completed by what is the same in every chunk."""
    if _is_response(piece):
        return cast("GenerateContentResponse", _present({**identity, **piece}))
    target = answer.target
    is_code = (
        "executableCode" in piece and target.signs and target.endpoint == "developer" and not answer.verbatim
    )
    parts: list[Part] = [piece, {"text": ""}] if is_code else [piece]
    candidate = _candidate(answer, parts)
    body = {"candidates": [_present(candidate)], "usageMetadata": answer.usage.so_far, **identity}
    return cast("GenerateContentResponse", body)


def _closing(answer: Answer) -> list[Part]:
    if answer.unsigned_text:
        return [{"text": "", "thoughtSignature": mint_signature(answer.target.endpoint)}]
    return [] if answer.verbatim else [{"text": ""}]


def text_pieces(part: Part) -> Iterator[Part]:
    """A text in pieces that add up to it; a signature stays on the last of them."""
    groups = _PIECE.findall(part.get("text", ""))
    if len(groups) < 2:  # noqa: PLR2004 -- nothing to split
        yield part
        return
    unsigned = cast("Part", {key: value for key, value in part.items() if key != "thoughtSignature"})
    for group in groups[:-1]:
        yield {**unsigned, "text": group}
    yield {**part, "text": groups[-1]}


def _call_pieces(part: Part) -> Iterator[Part]:
    """A call as Vertex streams it where `streamFunctionCallArguments` is set: name, arguments, end."""
    call = part.get("functionCall", {})
    named: dict[str, Any] = {key: value for key, value in call.items() if key != "args"}
    yield {**part, "functionCall": cast("FunctionCall", {**named, "willContinue": True})}
    for path, value in _leaves(call.get("args") or {}, "$"):
        for partial in _partial_args(value):
            piece = {"partialArgs": [{"jsonPath": path, **partial}], "willContinue": True}
            yield cast("Part", {"functionCall": piece})
    yield _END_OF_CALL


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every value within arguments that holds no other, and its JSONPath."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if key.isidentifier() else f"{path}['{key}']")
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}[{index}]")
    elif value not in ({}, []):
        yield path, value


def _partial_args(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, str):
        for group in _PIECE.findall(value):
            yield {"stringValue": group, "willContinue": True}
        yield {"stringValue": ""}
    elif value is None:
        yield {"nullValue": "NULL_VALUE"}
    else:
        yield {"boolValue" if isinstance(value, bool) else "numberValue": value}


def _identity(target: Target) -> dict[str, str]:
    """What is the same in every chunk of an answer."""
    identity = {"modelVersion": target.model_version, "responseId": secrets.token_urlsafe(16)}
    if target.endpoint == "vertex":
        identity["createTime"] = stamp(datetime.now(UTC))
    return identity


def _candidate(answer: Answer, parts: Sequence[Part]) -> dict[str, Any]:
    target = answer.target
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}} if parts else {}
    ends_with_result = bool(parts) and not _RESULTS.isdisjoint(parts[-1])
    if target.endpoint == "developer" and not target.is_early and not ends_with_result:
        candidate["index"] = 0
    if answer.logprobs is not None:
        text = "".join(part.get("text", "") for part in parts if not part.get("thought"))
        candidate["logprobsResult"] = _logprobs(text, answer.logprobs) if text else None
    return candidate


def _logprobs(text: str, most: int) -> dict[str, Any]:
    """The tokens of a text, and at each place as many as are weighed there, the likeliest first."""
    chosen = [
        {"token": token, "tokenId": number, "logProbability": _LOGPROB}
        for token, number in tokens_with_ids(text)
    ]
    others = [
        {"token": f"<unused{rank}>", "tokenId": rank, "logProbability": _LOGPROB * 16 * (rank + 1)}
        for rank in range(most - 1)
    ]
    tops = {"topCandidates": [{"candidates": [one, *others]} for one in chosen]} if most else {}
    return {"chosenCandidates": chosen, **tops}


def _finished(
    answer: Answer, parts: Sequence[Part], identity: dict[str, str], *, has_parts: bool, whole: bool = False
) -> GenerateContentResponse:
    """The last body: what the brain sets itself replaces what the emulator says, `None` takes a field out."""
    fields: dict[str, Any] = {**answer.fields}
    first, *others = fields.pop("candidates", None) or [{}]
    candidate = {**_candidate(answer, parts), "finishReason": answer.finish_reason}
    target = answer.target
    if not parts and answer.finish_reason == "MAX_TOKENS":
        candidate["content"] = {"role": "model"}
    says_so = target.endpoint == "developer" and not target.is_early and (whole or not target.signs)
    if answer.has_calls and says_so:
        candidate["finishMessage"] = _CALLED
    if whole and parts and target.is_scored and not answer.verbatim:
        candidate["avgLogprobs"] = _LOGPROB
    candidate |= first
    body: dict[str, Any] = {"usageMetadata": answer.usage.total, **identity, **fields}
    if has_parts or not answer.fields or answer.fields.get("candidates"):
        body = {"candidates": [_present(candidate), *others], **body}
    return cast("GenerateContentResponse", _present(body))


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
