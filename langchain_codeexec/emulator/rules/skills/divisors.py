"""Divisors: gcd, lcm, factorisation, divisibility, digit sums."""

from __future__ import annotations

import re

from langchain_codeexec.emulator.rules.numerals import LIST, NUMBER, literal, literals
from langchain_codeexec.emulator.rules.phrasing import phrase
from langchain_codeexec.emulator.rules.question import first_of
from langchain_codeexec.emulator.rules.solution import Solution, program

__all__ = ["divisors"]

_GCD = phrase(
    r"\b(?:gcd|gcf|hcf|greatest common (?:divisor|factor|denominator)|highest common factor)\b"
    rf"(?: of)?\s*\(?({LIST})"
)
_LCM = phrase(rf"\b(?:lcm|(?:least|lowest|smallest) common (?:multiple|denominator))\b(?: of)?\s*\(?({LIST})")
_FACTORS = phrase(
    rf"\bprime (?:factors?|factori[sz]ation|decomposition) (?:of )?({NUMBER})"
    rf"|\bfactori[sz]e ({NUMBER})|\bfactor ({NUMBER})|\bfactori[sz]ation of ({NUMBER})"
)
_DIVISORS = phrase(rf"\b(?:divisors|factors) (?:of|does) (?:the number )?({NUMBER})")
_DIVISIBLE = phrase(rf"\b(?:is|whether|if) ({NUMBER}) (?:is )?(?:evenly )?divisible by ({NUMBER})")
_PARITY = phrase(rf"\b(?:is|whether|if) ({NUMBER}) (?:is )?(?:an? )?(even|odd)\b")
_DIGIT_SUM = phrase(
    rf"\b(?:sum|total) of (?:the |all )?(?:the )?digits (?:of|in) (\d+\s?(?:\^|\*\*)\s?\d+|\d+!|{NUMBER})"
)
_DIGIT_COUNT = phrase(
    rf"\bhow many digits (?:are |does )?(?:there )?(?:in )?(\d+\s?(?:\^|\*\*)\s?\d+|\d+!|{NUMBER})"
)

_FACTORISATION = """
n = {number}
factors = []
divisor = 2
while divisor * divisor <= n:
    while n % divisor == 0:
        factors.append(divisor)
        n //= divisor
    divisor += 1
if n > 1:
    factors.append(n)
print(f"{{factors = }}")
"""


def _common(found: re.Match[str], function: str, noun: str) -> Solution | None:
    numbers = literals(found[1])
    if not all(number.lstrip("-").isdigit() for number in numbers):
        return None
    code = program(
        f"{function} = math.{function}({', '.join(numbers)})\nprint(f'{{{function} = }}')", ["math"]
    )
    listed = f"{', '.join(numbers[:-1])} and {numbers[-1]}"
    return Solution(
        f"I will compute the {noun} of {listed}.", code, f"The {noun} of {listed} is {{{function}}}."
    )


def _whole(found: re.Match[str]) -> str | None:
    digits = literal(next(group for group in found.groups() if group))
    return digits if digits.isdigit() and int(digits) > 0 else None


def _factorisation(found: re.Match[str]) -> Solution | None:
    number = _whole(found)
    return (
        number
        and Solution(
            f"I will divide {number} by its smallest divisor again and again.",
            program(_FACTORISATION.format(number=number)),
            f"The prime factors of {number} are {{factors}}.",
        )
    ) or None


def _all_divisors(found: re.Match[str]) -> Solution | None:
    number = _whole(found)
    code = f"""
    n = {number}
    small = [d for d in range(1, math.isqrt(n) + 1) if n % d == 0]
    divisors = sorted({{*small, *(n // d for d in small)}})
    print(f"{{divisors = }}")
    print("count =", len(divisors))
    """
    return (
        number
        and Solution(
            f"I will try every number up to the square root of {number}.",
            program(code, ["math"]),
            f"The {{count}} divisors of {number} are {{divisors}}.",
        )
    ) or None


def _verdict(left: str, right: str, plan: str, positive: str, negative: str) -> Solution:
    code = f"""
    remainder = {left} % {right}
    verdict = "{positive}" if remainder == 0 else "{negative}"
    print(f"{{remainder = }}")
    print("verdict =", verdict)
    """
    return Solution(plan, program(code), f"{left} is {{verdict}}: the remainder is {{remainder}}.")


def _divisible(found: re.Match[str]) -> Solution | None:
    left, right = literal(found[1]), literal(found[2])
    return _verdict(
        left,
        right,
        f"I will divide {left} by {right} and look at the remainder.",
        f"divisible by {right}",
        f"not divisible by {right}",
    )


def _parity(found: re.Match[str]) -> Solution:
    number = literal(found[1])
    return _verdict(number, "2", f"I will divide {number} by 2 and look at the remainder.", "even", "odd")


def _digits(found: re.Match[str], label: str, expression: str, noun: str) -> Solution:
    asked = found[1].replace("^", "**")
    source = f"math.factorial({asked[:-1]})" if asked.endswith("!") else asked
    if re.fullmatch(NUMBER, asked):
        source = literal(asked).lstrip("-")
    code = f"""
    sys.set_int_max_str_digits(0)  # the number may be long
    digits = str({source})
    {label} = {expression}
    print(f"{{{label} = }}")
    """
    imports = ["math", "sys"] if "math." in source else ["sys"]
    return Solution(
        f"I will write {found[1]} out and look at its digits.",
        program(code, imports),
        f"The {noun} of {found[1]} is {{{label}}}.",
    )


divisors = first_of(
    (_GCD, lambda found: _common(found, "gcd", "greatest common divisor")),
    (_LCM, lambda found: _common(found, "lcm", "least common multiple")),
    (_FACTORS, _factorisation),
    (
        _DIGIT_SUM,
        lambda found: _digits(
            found, "total", "sum(int(digit) for digit in digits if digit.isdigit())", "digit sum"
        ),
    ),
    (
        _DIGIT_COUNT,
        lambda found: _digits(found, "count", "sum(digit.isdigit() for digit in digits)", "number of digits"),
    ),
    (_DIVISORS, _all_divisors),
    (_DIVISIBLE, _divisible),
    (_PARITY, _parity),
)
