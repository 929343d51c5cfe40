"""Text from a model or its program, made safe to show on a terminal."""

from __future__ import annotations

from typing import Final

__all__ = ["visible"]

_CONTROL_PICTURES: Final = 0x2400
_KEPT: Final = frozenset("\n\t")
_BIDI: Final = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"

_SHOWN: Final = str.maketrans(
    {chr(code): chr(_CONTROL_PICTURES + code) for code in range(0x20) if chr(code) not in _KEPT}
    | {"\x7f": "\N{SYMBOL FOR DELETE}"}
    | {chr(code): f"\\x{code:02x}" for code in range(0x80, 0xA0)}
    | {sign: f"\\u{ord(sign):04x}" for sign in _BIDI}
    | {chr(code): "\N{REPLACEMENT CHARACTER}" for code in range(0xD800, 0xE000)}
)


def visible(text: str) -> str:
    """Show what would steer a terminal instead of obeying it.

    Control characters (escape sequences among them) become their pictures, signs that reorder text become
    escapes, so that what is read is what ran. Line ends of any system become newlines.
    """
    return text.replace("\r\n", "\n").translate(_SHOWN)
