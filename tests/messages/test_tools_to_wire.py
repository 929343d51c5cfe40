"""Tools in every spelling of the ecosystem become Gemini's, their schemas intact."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Annotated, Any, Literal

import pytest
from google.genai import types
from langchain.tools import ToolRuntime
from langchain_core.tools import InjectedToolArg, InjectedToolCallId, StructuredTool, tool
from langgraph.prebuilt import InjectedState
from pydantic import BaseModel, Field
from typing_extensions import NotRequired, TypedDict  # noqa: UP035 -- pydantic reads this one before 3.12

from langchain_codeexec.errors import ToolDeclarationError
from langchain_codeexec.messages.tools import function_names, schema_of, wire_tools

CODE = [{"codeExecution": {}}]
INT = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
GEMINI_INT = {"type": "OBJECT", "properties": {"a": {"type": "INTEGER"}}}


def declared(*functions: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"functionDeclarations": list(functions)}]


def bare(schema: Any) -> Any:
    """A schema without the titles pydantic puts everywhere."""
    if isinstance(schema, list):
        return [bare(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: bare(value) for key, value in schema.items() if not (key == "title" and isinstance(value, str))
    }


# -- code execution and other built-in tools -----------------------------------------------------------


@pytest.mark.parametrize(
    "spelling",
    [
        {"code_execution": {}},
        {"codeExecution": {}},
        {"type": "code_execution"},
        {"type": "code_interpreter"},
        {"type": "code_interpreter", "container": {"type": "auto"}},
        {"type": "code_execution_20250825", "name": "code_execution"},
        {"code_execution": types.ToolCodeExecution()},
        types.Tool(code_execution=types.ToolCodeExecution()),
    ],
)
def test_code_execution_in_every_spelling(spelling: Any) -> None:
    assert wire_tools([spelling]) == CODE
    assert wire_tools([spelling, {"code_execution": {}}]) == CODE


@pytest.mark.parametrize(
    ("spelling", "wire"),
    [
        ({"google_search": {}}, {"googleSearch": {}}),
        ({"googleSearch": {}}, {"googleSearch": {}}),
        ({"type": "google_search"}, {"googleSearch": {}}),
        ({"type": "url_context"}, {"urlContext": {}}),
        ({"google_maps": {"enable_widget": True}}, {"googleMaps": {"enable_widget": True}}),
        ({"type": "google_maps", "enable_widget": True}, {"googleMaps": {"enable_widget": True}}),
        ({"retrieval": {"vertexAiSearch": {}}}, {"retrieval": {"vertexAiSearch": {}}}),
        ({"enterprise_web_search": {}}, {"enterpriseWebSearch": {}}),
        ({"google_search": types.GoogleSearch(exclude_domains=["x"])}, {"googleSearch": {"excludeDomains": ["x"]}}),
        (types.Tool(google_search=types.GoogleSearch()), {"googleSearch": {}}),
        (types.Tool(url_context=types.UrlContext()), {"urlContext": {}}),
    ],
)  # fmt: skip
def test_other_built_in_tools_are_passed_on(spelling: Any, wire: dict[str, Any]) -> None:
    assert wire_tools([spelling]) == [wire]


# -- functions -----------------------------------------------------------------------------------------


def add(a: int, b: float = 0.5) -> float:
    """Add two numbers.

    Args:
        a: The first one.
        b: The second one.
    """
    return a + b


ADD = {
    "name": "add",
    "description": "Add two numbers.",
    "parametersJsonSchema": {
        "type": "object",
        "properties": {
            "a": {"type": "integer", "description": "The first one."},
            "b": {"type": "number", "description": "The second one.", "default": 0.5},
        },
        "required": ["a"],
    },
}


async def aadd(a: int) -> int:
    """Add."""
    return a


def undocumented(a: int): ...


@tool(parse_docstring=True)
def documented(a: int) -> int:
    """Add.

    Args:
        a: The number.
    """
    return a


@tool
def injected(
    a: int,
    secret: Annotated[str, InjectedToolArg],
    call_id: Annotated[str, InjectedToolCallId],
    state: Annotated[dict, InjectedState],
    runtime: ToolRuntime,
) -> int:
    """Add."""
    return a


class Inner(BaseModel):
    """What is inside."""

    either: int | str
    counts: dict[str, int]
    maybe: float | None = None


class Tree(BaseModel):
    """A tree."""

    inner: Inner
    kind: Literal["leaf", "branch"] = Field(default="leaf", description="Its kind.")
    branches: list[Tree] = []


TREE = {
    "type": "object",
    "properties": {
        "inner": {"$ref": "#/$defs/Inner"},
        "kind": {"type": "string", "enum": ["leaf", "branch"], "default": "leaf", "description": "Its kind."},
        "branches": {"type": "array", "items": {"$ref": "#/$defs/Tree"}, "default": []},
    },
    "required": ["inner"],
}
INNER = {
    "type": "object",
    "description": "What is inside.",
    "properties": {
        "either": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
        "maybe": {"anyOf": [{"type": "number"}, {"type": "null"}], "default": None},
    },
    "required": ["either", "counts"],
}
DEFINITIONS = {"Inner": INNER, "Tree": {"description": "A tree.", **TREE}}


class Movie(TypedDict):
    """A movie."""

    name: Annotated[str, ..., "Its name."]
    year: int


class Sequel(TypedDict):
    """A sequel."""

    name: str
    year: NotRequired[int]


MOVIE = {
    "type": "object",
    "properties": {"name": {"type": "string", "description": "Its name."}, "year": {"type": "integer"}},
    "required": ["name", "year"],
}
SEQUEL = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "year": {"type": "integer"}},
    "required": ["name"],
}
MAYBE = {"type": "object", "properties": {"a": {"type": ["integer", "null"]}}}
SNAKE = {"type": "object", "properties": {"a_b": {}}}
F = {"name": "f", "description": "F."}


def described(name: str, description: str, schema: Any) -> dict[str, Any]:
    return {"name": name, "description": description, "parametersJsonSchema": schema}


F_INT = described("f", "F.", INT)
SPELLINGS: dict[str, tuple[Any, dict[str, Any]]] = {
    "function with a Google docstring": (add, ADD),
    "coroutine": (aadd, described("aadd", "Add.", INT)),
    "no docstring": (undocumented, {"name": "undocumented", "parametersJsonSchema": INT}),
    "@tool": (
        documented,
        described("documented", "Add.", {**INT, "properties": {"a": {"type": "integer", "description": "The number."}}}),
    ),
    "injected arguments": (injected, described("injected", "Add.", INT)),
    "tool with a JSON Schema": (
        StructuredTool.from_function(add, name="f", description="F.", args_schema=INT), F_INT,
    ),
    "no arguments": (StructuredTool.from_function(lambda: 1, name="f", description="F."), F),
    "pydantic, recursive": (Tree, described("Tree", "A tree.", {**TREE, "$defs": DEFINITIONS})),
    "pydantic": (
        Inner,
        described("Inner", "What is inside.", {key: value for key, value in INNER.items() if key != "description"}),
    ),
    "TypedDict": (Movie, described("Movie", "A movie.", MOVIE)),
    "TypedDict, not all required": (Sequel, described("Sequel", "A sequel.", SEQUEL)),
    "JSON Schema": ({"title": "f", "description": "F.", **MAYBE}, described("f", "F.", MAYBE)),
    "OpenAI": ({"type": "function", "function": {**F, "parameters": INT, "strict": True}}, F_INT),
    "OpenAI Responses": ({"type": "function", **F, "parameters": INT}, F_INT),
    "Anthropic": ({**F, "input_schema": INT}, F_INT),
    "Gemini's own, with its own schema": ({**F, "parameters": GEMINI_INT}, {**F, "parameters": GEMINI_INT}),
    "Gemini's own, with a JSON Schema": ({**F, "parameters_json_schema": INT}, F_INT),
    "Gemini's own tool": ({"function_declarations": [{"name": "f", "parameters": INT}]}, {"name": "f", "parameters": INT}),
    "Gemini's own tool, holding a function": ({"functionDeclarations": [add]}, ADD),
    "google.genai declaration": (
        types.FunctionDeclaration(**F, parameters=types.Schema(**GEMINI_INT)), {**F, "parameters": GEMINI_INT},
    ),
    "google.genai declaration, with a JSON Schema": (
        types.FunctionDeclaration(name="f", parameters_json_schema=SNAKE), {"name": "f", "parametersJsonSchema": SNAKE},
    ),
    "google.genai tool": (types.Tool(function_declarations=[types.FunctionDeclaration(**F)]), F),
}  # fmt: skip


@pytest.mark.parametrize(("spelling", "function"), SPELLINGS.values(), ids=SPELLINGS)
def test_functions_in_every_spelling(spelling: Any, function: dict[str, Any]) -> None:
    assert bare(wire_tools([spelling])) == declared(function)


@pytest.mark.filterwarnings("ignore:.*including_default_value_fields:DeprecationWarning")
@pytest.mark.filterwarnings("ignore::UserWarning:vertexai.*")
def test_tools_of_the_vertex_library() -> None:
    generative_models = pytest.importorskip("vertexai.generative_models")
    function = generative_models.FunctionDeclaration(name="f", description="F.", parameters=INT)

    [declared_tool] = wire_tools([generative_models.Tool.from_function_declarations([function])])

    [found] = declared_tool["functionDeclarations"]
    assert found["parameters"]["properties"] == {"a": {"type": "INTEGER"}}


def test_functions_share_one_entry_and_built_in_tools_have_their_own() -> None:
    tools = [
        {"google_search": {}},
        add,
        {"function_declarations": [{"name": "f"}], "code_execution": {}},
        aadd,
    ]

    translated = wire_tools(tools)

    assert [key for entry in translated for key in entry] == [
        "functionDeclarations", "googleSearch", "codeExecution",
    ]  # fmt: skip
    assert function_names(translated) == ["add", "f", "aadd"]
    assert wire_tools(translated) == translated


def test_two_functions_of_one_name_are_refused() -> None:
    assert wire_tools([add, add]) == wire_tools([add])
    with pytest.raises(ToolDeclarationError, match="two different tools are named 'add'; rename"):
        wire_tools([add, {"name": "add", "description": "Another one.", "parameters": INT}])


class Unspeakable(BaseModel):
    """No JSON Schema can say what a callable is."""

    callback: Callable[[], None]


class Callee:
    def __call__(self, a: int) -> int:
        return a


@pytest.mark.parametrize(
    "no_tool",
    [
        42, "search", None, {}, [add], object(), int, {"foo": 1}, {"type": "function"}, {"type": "web_search"},
        {"type": "function", "function": {}}, {"name": 5, "parameters": {}}, {"code_execution": None},
        {"function_declarations": 42}, {"function_declarations": [42]}, {"function_declarations": [{"description": "x"}]},
        types.Tool(), lambda a: a, functools.partial(add, 1), Unspeakable, Callee(), {1: 2},
    ],

)  # fmt: skip
def test_what_is_no_tool_is_refused(no_tool: Any) -> None:
    with pytest.raises(ToolDeclarationError):
        wire_tools([no_tool])


# -- response schemas ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "schema"),
    [
        (INT, INT),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        ({"type": "array", "items": INT}, {"type": "array", "items": INT}),
        (Inner, INNER),
        (Tree, {"description": "A tree.", **TREE, "$defs": DEFINITIONS}),
        ({"type": "function", "function": {"name": "f", "description": "F.", "parameters": INT}}, {"description": "F.", **INT}),
        ({"name": "f", "parameters": INT}, INT),
        (Movie, {"description": "A movie.", **MOVIE}),
    ],
)  # fmt: skip
def test_response_schemas_in_every_form(given: Any, schema: dict[str, Any]) -> None:
    assert bare(schema_of(given)) == schema


@pytest.mark.parametrize("given", [42, "x", None, int])
def test_what_is_no_schema_is_refused(given: Any) -> None:
    with pytest.raises(ToolDeclarationError):
        schema_of(given)
