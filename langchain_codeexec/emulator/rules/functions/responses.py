"""What functions answered, in sentences and in computations."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from langchain_codeexec.emulator.rules.numerals import NUMBER, literal
from langchain_codeexec.emulator.rules.phrasing import phrase
from langchain_codeexec.emulator.rules.solution import Solution, labelled, program

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_codeexec.gemini.wire import FunctionCall, FunctionResponse

__all__ = ["answer_with", "computation_with", "printed_by"]

_WRAPPERS = frozenset({"output", "result", "content", "return_value", "response", "answer", "value"})
_MEASURE = re.compile(rf"[^\w.+-]*(?:[A-Z]{{3}}\s)?({NUMBER})\s?(?:%|[^\W\d]{{1,12}})?\W*")
_PERCENT = rf"({NUMBER})\s?(?:%|percent)"
_QUANTITY = phrase(
    rf"\b({NUMBER}) (?:of (?:them|it|those|these)|units|items|pieces|copies|shares)\b",
    rf"\b(?:buy|for|of|compute) ({NUMBER})(?!\s?(?:%|percent|[-/\d]))\b",
)
_FACTOR = phrase(rf"\b(?:times|multipl(?:y|ied) (?:it |that )?by)\s+({NUMBER})")
_QUOTIENT = phrase(rf"\bdivided? (?:it |that )?by\s+({NUMBER})")
_DOUBLE = phrase(r"\b(?:double|twice)\b")
_SURCHARGE = phrase(rf"{_PERCENT} (?:sales )?(?:tax|vat|tip|fee|surcharge|markup|interest)")
_DISCOUNT = phrase(rf"{_PERCENT} (?:discount|off|rebate)")
_STEPS = (
    (_QUANTITY, "* {0}"),
    (_FACTOR, "* {0}"),
    (_DOUBLE, "* 2"),
    (_QUOTIENT, "/ {0}"),
    (_DISCOUNT, "* (1 - {0} / 100)"),
    (_SURCHARGE, "* (1 + {0} / 100)"),
)
_STATISTICS = (
    (
        phrase(r"\b(?:standard deviation|stdev|std)\b"),
        "statistics.stdev({values})",
        "sample standard deviation",
    ),
    (phrase(r"\bmedian\b"), "statistics.median({values})", "median"),
)
_AGGREGATES = (
    *_STATISTICS,
    (phrase(r"\b(?:sum|total|together|add(?:ed)?)\b"), "sum({values})", "sum"),
    (phrase(r"\b(?:average|mean)\b"), "sum({values}) / len({values})", "average"),
    (phrase(r"\bdifference\b"), "max({values}) - min({values})", "difference"),
    (
        phrase(r"\b(?:highest|maximum|max|warmest|most expensive)\b"),
        "max({values})",
        "maximum",
    ),
    (phrase(r"\b(?:lowest|minimum|min|coldest|cheapest)\b"), "min({values})", "minimum"),
)


def answer_with(calls: Sequence[FunctionCall], responses: Sequence[FunctionResponse]) -> str:
    """The functions' answers in sentences, their values verbatim."""
    lines = [
        _sentence(response, _arguments(calls, index, response)) for index, response in enumerate(responses)
    ]
    return lines[0] if len(lines) == 1 else "\n".join(f"- {line}" for line in lines)


def computation_with(text: str, responses: Sequence[FunctionResponse]) -> Solution | None:
    """What the question asks to compute from the functions' answers: each has to hold a number, or one a list."""
    contents = [response.get("response") or {} for response in responses]
    if len(contents) == 1 and (listed := _listed_numbers(contents[0])):
        return _aggregated(text, listed)
    numbers = [_only_number(content) for content in contents]
    values = [number for number in numbers if number is not None]
    if not values or len(values) < len(numbers):
        return None
    return _scaled(text, values[0]) if len(values) == 1 else _aggregated(text, values)


def printed_by(solution: Solution, responses: Sequence[FunctionResponse]) -> str | None:
    """The output of a solution's program among the answers of functions that run code."""
    for response in responses:
        text = _text(response.get("response") or {})
        if solution.result_label in labelled(text):
            return text
    return None


def _sentence(response: FunctionResponse, arguments: str) -> str:
    name, content = response.get("name") or "function", response.get("response") or {}
    if "error" in content:
        return f"The call {name}({arguments}) failed: {_text(content['error'])}"
    files = len(response.get("parts") or [])
    more = f" It also gave {files} file(s), which I cannot read." if files else ""
    return f"{name}({arguments}) returned: {_text(content) or 'nothing'}{more}"


def _arguments(calls: Sequence[FunctionCall], index: int, response: FunctionResponse) -> str:
    """The arguments of the call that a response answers: by id, else by position and name."""
    by_id = [call for call in calls if call.get("id") and call.get("id") == response.get("id")]
    in_place = [call for call in calls[index : index + 1] if call.get("name") == response.get("name")]
    call = next(iter(by_id or in_place), None)
    given = (call or {}).get("args") or {}
    return ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in given.items())


def _text(value: Any) -> str:
    """A response's value as text; a lone wrapper such as `output` is taken off."""
    if isinstance(value, dict) and len(value) == 1 and (inner := next(iter(value))) in _WRAPPERS:
        return _text(value[inner])
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _listed_numbers(response: Mapping[str, Any]) -> list[str]:
    """The numbers of a response that is a list of two or more of them; else none."""
    try:
        values = json.loads(_text(response))
    except ValueError:
        return []
    many = isinstance(values, list) and len(values) > 1
    return [repr(value) for value in values] if many and all(map(_is_number, values)) else []


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _only_number(response: Mapping[str, Any]) -> str | None:
    """The number that a response is, unit or currency aside; one that a sentence mentions is none."""
    value: Any = response
    while isinstance(value, dict):
        numbers = [inner for inner in value.values() if isinstance(inner, int | float | dict)]
        value = numbers[0] if len(numbers) == 1 else next(iter(value.values())) if len(value) == 1 else ""
    found = _MEASURE.fullmatch(_text(value))
    return literal(found[1]) if found else None


def _scaled(text: str, value: str) -> Solution | None:
    expression = value
    for pattern, step in _STEPS:
        if found := pattern.search(text):
            number = next((literal(group) for group in found.groups() if group), "")
            expression += f" {step.format(number)}"
    if expression == value:
        return None
    return Solution(
        f"The function gave {value}; I will compute {expression}.",
        program(f'result = {expression}\nprint("result =", round(result, 6))'),
        f"With the function's value of {value}, the result is {{result}}.",
    )


def _aggregated(text: str, values: list[str]) -> Solution | None:
    found = next((row for row in _AGGREGATES if row[0].search(text)), None)
    if found is None:
        return None
    _, expression, noun = found
    listed = ", ".join(values)
    result = expression.format(values="values")
    source = f'values = [{listed}]\nresult = {result}\nprint("result =", round(result, 6))'
    imports = ("statistics",) if "statistics." in result else ()
    return Solution(
        f"The functions gave {listed}; I will compute the {noun}.",
        program(source, imports),
        f"The {noun} of the functions' values {listed} is {{result}}.",
    )
