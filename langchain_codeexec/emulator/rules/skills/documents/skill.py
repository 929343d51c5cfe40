"""Questions about documents that a request hands over as files: computed, or said to be beyond the documents."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from langchain_codeexec.emulator.rules.phrasing import phrase
from langchain_codeexec.emulator.rules.skills.documents.answers import answer_from
from langchain_codeexec.emulator.rules.skills.documents.asking import asked
from langchain_codeexec.emulator.rules.skills.documents.cases import Missing
from langchain_codeexec.emulator.rules.skills.documents.courtesies import bare
from langchain_codeexec.emulator.rules.skills.documents.linking import linked
from langchain_codeexec.emulator.rules.skills.documents.reading import documents_in, lists_documents
from langchain_codeexec.emulator.rules.skills.documents.statements import answer_between, answer_in_sentences
from langchain_codeexec.emulator.rules.solution import Solution

if TYPE_CHECKING:
    from langchain_codeexec.emulator.rules.question import Question
    from langchain_codeexec.emulator.rules.skills.documents.link import Link
    from langchain_codeexec.emulator.rules.skills.documents.reading import DocumentFiles

__all__ = ["documents", "hands_over_documents", "not_told"]

_DEFINITIONS = (
    (phrase(r"\bpopulation density\b"), "population per area"),
    (phrase(r"\bdensity\b"), "mass per volume"),
    (phrase(r"\baverage (?:speed|velocity)\b"), "distance per time"),
)
_NOT_SAID = "The documents do not say."
_NOT_READ = Missing("That is, no rule here reads the question, and the emulator is not a language model.")


def hands_over_documents(question: Question) -> bool:
    """Whether a request hands documents over as files and lists them."""
    return lists_documents(question.text)


def documents(question: Question) -> Solution | None:
    """A program that computes the answer from the documents' files."""
    answer = _answer(question)
    return answer if isinstance(answer, Solution) else None


def not_told(question: Question) -> str | None:
    """That the documents do not hold what a question needs, and what that is; or that no rule reads it."""
    if not hands_over_documents(question):
        return None
    answer = _answer(question) or _NOT_READ
    return f"{_NOT_SAID} {answer.sentence}" if isinstance(answer, Missing) else None


@lru_cache(maxsize=8)  # the brain asks several times how a request can be answered
def _answer(question: Question) -> Solution | Missing | None:
    files = documents_in(question)
    if files is None:
        return None
    text = bare(files.question)
    answer = _answer_to(text, files)
    derived = _derived(text) if isinstance(answer, Missing) else None
    other = _answer_to(derived, files) if derived else None
    return other if isinstance(other, Solution) or (other and other.is_final) else answer


def _derived(text: str) -> str | None:
    """The question with the definition of a quantity in its place."""
    replaced = text
    for quantity, definition in _DEFINITIONS:
        replaced = quantity.sub(definition, replaced)
    return replaced if replaced != text else None


def _answer_to(text: str, files: DocumentFiles) -> Solution | Missing | None:
    wish = asked(text)
    if wish is None:
        return None
    links = sorted((linked(wish, table) for table in files.tables), key=_distance)
    lacking: Missing | None = None
    for link in links:
        answer = None if link.missing else answer_from(wish, link)
        if isinstance(answer, Solution) or (answer and answer.is_final):
            return answer
        lacking = lacking or answer
    if answer := answer_in_sentences(wish, files) or answer_between(wish, files):
        return answer
    if lacking is None and links and links[0].missing:
        return Missing(f"They hold nothing on {', '.join(links[0].missing)}.")
    return lacking


def _distance(link: Link) -> tuple[int, ...]:
    """How badly a table fits a question: the table that accounts for most of its words comes first."""
    keyed = sum(one.column is link.table.key for one in link.mentions)
    explained = len(link.mentions) + len(link.columns)
    left_over = link.topical + link.unsaid
    return len(link.missing), -keyed, left_over, not link.names_key, -explained, len(link.paths)
