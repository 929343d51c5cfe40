"""Texts of a record: what is not to be seen made visible, what is too long shortened, quantities in words."""

from __future__ import annotations

import re
from typing import Final

from langchain_codeexec.control.prices import Prices, TokenUsage
from langchain_codeexec.control.usage import ExecutionUsage

__all__ = ["LONGEST_MARKED", "duration", "joined", "one_line", "shortened", "usage_text", "visible"]

_LONGEST_LINE: Final = 160
"""Characters of a heading, or of a call below its line of code."""
LONGEST_MARKED: Final = 50_000
"""Characters of a text that is marked up and wrapped; of longer ones that takes minutes."""

_CONTROL_PICTURES: Final = 0x2400
_INVISIBLE: Final = (
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U0001d173-\U0001d17a\U000e0000-\U000e007f"
)
"""Marks of direction, signs without width, separators of lines, and tags: a reader sees none of them."""
_HIDDEN: Final = re.compile(
    f"[\x80-\x9f{_INVISIBLE}]"
    # Scripts and emojis need the joiners; between letters of ASCII they only hide something.
    "|(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
)
_PICTURES: Final = str.maketrans(
    {chr(code): chr(_CONTROL_PICTURES + code) for code in range(0x20) if chr(code) not in "\n\t"}
    | {"\x7f": "\N{SYMBOL FOR DELETE}"}
    | {chr(code): "\N{REPLACEMENT CHARACTER}" for code in range(0xD800, 0xE000)}
)


def visible(text: str) -> str:
    """Replace what would steer a terminal, reorder a line or not be seen, so that what is read is what ran.

    Control characters (escape sequences among them) become their pictures, marks of direction and characters
    without width become escapes, line ends of any system become newlines.
    """
    text = text.replace("\r\n", "\n").translate(_PICTURES)
    return text if text.isascii() else _HIDDEN.sub(lambda sign: ascii(sign[0])[1:-1], text)


def shortened(text: str, most: int) -> str:
    """A text, or of a longer one the beginning and the end, with how much is left out between them."""
    if len(text) <= most:
        return text
    half = most // 2
    left_out = f"[{len(text) - 2 * half:,} characters are left out here]"
    return f"{text[:half]}\N{HORIZONTAL ELLIPSIS}{left_out}\N{HORIZONTAL ELLIPSIS}{text[len(text) - half :]}"


def one_line(text: str) -> str:
    """The beginning of a text, in one line."""
    line = " ".join(visible(text).split())
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}\N{HORIZONTAL ELLIPSIS}"


def joined(*facts: str) -> str:
    """Facts in one line; those that are empty are left out."""
    return " \N{MIDDLE DOT} ".join(filter(None, facts))


def duration(seconds: float) -> str:
    """Seconds with three digits or all before the point, in milliseconds below one."""
    if seconds < 1:
        return f"{seconds * 1e3:.0f} ms"
    return f"{seconds:.3g} s" if seconds < 100 else f"{seconds:,.0f} s"  # noqa: PLR2004 -- it has three digits


def usage_text(usage: ExecutionUsage, prices: Prices | None = None) -> str:
    """Executions, tokens and their cost in words; what there is none of is left out, missing prices are named."""
    unpriced = one_line(", ".join(usage.unpriced)) if prices else ""
    return joined(
        _count(usage.executions, "run"),
        duration(usage.seconds) if usage.seconds else "",
        _count(usage.images, "image"),
        _tokens(usage.tokens) if usage.tokens.total else "",
        f"cost {usage.cost:.6f}" if usage.cost else "",
        f"no price is known of {unpriced}" if unpriced else "",
    )


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}{'s' * (number != 1)}" if number else ""


def _tokens(tokens: TokenUsage) -> str:
    read = _parts((tokens.tool_use, "from its runs"), (tokens.cached, "cached"))
    written = _parts((tokens.thinking, "thinking"))
    sent, answered = tokens.prompt + tokens.tool_use, tokens.candidates + tokens.thinking
    return f"{tokens.total:,} tokens: {sent:,} in{read}, {answered:,} out{written}"


def _parts(*parts: tuple[int, str]) -> str:
    named = ", ".join(f"{count:,} {name}" for count, name in parts if count)
    return f" ({named})" if named else ""
