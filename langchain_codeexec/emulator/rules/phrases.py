"""Everything the brain says that no run of code gave it: canned, and open about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec.emulator.rules.numerals import in_digits
from langchain_codeexec.emulator.rules.phrasing import phrase

if TYPE_CHECKING:
    import re

    from langchain_codeexec.emulator.rules.question import Attachment

__all__ = ["NATURE", "joke_line", "no_code", "seen_files", "small_talk", "unable"]

NATURE = "I am the rule-based brain of an offline Gemini emulator, not a language model."
_ABILITIES = (
    "arithmetic, number series, primes, Fibonacci numbers, statistics, percentages, interest, dates, "
    "unit and base conversion, combinatorics, equations, jobs on strings, CSV tables, simple plots, "
    "and calls of the functions you declare"
)
_REMEDY = "Use a scripted brain or a real model for anything else."

# A stock joke, for requests whose form matters more than their wit.
_JOKE_LINES = {
    "setup": "Why did the cat sit on the computer?",
    "punchline": "To keep an eye on the mouse.",
}

_GREETING = phrase(
    r"^\W*(?:hi|hello|hey|good (?:morning|afternoon|evening)|greetings)\b"
    r"(?:\W+(?:there|all|world|again))*\W*$"
)
_HOW_ARE_YOU = phrase(r"\bhow are you\b")
_THANKS = phrase(r"^\W*(?:thanks|thank you|thx|cheers|great|ok|okay)\b.{0,40}$")
_WHO = phrase(r"\b(?:who|what) are you\b|\bwhat can you do\b|\byour name\b|\bhelp\b\W*$")
_JOKE = phrase(r"\bjoke\b")
_SENTENCES = phrase(r"\b(\d{1,2}) (?:short |long )?sentences\b")
_COUNT = phrase(r"\bcount (?:from 1 )?(?:up )?to (\d{1,3})\b")

_SENTENCE_POOL = (
    NATURE,
    "My answers come from a table of rules.",
    "Every number I give is printed by code that really ran.",
    "I write short Python programs and read what they print.",
    "The same question always gets the same answer from me.",
    "I know nothing that is not in the question.",
    "I call the functions that a request declares.",
    "I can draw simple plots with matplotlib.",
    "I say so when I cannot do something.",
    "This sentence is canned, like the others in this list.",
)


def small_talk(text: str) -> str | None:
    """A canned reply to a greeting, to thanks, and to requests for sample text; `None` for anything else."""
    plain = in_digits(text)
    for pattern, reply in _REPLIES:
        if found := pattern.search(plain):
            return reply(found)
    return None


def joke_line(name: str, text: str) -> str | None:
    """The line of the stock joke that a field's name asks for, if the text asks for a joke."""
    return _JOKE_LINES.get(name) if _JOKE.search(text) else None


def _sentences(found: re.Match[str]) -> str:
    count = int(found[1])
    return " ".join(_SENTENCE_POOL[index % len(_SENTENCE_POOL)] for index in range(count)) or NATURE


def _counted(found: re.Match[str]) -> str:
    return ", ".join(map(str, range(1, int(found[1]) + 1))) + "."


_REPLIES = (
    (_GREETING, lambda _: f"Hello! {NATURE} I can do {_ABILITIES}."),
    (_HOW_ARE_YOU, lambda _: f"All my rules are in order, thank you. {NATURE}"),
    (_THANKS, lambda _: "You are welcome."),
    (_WHO, lambda _: f"{NATURE} I can do {_ABILITIES}."),
    (_JOKE, lambda _: f"{_JOKE_LINES['setup']} {_JOKE_LINES['punchline']} (A stock joke: {NATURE})"),
    (_SENTENCES, _sentences),
    (_COUNT, _counted),
)


def unable(what: str = "I have no rule for this request.") -> str:
    """The reply to a request that no rule covers."""
    return f"{NATURE} {what} I can do {_ABILITIES}. {_REMEDY}"


def no_code() -> str:
    """The reply to a question that code could answer, in a request without code execution."""
    return (
        f"{NATURE} I could compute this by running Python, but the request does not declare the "
        "codeExecution tool, and I do not compute without it."
    )


def seen_files(files: tuple[Attachment, ...]) -> str:
    """The reply to a request about files whose content the rules do not read."""
    described = "; ".join(
        f"a file of type {file.mime_type or 'unknown'}, {len(file.data)} bytes"
        if file.data
        else f"a reference to a file of type {file.mime_type or 'unknown'} at {file.path}"
        for file in files
    )
    return unable(f"I received {described}, but I cannot see or read what is in it.")
