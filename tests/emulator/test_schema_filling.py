"""Values that fit a schema: valid whatever is known, and known ones where they belong."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_codeexec.emulator.schema_filling import Filling

BOUNDS = st.tuples(st.integers(-9, 9), st.integers(0, 9))
LEAVES = st.one_of(
    BOUNDS.map(lambda bound: {"type": "integer", "minimum": bound[0], "maximum": sum(bound)}),
    BOUNDS.map(lambda bound: {"type": "number", "exclusiveMinimum": bound[0], "exclusiveMaximum": sum(bound) + 1}),
    st.integers(1, 9).map(lambda step: {"type": "integer", "minimum": 1, "multipleOf": step}),
    BOUNDS.map(lambda bound: {"type": "string", "minLength": bound[1], "maxLength": bound[1] + 3}),
    st.sampled_from(["boolean", "null", ["integer", "null"], ["string", "integer"]]).map(lambda kind: {"type": kind}),
    st.lists(st.one_of(st.integers(), st.text()), min_size=1, unique=True).map(lambda options: {"enum": options}),
    st.text().map(lambda value: {"const": value}),
    st.sampled_from([{"$ref": "#/$defs/node"}, {}]),
)  # fmt: skip
NODE = {
    "type": "object",
    "properties": {
        "value": {"type": "number"},
        "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
    },
    "required": ["value", "next"],
}


def nested(schemas: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = st.sampled_from(["total", "result", "name", "other"])
    return st.one_of(
        st.dictionaries(names, schemas).map(
            lambda one: {"type": "object", "properties": one, "required": list(one)}
        ),
        st.dictionaries(names, schemas).map(lambda one: {"type": "object", "properties": one}),
        st.tuples(schemas, st.integers(0, 2)).map(
            lambda one: {"type": "array", "items": one[0], "minItems": one[1]}
        ),
        st.lists(schemas, min_size=1, max_size=3).map(lambda options: {"anyOf": options}),
        schemas.map(lambda one: {"allOf": [one]}),
    )


@given(
    st.recursive(LEAVES, nested, max_leaves=8),
    st.dictionaries(
        st.sampled_from(["total", "result"]),
        st.one_of(
            st.integers(),
            st.floats(allow_nan=False, allow_infinity=False),
            st.text(),
            st.lists(st.integers()),
        ),
    ),
)
def test_what_fills_a_schema_is_valid(schema, values):
    root = {**schema, "$defs": {"node": NODE}}
    jsonschema.validate(Filling(root, values, "No answer.").filled(), root)


@given(st.permutations(["mean", "total", "count"]), st.integers(1, 10**6))
def test_a_printed_value_stands_under_its_own_name_and_nowhere_else(names, total):
    schema = {
        "type": "object",
        "properties": {name: {"type": "integer"} for name in names},
        "required": names,
    }
    assert Filling(schema, {"total": total}).filled() == {"mean": 0, "total": total, "count": 0}


@pytest.mark.parametrize(
    ("schema", "values", "filled"),
    [
        (
            {"type": "OBJECT", "properties": {"n": {"type": "INTEGER"}}, "required": ["n"]},
            {"x": 3.0},
            {"n": 3},
        ),
        ({"type": "object", "properties": {"note": {"type": "string"}}}, {"total": 3}, {}),
        ({"type": "object", "properties": {"total": {"type": "string"}}}, {"total": 3}, {"total": "3"}),
        ({"type": "array", "items": {"type": "number"}}, {"terms": [1, 2.5]}, [1, 2.5]),
        ({"type": "string", "nullable": True}, {}, None),
        ({"type": "string", "format": "date"}, {}, "2000-01-01"),
        ({"enum": ["1", "2"]}, {"": 2}, "2"),
        ({"$ref": "#"}, {}, None),
        ({"properties": {"a": True}, "required": ["a"]}, {}, {"a": "stand-in"}),
    ],
)
def test_known_values_and_spellings(schema: Any, values: Any, filled: Any) -> None:
    assert Filling(schema, values).filled() == filled
