"""What the user asks for in so many words: to run code, not to, or to call a certain function."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from langchain_codeexec.planning.rules.words import name_words, stem, text_words

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Wish", "wish"]

_CODE: Final = r"(?:code(?:[ -]execution| interpreter)?|python(?: code)?|(?:a |the )?sandbox)"
_WITHOUT_CODE: Final = re.compile(
    rf"\b(?:without|no|avoid|instead of|rather than)\s+(?:any\s+|(?:us|runn|writ|execut)ing\s+){{0,3}}{_CODE}\b"
    rf"|\b(?:do not|don['\u2019]t|never)\s+(?:use|run|write|execute)\s+(?:any\s+|the\s+)?{_CODE}\b",
    re.IGNORECASE,
)
_WITH_CODE: Final = re.compile(
    rf"\b(?:run|execute|use|using)\s+(?:some\s+|a bit of\s+|the\s+|your\s+)?{_CODE}\b(?!\s+(?:tool|function))"
    r"|\bwrite\s+(?:and (?:run|execute)\s+)?(?:some\s+)?(?:python(?: code)?|code)\b(?!\s+(?:script|program))"
    r"|\b(?:with|in)\s+(?:the )?(?:code execution|code interpreter)\b"
    r"|\b(?:compute|calculate|simulate|plot|check|verify|solve)\b[^.?!]*\b(?:with|in|using)\s+python\b",
    re.IGNORECASE,
)
_TOOL: Final = r"(?:tools?|functions?|apis?)"
_WITHOUT_TOOLS: Final = re.compile(
    rf"\b(?:without|no|avoid)\s+(?:any\s+|using\s+|calling\s+|the\s+|my\s+){{0,3}}{_TOOL}\b"
    rf"|\b(?:do not|don['\u2019]t|never)\s+(?:use|call)\s+(?:any\s+|the\s+|my\s+)?{_TOOL}\b",
    re.IGNORECASE,
)
_NAMED_TOOL: Final = re.compile(
    rf"\b(?:use|using|call|calling|invoke|run|with|via|through)\s+(?:the|my|our|your)\s+((?:[\w.-]+\s+){{1,4}}?){_TOOL}\b",
    re.IGNORECASE,
)
_CALLED: Final = re.compile(
    r"\b(?:use|using|call|calling|invoke|run|try|via|tool|function)\s+[`'\"]?([\w.-]+)", re.IGNORECASE
)
_NOT_A_WORD: Final = re.compile(r"[_.\d]|[a-z][A-Z]")


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for.

    Attributes:
        code: `True` to run code, `False` not to, `None` if nothing is said.
        tools: `False` if no function shall be called.
        functions: The functions asked for by name.
    """

    code: bool | None = None
    tools: bool = True
    functions: tuple[str, ...] = ()


def wish(text: str, names: Sequence[str]) -> Wish:
    """Read the wishes in a text.

    Args:
        text: The user's words.
        names: Names of the declared functions.
    """
    refused = bool(_WITHOUT_CODE.search(text))
    code = False if refused else True if _WITH_CODE.search(text) else None
    if _WITHOUT_TOOLS.search(text):
        return Wish(code, tools=False)
    return Wish(code, functions=_named(text, names))


def _named(text: str, names: Sequence[str]) -> tuple[str, ...]:
    """The functions named: by their very name, or in words before "tool" or "function"."""
    called = {name.lower().rstrip(".") for name in _CALLED.findall(text)}
    exact = [name for name in names if _is_spelt_out(name, text) or name.lower() in called]
    if exact:
        return tuple(exact)
    for words in _NAMED_TOOL.findall(text):
        wanted = {stem(word) for word in text_words(words)}
        found = [name for name in names if wanted and wanted <= set(map(stem, name_words(name)))]
        if found:
            return tuple(found)
    return ()


def _is_spelt_out(name: str, text: str) -> bool:
    """Whether a name that is no plain word stands in the text."""
    return (
        name in text
        and bool(_NOT_A_WORD.search(name))
        and bool(re.search(rf"(?<![\w.]){re.escape(name)}(?![\w])", text))
    )
