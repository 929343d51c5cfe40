"""Responses as they arrive: in the protocol's own spelling whoever wrote them, and several of them as one.

Gateways and dumps of protobuf or of google-genai's objects write snake_case or other cases, enums as numbers or
in small letters, absent fields as `null` or as protobuf's defaults, arguments as text, base64 in its URL-safe
form. What is read here is written over in place; whatever is of no known name stays as it came.
"""

from __future__ import annotations

import json
import reprlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

from langchain_codeexec.errors import ResponseFormatError
from langchain_codeexec.gemini.wire import GenerateContentResponse, camel_case

__all__ = ["candidates_of", "canonical", "collect", "index_of", "joined", "parts_of", "summed_usage"]

Json = dict[str, Any]


def canonical(response: Json, url: str) -> GenerateContentResponse:
    """A response, fresh from its JSON, as the protocol spells it; it is changed in place.

    The URL tells the service: the two number their finish reasons differently.

    Raises:
        ResponseFormatError: It is nested too deeply.
    """
    try:
        _write_over(response, _MESSAGES["response"], url)
    except RecursionError as error:
        raise ResponseFormatError("a response is nested too deeply") from error
    return cast("GenerateContentResponse", response)


_LISTS: Final = frozenset({"candidates", "parts"})


class _Message:
    """What is known of one message of the protocol.

    Args:
        fields: Their names; behind a colon the message that a field holds, which has been defined before.
        is_open: Whether it may hold other fields, all of them messages of its own kind.
    """

    __slots__ = ("by_letters", "holds", "is_open", "names", "read")

    def __init__(self, fields: str, *, is_open: bool) -> None:
        pairs = [field.partition(":") for field in fields.split()]
        self.names: Final = frozenset(field for field, _, _ in pairs)
        self.by_letters: Final = {field.lower(): field for field in self.names}
        self.is_open: Final = is_open
        self.holds: Final = {field: _MESSAGES[held] for field, _, held in pairs if held}
        self.read: Final = {field: _VALUES[field] for field in self.names & _VALUES.keys()}


def _write_over(node: Json, message: _Message, url: str) -> None:
    if not node.keys() <= message.names:
        _rename(node, message)
    changes: list[tuple[str, Any]] = []
    for key, value in node.items():
        if isinstance(value, dict | list):
            held = message if message.is_open else message.holds.get(key)
            if held is not None and (messages := _held(key, value, held, url)) is not value:
                changes.append((key, messages))
        elif key in message.read and (spelled := message.read[key](value, url)) is not value:
            changes.append((key, spelled))
    for key, value in changes:
        node[key] = value
        if value is None:
            del node[key]


def _held(key: str, value: Json | list[Any], message: _Message, url: str) -> Json | list[Any]:
    """The messages that a field holds, one alone as a list where the protocol has a list."""
    for each in value if isinstance(value, list) else (value,):
        if isinstance(each, dict):
            _write_over(each, message, url)
    return [value] if key in _LISTS and value and isinstance(value, dict) else value


def _rename(node: Json, message: _Message) -> None:
    """Spell the keys; an object that had to be is a dump, whose `null` stands for nothing."""
    foreign = [key for key in node if key not in message.names]
    for key in foreign:
        name = message.by_letters.get(key.replace("_", "").lower())
        if name is None and message.is_open:
            name = key[:1].lower() + camel_case(key)[1:]
        if name and name not in node:
            node[name] = node.pop(key)
    if not node.keys() >= set(foreign) and "nullValue" not in node:
        for key in [key for key, value in node.items() if value is None]:
            del node[key]


# -- values ---------------------------------------------------------------------------------------------------

_SHARED: Final = "FINISH_REASON_UNSPECIFIED STOP MAX_TOKENS SAFETY RECITATION OTHER"
_ENUMS: Final[Mapping[str, tuple[str, ...]]] = {
    name: tuple(members.split())
    for name, members in {
        "finishReason": f"{_SHARED} LANGUAGE BLOCKLIST PROHIBITED_CONTENT SPII MALFORMED_FUNCTION_CALL"
        " IMAGE_SAFETY UNEXPECTED_TOOL_CALL",
        "finishReason of Vertex": f"{_SHARED} BLOCKLIST PROHIBITED_CONTENT SPII MALFORMED_FUNCTION_CALL"
        " MODEL_ARMOR IMAGE_SAFETY IMAGE_PROHIBITED_CONTENT IMAGE_RECITATION IMAGE_OTHER UNEXPECTED_TOOL_CALL"
        " NO_IMAGE",
        "outcome": "OUTCOME_UNSPECIFIED OUTCOME_OK OUTCOME_FAILED OUTCOME_DEADLINE_EXCEEDED",
        "language": "LANGUAGE_UNSPECIFIED PYTHON",
        "blockReason": "BLOCK_REASON_UNSPECIFIED SAFETY OTHER BLOCKLIST PROHIBITED_CONTENT",
        "modality": "MODALITY_UNSPECIFIED TEXT IMAGE VIDEO AUDIO DOCUMENT",
    }.items()
}
"""The members of enums by number. Source: Google's public protobuf definitions of both services."""

_PREFIXES: Final = {"outcome": "OUTCOME_", "finishReason": "FINISH_REASON_"}
_NO_REASON: Final = ("", _ENUMS["finishReason"][0])


def _enum(name: str) -> Callable[[Any, str], Any]:
    known = frozenset(_ENUMS[name]) | frozenset(_ENUMS.get(f"{name} of Vertex", ()))
    prefix = _PREFIXES.get(name, "")

    def member(value: Any, url: str) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):
            is_vertex = "publishers/" in url or "/endpoints/" in url
            members = (is_vertex and _ENUMS.get(f"{name} of Vertex")) or _ENUMS[name]
            return members[value] if 0 <= value < len(members) else value
        if not isinstance(value, str) or value in known:
            return value
        word = value.rpartition(".")[2].upper()
        return next(
            (each for each in (word, prefix + word, word.removeprefix(prefix)) if each in known), value
        )

    return member


_finish_reason: Final = _enum("finishReason")


def _reason(value: Any, url: str) -> Any:
    """A finish reason; none where it is protobuf's default, which each chunk of a stream may have."""
    reason = _finish_reason(value, url)
    return None if reason in _NO_REASON else reason


def _arguments(value: Any, _url: str) -> Any:
    if not isinstance(value, str):
        return value
    try:
        parsed = json.loads(value or "{}")
    except (ValueError, RecursionError):
        return value
    return parsed if isinstance(parsed, dict) else value


_STANDARD: Final = {ord("-"): "+", ord("_"): "/", **dict.fromkeys(map(ord, " \t\r\n"))}
_FOREIGN: Final = tuple(map(chr, _STANDARD))


def _base64(value: Any, _url: str) -> Any:
    """Base64 as its standard alphabet has it, which is what readers of content blocks expect."""
    if not isinstance(value, str) or not (len(value) % 4 or any(each in value for each in _FOREIGN)):
        return value
    data = value.translate(_STANDARD).rstrip("=")
    return data + "=" * (-len(data) % 4)


_LONG: Final = 20  # digits that no count of 64 bits has


def _count(value: Any, _url: str) -> Any:
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < _LONG else value


_COUNTS: Final = (
    "tokenCount totalTokenCount promptTokenCount candidatesTokenCount thoughtsTokenCount "
    "toolUsePromptTokenCount cachedContentTokenCount totalTokens"
)
_VALUES: Final[Mapping[str, Callable[[Any, str], Any]]] = {
    **{name: _enum(name) for name in ("outcome", "language", "blockReason", "modality")},
    "finishReason": _reason,
    "args": _arguments,
    "data": _base64,
    "thought": lambda value, _: None if value is False else value,
    "thoughtSignature": lambda value, _: None if value == "" else value,
    **dict.fromkeys(_COUNTS.split(), _count),
}
"""How the values of a field are read, by its name; `None` for one that says nothing."""

_MESSAGES: Final[dict[str, _Message]] = {}
for _name, _fields in {
    "details": f"blockReason blockReasonMessage modality {_COUNTS}",
    "data": "mimeType data fileUri displayName",
    "piece": "jsonPath stringValue numberValue boolValue nullValue willContinue",
    "call": "id name args toolType response willContinue partialArgs:piece",
    "code": "language code id outcome output",
    "part": "text thought thoughtSignature executableCode:code codeExecutionResult:code functionCall:call"
    " inlineData:data fileData:data functionResponse toolCall:call toolResponse:call partMetadata"
    " videoMetadata:details mediaResolution:details mediaProcessing documentMetadata spreadsheetMetadata"
    " audioMetadata audioTranscription speechMetadata",
    "content": "role parts:part",
    "candidate": "content:content finishReason finishMessage continuationToken index avgLogprobs tokenCount"
    " safetyRatings:details citationMetadata:details groundingMetadata:details urlContextMetadata:details"
    " logprobsResult:details",
    "response": "candidates:candidate promptFeedback:details usageMetadata:details modelVersion responseId"
    " createTime modelStatus totalTokens",
}.items():
    _MESSAGES[_name] = _Message(_fields, is_open=_name == "details")


# -- structure ------------------------------------------------------------------------------------------------


def candidates_of(response: Mapping[str, Any]) -> list[Json]:
    """The candidates of a response or chunk; an empty list if it has none.

    Raises:
        ResponseFormatError: `candidates` is there and not a list of objects.
    """
    return _objects(response.get("candidates"), "candidates")


def parts_of(candidate: Json) -> list[Json]:
    """The parts of a candidate; an empty list if it has none.

    Raises:
        ResponseFormatError: The content or its parts are there and not objects.
    """
    content = candidate.get("content")
    if content is None:
        return []
    if not isinstance(content, dict):
        raise _malformed("content", content)
    return _objects(content.get("parts"), "parts")


def index_of(candidate: Json, position: int) -> int:
    """Which of several candidates one is; where it does not say so, its place among those that came with it."""
    index = candidate.get("index")
    return index if isinstance(index, int) else position


def _objects(value: Any, what: str) -> list[Json]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise _malformed(what, value)
    return value


def _malformed(what: str, value: Any) -> ResponseFormatError:
    return ResponseFormatError(
        f"the response's {what!r} is not what the protocol promises", body=reprlib.repr(value)[:500]
    )


# -- several as one -------------------------------------------------------------------------------------------

_REPLACED: Final = frozenset({"safetyRatings"})


def joined(responses: Sequence[Mapping[str, Any]]) -> GenerateContentResponse:
    """Responses or chunks that follow each other as one response; a single one stays as it came.

    Raises:
        ResponseFormatError: One of them has not the structure of a response.
    """
    if len(responses) == 1:
        return cast("GenerateContentResponse", responses[0])
    answer: Json = {}
    candidates: dict[int, Json] = {}
    parts: dict[int, list[Json]] = {}
    for response in responses:
        collect(answer, {key: value for key, value in response.items() if key != "candidates"})
        for position, candidate in enumerate(candidates_of(response)):
            index = index_of(candidate, position)
            _append(parts.setdefault(index, []), parts_of(candidate))
            whole = candidates.setdefault(index, {})
            collect(whole, {key: value for key, value in candidate.items() if key != "content"})
    whole_candidates = [
        {**candidates[index], "content": {"role": "model", "parts": parts[index]}}
        for index in sorted(candidates)
    ]
    return cast("GenerateContentResponse", {**answer, "candidates": whole_candidates})


def _append(parts: list[Json], more: list[Json]) -> None:
    """Add the parts of the next response; plain text goes on as it does in a stream."""
    if parts and more and _is_plain(parts[-1]) and parts[-1].keys() == more[0].keys():
        parts[-1] = {**parts[-1], "text": parts[-1]["text"] + more[0]["text"]}
        more = more[1:]
    parts += more


def _is_plain(part: Json) -> bool:
    return "text" in part and (
        part.keys() == {"text"} or (part.keys() == {"text", "thought"} and part["thought"])
    )


def collect(collected: Json, values: Json) -> None:
    """Add the values of the next chunk or response to those collected so far.

    Each count and reason replaces its former value, lists go on unless they repeat what they held. The first
    response's id stays, which the ids of calls are made from; a message goes with the reason that it explains.
    """
    if "finishReason" in values:
        collected.pop("finishMessage", None)
    for key, value in values.items():
        before = None if key in _REPLACED else collected.get(key)
        if key == "responseId" and before:
            continue
        if key == "usageMetadata" and isinstance(value, dict):
            known = {name: count for name, count in value.items() if count is not None}
            collected[key] = {**(before if isinstance(before, dict) else {}), **known}
            continue
        if isinstance(before, dict) and isinstance(value, dict):
            collected[key] = dict(before)
            collect(collected[key], value)
        elif isinstance(before, list) and isinstance(value, list) and value[: len(before)] != before:
            collected[key] = [*before, *value]
        else:
            collected[key] = value


def summed_usage(left: Json, right: Json) -> Json:
    """The token counts of two requests made one after the other.

    Counts are added, lists of counts by modality joined, and everything else is as the later one has it.
    """
    total = {**left, **right}
    for key in left.keys() & right.keys():
        if isinstance(left[key], list) and isinstance(right[key], list):
            total[key] = _by_modality([*left[key], *right[key]])
        elif isinstance(left[key], int) and isinstance(right[key], int):
            total[key] = left[key] + right[key]
    return total


def _by_modality(entries: list[Json]) -> list[Json]:
    counts: dict[Any, int] = {}
    for entry in entries:
        if isinstance(entry, dict) and isinstance(count := entry.get("tokenCount", 0), int):
            modality = str(entry.get("modality"))
            counts[modality] = counts.get(modality, 0) + count
    return [{"modality": modality, "tokenCount": count} for modality, count in counts.items()]
