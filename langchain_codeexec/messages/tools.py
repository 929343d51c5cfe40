"""Tools and tool choices, in any of the ecosystem's spellings, to `tools` and `toolConfig`.

A function's schema travels as JSON Schema (`parametersJsonSchema`) and is not rewritten, so that unions, maps
and `$defs` reach the model as the user wrote them.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, TypeGuard, cast, get_origin

from langchain_core.tools import BaseTool, create_schema_from_function
from langchain_core.utils.function_calling import convert_to_openai_function
from pydantic import BaseModel, TypeAdapter

from langchain_codeexec.errors import CodeExecError, ToolDeclarationError
from langchain_codeexec.gemini.wire import FunctionDeclaration, Tool, ToolConfig, camel_case

__all__ = [
    "CODE_EXECUTION",
    "bound_tools",
    "declares_code_execution",
    "dumped",
    "function_names",
    "functions_in",
    "schema_of",
    "tool_config",
    "wire_tools",
]

Json = dict[str, Any]

CODE_EXECUTION: Final[Tool] = {"codeExecution": {}}

_CODE_TYPE: Final = re.compile(r"code_(?:execution|interpreter)(?:_\d+)?")
"""`type` of code execution in other providers' tool lists; Anthropic's carries a date."""

_BUILT_IN: Final = frozenset(
    "codeExecution googleSearch googleSearchRetrieval urlContext googleMaps fileSearch computerUse retrieval "
    "enterpriseWebSearch mcpServers parallelAiSearch exaAiSearch toolSearch".split()
)
_TOOL_KEYS: Final = _BUILT_IN | {"functionDeclarations"}
_GEMINI_KEYS: Final = frozenset(
    "parametersJsonSchema response responseJsonSchema behavior deferLoading shortDescription".split()
)
_FUNCTION_KEYS: Final = frozenset({"function", "parameters", "input_schema"})
_NAME: Final = re.compile(r"[A-Za-z_][\w.:-]*", re.ASCII)


def wire_tools(tools: Iterable[Any]) -> list[Tool]:
    """Translate tools.

    Args:
        tools: LangChain tools, functions, pydantic and TypedDict classes, JSON schemas, OpenAI's and
            Anthropic's tool dicts, Gemini's built-in tools in either case, `google.genai` tool objects.

    Returns:
        All functions in one entry, each built-in tool in one of its own, in the order given.

    Raises:
        ToolDeclarationError: A tool cannot be declared, or two functions have one name.
    """
    functions: dict[str, Json] = {}
    built_in: dict[str, Any] = {}
    if isinstance(tools, str | bytes | dict) or not isinstance(tools, Iterable):
        raise ToolDeclarationError(f"tools must be a list of tools, not {reprlib.repr(tools)}")
    for tool in tools:
        for kind, declaration in _declared(tool):
            if kind != "functionDeclarations":
                is_list = isinstance(declaration, list) and kind in built_in
                built_in[kind] = [*built_in[kind], *declaration] if is_list else declaration
                continue
            name = _checked_name(declaration)
            if functions.setdefault(name, declaration) != declaration:
                raise ToolDeclarationError(f"two different tools are named {name!r}; rename one of them")
    declared: list[Json] = [{kind: settings} for kind, settings in built_in.items()]
    if functions:
        declared.insert(0, {"functionDeclarations": list(functions.values())})
    return cast("list[Tool]", declared)


def bound_tools(tools: Iterable[Tool]) -> list[Json]:
    """Declarations as a binding keeps them: an entry for each function, in OpenAI's form, which LangGraph reads.

    `wire_tools` makes the same declarations of them again.
    """
    entries: list[Json] = []
    for tool in tools:
        entries += ({kind: settings} for kind, settings in tool.items() if kind != "functionDeclarations")
        entries += (
            {"type": "function", "function": _openai_function(cast("Json", function))}
            for function in tool.get("functionDeclarations", ())
        )
    return entries


def _openai_function(declaration: Json) -> Json:
    """A declaration in OpenAI's form; one with fields that only Gemini knows stays as it is."""
    if not declaration.keys() <= {"name", "description", "parametersJsonSchema"}:
        return declaration
    schema = declaration.get("parametersJsonSchema", {"type": "object", "properties": {}})
    return {
        "name": declaration["name"],
        "description": declaration.get("description", ""),
        "parameters": schema,
    }


def functions_in(tools: Iterable[Tool]) -> list[FunctionDeclaration]:
    """The declared functions, in order."""
    return [function for tool in tools for function in tool.get("functionDeclarations", ())]


def function_names(tools: Iterable[Tool]) -> list[str]:
    """Names of the declared functions, in order."""
    return [str(function.get("name")) for function in functions_in(tools)]


def declares_code_execution(tools: Iterable[Tool]) -> bool:
    """Whether code execution is among the tools."""
    return any("codeExecution" in tool for tool in tools)


def schema_of(schema: Any) -> Json:
    """The JSON Schema of a response schema in any of LangChain's forms, intact.

    Raises:
        ToolDeclarationError: It is none of them.
    """
    if isinstance(schema, dict) and not schema.keys() & _FUNCTION_KEYS:
        return schema
    if _is_model(schema):
        return _model_schema(schema)
    if get_origin(schema) is not None:  # a list or a union of such
        kind: Any = schema
        return TypeAdapter(kind).json_schema()
    declaration = _function(_unwrapped(schema))
    described = {key: declaration[key] for key in ("description",) if key in declaration}
    return {"title": declaration["name"], **described, **declaration.get("parametersJsonSchema", {})}


def _declared(tool: Any) -> list[tuple[str, Any]]:
    """The same, whatever goes wrong in an object that somebody passed as a tool."""
    try:
        return list(_entries(tool))
    except CodeExecError:
        raise
    except Exception as error:
        reason = error if str(error) else type(error).__name__
        raise ToolDeclarationError(f"{reprlib.repr(tool)} cannot be declared: {reason}") from error


def _entries(tool: Any) -> Iterator[tuple[str, Any]]:
    """What one tool declares: pairs of wire key and declaration."""
    if not isinstance(tool, (dict, type, BaseTool)):
        tool = dumped(tool) or tool
    if isinstance(tool, dict):
        yield from _entries_of_dict(tool)
    else:
        yield "functionDeclarations", _function(tool)


def _entries_of_dict(tool: Json) -> Iterator[tuple[str, Any]]:
    kind = tool.get("type")
    if isinstance(kind, str) and _CODE_TYPE.fullmatch(kind):
        yield "codeExecution", {}
        return
    fields = {camel_case(key): value for key, value in tool.items() if value is not None}
    if fields and fields.keys() <= _TOOL_KEYS:
        functions = fields.pop("functionDeclarations", [])
        for function in functions if isinstance(functions, list | tuple) else [functions]:
            yield "functionDeclarations", _gemini_function(function)
        for built_in, settings in fields.items():
            dump = dumped(settings)
            yield built_in, settings if dump is None else dump
        return
    if kind == "mcp_server":
        settings = {key: value for key, value in fields.items() if key not in ("type", "url", "headers")}
        http = {key: fields[key] for key in ("url", "headers") if key in fields}
        yield "mcpServers", [{**settings, "streamableHttpTransport": http}]
        return
    if isinstance(kind, str) and camel_case(kind) in _BUILT_IN:
        yield camel_case(kind), {key: value for key, value in tool.items() if key != "type"}
        return
    function = _unwrapped(tool)
    yield "functionDeclarations", (_gemini_function if _is_gemini_form(function) else _function)(function)


def _unwrapped(tool: Any) -> Any:
    """The function in OpenAI's dict of a tool; anything else as it is."""
    function = tool.get("function") if isinstance(tool, dict) else None
    return function if isinstance(function, dict) else tool


def _is_gemini_form(function: Json) -> bool:
    """Whether a dict is a declaration in Gemini's form: it names the wire's fields, or its types in capitals."""
    parameters = function.get("parameters")
    kind = parameters.get("type") if isinstance(parameters, dict) else None
    if isinstance(kind, str) and kind.isupper():
        return True
    return not _GEMINI_KEYS.isdisjoint(map(camel_case, function))


def _gemini_function(function: Any) -> Json:
    """A declaration in Gemini's own form stays as it is, but for the case of its keys."""
    fields = dumped(function)
    if fields is None:
        return _function(function)
    return {camel_case(key): value for key, value in fields.items() if key != "type" and value is not None}


def _checked_name(declaration: Json) -> str:
    name = declaration.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ToolDeclarationError(
            f"a function is named {name!r}; Gemini takes letters, digits, '_', '.', ':' and '-', beginning with a "
            f"letter or '_'. It was declared as {reprlib.repr(declaration)}"
        )
    return name


def _function(tool: Any) -> Json:
    """A function declaration from anything LangChain takes for a tool."""
    try:
        name, description, schema = _description(tool)
        has_parameters = bool(schema.get("properties") or schema.keys() - {"type", "properties"})
    except Exception as error:
        raise ToolDeclarationError(
            f"{reprlib.repr(tool)} cannot be declared as a function: {error}"
        ) from error
    declaration: Json = {"name": name, **({"description": description} if description else {})}
    if has_parameters:
        declaration["parametersJsonSchema"] = schema
    return declaration


def _description(tool: Any) -> tuple[str, str, Json]:
    """Name, description and parameters of a tool."""
    if isinstance(tool, BaseTool):
        schema = tool.tool_call_schema
        if isinstance(schema, dict) or _is_model(schema):
            return tool.name, tool.description, _parameters(schema)
    elif _is_model(tool):
        schema = _model_schema(tool)
        return tool.__name__, schema.get("description", ""), _parameters(schema)
    elif callable(tool) and not isinstance(tool, type):
        model = create_schema_from_function(
            tool.__name__,
            tool,
            filter_args=(),
            parse_docstring=True,
            error_on_invalid_docstring=False,
            include_injected=False,
        )
        return tool.__name__, (model.__doc__ or "").strip(), _parameters(model)
    try:
        function = convert_to_openai_function(tool)
    except TypeError:  # a TypedDict with NotRequired, which only pydantic reads
        typed: Any = tool
        schema = _root(TypeAdapter(typed).json_schema())
        return typed.__name__, schema.get("description", ""), _parameters(schema)
    return function["name"], function.get("description", ""), function.get("parameters", {})


def _model_schema(model: type[BaseModel]) -> Json:
    return _root(model.model_json_schema())


def _root(schema: Json) -> Json:
    """A recursive model's schema is a reference to itself; here the root has its own keys, as for any other."""
    definitions = schema.get("$defs", {})
    referred = definitions.get(str(schema.get("$ref", "")).removeprefix("#/$defs/"))
    return {**referred, "$defs": definitions} if referred else schema


def _parameters(schema: Any) -> Json:
    """A JSON Schema without the two keys that the declaration itself carries."""
    fields = schema if isinstance(schema, dict) else _model_schema(schema)
    return {key: value for key, value in fields.items() if key not in {"title", "description"}}


def _is_model(tool: Any) -> TypeGuard[type[BaseModel]]:
    return isinstance(tool, type) and issubclass(tool, BaseModel)


def dumped(tool: Any) -> Json | None:
    """A dict, or that of a `google.genai` or Vertex object; both are known by how they turn into one."""
    if isinstance(tool, dict):
        return tool
    if isinstance(tool, BaseModel):
        return tool.model_dump(exclude_none=True, by_alias=True, mode="json")
    to_dict: Any = getattr(tool, "to_dict", None)
    return cast("Json", to_dict()) if callable(to_dict) and not callable(tool) else None


_MODES: Final = {"auto": "AUTO", "any": "ANY", "required": "ANY", "none": "NONE", "validated": "VALIDATED"}
_CODE_CHOICES: Final = frozenset({"code_execution", "codeExecution", "code_interpreter"})
_CONFIG_KEYS: Final = frozenset(
    {"functionCallingConfig", "retrievalConfig", "includeServerSideToolInvocations"}
)
_CALLING_KEYS: Final = frozenset({"mode", "allowedFunctionNames", "streamFunctionCallArguments"})


def tool_config(choice: Any, tools: Sequence[Tool]) -> ToolConfig:
    """Translate a tool choice, which is of functions only and leaves code execution as it is.

    Args:
        choice: `None`, a bool, a mode (`auto`, `any`, `required`, `none`, `validated`), a function's name or
            a list of names, OpenAI's or Anthropic's dict, or Gemini's own `toolConfig` or its
            `functionCallingConfig`, as a dict or an object.
        tools: What the request declares.

    Raises:
        ToolDeclarationError: The choice names a function that is not declared, or is of no known form.
    """
    if choice is None or choice is False:
        return {}
    names = function_names(tools)
    if config := _gemini_config(dumped(choice) or choice):
        return config
    mode, allowed = _mode_and_names(choice, names)
    if unknown := [name for name in allowed if name not in names]:
        raise ToolDeclarationError(
            f"tool_choice names {', '.join(map(repr, unknown))}, "
            f"the declared functions: {', '.join(names) or 'none'}"
        )
    if not names:  # there is nothing to choose, and the service refuses a choice
        return {}
    calling = {"mode": mode, **({"allowedFunctionNames": allowed} if allowed else {})}
    return cast("ToolConfig", {"functionCallingConfig": calling})


def _gemini_config(choice: Any) -> ToolConfig | None:
    """Gemini's own `toolConfig` in either case, given whole or its part on functions; `None` for anything else."""
    if not isinstance(choice, dict):
        return None
    config = {camel_case(key): value for key, value in choice.items()}
    if "mode" in config and config.keys() <= _CALLING_KEYS:
        config = {"functionCallingConfig": config}
    if not config.keys() & _CONFIG_KEYS:
        return None
    calling = config.get("functionCallingConfig")
    if isinstance(calling, dict):
        calling = {camel_case(key): value for key, value in calling.items()}
        if isinstance(mode := calling.get("mode"), str):
            calling["mode"] = mode.upper()
        config["functionCallingConfig"] = calling
    return cast("ToolConfig", config)


def _mode_and_names(choice: Any, names: Sequence[str]) -> tuple[str, list[str]]:
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        return _mode_and_names_allowed(choice.get("allowed_tools") or choice)
    chosen = _named(choice) if isinstance(choice, dict) else choice
    if chosen is True:
        return "ANY", []
    if isinstance(chosen, str):
        if chosen in _CODE_CHOICES and chosen not in names:
            return "NONE", []
        return (_MODES[chosen.lower()], []) if chosen.lower() in _MODES else ("ANY", [chosen])
    if isinstance(chosen, list | tuple) and chosen and all(isinstance(name, str) for name in chosen):
        return "ANY", list(chosen)
    raise ToolDeclarationError(
        f"tool_choice {reprlib.repr(choice)} is of no known form; use a mode ({', '.join(_MODES)}) or a "
        "function's name"
    )


def _mode_and_names_allowed(choice: Json) -> tuple[str, list[str]]:
    """Of OpenAI's list of allowed tools. Beside AUTO, Gemini takes no list; VALIDATED is as free to answer."""
    mode = "ANY" if choice.get("mode") == "required" else "VALIDATED"
    return mode, [str(_named(tool)) for tool in choice.get("tools") or ()]


def _named(choice: Json) -> Any:
    """What OpenAI's or Anthropic's dict chooses: a function's name or a mode."""
    function = choice.get("function")
    return (function if isinstance(function, dict) else choice).get("name") or choice.get("type")
