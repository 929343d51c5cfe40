"""Whether one figure bears another out.

The rule: a claim is borne out by a figure whose value, rounded to the digits in which the claim is written, is the
claim. `5117.3` bears out "5,117" and "5.12 thousand", not "5,118". Beyond that:

- A claim of a single digit is only borne out by exactly that value, unless "about" or the like precedes it.
- "about 5,100" is taken as rounded to its last digit that is no zero, but to two digits at the least.
- A percentage is borne out by the same number without a unit, and by the fraction: "15.3 %" by 15.3 and 0.153.
- Two units that are known and differ never agree: nothing is converted, for that is what code is there for.
- A fraction is exact; it is borne out by a decimal of three digits or more that is the fraction in all of them.
- The sign counts, except that "fell by 3 %" is borne out by -3 %.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_codeexec.grounding.figures import Figure

__all__ = ["bears_out"]

_PERCENT: Final = "%"
_FLOAT_DIGITS, _NOISE = 16, Decimal("1e-12")
"""Digits of a float that is printed with its noise, and the relative error to be expected of one."""
_ENOUGH_DIGITS: Final = 3


def bears_out(evidence: Figure, claim: Figure) -> bool:
    """Whether a figure bears a claim out, by the rule of this module."""
    return any(_rounds_to(value, evidence, claim) for value in _values(evidence, claim))


def _values(evidence: Figure, claim: Figure) -> Iterator[Decimal]:
    """What the evidence is worth in the unit of the claim; nothing where the units differ."""
    signs = (1, -1) if claim.is_decrease and claim.value > 0 else (1,)
    for factor in _factors(evidence.unit, claim.unit):
        for sign in signs:
            yield evidence.value * factor * sign


def _factors(evidence: str, claim: str) -> tuple[Decimal, ...]:
    if _PERCENT in (evidence, claim) and not (evidence and claim):
        return (Decimal(1), Decimal(100) if claim == _PERCENT else Decimal("0.01"))
    return (Decimal(1),) if evidence == claim or not (evidence and claim) else ()


def _rounds_to(value: Decimal, evidence: Figure, claim: Figure) -> bool:
    difference = abs(value - claim.value)
    noise = abs(value) * _NOISE if evidence.digits >= _FLOAT_DIGITS and evidence.step < 1 else 0
    if difference <= noise:
        return True
    if not claim.step:
        return evidence.digits >= _ENOUGH_DIGITS and difference <= evidence.step / 2
    return (claim.digits > 1 or claim.is_rough) and difference <= claim.step / 2
