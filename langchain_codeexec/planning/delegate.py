"""The delegate: the function that stands for code execution where a model takes it beside no functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, count
from types import MappingProxyType
from typing import Any, Final

from langchain_codeexec.gemini.wire import FunctionDeclaration

__all__ = ["MOST_DELEGATED", "delegate_function", "output_from_parts", "response_to_call", "task_from_call"]

Json = dict[str, Any]

MOST_DELEGATED: Final[Mapping[str, int]] = MappingProxyType({"ANY": 3, "AUTO": 8})
"""Calls of the delegate in one turn before it is no longer offered, by the mode of the tool choice: where a
function is demanded, the answer is a call, which the delegate only prepares."""

_DESCRIPTION: Final = (
    "Have Python written and run for you, for anything that must be computed exactly: arithmetic, statistics, "
    "dates, text processing, plots. State the whole task with all the values it needs."
)
_TASK: Final = "Write and run Python code for this, and answer from what it prints: "
_NAMES: Final = ("code_execution", "run_python")


def delegate_function(names: set[str]) -> FunctionDeclaration:
    """The declaration of the delegate, under none of the names of the user's functions."""
    free = (name for name in chain(_NAMES, map("code_execution_{}".format, count(2))) if name not in names)
    parameters = {"type": "object", "properties": {"task": {"type": "string"}}, "required": ["task"]}
    return {"name": next(free), "description": _DESCRIPTION, "parametersJsonSchema": parameters}


def task_from_call(function_call: Json) -> str:
    """What the request for code says, for a call of the delegate."""
    args = function_call.get("args")
    task = args.get("task") if isinstance(args, dict) else None
    return f"{_TASK}{task or 'Do what the conversation asks for.'}"


def output_from_parts(parts: Sequence[Json]) -> str:
    """What running code gave, and what was said of it, as the delegate's output."""
    texts = []
    for part in parts:
        if isinstance(result := part.get("codeExecutionResult"), dict):
            texts.append(f"[{result.get('outcome')}] {result.get('output', '')}")
        elif "text" in part and not part.get("thought"):
            texts.append(str(part["text"]))
    return "\n".join(texts)


def response_to_call(function_call: Json, response: Json) -> Json:
    """The part that answers a call of the delegate."""
    ids = {"id": function_call["id"]} if "id" in function_call else {}
    return {"functionResponse": {"name": function_call.get("name", ""), "response": response, **ids}}
