"""Answers of other chat models as parts: all that can be read of them, in order.

What the service could refuse is not sent as it is. Ids are left out. Reasoning belongs to the model that made
it and is not sent, except a thought that Gemini itself has signed. What has no part of its own, other
providers' tools and unknown blocks, becomes text; bookkeeping and encrypted content are left out of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from langchain_core.messages import AIMessage, ToolCall
from langchain_core.messages.tool import tool_call

from langchain_codeexec.messages.code_blocks import CodeBlock, CodeCall, blocks_with_code, linked_runs
from langchain_codeexec.messages.history_as_text import (
    json_text,
    text_from_call,
    text_from_code,
    text_from_response,
)
from langchain_codeexec.messages.media import media_from_block, part_from_media
from langchain_codeexec.messages.signatures import CALL_SIGNATURES_KEY, signature_of

__all__ = ["parts_from_other_provider"]

Json = dict[str, Any]

_GOOGLE: Final = frozenset({"", "google_genai", "google_vertexai"})  # older releases do not say


def parts_from_other_provider(message: AIMessage) -> list[Json]:
    """The parts that replay an answer which our chat model did not make.

    Function calls are those of `tool_calls`, each where the content shows it, else at the end. Python that
    ran becomes code parts; any other language, and a result whose code is not there, becomes text.
    """
    return [part for part in _Answer(message).parts() if part != {"text": ""}]


class _Answer:
    """One answer on its way to parts."""

    def __init__(self, message: AIMessage) -> None:
        self._kwargs = message.additional_kwargs
        self._is_google = str(message.response_metadata.get("model_provider", "")) in _GOOGLE
        self._blocks = list(blocks_with_code(message))
        runs = [run for run in linked_runs(self._blocks) if run.call and run.call.language == "PYTHON"]
        self._replayable = {id(code) for run in runs for code in (run.call, run.result)}
        self._calls = list(message.tool_calls) or _call_of_functions_api(message)
        self._unreadable = [(str(call["name"]), call["args"]) for call in message.invalid_tool_calls]
        self._call_signatures = _call_signatures(message)

    def parts(self) -> Iterator[Json]:
        """All parts, in order."""
        for block, codes in self._blocks:
            for code in codes:
                yield from self._of_code(code)
            if not codes:
                yield from self.of_block(block)
        for call in self._calls:
            yield self._of_call(call, {})
        for name, arguments in self._unreadable:
            yield {"text": text_from_call(name, arguments)}
        # Releases for OpenAI's Chat Completions keep these outside of the content.
        audio = self._kwargs.get("audio")
        for text in (
            self._kwargs.get("refusal"),
            audio.get("transcript") if isinstance(audio, dict) else None,
        ):
            yield {"text": text if isinstance(text, str) else ""}

    def of_block(self, block: Any) -> Iterable[Json]:
        """The parts of a block that holds no code."""
        if not isinstance(block, dict):
            return _text(block)
        block_type = block.get("type")
        convert = _BY_TYPE.get(block_type) if isinstance(block_type, str) else _raw
        if convert is not None:
            return convert(self, block)
        if str(block_type).endswith("_tool_result"):
            return _tool_result(self, block)
        return self.of_media(block) or _unknown(block)

    def of_media(self, block: Json) -> list[Json]:
        """The part of media; none for a provider's own file id, which means nothing to Gemini."""
        media = media_from_block(block)
        if media is None or (media.data is None and not media.uri.startswith(_ADDRESSES)):
            return []
        return [self.signed(part_from_media(media), block)]

    def of_shown_call(self, block: Json, key: str, value: object) -> list[Json]:
        """The part of a call that a block shows; none if it is no longer among `tool_calls`."""
        for index, call in enumerate(self._calls):
            if call.get(key) == value:
                return [self._of_call(self._calls.pop(index), block)]
        return []

    def signed(self, part: Json, block: Json) -> Json:
        """A part with the signature of its block, if it is one of Gemini's."""
        signature = signature_of(block) if self._is_google else None
        return {**part, "thoughtSignature": signature} if signature else part

    def _of_call(self, call: ToolCall, block: Json) -> Json:
        part = {"functionCall": {"name": call["name"], "args": call["args"]}}
        return self.signed(part, {"signature": self._call_signatures.get(call["id"] or ""), **block})

    def _of_code(self, code: CodeBlock) -> Iterator[Json]:
        if id(code) not in self._replayable:
            yield {"text": text_from_code(code)}
        elif isinstance(code, CodeCall):
            part = {"executableCode": {"language": code.language, "code": code.code}}
            yield self.signed(part, {"signature": code.signature})
        else:
            output = {"output": code.output} if code.output else {}
            part = {"codeExecutionResult": {"outcome": code.outcome.value, **output}}
            yield self.signed(part, {"signature": code.signature})
        for image in () if isinstance(code, CodeCall) else code.images:
            yield {"inlineData": {"mimeType": image.mime_type, "data": image.base64}}


def _call_of_functions_api(message: AIMessage) -> list[ToolCall]:
    """The call that OpenAI's functions, which came before its tools, left beside the content.

    Google's packages leave a copy of the first call there, which stays when the user takes that call away.
    """
    call = message.additional_kwargs.get("function_call")
    if not isinstance(call, dict) or message.response_metadata.get("model_provider") in _GOOGLE - {""}:
        return []
    try:
        args = json.loads(call.get("arguments") or "{}")
    except (TypeError, ValueError, RecursionError):
        args = None
    name = str(call.get("name"))
    return [
        tool_call(
            name=name, args=args if isinstance(args, dict) else {"arguments": call["arguments"]}, id=None
        )
    ]


def _call_signatures(message: AIMessage) -> dict[str, str]:
    """Signatures of function calls, by the id of the call; both places where Google's packages keep them."""
    ids = [call["id"] or "" for call in message.tool_calls]
    signatures: dict[Any, Any] = {}
    for block in message.content if isinstance(message.content, list) else []:
        if isinstance(block, dict) and block.get("type") == "function_call_signature":
            index = block.get("index")
            if isinstance(index, int) and 0 <= index < len(ids):
                signatures[ids[index]] = block.get("signature")
    kept = message.additional_kwargs.get(CALL_SIGNATURES_KEY)
    signatures |= kept if isinstance(kept, dict) else {}
    return {call_id: value for call_id, value in signatures.items() if isinstance(value, str)}


# -- one function per kind of block --------------------------------------------------------------------


def _text(value: object) -> list[Json]:
    if value is None:
        return []
    return [{"text": value if isinstance(value, str) else json_text(value)}]


def _prose(answer: _Answer, block: Json) -> list[Json]:
    return [answer.signed(part, block) for part in _text(block.get("text"))]


def _reasoning(answer: _Answer, block: Json) -> list[Json]:
    thought = block.get("thinking", block.get("reasoning", block.get("text")))
    text = thought if isinstance(thought, str) else ""
    part = answer.signed({"text": text, "thought": True}, block)
    return [part] if "thoughtSignature" in part else []


def _call(answer: _Answer, block: Json) -> list[Json]:
    call_id = block.get("call_id") or block.get("id")
    key, value = ("id", call_id) if call_id else ("name", block.get("name"))
    return answer.of_shown_call(block, key, value)


def _tool_use(_answer: _Answer, block: Json) -> list[Json]:
    arguments = block.get("args") or block.get("input") or block.get("partial_json")
    return [{"text": text_from_call(str(block.get("name")), arguments or {})}]


def _tool_result(_answer: _Answer, block: Json) -> list[Json]:
    result = _readable(block.get("output", block.get("content")))
    return [{"text": text_from_response(None, result)}] if result else []


def _raw(answer: _Answer, part: Json) -> list[Json]:
    """A part as it travels, in either spelling."""
    if "text" in part:
        return (_reasoning if part.get("thought") else _prose)(answer, part)
    call = part.get("functionCall") or part.get("function_call")
    if isinstance(call, dict):
        return answer.of_shown_call(part, "name", call.get("name"))
    return answer.of_media(part) or _unknown(part)


def _unknown(block: Json) -> list[Json]:
    kept = {key: value for key, value in block.items() if key not in _BOOKKEEPING and value is not None}
    rest = _readable(kept)
    return [{"text": json_text({"type": block.get("type"), **rest})}] if rest else []


def _readable(value: Any) -> Any:
    """A value without what only its provider can read."""
    if isinstance(value, dict):
        return {key: _readable(item) for key, item in value.items() if not str(key).startswith("encrypted_")}
    return [_readable(item) for item in value] if isinstance(value, list) else value


_ADDRESSES: Final = ("gs://", "https://", "http://")
_BOOKKEEPING: Final = frozenset(
    "type id index status extras signature tool_call_id tool_use_id call_id caller".split()
)
_BY_TYPE: Final[Mapping[str, Callable[[_Answer, Json], Iterable[Json]]]] = {
    **dict.fromkeys(("text", "output_text", "text-plain"), _prose),
    **dict.fromkeys(("thinking", "reasoning", "reasoning_content", "redacted_thinking"), _reasoning),
    "refusal": lambda _, block: _text(block.get("refusal")),
    **dict.fromkeys(("tool_call", "tool_call_chunk", "tool_use", "function_call", "custom_tool_call"), _call),
    **dict.fromkeys(("function_call_signature", "input_json_delta"), lambda *_: []),
    **dict.fromkeys(
        ("server_tool_call", "server_tool_call_chunk", "server_tool_use", "mcp_tool_use"), _tool_use
    ),
    "server_tool_result": _tool_result,
    "non_standard": lambda answer, block: answer.of_block(block.get("value")),
}
