"""Areas, perimeters and volumes of simple shapes."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from langchain_codeexec.emulator.rules.numerals import NUMBER, literal
from langchain_codeexec.emulator.rules.phrasing import phrase
from langchain_codeexec.emulator.rules.solution import Solution, program

if TYPE_CHECKING:
    import re

    from langchain_codeexec.emulator.rules.question import Question

__all__ = ["geometry"]


class _Formula(NamedTuple):
    quantity: str
    shape: str
    measures: tuple[str, ...]
    expression: str


_FORMULAS = (
    _Formula("area", "circle", ("radius",), "math.pi * radius**2"),
    _Formula("area", "circle", ("diameter",), "math.pi * (diameter / 2) ** 2"),
    _Formula("circumference|perimeter", "circle", ("radius",), "2 * math.pi * radius"),
    _Formula("circumference|perimeter", "circle", ("diameter",), "math.pi * diameter"),
    _Formula("area", "rectangle", ("length|height", "width|breadth"), "length * width"),
    _Formula("perimeter", "rectangle", ("length|height", "width|breadth"), "2 * (length + width)"),
    _Formula("area", "square", ("side|sides|side length",), "side**2"),
    _Formula("area", "triangle", ("base", "height"), "base * height / 2"),
    _Formula("volume", "sphere", ("radius",), "4 / 3 * math.pi * radius**3"),
    _Formula("surface area", "sphere", ("radius",), "4 * math.pi * radius**2"),
    _Formula("volume", "cylinder", ("radius", "height"), "math.pi * radius**2 * height"),
    _Formula("volume", "cone", ("radius", "height"), "math.pi * radius**2 * height / 3"),
    _Formula("volume", "cube", ("side|edge|side length|edge length",), "side**3"),
    _Formula(
        "volume", "box|cuboid|rectangular prism", ("length", "width", "height"), "length * width * height"
    ),
)
_ANY_SHAPE = phrase(rf"\b(?:{'|'.join(sorted({formula.shape for formula in _FORMULAS}))})\b")
_HYPOTENUSE = phrase(
    rf"\bhypotenuse\b.*?\b(?:legs|sides|with)\b[^\d]*({NUMBER})[a-z ]*\s(?:and|,)\s({NUMBER})"
)


def geometry(question: Question) -> Solution | None:
    """Apply the formula whose quantity, shape and measures are all named in the question."""
    text = question.prose
    if found := _HYPOTENUSE.search(text):
        legs = (literal(found[1]), literal(found[2]))
        return _solution(
            "hypotenuse", "right triangle", dict(zip("ab", legs, strict=True)), "math.hypot(a, b)"
        )
    if not _ANY_SHAPE.search(text):
        return None
    for quantity, shape, measures, expression in _FORMULAS:
        if not (_named(quantity).search(text) and _named(shape).search(text)):
            continue
        values = {names.partition("|")[0]: value for names in measures if (value := _measure(text, names))}
        if len(values) == len(measures):
            return _solution(quantity.partition("|")[0], shape.partition("|")[0], values, expression)
    return None


@cache
def _named(words: str) -> re.Pattern[str]:
    return phrase(rf"\b(?:{words})\b")


@cache
def _measured(names: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Patterns of the number after the name of a measure and before it: `radius of 5`, `a 5 cm radius`."""
    after = rf"\b(?:{names})\b(?:\s*(?:of|is|=|:|equals?|length))*\s*({NUMBER})"
    return phrase(after), phrase(rf"({NUMBER})\s?(?!and\b)[a-z]*\s(?:{names})\b")


def _measure(text: str, names: str) -> str | None:
    after, before = _measured(names)
    found = after.search(text) or before.search(text)
    return literal(found[1]) if found else None


def _solution(quantity: str, shape: str, values: dict[str, str], expression: str) -> Solution:
    label = quantity.replace(" ", "_")
    lines = [
        *(f"{name} = {value}" for name, value in values.items()),
        f"{label} = {expression}",
        f'print(f"{{{label} = }}")',
    ]
    given = " and ".join(f"{name} {value}" for name, value in values.items())
    return Solution(
        f"I will compute the {quantity} of the {shape} from {given}.",
        program("\n".join(lines), ["math"] if "math." in expression else ()),
        f"The {quantity} of the {shape} with {given} is {{{label}}}.",
    )
