"""What a text gives: the values that could become arguments or numbers to compute with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from langchain_codeexec.planning.rules.words import NUMBER_WORDS, is_content, text_words

__all__ = ["Values", "values"]

_URL: Final = re.compile(
    r"\b(?:https?|ftp)://\S+|\b(?:\d{1,3}\.){3}\d{1,3}\b"
    r"|\b[\w-]{1,63}(?:\.[\w-]{1,63}){0,5}\.(?:com|org|net|edu|gov|io|co|ai|dev|app|info|eu|uk|de|fr|ca|jp|cn|br|ru|nl|es|it)\b"
)
_EMAIL: Final = re.compile(r"\b[\w.+-]{1,64}@[\w-]+\.[\w.]+\b")
_PATH: Final = re.compile(
    r"(?<![\w.])(?:[\w-]{1,64}[/\\]){0,16}[\w-]{1,64}\.[a-z][a-z0-9]{1,4}\b|(?<!\w)[/~]\w[\w./-]+"
)
_QUOTED: Final = re.compile(
    r"(?<!\w)'((?:[^'\n]|(?<=\w)'(?=\w)){1,400})'(?!\w)|\"([^\"\n]{1,400})\"|\u201c([^\u201d]{1,400})\u201d|`([^`\n]{1,400})`"
)
_IDENTIFIER: Final = re.compile(
    r"\b(?=\w*\d)(?=\w*[A-Za-z])(?!\d+(?:st|nd|rd|th|s|am|pm|k|kg|km|m|cm|g|h)\b)\w[\w-]*\w\b|\b\w+_\w+\b"
)
_NUMBER: Final = re.compile(r"(?<![\w.])[-+]?[$\u20ac\u00a3]?\d[\d,]*(?:\.\d+)?|(?<![\w.])\.\d+")
_MONTHS: Final = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    "oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_CAPITAL_MONTHS: Final = (
    "January|February|March|April|May|June|July|August|September|October|November|December"
)
_ISO_DATE: Final = re.compile(
    rf"\b\d{{4}}[-/.]\d{{1,2}}(?:[-/.]\d{{1,2}})?\b|\b(?:{_MONTHS})\.?\s+\d+(?:st|nd|rd|th)?\b"
    rf"|\b\d{{1,2}}(?:st|nd|rd|th)?(?:\s+of)?\s+(?:{_MONTHS})\b|\b(?:in|year|since|of|until|by)\s+(?:1\d|20)\d\d\b"
    r"|\b\d+-[A-Z]\b|\b(?:id|no\.)\s*[:#]?\s*\d+",
    re.IGNORECASE,
)
_DATE: Final = re.compile(
    rf"\b\d{{4}}[-/.]\d{{1,2}}(?:[-/.]\d{{1,2}})?\b|\b\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{2,4}}\b"
    rf"|\b(?:{_MONTHS})\.?\s+\d|\b\d{{1,2}}(?:st|nd|rd|th)?(?:\s+of)?\s+(?:{_MONTHS})\b"
    rf"|(?-i:\b(?:{_CAPITAL_MONTHS})\b)"
    r"|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|\b(?:today|tonight|tomorrow|yesterday)\b"
    r"|\b(?:next|last|this|coming|past|upcoming|previous)\s+(?:\d+\s+)?(?:day|week|weekend|month|year|hour|quarter)s?\b"
    r"|\b(?:in|year|since|of|from|until|by|between|and|to)\s+(?:1\d|20)\d\d\b|\b\d+(?:st|nd|rd|th)\b",
    re.IGNORECASE,
)
_TIME: Final = re.compile(
    r"\b\d{1,2}(?::\d\d)?\s*[ap]\.?m\b|\b\d{1,2}:\d\d\b|\b(?:noon|midnight|morning|afternoon|evening|tonight|now)\b"
    r"|\b\d+ (?:minute|hour|second)s?\b|\bo'clock\b",
    re.IGNORECASE,
)
_QUANTITY: Final = re.compile(
    r"(?<![\w.])[$\u20ac\u00a3]?(?:\d{1,3}(?:,\d{3})+|\d{1,6}(?!\d))(?:\.\d+)?|(?<![\w.])\.\d+"
)
_NO_QUANTITY: Final = re.compile(
    "|".join(f"(?:{part.pattern})" for part in (_URL, _EMAIL, _ISO_DATE)), re.IGNORECASE
)
_CURRENCY: Final = re.compile(
    r"[$\u20ac\u00a3\u00a5\u20b9]|\b(?:USD|EUR|GBP|JPY|CNY|RMB|INR|CAD|AUD|CHF|KRW|BRL|MXN|SEK|NOK|SGD|HKD|dollars?|euros?|"
    r"pounds sterling|yen|yuan|rupees?|francs?|pesos?|won)\b"
)
_NO_NAME: Final = re.compile(
    rf"I(?:['\u2019](?:m|d|ll|ve))?|(?:{_MONTHS})|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day", re.IGNORECASE
)
_REGION: Final = re.compile(r",\s+[A-Z][A-Za-z]+")
_NAME: Final = re.compile(
    r"[A-Z][\w'\u2019&-]*(?:\s+(?:(?:of|de|da|van|von|the)\s+)?[A-Z][\w'\u2019&-]*)*(?:,\s+[A-Z]{2}\b)?"
)
_SENTENCE_START: Final = re.compile(r"(?:^|[.!?:\n]\s*)[\"'(]*$")
_AFTER_PREPOSITION: Final = re.compile(
    r"\b(?:in|at|from|to|near|for|of|on|about)\s+([^\W\d_]{3,})", re.IGNORECASE
)
_LIST: Final = re.compile(
    r"\[[^\[\]]{0,200},[^\[\]]{0,200}\]|\b[\w.-]+,\s*[\w.-]+,?\s+(?:and|or)\s+\w|\b\d[\d.]*(?:\s*,\s*\d[\d.]*){2,}"
)
_ASSIGNED: Final = re.compile(r"\b([A-Za-z]\w{0,20})\s*(?:=|:)\s*['\"\[\-\d\w]")


@dataclass(frozen=True, slots=True)
class Values:
    """The values in a text, by kind.

    Attributes:
        numbers: How many numbers it holds, number words included.
        quantities: How many of these are no part of a date, an identifier, an address or a quotation.
        names: Capitalised names that do not merely begin a sentence.
        quoted: How many quoted strings.
        identifiers: Words mixing letters with digits or underscores.
        dates: How many dates or spans of days.
        times: How many times of day or spans of hours.
        regions: How many states or countries after a comma.
        emails: How many e-mail addresses.
        links: How many web addresses.
        paths: How many file names.
        lists: How many enumerations.
        assigned: Lower-case names that are given a value (`a=2`).
        objects: Words that follow a preposition.
        currencies: How many currencies it names.
        spelled: The words, in lower case, that stand in names and identifiers.
        cited: The words, in lower case, that stand in quotations.
    """

    numbers: int = 0
    quantities: int = 0
    names: int = 0
    quoted: int = 0
    identifiers: int = 0
    dates: int = 0
    times: int = 0
    regions: int = 0
    emails: int = 0
    links: int = 0
    paths: int = 0
    lists: int = 0
    assigned: frozenset[str] = frozenset()
    objects: int = 0
    currencies: int = 0
    spelled: frozenset[str] = frozenset()
    cited: frozenset[str] = frozenset()

    @property
    def words(self) -> int:
        """How many values could be a string argument."""
        return self.names + self.quoted + self.identifiers + self.emails + self.links + self.paths


def values(text: str, words: list[str]) -> Values:
    """Find the values in a text.

    Args:
        text: The text.
        words: Its words.
    """
    quotations = ["".join(groups) for groups in _QUOTED.findall(text)]
    bare = _QUOTED.sub(" ", text) if quotations else text
    names = _names(bare)
    identifiers = _IDENTIFIER.findall(bare)
    number_words = sum(word.lower() in NUMBER_WORDS for word in words)
    return Values(
        numbers=len(_NUMBER.findall(text)) + number_words,
        quantities=len(_QUANTITY.findall(_NO_QUANTITY.sub(" ", bare))) + number_words,
        names=len(names),
        quoted=len(quotations),
        identifiers=len(identifiers),
        dates=len(_DATE.findall(text)),
        times=len(_TIME.findall(text)),
        regions=len(_REGION.findall(bare)),
        emails=len(_EMAIL.findall(text)),
        links=len(_URL.findall(text)),
        paths=len(_PATH.findall(text)),
        lists=len(_LIST.findall(text)),
        assigned=frozenset(name.lower() for name in _ASSIGNED.findall(text)),
        objects=sum(is_content(word.lower()) for word in _AFTER_PREPOSITION.findall(bare)),
        currencies=len(_CURRENCY.findall(text)),
        spelled=_lower_words([*names, *identifiers]),
        cited=_lower_words(quotations),
    )


def _lower_words(values_found: list[str]) -> frozenset[str]:
    return frozenset(word.lower() for value in values_found for word in text_words(value))


def _names(text: str) -> list[str]:
    """Capitalised names, without the word that begins a sentence."""
    found = []
    for match in _NAME.finditer(text):
        name = match[0]
        if _SENTENCE_START.search(text, max(0, match.start() - 4), match.start()):
            _, _, name = name.partition(" ")
        if name and not _NO_NAME.fullmatch(name):
            found.append(name)
    return found
