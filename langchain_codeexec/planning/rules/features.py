"""The evidence in named figures, for the weights to weigh: of each function, and of computing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec.planning.rules.computing import evidence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_codeexec.planning.rules.coverage import Fit

__all__ = ["code_figures", "evidence", "fit_figures", "question_figures"]

Figures = dict[str, float]

_OF_FUNCTIONS = ("now", "statement", "opinion", "foreign", "numbers", "names", "marked", "knowledge")
_OF_CODE = (
    "numbers", "any_number", "two_numbers", "quantity", "worked", "operations", "formula", "string_work", "story",
    "length", "now", "who", "statement", "mine",
)  # fmt: skip


def fit_figures(fit: Fit) -> Figures:
    """What speaks for and against calling a function, from 0 to 1 each.

    Args:
        fit: How it fits the question.
    """
    ready = fit.ready
    return {
        "asked": fit.asked,
        "summary": fit.summary,
        "head": fit.head,
        "untold": fit.untold,
        "ready": ready,
        "weakest": fit.weakest,
        "exact": fit.exact,
        "no_arguments": 0.0 if fit.arguments else 1.0,
        "covered_and_ready": fit.coverage * ready,
        "asked_and_ready": fit.asked * ready,
        "least_covered": min(fit.asked, fit.title, fit.summary),
    }


def question_figures(found: Mapping[str, float]) -> Figures:
    """What in the question speaks for and against calling any function, from 0 to 1 each.

    Args:
        found: `evidence` of the question.
    """
    return {**{name: found[name] for name in _OF_FUNCTIONS}, "always": 1.0}


def code_figures(found: Mapping[str, float], fits: Sequence[Fit]) -> Figures:
    """What speaks for and against computing, from 0 to 1 each.

    Args:
        found: `evidence` of the question.
        fits: How the functions fit it: one made for the question is to be preferred.
    """
    return {
        **{name: found[name] for name in _OF_CODE},
        "story_in_numbers": found["story"] * found["numbers"],
        "function_fits": max((fit.coverage * fit.ready for fit in fits), default=0.0),
        "always": 1.0,
    }
