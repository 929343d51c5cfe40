"""A question as the skills read it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from langchain_codeexec.emulator.rules.numerals import in_digits
from langchain_codeexec.emulator.rules.phrasing import phrase

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_codeexec.emulator.rules.solution import Solution

__all__ = ["Attachment", "Question", "Rule", "Skill", "first_of"]

_PROSE_LIMIT = 1000  # rules read questions, not documents; this bounds every pattern's work
_SPACE = re.compile(r"\s+")
_SENTENCE_END = re.compile(r"(?<=[?!.;])\s+(?=[A-Z])|(?<=\?)\s+|\n+")
_FENCED = re.compile(r"```.*?```", re.DOTALL)
_INSTRUCTION = phrase(
    r"^(?:please )?(?:write|use|run|generate)\b[^:?.\d\"']{0,90}\b(?:code|python)\b"
    r"[^:?.\d\"']{0,90}:\s+(?=\S)"
)
_FILES = re.compile(
    r"^(?:Files in the working directory|Attached to be read):\n(?:(?:- | {4}).*(?:\n|\Z))+\n?", re.MULTILINE
)
_DOCUMENTS = re.compile(r"^Documents:$", re.MULTILINE)  # whoever reads them needs the files' names as well
_TYPOGRAPHY = str.maketrans(
    {
        "\N{LEFT DOUBLE QUOTATION MARK}": '"',
        "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
        "\N{LEFT SINGLE QUOTATION MARK}": "'",
        "\N{RIGHT SINGLE QUOTATION MARK}": "'",
        "\N{EN DASH}": "-",
        "\N{MINUS SIGN}": "-",
        "\N{NO-BREAK SPACE}": " ",
    }
)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of the conversation.

    Attributes:
        mime_type: Its MIME type.
        data: Its bytes; empty for a file given by reference.
        path: Where a program finds it, or its URI.
    """

    mime_type: str
    data: bytes
    path: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question as the skills read it.

    Attributes:
        text: As it was asked, without a listing of the files attached.
        prose: On one line, without fenced code and a leading "write code for this:", number words in
            digits, at most 1,000 characters.
        attachments: The files it may speak of.
    """

    text: str
    prose: str
    attachments: tuple[Attachment, ...] = ()

    @classmethod
    def of(cls, text: str, attachments: tuple[Attachment, ...] = ()) -> Question:
        """Read a user's text."""
        if not _DOCUMENTS.search(text):
            text = _FILES.sub("", text)
        plain = _FENCED.sub(" ", text[: 4 * _PROSE_LIMIT]).translate(_TYPOGRAPHY)
        prose = _INSTRUCTION.sub("", _SPACE.sub(" ", plain).strip())
        return cls(text, in_digits(prose[:_PROSE_LIMIT]), attachments)

    @property
    def sentences(self) -> list[str]:
        """Its sentences and lines, as they were asked."""
        return [found.strip() for found in _SENTENCE_END.split(self.text) if found.strip()]


Skill: TypeAlias = "Callable[[Question], Solution | None]"
"""Turns a question it understands into a solution, any other into `None`."""

Rule: TypeAlias = "tuple[re.Pattern[str], Callable[[re.Match[str]], Solution | None]]"
"""A pattern of prose, and what is made of a match."""


def first_of(*rules: Rule) -> Skill:
    """The skill that tries rules in order."""

    def skill(question: Question) -> Solution | None:
        for pattern, build in rules:
            if (found := pattern.search(question.prose)) and (solution := build(found)):
                return solution
        return None

    return skill
