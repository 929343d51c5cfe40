"""Python code as HTML whose keywords, strings, numbers and comments have classes of their own."""

from __future__ import annotations

import re
from html import escape
from keyword import iskeyword
from typing import Final

__all__ = ["html_from_python"]

_TOKEN: Final = re.compile(
    r"""
    (?P<comment> \#[^\n]*)
    | (?P<string> [rbuftRBUFT]{0,2}
        (?: "{3} (?:\\.|[^\\])*? (?:"{3}|\Z) | '{3} (?:\\.|[^\\])*? (?:'{3}|\Z)
        | " (?:\\.|[^"\\\n])* "? | ' (?:\\.|[^'\\\n])* '? ) )
    | (?P<number> (?<!\w) (?: 0[xXoObB][0-9a-fA-F_]+ | [0-9][0-9_]*\.?[0-9_]*(?:[eE][+-]?[0-9]+)?[jJ]? ))
    | (?P<name> [^\W\d]\w*)
    """,
    re.VERBOSE | re.DOTALL,
)
"""What is unfinished goes to the end, of its line or of the text, as an editor shows it."""


def html_from_python(code: str) -> str:
    """Code, escaped, in `span` elements of the classes `comment`, `string`, `number` and `keyword`."""
    pieces, end = [], 0
    for token in _TOKEN.finditer(code):
        pieces += [escape(code[end : token.start()]), _marked(token)]
        end = token.end()
    return "".join([*pieces, escape(code[end:])])


def _marked(token: re.Match[str]) -> str:
    kind, text = str(token.lastgroup), escape(token[0])
    if kind == "name":
        return f'<span class="keyword">{text}</span>' if iskeyword(token[0]) else text
    return f'<span class="{kind}">{text}</span>'
