"""Answers in JSON that fit a schema, filled from the question and from what code printed."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from langchain_codeexec.emulator.rules.conversation import Declaration
from langchain_codeexec.emulator.rules.functions.arguments import arguments_in, in_bounds, stand_in
from langchain_codeexec.emulator.rules.functions.schemas import is_nullable
from langchain_codeexec.emulator.rules.functions.words import name_words, stems
from langchain_codeexec.emulator.rules.phrases import joke_line, unable
from langchain_codeexec.emulator.rules.phrasing import phrase

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Facts", "enum_answer", "filled", "json_answer"]

_ABSENT = object()
_RESULT_NAMES = frozenset(["result", "answer", "value", "output", "total", "number", "solution", "final"])
_SENTENCE_NAME_LIST = """
answer explanation reasoning summary description text response message sentence reply comment
"""
_SENTENCE_NAMES = frozenset(_SENTENCE_NAME_LIST.split())
_CODE_NAMES = frozenset({"code", "program", "script", "source"})
_QUESTION_NAMES = frozenset({"question", "query", "prompt", "problem", "expression"})
_QUOTED_KEYS = re.compile(r"['\"`]([A-Za-z_]\w*)['\"`]")
_KEYS_CUE = phrase(r"\bkeys?\b|\bfields?\b|\bjson\b")
_NUMERIC = frozenset({"integer", "number"})
_NEGATIVE = phrase(r"\bnot\b|\bno\b|\bfalse\b")
_NOT_STATED = "not stated"
_PROSE_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Facts:
    """What an answer may be filled from.

    Attributes:
        question: The user's text.
        values: The labelled values that code printed.
        result: The label of the principal one; empty if nothing ran.
        sentence: The answer as a sentence; empty if nothing ran.
        code: The code that ran.
    """

    question: str
    values: Mapping[str, str] = field(default_factory=dict)
    result: str = ""
    sentence: str = ""
    code: str = ""


def json_answer(schema: Mapping[str, Any], facts: Facts) -> str:
    """JSON text that fits a schema; without a schema, an object with the keys the question quotes."""
    if not schema:
        keys = _QUOTED_KEYS.findall(facts.question) if _KEYS_CUE.search(facts.question) else []
        names = list(dict.fromkeys(keys)) or ["answer"]
        schema = {"type": "object", "properties": {name: {} for name in names}, "required": names}
    return json.dumps(filled(schema, facts), ensure_ascii=False)


def filled(schema: Mapping[str, Any], facts: Facts) -> Any:
    """A value that fits a schema, from the facts as far as they go."""
    return _filled("", schema, facts)


def enum_answer(schema: Mapping[str, Any], facts: Facts) -> str:
    """The option that the result or the question names, else the first."""
    return str(_option(schema.get("enum") or [""], facts))


def _filled(name: str, schema: Mapping[str, Any], facts: Facts) -> Any:
    """A value for a schema: from the facts if they hold one, else one that fits and claims least."""
    value = _from_facts(name, schema, facts)
    if value is not _ABSENT:
        return value
    return None if is_nullable(schema) else _neutral(schema, facts)


def _from_facts(name: str, schema: Mapping[str, Any], facts: Facts) -> Any:
    if "const" in schema:
        return schema["const"]
    if options := schema.get("enum"):
        return _option(options, facts)
    if options := schema.get("anyOf") or schema.get("oneOf"):
        found = (_from_facts(name, option, facts) for option in options)
        return next((value for value in found if value is not _ABSENT), _ABSENT)
    return _FILLERS.get(str(schema.get("type", "")), _any)(name, schema, facts)


def _neutral(schema: Mapping[str, Any], facts: Facts) -> Any:
    """A value that fits and claims least, where the facts hold none."""
    if schema.get("type") in {None, "string"} and not {"format", "default"} & schema.keys():
        return stand_in(schema, _NOT_STATED)
    return stand_in(schema, "" if schema.get("type") in _NUMERIC else facts.question)


def _option(options: list[Any], facts: Facts) -> Any:
    """The option that the result is, else the first that the question names, else the first."""
    result = facts.values.get(facts.result, "")
    for text in (result, facts.sentence, facts.question):
        for option in options:
            if re.search(rf"(?<!\w){re.escape(str(option)).replace('_', '[_ ]')}(?!\w)", text, re.IGNORECASE):
                return option
    return options[0]


def _labelled_value(name: str, facts: Facts) -> str | None:
    """The printed value whose label means what a property's name says; the principal one for `result`."""
    words = set(name_words(name))
    for label, value in facts.values.items():
        if label == name or stems(label.replace("_", " ")) & stems(" ".join(words)):
            return value
    return facts.values.get(facts.result) if words & _RESULT_NAMES or not name else None


def _python(text: str | None) -> Any:
    """A printed value as the Python value it shows; text that shows none stays text."""
    try:
        return None if text is None else ast.literal_eval(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return text


def _number(name: str, schema: Mapping[str, Any], facts: Facts) -> Any:
    only = facts.values.get(facts.result) if len(facts.values) == 1 else None
    result = _python(_labelled_value(name, facts))
    failed = facts.code and not facts.values and set(name_words(name)) & _RESULT_NAMES
    candidates = (result, None if failed else _said(name, schema, facts), _python(only))
    typed = (_typed_number(value, schema) for value in candidates)
    return next((value for value in typed if value is not _ABSENT), _ABSENT)


def _typed_number(value: Any, schema: Mapping[str, Any]) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _ABSENT
    if schema.get("type") == "integer":
        value = int(value) if value == int(value) else None
    return _ABSENT if value is None or in_bounds(value, schema) != value else value


def _said(name: str, schema: Mapping[str, Any], facts: Facts) -> Any:
    """What the question itself says for a property: read like a function's only argument."""
    declaration = Declaration(
        "", "", {"properties": {name: schema}, "required": [name] if schema.get("type") in _NUMERIC else []}
    )
    return arguments_in(facts.question[:_PROSE_LIMIT], declaration, whole_text=False).values.get(name)


def _string(name: str, schema: Mapping[str, Any], facts: Facts) -> Any:
    words = set(name_words(name))
    if line := joke_line(name, facts.question):
        return line
    sources = (
        (facts.code and words & _CODE_NAMES, facts.code),
        (words & _QUESTION_NAMES, facts.question),
        (facts.sentence and words & _SENTENCE_NAMES, facts.sentence),
    )
    found = next((text for applies, text in sources if applies), None)
    found = found or _labelled_value(name, facts) or _said(name, schema, facts)
    if found is None and words & _SENTENCE_NAMES:
        found = unable()
    return _ABSENT if found is None else stand_in({**schema, "type": "string", "default": None}, str(found))


def _boolean(name: str, schema: Mapping[str, Any], facts: Facts) -> Any:
    value = facts.values.get("verdict") or _labelled_value(name, facts)
    if value is not None and isinstance(_python(value), str | bool):
        return not _NEGATIVE.search(value)
    said = _said(name, schema, facts)
    return _ABSENT if said is None else said


def _array(name: str, schema: Mapping[str, Any], facts: Facts) -> Any:
    items = schema.get("items") or {}
    value = _python(_labelled_value(name, facts))
    if value is None and len(facts.values) == 1:
        value = _python(facts.values.get(facts.result))
    if isinstance(value, list | tuple) and all(_fits(item, items) for item in value):
        return list(value)
    said = _said(name, schema, facts)
    return said if said is not None else _ABSENT


def _fits(item: Any, schema: Mapping[str, Any]) -> bool:
    kinds: dict[Any, type | tuple[type, ...]] = {
        "integer": int,
        "number": (int, float),
        "string": str,
        "boolean": bool,
    }
    return isinstance(item, kinds.get(schema.get("type"), object))


def _object(_: str, schema: Mapping[str, Any], facts: Facts) -> Any:
    properties: Mapping[str, Any] = schema.get("properties") or {}
    required = set(schema.get("required") or ())
    found = {name: _from_facts(name, one, facts) for name, one in properties.items()}
    return {
        name: _filled(name, properties[name], facts) if value is _ABSENT else value
        for name, value in found.items()
        if value is not _ABSENT or name in required
    }


def _any(name: str, schema: Mapping[str, Any], facts: Facts) -> Any:
    only = facts.values.get(facts.result) if len(facts.values) == 1 else None
    value = _labelled_value(name, facts) or only
    return _python(value) if value is not None else _string(name, schema, facts)


_FILLERS: dict[str, Callable[[str, Mapping[str, Any], Facts], Any]] = {
    "integer": _number,
    "number": _number,
    "string": _string,
    "boolean": _boolean,
    "array": _array,
    "object": _object,
    "null": lambda _name, _schema, _facts: None,
}
