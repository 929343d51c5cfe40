"""Code that the question itself holds, run as it stands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from langchain_codeexec.emulator.rules.phrasing import phrase
from langchain_codeexec.emulator.rules.solution import Solution, program

if TYPE_CHECKING:
    from langchain_codeexec.emulator.rules.question import Question

__all__ = ["verbatim"]

_FENCED = re.compile(
    r"(?P<fence>`{3,})(?:python3?|py)?[ \t]*\n(?P<code>.*?)(?P=fence)", re.DOTALL | re.IGNORECASE
)
_INLINE = re.compile(
    r"\b(?:run|execute|evaluate)\b[^:\n`]{0,40}(?::\s*|\s*`)(?P<code>(?:print|import|from|for|\w+\s*=)[^`]*)`?\s*$",
    re.DOTALL | re.IGNORECASE,
)
_RUN = phrase(r"\b(?:run|execute|what (?:does|will|is)|output|result|print|try)\b")


def verbatim(question: Question) -> Solution | None:
    """Run the Python code block of a question that asks to run it."""
    found = _FENCED.search(question.text) or _INLINE.search(question.text)
    if found is None or not _RUN.search(question.prose or "run"):
        return None
    return Solution(
        "I will run the code as it stands.",
        _as_it_stands(found["code"]),
        "The code ran and printed:\n{output}",
    )


def _as_it_stands(code: str) -> str:
    """Code that is indented as a whole is not a program yet."""
    return program(code) if code.lstrip("\n")[:1].isspace() else code
