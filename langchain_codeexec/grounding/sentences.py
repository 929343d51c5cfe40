"""The sentences of a text that was written for people: Markdown or plain."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["sentences_in"]

_BLOCK: Final = re.compile(
    r"^[ \t]*#{1,6}[ \t][^\n]*"  # a heading
    r"|^[^\n]*\S[^\n]*"  # a paragraph or an item of a list, and the lines it runs over
    r"(?:\n(?![ \t]*(?:$|#{1,6}[ \t]|[-*+>|][ \t]|\d{1,3}[.)][ \t]))[^\n]+)*",
    re.MULTILINE,
)
_END: Final = re.compile(
    r"(?:(?<=[.!?])|(?<=[.!?][\"'*_\u201d)])|(?<=[.!?]\s\[\d\])|(?<=[.!?]\s\[\d\d\])|(?<=[.!?]\[\d\]))"
    r"(?<!\bapprox\.)(?<!\bca\.)(?<!\bvs\.)(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bNo\.)(?<!\bSt\.)(?<!\bDr\.)(?<!\bMr\.)"
    r"(?<!^\d\.)(?<!^\d\d\.)"  # the number of an item
    r"\s+(?=[^\sa-z\[])"
)


def sentences_in(text: str) -> Iterator[tuple[int, str]]:
    """Where each sentence, heading or item of a list begins, and its text as it stands there."""
    for block in _BLOCK.finditer(text):
        start = 0
        for end, following in [*(found.span() for found in _END.finditer(block[0])), (len(block[0]),) * 2]:
            if block[0][start:end].strip():
                yield block.start() + start, block[0][start:end]
            start = following
