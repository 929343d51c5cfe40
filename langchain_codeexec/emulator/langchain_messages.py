"""A request as LangChain messages and tools, for a model that knows nothing of Gemini."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from langchain_codeexec.emulator.answering import input_files
from langchain_codeexec.emulator.encoding import bytes_from_base64

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from langchain_codeexec.gemini.wire import Content, GenerateContentRequest, Part

__all__ = ["code_block", "messages_from_request", "result_text", "tools_from_request"]

_OUTCOMES = MappingProxyType(
    {
        "OUTCOME_OK": "The program ran and printed:",
        "OUTCOME_FAILED": "The program failed:",
        "OUTCOME_DEADLINE_EXCEEDED": "The program took too long and was ended:",
    }
)
_SHOWN_OF_A_FILE = 2000


def code_block(code: str) -> str:
    """A program as the model writes it when it wants to run it."""
    return f"```python\n{code.rstrip()}\n```"


def result_text(outcome: str, output: str, images: int = 0) -> str:
    """What a program did, as the model is told it."""
    drawn = f"\nIt drew {images} image(s), which the user sees." if images else ""
    opening = _OUTCOMES.get(outcome, "The program ended:")
    return f"{opening}\n```output\n{output.rstrip() or '(nothing)'}\n```{drawn}"


def tools_from_request(request: GenerateContentRequest) -> list[dict[str, Any]]:
    """The functions that may be called, in OpenAI's form, which every LangChain model that has tools takes."""
    config = (request.get("toolConfig") or {}).get("functionCallingConfig") or {}
    allowed = config.get("allowedFunctionNames") or ()
    return [
        {"type": "function", "function": _function(declaration)}
        for tool in request.get("tools") or []
        for declaration in tool.get("functionDeclarations") or []
        if config.get("mode") != "NONE" and (not allowed or declaration.get("name") in allowed)
    ]


def _function(declaration: Mapping[str, Any]) -> dict[str, Any]:
    schema = declaration.get("parametersJsonSchema") or json_schema(declaration.get("parameters") or {})
    return {
        "name": declaration.get("name", ""),
        "description": declaration.get("description", ""),
        "parameters": schema or {"type": "object", "properties": {}},
    }


def json_schema(schema: Any) -> Any:
    """Gemini's schema as JSON Schema: type names in lower case, `nullable` as a type of its own."""
    if not isinstance(schema, dict):
        return schema
    plain = {name: _SCHEMA_PARTS.get(name, _as_it_is)(value) for name, value in schema.items()}
    plain.pop("propertyOrdering", None)
    if plain.pop("nullable", False) and isinstance(plain.get("type"), str):
        plain["type"] = [plain["type"], "null"]
    return plain


def _as_it_is(value: Any) -> Any:
    return value


_SCHEMA_PARTS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "type": lambda value: value.lower() if isinstance(value, str) else value,
        "items": json_schema,
        "properties": lambda value: {name: json_schema(one) for name, one in value.items()},
        "anyOf": lambda value: [json_schema(one) for one in value],
    }
)


def messages_from_request(request: GenerateContentRequest) -> list[AnyMessage]:
    """The contents as messages: code as fenced blocks, what it printed as the user's words."""
    reader = _Reader(request)
    return [message for content in request.get("contents") or [] for message in reader.messages(content)]


class _Reader:
    """Goes through the contents once, in order: files are numbered, responses find their calls."""

    def __init__(self, request: GenerateContentRequest) -> None:
        self._files = iter(input_files(request))
        self._open_calls: list[dict[str, Any]] = []
        self._calls = 0

    def messages(self, content: Content) -> Iterator[AnyMessage]:
        parts = content.get("parts") or []
        if content.get("role") == "model":
            yield from self._model_turn(parts)
            return
        for part in parts:
            if "functionResponse" in part:
                yield self._response(part["functionResponse"])
        blocks = [block for part in parts for block in self._user_blocks(part)]
        if all(block["type"] == "text" for block in blocks):
            if blocks:
                yield HumanMessage("\n".join(block["text"] for block in blocks))
        else:
            yield HumanMessage(content_blocks=blocks)

    def _model_turn(self, parts: list[Part]) -> Iterator[AnyMessage]:
        """One message up to every result, which is told by the user's side."""
        said: list[str] = []
        calls: list[dict[str, Any]] = []
        for part in parts:
            if part.get("thought"):
                continue
            if "text" in part:
                said.append(part["text"])
            elif "executableCode" in part:
                said.append(f"\n{code_block(part['executableCode'].get('code', ''))}\n")
            elif "codeExecutionResult" in part:
                yield AIMessage("".join(said).strip())
                said = []
                result = part["codeExecutionResult"]
                yield HumanMessage(result_text(result.get("outcome", ""), result.get("output", "")))
            elif "functionCall" in part:
                calls.append(self._call(part["functionCall"]))
        if said or calls:
            yield AIMessage("".join(said).strip(), tool_calls=calls)
        self._open_calls = calls

    def _call(self, call: Mapping[str, Any]) -> dict[str, Any]:
        self._calls += 1
        name, arguments = call.get("name", ""), call.get("args") or {}
        return {"name": name, "args": arguments, "id": call.get("id") or f"call_{self._calls}"}

    def _response(self, response: Mapping[str, Any]) -> ToolMessage:
        """Gemini 2 links a response to its call by name and order, Gemini 3 by id."""
        name = response.get("name", "")
        fitting = [call for call in self._open_calls if call["id"] == response.get("id")]
        fitting += [call for call in self._open_calls if call["name"] == name]
        call_id = fitting[0]["id"] if fitting else response.get("id") or name
        self._open_calls = [call for call in self._open_calls if call["id"] != call_id]
        text = json.dumps(response.get("response") or {}, ensure_ascii=False)
        return ToolMessage(text, tool_call_id=call_id, name=name)

    def _user_blocks(self, part: Part) -> Iterator[Any]:
        if "text" in part:
            yield {"type": "text", "text": part["text"]}
        elif "inlineData" in part:
            yield from self._file(part["inlineData"])
        elif "fileData" in part:
            yield {"type": "text", "text": f"(a file at {part['fileData'].get('fileUri', '')})"}

    def _file(self, blob: Mapping[str, Any]) -> Iterator[Any]:
        """An image is shown; of a text the beginning is; the rest has a name."""
        name, mime_type = next(self._files).name, blob.get("mimeType", "")
        yield {"type": "text", "text": f"(the file {name}, {mime_type})"}
        if mime_type.startswith("image/"):
            yield {"type": "image", "base64": blob.get("data", ""), "mime_type": mime_type}
        elif mime_type.startswith("text/"):
            text = bytes_from_base64(blob.get("data", "")).decode("utf-8", "replace")
            yield {"type": "text", "text": text[:_SHOWN_OF_A_FILE]}
