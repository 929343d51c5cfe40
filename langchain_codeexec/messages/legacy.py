"""The content that Google's packages give without `output_version="v1"`: texts, and blocks of kinds of their own.

Such messages are replayed as those of `ChatGoogleGenerativeAI` are. What that package has no block for stays
LangChain's standard block; citations are in `response_metadata["grounding_metadata"]` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar, cast

from langchain_core.messages import AIMessage

from langchain_codeexec.gemini.capabilities import generation

__all__ = ["LegacyContent"]

Json = dict[str, Any]
_BLOCKS_ONLY: Final = 3
_Message = TypeVar("_Message", bound=AIMessage)


class LegacyContent:
    """Gives messages, or the chunks of one, that content.

    Args:
        model: Who answers. From Gemini 3 on texts are blocks; before, a text is a plain string where no
            signature or thought is beside it.
    """

    def __init__(self, model: str) -> None:
        self._blocks_only = generation(model) >= _BLOCKS_ONLY
        self._empty: str | list[Any] = [] if self._blocks_only else ""

    def message(self, message: _Message) -> _Message:
        """A message with standard blocks as one with Google's."""
        metadata = {key: value for key, value in message.response_metadata.items() if key != "output_version"}
        return message.model_copy(update={"content": self._content(message), "response_metadata": metadata})

    def _content(self, message: AIMessage) -> str | list[Any]:
        items: list[Any] = []
        for block in cast("list[Json]", message.content):
            convert = _CONVERTED.get(block["type"])
            converted = block if convert is None else convert(block)
            if converted.get("type") == "thinking":
                self._blocks_only = True
            if converted.get("type") != "text":
                items += [converted] if converted else []
            elif self._blocks_only or "extras" in converted:
                items += [converted] if converted["text"] or "extras" in converted else []
            elif items and isinstance(items[-1], str):
                items[-1] += converted["text"]
            else:
                items.append(converted["text"])
        if len(items) == 1 and isinstance(items[0], str):
            return items[0]
        return items or self._empty


def _text(block: Json) -> Json:
    converted = {key: value for key, value in block.items() if key not in {"extras", "annotations"}}
    signature = block.get("extras", {}).get("signature")
    return {**converted, "extras": {"signature": signature}} if signature else converted


def _thinking(block: Json) -> Json:
    return {"type": "thinking", "thinking": block["reasoning"], **_signature(block), **_index(block)}


def _code(block: Json) -> Json:
    if block["name"] != "code_interpreter":
        return block
    code = {"executable_code": block["args"]["code"], "language": block["args"]["language"]}
    return {"type": "executable_code", **code, "id": block["id"], **_signature(block), **_index(block)}


def _result(block: Json) -> Json:
    if "outcome" not in block.get("extras", {}):
        return block
    return {
        "type": "code_execution_result",
        "code_execution_result": block["output"],
        "outcome": 1 if block["status"] == "success" else 2,
        "tool_call_id": block["tool_call_id"],
        **_signature(block),
        **_index(block),
    }


def _image(block: Json) -> Json:
    if "base64" not in block:
        return block
    url = {"url": f"data:{block['mime_type']};base64,{block['base64']}"}
    extras = {"extras": signature} if (signature := _signature(block)) else {}
    return {"type": "image_url", "image_url": url, **extras, **_index(block)}


def _signature(block: Json) -> Json:
    signature = block.get("extras", {}).get("signature")
    return {"signature": signature} if signature else {}


def _index(block: Json) -> Json:
    return {"index": block["index"]} if "index" in block else {}


_CONVERTED: Final[Mapping[str, Callable[[Json], Json]]] = {
    "text": _text,
    "reasoning": _thinking,
    "server_tool_call": _code,
    "server_tool_result": _result,
    "image": _image,
    **dict.fromkeys(("tool_call", "tool_call_chunk"), lambda _: {}),  # they are the message's tool calls
}
