"""Prime numbers: tests, lists, sums and the n-th one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec.emulator.rules.numerals import NTH, NUMBER, literal, nth
from langchain_codeexec.emulator.rules.phrasing import phrase
from langchain_codeexec.emulator.rules.question import first_of
from langchain_codeexec.emulator.rules.skills.series import aggregate_in
from langchain_codeexec.emulator.rules.solution import Solution, program

if TYPE_CHECKING:
    import re

__all__ = ["primes"]

_IS_PRIME = '''
def is_prime(n):
    """Trial division up to the square root."""
    return n > 1 and all(n % d for d in range(2, math.isqrt(n) + 1))

'''
_FIRST_PRIMES = """
terms = []
n = 2
while len(terms) < {count}:
    if is_prime(n):
        terms.append(n)
    n += 1
"""
_PRIMES_BETWEEN = "terms = [n for n in range({low}, {high} + 1) if is_prime(n)]\n"

_N = rf"({NUMBER})"
_PRIMES = r"(?:prime numbers|primes|prime integers)"
_IS_IT = phrase(
    rf"\b(?:is|whether|if|check(?: if| whether)?)\s+(?:the number )?{_N}\s+(?:is )?(?:a )?prime\b"
)
_NTH = phrase(rf"(?:{NTH})\s+prime\b")
_FIRST = phrase(rf"\bfirst {_N} {_PRIMES}")
_BETWEEN = phrase(rf"\b{_PRIMES}\b.*?\b(?:between|from)\s+{_N}\s+(?:and|to|through)\s+{_N}")
_BELOW = phrase(rf"\b{_PRIMES}\b.*?\b(below|under|less than|smaller than|up to|until|not exceeding)\s+{_N}")
_NEXT = phrase(
    rf"\b(?:next|smallest|first) prime(?: number)? (?:after|greater than|larger than|above|following)\s+{_N}"
)
_LARGEST = phrase(
    r"\b(?:largest|biggest|greatest|previous|last) prime(?: number)? "
    rf"(?:below|under|less than|smaller than|before)\s+{_N}"
)
_INCLUSIVE = frozenset({"up to", "until", "not exceeding"})


def _whole(text: str) -> int | None:
    digits = literal(text)
    return int(digits) if digits.isdigit() else None


def _solution(plan: str, source: str, answer: str, imports: tuple[str, ...] = ()) -> Solution:
    return Solution(plan, program(_IS_PRIME + source, sorted({"math", *imports})), answer)


def _test(found: re.Match[str]) -> Solution | None:
    number = _whole(found[1])
    if number is None:
        return None
    verdict = 'verdict = "a prime number" if is_prime(n) else "not a prime number"'
    source = f'n = {number}\n{verdict}\nprint("verdict =", verdict)'
    return _solution(f"I will test {number} by trial division.", source, f"{number} is {{verdict}}.")


def _nth_prime(found: re.Match[str]) -> Solution | None:
    count = nth(found[1], found[2])
    if count == 0:
        return None
    source = f'{_FIRST_PRIMES.format(count=count)}prime = terms[-1]\nprint(f"{{prime = }}")'
    return _solution(
        f"I will collect primes until there are {count}.", source, f"Prime number {count} is {{prime}}."
    )


def _aggregated(found: re.Match[str], collect: str, noun: str) -> Solution | None:
    """What the text asks of the primes that `collect` puts into `terms`; by default their list."""
    aggregate = aggregate_in(found.string)
    if aggregate is None or aggregate.label == "terms":
        return _solution(
            f"I will list {noun}.", f'{collect}print(f"{{terms = }}")', f"{_capital(noun)} are {{terms}}."
        )
    source = f'{collect}{aggregate.label} = {aggregate.expression}\nprint(f"{{{aggregate.label} = }}")'
    plan = f"I will collect {noun} by trial division and compute their {aggregate.noun}."
    if aggregate.label == "count":
        return _solution(plan, source, f"The number of {noun.removeprefix('the ')} is {{count}}.")
    return _solution(
        plan, source, f"The {aggregate.noun} of {noun} is {{{aggregate.label}}}.", aggregate.imports
    )


def _first(found: re.Match[str]) -> Solution | None:
    count = _whole(found[1])
    return (
        _aggregated(found, _FIRST_PRIMES.format(count=count), f"the first {count} prime numbers")
        if count
        else None
    )


def _between(found: re.Match[str]) -> Solution | None:
    low, high = _whole(found[1]), _whole(found[2])
    if low is None or high is None:
        return None
    collect = _PRIMES_BETWEEN.format(low=max(low, 2), high=high)
    return _aggregated(found, collect, f"the primes from {low} to {high}")


def _below(found: re.Match[str]) -> Solution | None:
    limit = _whole(found[2])
    if limit is None:
        return None
    high = limit if found[1].lower() in _INCLUSIVE else limit - 1
    return _aggregated(
        found, _PRIMES_BETWEEN.format(low=2, high=high), f"the primes {found[1].lower()} {limit}"
    )


def _neighbour(step: int, start: str) -> str:
    return f'n = {start}\nwhile not is_prime(n):\n    n += {step}\nprime = n\nprint(f"{{prime = }}")'


def _next(found: re.Match[str]) -> Solution | None:
    number = _whole(found[1])
    if number is None:
        return None
    return _solution(
        f"I will test the numbers after {number} in turn.",
        _neighbour(1, f"{number} + 1"),
        f"The next prime after {number} is {{prime}}.",
    )


def _previous(found: re.Match[str]) -> Solution | None:
    number = _whole(found[1])
    if number is None or number <= 2:  # noqa: PLR2004 -- 2 is the first prime
        return None
    return _solution(
        f"I will test the numbers below {number} downwards.",
        _neighbour(-1, f"{number} - 1"),
        f"The largest prime below {number} is {{prime}}.",
    )


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


primes = first_of(
    (_IS_IT, _test),
    (_NEXT, _next),
    (_LARGEST, _previous),
    (_NTH, _nth_prime),
    (_FIRST, _first),
    (_BETWEEN, _between),
    (_BELOW, _below),
)
