"""Statistics of numbers given in the question."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from langchain_codeexec.emulator.rules.numerals import LIST, literals
from langchain_codeexec.emulator.rules.phrasing import phrase
from langchain_codeexec.emulator.rules.solution import Solution, program

if TYPE_CHECKING:
    from langchain_codeexec.emulator.rules.question import Question

__all__ = ["statistics_of"]


class _Measure(NamedTuple):
    words: re.Pattern[str]
    label: str
    noun: str
    expression: str


def _measure(words: str, label: str, expression: str, noun: str = "") -> _Measure:
    return _Measure(phrase(rf"\b(?:{words})\b"), label, noun or label, expression)


_DOWNWARDS = r"(?:descending|reverse|largest to smallest|high to low)"
_MEASURES = (
    _measure(r"mean|average|avg|averages", "mean", "statistics.mean(numbers)"),
    _measure(r"median", "median", "statistics.median(numbers)"),
    _measure(r"modes?", "mode", "statistics.multimode(numbers)"),
    _measure(
        r"population (?:standard deviation|stdev|std)",
        "population_stdev",
        "statistics.pstdev(numbers)",
        "population standard deviation",
    ),
    _measure(
        r"(?<!population )(?:standard deviation|stdev|std dev|stddev|std)",
        "stdev",
        "statistics.stdev(numbers)",
        "sample standard deviation",
    ),
    _measure(
        r"population variance", "population_variance", "statistics.pvariance(numbers)", "population variance"
    ),
    _measure(r"(?<!population )variance", "variance", "statistics.variance(numbers)", "sample variance"),
    _measure(r"geometric mean", "geometric_mean", "statistics.geometric_mean(numbers)", "geometric mean"),
    _measure(r"harmonic mean", "harmonic_mean", "statistics.harmonic_mean(numbers)", "harmonic mean"),
    _measure(
        r"quartiles?|interquartile range|iqr",
        "quartiles",
        'statistics.quantiles(numbers, n=4, method="inclusive")',
    ),
    _measure(r"deciles?", "deciles", 'statistics.quantiles(numbers, n=10, method="inclusive")'),
    _measure(r"max(?:imum)?|largest|biggest|greatest|highest", "maximum", "max(numbers)"),
    _measure(r"min(?:imum)?|smallest|least|lowest", "minimum", "min(numbers)"),
    _measure(r"(?<!interquartile )range", "spread", "max(numbers) - min(numbers)", "range"),
    _measure(r"sums?|totals?|add(?: up| together)?|adding", "total", "sum(numbers)", "sum"),
    _measure(r"products?|multiply", "product", "math.prod(numbers)"),
    _measure(
        rf"sort(?:ed)?(?!.*\b{_DOWNWARDS}).*|ascending order",
        "ascending",
        "sorted(numbers)",
        "ascending order",
    ),
    _measure(
        rf"sort(?:ed)?\b.*\b{_DOWNWARDS}|descending order",
        "descending",
        "sorted(numbers, reverse=True)",
        "descending order",
    ),
    _measure(r"how many (?:numbers|values|items)|count", "count", "len(numbers)"),
)
_INSTEAD = {"mean": ("geometric_mean", "harmonic_mean")}
_SUMMARY = phrase(r"\b(?:summary|descriptive|describe|basic) ?(?:statistics|stats)?\b")
_IN_A_SUMMARY = ("mean", "median", "stdev", "minimum", "maximum")
_SORTED = ("ascending", "descending")

_PERCENTILE = phrase(r"\b(\d{1,2})(?:st|nd|rd|th)? percentile\b")
_CORRELATION = phrase(r"\b(?:correlation|pearson|covariance|linear regression|regression line|best fit)\b")
_NUMBERS = phrase(LIST)
_THOUSANDS = re.compile(r"\d{1,3},\d{3}")
_ANNOUNCED = phrase(
    r"(?:^|[:\[({=]|\b(?:of|between|for|are|is|were|numbers|values|scores|data|set|list|in|add|multiply|sort)"
    rf"|{'|'.join(measure.words.pattern for measure in _MEASURES)})\W*$"
)
_COUNTED_NOUN = phrase(r"\s+(?!and\b|in\b|to\b|is\b|using\b|with\b|please\b|from\b|then\b)[a-z]")
_BRACKETED = re.compile(r"[\[(]([^\[\]()]+)[\])]")
_LABELLED_LISTS = phrase(rf"\b[xa]\s*[=:]\s*[\[(]?({LIST}).*?\b[yb]\s*[=:]\s*[\[(]?({LIST})")

_PAIRED = {
    "covariance": (
        "covariance",
        "covariance = statistics.covariance(x, y)",
        "The covariance of the two lists is {covariance}.",
    ),
    "regression": (
        "regression line",
        "slope, intercept = statistics.linear_regression(x, y)",
        "The regression line is y = {slope} * x + {intercept}.",
    ),
    "correlation": (
        "Pearson correlation",
        "correlation = statistics.correlation(x, y)",
        "The correlation of the two lists is {correlation}.",
    ),
}
_PAIRED_WORDS = (
    (phrase(r"\bcovariance\b"), "covariance"),
    (phrase(r"\b(?:regression|best fit)\b"), "regression"),
    (_CORRELATION, "correlation"),
)


def statistics_of(question: Question) -> Solution | None:
    """Compute what is asked of the one list of numbers in the question, or of the two."""
    text = question.prose
    paired = next((name for words, name in _PAIRED_WORDS if words.search(text)), None)
    if paired:
        return _of_two(text, paired)
    lists = [found for found in _NUMBERS.finditer(text) if _is_list(found)]
    if len(lists) != 1:
        return None
    numbers = literals(lists[0][0])
    if found := _PERCENTILE.search(text):
        return _percentile(numbers, int(found[1]))
    rest = text[: lists[0].start()] + " " + text[lists[0].end() :]
    measures = _asked(rest)
    return _of_one(numbers, measures) if measures else None


def _is_list(found: re.Match[str]) -> bool:
    """Whether numbers in a row are meant as a list: announced as one, no mere `9,300` or `3 and 2 eggs`."""
    before, after = found.string[: found.start()], found.string[found.end() :]
    if _THOUSANDS.fullmatch(found[0]) or not _ANNOUNCED.search(before):
        return False
    return len(literals(found[0])) > len("ab") or not _COUNTED_NOUN.match(after)


def _asked(text: str) -> list[_Measure]:
    if _SUMMARY.search(text):
        return [measure for measure in _MEASURES if measure.label in _IN_A_SUMMARY]
    found = [measure for measure in _MEASURES if measure.words.search(text)]
    labels = {measure.label for measure in found}
    return [measure for measure in found if not labels & {*_INSTEAD.get(measure.label, ())}]


def _of_one(numbers: list[str], measures: list[_Measure]) -> Solution:
    lines = [f"numbers = [{', '.join(numbers)}]"]
    for measure in measures:
        lines += [f"{measure.label} = {measure.expression}", f'print(f"{{{measure.label} = }}")']
    source = "\n".join(lines)
    imports = [name for name in ("math", "statistics") if f"{name}." in source]
    nouns = _enumeration([measure.noun for measure in measures])
    results = _enumeration([_result(measure) for measure in measures])
    return Solution(
        plan=f"I will compute the {nouns} of the {len(numbers)} numbers.",
        code=program(source, imports),
        answer=f"For the numbers {', '.join(numbers)}: {results}.",
    )


def _result(measure: _Measure) -> str:
    if measure.label in _SORTED:
        return f"in {measure.noun} they are {{{measure.label}}}"
    return f"the {measure.noun} {'are' if measure.noun.endswith('iles') else 'is'} {{{measure.label}}}"


def _percentile(numbers: list[str], percent: int) -> Solution | None:
    if percent == 0:
        return None
    source = f"""
    numbers = [{", ".join(numbers)}]
    percentile = statistics.quantiles(numbers, n=100, method="inclusive")[{percent} - 1]
    print(f"{{percentile = }}")
    """
    return Solution(
        f"I will interpolate percentile {percent} of the {len(numbers)} numbers.",
        program(source, ["statistics"]),
        f"Percentile {percent} of {', '.join(numbers)} is {{percentile}}.",
    )


def _of_two(text: str, measure: str) -> Solution | None:
    found = _LABELLED_LISTS.search(text)
    groups = [found[1], found[2]] if found else _BRACKETED.findall(text)
    lists = [literals(group) for group in groups]
    lists = [numbers for numbers in lists if len(numbers) > 1]
    if len(lists) != 2 or len(lists[0]) != len(lists[1]):  # noqa: PLR2004 -- a pair
        return None
    noun, expression, answer = _PAIRED[measure]
    labels = expression.partition(" = ")[0].split(", ")
    source = "\n".join(
        [
            f"x = [{', '.join(lists[0])}]",
            f"y = [{', '.join(lists[1])}]",
            expression,
            *(f'print(f"{{{label} = }}")' for label in labels),
        ]
    )
    return Solution(f"I will compute the {noun} of the two lists.", program(source, ["statistics"]), answer)


def _enumeration(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
