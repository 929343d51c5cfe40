"""Simple plots of data given in the question or in a table."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

from langchain_codeexec.emulator.rules.numerals import LIST, NUMBER, literal, literals
from langchain_codeexec.emulator.rules.phrasing import phrase
from langchain_codeexec.emulator.rules.skills.arithmetic import formula_in
from langchain_codeexec.emulator.rules.skills.tables import mentioned_column, table_in
from langchain_codeexec.emulator.rules.solution import Solution, program

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_codeexec.emulator.rules.question import Question

__all__ = ["plots"]

_CUE = phrase(r"\b(?:plot|graph|chart|histogram|draw|visuali[sz]e|diagram)\b")
_NOUNS = {
    "bar": "bar chart",
    "pie": "pie chart",
    "scatter": "scatter plot",
    "hist": "histogram",
    "plot": "line plot",
}
_KINDS = (
    (phrase(r"\bhistogram\b"), "hist"),
    (phrase(r"\bpie\b"), "pie"),
    (phrase(r"\bscatter\b"), "scatter"),
    (phrase(r"\b(?:line|curve)\b"), "plot"),
    (phrase(r"\b(?:bar|column) (?:chart|plot|graph|diagram)\b|\bbars?\b"), "bar"),
)
_PAIR = phrase(
    r"(?:^|[,;:\s])([A-Za-z][\w&'. -]*?)\s*(?:[:=(]|\s-|\s)\s*"
    rf"[$€£]?({NUMBER})\s?%?(?: ?[a-z]{{1,12}}\.?)??\)?(?=\s*(?:[,;.)]|and\b|$))"
)
_POINT = re.compile(rf"\(\s*({NUMBER})\s*,\s*({NUMBER})\s*\)")
_FUNCTION = phrase(
    r"\b(?:y|f\(x\))\s*=\s*(.+?)"
    r"(?:\s+(?:from|between|for)\s+(?:x\s*(?:=|from|in|between)?\s*)?"
    rf"[\[(]?({NUMBER})\s*(?:to|and|,|\.\.)\s*({NUMBER})|[?.]?$)"
)
_TOPIC = phrase(
    r"\b(?:plot|graph|chart|histogram|draw|visuali[sz]e|diagram)\b"
    r"(?:\s+(?:of|for|showing|the|these|this|my|following|a|an|bar|line|pie|scatter|chart|plot|graph|with)\b)*+"
    r"\s+([A-Za-z][A-Za-z ]{2,40}?)\s*(?::|\bwith\b|\bas\b|\bwhere\b|\bis\b|\bare\b|\bfrom\b|[,.?]|$)"
)
_XY = phrase(rf"\bx\s*[=:]\s*[\[(]?({LIST}).*?\by\s*[=:]\s*[\[(]?({LIST})")
_NUMBERS = phrase(LIST)
_MONTH = phrase(r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)")
_SKIPPED_LABELS = frozenset({"and", "a", "plot", "of"})

_TOTALS = """\
totals = {{}}  # a label may have several rows
for row in rows:
    totals[row[{label!r}]] = totals.get(row[{label!r}], 0) + {number}(row[{value!r}])"""


class _Data(NamedTuple):
    setup: str
    arguments: str
    default: str
    xlabel: str
    ylabel: str
    drawn: str


def plots(question: Question) -> Solution | None:
    """Draw what the question gives: a function, points, labelled numbers, numbers or table columns."""
    text = question.prose
    if not _CUE.search(text):
        return None
    kind = next((name for words, name in _KINDS if words.search(text)), None)
    for read in _READERS:
        if data := read(question, kind):
            return _drawing(kind or data.default, data, _title(text, kind or data.default))
    return None


def _function(question: Question, _: str | None) -> _Data | None:
    found = _FUNCTION.search(question.prose)
    formula = found and formula_in(found[1], "x")
    if not found or formula is None:
        return None
    low, high = literal(found[2] or "-10"), literal(found[3] or "10")
    x_values = f"[{low} + ({high} - {low}) * k / 200 for k in range(201)]"
    setup = f"x_values = {x_values}\ny_values = [{ast.unparse(formula)} for x in x_values]"
    return _Data(setup, "x_values, y_values", "plot", "x", "y", "y_values")


def _points(question: Question, _: str | None) -> _Data | None:
    pairs = [(literal(x), literal(y)) for x, y in _POINT.findall(question.prose)]
    if found := _XY.search(question.prose):
        pairs = list(zip(literals(found[1]), literals(found[2]), strict=False))
    if len(pairs) < 2:  # noqa: PLR2004 -- one point makes no plot
        return None
    x_values, y_values = (", ".join(column) for column in zip(*pairs, strict=True))
    return _Data(
        f"x_values = [{x_values}]\ny_values = [{y_values}]",
        "x_values, y_values",
        "scatter",
        "x",
        "y",
        "y_values",
    )


def _labelled(question: Question, _: str | None) -> _Data | None:
    _, colon, after = question.prose.partition(": ")
    source = after if colon and len(_PAIR.findall(after)) > 1 else question.prose
    pairs = [(_label(label), literal(value)) for label, value in _PAIR.findall(source)]
    pairs = [(label, value) for label, value in pairs if label]
    if len(pairs) < 2:  # noqa: PLR2004 -- one bar makes no plot
        return None
    labels, values = [label for label, _ in pairs], ", ".join(value for _, value in pairs)
    xlabel = "Month" if all(_MONTH.match(label) for label in labels) else "Category"
    return _Data(
        f"labels = {labels!r}\nvalues = [{values}]", "labels, values", "bar", xlabel, "Value", "values"
    )


def _label(text: str) -> str:
    """The last words of what stands before a number, without a conjunction."""
    words = text.strip(" .").split()
    while words and words[0].lower() in _SKIPPED_LABELS:
        words = words[1:]
    return " ".join(words[-3:])


def _column(question: Question, kind: str | None) -> _Data | None:
    table = table_in(question)
    if table is None or not table.numbers:
        return None
    value = mentioned_column(question.prose, tuple(table.numbers)) or next(iter(table.numbers))
    loading = "".join(f"import {name}\n" for name in table.imports) + f"\n{table.loading}"
    values = f"values = [{table.numbers[value]}(row[{value!r}]) for row in rows]"
    others = tuple(name for name in table.columns if name != value)
    label = mentioned_column(question.prose, others) or next(iter(others), None)
    if kind == "hist" or label is None:
        return _Data(f"{loading}{values}", "values", "hist", value, "Count", "values")
    if label in table.numbers or kind == "scatter":
        cell = f"{table.numbers.get(label, 'str')}(row[{label!r}])"
        labels = f"labels = [{cell} for row in rows]"
        return _Data(f"{loading}{labels}\n{values}", "labels, values", "scatter", label, value, "values")
    setup = loading + _TOTALS.format(label=label, value=value, number=table.numbers[value])
    return _Data(setup, "totals.keys(), totals.values()", "bar", label, value, "totals")


def _plain(question: Question, kind: str | None) -> _Data | None:
    lists = [found[0] for found in _NUMBERS.finditer(question.prose)]
    if len(lists) != 1:
        return None
    numbers = literals(lists[0])
    setup = f"values = [{', '.join(numbers)}]"
    if kind == "hist":
        return _Data(setup, "values", "hist", "Value", "Count", "values")
    return _Data(
        f"{setup}\npositions = list(range(1, len(values) + 1))",
        "positions, values",
        "plot",
        "Position",
        "Value",
        "values",
    )


_READERS: tuple[Callable[[Question, str | None], _Data | None], ...] = (
    _function,
    _column,
    _points,
    _labelled,
    _plain,
)


def _title(text: str, kind: str) -> str:
    found = _TOPIC.search(text)
    words = found[1].strip() if found else ""
    return (words[0].upper() + words[1:]) if words else _NOUNS[kind].capitalize()


def _drawing(kind: str, data: _Data, title: str) -> Solution:
    labels = [f"plt.xlabel({data.xlabel!r})", f"plt.ylabel({data.ylabel!r})"]
    call = f"plt.{kind}({data.arguments})"
    if kind == "pie":
        names, _, values = data.arguments.partition(", ")
        call, labels = f'plt.pie({values or names}, labels={names}, autopct="%1.1f%%")', []
    imports = ["math"] if "math." in data.setup else []
    lines = [
        data.setup,
        call,
        f"plt.title({title!r})",
        *labels,
        "plt.show()",
        f'print("points =", len({data.drawn}))',
    ]
    noun = _NOUNS[kind]
    return Solution(
        f"I will draw a {noun} with matplotlib.",
        "import matplotlib.pyplot as plt\n" + program("\n".join(lines), imports),
        f'I have drawn a {noun} of {{points}} points, titled "{title}".',
    )
