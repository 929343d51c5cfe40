"""How much each figure speaks for an option; the option with the highest sum wins, and neither has zero.

Fitted by `tests/benchmarks/fit_planner.py` (conditional logit, ridge penalty 8, labels weighed alike) to 812
questions with functions of the Berkeley Function Calling Leaderboard v4 and GSM8K, labelled functions, code
execution or neither, and to the invented rows beside that script. In cross-validation macro recall over the three
labels is 0.95 there.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CODE", "FUNCTION", "utility"]

FUNCTION: Final[Mapping[str, float]] = MappingProxyType(
    {
        "asked": 1.36,
        "summary": 2.78,
        "head": 0.75,
        "untold": -1.08,
        "ready": 0.81,
        "weakest": 1.18,
        "exact": 1.11,
        "no_arguments": -0.77,
        "covered_and_ready": 2.84,
        "asked_and_ready": 2.12,
        "least_covered": 2.50,
        "now": 0.79,
        "statement": -1.16,
        "opinion": -1.67,
        "foreign": 3.03,
        "numbers": 1.40,
        "names": 0.42,
        "marked": -0.57,
        "knowledge": -0.84,
        "always": -5.28,
    }
)

CODE: Final[Mapping[str, float]] = MappingProxyType(
    {
        "numbers": 2.45,
        "any_number": 2.23,
        "two_numbers": 2.16,
        "quantity": 2.26,
        "operations": 4.31,
        "formula": -0.96,
        "string_work": 5.33,
        "story": 3.29,
        "length": -0.86,
        "now": -1.29,
        "who": -3.08,
        "statement": -0.84,
        "mine": -1.93,
        "story_in_numbers": 1.73,
        "function_fits": -2.17,
        "always": -4.22,
    }
)


def utility(figures: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """The weighed sum: log-odds against neither."""
    return sum(weights[name] * figure for name, figure in figures.items())
