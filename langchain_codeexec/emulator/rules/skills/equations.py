"""Linear and quadratic equations in one unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec.emulator.rules.numerals import NUMBER, literal
from langchain_codeexec.emulator.rules.phrasing import phrase
from langchain_codeexec.emulator.rules.question import first_of
from langchain_codeexec.emulator.rules.solution import Solution, program

if TYPE_CHECKING:
    import re

__all__ = ["equations"]

_COEFFICIENT = r"\d+(?:\.\d+)?"
_POWER = r"[a-z](?:\s*(?:\^|\*\*)\s*2|²)?"
_TERM = rf"(?:{_COEFFICIENT}\s*\*?\s*{_POWER}|{_COEFFICIENT}|{_POWER})"
_SIDE = rf"(?:-\s*)?{_TERM}(?:\s*[-+]\s*{_TERM})*"
_EQUATION = phrase(rf"(?<![\w.)])({_SIDE})\s*=\s*({_SIDE})(?![\w.(^*/])")
_ONE_TERM = phrase(r"([-+]?)\s*(?:(\d+(?:\.\d+)?)\s*\*?\s*)?([a-z])?(\s*(?:\^|\*\*)\s*2|²)?")
_CUE = phrase(r"\b(?:solve|roots?|solutions?|zeros?|equation|find|unknown)\b|\bwhat is [a-z]\b")
_COEFFICIENTS = phrase(rf"\bquadratic\b.*?\ba\s*=\s*({NUMBER}).*?\bb\s*=\s*({NUMBER}).*?\bc\s*=\s*({NUMBER})")

_QUADRATIC = """
import cmath

a, b, c = {a}, {b}, {c}
root = cmath.sqrt(b**2 - 4 * a * c)
roots = sorted({{(-b - root) / (2 * a), (-b + root) / (2 * a)}}, key=lambda z: (z.real, z.imag))
roots = [z.real + 0.0 if z.imag == 0 else z for z in roots]
print(f"{{roots = }}")
"""
_LINEAR = """
from fractions import Fraction

a, b = Fraction("{b}"), Fraction("{c}")  # a * {x} + b = 0
{x} = -b / a
print("solution =", {x} if {x}.denominator < 1000 else float({x}))
"""


def _terms(side: str) -> tuple[list[float], set[str]] | None:
    """Coefficients of x², x and 1 of one side, and the letters in it."""
    coefficients, letters = [0.0, 0.0, 0.0], set[str]()
    rest = side.strip()
    while rest:
        found = _ONE_TERM.match(rest)
        if found is None or not (found[2] or found[3]):
            return None
        value = float(found[2] or 1) * (-1 if found[1] == "-" else 1)
        degree = 0 if not found[3] else 2 if found[4] else 1
        coefficients[2 - degree] += value
        letters |= {found[3].lower()} if found[3] else set()
        rest = rest[found.end() :].strip()
    return coefficients, letters


def _plain(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


def _equation(found: re.Match[str]) -> Solution | None:
    left, right = _terms(found[1]), _terms(found[2])
    if left is None or right is None or not _CUE.search(found.string):
        return None
    letters = left[1] | right[1]
    if len(letters) != 1:
        return None
    a, b, c = (_plain(one - other) for one, other in zip(left[0], right[0], strict=True))
    return _solution(a, b, c, letters.pop(), f"{found[1].strip()} = {found[2].strip()}")


def _solution(a: str, b: str, c: str, unknown: str, equation: str) -> Solution | None:
    if equation.partition(" = ")[0] == unknown:
        return None  # an assignment, nothing to solve
    if float(a):
        return Solution(
            f"I will use the quadratic formula with a = {a}, b = {b} and c = {c}.",
            program(_QUADRATIC.format(a=a, b=b, c=c)),
            f"The roots of {equation} are {unknown} = {{roots}}.",
        )
    if not float(b):
        return None
    return Solution(
        f"I will bring {equation} into the form a * {unknown} + b = 0 and divide.",
        program(_LINEAR.format(b=b, c=c, x=unknown)),
        f"The solution of {equation} is {unknown} = {{solution}}.",
    )


def _from_coefficients(found: re.Match[str]) -> Solution | None:
    a, b, c = (literal(group) for group in found.groups())
    return _solution(a, b, c, "x", f"{a}x² + {b}x + {c} = 0") if float(a) else None


equations = first_of((_COEFFICIENTS, _from_coefficients), (_EQUATION, _equation))
