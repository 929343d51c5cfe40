"""Whether two outputs of the same program say the same."""

from __future__ import annotations

import math
import re
from enum import Enum
from typing import Final

__all__ = ["Likeness", "likeness"]

_NUMBER: Final = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_WHOLE: Final = re.compile(r"[-+]?\d+")
_TOKEN: Final = re.compile(r"[\w.+-]+|[^\s\w]")
_ADDRESS: Final = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
_RELATIVE, _ABSOLUTE = 1e-9, 1e-12
"""What another processor or library version makes of the last digits of a float."""


class Likeness(Enum):
    """How alike two outputs are."""

    SAME = "the same"
    """But for white space at the end of lines, addresses in memory and the noise of floats."""
    REORDERED = "the same in another order"
    DIFFERENT = "different"


def likeness(recorded: str, repeated: str) -> Likeness:
    """Compare what a program printed with what it printed when it was run again."""
    one, other = _normal(recorded), _normal(repeated)
    if one == other or _are_close(one, other):
        return Likeness.SAME
    if sorted(_TOKEN.findall(one)) == sorted(_TOKEN.findall(other)):
        return Likeness.REORDERED
    return Likeness.DIFFERENT


def _normal(output: str) -> str:
    lines = _ADDRESS.sub("0x", output).splitlines()
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def _are_close(one: str, other: str) -> bool:
    """Whether the texts are the same, and the numbers in them but for noise; whole numbers have none."""
    numbers = list(zip(_NUMBER.findall(one), _NUMBER.findall(other), strict=False))
    return [_words(part) for part in _NUMBER.split(one)] == [
        _words(part) for part in _NUMBER.split(other)
    ] and all(_is_close(*pair) for pair in numbers)


def _words(text: str) -> list[str]:
    """Columns are padded by the widest number, so that the amount of white space says nothing."""
    return text.split()


def _is_close(one: str, other: str) -> bool:
    if _WHOLE.fullmatch(one) and _WHOLE.fullmatch(other):
        return int(one) == int(other)
    return math.isclose(float(one), float(other), rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)
