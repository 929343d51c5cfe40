"""Function calls that a model wrote as code.

Gemini at times emits `print(default_api.get_weather(city="Paris"))` as executable code where it meant to
call the declared function `get_weather`. The sandbox knows no such function, so the run can only fail.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_codeexec.gemini.wire import FunctionDeclaration

__all__ = ["Repair"]

Json = dict[str, Any]


class Repair:
    """Turns such code into function calls, part by part.

    Args:
        functions: The declared functions.
    """

    def __init__(self, functions: Sequence[FunctionDeclaration]) -> None:
        self._parameters = {str(function.get("name")): _parameters(function) for function in functions}
        self._repaired = False

    def parts(self, parts: Sequence[Json]) -> list[Json]:
        """The parts with calls in place of code that was meant as calls, less the failed result of such code.

        Args:
            parts: Parts of a response or of a chunk; the chunks of one stream in order.
        """
        return [repaired for part in parts for repaired in self._part(part)]

    def _part(self, part: Json) -> list[Json]:
        if "codeExecutionResult" in part and self._repaired:
            return []
        code = part.get("executableCode")
        calls = self._calls(code.get("code")) if isinstance(code, dict) else None
        self._repaired = bool(calls)
        if not calls:
            return [part]
        around = {key: value for key, value in part.items() if key != "executableCode"}
        first, *others = [{"functionCall": call} for call in calls]
        return [{**first, **around}, *others]

    def _calls(self, code: Any) -> list[Json] | None:
        """The calls that a program consists of; `None` if it holds anything else."""
        if not isinstance(code, str) or not any(name in code for name in self._parameters):
            return None
        try:
            calls = [self._call(statement) for statement in ast.parse(code).body]
        except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
            return None  # what `ast` raises for text that is no code, no literal, or nested too deeply
        return None if None in calls else [call for call in calls if call]

    def _call(self, statement: ast.stmt) -> Json | None:
        if not isinstance(statement, ast.Expr | ast.Assign):
            return None
        call = _unprinted(statement.value)
        if not isinstance(call, ast.Call):
            return None
        name = _name(call.func)
        if name not in self._parameters:
            return None
        positional = dict(zip(self._parameters[name], map(ast.literal_eval, call.args), strict=False))
        named = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
        if None in named or len(positional) < len(call.args):
            return None
        return {"name": name, "args": {**positional, **named}}


def _unprinted(expression: ast.expr) -> ast.expr:
    """The one argument of `print`, or the expression itself."""
    if isinstance(expression, ast.Call) and _name(expression.func) == "print" and len(expression.args) == 1:
        return expression.args[0]
    return expression


def _name(function: ast.expr) -> str:
    """`f` of `f(...)` and of `default_api.f(...)`; dotted names count as a whole as well."""
    dotted = ast.unparse(function)
    return dotted.removeprefix("default_api.")


def _parameters(function: FunctionDeclaration) -> list[str]:
    schema: Mapping[str, Any] = function.get("parametersJsonSchema") or function.get("parameters") or {}
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return list(properties) if isinstance(properties, dict) else []
