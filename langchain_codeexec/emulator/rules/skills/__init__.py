"""The table of skills: each turns the questions it understands into a program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec.emulator.rules.question import Question
from langchain_codeexec.emulator.rules.skills.arithmetic import arithmetic
from langchain_codeexec.emulator.rules.skills.bases import bases
from langchain_codeexec.emulator.rules.skills.combinatorics import combinatorics
from langchain_codeexec.emulator.rules.skills.dates import dates
from langchain_codeexec.emulator.rules.skills.divisors import divisors
from langchain_codeexec.emulator.rules.skills.documents import documents, hands_over_documents
from langchain_codeexec.emulator.rules.skills.equations import equations
from langchain_codeexec.emulator.rules.skills.fibonacci import fibonacci
from langchain_codeexec.emulator.rules.skills.finance import finance
from langchain_codeexec.emulator.rules.skills.geometry import geometry
from langchain_codeexec.emulator.rules.skills.percentages import percentages
from langchain_codeexec.emulator.rules.skills.plots import plots
from langchain_codeexec.emulator.rules.skills.primes import primes
from langchain_codeexec.emulator.rules.skills.sequences import sequences
from langchain_codeexec.emulator.rules.skills.series import series
from langchain_codeexec.emulator.rules.skills.statistics import statistics_of
from langchain_codeexec.emulator.rules.skills.strings import strings
from langchain_codeexec.emulator.rules.skills.tables import tables
from langchain_codeexec.emulator.rules.skills.units import units
from langchain_codeexec.emulator.rules.skills.verbatim import verbatim

if TYPE_CHECKING:
    from langchain_codeexec.emulator.rules.question import Skill
    from langchain_codeexec.emulator.rules.solution import Solution

__all__ = ["solve", "solve_each"]

# The first that understands a question answers it: explicit material (code, data) before words,
# special vocabulary before general.
_SKILLS: tuple[Skill, ...] = (
    verbatim,
    plots,
    tables,
    finance,
    dates,
    equations,
    primes,
    fibonacci,
    divisors,
    combinatorics,
    bases,
    units,
    geometry,
    percentages,
    sequences,
    series,
    arithmetic,
    statistics_of,
    strings,
)


def solve(question: Question) -> Solution | None:
    """The solution of the first skill that understands a question."""
    if hands_over_documents(question):
        return documents(question)
    return next((found for skill in _SKILLS if (found := skill(question))), None)


def solve_each(question: Question) -> list[Solution]:
    """Solutions of a question that may ask several things in a row, one for each; code is one thing."""
    if "```" in question.text and (given := verbatim(question)):
        return [given]
    sentences = question.sentences
    if len(sentences) > 1 and not hands_over_documents(question):
        asked = (Question.of(sentence, question.attachments) for sentence in sentences)
        parts = [found for one in asked if (found := solve(one))]
        if len(parts) > 1:
            return parts
    whole = solve(question)
    return [whole] if whole else []
