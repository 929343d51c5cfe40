"""Sums, products and lists of number series."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from langchain_codeexec.emulator.rules.numerals import NUMBER, literal
from langchain_codeexec.emulator.rules.phrasing import phrase
from langchain_codeexec.emulator.rules.solution import Solution, program

if TYPE_CHECKING:
    from langchain_codeexec.emulator.rules.question import Question

__all__ = ["AGGREGATES", "Aggregate", "aggregate_in", "series"]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """What is asked of a series: `label` is printed, `expression` computes it from `terms`."""

    words: re.Pattern[str]
    label: str
    noun: str
    expression: str
    imports: tuple[str, ...] = ()


def _words(pattern: str) -> re.Pattern[str]:
    return phrase(rf"\b(?:{pattern})\b")


AGGREGATES = (
    Aggregate(_words(r"sum|sums|total|add(?: up)?|adding|summing|sum up"), "total", "sum", "sum(terms)"),
    Aggregate(_words(r"product|multiply|multiplied"), "product", "product", "math.prod(terms)", ("math",)),
    Aggregate(_words(r"average|mean"), "mean", "mean", "statistics.mean(terms)", ("statistics",)),
    Aggregate(_words(r"median"), "median", "median", "statistics.median(terms)", ("statistics",)),
    Aggregate(_words(r"how many|count|number of"), "count", "number", "len(terms)"),
    Aggregate(
        _words(r"list|print|show|give me|what are|which are|display|generate|find|output|all|the first"),
        "terms",
        "list",
        "terms",
    ),
)


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of number: its k-th term for k = 1, 2, …, and the test whether n is one."""

    words: re.Pattern[str]
    noun: str
    term: str
    test: str
    imports: tuple[str, ...] = ()


_INTEGERS = r"(?:positive |natural |whole |counting )*(?:numbers|integers|naturals)"
_KINDS = (
    _Kind(
        _words(r"(?:positive )?even(?: positive| natural)?(?: numbers| integers)?"),
        "even numbers",
        "2 * k",
        "n % 2 == 0",
    ),
    _Kind(
        _words(r"(?:positive )?odd(?: positive| natural)?(?: numbers| integers)?"),
        "odd numbers",
        "2 * k - 1",
        "n % 2 == 1",
    ),
    _Kind(
        _words(r"(?:perfect )?squares|square numbers|squared numbers"),
        "squares",
        "k**2",
        "math.isqrt(n) ** 2 == n",
        ("math",),
    ),
    _Kind(_words(r"(?:perfect )?cubes|cube numbers"), "cubes", "k**3", "round(n ** (1 / 3)) ** 3 == n"),
    _Kind(
        _words(r"triangular numbers"),
        "triangular numbers",
        "k * (k + 1) // 2",
        "math.isqrt(8 * n + 1) ** 2 == 8 * n + 1",
        ("math",),
    ),
    _Kind(_words(r"factorials"), "factorials", "math.factorial(k)", "", ("math",)),
    _Kind(_words(r"(?:unit fractions|reciprocals)"), "reciprocals", "1 / k", ""),
    _Kind(_words(_INTEGERS), "positive integers", "k", ""),
)

_FIRST = phrase(
    rf"\bfirst ({NUMBER})\s+(?P<kind>[a-z][a-z ]*?)(?=[?.,;:!]|$| (?:using|with|and|in|please|starting)\b)"
)
_OF_FIRST = phrase(rf"\b(squares|cubes|factorials|reciprocals) of (?:the )?first ({NUMBER}) {_INTEGERS}")
_MULTIPLES_FIRST = phrase(rf"\bfirst ({NUMBER}) multiples of ({NUMBER})")
_POWERS_FIRST = phrase(rf"\bfirst ({NUMBER}) powers of ({NUMBER})")
_MULTIPLES = phrase(
    rf"\b(?:multiples? of|divisible by|multiples? of either) ({NUMBER})(?: (or|and) (?:by )?({NUMBER}))?"
)
_BETWEEN = phrase(rf"\b(?:from|between)\s+({NUMBER})\s+(?:to|and|through|until|up to)\s+({NUMBER})")
_BARE_RANGE = phrase(
    r"\b(?:numbers|integers|sum|add(?: up)?|total|squares|cubes)"
    r"(?: of)?(?: all)?(?: the)?(?: numbers| integers)?"
    rf"\s+({NUMBER})\s?(?:to|through|-)\s?({NUMBER})(?!\s*[-+*/%])"
)
_BELOW = phrase(
    rf"\b(below|under|less than|smaller than|up to|not exceeding|at most|until)\s+({NUMBER})(?:,? inclusive)?"
)
_ELLIPSIS = re.compile(r"\b(\d+)\s*\+\s*(\d+)\s*\+(?:\s*\d+\s*\+)*\s*(?:\.\.\.|…)\s*\+\s*(\d+)")
_EACH = phrase(r"\b(?:squares|cubes) (?:of|from)\b")
# Bounds right after the verb, as in "add 1 to 100", mean integers.
_BARE_BOUNDS = phrase(
    r"\b(?:sum|total|product|average|mean)(?: of)?(?: everything| all)? (?:from|between) ",
    rf"\b(?:sum|sum up|add up)\s+{NUMBER}\s?(?:to|through|-)",
)
_LISTING = phrase(r"^\W*(?:the )?(?:first|numbers|integers|multiples|even|odd|perfect|squares|cubes)\b")
_OPEN_BOUNDS = frozenset({"below", "under", "less than", "smaller than"})
_PLAIN_RANGE_NOUN = _words(_INTEGERS)


def aggregate_in(text: str) -> Aggregate | None:
    """The aggregate that a text asks for."""
    return next((found for found in AGGREGATES if found.words.search(text)), None)


def series(question: Question) -> Solution | None:
    """Aggregate the first terms of a series, or its terms within bounds."""
    text = question.prose
    aggregate = aggregate_in(text) or (AGGREGATES[-1] if _LISTING.match(text) else None)
    if ("..." in text or "…" in text) and (found := _ELLIPSIS.search(text)):
        return _progression(*(int(group) for group in found.groups()))
    if aggregate is None:
        return None
    return _first_terms(text, aggregate) or _bounded_terms(text, aggregate)


def _first_terms(text: str, aggregate: Aggregate) -> Solution | None:
    if found := _MULTIPLES_FIRST.search(text):
        count, factor = literal(found[1]), literal(found[2])
        return _from_terms(aggregate, count, f"{factor} * k", f"multiples of {factor}")
    if found := _POWERS_FIRST.search(text):
        count, base = literal(found[1]), literal(found[2])
        return _from_terms(aggregate, count, f"{base} ** (k - 1)", f"powers of {base}, from {base}**0 on")
    if found := _OF_FIRST.search(text):
        return _first_of_kind(aggregate, literal(found[2]), found[1])
    if found := _FIRST.search(text):
        return _first_of_kind(aggregate, literal(found[1]), found["kind"].strip())
    return None


def _first_of_kind(aggregate: Aggregate, count: str, words: str) -> Solution | None:
    kind = next((kind for kind in _KINDS if kind.words.fullmatch(words)), None)
    return _from_terms(aggregate, count, kind.term, kind.noun, kind.imports) if kind else None


def _from_terms(
    aggregate: Aggregate, count: str, term: str, noun: str, imports: tuple[str, ...] = ()
) -> Solution | None:
    if not count.isdigit():
        return None
    return _solution(
        aggregate, f"[{term} for k in range(1, {int(count) + 1})]", f"the first {count} {noun}", imports
    )


def _bounded_terms(text: str, aggregate: Aggregate) -> Solution | None:
    bounds = _bounds(text)
    if bounds is None:
        return None
    low, high, how = bounds
    if found := _MULTIPLES.search(text):
        join = "and" if (found[2] or "").lower() == "and" else "or"
        factors = [literal(group) for group in (found[1], found[3]) if group]
        test, noun = (
            f" {join} ".join(f"n % {factor} == 0" for factor in factors),
            f"multiples of {f' {join} '.join(factors)}",
        )
        return _solution(aggregate, f"[n for n in range({low}, {high + 1}) if {test}]", f"the {noun} {how}")
    kind = next((kind for kind in _KINDS if kind.words.search(text)), None)
    if kind is None:
        bare = _BARE_BOUNDS.search(text)
        return _solution(aggregate, f"range({low}, {high + 1})", f"the integers {how}") if bare else None
    if kind.test and not _squares_each(text, kind):
        return _solution(
            aggregate,
            f"[n for n in range({low}, {high + 1}) if {kind.test}]",
            f"the {kind.noun} {how}",
            kind.imports,
        )
    if kind.term != "k":
        return _solution(
            aggregate,
            f"[{kind.term} for k in range({low}, {high + 1})]",
            f"the {kind.noun} of the integers {how}",
            kind.imports,
        )
    return _solution(aggregate, f"range({low}, {high + 1})", f"the integers {how}")


def _bounds(text: str) -> tuple[int, int, str] | None:
    """The bounds of a text, both included, and their wording."""
    if found := _BETWEEN.search(text) or _BARE_RANGE.search(text):
        low, high = literal(found[1]), literal(found[2])
        how = f"from {low} to {high} (both included)"
    elif found := _BELOW.search(text):
        low, high = "1", literal(found[2])
        how = f"{found[1].lower()} {high}"
        if found[1].lower() in _OPEN_BOUNDS and high.isdigit():
            high = str(int(high) - 1)
    else:
        return None
    try:
        return int(low), int(high), how
    except ValueError:
        return None


def _squares_each(text: str, kind: _Kind) -> bool:
    """Whether a text means the squares *of* the numbers in the bounds, not the squares among them."""
    return kind.term.startswith("k**") and _EACH.search(text) is not None


def _progression(first: int, second: int, last: int) -> Solution | None:
    step = second - first
    if step <= 0 or last < second:
        return None
    return _solution(
        AGGREGATES[0], f"range({first}, {last + 1}, {step})", f"{first} + {second} + ... + {last}"
    )


def _solution(aggregate: Aggregate, terms: str, noun: str, imports: tuple[str, ...] = ()) -> Solution:
    listed = aggregate.label == "terms"
    lines = [f"terms = {terms}"]
    if listed and terms.startswith("range"):
        lines = [f"terms = list({terms})"]
    lines += [] if listed else [f"{aggregate.label} = {aggregate.expression}"]
    lines += [f'print(f"{{{aggregate.label} = }}")']
    verb = "are" if listed else "is"
    subject = noun if listed else f"the {aggregate.noun} of {noun}"
    return Solution(
        plan=f"I will compute {subject} with a short Python program.",
        code=program("\n".join(lines), sorted({*imports, *aggregate.imports})),
        answer=f"{subject[0].upper()}{subject[1:]} {verb} {{{aggregate.label}}}.",
    )
