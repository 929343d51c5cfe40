"""Values that fit a schema: those that are known, and elsewhere stand-ins that claim the least."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

__all__ = ["ABSENT", "Filling"]

ABSENT: Final = object()
"""No value at all."""

_DEEPEST: Final = 20
_FORMATS: Final = {
    "date": "2000-01-01",
    "date-time": "2000-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "email": "stand-in@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-0000-0000-000000000000",
}
_TYPES: Final[Mapping[str, Any]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


class Filling:
    """Values for a schema: known ones where they have a place in it, elsewhere the least that is valid.

    Args:
        root: The schema, in JSON Schema's spelling or the service's own.
        values: What was stated, printed or returned, by name. Numbers without a field of their name go into
            the fields for numbers, each once.
        text: What is said in texts.
    """

    def __init__(
        self, root: Mapping[str, Any], values: Mapping[str, Any] | None = None, text: str = "stand-in"
    ) -> None:
        self._root, self._text = root, text
        self._values = dict(values or {})
        self._unused = [name for name in self._values if name not in (root.get("properties") or {})]

    def filled(self, schema: Mapping[str, Any] | None = None, name: str = "", depth: int = 0) -> Any:
        """A value that fits the schema, by default the root's."""
        options = self._options(self._root if schema is None else schema)
        known = self._known(options, name)
        if known is not ABSENT:
            return known
        if depth > _DEEPEST or any(option["type"] == "null" for option in options):
            return None
        return self._stand_in(options[0], depth + 1)

    def typed(self, value: Any, schema: Mapping[str, Any]) -> Any:
        """The value as the schema has it, where 3.0 is an integer; absent where it does not fit."""
        typed = (self._as(value, option) for option in self._options(schema))
        return next((value for value in typed if value is not ABSENT), ABSENT)

    def _options(self, schema: Mapping[str, Any], depth: int = 0) -> list[dict[str, Any]]:
        """The alternatives of a schema without references, their types in lower case."""
        one = dict(schema) if isinstance(schema, dict) else {}
        while depth <= _DEEPEST and one.keys() & {"$ref", "allOf"}:
            depth += 1
            parts = [*one.pop("allOf", ())]
            if reference := one.pop("$ref", ""):
                parts.append(self._target(reference))
            for part in parts:
                one = {**part, **one}
        listed = one.pop("anyOf", None) or one.pop("oneOf", None) or []
        if depth > _DEEPEST:
            return [{"type": "null"}]
        if listed:
            plain_first = sorted(listed, key=lambda option: "$ref" in option)
            options = [
                plain for option in plain_first for plain in self._options({**one, **option}, depth + 1)
            ]
        else:
            implied = "object" if "properties" in one else "array" if "items" in one else ""
            kinds = one.get("type", implied)
            options = [
                {**one, "type": kind.lower()} for kind in ([kinds] if isinstance(kinds, str) else kinds)
            ]
        return [*options, {"type": "null"}] if one.get("nullable") else options

    def _target(self, reference: str) -> dict[str, Any]:
        schema: Any = self._root
        for step in filter(None, reference.lstrip("#").split("/")):
            schema = schema.get(step, {})
        return dict(schema)

    def _known(self, options: Sequence[Mapping[str, Any]], name: str) -> Any:
        if name in self._values:
            value = self._values[name]
            texts = [value] if isinstance(value, list | dict | str) else [value, str(value)]
            typed = (self._as(one, option) for one in texts for option in options)
            return next((one for one in typed if one is not ABSENT), ABSENT)
        for label in self._unused:
            for option in options:
                if option["type"] in {"integer", "number", "array"}:
                    value = self._as(self._values[label], option)
                    if value is not ABSENT:
                        self._unused.remove(label)
                        return value
        return ABSENT

    def _as(self, value: Any, option: Mapping[str, Any]) -> Any:
        choices = [option["const"]] if "const" in option else option.get("enum")
        if choices:
            return next((choice for choice in choices if str(choice) == str(value)), ABSENT)
        kind = option["type"]
        if kind == "integer" and isinstance(value, float) and value.is_integer():
            return self._as(int(value), option)
        if not kind:
            return value
        if isinstance(value, bool) != (kind == "boolean") or not isinstance(value, _TYPES.get(kind, ())):
            return ABSENT
        if isinstance(value, list):
            items = [self.typed(item, option.get("items") or {}) for item in value]
            return items if ABSENT not in items and _bounded(items, option) else ABSENT
        return value if _bounded(value, option) else ABSENT

    def _stand_in(self, option: Mapping[str, Any], depth: int) -> Any:
        kind = option["type"]
        if "const" in option or option.get("enum"):
            return option.get("const", (option.get("enum") or [None])[0])
        if kind == "object":
            properties: Mapping[str, Any] = option.get("properties") or {}
            required = option.get("required") or ()
            known = {
                name: self._known(self._options(one), name)
                for name, one in properties.items()
                if name not in required
            }
            filled = {
                name: self.filled(one, name, depth) for name, one in properties.items() if name in required
            }
            return filled | {name: value for name, value in known.items() if value is not ABSENT}
        if kind == "array":
            listed = option.get("prefixItems") or [option.get("items") or {}] * option.get("minItems", 0)
            return [self.filled(item, "", depth) for item in listed]
        if kind in {"integer", "number"}:
            return _number(option)
        if kind == "boolean":
            return False
        text = _FORMATS.get(option.get("format", ""), self._text)
        return text[: option.get("maxLength")].ljust(option.get("minLength", 0), ".")


def _number(option: Mapping[str, Any]) -> float:
    """Zero, or a number at a bound or between both."""
    low = max(option.get("minimum", -math.inf), option.get("exclusiveMinimum", -math.inf))
    high = min(option.get("maximum", math.inf), option.get("exclusiveMaximum", math.inf))
    step = option.get("multipleOf", 1)
    bounds = [bound for bound in (low, high) if math.isfinite(bound)]
    tries = [0, sum(bounds) / 2, *bounds]
    tries += [step * (bound // step + beside) for bound in bounds for beside in (-1, 0, 1, 2)]
    numbers = [one for one in tries if option["type"] == "number" or one == int(one)]
    number = next((one for one in numbers if _bounded(one, option)), 0)
    return int(number) if option["type"] == "integer" else number


def _bounded(value: Any, option: Mapping[str, Any]) -> bool:
    if isinstance(value, str | list):
        low, high = ("minLength", "maxLength") if isinstance(value, str) else ("minItems", "maxItems")
        return bool(option.get(low, 0) <= len(value) <= option.get(high, math.inf))
    if not isinstance(value, int | float):
        return True
    return bool(
        option.get("minimum", -math.inf) <= value <= option.get("maximum", math.inf)
        and option.get("exclusiveMinimum", -math.inf) < value < option.get("exclusiveMaximum", math.inf)
        and value % option.get("multipleOf", value or 1) == 0
    )
