"""Words that say how figures are brought together."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from langchain_codeexec.emulator.rules.phrasing import phrase

if TYPE_CHECKING:
    import re

__all__ = ["AGGREGATES", "BINARY", "CHANGE", "LOSS", "first_of"]

_CHANGED = r"(?:chang|increas|decreas|gr[eo]w|ris[ei]|rose|f[ae]ll|drop|shr[aiu]nk|declin|los[et]|gain)\w*"
_PERCENT = r"(?:percent(?:age)?s?|per cent|%)"
_BETWEEN = (
    r"(?:(?:are|were|was|is|there|did|have|had|passed|elapsed|went by|lie|lay) )*"
    r"(?:between|before|after)\b(?! \d)"
)


class _Cue(NamedTuple):
    kind: str
    words: re.Pattern[str]


def _cue(kind: str, *alternatives: str) -> _Cue:
    return _Cue(kind, phrase(*(rf"\b(?:{one})" for one in alternatives)))


# The first that is found says how figures are brought together.
BINARY = (
    _cue("percent change", rf"{_PERCENT}\b.*\b{_CHANGED}", rf"{_CHANGED}\b.*\b{_PERCENT}", r"growth rate\b"),
    _cue("share", rf"{_PERCENT}(?!\w)", r"(?:share|fraction|proportion)\b"),
    _cue("ratio", r"ratios?\b", r"(?:how many )?times\b", r"factor\b", r"divided? .*\bby\b", r"fold\b"),
    _cue(
        "difference",
        r"differences?\b",
        r"minus\b",
        r"subtract\b",
        rf"how many years {_BETWEEN}",
        r"between\b.*\bhow many years\b",
        r"by how (?:much|many)\b",
        r"how (?:much|many) .*\bexceeds?\b",
        rf"how (?:much|many) .*\b{_CHANGED}",
        r"gap between\b",
        r"apart\b",
        r"separates?\b",
    ),
)
AGGREGATES = (
    _cue("range", r"range\b"),
    _cue("median", r"median\b"),
    _cue("stdev", r"standard deviation\b"),
    _cue("mean", r"average\b", r"mean\b"),
    _cue(
        "sum",
        r"total\b",
        r"sum\b",
        r"combined\b",
        r"(?:al)?together\b",
        r"in all\b",
        r"overall\b",
        r"add up\b",
        r"plus\b",
    ),
)
CHANGE = phrase(rf"\b{_CHANGED}")
"""What says that something became more or less."""

LOSS = phrase(r"\b(?:decreas|declin|drop|fall|fell|shrink|shrank|los[et])\w*")
"""What says that it became less."""


def first_of(cues: tuple[_Cue, ...], text: str) -> str:
    """The kind of the first cue that is found; empty for none."""
    return next((cue.kind for cue in cues if cue.words.search(text)), "")
