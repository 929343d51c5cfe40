"""Structured output: JSON that fits the schema, with values from the run or the text."""

from __future__ import annotations

import datetime as dt  # noqa: TC003 -- pydantic reads the annotation
import json
from typing import Literal

import pytest
from pydantic import BaseModel, Field

CODE = [{"codeExecution": {}}]


class Joke(BaseModel):
    setup: str
    punchline: str | None = None


class Answer(BaseModel):
    result: int
    explanation: str
    code: str = ""
    question: str = ""


class Stats(BaseModel):
    mean: float
    median: float
    numbers: list[float] = []


class Person(BaseModel):
    name: str
    age: int
    city: str | None = None
    likes: list[str] = []
    employed: bool | None = None


class Mood(BaseModel):
    sentiment: Literal["positive", "negative", "neutral"]
    score: float = Field(ge=0.5, le=1)


class Verdict(BaseModel):
    number: int
    is_prime: bool


class Primes(BaseModel):
    primes: list[int]


class Inner(BaseModel):
    total: int
    label: str


class Outer(BaseModel):
    inner: Inner
    when: dt.date
    parts: list[Inner]
    either: int | str


@pytest.fixture
def fill(ask):
    def structured(text, schema, *, tools=CODE, key="responseJsonSchema"):
        config = {"responseMimeType": "application/json", **({key: schema} if schema else {})}
        return json.loads(ask(text, tools=tools, generationConfig=config)[-1]["text"])

    return structured


@pytest.mark.parametrize(
    ("text", "model", "expected"),
    [
        ("What is the sum of the first 10 primes?", Answer, {"result": 129, "explanation": "The sum of the first 10 prime numbers is 129."}),
        ("mean and median of 1, 2, 3, 10", Stats, {"mean": 4, "median": 2.5}),
        ("Is 97 prime?", Verdict, {"number": 97, "is_prime": True}),
        ("Is 91 prime?", Verdict, {"number": 91, "is_prime": False}),
        ("List the first 5 primes", Primes, {"primes": [2, 3, 5, 7, 11]}),
        ("What is 3 + 4?", Outer, {"inner": {"total": 7, "label": "not stated"}}),
        ("Anna Smith is 34 years old and lives in Berlin. She likes 'chess' and 'tea'.", Person, {"name": "Anna Smith", "age": 34, "city": "Berlin", "likes": ["chess", "tea"]}),
        ("I feel negative about it", Mood, {"sentiment": "negative", "score": 0.5}),
        ("Tell me a joke about cats.", Joke, {"punchline": "To keep an eye on the mouse."}),
        ("What is 5/0?", Answer, {"result": 0, "explanation": "The code failed, so I have no result to give: ZeroDivisionError: division by zero"}),
        ("Who are you?", Person, {"name": "not stated", "age": 0}),
    ],
)  # fmt: skip
def test_json_fits_the_schema_and_holds_the_result(fill, text, model, expected):
    value = fill(text, model.model_json_schema())
    model.model_validate(value)
    assert value.items() >= expected.items()


def test_values_of_the_text_need_no_tool(fill):
    assert fill("The name is 'Bo' and the age is 7.", Person.model_json_schema(), tools=[])["age"] == 7
    assert fill("What is 6 * 7?", Answer.model_json_schema(), tools=[])["result"] != 42


def test_the_code_and_the_question_can_be_asked_for(fill):
    schema = {
        "type": "object",
        "properties": {"code": {"type": "string"}, "question": {"type": "string"}},
        "required": ["code", "question"],
    }
    value = fill("What is 6 * 7?", schema)
    assert "6 * 7" in value["code"]
    assert value["question"] == "What is 6 * 7?"


def test_openapi_style_schema(fill):
    schema = {
        "type": "OBJECT",
        "properties": {"total": {"type": "INTEGER"}, "note": {"type": "STRING", "nullable": True}},
        "required": ["total", "note"],
    }
    assert fill("sum of 1, 2 and 3", schema, key="responseSchema") == {"total": 6, "note": None}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer"}, 42),
        ({"type": "number"}, 42),
        ({"type": "string"}, "42"),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 1}, [6]),
        ({"const": "x"}, "x"),
        ({"enum": ["41", "42"]}, "42"),
        ({"type": "null"}, None),
        ({"anyOf": [{"type": "boolean"}, {"type": "null"}]}, None),
        ({"type": "integer", "maximum": 10}, 6),
    ],
)
def test_a_bare_value(fill, schema, expected):
    assert fill("What is 6 * 7?", schema) == expected


def test_json_without_a_schema(fill):
    assert fill("What is 12*12? Answer in JSON with key 'result'", None) == {"result": 144}
    joke = "Tell me a joke about cats. Return the result as a JSON with 'setup' and 'punchline' keys."
    assert fill(joke, None, tools=[]).keys() == {"setup", "punchline"}
    assert "not a language model" in fill("hello", None)["answer"]


def test_a_schema_that_refers_to_itself_ends(fill):
    tree = {
        "$ref": "#/$defs/Node",
        "$defs": {
            "Node": {
                "type": "object",
                "properties": {"value": {"type": "integer"}, "next": {"$ref": "#/$defs/Node"}},
                "required": ["value"],
            }
        },
    }
    assert fill("What is 6 * 7?", tree)["value"] == 42
    assert fill("What is 6 * 7?", {"$ref": "#/nowhere"})


def test_an_enum_answer(ask):
    config = {
        "responseMimeType": "text/x.enum",
        "responseSchema": {"type": "STRING", "enum": ["Brass", "String"]},
    }
    assert ask("Is a violin a string instrument?", tools=[], generationConfig=config) == [{"text": "String"}]


def test_functions_are_called_before_the_answer_is_structured(respond):
    weather = {
        "name": "get_weather",
        "description": "Weather.",
        "parametersJsonSchema": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    }
    contents = [{"role": "user", "parts": [{"text": "What is the weather in Paris?"}]}]
    schema = {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "temperature": {"type": "integer"},
            "summary": {"type": "string"},
        },
        "required": ["city", "temperature", "summary"],
    }
    request = {
        "contents": contents,
        "tools": [{"functionDeclarations": [weather]}],
        "generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": schema},
    }
    (called,) = respond(request)
    assert called["functionCall"] == {"name": "get_weather", "args": {"city": "Paris"}}
    contents += [
        {"role": "model", "parts": [called]},
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "get_weather", "response": {"output": "temperature 21"}}}
            ],
        },
    ]
    (told,) = respond(request)
    value = json.loads(told["text"])
    assert value["city"] == "Paris"
    assert value["temperature"] == 21
    assert "temperature 21" in value["summary"]


def test_an_answer_that_points_back_is_filled_from_what_was_found(respond):
    contents = [{"role": "user", "parts": [{"text": "What is the sum of the first 10 primes?"}]}]
    contents.append({"role": "model", "parts": respond({"contents": contents, "tools": CODE})})
    contents.append(
        {"role": "user", "parts": [{"text": "Give the answer now, as JSON, from what is found above."}]}
    )
    config = {"responseMimeType": "application/json", "responseJsonSchema": Answer.model_json_schema()}
    (part,) = respond({"contents": contents, "generationConfig": config})
    value = Answer.model_validate_json(part["text"])
    assert (value.result, value.explanation) == (129, "The sum of the first 10 prime numbers is 129.")


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"$ref": "#/$defs/N", "$defs": {"N": {"type": "integer"}}}, 42),
        ({"allOf": [{"type": "integer"}, {"minimum": 1}]}, 42),
        ({"type": ["integer", "null"]}, 42),
        ({"type": ["null"]}, None),
        ({"anyOf": [{"type": "boolean"}, {"type": "integer"}]}, 42),
        ({"properties": {"result": {"type": "integer"}}}, {"result": 42}),
        ({"type": "object", "properties": {"x": {}}, "required": ["x"]}, {"x": 42}),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}}, {"answer": 42}),
        ("no schema", {"answer": 42}),
    ],
)
def test_schemas_in_their_many_spellings(fill, schema, expected):
    assert fill("What is 6 * 7?", schema) == expected
