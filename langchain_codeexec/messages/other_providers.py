"""Answers of other chat models as parts: all that can be read of them, in order.

What the service could refuse is not sent as it is. Ids are left out. Reasoning belongs to the model that made
it and is not sent, except a thought that Gemini itself has signed. What has no part of its own, other
providers' tools and unknown blocks, becomes text; bookkeeping and encrypted content are left out of it.
"""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final, cast

from langchain_codeexec.messages.code_blocks import CodeCall, CodeResult, blocks_with_halves, runs
from langchain_codeexec.messages.history_as_text import code_as_text, result_as_text
from langchain_codeexec.messages.media import parts_from_content

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from langchain_core.messages import AIMessage, ToolCall

    from langchain_codeexec.gemini.wire import Part
    from langchain_codeexec.messages.code_blocks import Half, Run

__all__ = ["foreign_parts"]

Json = dict[str, Any]

_GOOGLE: Final = frozenset({"", "google_genai", "google_vertexai"})  # older releases do not say
_CALL_SIGNATURES: Final = "__gemini_function_call_thought_signatures__"  # of both Google packages


def foreign_parts(message: AIMessage) -> list[Part]:
    """The parts that replay an answer which our chat model did not make.

    Function calls are those of `tool_calls`, each where the content shows it, else at the end. Python that
    ran becomes code parts; any other language, and a result whose code is not there, becomes text.

    Args:
        message: The answer, in any provider's shape, malformed blocks included.

    Returns:
        Parts without ids; none for an answer that says nothing.
    """
    answer = _Answer(message)
    return cast("list[Part]", [part for part in answer.parts() if part != {"text": ""}])


class _Answer:
    """One answer on its way to parts."""

    def __init__(self, message: AIMessage) -> None:
        self._message = message
        self._google = str(message.response_metadata.get("model_provider", "")) in _GOOGLE
        self._blocks = list(blocks_with_halves(message))
        self._native = _native_halves(runs(self._blocks))
        self._calls = list(message.tool_calls)
        self._call_signatures = _call_signatures(message)

    def parts(self) -> Iterator[Json]:
        """All parts, in order."""
        for block, halves in self._blocks:
            for half in halves:
                yield from self.of_run(half)
            if not halves:
                yield from self.of_block(block)
        for call in self._calls:
            yield self.of_call(call)
        yield from _beside_the_content(self._message.additional_kwargs)

    def of_run(self, half: Half) -> Iterator[Json]:
        """The parts of code or of a result."""
        if id(half) not in self._native:
            yield {"text": _in_words(half)}
        elif isinstance(half, CodeCall):
            part = {"executableCode": {"language": half.language, "code": half.code}}
            yield self.signed(part, half.signature)
        else:
            output = {"output": half.output} if half.output else {}
            part = {"codeExecutionResult": {"outcome": half.outcome.value, **output}}
            yield self.signed(part, half.signature)
        for image in half.images if isinstance(half, CodeResult) else ():
            yield {"inlineData": {"mimeType": image.mime_type, "data": b64encode(image.data).decode()}}

    def of_block(self, block: Any) -> Iterable[Json]:
        """The parts of any other block."""
        if not isinstance(block, dict):
            return _text(block)
        kind = block.get("type")
        if not isinstance(kind, str):
            return _raw(self, block)
        if kind.endswith("_tool_result"):
            return _tool_result(self, block)
        return _BY_TYPE.get(kind, _unknown)(self, block)

    def of_shown_call(self, key: str, value: object, signature: object = None) -> Iterable[Json]:
        """The call that a block shows; none if it is no longer among `tool_calls`."""
        for index, call in enumerate(self._calls):
            if call.get(key) == value:
                return [self.of_call(self._calls.pop(index), signature)]
        return []

    def of_call(self, call: ToolCall, signature: object = None) -> Json:
        """The part of a function call."""
        part = {"functionCall": {"name": call["name"], "args": call["args"]}}
        return self.signed(part, signature or self._call_signatures.get(call["id"] or ""))

    def signed(self, part: Json, signature: object) -> Json:
        """A part with the signature that goes with it, if it is one of Gemini's."""
        if self._google and isinstance(signature, str) and signature:
            return {**part, "thoughtSignature": signature}
        return part


def _native_halves(found: list[Run]) -> set[int]:
    """Identities of the halves that can be code parts: Python, and results that have their code."""
    native = [run for run in found if run.call is not None and run.call.language == "PYTHON"]
    return {id(half) for run in native for half in (run.call, run.result)}


def _in_words(half: Half) -> str:
    if isinstance(half, CodeCall):
        return code_as_text(half.code, half.language)
    return result_as_text(half.outcome.value, half.output)


def _call_signatures(message: AIMessage) -> dict[str, object]:
    """Signatures of function calls, by the id of the call; both places where Google's packages keep them."""
    ids = [call["id"] for call in message.tool_calls]
    blocks: Any = message.content if isinstance(message.content, list) else []
    shown: dict[str, object] = {}
    for block in blocks:
        if isinstance(block, dict) and block.get("type") == "function_call_signature":
            index = block.get("index")
            if isinstance(index, int) and 0 <= index < len(ids):
                shown[ids[index] or ""] = block.get("signature")
    kept = message.additional_kwargs.get(_CALL_SIGNATURES)
    return {**shown, **kept} if isinstance(kept, dict) else shown


def _beside_the_content(kwargs: Mapping[str, Any]) -> Iterator[Json]:
    """What releases for Chat Completions keep outside of the content."""
    audio = kwargs.get("audio")
    for said in (kwargs.get("refusal"), audio.get("transcript") if isinstance(audio, dict) else None):
        yield {"text": said if isinstance(said, str) else ""}


# -- one function per kind of block --------------------------------------------------------------------


def _text(value: object) -> Iterable[Json]:
    if isinstance(value, str):
        return [{"text": value}]
    return [] if value is None else [{"text": _compact(value)}]


def _prose(answer: _Answer, block: Json) -> Iterable[Json]:
    return [answer.signed(part, _signature(block)) for part in _text(block.get("text"))]


def _reasoning(answer: _Answer, block: Json) -> Iterable[Json]:
    thought = block.get("thinking", block.get("reasoning", block.get("text")))
    text = thought if isinstance(thought, str) else ""
    part = answer.signed({"text": text, "thought": True}, _signature(block))
    return [part] if "thoughtSignature" in part else []


def _refusal(_answer: _Answer, block: Json) -> Iterable[Json]:
    return _text(block.get("refusal"))


def _call(answer: _Answer, block: Json) -> Iterable[Json]:
    call_id = block.get("call_id") or block.get("id")
    key, value = ("id", call_id) if call_id else ("name", block.get("name"))
    return answer.of_shown_call(key, value, _signature(block))


def _media(answer: _Answer, block: Json) -> Iterable[Json]:
    """Data by value or address; a provider's own file id means nothing to Gemini and becomes text."""
    source = block.get("source")  # Anthropic's
    if isinstance(source, dict):
        block = {**block, **source, "type": block["type"]}
    image_url = block.get("image_url")
    url = image_url.get("url") if isinstance(image_url, dict) else image_url
    mime_type = block.get("mime_type") or block.get("media_type")
    kind = str(mime_type or "image").partition("/")[0]
    standard: Json = {"type": kind if kind in _MEDIA else "file"}
    if isinstance(mime_type, str):
        standard["mime_type"] = mime_type
    data = block.get("base64") or block.get("data")
    uri = url or block.get("url") or block.get("file_uri")
    if isinstance(data, str | bytes):
        standard["base64"] = data
    elif isinstance(uri, str) and uri.startswith(_ADDRESSES):
        standard["url"] = uri
    else:
        return _unknown(answer, block)
    return [answer.signed(part, _signature(block)) for part in parts_from_content([standard])]


def _generated_image(answer: _Answer, block: Json) -> Iterable[Json]:
    if not isinstance(block.get("result"), str):  # only a reference
        return []
    mime_type = f"image/{block.get('output_format') or 'png'}"
    return _media(answer, {"type": "image", "base64": block["result"], "mime_type": mime_type})


def _tool_use(_answer: _Answer, block: Json) -> Iterable[Json]:
    arguments = block.get("args") or block.get("input") or block.get("partial_json")
    return [{"text": f"I used the tool {block.get('name')}: {_compact(arguments or {})}"}]


def _tool_result(_answer: _Answer, block: Json) -> Iterable[Json]:
    result = _readable(block.get("output", block.get("content")))
    return [{"text": f"The tool returned: {_compact(result)}"}] if result else []


def _wrapped(answer: _Answer, block: Json) -> Iterable[Json]:
    return answer.of_block(block.get("value"))


def _nothing(_answer: _Answer, _block: Json) -> Iterable[Json]:
    return []


def _unknown(_answer: _Answer, block: Json) -> Iterable[Json]:
    rest = _readable({key: value for key, value in block.items() if key not in _BOOKKEEPING})
    return [{"text": _compact({"type": block.get("type"), **rest})}] if rest else []


def _raw(answer: _Answer, part: Json) -> Iterable[Json]:
    """A part as it travels, in either spelling."""
    if "text" in part:
        return (_reasoning if part.get("thought") else _prose)(answer, part)
    for key in ("functionCall", "function_call"):
        call = part.get(key)
        if isinstance(call, dict):
            return answer.of_shown_call("name", call.get("name"), _signature(part))
    for key in ("inlineData", "inline_data", "fileData", "file_data"):
        data = part.get(key)
        if isinstance(data, dict):
            block = {"mime_type": data.get("mimeType"), "url": data.get("fileUri"), **data, "type": key}
            return _media(answer, block)
    return _unknown(answer, part)


def _signature(block: Json) -> object:
    extras = block.get("extras")
    kept = extras.get("signature") if isinstance(extras, dict) else None
    return kept or block.get("thought_signature") or block.get("thoughtSignature") or block.get("signature")


def _readable(value: Any) -> Any:
    """A value without what only its provider can read."""
    if isinstance(value, dict):
        return {key: _readable(item) for key, item in value.items() if not str(key).startswith("encrypted_")}
    return [_readable(item) for item in value] if isinstance(value, list) else value


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str, skipkeys=True)


_MEDIA: Final = frozenset({"image", "audio", "video"})
_ADDRESSES: Final = ("data:", "gs://", "https://", "http://")
_BOOKKEEPING: Final = frozenset(
    {
        "type",
        "id",
        "index",
        "status",
        "extras",
        "signature",
        "tool_call_id",
        "tool_use_id",
        "call_id",
        "caller",
    }
)

_BY_TYPE: Final[Mapping[str, Callable[[_Answer, Json], Iterable[Json]]]] = {
    "text": _prose,
    "output_text": _prose,
    "text-plain": _prose,
    **dict.fromkeys(("thinking", "reasoning", "reasoning_content", "redacted_thinking"), _reasoning),
    "refusal": _refusal,
    **dict.fromkeys(("tool_call", "tool_call_chunk", "tool_use", "function_call", "custom_tool_call"), _call),
    **dict.fromkeys(("function_call_signature", "input_json_delta"), _nothing),
    **dict.fromkeys(("image", "audio", "video", "file", "image_url", "media", "document"), _media),
    "image_generation_call": _generated_image,
    **dict.fromkeys(
        ("server_tool_call", "server_tool_call_chunk", "server_tool_use", "mcp_tool_use"), _tool_use
    ),
    "server_tool_result": _tool_result,
    "non_standard": _wrapped,
}
