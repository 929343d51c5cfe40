"""Answers that are objects, computed by code where that is needed."""

from typing import Any

import pytest
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage
from pydantic import BaseModel, TypeAdapter
from typing_extensions import NotRequired, TypedDict  # noqa: UP035 -- pydantic reads this one before 3.12

from langchain_codeexec import code_executions
from langchain_codeexec.errors import CodeExecError, ConfigurationError, ToolDeclarationError
from tests.calls import response


class Sum(BaseModel):
    """A sum."""

    total: int
    words: str = ""


class SumDict(TypedDict):
    """A sum."""

    total: int
    words: NotRequired[str]


SUM = {
    "title": "Sum",
    "description": "A sum.",
    "type": "object",
    "properties": {"total": {"type": "integer"}, "words": {"type": "string"}},
    "required": ["total"],
}
OBJECT = {"total": 42, "words": "six times seven is forty two"}
JSON = '{"total": 42, "words": "six times seven is forty two"}'
RUN = {"executableCode": {"code": "print(42)"}}
ANSWERS = {
    "json_schema": ["Let me compute {it}: ", RUN, JSON],
    "json_mode": ["Let me compute: ", RUN, f"```json\n{JSON}\n```"],
    "function_calling": ["Let me compute: ", RUN, {"functionCall": {"name": "Sum", "args": OBJECT}}],
}
METHODS = pytest.mark.parametrize("method", list(ANSWERS))
SCHEMAS = pytest.mark.parametrize("schema", [Sum, SumDict, SUM], ids=["pydantic", "TypedDict", "JSON Schema"])


def answer(method: str, schema: Any) -> list[Any]:
    parts = list(ANSWERS[method])
    if method == "function_calling" and schema is SumDict:
        parts[-1] = {"functionCall": {"name": "SumDict", "args": OBJECT}}
    return parts


def as_dict(value: Any) -> Any:
    return value.model_dump() if isinstance(value, BaseModel) else value


@METHODS
@SCHEMAS
def test_an_object_of_the_schema(gemini: Any, endpoint: str, method: str, schema: Any) -> None:
    gemini.says(answer(method, schema))
    llm = gemini.on(endpoint)
    parsed = llm.with_structured_output(schema, method=method).invoke("q")
    both = llm.with_structured_output(schema, method=method, include_raw=True).invoke("q")
    assert as_dict(parsed) == as_dict(both["parsed"]) == OBJECT
    assert isinstance(parsed, Sum) == (schema is Sum)
    assert both["parsing_error"] is None
    assert [run.output for run in code_executions(both["raw"])] == ["42\n"]
    assert {"codeExecution": {}} in gemini.body["tools"]


@METHODS
@SCHEMAS
async def test_an_object_of_the_schema_streamed(gemini: Any, method: str, schema: Any) -> None:
    gemini.says(answer(method, schema))
    llm = gemini.chat()
    structured = llm.with_structured_output(schema, method=method)
    chunks = [as_dict(chunk) for chunk in structured.stream("q")]
    async_chunks = [as_dict(chunk) async for chunk in structured.astream("q")]
    await llm.aclose()
    assert chunks[-1] == OBJECT
    assert async_chunks == chunks
    if method != "function_calling":
        assert len(chunks) > 2
        assert all(OBJECT["words"].startswith(chunk.get("words", "")) for chunk in chunks)


@pytest.mark.parametrize(
    ("method", "fields"),
    [
        ("json_schema", {"responseMimeType": "application/json", "responseJsonSchema": SUM}),
        ("json_mode", {"responseMimeType": "application/json", "responseJsonSchema": SUM}),
        ("function_calling", None),
    ],
)
def test_what_constrains_the_answer(gemini: Any, method: str, fields: Any) -> None:
    gemini.says(ANSWERS[method])
    gemini.chat().with_structured_output(SUM, method=method, strict=True).invoke("q")
    assert gemini.body.get("generationConfig") == fields
    if method == "function_calling":
        calling = gemini.body["toolConfig"]["functionCallingConfig"]
        assert calling == {"mode": "ANY", "allowedFunctionNames": ["Sum"]}


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        (list[Sum], '[{"total": 6}]', [Sum(total=6)]),
        (Sum | None, "null", None),
        (Sum | int, '{"total": 6}', Sum(total=6)),
    ],
)
def test_a_list_or_a_union_of_classes(gemini: Any, schema: Any, text: str, value: Any) -> None:
    gemini.says(text)
    assert gemini.chat().with_structured_output(schema).invoke("q") == value
    assert gemini.body["generationConfig"]["responseJsonSchema"] == TypeAdapter(schema).json_schema()


def test_json_mode_needs_no_schema(gemini: Any) -> None:
    gemini.says(JSON)
    assert gemini.chat().with_structured_output(method="json_mode").invoke("q") == OBJECT


def test_without_a_method_the_service_constrains_the_text(gemini: Any) -> None:
    gemini.says([RUN, JSON])
    assert as_dict(gemini.chat().with_structured_output(Sum, method=None).invoke("q")) == OBJECT
    assert "responseJsonSchema" in gemini.body["generationConfig"]


def test_a_run_that_nothing_follows_checked_what_was_said_before(gemini: Any) -> None:
    gemini.says([JSON, RUN])
    assert as_dict(gemini.chat().with_structured_output(Sum).invoke("q")) == OBJECT


@pytest.mark.parametrize(
    ("schema", "script", "words"),
    [
        (Sum, '{"total": "many"}', "total"),
        *(
            (schema, script, words)
            for schema in (Sum, SUM)
            for script, words in (
                ("forty two", "forty two"),
                ([{"text": "thinking", "thought": True}], "has no text"),
                (response(RUN, finishReason="MAX_TOKENS"), "max_output_tokens"),
                (response({"text": '{"total": 4'}, finishReason="MAX_TOKENS"), "max_output_tokens"),
                ({"promptFeedback": {"blockReason": "SAFETY"}}, "blocked"),
            )
        ),
    ],
)
def test_what_is_no_such_object(gemini: Any, schema: Any, script: Any, words: str) -> None:
    gemini.says(script)
    llm = gemini.chat()
    with pytest.raises(OutputParserException, match=words):
        llm.with_structured_output(schema).invoke("q")
    both = llm.with_structured_output(schema, include_raw=True).invoke("q")
    assert both["parsed"] is None
    assert isinstance(both["parsing_error"], OutputParserException)


def test_the_parser_reads_texts_too(gemini: Any) -> None:
    parser = gemini.chat().with_structured_output(Sum).last
    assert as_dict(parser.invoke(JSON)) == OBJECT
    assert as_dict(parser.invoke(AIMessage(JSON))) == OBJECT


def clock() -> str:
    """Tell the time."""
    return "Noon."


@METHODS
def test_tools_stay_declared(gemini: Any, method: str) -> None:
    gemini.says(ANSWERS[method])
    bound = gemini.chat().bind_tools([clock], tool_choice="auto", temperature=0)
    parsed = bound.with_structured_output(Sum, method=method, tools=[{"google_search": {}}]).invoke("q")
    assert as_dict(parsed) == OBJECT
    declared = [function["name"] for function in gemini.body["tools"][0]["functionDeclarations"]]
    assert declared == (["clock", "Sum"] if method == "function_calling" else ["clock"])
    assert gemini.body["tools"][1:] == [{"googleSearch": {}}, {"codeExecution": {}}]
    assert gemini.body["generationConfig"]["temperature"] == 0


@pytest.mark.parametrize(
    ("options", "error", "remedy"),
    [
        (
            {"schema": Sum, "method": "telepathy"},
            ConfigurationError,
            "json_schema, function_calling, json_mode",
        ),
        ({"schema": None}, ConfigurationError, "method='json_mode'"),
        ({"schema": 42}, ToolDeclarationError, "42"),
        (
            {"schema": {"code_execution": {}}, "method": "function_calling"},
            ToolDeclarationError,
            "one function",
        ),
        ({"schema": {"type": "object"}, "method": "function_calling"}, ToolDeclarationError, "title"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    gemini: Any, options: dict[str, Any], error: type[CodeExecError], remedy: str
) -> None:
    with pytest.raises(error, match=remedy):
        gemini.chat().with_structured_output(**options)
