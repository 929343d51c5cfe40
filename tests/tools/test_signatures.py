"""What programs are shown of the tools that they can call: signatures made from JSON Schema."""

import json
from typing import Any

import pytest
from langchain_core.tools import StructuredTool

from langchain_codeexec.tools.signatures import functions_of
from tests.tools.calling import get_price, get_rate, order, remote


def test_what_the_program_did_not_bind_is_checked_too():
    [function] = functions_of([remote]).values()
    for args, problem in {
        "{}": "from is missing",
        '{"from_": "mon", "runtime": 1}': "there is no runtime",
        '{"from_": "mon", "tags": ' + "[" * 500 + "]" * 500 + "}": "must be",
    }.items():
        with pytest.raises(ValueError, match=problem):
            function.arguments(json.loads(args))


def test_signatures_are_compact():
    tools = [get_price, get_rate, order, remote]
    stubs = """
def get_price(symbol: str, day: str = 'today') -> dict:
    \"\"\"Look a price up.\"\"\"
def get_rate(currency: Literal['EUR', 'USD']) -> float:
    \"\"\"Look a rate up.\"\"\"
def order(lines: list[dict], note: str | None = None, urgent: bool = False) -> dict:
    \"\"\"Order.

    Args:
        lines: What is ordered.
        note: For the packer.
        urgent: Whether it is.
    lines: list[{'sku': str, 'count'?: int}]
    returns: {'sku': str, 'count'?: int}\"\"\"
def search_web(from_: str, limit: int | None = 5, tags: list[Literal['a', 'b']] = ...) -> str:
    \"\"\"Search.
    from_: First day.\"\"\"
"""
    assert [function.function.stub for function in functions_of(tools).values()] == [
        f"def {stub}".strip() for stub in stubs.split("\ndef ")[1:]
    ]


@pytest.mark.parametrize(
    ("schema", "parameters"),
    [
        ({"properties": {}}, ""),
        ({"properties": {"a-b": {"type": "integer"}, "a_b": {}, "class": {"const": 1}}}, (
            "a_b: int = ..., a_b_: Any = ..., class_: Literal[1] = ..."
        )),
        ({"properties": {"m²": {"const": 1}, "\ufb01": {"const": 2}, "µ": {"const": 3}}}, (
            "m2: Literal[1] = ..., fi: Literal[2] = ..., \u03bc: Literal[3] = ..."
        )),
        ({"properties": {"n": {"$ref": "#/$defs/N"}}, "$defs": {"N": {"properties": {"n": {"$ref": "#/$defs/N"}},
          "type": "object"}}, "required": ["n"]}, "n: dict"),
        ({"properties": {"u": {"oneOf": [{"type": "null"}, {"enum": ["x", None]}]}}}, (
            "u: None | Literal['x', None] = ..."
        )),
        ({"properties": {"d": {"type": "object", "additionalProperties": {"type": "number"}, "default": {}}},
          "additionalProperties": True}, "d: dict[str, float] = ..., **others: Any"),
        ({"properties": {"a": {"allOf": [{"type": "string"}]}, "b": {"type": "array"}}, "required": ["b"]}, (
            "b: list, a: str = ..."
        )),
    ],
)  # fmt: skip
def test_any_json_schema_has_a_signature(schema: Any, parameters: str):
    made = StructuredTool(name="f", description="F.", func=print, args_schema={"type": "object", **schema})
    [function] = functions_of([made]).values()
    assert function.function.parameters == parameters
