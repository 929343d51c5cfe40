"""The evidence in named figures, for the weights to weigh: of each function, and of computing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec.planning.rules.computing import evidence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_codeexec.planning.rules.coverage import Fit
    from langchain_codeexec.planning.rules.reading import Reading

__all__ = ["code_figures", "evidence", "function_figures"]

Figures = dict[str, float]

_OF_FUNCTIONS = ("now", "statement", "opinion", "foreign", "numbers", "names", "marked", "knowledge")
_OF_CODE = (
    "numbers", "any_number", "two_numbers", "quantity", "operations", "formula", "string_work", "story",
    "length", "now", "who", "statement", "mine",
)  # fmt: skip


def function_figures(fit: Fit, found: Mapping[str, float]) -> Figures:
    """What speaks for and against calling a function, from 0 to 1 each.

    Args:
        fit: How it fits the question.
        found: `evidence` of the question.
    """
    return {
        "asked": fit.asked,
        "summary": fit.summary,
        "head": fit.head,
        "untold": fit.untold,
        "ready": fit.ready,
        "weakest": fit.weakest,
        "exact": fit.exact,
        "no_arguments": float(not fit.arguments),
        "covered_and_ready": _covered_and_ready(fit),
        "asked_and_ready": fit.asked * fit.ready,
        "least_covered": min(fit.asked, fit.title, fit.summary),
        **{name: found[name] for name in _OF_FUNCTIONS},
        "always": 1.0,
    }


def code_figures(found: Mapping[str, float], fits: Sequence[Fit]) -> Figures:
    """What speaks for and against computing, from 0 to 1 each.

    Args:
        found: `evidence` of the question.
        fits: How the functions fit it: one made for the question is to be preferred.
    """
    return {
        **{name: found[name] for name in _OF_CODE},
        "story_in_numbers": found["story"] * found["numbers"],
        "function_fits": max(map(_covered_and_ready, fits), default=0.0),
        "always": 1.0,
    }


def _covered_and_ready(fit: Fit) -> float:
    return (fit.asked + fit.title + fit.summary) / 3 * fit.ready
