"""Follow-up questions, rewritten into questions that stand alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from langchain_codeexec.emulator.rules.numerals import NUMBER, in_digits
from langchain_codeexec.emulator.rules.phrasing import phrase
from langchain_codeexec.emulator.rules.question import Question
from langchain_codeexec.emulator.rules.skills import solve
from langchain_codeexec.emulator.rules.solution import labelled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_codeexec.emulator.rules.conversation import Conversation, Exchange

__all__ = ["standing_alone"]

_OPENING = phrase(
    r"^\W*(?:and|now|what about|how about|same|then|also|ok(?:ay)?,?|next|instead|but)\b[\s,]*(?:now\s+)?"
)
_LONGEST = 120  # characters; a longer text is a question of its own
_NUMBERS = re.compile(NUMBER)
_WORD = re.compile(r"[a-z]+")
_INTO = frozenset({"in", "to", "into", "as"})
_FILLER_WORDS = """
the of for is in to into as a an and what about how be would it its with by one ones please if do does s
"""
_FILLERS = frozenset(_FILLER_WORDS.split())
_RESULT = phrase(
    r"\b(?:it|that|this|them)\b",
    r"\bthe (?:previous )?(?:result|answer|sum|total|number|product|mean|value)\b(?! (?:of|from|between)\b)",
)
_BARE_OPERATION = phrase(
    rf"^\W*(?:and\s+|now\s+|then\s+)*"
    r"(times|plus|minus|divided by|multiplied by|to the power of|squared|cubed|[-+*/^])\s*"
    rf"({NUMBER})?\W*$"
)
_OPERATORS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
_BARE_COMMAND = phrase(
    rf"^\W*(?:and\s+|now\s+|then\s+)*(add|subtract|multiply|divide)(?: by)?\s+({NUMBER})\W*$"
)
# Words of one family may take each other's place: "and the median?" asks the same of the same numbers.
_FAMILIES = tuple(
    phrase(rf"\b(?:{words})\b")
    for words in (
        "mean|average|median|mode|standard deviation|stdev|variance|range|sum|product|total|count",
        "maximum|minimum|max|min|largest|smallest",
        "prime numbers|primes|fibonacci numbers|even numbers|odd numbers|squares|cubes|positive integers",
        "days|weeks|months|years",
        "gcd|lcm|greatest common divisor|least common multiple",
        "binary|octal|decimal|hexadecimal|hex",
        "uppercase|lowercase|upper case|lower case|title case",
        "vowels|consonants|words|letters|characters",
        "kilometers|miles|meters|feet|yards|inches|km|cm",
        "kg|pounds|grams|ounces",
        "celsius|fahrenheit|kelvin",
        "bar chart|pie chart|line chart|scatter plot|line plot",
    )
)


def standing_alone(conversation: Conversation) -> Question:
    """The last question, completed from the exchanges before it if it does not stand alone.

    Numbers take the place of the previous question's numbers, words that of words of their family, and
    `it` that of the last result. A question that makes sense by itself stays as it is.
    """
    text, earlier = conversation.question.text, conversation.earlier
    rewritten = _rewritten(text, earlier, conversation.question)
    return Question.of(rewritten, conversation.question.attachments) if rewritten else conversation.question


def _rewritten(text: str, earlier: Sequence[Exchange], question: Question) -> str | None:
    if not earlier or len(text) > _LONGEST:
        return None
    if (operated := _operated(text, earlier[-1])) and solve(Question.of(operated, question.attachments)):
        return operated
    if _OPENING.match(text) is None or solve(Question.of(_OPENING.sub("", text), question.attachments)):
        return None
    previous = _standing_before(earlier, question)
    varied = previous and _varied(previous, in_digits(text))
    return varied if varied and solve(Question.of(varied, question.attachments)) else None


def _standing_before(earlier: Sequence[Exchange], question: Question) -> str | None:
    """The previous question, itself completed from those before it."""
    *before, last = earlier
    return _rewritten(last.question, before, question) or last.question


def _operated(text: str, previous: Exchange) -> str | None:
    """`double it` with the last result in the place of `it`."""
    result = _last_number(previous)
    if result is None:
        return None
    if found := _BARE_COMMAND.match(text):
        return f"{result} {_OPERATORS[found[1].lower()]} {found[2]}"
    if found := _BARE_OPERATION.match(text):
        return f"{result} {found[1]} {found[2] or ''}".strip()
    return _RESULT.sub(result, _OPENING.sub("", text), count=1) if _RESULT.search(text) else None


def _last_number(previous: Exchange) -> str | None:
    """The one number of the previous exchange's first printed result, else of its whole output or reply."""
    values = list(labelled(previous.output).values())
    for source in (*values[:1], previous.output, previous.reply.strip().rpartition("\n")[2]):
        numbers = _NUMBERS.findall(source)
        if len(numbers) == 1:
            return str(numbers[0])
    return None


def _varied(previous: str, text: str) -> str | None:
    """The previous question with the numbers and the family words of a follow-up in their places."""
    previous = in_digits(previous)
    varied = _with_numbers(previous, text)
    if varied is None:
        return None
    for family in _FAMILIES:
        if (new := family.search(text)) and (old := _family_place(family, varied, text, new)):
            varied = varied[: old.start()] + new[0] + varied[old.end() :]
    return varied if varied != previous and not _new_words(varied, text) else None


def _family_place(
    family: re.Pattern[str], question: str, text: str, word: re.Match[str]
) -> re.Match[str] | None:
    """The only word of a family in a question, else the one with the same preposition before it."""
    places = list(family.finditer(question))
    if len(places) < 2:  # noqa: PLR2004 -- nothing to choose
        return next(iter(places), None)
    before = _preposition(text, word)
    return next((place for place in places if before and _preposition(question, place) == before), None)


def _preposition(text: str, word: re.Match[str]) -> str:
    before, _ = _neighbours(text, word)
    return "to" if before in _INTO else before


def _new_words(question: str, text: str) -> set[str]:
    """The words of a follow-up that did not find their way into the question: it asks for something else."""
    return (
        set(_WORD.findall(_OPENING.sub("", text.lower()))) - set(_WORD.findall(question.lower())) - _FILLERS
    )


def _with_numbers(previous: str, text: str) -> str | None:
    """The numbers of a text in the places of a question's: all for all, else each after the same word."""
    old, new = list(_NUMBERS.finditer(previous)), list(_NUMBERS.finditer(text))
    if len(new) == len(old):
        places = list(zip(old, new, strict=True))
    else:
        places = [(place, one) for one in new if (place := _same_place(old, previous, one, text))]
    if len(places) < len(new):
        return None
    for place, one in sorted(places, key=lambda pair: pair[0].start(), reverse=True):
        previous = previous[: place.start()] + one[0] + previous[place.end() :]
    return previous


def _same_place(
    places: list[re.Match[str]], previous: str, number: re.Match[str], text: str
) -> re.Match[str] | None:
    """The number of the previous question that has the same word before it, or the same sign after it."""
    before, after = _neighbours(text, number)
    for place in places:
        left, right = _neighbours(previous, place)
        if (before and before == left) or (after in {"%", "percent"} and after == right):
            return place
    return None


def _neighbours(text: str, number: re.Match[str]) -> tuple[str, str]:
    before = re.search(r"([a-z]+)\W*$", text[: number.start()].lower())
    after = re.match(r"\s*(%|[a-z]+)", text[number.end() :].lower())
    return (before[1] if before else "", after[1] if after else "")
