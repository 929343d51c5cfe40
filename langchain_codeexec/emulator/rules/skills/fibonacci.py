"""Fibonacci numbers, counted from F(1) = F(2) = 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec.emulator.rules.numerals import NTH, NUMBER, literal, nth
from langchain_codeexec.emulator.rules.phrasing import phrase
from langchain_codeexec.emulator.rules.question import first_of
from langchain_codeexec.emulator.rules.skills.series import aggregate_in
from langchain_codeexec.emulator.rules.solution import Solution, program

if TYPE_CHECKING:
    import re

__all__ = ["fibonacci"]

_FIRST_TERMS = """
terms = []
a, b = 1, 1
while len(terms) < {count}:
    terms.append(a)
    a, b = b, a + b
"""
_TERMS_BELOW = """
terms = []
a, b = 1, 1
while a {comparison} {limit}:
    terms.append(a)
    a, b = b, a + b
"""

_N = rf"({NUMBER})"
_NTH_ONE = phrase(rf"(?:{NTH})\s+(?:number in the |term of the |element of the )?fibonacci\b")
_CALL = phrase(r"\bfib(?:onacci)?(?:\s*\(\s*|\s+of\s+|\s+number\s+)(\d+)\)?")
_FIRST = phrase(rf"\bfirst {_N}(?: terms| numbers| elements)?(?: of the| in the)? fibonacci")
_BELOW = phrase(rf"\bfibonacci\b.*?\b(below|under|less than|smaller than|up to|not exceeding)\s+{_N}")
_CONVENTION = "counting from F(1) = F(2) = 1"
_LONGEST = 10_000


def _nth_term(position: int) -> Solution | None:
    if not 0 < position <= _LONGEST:
        return None
    source = f"""
    a, b = 1, 1
    for _ in range({position} - 1):
        a, b = b, a + b
    fibonacci = a
    print(f"{{fibonacci = }}")
    """
    return Solution(
        f"I will add up pairs of neighbours, {_CONVENTION}.",
        program(source),
        f"Fibonacci number {position} is {{fibonacci}}, {_CONVENTION}.",
    )


def _aggregated(found: re.Match[str], collect: str, noun: str) -> Solution:
    aggregate = aggregate_in(found.string)
    plan = f"I will generate {noun}, {_CONVENTION}."
    if aggregate is None or aggregate.label == "terms":
        return Solution(
            plan, program(f'{collect}print(f"{{terms = }}")'), f"{noun[0].upper()}{noun[1:]} are {{terms}}."
        )
    source = f'{collect}{aggregate.label} = {aggregate.expression}\nprint(f"{{{aggregate.label} = }}")'
    return Solution(
        plan,
        program(source, aggregate.imports),
        f"The {aggregate.noun} of {noun} is {{{aggregate.label}}}, {_CONVENTION}.",
    )


def _first(found: re.Match[str]) -> Solution | None:
    count = literal(found[1])
    if not count.isdigit() or int(count) > _LONGEST:
        return None
    return _aggregated(found, _FIRST_TERMS.format(count=count), f"the first {count} Fibonacci numbers")


def _below(found: re.Match[str]) -> Solution:
    comparison = "<=" if found[1].lower() in {"up to", "not exceeding"} else "<"
    limit = literal(found[2])
    collect = _TERMS_BELOW.format(comparison=comparison, limit=limit)
    return _aggregated(found, collect, f"the Fibonacci numbers {found[1].lower()} {limit}")


fibonacci = first_of(
    (_NTH_ONE, lambda found: _nth_term(nth(found[1], found[2]))),
    (_FIRST, _first),
    (_BELOW, _below),
    (_CALL, lambda found: _nth_term(int(found[1]))),
)
