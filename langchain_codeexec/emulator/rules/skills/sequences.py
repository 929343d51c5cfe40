"""Small classics: counting, multiplication tables, FizzBuzz."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec.emulator.rules.phrasing import phrase
from langchain_codeexec.emulator.rules.question import first_of
from langchain_codeexec.emulator.rules.solution import Solution, program

if TYPE_CHECKING:
    import re

__all__ = ["sequences"]

_COUNT = phrase(r"\bcount (?:from (\d{1,4}) )?(?:up )?to (\d{1,4})\b")
_COUNT_DOWN = phrase(r"\bcount down from (\d{1,4})(?: to (\d{1,4}))?\b")
_TABLE = phrase(r"\b(?:multiplication|times) table (?:of|for) (\d{1,6})\b|\b(\d{1,4}) times table\b")
_FIZZBUZZ = phrase(r"\bfizz ?buzz\b(?:.*?\b(?:to|until|first|up to)\s+(\d{1,4}))?")
_COLLATZ = phrase(r"\bcollatz\b.*?\b(\d{1,12})\b")


def _printed(plan: str, source: str, answer: str) -> Solution:
    return Solution(plan, program(source), answer)


def _count(found: re.Match[str]) -> Solution:
    low, high = int(found[1] or 1), int(found[2])
    source = f"numbers = list(range({low}, {high + 1}))\nprint('numbers =', *numbers)"
    return _printed(f"I will count from {low} to {high}.", source, "Here they are: {numbers}.")


def _count_down(found: re.Match[str]) -> Solution:
    high, low = int(found[1]), int(found[2] or 0)
    source = f"numbers = list(range({high}, {low - 1}, -1))\nprint('numbers =', *numbers)"
    return _printed(f"I will count down from {high} to {low}.", source, "Here they are: {numbers}.")


def _table(found: re.Match[str]) -> Solution:
    number = found[1] or found[2]
    source = f"for k in range(1, 11):\n    print(f'{{k}} x {number} = {{k * {number}}}')"
    return _printed(
        f"I will print the multiples of {number}.",
        source,
        f"The multiplication table of {number}:\n{{output}}",
    )


def _fizzbuzz(found: re.Match[str]) -> Solution:
    source = f"""
    for n in range(1, {int(found[1] or 15) + 1}):
        print("Fizz" * (n % 3 == 0) + "Buzz" * (n % 5 == 0) or n)
    """
    return _printed("I will print FizzBuzz.", source, "FizzBuzz:\n{output}")


def _collatz(found: re.Match[str]) -> Solution | None:
    if int(found[1]) < 1:
        return None
    source = f"""
    terms = [{int(found[1])}]
    while terms[-1] != 1:
        n = terms[-1]
        terms.append(3 * n + 1 if n % 2 else n // 2)
    print(f"{{terms = }}")
    print("steps =", len(terms) - 1)
    """
    return _printed("I will follow the Collatz rule down to 1.", source, "It takes {steps} steps: {terms}.")


sequences = first_of(
    (_COUNT_DOWN, _count_down),
    (_COUNT, _count),
    (_TABLE, _table),
    (_FIZZBUZZ, _fizzbuzz),
    (_COLLATZ, _collatz),
)
