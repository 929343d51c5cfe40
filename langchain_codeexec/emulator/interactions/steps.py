"""Steps as the contents that brains read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from langchain_codeexec.emulator.targets import Target

__all__ = ["Step", "contents_from_steps"]

Step: TypeAlias = dict[str, Any]
_Part: TypeAlias = dict[str, Any]

_OF_USER = frozenset({"user_input", "function_result"})


def contents_from_steps(steps: Sequence[Step], target: Target) -> list[dict[str, Any]]:
    """The steps as contents: those in a row from one side are one; a thought signs what follows it."""
    contents: list[dict[str, Any]] = []
    names = {step["id"]: step["name"] for step in steps if step["type"] == "function_call"}
    signature = ""
    for step in steps:
        kind = step["type"]
        parts = _PARTS.get(kind, _other_tool)(step, names, target)
        if kind == "thought":
            signature = step.get("signature", "")
        elif parts:
            if signature and kind not in _OF_USER:
                parts[0].setdefault("thoughtSignature", signature)
            signature = ""
        role = "user" if kind in _OF_USER else "model"
        if not parts:
            continue
        if contents and contents[-1]["role"] == role:
            contents[-1]["parts"] += parts
        else:
            contents.append({"role": role, "parts": parts})
    return contents


def _signed(part: _Part, step: Step) -> list[_Part]:
    return [{**part, **({"thoughtSignature": step["signature"]} if step.get("signature") else {})}]


def _part_from_content(content: Mapping[str, Any]) -> _Part:
    if content["type"] == "text":
        return {"text": content["text"]}
    mime_type = {"mimeType": content["mime_type"]} if content.get("mime_type") else {}
    if "data" in content:
        return {"inlineData": {**mime_type, "data": content["data"]}}
    return {"fileData": {**mime_type, "fileUri": content.get("uri", "")}}


def _content(step: Step, names: Mapping[str, str], target: Target) -> list[_Part]:
    return [
        part
        for one in step.get("content", ())
        for part in (
            _function_result(one, names, target)
            if one["type"] == "function_result"
            else [_part_from_content(one)]
        )
    ]


def _thought(step: Step, _: Mapping[str, str], __: Target) -> list[_Part]:
    return [{"text": one["text"], "thought": True} for one in step.get("summary", ()) if "text" in one]


def _function_call(step: Step, _: Mapping[str, str], target: Target) -> list[_Part]:
    return _signed(
        {"functionCall": {**_id(step["id"], target), "name": step["name"], "args": step["arguments"]}}, step
    )


def _id(value: str, target: Target) -> dict[str, str]:
    """An id as far as the model's other API knows it; Gemini 2 links calls by name and order."""
    return {"id": value} if target.signs else {}


def _function_result(step: Mapping[str, Any], names: Mapping[str, str], target: Target) -> list[_Part]:
    result = step["result"]
    media: list[_Part] = []
    if isinstance(result, dict) and result.keys() == {"content"} and isinstance(result["content"], list):
        result = result["content"]
    if isinstance(result, list):
        parts = [_part_from_content(one) for one in result if one.get("type") != "function"]
        media = [part for part in parts if "text" not in part]
        result = "\n".join(part["text"] for part in parts if "text" in part)
    response = result if isinstance(result, dict) else {"error" if step.get("is_error") else "result": result}
    name = step.get("name") or names.get(step["call_id"], "")
    part = {"functionResponse": {**_id(step["call_id"], target), "name": name, "response": response}}
    if media:
        part["functionResponse"]["parts"] = media
    return [part]


def _code(step: Step, _: Mapping[str, str], target: Target) -> list[_Part]:
    arguments = step.get("arguments", {})
    language = arguments.get("language", "python").upper()
    code = {**_id(step["id"], target), "language": language, "code": arguments.get("code", "")}
    return _signed({"executableCode": code}, step)


def _code_result(step: Step, _: Mapping[str, str], target: Target) -> list[_Part]:
    result = step.get("result", "")
    if isinstance(result, list):
        result = "".join(one.get("text", "") for one in result)
    outcome = "OUTCOME_FAILED" if step.get("is_error") else "OUTCOME_OK"
    code_result = {**_id(step["call_id"], target), "outcome": outcome, "output": result}
    return _signed({"codeExecutionResult": code_result}, step)


def _other_tool(step: Step, _: Mapping[str, str], target: Target) -> list[_Part]:
    """Another built-in tool's; models that do not take it back read it as a text."""
    if not target.signs or target.endpoint == "vertex":
        return [{"text": json.dumps(step, ensure_ascii=False)}]
    tool, _, side = step["type"].rpartition("_")
    call_id = step.get("id") or step.get("call_id", "")
    field, value = ("args", "arguments") if side == "call" else ("response", "result")
    body = {"id": call_id, "toolType": tool.upper(), field: {value: step.get(value)}}
    return _signed({"toolCall" if side == "call" else "toolResponse": body}, step)


_PARTS: Mapping[str, Callable[[Step, Mapping[str, str], Target], list[_Part]]] = {
    "user_input": _content,
    "model_output": _content,
    "thought": _thought,
    "function_call": _function_call,
    "function_result": _function_result,
    "code_execution_call": _code,
    "code_execution_result": _code_result,
}
