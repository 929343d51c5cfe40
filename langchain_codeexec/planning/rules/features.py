"""The evidence on one question in named figures, for the weights to weigh."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec.planning.rules.computing import evidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_codeexec.planning.rules.coverage import Fit
    from langchain_codeexec.planning.rules.reading import Reading

__all__ = ["features"]


def features(reading: Reading, found: Sequence[Fit]) -> dict[str, float]:
    """Named figures from 0 to 1.

    Args:
        reading: The question.
        found: The fits of the functions, best first; at least one.
    """
    best = found[0]
    computing = evidence(reading)
    coverage = (best.asked + best.title + best.summary) / 3
    return {
        "asked": best.asked,
        "title": best.title,
        "summary": best.summary,
        "ready": best.ready,
        "missing": min(best.missing, 3) / 3,
        "head": best.head,
        "topic": best.topic,
        "exact": best.exact,
        "weakest": best.weakest,
        "covered_ready": coverage * best.ready,
        "worst": min(best.asked, best.title, best.summary),
        **computing,
        "story_numbers": computing["story"] * computing["numbers"],
    }
