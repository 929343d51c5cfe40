"""What a text offers as arguments, each piece used once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PLACE", "PROPER", "QUOTED", "Evidence"]

QUOTED = (
    r"\"([^\"]+)\""
    r"|(?<!\w)'((?:[^']|(?<=\w)'(?=\w))+)'(?!\w)"
    r"|`([^`]+)`"
    r"|\u201c([^\u201d]+)\u201d"
    r"|\u300c([^\u300d]+)\u300d"
)
"""Pattern of a quoted text; the one group that matched holds it."""

_NAME = r"(?:(?:St|Mt|Ft|Dr|Mr|Mrs|Ms)\.|(?!(?:I|I'\w+|What|Who|How|Please)\b)[A-Z\u00C0-\u00DE][\w'-]*)"
PROPER = rf"{_NAME}(?:\s+(?:(?:de|of|la|del|da|do|di|von|van)\s+)?{_NAME})*"
"""Pattern of a capitalised name, without groups."""

PLACE = rf"{PROPER}(?:,\s*(?:[A-Z]{{2}}\b|{PROPER}))?"
"""Pattern of a place name with an optional state or country, without groups."""


class Evidence:
    """A text whose pieces are handed out at most once.

    Args:
        text: The text.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._used: list[tuple[int, int]] = []

    def take(self, pattern: str, flags: re.RegexFlag = re.IGNORECASE) -> str | None:
        """The first unused match of a pattern: its first group that matched, else the whole."""
        return next(self.take_all(pattern, flags), None)

    def take_all(self, pattern: str, flags: re.RegexFlag = re.IGNORECASE) -> Iterator[str]:
        """The unused matches of a pattern, each used up when handed out."""
        for found in re.finditer(pattern, self.text, flags):
            group = next((number for number, value in enumerate(found.groups(), 1) if value is not None), 0)
            if self._is_free(found.span(group)):
                self._used.append(found.span(group))
                yield found[group].strip()

    def take_quoted(self) -> str | None:
        """The next quoted text."""
        return self.take(QUOTED)

    def take_proper(self) -> str | None:
        """The next capitalised name that does not merely begin a sentence."""
        found = self.take(rf"(?<=[\w,;:] ){PROPER}", re.NOFLAG)
        return found and found.rstrip(".'")

    def _is_free(self, span: tuple[int, int]) -> bool:
        return all(span[1] <= start or end <= span[0] for start, end in self._used)
