"""A response of generateContent to messages: blocks, token counts, and what else it holds as metadata."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import isfinite
from typing import Any, Final, cast

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call

from langchain_codeexec.errors import ResponseFormatError
from langchain_codeexec.gemini.capabilities import Destination
from langchain_codeexec.gemini.responses import candidates_of, parts_of
from langchain_codeexec.gemini.wire import snake_case
from langchain_codeexec.messages.call_pieces import whole_calls
from langchain_codeexec.messages.citations import citations_by_text
from langchain_codeexec.messages.parts import CallIds, block_from_part, closing_extras
from langchain_codeexec.messages.signatures import call_signatures

__all__ = [
    "EVERY_CHUNK",
    "Origin",
    "failure_of",
    "function_call_of",
    "messages_from_response",
    "metadata_of",
    "readable",
    "usage_from_wire",
]


def usage_from_wire(usage: Mapping[str, Any] | None) -> UsageMetadata | None:
    """Translate `usageMetadata`.

    Input is prompt plus tool use (what executed code printed is fed back to the model), output is candidates
    plus thoughts; the total is their sum, as LangChain defines it.
    """
    if not isinstance(usage, dict) or not usage:
        return None
    prompt, tool_use = _count(usage, "promptTokenCount"), _count(usage, "toolUsePromptTokenCount")
    candidates, thoughts = _count(usage, "candidatesTokenCount"), _count(usage, "thoughtsTokenCount")
    translated: dict[str, Any] = {
        "input_tokens": prompt + tool_use,
        "output_tokens": candidates + thoughts,
        "total_tokens": prompt + tool_use + candidates + thoughts,
    }
    input_details = {
        "cache_read": _count(usage, "cachedContentTokenCount"),
        "tool_use": tool_use,
        "audio": _of_modality(usage, "promptTokensDetails", "AUDIO"),
    }
    output_details = {
        "reasoning": thoughts,
        "audio": _of_modality(usage, "candidatesTokensDetails", "AUDIO"),
    }
    for key, details in (("input_token_details", input_details), ("output_token_details", output_details)):
        if counted := {name: count for name, count in details.items() if count}:
            translated[key] = counted
    return cast("UsageMetadata", translated)


def _count(usage: Mapping[str, Any], key: str) -> int:
    value = usage.get(key)
    if isinstance(value, str) and value.isdecimal():  # as protobuf writes numbers of 64 bits
        value = float(value)
    return int(value) if isinstance(value, int | float) and isfinite(value) else 0


def _of_modality(usage: Mapping[str, Any], key: str, modality: str) -> int:
    details = usage.get(key)
    if not isinstance(details, list):
        return 0
    return sum(
        _count(entry, "tokenCount")
        for entry in details
        if isinstance(entry, dict) and entry.get("modality") == modality
    )


Json = dict[str, Any]

EVERY_CHUNK: Final = {"model_provider": "google_genai", "output_version": "v1"}
"""In the metadata of each chunk of a stream; langchain-core does not concatenate these two."""

_EXPLAINED: Final[Mapping[str, str]] = {
    "MAX_TOKENS": "The answer was cut off at max_output_tokens; raise it, or lower the thinking budget.",
    "SAFETY": "The answer was withheld by the safety settings; see safety_ratings.",
    "RECITATION": "The answer was withheld because it repeated protected text; ask for it in other words.",
    "BLOCKLIST": "The answer was withheld because it contained a forbidden term.",
    "PROHIBITED_CONTENT": "The answer was withheld because it may contain prohibited content.",
    "SPII": "The answer was withheld because it may contain personal information.",
    "LANGUAGE": "The model does not support the language of the prompt.",
    "MALFORMED_FUNCTION_CALL": "The model wrote a function call that cannot be parsed; ask again.",
    "UNEXPECTED_TOOL_CALL": "The model called a tool the request did not declare; declare it or ask again.",
    "TOO_MANY_TOOL_CALLS": "The model called tools too many times in a row; ask again or narrow the task.",
    "CONTINUATION": "The answer is not whole: the service said it goes on, and not how; ask again.",
    "MISSING_THOUGHT_SIGNATURE": "The history lacks a thought signature; send answers back as they came.",
    "MALFORMED_RESPONSE": "The model wrote an answer that the service cannot read; ask again.",
    "MODEL_ARMOR": "The answer was withheld by Model Armor; see its template's filters.",
    "BUDGET_EXCEEDED": "The answer was stopped, its budget of tokens was used up; allow more, or narrow the task.",
    "CANCELLED": "The interaction was cancelled before its end; what there is of its answer is here.",
    "ESCALATION": "The model handed the conversation over instead of answering it.",
    "NO_IMAGE": "The model was to draw an image and drew none; ask again or ask for it more plainly.",
    "IMAGE_SAFETY": "The image was withheld by the safety settings; ask for another one.",
    "IMAGE_PROHIBITED_CONTENT": "The image was withheld because it may show prohibited content.",
    "IMAGE_RECITATION": "The image was withheld because it is too close to a protected one.",
}
_HEALTHY: Final = (None, "", "STOP", "FINISH_REASON_UNSPECIFIED")
"""Finish reasons of an answer that is whole, or of which nothing is known to the contrary."""


_NORMALIZED: Final[Mapping[str, str]] = {
    "STOP": "stop",
    **dict.fromkeys(("MAX_TOKENS", "BUDGET_EXCEEDED"), "length"),
    **dict.fromkeys(("MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL"), "error"),
    **dict.fromkeys(("SAFETY", "BLOCKLIST", "PROHIBITED_CONTENT"), "refusal"),
    **dict.fromkeys(("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT"), "refusal"),
    **dict.fromkeys(("RECITATION", "IMAGE_RECITATION", "SPII", "MODEL_ARMOR"), "content_filter"),
}
"""langchain-core's words for all providers, which itself adds `tool_call`; what is not listed is `other`.

Documented, in the release notes of langchain-core 1.8.4 (the words) and of @langchain/google 0.2.17 (what they
stand for): `refusal` for SAFETY, BLOCKLIST and PROHIBITED_CONTENT, `error` for the malformed ones, `other` for
what is not listed. The rest is this package's reading: `length` for BUDGET_EXCEEDED, `error` for
UNEXPECTED_TOOL_CALL, `refusal` for a blocked prompt and for images withheld for the same reasons, and
`content_filter` for what a filter found in a text that the model did not refuse.
"""


class Origin:
    """What every message of one response shares.

    Args:
        destination: The model and the service that answered.
        turn: Distinguishes this response in the conversation where it has no id of its own.
        plan: What the call got, and why.
    """

    __slots__ = ("destination", "plan", "turn")

    def __init__(
        self, destination: Destination, turn: str = "0", plan: Mapping[str, Any] | None = None
    ) -> None:
        self.destination = destination
        self.turn = turn
        self.plan = dict(plan or {})

    def metadata(self) -> Json:
        """The part of `response_metadata` that is known before the answer is."""
        return {
            **EVERY_CHUNK,
            "endpoint": self.destination.endpoint,
            **({} if self.destination.api == "generate_content" else {"api": self.destination.api}),
            **({"plan": self.plan} if self.plan else {}),
        }

    def call_ids(self, response: Mapping[str, Any]) -> CallIds:
        """Ids for the calls of a response."""
        response_id = response.get("responseId")
        return CallIds(response_id if isinstance(response_id, str) and response_id else self.turn)


def messages_from_response(response: Mapping[str, Any], origin: Origin) -> list[AIMessage]:
    """One message for each candidate; a refused prompt or an empty answer gives one that says so.

    Raises:
        ResponseFormatError: The response has not the structure of one.
    """
    usage = usage_from_wire(response.get("usageMetadata"))
    ids = origin.call_ids(response)
    messages = []
    for candidate in candidates_of(response) or [{}]:
        with readable():
            blocks = _blocks(whole_calls(parts_of(candidate)), ids)
        _annotate(blocks, candidate)
        calls = [block for block in blocks if block["type"] == "tool_call"]
        messages.append(
            AIMessage(
                content=cast("list[str | Json]", blocks),
                tool_calls=[tool_call(name=call["name"], args=call["args"], id=call["id"]) for call in calls],
                usage_metadata=usage,
                response_metadata=metadata_of(response, candidate, origin, empty=not blocks),
                additional_kwargs={**call_signatures(calls), **function_call_of(calls[:1])},
            )
        )
    return messages


def function_call_of(calls: Sequence[Json]) -> Json:
    """The `additional_kwargs` in which parsers of OpenAI's functions look for the call of a message.

    Args:
        calls: Nothing, or the message's first call or a piece of it, its arguments as an object or as text.
    """
    for call in calls:
        args = call["args"]
        text = args if isinstance(args, str) else json.dumps(args, default=str)
        return {"function_call": {"name": call["name"], "arguments": text}}
    return {}


def failure_of(message: BaseMessage) -> str:
    """Why a message is no whole answer, in words; empty if it is one.

    The finish reason decides: beside `STOP` a `finish_message` says nothing of a failure, unless there is nothing
    else in the message. Live function calls come with one.
    """
    metadata = message.response_metadata
    reason, notice = metadata.get("finish_reason"), str(metadata.get("finish_message") or "")
    if reason == "STOP" and message.content:
        return ""
    return notice or ("" if reason in _HEALTHY else f"The answer ended with the finish reason {reason}.")


def _blocks(parts: list[Json], ids: CallIds) -> list[Json]:
    blocks: list[Json] = []
    for part in parts:
        block = block_from_part(part, ids)
        if blocks and blocks[-1].keys() == {"type", "text"} and (extras := closing_extras(block)):
            blocks[-1]["extras"] = extras
        else:
            blocks.append(block)
    return blocks


def _annotate(blocks: list[Json], candidate: Json) -> None:
    texts = [block.get("text", "") for block in blocks]
    for block, citations in zip(blocks, citations_by_text(candidate, texts), strict=True):
        if citations:
            block["annotations"] = citations


def metadata_of(response: Mapping[str, Any], candidate: Json, origin: Origin, *, empty: bool) -> Json:
    """Everything a response says beside its parts, names in snake_case, as in Google's packages.

    `empty` says whether the candidate brought no part.
    """
    metadata = origin.metadata()
    metadata["model_name"] = response.get("modelVersion") or origin.destination.model
    metadata.update({_key(key): value for key, value in response.items() if key not in _NOT_METADATA})
    with readable():
        metadata.update(
            {_key(key): _snake_cased(value) for key, value in candidate.items() if key not in _NOT_METADATA}
        )
    metadata.update(_finish_fields(response, candidate))
    if not metadata.get("finish_message") and (notice := _notice(response, candidate, empty=empty)):
        metadata["finish_message"] = notice
    return metadata


def _finish_fields(response: Mapping[str, Any], candidate: Json) -> Json:
    """Why the answer ended and whether its turn did, in langchain-core's words for all providers.

    `finish_state` is documented for Anthropic's `pause_turn` alone. That an answer which the service goes on with
    is `suspended` is this package's reading.
    """
    reason = candidate.get("finishReason")
    if reason is None:
        is_blocked = response.get("promptFeedback") and not candidate
        return {"normalized_finish_reason": "refusal", "finish_state": "complete"} if is_blocked else {}
    return {
        "normalized_finish_reason": _NORMALIZED.get(str(reason), "other"),
        "finish_state": "suspended" if reason == "CONTINUATION" else "complete",
    }


def _notice(response: Mapping[str, Any], candidate: Json, *, empty: bool) -> str | None:
    """What happened, where the service did not say so in words."""
    reason = candidate.get("finishReason")
    if isinstance(reason, str) and reason in _EXPLAINED:
        return _EXPLAINED[reason]
    if not empty:
        return None
    feedback = response.get("promptFeedback")
    if isinstance(feedback, dict) and feedback.get("blockReason"):
        detail = feedback.get("blockReasonMessage") or "change the prompt or the safety_settings"
        return f"The prompt was blocked ({feedback['blockReason']}): {str(detail).rstrip('.')}."
    why = "" if reason in _HEALTHY else f", for the reason {reason}"
    return f"The model ended its turn without an answer{why}; ask again."


@contextmanager
def readable() -> Iterator[None]:
    """Turn the failure of reading parts that no JSON of a service holds into a typed error."""
    try:
        yield
    except RecursionError as error:
        raise ResponseFormatError("a part of the answer holds itself, or is nested too deeply") from error


_NOT_METADATA: Final = frozenset({"candidates", "content", "index", "modelVersion"})
_OURS: Final = frozenset(
    "api endpoint gemini_endpoint grounding model_name model_provider output_version outputs plan "
    "verification".split()
)
"""Keys of the metadata that mean something to this package or to langchain-core."""


def _key(key: str) -> str:
    name = snake_case(key)
    return f"wire_{name}" if name in _OURS else name


def _snake_cased(value: Any) -> Any:
    """The value with the names of all its fields in snake_case."""
    if isinstance(value, dict):
        return {snake_case(key): _snake_cased(field) for key, field in value.items()}
    return [_snake_cased(item) for item in value] if isinstance(value, list) else value
