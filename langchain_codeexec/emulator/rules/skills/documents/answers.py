"""Questions about one table, as programs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from langchain_codeexec.emulator.rules.phrasing import phrase
from langchain_codeexec.emulator.rules.skills.documents.cases import Missing, case_of
from langchain_codeexec.emulator.rules.skills.documents.counts import count_of_rows, share_of_rows
from langchain_codeexec.emulator.rules.skills.documents.linking import unsaid
from langchain_codeexec.emulator.rules.skills.documents.pairs import compared_in_table
from langchain_codeexec.emulator.rules.skills.documents.programs import figure_of, opened, solution
from langchain_codeexec.emulator.rules.skills.documents.rankings import place_of_row, ranked_rows, rows_beyond
from langchain_codeexec.emulator.rules.skills.documents.selections import said
from langchain_codeexec.emulator.rules.skills.documents.words import words

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_codeexec.emulator.rules.skills.documents.asking import Asked
    from langchain_codeexec.emulator.rules.skills.documents.cases import Answer, Case
    from langchain_codeexec.emulator.rules.skills.documents.link import Link
    from langchain_codeexec.emulator.rules.skills.documents.selections import Measure, Selection

__all__ = ["answer_from", "lookup_of"]

_WHICH = phrase(r"\b(?:which|what|who)\b")


def answer_from(asked: Asked, link: Link) -> Answer | None:
    """The answer that a table gives; `None` where the question wants something that is no rule's business."""
    case = case_of(asked, link)
    if case is None or isinstance(case, Missing):
        return case
    builders = _COMPARING if case.asked.binary else _BUILDERS
    return next((found for build in builders if (found := build(case)) is not None), None)


def lookup_of(asked: Asked, link: Link) -> Selection | None:
    """The only figure that a question asks for."""
    case = case_of(asked, link)
    if case is None or isinstance(case, Missing) or case.measure is None:
        return None
    return None if case.count() != 1 or case.lacks(case.measure) else case.select(case.measure)


def _aggregate(case: Case) -> Answer | None:
    """Many figures as one."""
    kind, measure = case.asked.aggregate, case.measure
    if not kind or measure is None or case.count() < 2:  # noqa: PLR2004 -- many
        return None
    return figure_of("compute", case.select(measure, reduction=kind))


def _lookup(case: Case) -> Answer | None:
    """One figure, or one word, as it stands."""
    if not case.tests or case.count() == 0:
        return Missing("They have nothing that fits all of it.") if case.tests else None
    if len(case.measures) > 1 or (case.count() > 1 and (case.measures or case.texts)):
        return None
    return _text(case) if case.measure is None else _figure(case, case.measure)


def _figure(case: Case, measure: Measure) -> Answer:
    if case.lacks(measure):
        return Missing(f"They give no figure for the {case.select(measure).label}.")
    if case.extreme:
        return Missing(f"They give the {measure.label}, but no {case.extreme} of it.")
    found = figure_of("compute" if measure.over else "look up", case.select(measure))
    narrower = _narrower(case)
    return replace(found, answer=f"{narrower} {found.answer}") if narrower else found


def _narrower(case: Case) -> str:
    """What to say where a header speaks of less than the question: of the fuel price, asked for the price."""
    for column in case.link.asked_columns:
        whose = unsaid(case.link, column)
        if any(place < column.head and not column.ideas[place] & case.link.table.topic for place in whose):
            noun = words(column.label)[column.head].text.lower()
            return f"The documents give no {noun} but the {said(column.label)}."
    return ""


def _text(case: Case) -> Answer | None:
    column = case.texts[0] if case.texts else case.link.table.key
    if not case.texts and not _names_key(case):
        return None
    (rows,), lines = opened([case.source(column.path if case.texts else "")])
    lines += [
        f"used = {case.rows(rows)}",
        f'result = ", ".join(row[{column.name!r}] for row in used)',
        'print(f"{result = !s}")',
    ]
    label = column.label.lower()
    return solution(
        f"I will look up the {label}.", lines, f"The {label} ({case.subject}) is {{result}} {{documents}}."
    )


def _names_key(case: Case) -> bool:
    """Whether a question asks which of the things named by the key it is, and names none itself."""
    if case.asked.aggregate or any(one.column is case.link.table.key for one in case.link.mentions):
        return False
    return _WHICH.search(case.asked.text) is not None


_COMPARING: tuple[Callable[[Case], Answer | None], ...] = (rows_beyond, compared_in_table, share_of_rows)
_BUILDERS: tuple[Callable[[Case], Answer | None], ...] = (
    ranked_rows,
    place_of_row,
    count_of_rows,
    _aggregate,
    _lookup,
)
