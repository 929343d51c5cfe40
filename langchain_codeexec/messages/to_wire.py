"""A conversation to `contents`: roles, order, system text, tool replies and replayed answers.

Answers of our own chat model go back verbatim, unless they go where they cannot go as they are.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final, NoReturn, cast

from langchain_core.messages import AIMessage, BaseMessage, ChatMessage, FunctionMessage, ToolMessage

from langchain_codeexec.errors import MessageError
from langchain_codeexec.gemini.capabilities import Destination
from langchain_codeexec.gemini.interactions.contents import MARK
from langchain_codeexec.gemini.interactions.steps import plain_parts
from langchain_codeexec.gemini.wire import Content
from langchain_codeexec.messages.history_as_text import (
    json_text,
    part_with_tool_as_text,
    parts_with_open_code_as_text,
    text_from_response,
)
from langchain_codeexec.messages.media import is_media, parts_from_content, text_of
from langchain_codeexec.messages.other_providers import parts_from_other_provider
from langchain_codeexec.messages.parts import STAND_IN_SIGNATURE, parts_from_block
from langchain_codeexec.messages.signatures import ENDPOINT_KEY, without_signatures

__all__ = ["contents_from_messages", "is_native", "origin_of"]

_logger = logging.getLogger(__name__)
Json = dict[str, Any]

_CALL_TYPES: Final = frozenset({"tool_call", "tool_call_chunk"})
_CALL_KEYS: Final = ("functionCall", "executableCode", "codeExecutionResult", "toolCall", "toolResponse")
_SILENCE: Final = {"text": ""}
_NOT_ANSWERED: Final = "This call was not carried out: the conversation holds no result of it."
_BEGINNING_LEFT_OUT: Final = "The beginning of this conversation was left out."


def contents_from_messages(
    messages: Sequence[BaseMessage], destination: Destination
) -> tuple[list[Content], Content | None]:
    """The `contents` of a conversation, and the `systemInstruction` if there is system text.

    Raises:
        MessageError: A message cannot be sent, or nothing is left to send.
    """
    conversation = _Conversation(destination)
    for message in messages:
        try:
            conversation.add(message)
        except RecursionError as error:
            raise MessageError(
                f"a message of type {message.type!r} holds itself, or is nested too deeply"
            ) from error
    return conversation.finish()


@dataclass(slots=True)
class _OpenCall:
    """A function call that waits for its reply."""

    call_id: str | None
    name: str
    wire_id: Json
    reply: Json | None = None

    def answer(self, response: Json, **more: Any) -> None:
        self.reply = {"functionResponse": {"name": self.name, "response": response, **self.wire_id, **more}}


class _Conversation:
    """Contents in the making. Tool replies are held back until their turn is complete."""

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._accepts = destination.accepts
        self._contents: list[Json] = []
        self._system: list[Json] = []
        self._calls: list[_OpenCall] = []
        self._attachments: list[Json] = []
        self._is_silent = False  # an empty text has come, which Vertex refuses

    def add(self, message: BaseMessage) -> None:
        add = _ADD.get(message.type)
        if add is None:
            raise MessageError(
                f"a message of type {message.type!r} has no place in a conversation with Gemini; "
                f"use one of {', '.join(filter(str.islower, _ADD))}"
            )
        if add not in _ASIDE:
            self._close_replies()
        add(self, message)

    def finish(self) -> tuple[list[Content], Content | None]:
        self._close_replies()
        if not self._contents and self._is_silent:
            self._append("user", [_SILENCE])  # whether there is an answer to it, the service decides
        if not self._contents:
            raise MessageError(
                "there is nothing to send, contents are required. The conversation needs a HumanMessage with "
                "content"
            )
        if any(map(_calls_function, self._contents[0]["parts"])):
            # It was trimmed there, and the service wants a turn of the user's before calls.
            self._contents.insert(0, {"role": "user", "parts": [{"text": _BEGINNING_LEFT_OUT}]})
        system = {"parts": self._system} if self._system else None
        return cast("list[Content]", self._contents), cast("Content | None", system)

    def _append(self, role: str, parts: list[Json]) -> None:
        if not parts:
            return
        if role == "model" and self._contents and self._contents[-1]["role"] == "model":
            # Calls are refused after another turn of the model, and two answers in a row may hold some.
            self._contents[-1]["parts"] += parts
        else:
            self._contents.append({"role": role, "parts": parts})

    def add_system(self, message: BaseMessage) -> None:
        self._system += (part for part in parts_from_content(message.content) if part != _SILENCE)

    def add_user(self, message: BaseMessage) -> None:
        said = list(parts_from_content(message.content))
        parts = [part for part in said if part != _SILENCE]
        self._is_silent |= len(parts) < len(said)
        if not self._accepts.media_in_responses:
            # Models before Gemini 3 know the resolution of a request alone, and refuse that of a part.
            if any("mediaResolution" in part for part in parts):
                _logger.warning("%s takes no resolution of a single image", self._destination.model)
            parts = [_without(part, "mediaResolution") for part in parts]
        self._append("user", parts)

    def add_chat(self, message: BaseMessage) -> None:
        role = message.role if isinstance(message, ChatMessage) else ""
        kind = _ROLES.get(role.lower())
        if kind is None:
            raise MessageError(f"a ChatMessage has the role {role!r}; Gemini knows {', '.join(_ROLES)}")
        if kind == "system":
            self.add_system(message)
        elif kind == "tool":  # it does not say which call it answers
            self._orphan(message.name, message.content, failed=False)
        elif kind == "user":
            self.add_user(message)
        else:
            self._append(kind, list(parts_from_content(message.content)))

    def add_model(self, message: BaseMessage) -> None:
        answer, destination = cast("AIMessage", message), self._destination
        origin = origin_of(answer) if is_native(answer) else None
        if origin is None:
            parts = parts_from_other_provider(answer)
            metadata = answer.response_metadata
            endpoint = metadata.get("endpoint") or metadata.get(ENDPOINT_KEY) or destination.endpoint
            if (endpoint, "generate_content") != (destination.endpoint, destination.api):
                parts = without_signatures(parts)
        else:
            keeps_ids = self._accepts.call_ids or not origin.accepts.call_ids
            is_same = (origin.endpoint, origin.api) == (destination.endpoint, destination.api)
            parts = _native_parts(answer, signed=is_same, ids=keeps_ids)
            interaction = answer.response_metadata.get("interaction")
            if interaction and is_same and destination.api == "interactions":
                parts.append({MARK: {"interaction": interaction}})
        if destination.api == "generate_content":
            parts = plain_parts(parts)
        if not self._accepts.tool_parts:
            parts = [part if MARK in part else part_with_tool_as_text(part) for part in parts]
        calls = [index for index, part in enumerate(parts) if _calls_function(part)]
        if calls and self._accepts.signatures:
            is_signed = origin is not None and _is_signed_as_made(answer, parts, origin, destination)
            if not is_signed:
                parts[calls[0]] = {"thoughtSignature": STAND_IN_SIGNATURE, **parts[calls[0]]}
        self._append("model", parts)
        self._calls = _open_calls(answer, [parts[index]["functionCall"] for index in calls])

    def add_reply(self, message: BaseMessage) -> None:
        reply = cast("ToolMessage", message)
        call = self._waiting(lambda call: call.call_id == reply.tool_call_id)
        if call is None:
            self._orphan(reply.name, reply.content, failed=reply.status == "error")
        else:
            self._reply(call, reply.content, failed=reply.status == "error")

    def add_named_reply(self, message: BaseMessage) -> None:
        """A `FunctionMessage` names the function, not the call: it answers the first open one of it."""
        name = cast("FunctionMessage", message).name
        call = self._waiting(lambda call: call.name == name)
        if call is None:
            self._orphan(name, message.content, failed=False)
        else:
            self._reply(call, message.content, failed=False)

    def _waiting(self, fits: Callable[[_OpenCall], bool]) -> _OpenCall | None:
        return next((call for call in self._calls if call.reply is None and fits(call)), None)

    def _reply(self, call: _OpenCall, content: str | list[Any], *, failed: bool) -> None:
        media = _media_parts(content)
        nested = [part for part in media if self._accepts.media_in_responses and _can_be_nested(part)]
        call.answer(_response(content, failed=failed), **({"parts": nested} if nested else {}))
        self._attachments.extend(part for part in media if part not in nested)

    def _orphan(self, name: str | None, content: str | list[Any], *, failed: bool) -> None:
        """A reply whose call is gone (trimmed, say) would be refused; as text nothing is lost."""
        self._attachments.append({"text": text_from_response(name, _response(content, failed=failed))})
        self._attachments.extend(_media_parts(content))

    def _close_replies(self) -> None:
        """Answer the calls in the order they were made, each exactly once, as the service demands."""
        for call in self._calls:
            if call.reply is None:
                call.answer({"error": _NOT_ANSWERED})
        replies = [call.reply for call in self._calls if call.reply]
        self._append("user", [*replies, *self._attachments])
        self._calls, self._attachments = [], []


def _open_calls(answer: AIMessage, wire_calls: list[Json]) -> list[_OpenCall]:
    """The calls as they go over the wire, each with the id by which a `ToolMessage` names it."""
    unnamed = list(answer.tool_calls)
    calls = []
    for wire in wire_calls:
        same_id = (call for call in unnamed if call["id"] == wire.get("id"))
        same = (
            call for call in unnamed if (call["name"], call["args"]) == (wire.get("name"), wire.get("args"))
        )
        by_name = (call for call in unnamed if call["name"] == wire.get("name", ""))
        call = next(same_id, None) or next(same, None) or next(by_name, None)
        if call:
            unnamed.remove(call)
        wire_id = {"id": wire["id"]} if "id" in wire else {}
        calls.append(_OpenCall(call["id"] if call else None, wire.get("name", ""), wire_id))
    return calls


def _calls_function(part: Json) -> bool:
    return isinstance(part.get("functionCall"), dict)


def _media_parts(content: str | list[Any]) -> list[Json]:
    blocks = [] if isinstance(content, str) else [block for block in content if is_media(block)]
    return list(parts_from_content(blocks))


def _can_be_nested(part: Json) -> bool:
    """Whether a function response takes a part; a reference it takes nowhere on the Developer API."""
    blob = part.get("inlineData")
    return part.keys() == {"inlineData"} and isinstance(blob, dict) and blob.get("mimeType") in _NESTED


def _response(content: str | list[Any], *, failed: bool) -> Json:
    """A tool's content as the JSON object that a function response is."""
    if isinstance(content, str):
        output: Any = content
    else:
        rest = [block for block in content if text_of(block) is None and not is_media(block)]
        texts = [text for block in content if (text := text_of(block)) is not None]
        output = [*texts, *rest] if rest else "\n".join(texts)
        if rest and _json_object(written := json_text({"output": output})) is None:
            output = written
    if failed:
        return {"error": output}
    parsed = _json_object(output) if isinstance(output, str) else None
    return {"output": output} if parsed is None else parsed


def _json_object(text: str) -> Json | None:
    """The JSON object that a text is; `None` for any other text, and for what the service would refuse or change.

    That is what has no place in strict JSON, a key that is there twice, a number that is none of a double's (a
    `Struct` has no others), and references: Gemini 3 takes each `$ref` for one to nested media.
    """
    if not text.startswith("{"):
        return None
    try:
        parsed: Json = json.loads(
            text,
            parse_constant=_no_json,
            parse_int=_exact_integer,
            parse_float=_finite,
            object_pairs_hook=_without_reference,
        )
    except (ValueError, OverflowError, RecursionError):
        return None
    return parsed


def _no_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _exact_integer(digits: str) -> int:
    value = int(digits)
    if value != float(value):
        raise ValueError(f"{digits} is no double")
    return value


def _finite(digits: str) -> float:
    value = float(digits)
    return value if isfinite(value) else _no_json(digits)


def _without_reference(pairs: list[tuple[str, Any]]) -> Json:
    mapping = dict(pairs)
    if "$ref" in mapping or len(mapping) < len(pairs):
        raise ValueError("a reference, or a key that is there twice")
    return mapping


def is_native(message: AIMessage) -> bool:
    """Whether our chat model made a message, so that its blocks hold everything the wire said."""
    metadata = message.response_metadata
    return (
        "endpoint" in metadata
        and metadata.get("output_version") == "v1"
        and isinstance(message.content, list)
    )


def origin_of(message: AIMessage) -> Destination:
    """The model and service that an answer of our chat model came from."""
    metadata = message.response_metadata
    api = metadata.get("api", "generate_content")
    return Destination(str(metadata.get("model_name", "")), metadata["endpoint"], api=api)


def _native_parts(message: AIMessage, *, signed: bool, ids: bool) -> list[Json]:
    """The parts of an answer that our chat model made, as they came, or without signatures or ids of calls.

    Raises:
        MessageError: A content block was changed so that it stands for no part.
    """
    try:
        parts = _parts_as_they_came(message)
    except (AttributeError, KeyError, TypeError) as error:
        raise MessageError(
            f"an answer cannot be sent back, one of its content blocks was changed into something else: {error}; "
            "leave the blocks as they came, or replace the content by a text"
        ) from error
    if not signed:
        parts = without_signatures(parts)
    if "limit" in message.response_metadata:
        parts = parts_with_open_code_as_text(parts)
    return parts if ids else [_without_id(part) for part in parts]


def _parts_as_they_came(message: AIMessage) -> list[Json]:
    """The parts of all blocks; `tool_calls` has the last word on function calls.

    One edited there is sent as edited, one removed there is not sent, one added there follows at the end.
    """
    parts: list[Json] = []
    calls = list(message.tool_calls)
    for block in message.content:
        if isinstance(block, str):
            parts.append({"text": block})
        elif block.get("type") not in _CALL_TYPES:
            parts += parts_from_block(block)
        elif call := next((call for call in calls if call["id"] == block.get("id")), None):
            calls.remove(call)
            parts += _parts_from_call(block, call["name"], call["args"])
    parts += ({"functionCall": {"name": call["name"], "args": call["args"]}} for call in calls)
    return parts


def _parts_from_call(block: Json, name: str, args: Json) -> list[Json]:
    current = {**block, "type": "tool_call", "name": name, "args": args}
    is_edited = block["type"] == "tool_call" and (block.get("name"), block.get("args")) != (name, args)
    if is_edited and "extras" in block:
        current["extras"] = _without(block["extras"], "part")
    return parts_from_block(current)


def _is_signed_as_made(
    answer: AIMessage, parts: list[Json], origin: Destination, destination: Destination
) -> bool:
    """Whether an answer carries the signatures it came with, none included if the model signs its calls."""
    shown = [
        block.get("id")
        for block in answer.content
        if isinstance(block, dict) and block.get("type") in _CALL_TYPES
    ]
    if shown != [call["id"] for call in answer.tool_calls]:  # the signature may have gone with a call
        return False
    is_valid = origin.accepts.signatures and (origin.endpoint, origin.api) == (
        destination.endpoint,
        destination.api,
    )
    return is_valid or any("thoughtSignature" in part for part in parts)


def _without_id(part: Json) -> Json:
    return {key: _without(value, "id") if key in _CALL_KEYS else value for key, value in part.items()}


def _without(mapping: Any, key: str) -> Any:
    if not isinstance(mapping, dict) or key not in mapping:
        return mapping
    return {name: value for name, value in mapping.items() if name != key}


_NESTED: Final = frozenset({"image/png", "image/jpeg", "image/webp", "application/pdf", "text/plain"})
"""MIME types of the media that a function response may hold."""

_ROLES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("user", "human"), "user"),
    **dict.fromkeys(("model", "assistant", "ai"), "model"),
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("tool", "function"), "tool"),
}

_ADD: Final[Mapping[str, Callable[[_Conversation, BaseMessage], None]]] = {
    "human": _Conversation.add_user,
    "ai": _Conversation.add_model,
    "tool": _Conversation.add_reply,
    "system": _Conversation.add_system,
    "function": _Conversation.add_named_reply,
    "chat": _Conversation.add_chat,
    "HumanMessageChunk": _Conversation.add_user,
    "AIMessageChunk": _Conversation.add_model,
    "ToolMessageChunk": _Conversation.add_reply,
    "SystemMessageChunk": _Conversation.add_system,
    "FunctionMessageChunk": _Conversation.add_named_reply,
    "ChatMessageChunk": _Conversation.add_chat,
}
_ASIDE: Final = frozenset({_Conversation.add_reply, _Conversation.add_named_reply, _Conversation.add_system})
"""What may stand between a call and its reply."""
