"""Function calls that a model wrote as text.

Gemini at times emits `print(default_api.get_weather(city="Paris"))` as executable code where it meant to call the
declared function `get_weather`. The sandbox knows no such function, so the run can only fail. Or the service
notices, ends the answer with MALFORMED_FUNCTION_CALL, and tells the call in the finish message: in Python, or from
Gemini 3 on as `call:default_api:get_weather{city:"Paris"}`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from math import inf
from typing import Any, Final

from langchain_codeexec.executors.gemini_programs import UNREADABLE
from langchain_codeexec.gemini.wire import FunctionDeclaration

__all__ = ["Repair"]

Json = dict[str, Any]

_PREFIX: Final = re.compile(r"^default_api[.:]")
_LABEL: Final = re.compile(r"^(?:\w+ )+call:")
_FENCE: Final = re.compile(r"^```\w*\n?|\n?```$")
_WRITTEN: Final = re.compile(r"call:([\w.:-]+?)\s*\(?\s*(\{.*\})\s*\)?", re.DOTALL)
_NEXT: Final = re.compile(r"(?<=[})])[\s,;]*(?=call:)")
_DELIMITED: Final = re.compile(r"<(ctrl46|escape)>(.*?)<\1>", re.DOTALL)
"""Texts between the control tokens that delimit them for the model."""
_INFINITE: Final = (inf, -inf)
_NAMED: Final[Mapping[str, Any]] = {"true": True, "false": False, "null": None}


class Repair:
    """Turns such text into calls of the declared functions, part by part; the chunks of a stream in order."""

    def __init__(self, functions: Sequence[FunctionDeclaration]) -> None:
        self._parameters = {str(function.get("name")): _parameters(function) for function in functions}
        self._repaired = False

    def parts(self, parts: Sequence[Json]) -> list[Json]:
        """The parts with calls in place of code that was meant as calls, less the failed result of such code."""
        return [repaired for part in parts for repaired in self._part(part)]

    def calls_in_message(self, message: Any) -> list[Json]:
        """The calls that the finish message of a malformed call tells, as parts; none where it cannot be read."""
        text = _FENCE.sub("", _LABEL.sub("", str(message)).strip()).strip()
        calls = self._all_written(text) if text.startswith("call:") else self._calls(text)
        return [{"functionCall": call} for call in calls or ()]

    def _part(self, part: Json) -> list[Json]:
        if "codeExecutionResult" in part and self._repaired:
            return []
        called = part.get("functionCall")
        if isinstance(called, dict) and (name := self._declared(called.get("name"))) != called.get("name"):
            return [{**part, "functionCall": {**called, "name": name}}]
        code = part.get("executableCode")
        if not isinstance(code, dict):
            return [part]
        calls = self._calls(code.get("code"))
        self._repaired = bool(calls)
        if not calls:
            return [part]
        around = {key: value for key, value in part.items() if key != "executableCode"}
        first, *others = [{"functionCall": call} for call in calls]
        return [{**first, **around}, *others]

    def _declared(self, name: Any) -> Any:
        """The name of a call, without the prefix under which no function is declared."""
        bare = _PREFIX.sub("", str(name))
        return bare if bare in self._parameters and name not in self._parameters else name

    def _calls(self, code: Any) -> list[Json] | None:
        """The calls that a program consists of; `None` if it holds anything else."""
        if not isinstance(code, str) or not any(name in code for name in self._parameters):
            return None
        try:
            return [self._call(expression) for expression in _expressions(ast.parse(code))]
        except _UNREADABLE:
            return None

    def _all_written(self, text: str) -> list[Json] | None:
        try:
            return [self._written(call) for call in _NEXT.split(text)]
        except _UNREADABLE:
            return None

    def _written(self, text: str) -> Json:
        written = _WRITTEN.fullmatch(text)
        name = self._declared(written[1]) if written else ""
        if written is None or name not in self._parameters:
            raise ValueError(text)
        args = _DELIMITED.sub(lambda delimited: repr(delimited[2]), written[2])
        return {"name": name, "args": _value(ast.parse(args, mode="eval").body)}

    def _call(self, expression: ast.expr) -> Json:
        if not isinstance(expression, ast.Call):
            raise TypeError(expression)
        # `f` of `f(...)` and of `default_api.f(...)`; dotted names count as a whole as well.
        name = _PREFIX.sub("", ast.unparse(expression.func))
        names = self._parameters.get(name)
        if names is None or len(names) < len(expression.args):
            raise ValueError(name)
        args = dict(zip(names, map(_value, expression.args), strict=False))
        for keyword, value in _keywords(expression).items():
            # `from` cannot be written as a keyword in Python, which has `from_` for it.
            bare = keyword.removesuffix("_")
            args[bare if bare in names and keyword not in names else keyword] = value
        return {"name": name, "args": args}


_UNREADABLE: Final = (*UNREADABLE, TypeError)
"""What reading raises for text that is no code, no call or no literal."""


def _expressions(program: ast.Module) -> list[ast.expr]:
    """The expressions that a program consists of, those printed or listed one by one; names of theirs are none."""
    expressions: list[ast.expr] = []
    names = set()
    for statement in program.body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            continue
        if not isinstance(statement, ast.Expr | ast.Assign):
            raise TypeError(statement)
        match statement.value:
            case ast.Call(func=ast.Name("print"), args=values, keywords=[]):
                pass
            case ast.List(elts=values) | ast.Tuple(elts=values):
                pass
            case value:
                values = [value]
        expressions += [value for value in values if not (isinstance(value, ast.Name) and value.id in names)]
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return expressions


def _value(node: ast.expr) -> Any:
    """The JSON value of a literal; an object may be written as the call of a class.

    Raises:
        ValueError: It is no literal, or one that JSON does not have.
    """
    match node:
        case ast.Constant(value=str() | int() | float() | None as value) if value not in _INFINITE:
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_value(item) for item in items]
        case ast.Dict(keys=keys, values=values):
            return {_key(key): _value(each) for key, each in zip(keys, values, strict=True)}
        case ast.Name(id=name) if name in _NAMED:
            return _NAMED[name]
        case ast.Call(func=function, args=[]) if _makes_an_object(function):
            return _keywords(node)
    raise ValueError(node)


def _key(node: ast.expr | None) -> str:
    if isinstance(node, ast.Name):
        return node.id
    value = None if node is None else _value(node)
    if isinstance(value, str):
        return value
    raise ValueError(node)


def _makes_an_object(function: ast.expr) -> bool:
    """Whether a call stands for an object: of `dict`, of a class, or of anything that the API is said to have."""
    dotted = ast.unparse(function)
    return dotted == "dict" or dotted[:1].isupper() or dotted.startswith("default_api.")


def _keywords(call: ast.Call) -> Json:
    if any(keyword.arg is None for keyword in call.keywords):  # **values
        raise ValueError(call)
    return {str(keyword.arg): _value(keyword.value) for keyword in call.keywords}


def _parameters(function: FunctionDeclaration) -> list[str]:
    schema: Mapping[str, Any] = function.get("parametersJsonSchema") or function.get("parameters") or {}
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return list(properties) if isinstance(properties, dict) else []
