"""Which tools a request may declare together and for which model, and what a function's schema must say.

| endpoint | model | functions together with a built-in tool |
|---|---|---|
| Developer API | Gemini 3 and later | needs `toolConfig.includeServerSideToolInvocations` |
| Vertex | Gemini 3 and later | allowed; the flag is an unknown name |
| both | Gemini 2 and earlier | refused |

On Vertex, Gemini 2 takes a second tool only where all of them search. The wordings were seen in answers of the
services, but for the one of an array without items on Vertex, which is made after its like.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from langchain_codeexec.emulator.parsing import tool_kinds
from langchain_codeexec.emulator.service_errors import invalid, unable
from langchain_codeexec.emulator.targets import Target

__all__ = ["FUNCTION_CALLING", "TOOL_CHECKS", "declares", "no_circulation"]

_Request: TypeAlias = Mapping[str, Any]
_Schema: TypeAlias = Mapping[str, Any]

FUNCTION_CALLING = "multimodal/function-calling"
"""The page of Vertex's documentation that its refusals of functions name."""
_FUNCTIONS = "functionDeclarations"
_SEARCH_TOOLS = frozenset(
    "googleSearch googleSearchRetrieval enterpriseWebSearch retrieval urlContext googleMaps parallelAiSearch "
    "exaAiSearch".split()
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")


def declares(request: _Request, kind: str) -> bool:
    """Whether the request declares a tool of that kind."""
    return kind in tool_kinds(request)


def _declarations(request: _Request) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for index, tool in enumerate(request.get("tools") or []):
        for position, declaration in enumerate(tool.get(_FUNCTIONS) or []):
            yield f"tools[{index}].function_declarations[{position}]", declaration


def _check_names(request: _Request, _: Target) -> None:
    """Refuse function names that are no names, and names declared twice."""
    seen: set[str] = set()
    for place, declaration in _declarations(request):
        name = declaration.get("name", "")
        if not _NAME.fullmatch(name):
            raise invalid(
                f"* GenerateContentRequest.{place}.name: Invalid function name. Must start with a letter "
                "or an underscore. Must be alphameric (a-z, A-Z, 0-9), underscores (_), dots (.), "
                "colons (:), or dashes (-), with a maximum length of 64.\n"
            )
        if name in seen:
            raise invalid(f"Duplicate function declaration found: {name}")
        seen.add(name)


def _check_combination(request: _Request, target: Target) -> None:
    if declares(request, "codeExecution") and not target.runs_code:
        raise invalid(f"Code execution is not enabled for models/{target.model}")
    if text := _forbidden_combination(request, target):
        raise invalid(text)


def _forbidden_combination(request: _Request, target: Target) -> str:
    """The refusal of the tools together, or nothing."""
    kinds = tool_kinds(request)
    mixes = _FUNCTIONS in kinds and len(set(kinds)) > 1
    if target.endpoint == "vertex":
        mixed = not target.signs and len(kinds) > 1 and not set(kinds) <= _SEARCH_TOOLS
        return "Multiple tools are supported only when they are all search tools." if mixed else ""
    flagged = bool((request.get("toolConfig") or {}).get("includeServerSideToolInvocations"))
    if not target.signs:
        if flagged:
            return no_circulation(target)
        return "Tool use with function calling is unsupported" if mixes else ""
    if not mixes or flagged:
        return ""
    return (
        "Please enable tool_config.include_server_side_tool_invocations "
        "to use Built-in tools with Function calling."
    )


def no_circulation(target: Target) -> str:
    """The refusal of tool calls that go back and forth."""
    return f"Tool call context circulation is not enabled for {target.resource}"


def _check_tool_config(request: _Request, target: Target) -> None:
    """Refuse a function calling configuration without functions, except beside Gemini 3's own tools."""
    configured = "functionCallingConfig" in (request.get("toolConfig") or {})
    passes = target.signs and target.endpoint == "developer" and bool(tool_kinds(request))
    if configured and not passes and not any(_declarations(request)):
        raise invalid("Function calling config is set without function_declarations.")


# -- schemas -------------------------------------------------------------------------------------------


def _check_schemas(request: _Request, target: Target) -> None:
    """Refuse what Gemini's subset of OpenAPI does not allow; JSON Schema is not looked into."""
    functions = [(place, one) for place, one in _declarations(request) if one.get("parameters")]
    if target.endpoint == "vertex":
        for _, function in functions:
            _check_on_vertex(function["name"], function["parameters"])
        return
    places = [(f"{place}.parameters", function["parameters"]) for place, function in functions]
    if schema := (request.get("generationConfig") or {}).get("responseSchema"):
        places.append(("generation_config.response_schema", schema))
    faults = [fault for place, schema in places for fault in _faults(schema, place)]
    if faults:
        raise invalid("".join(f"* GenerateContentRequest.{fault}\n" for fault in faults))


def _nested(schema: _Schema) -> Iterator[tuple[str, str, _Schema]]:
    """What a schema holds: its place there as either service writes it, and the schema itself."""
    for name, inner in (schema.get("properties") or {}).items():
        yield f"properties[{name}]", name, inner
    if "items" in schema:
        yield "items", "items", schema["items"]
    for index, inner in enumerate(schema.get("anyOf") or []):
        yield f"any_of[{index}]", f"any_of[{index}]", inner


def _is_typed(schema: _Schema) -> bool:
    return (
        schema.get("type", "TYPE_UNSPECIFIED") != "TYPE_UNSPECIFIED" or "anyOf" in schema or "ref" in schema
    )


def _faults(schema: _Schema, place: str) -> Iterator[str]:
    """What the Developer API says of a schema, line by line."""
    kind = schema.get("type")
    if not _is_typed(schema):
        yield f"{place}.type: must be specified when not using one_of, any_of or all_of fields"
    if kind == "ARRAY" and "items" not in schema:
        yield f"{place}.items: missing field."
    if kind != "ARRAY" and "items" in schema:
        yield f"{place}.items: field predicate failed: $type == Type.ARRAY"
    if kind != "STRING" and schema.get("enum"):
        yield f"{place}.enum: only allowed for STRING type"
    for index, _ in _undefined(schema):
        yield f"{place}.required[{index}]: property is not defined"
    for step, _, inner in _nested(schema):
        yield from _faults(inner, f"{place}.{step}")


def _undefined(schema: _Schema) -> list[tuple[int, str]]:
    """The required names that are no properties."""
    defined = schema.get("properties") or {}
    return [(index, name) for index, name in enumerate(schema.get("required") or []) if name not in defined]


def _check_on_vertex(function: str, parameters: _Schema) -> None:
    subject = f"`{function}` functionDeclaration"
    if parameters.get("type") != "OBJECT":
        raise unable(f"{subject} parameters schema should be of type OBJECT.", FUNCTION_CALLING)
    for path, schema in _walk(parameters, "parameters"):
        if undefined := [name for _, name in _undefined(schema)]:
            text = f"required fields {undefined} are not defined in the schema properties."
            raise unable(text, FUNCTION_CALLING)
        if text := _fault_on_vertex(schema):
            raise unable(f"{subject} `{path}` schema {text}", FUNCTION_CALLING)


def _walk(schema: _Schema, path: str) -> Iterator[tuple[str, _Schema]]:
    yield path, schema
    for _, step, inner in _nested(schema):
        yield from _walk(inner, f"{path}.{step}")


def _fault_on_vertex(schema: _Schema) -> str:
    if not _is_typed(schema):
        return "didn't specify the schema type field."
    if schema.get("type") == "ARRAY" and "items" not in schema:
        return "didn't specify the items field."
    return ""


TOOL_CHECKS: Sequence[Callable[[_Request, Target], None]] = (
    _check_names,
    _check_combination,
    _check_schemas,
    _check_tool_config,
)
"""What is checked of tools, in this order."""
