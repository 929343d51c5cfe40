"""Tools as plain functions of a program: signatures out of JSON Schema, and the check of arguments against it."""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from inspect import cleandoc
from keyword import iskeyword
from typing import Any, Final, get_args, get_type_hints
from unicodedata import normalize

from langchain_core.messages.tool import ToolOutputMixin
from langchain_core.tools import BaseTool
from pydantic import TypeAdapter

from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.executors.calls import HostFunction

__all__ = ["ToolFunction", "functions_of"]

Json = dict[str, Any]

_TYPES: Final[Mapping[str, tuple[str, Any]]] = {
    "string": ("str", str),
    "integer": ("int", int),
    "number": ("float", (int, float)),
    "boolean": ("bool", bool),
    "null": ("None", type(None)),
    "array": ("list", list),
    "object": ("dict", dict),
}
_TAKEN: Final = frozenset({*dir(builtins), "gather"})
"""Names that programs need for what they mean in Python."""
_DEEPEST: Final = 4
"""Levels of a schema that an annotation shows."""
_SHOWN: Final = 80
"""Characters of a value that an error shows."""


@dataclass(frozen=True)
class ToolFunction:
    """A tool as a function of programs.

    Attributes:
        tool: The tool.
        function: What programs see of it.
    """

    tool: BaseTool
    function: HostFunction
    _schema: Json = field(repr=False)
    _names: Mapping[str, str] = field(repr=False)

    def arguments(self, args: Mapping[str, Any]) -> Json:
        """What the tool is to be invoked with: the arguments of a call by the schema's own names.

        Raises:
            ValueError: One is unknown, missing or of the wrong type.
        """
        given = {self._names.get(name, name): value for name, value in args.items()}
        closed = {"additionalProperties": False, **self._schema}
        try:
            problems = list(_problems(given, closed, self._schema, ""))
        except RecursionError:
            problems = ["the arguments are nested too deeply"]
        if problems:
            raise ValueError(f"{self.function.name}: {'; '.join(problems)}")
        return given


def functions_of(tools: Iterable[BaseTool]) -> dict[str, ToolFunction]:
    """Tools as functions, by the names that programs call them by.

    A name that is no identifier, or that means something in Python, is changed: `get-price` is `get_price`,
    `print` is `print_`.

    Raises:
        ConfigurationError: Two of them have one name.
    """
    functions: dict[str, ToolFunction] = {}
    for tool in tools:
        made = _function_of(tool)
        if other := functions.get(made.function.name):
            raise ConfigurationError(
                f"the tools {other.tool.name!r} and {tool.name!r} are both {made.function.name!r} in a program; "
                "rename one"
            )
        functions[made.function.name] = made
    return functions


def _function_of(tool: BaseTool) -> ToolFunction:
    given: Any = tool.tool_call_schema
    dump = getattr(given, "model_json_schema", None) or getattr(given, "schema", None)
    schema: Json = given if isinstance(given, dict) else dump() if dump else {}
    properties: Json = schema.get("properties") or {}
    names = dict(zip(_identifiers(properties), properties, strict=True))
    required = set(schema.get("required") or ())
    ordered = sorted(names.items(), key=lambda item: item[1] not in required)
    parameters = [
        f"{name}: {_type(properties[key], schema)}{'' if key in required else _default(properties[key], schema)}"
        for name, key in ordered
    ]
    if schema.get("additionalProperties"):
        parameters.append(f"**{_identifier('others', names)}: Any")
    notes = [
        note for name, key in ordered if (note := _note(name, properties[key], schema, tool.description))
    ]
    returned = _returned(tool)
    returns = _type(returned, returned)
    if "dict" in returns and (shape := _type(returned, returned, shapes=True)) != returns:
        notes.append(f"returns: {shape}")
    doc = "\n".join([cleandoc(tool.description), *notes]).strip()
    name = _identifier(tool.name, _TAKEN)
    return ToolFunction(tool, HostFunction(name, ", ".join(parameters), returns, doc), schema, names)


def _identifiers(names: Iterable[str]) -> list[str]:
    found: list[str] = []
    for name in names:
        found.append(_identifier(name, found))
    return found


def _identifier(name: str, taken: Iterable[str]) -> str:
    plain = normalize("NFKC", name)  # as Python reads names
    made = "".join(each if f"a{each}".isidentifier() else "_" for each in plain).lstrip("_") or "tool"
    made = f"n{made}" if made[0].isdigit() else made
    while iskeyword(made) or made in taken:
        made += "_"
    return made


def _default(schema: Any, root: Json) -> str:
    """The default of a parameter; `...` where the tool has its own, or one that is large, or of another type."""
    if (
        not isinstance(schema, dict)
        or "default" not in schema
        or any(_problems(schema["default"], schema, root, ""))
    ):
        return " = ..."
    text = repr(schema["default"])
    return (
        f" = {text}"
        if len(text) <= _SHOWN and isinstance(schema["default"], str | int | bool | None)
        else " = ..."
    )


def _note(name: str, schema: Any, root: Json, description: str) -> str:
    """What is to be said of a parameter beside its type."""
    if not isinstance(schema, dict):
        return ""
    text = str(schema.get("description") or "").strip()
    shape = _type(schema, root, shapes=True)
    told = [text if text not in description else "", shape if shape != _type(schema, root) else ""]
    return f"{name}: {'; '.join(filter(None, told))}" if any(told) else ""


def _returned(tool: BaseTool) -> Json:
    """The schema of what a tool returns, as far as it says so."""
    function = getattr(tool, "func", None) or getattr(tool, "coroutine", None) or tool._run  # noqa: SLF001
    try:
        returned = get_type_hints(function).get("return", Any)
        if tool.response_format == "content_and_artifact":
            returned = (get_args(returned) or (Any,))[0]
        if any(isinstance(kind, type) and issubclass(kind, ToolOutputMixin) for kind in _parts(returned)):
            return {}
        return TypeAdapter(returned).json_schema(mode="serialization")
    except Exception:  # noqa: BLE001 -- an annotation can be anything
        return {}


def _parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for each in get_args(annotation):
        yield from _parts(each)


def _resolved(schema: Any, root: Json) -> Any:
    """A schema in the place of a reference to it."""
    for _ in range(8):
        if not isinstance(schema, dict) or "$ref" not in schema:
            return schema
        target: Any = root
        for key in str(schema["$ref"]).removeprefix("#").strip("/").split("/"):
            target = target.get(key, {}) if isinstance(target, dict) else {}
        schema = {**{key: value for key, value in schema.items() if key != "$ref"}, **target}
    return {}


def _type(schema: Any, root: Json, *, shapes: bool = False, depth: int = 0) -> str:
    """A schema as a Python annotation, or with the keys of its objects for people to read."""
    schema = _resolved(schema, root)
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return "Any"

    def inner(each: Any) -> str:
        return _type(each, root, shapes=shapes, depth=depth + 1)

    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if values and all(isinstance(value, str | int | bool | None) for value in values):
        return f"Literal[{', '.join(map(repr, values))}]"
    kind = schema.get("type")
    kinds = [{**schema, "type": each} for each in kind] if isinstance(kind, list) else ()
    if alternatives := schema.get("anyOf") or schema.get("oneOf") or (schema.get("allOf") or ())[:1] or kinds:
        names = list(dict.fromkeys(map(inner, alternatives)))
        return "Any" if "Any" in names else " | ".join(names)
    if kind == "array" and schema.get("items"):
        return f"list[{inner(schema['items'])}]"
    return _object(schema, inner, shapes=shapes) if kind == "object" else _TYPES.get(str(kind), ("Any",))[0]


def _object(schema: Json, inner: Callable[[Any], str], *, shapes: bool) -> str:
    if shapes and (properties := schema.get("properties")):
        required = schema.get("required") or ()
        keys = [f"{key!r}{'' if key in required else '?'}: {inner(each)}" for key, each in properties.items()]
        return f"{{{', '.join(keys)}}}"
    values = schema.get("additionalProperties")
    return f"dict[str, {inner(values)}]" if values and isinstance(values, dict) else "dict"


def _problems(value: Any, schema: Any, root: Json, where: str) -> Iterator[str]:
    """What is wrong with a JSON value."""
    schema = _resolved(schema, root)
    if schema is False:
        yield f"{where} is not allowed"
    if not isinstance(schema, dict):
        return
    for each in schema.get("allOf") or ():
        yield from _problems(value, each, root, where)
    kinds = schema.get("type")
    others = schema.get("anyOf") or schema.get("oneOf") or ()
    fits = (
        (kinds is None or any(_is(value, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)))
        and ("enum" not in schema or _among(value, schema["enum"]))
        and ("const" not in schema or _among(value, [schema["const"]]))
        and (not others or any(not any(_problems(value, each, root, where)) for each in others))
    )
    if not fits:
        shown = json.dumps(value, default=str)
        cut = "…" if len(shown) > _SHOWN else ""
        yield f"{where or 'it'} must be {_type(schema, root, shapes=True)}, not {shown[:_SHOWN]}{cut}"
    elif isinstance(value, dict):
        yield from _problems_of_object(value, schema, root, where)
    elif isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from _problems(item, schema["items"], root, f"{where}[{index}]")


def _problems_of_object(value: Json, schema: Json, root: Json, where: str) -> Iterator[str]:
    properties: Json = schema.get("properties") or {}
    for name in schema.get("required") or ():
        if name not in value:
            yield f"{where}.{name} is missing".lstrip(".")
    for name, each in value.items():
        inside = f"{where}.{name}".lstrip(".")
        if name in properties:
            yield from _problems(each, properties[name], root, inside)
        elif schema.get("additionalProperties") is False:
            yield f"there is no {inside}"
        else:
            yield from _problems(each, schema.get("additionalProperties"), root, inside)


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[kind][1]) if kind in _TYPES else True


def _among(value: Any, values: Iterable[Any]) -> bool:
    return any(value == each and isinstance(value, bool) == isinstance(each, bool) for each in values)
