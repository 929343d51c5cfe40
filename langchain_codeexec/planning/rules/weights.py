"""The linear model: how much each figure speaks for functions and for code execution, against neither."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["WEIGHTS", "weigh"]

WEIGHTS: Final[Mapping[str, tuple[float, float]]] = {
    "always": (-4.03, -4.57),
    "asked": (2.26, -0.82),
    "title": (1.21, -0.99),
    "summary": (2.24, -0.15),
    "ready": (1.77, 0.65),
    "missing": (-2.18, -0.81),
    "covered_ready": (1.96, -0.42),
    "worst": (1.20, -0.53),
    "numbers": (-0.33, 1.71),
    "any_number": (0.94, 1.79),
    "two_numbers": (1.73, 2.56),
    "quantity": (0.25, 2.03),
    "operations": (1.12, 5.07),
    "rates": (-1.64, -1.01),
    "formula": (0.12, 0.85),
    "story": (0.50, 1.98),
    "sentences": (0.05, 0.84),
    "length": (0.69, 1.60),
    "now": (0.39, -0.97),
    "mine": (-0.10, -2.80),
    "knowledge": (-0.44, -1.56),
    "opinion": (-2.19, -2.55),
    "names": (0.37, -0.24),
    "marked": (-1.03, -1.18),
    "short": (-0.55, 0.20),
    "foreign": (2.47, -4.47),
    "story_numbers": (0.22, 1.29),
}


def weigh(figures: Mapping[str, float]) -> tuple[float, float]:
    """Log-odds of functions and of code execution, each against neither."""
    functions, code = WEIGHTS["always"]
    for name, figure in figures.items():
        for_functions, for_code = WEIGHTS[name]
        functions += for_functions * figure
        code += for_code * figure
    return functions, code
