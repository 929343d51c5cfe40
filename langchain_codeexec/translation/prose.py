"""Code and its result as text, for where the wire's own parts cannot go."""

from __future__ import annotations

from typing import Any

__all__ = ["code_as_text", "result_as_text"]

Json = dict[str, Any]


def code_as_text(code: str, language: str = "PYTHON") -> str:
    """Code the model ran, as text a model can read."""
    return _fenced(code, language.lower(), before="I ran this code:")


def result_as_text(outcome: str | None, output: str | None) -> str:
    """What running it gave, as text a model can read."""
    ended = {"OUTCOME_OK": "It printed:", "OUTCOME_DEADLINE_EXCEEDED": "It ran out of time:"}.get(
        outcome or "", "It failed:"
    )
    return _fenced(output, "", before=ended) if output else f"{ended} nothing"


def _fenced(text: str, language: str, *, before: str) -> str:
    fence = "```"
    while fence in text:
        fence += "`"
    end = "" if text.endswith("\n") or not text else "\n"
    return f"{before}\n{fence}{language}\n{text}{end}{fence}"
