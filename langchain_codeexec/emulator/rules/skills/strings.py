"""Jobs on a text given in the question."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from langchain_codeexec.emulator.rules.phrasing import phrase
from langchain_codeexec.emulator.rules.solution import Solution, program

__all__ = ["strings"]

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_codeexec.emulator.rules.question import Question

_QUOTED = r"(?:\"([^\"]*)\"|(?<!\w)'((?:[^']|(?<=\w)'(?=\w))*)'(?!\w)|`([^`]*)`)"
_TYPOGRAPHY = str.maketrans(
    "\u201c\u201d\u2018\u2019",
    "\"\"''",
)
_ANY_QUOTED = re.compile(_QUOTED, re.DOTALL)
_LONGEST_UNQUOTED = 60  # characters of a question whose subject may stand without quotes
_PRINT = phrase(r"\b(?:print|output|display|echo|say)\b")
_PRINT_CALL = re.compile(rf"\bprint\(\s*{_QUOTED}\s*\)")
_UNKNOWN = phrase(r"(?:my|your|his|her|our|their|this|that|these|those|it|a|an|each|every)\b")
_REPEAT = phrase(r"\b(\d{1,3}) times\b")
_AFTER_NOUN = phrase(
    r"\b(?:the )?(?:word|string|text|phrase|sentence|name)(?: is)?:?\s+(?!(?:and|is|in|has|a)\b)([\w-]+)",
    r":\s*(\S.*?)\s*$",
    r"\b(?:in|of|reverse|is) (\w+)(?=\s*(?:[?.]|$|backwards|a palindrome|in reverse|to upper|to lower))",
)
_LETTER = r"['\"]?([a-z])['\"]?(?:'?s)?"
_IN_TEXT = r"(?:in|inside) (?:the )?(?:(?:word|string|text|phrase|sentence):? )?(.+?)\s*[?.]?$"
_LETTER_COUNT = phrase(
    rf"\bhow (?:many|often)(?: times)?(?: does)?(?: the)?(?: letter)? {_LETTER}\b(?: letters?)?"
    rf"(?: are| is| do| does| appear| occur)*(?: there)?(?: appear| occur)? {_IN_TEXT}",
    rf"\bcount (?:the )?(?:letter |occurrences of (?:the letter )?|number of )?{_LETTER} {_IN_TEXT}",
)


class _Job(NamedTuple):
    words: re.Pattern[str]
    label: str
    expression: str
    answer: str
    imports: tuple[str, ...] = ()


def _job(words: str, label: str, expression: str, answer: str, *imports: str) -> _Job:
    return _Job(phrase(words), label, expression, answer, imports)


_JOBS = (
    _job(
        r"\breverse (?:the )?(?:order of (?:the )?)?words\b|\bwords .*\breverse order\b",
        "reversed_words",
        '" ".join(reversed(text.split()))',
        "With its words in reverse order, {text} reads {reversed_words}.",
    ),
    _job(
        r"\bpalindrome\b",
        "verdict",
        '"a palindrome" if (plain := [c for c in text.lower() if c.isalnum()]) == plain[::-1]'
        ' else "not a palindrome"',
        "{text} is {verdict}.",
    ),
    _job(
        r"\brevers(?:e|ed|ing)\b|\bbackwards?\b",
        "reversed_text",
        "text[::-1]",
        "{text} reversed is {reversed_text}.",
    ),
    _job(
        r"\bvowels\b",
        "vowels",
        'sum(c in "aeiou" for c in text.lower())',
        "There are {vowels} vowels in {text}.",
    ),
    _job(
        r"\bconsonants\b",
        "consonants",
        'sum(c.isalpha() and c not in "aeiou" for c in text.lower())',
        "There are {consonants} consonants in {text}.",
    ),
    _job(
        r"\bunique (?:letters|characters)\b|\bdistinct (?:letters|characters)\b",
        "distinct",
        "len({c for c in text.lower() if not c.isspace()})",
        "{text} has {distinct} distinct characters.",
    ),
    _job(
        r"\b(?:frequency|frequencies|occurrences?) of (?:each|every|the|all) (?:letters?|characters?)\b"
        r"|\bcount each (?:letter|character)\b",
        "frequencies",
        "dict(Counter(c for c in text.lower() if not c.isspace()))",
        "The letters of {text} occur like this: {frequencies}.",
        "from collections import Counter",
    ),
    _job(
        r"\b(?:frequency|frequencies|count) of (?:each|every) word\b"
        r"|\bcount each word\b|\bword (?:frequency|frequencies)\b",
        "frequencies",
        r'dict(Counter(re.findall(r"[\w\']+", text.lower())))',
        "The words of {text} occur like this: {frequencies}.",
        "import re",
        "from collections import Counter",
    ),
    _job(
        r"\b(?:how many|count|number of) (?:the )?(?:number of )?words\b|\bword count\b",
        "words",
        "len(text.split())",
        "There are {words} words in {text}.",
    ),
    _job(
        r"\b(?:how many|count|number of) (?:the )?(?:number of )?letters\b",
        "letters",
        "sum(c.isalpha() for c in text)",
        "There are {letters} letters in {text}.",
    ),
    _job(
        r"\b(?:how many|count|number of) (?:the )?(?:number of )?characters\b"
        r"|\b(?:length of|how long is)\b|\bcharacter count\b",
        "length",
        "len(text)",
        "{text} has {length} characters.",
    ),
    _job(
        r"\bupper ?-?case\b|\bcapital letters\b|\ball caps\b",
        "upper",
        "text.upper()",
        "{text} in upper case is {upper}.",
    ),
    _job(r"\blower ?-?case\b|\bsmall letters\b", "lower", "text.lower()", "{text} in lower case is {lower}."),
    _job(r"\btitle ?-?case\b|\bcapitali[sz]e\b", "title", "text.title()", "{text} in title case is {title}."),
    _job(
        r"\bsort (?:the )?letters\b|\bletters .*\b(?:sorted|alphabetical)",
        "letters",
        '"".join(sorted(text.lower()))',
        "The letters of {text} in alphabetical order are {letters}.",
    ),
    _job(
        r"\bsort (?:the |these )?words\b|\balphabetical",
        "words",
        'sorted(re.split(r"[,\\s]+", text), key=str.lower)',
        "In alphabetical order: {words}.",
        "import re",
    ),
    _job(
        r"\blongest word\b",
        "longest",
        r'max(re.findall(r"\w+", text), key=len)',
        "The longest word of {text} is {longest}.",
        "import re",
    ),
    _job(
        r"\bsha-?256\b",
        "digest",
        "hashlib.sha256(text.encode()).hexdigest()",
        "The SHA-256 digest of {text} is {digest}.",
        "import hashlib",
    ),
    _job(
        r"\bmd5\b",
        "digest",
        "hashlib.md5(text.encode()).hexdigest()",
        "The MD5 digest of {text} is {digest}.",
        "import hashlib",
    ),
    _job(
        r"\bbase64\b.*\bdecode|\bdecode\b.*\bbase64\b",
        "decoded",
        "base64.b64decode(text).decode()",
        "{text} decodes to {decoded}.",
        "import base64",
    ),
    _job(
        r"\bbase64\b",
        "encoded",
        "base64.b64encode(text.encode()).decode()",
        "{text} in Base64 is {encoded}.",
        "import base64",
    ),
    _job(
        r"\brot13\b",
        "rotated",
        'codecs.encode(text, "rot13")',
        "{text} in ROT13 is {rotated}.",
        "import codecs",
    ),
    _job(
        r"\bascii (?:codes?|values?)\b|\bunicode (?:code ?points?)\b",
        "codes",
        "[ord(c) for c in text]",
        "The character codes of {text} are {codes}.",
    ),
)


def strings(question: Question) -> Solution | None:
    """Do one of the jobs of the table on a quoted or plainly named text, or print a quoted one."""
    text = question.text.translate(_TYPOGRAPHY)
    prose = question.prose
    quoted = [
        next((group for group in found.groups() if group is not None), "")
        for found in _ANY_QUOTED.finditer(text)
    ]
    unquoted = _ANY_QUOTED.sub(" ", text)
    if found := _LETTER_COUNT.search(" ".join(text.split())):
        return _letter_count(found)
    for job in _JOBS:
        if job.words.search(unquoted) and (subject := _subject(quoted, prose, job)):
            return _on_text(job, subject)
    if found := _PRINT_CALL.search(text):
        return _printing(next(group for group in found.groups() if group is not None), 1)
    if quoted and _PRINT.search(unquoted):
        repeats = _REPEAT.search(prose)
        return _printing(quoted[0], int(repeats[1]) if repeats else 1)
    if re.search(r"\bprint hello,? world\b|\bhello,? world program\b", prose, re.IGNORECASE):
        return _printing("Hello, world!", 1)
    return None


def _subject(quoted: list[str], prose: str, job: _Job) -> str | None:
    """The text that a job is for: quoted, or the word after a noun that announces it."""
    if quoted:
        return quoted[0]
    for found in _named(prose) if len(prose) <= _LONGEST_UNQUOTED else ():
        if not job.words.search(found):
            return found
    return None


def _named(prose: str) -> Iterator[str]:
    for found in _AFTER_NOUN.finditer(prose):
        subject = next(group for group in found.groups() if group).strip()
        if subject.lower() not in {"it", "this", "that", "them", "the", "text", "word", "sentence", "string"}:
            yield subject


def _shown(text: str) -> str:
    return f'"{text}"'


def _on_text(job: _Job, subject: str) -> Solution:
    head = "".join(f"{line}\n" for line in job.imports)
    code = f'text = {subject!r}\n{job.label} = {job.expression}\nprint("{job.label} =", {job.label})'
    answer = job.answer.replace("{text}", _shown(subject))
    noun = job.label.replace("_", " ")
    return Solution(
        f"I will compute this with Python ({noun}).", f"{head}\n{program(code)}".lstrip("\n"), answer
    )


def _letter_count(found: re.Match[str]) -> Solution | None:
    letter = (found[1] or found[3]).lower()
    subject = (found[2] or found[4]).strip("\"'` ")
    if _UNKNOWN.match(subject):
        return None
    code = f'text = {subject!r}\ncount = text.lower().count({letter!r})\nprint(f"{{count = }}")'
    return Solution(
        f"I will count the letter {letter}.",
        program(code),
        f"The letter {letter} occurs {{count}} times in {_shown(subject)}.",
    )


def _printing(text: str, times: int) -> Solution:
    line = f"print({text!r})"
    code = line if times == 1 else f"for _ in range({times}):\n    {line}"
    once = times == 1 and "\n" not in text
    how = "" if times == 1 else f" {times} times"
    return Solution(
        f"I will print {_shown(text)}{how}.",
        program(code),
        'I have printed "{output}" with the Python code above.'
        if once
        else f"I have printed this{how}:\n{{output}}",
    )
