"""What earlier steps call for: answers that must now be computed with, runs that cannot work."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from langchain_codeexec.executions import Outcome
from langchain_codeexec.planning.rules.computing import operations
from langchain_codeexec.planning.rules.words import stem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_codeexec.executions import CodeExecution
    from langchain_codeexec.planning.rules.case import Case
    from langchain_codeexec.planning.rules.conversation import Answer

__all__ = ["hopeless", "leaning_on_answers", "left_to_compute"]

_DIGIT: Final = re.compile(r"\d")
_POINTS_BACK: Final = re.compile(
    r"\b(?:it|them|those|these|they|their|that|both|"
    r"the (?:two|three|four|results?|values?|numbers?|answers?|figures))\b",
    re.IGNORECASE,
)
_OBSTACLES: Final = (
    ("a library is missing there", r"ModuleNotFoundError|ImportError|No module named"),
    (
        "there is no network",
        (
            r"URLError|ConnectionError|NewConnectionError|ConnectError|Max retries exceeded|name resolution"
            r"|Name or service not known|Network is unreachable|socket\.gaierror|getaddrinfo|Failed to resolve"
        ),
    ),
    ("a file is not there", r"FileNotFoundError|No such file or directory"),
)
_PATTERNS: Final = tuple((why, re.compile(pattern)) for why, pattern in _OBSTACLES)


def hopeless(runs: Sequence[CodeExecution]) -> str:
    """Why running code again would fail as well; empty if the last run went well or could be mended."""
    last = runs[-1] if runs else None
    if last is None or last.ok:
        return ""
    if last.outcome is Outcome.DEADLINE_EXCEEDED:
        return "it ran out of time"
    return next((why for why, pattern in _PATTERNS if pattern.search(last.output or "")), "")


def left_to_compute(case: Case) -> list[str]:
    """The operations asked for that no function called since covers, if the answers hold numbers for them."""
    if not _hold_numbers(case.situation.answers):
        return []
    called = {answer.name for answer in case.situation.answers}
    covered = {word for profile in case.profiles if profile.name in called for word in profile.stems}
    return [word for word in operations(case.reading) if stem(word) not in covered]


def leaning_on_answers(case: Case) -> list[str]:
    """The operations asked for now, if they are on what functions answered before the question."""
    if not _hold_numbers(case.situation.earlier_answers) or not _POINTS_BACK.search(case.situation.question):
        return []
    return operations(case.asked)


def _hold_numbers(answers: Sequence[Answer]) -> bool:
    return any(_DIGIT.search(answer.text) for answer in answers if not answer.failed)
