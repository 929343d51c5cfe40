"""Sentences for people: what evidence a plan rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from langchain_codeexec.planning.rules.computing import operations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_codeexec.planning.rules.coverage import Fit
    from langchain_codeexec.planning.rules.reading import Reading

__all__ = ["computable", "covering", "is_data", "listed", "neither"]

_GIVEN: Final = 0.5
_COVERED: Final = 0.3
_DATA: Final = frozenset(
    {
        "text/csv",
        "text/tab-separated-values",
        "text/plain",
        "text/xml",
        "application/xml",
        "application/json",
        "application/csv",
        "application/vnd.ms-excel",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "text/x-python",
        "text/javascript",
        "application/octet-stream",
    }
)


def is_data(mime_type: str) -> bool:
    """Whether a file is something code computes with, rather than something the model looks at."""
    return mime_type in _DATA


def listed(names: Sequence[str]) -> str:
    """Names in back-ticks."""
    return ", ".join(f"`{name}`" for name in names)


def covering(fit: Fit) -> str:
    """Why a function is chosen."""
    given = [name for name, share in fit.arguments.items() if share >= _GIVEN]
    if not fit.arguments:
        return f"`{fit.name}` covers the question and requires no arguments"
    if not given:
        return f"`{fit.name}` covers the question"
    verb = "is" if len(given) == 1 else "are"
    noun = "argument" if len(given) == 1 else "arguments"
    return f"`{fit.name}` covers the question and its {noun} ({', '.join(given)}) {verb} in the text"


def computable(reading: Reading) -> str:
    """Why code execution is chosen."""
    count = reading.values.quantities
    numbers = f"{count} number{'s' * (count != 1)}" if count else ""
    asked = ", ".join(operations(reading)[:3])
    what = " and ".join(filter(None, (numbers, asked and f"asks for a computation ({asked})")))
    return (
        f"the question gives {what}"
        if numbers
        else f"the question {what or 'can be computed from what it says'}"
    )


def neither(fit: Fit) -> str:
    """Why nothing is chosen, told by the function that comes nearest."""
    missing = [name for name, share in fit.arguments.items() if share < _GIVEN]
    if fit.asked < _COVERED:
        return "no declared function covers the question and it gives nothing to compute with"
    if not missing:
        return f"`{fit.name}` comes nearest, but does not cover the question, and there is nothing to compute"
    verb = "is" if len(missing) == 1 else "are"
    return f"`{fit.name}` comes nearest, but {', '.join(missing)} {verb} not given, and nothing is to compute"
