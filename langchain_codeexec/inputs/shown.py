"""Text of unknown origin as a line that a prompt can hold."""

from __future__ import annotations

import unicodedata

__all__ = ["shown"]

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode's categories of what does not show, moves or reorders text, or is no character."""


def shown(text: str, most: int) -> str:
    """At most so many characters, on one line, nothing in them that hides or breaks out."""
    cut = text[: 4 * most]
    plain = "".join(" " if unicodedata.category(one) in _HIDDEN else one for one in cut)
    line = " ".join(plain.split())
    return line if len(line) <= most and len(cut) == len(text) else f"{line[: most - 1]}…"
