"""How much each figure speaks for an option: each function, code execution, or neither, which has zero.

Fitted by `tests/benchmarks/fit_planner.py` (conditional logit, ridge penalty 8, labels weighed alike) to 812
questions with functions of the Berkeley Function Calling Leaderboard v4 and GSM8K, labelled functions, code
execution or neither, and to the invented rows beside that script. Macro recall over the three labels in
cross-validation, questions about the same function held out together: 0.95.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CODE", "FUNCTION", "utility"]

FUNCTION: Final[Mapping[str, float]] = MappingProxyType(
    {
        "asked": 1.35,
        "summary": 2.80,
        "head": 0.75,
        "untold": -1.08,
        "ready": 0.81,
        "weakest": 1.19,
        "exact": 1.15,
        "no_arguments": -0.79,
        "covered_and_ready": 2.86,
        "asked_and_ready": 2.12,
        "least_covered": 2.49,
        "now": 0.79,
        "statement": -1.14,
        "opinion": -1.67,
        "foreign": 3.02,
        "numbers": 1.38,
        "names": 0.38,
        "marked": -0.59,
        "knowledge": -0.86,
        "always": -5.28,
    }
)

CODE: Final[Mapping[str, float]] = MappingProxyType(
    {
        "numbers": 2.37,
        "any_number": 2.24,
        "two_numbers": 2.26,
        "quantity": 2.13,
        "worked": 0.54,
        "operations": 3.86,
        "formula": 1.12,
        "string_work": 5.38,
        "story": 3.39,
        "length": -0.88,
        "now": -1.29,
        "who": -2.66,
        "statement": -0.83,
        "mine": -1.95,
        "story_in_numbers": 1.65,
        "function_fits": -2.33,
        "always": -4.26,
    }
)


def utility(figures: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """The weighed sum: log-odds against neither."""
    return sum(weights[name] * figure for name, figure in figures.items())
