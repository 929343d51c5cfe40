"""Arguments of a declared function, read out of a text."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_codeexec.emulator.rules.functions.evidence import PROPER, QUOTED, Evidence
from langchain_codeexec.emulator.rules.functions.strings import free_text, hinted_string
from langchain_codeexec.emulator.rules.functions.words import name_words
from langchain_codeexec.emulator.rules.numerals import LIST, NUMBER, literal, literals
from langchain_codeexec.emulator.rules.phrasing import phrase

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from langchain_codeexec.emulator.rules.conversation import Declaration

__all__ = ["Arguments", "arguments_in", "in_bounds", "stand_in", "written_calls"]

_LINK = r"\s*(?:=|:|\bis\b|\bof\b|\bto\b|\bas\b|\bat\b|\bequals?\b|\bvalue\b|\s)*\s*"
_LINK_OF_TEXT = r"\s*(?:=|:|\bis\b|\bas\b|\bnamed\b|\bcalled\b)\s*"
_NEGATION = phrase(r"\b(?:no|not|without|don't|do not|disable|exclude|never|off)\b[\w\s]{0,12}$")
_GENERIC = frozenset({"num", "number", "of", "count", "value", "the", "input", "is", "total", "n"})
_SHORTEST_LAST_WORD = 4
_FORMATS = {"date": "1970-01-01", "date-time": "1970-01-01T00:00:00Z", "time": "00:00:00"}


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a text gives a function.

    Attributes:
        values: Arguments by parameter name.
        missing: Required parameters that the text gives nothing for.
    """

    values: dict[str, Any]
    missing: tuple[str, ...]


def arguments_in(text: str, declaration: Declaration, *, whole_text: bool = True) -> Arguments:
    """Read a function's arguments out of a text.

    Args:
        text: The text.
        declaration: The function.
        whole_text: Whether the text itself may be the argument of a parameter that takes running text.
    """
    values = _object(Evidence(text), declaration.parameters)
    for name in declaration.required:
        if (
            name not in values
            and whole_text
            and free_text(name)
            and _type(declaration.properties[name]) == "string"
        ):
            values[name] = text
    missing = tuple(name for name in declaration.required if name not in values)
    return Arguments({name: values[name] for name in declaration.properties if name in values}, missing)


def written_calls(text: str, declaration: Declaration) -> list[dict[str, Any]]:
    """The arguments of calls written out in a text: `magic_function(3)`."""
    found = re.findall(rf"(?<!\w){re.escape(declaration.name)}\(([^()]*)\)", text)
    return [values for inside in found if (values := _written(inside, declaration)) is not None]


def _written(inside: str, declaration: Declaration) -> dict[str, Any] | None:
    try:
        call = ast.parse(f"f({inside})", mode="eval").body
        if not isinstance(call, ast.Call):
            return None
        given = dict(zip(declaration.properties, map(ast.literal_eval, call.args), strict=False))
        given |= {word.arg: ast.literal_eval(word.value) for word in call.keywords if word.arg}
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    known = given.keys() <= declaration.properties.keys()
    return given if known and set(declaration.required) <= given.keys() else None


def stand_in(schema: Mapping[str, Any], text: str) -> Any:
    """A value that fits a schema although the text names none: its default, else what the text can lend."""
    for key in ("default", "const"):
        if schema.get(key) is not None:
            return schema[key]
    if options := schema.get("enum"):
        return options[0]
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return stand_in(options[0], text)
    return _STAND_INS.get(_type(schema), _any_stand_in)(schema, text)


def _any_stand_in(_: Mapping[str, Any], text: str) -> Any:
    return text


def _string_stand_in(schema: Mapping[str, Any], text: str) -> str:
    filler = _FORMATS.get(schema.get("format", ""), text)
    filler = filler.ljust(int(schema.get("minLength") or 0), ".")
    return filler[: int(schema.get("maxLength") or len(filler))]


def _number_stand_in(schema: Mapping[str, Any], text: str) -> Any:
    return _number(Evidence(text), schema) or in_bounds(0, schema)


def _array_stand_in(schema: Mapping[str, Any], text: str) -> list[Any]:
    return [stand_in(schema.get("items") or {}, text) for _ in range(int(schema.get("minItems") or 0))]


def _object_stand_in(schema: Mapping[str, Any], text: str) -> dict[str, Any]:
    properties = schema.get("properties") or {}
    return {name: stand_in(properties.get(name) or {}, text) for name in schema.get("required") or ()}


_STAND_INS: dict[str, Callable[[Mapping[str, Any], str], Any]] = {
    "string": _string_stand_in,
    "integer": _number_stand_in,
    "number": _number_stand_in,
    "boolean": lambda _schema, _text: False,
    "array": _array_stand_in,
    "object": _object_stand_in,
    "null": lambda _schema, _text: None,
}


def in_bounds(value: float, schema: Mapping[str, Any]) -> float:
    """A number moved to the nearest one that a schema's bounds allow."""
    step = 1 if _type(schema) == "integer" else 1e-9
    lows = (schema.get("minimum"), _shifted(schema.get("exclusiveMinimum"), step))
    highs = (schema.get("maximum"), _shifted(schema.get("exclusiveMaximum"), -step))
    for low in lows:
        value = value if low is None else max(value, low)
    for high in highs:
        value = value if high is None else min(value, high)
    return value


def _shifted(bound: Any, by: float) -> float | None:
    return bound + by if isinstance(bound, int | float) and not isinstance(bound, bool) else None


def _type(schema: Mapping[str, Any]) -> str:
    return str(schema.get("type", "string"))


def _object(evidence: Evidence, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The properties that a text gives, surest readings first; guesses by position for required ones only."""
    properties: Mapping[str, Any] = schema.get("properties") or {}
    required = [name for name in schema.get("required") or () if name in properties]
    order = [*required, *(name for name in properties if name not in required)]
    values: dict[str, Any] = {}
    for read, names in ((_named, order), (_hinted, order), (_positional, required)):
        for name in names:
            if name not in values and (value := read(evidence, name, properties[name])) is not None:
                values[name] = value
    return values


def _named(evidence: Evidence, name: str, schema: Mapping[str, Any]) -> Any:
    """A value that stands next to the parameter's name, or an enum's value."""
    if options := schema.get("enum"):
        return _option(evidence, options)
    reader = _NAMED.get(_type(schema))
    for alias in _aliases(name):
        if reader and (value := reader(evidence, alias, schema)) is not None:
            return value
    return None


def _aliases(name: str) -> list[str]:
    """Patterns of the ways a text may name a parameter: in full, without filler words, by its last word."""
    words = name_words(name)
    telling = [word for word in words if word not in _GENERIC]
    spoken = [
        list(words),
        telling,
        telling[-1:] if telling and len(telling[-1]) >= _SHORTEST_LAST_WORD else [],
    ]
    return list(dict.fromkeys(r"[\s_-]*".join(map(re.escape, group)) for group in spoken if group))


def _option(evidence: Evidence, options: list[Any]) -> Any:
    for option in options:
        spoken = re.sub(
            r"[\s_-]+", r"[\\s_-]+", re.escape(str(option)).replace(r"\-", "-").replace(r"\ ", " ")
        )
        if option is not None and evidence.take(rf"(?<!\w){spoken}(?:s|es)?(?!\w)") is not None:
            return option
    return None


def _named_number(evidence: Evidence, alias: str, schema: Mapping[str, Any]) -> Any:
    link = r"\s*(?:=|:|\bis\b)\s*" if len(alias) == 1 else _LINK
    after = evidence.take(rf"(?<![a-z]){alias}(?![a-z]){link}[$€£]?({NUMBER})")
    if after is None and len(alias) > 1:
        after = evidence.take(rf"({NUMBER})[\s-]*{alias}s?\b")
    return _number_value(after, schema) if after else None


def _named_string(evidence: Evidence, alias: str, _: Mapping[str, Any]) -> str | None:
    quoted = evidence.take(rf"\b{alias}\b(?:{_LINK_OF_TEXT}|\s*)(?:{QUOTED})")
    found = quoted or evidence.take(
        rf"\b{alias}\b{_LINK_OF_TEXT}(?:(?-i:({PROPER}))|(?!a\b|an\b|the\b|in\b)([\w.@#/+-]+))"
    )
    return found and found.rstrip(".,;:?!")


def _named_boolean(evidence: Evidence, alias: str, _: Mapping[str, Any]) -> bool | None:
    if word := evidence.take(rf"\b{alias}\b{_LINK}(true|false|yes|no|on|off)\b"):
        return word.lower() in {"true", "yes", "on"}
    mention = re.search(rf"\b{alias}\b", evidence.text, re.IGNORECASE)
    return None if mention is None else not _NEGATION.search(evidence.text[: mention.start()])


def _named_array(evidence: Evidence, alias: str, schema: Mapping[str, Any]) -> list[Any] | None:
    written = evidence.take(rf"\b{alias}s?\b{_LINK}(\[[^\[\]]*\])")
    items = schema.get("items") or {}
    if written is None and _type(items) in {"integer", "number"}:
        written = evidence.take(rf"\b{alias}s?\b{_LINK}({LIST})")
    return _items(written, items) if written else None


_NAMED: dict[str, Callable[[Evidence, str, Mapping[str, Any]], Any]] = {
    "integer": _named_number,
    "number": _named_number,
    "string": _named_string,
    "boolean": _named_boolean,
    "array": _named_array,
}


def _hinted(evidence: Evidence, name: str, schema: Mapping[str, Any]) -> Any:
    """A value of the kind that the parameter's name or type promises."""
    kind = _type(schema)
    if schema.get("enum"):
        return None
    if kind == "string":
        return hinted_string(evidence, name, schema)
    if kind == "array":
        return _array(evidence, schema)
    if kind == "object" and schema.get("properties"):
        values = _object(evidence, schema)
        return values if values and set(schema.get("required") or ()) <= values.keys() else None
    return None


def _array(evidence: Evidence, schema: Mapping[str, Any]) -> list[Any] | None:
    items = schema.get("items") or {}
    if written := evidence.take(r"\[[^\[\]]*\]"):
        return _items(written, items)
    if _type(items) in {"integer", "number"}:
        written = evidence.take(LIST)
        return _items(written, items) if written else None
    if options := items.get("enum"):
        found = [option for option in options if _option(evidence, [option]) is not None]
        return found or None
    quoted = list(evidence.take_all(QUOTED))
    return quoted or list(evidence.take_all(rf"(?<=[\w,:] ){PROPER}", re.NOFLAG)) or None


def _items(written: str, items: Mapping[str, Any]) -> list[Any] | None:
    if _type(items) in {"integer", "number"}:
        numbers = [_number_value(number, items) for number in literals(written)]
        return [number for number in numbers if number is not None]
    try:
        parsed = json.loads(written)
    except ValueError:
        return [item.strip(" '\"") for item in written.strip("[]").split(",") if item.strip(" '\"")]
    return parsed if isinstance(parsed, list) else None


def _positional(evidence: Evidence, name: str, schema: Mapping[str, Any]) -> Any:
    """The next piece of the text that has the parameter's type."""
    if schema.get("enum"):
        return None
    if _type(schema) in {"integer", "number"}:
        return _number(evidence, schema)
    if _type(schema) != "string":
        return None
    quoted = evidence.take_quoted()
    return quoted if quoted or free_text(name) else evidence.take_proper()


def _number(evidence: Evidence, schema: Mapping[str, Any]) -> Any:
    for written in evidence.take_all(NUMBER):
        if (value := _number_value(written, schema)) is not None:
            return value
    return None


def _number_value(written: str, schema: Mapping[str, Any]) -> Any:
    """A number of the schema's type within its bounds, or `None`."""
    value: float = float(literal(written))
    if value.is_integer() and "e" not in written.lower() and "." not in written:
        value = int(literal(written))
    if _type(schema) == "integer" and not isinstance(value, int):
        return None
    return value if in_bounds(value, schema) == value else None
