"""CSV tables, written in the message or attached to it."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from langchain_codeexec.emulator.rules.phrasing import phrase
from langchain_codeexec.emulator.rules.solution import Solution

if TYPE_CHECKING:
    from langchain_codeexec.emulator.rules.question import Question

__all__ = ["Table", "mentioned_column", "table_in", "tables"]

_SAMPLE = 200  # rows looked at to tell numeric columns; the program reads them all
_FENCE = re.compile(r"^\s*```\w*\s*$", re.MULTILINE)
_OPENING = """\
with open("{path}", encoding="utf-8-sig", newline="") as file:
    rows = list(csv.DictReader(file))
"""
_CSV_TYPES = frozenset({"text/csv", "application/csv", "text/comma-separated-values"})


@dataclass(frozen=True, slots=True)
class Table:
    """A table as far as the rules need to know it.

    Attributes:
        columns: The header.
        numbers: Numeric columns and the Python type that reads them.
        values: Distinct texts of each other column, as far as sampled.
        imports: What `loading` needs.
        loading: Code that puts the rows into `rows` as dictionaries.
    """

    columns: tuple[str, ...]
    numbers: dict[str, str]
    values: dict[str, tuple[str, ...]]
    imports: tuple[str, ...]
    loading: str


def table_in(question: Question) -> Table | None:
    """The table of a question: the last CSV attached, else comma-separated lines of the text."""
    for file in reversed(question.attachments):
        if file.data and (file.mime_type.lower() in _CSV_TYPES or file.path.endswith(".csv")):
            opening = _OPENING.format(path=file.path)
            return _table(file.data.decode("utf-8-sig", "replace"), ("csv",), opening)
    lines = _table_lines(_FENCE.sub("", question.text))
    if not lines:
        return None
    text = "\n".join(lines)
    block = text.replace("\\", "\\\\").replace('"', '\\"')
    return _table(
        text, ("csv", "io"), f'table = """\\\n{block}\n"""\nrows = list(csv.DictReader(io.StringIO(table)))\n'
    )


def _table_lines(text: str) -> list[str]:
    """The first run of three or more lines that have the same number of commas."""
    run: list[str] = []
    for line in [*text.splitlines(), ""]:
        commas = line.count(",")
        if run and commas != run[0].count(","):
            if len(run) > 2:  # noqa: PLR2004 -- a header and two rows
                return run
            run = []
        if commas and not line.rstrip().endswith((":", "?")):
            run.append(line.strip())
    return []


def _table(text: str, imports: tuple[str, ...], loading: str) -> Table | None:
    rows = []
    for row in csv.reader(io.StringIO(text)):
        rows.append(row)
        if len(rows) > _SAMPLE:
            break
    if len(rows) < 2 or any(_is(float, name) for name in rows[0]):  # noqa: PLR2004 -- a header and a row
        return None
    header = tuple(rows[0])
    cells = {name: [row[k].strip() for row in rows[1:] if len(row) > k] for k, name in enumerate(header)}
    numbers = {name: kind for name, column in cells.items() if (kind := _number_type(column))}
    values = {
        name: tuple(dict.fromkeys(filter(None, column)))
        for name, column in cells.items()
        if name not in numbers
    }
    return Table(header, numbers, values, imports, loading)


def _number_type(cells: list[str]) -> str | None:
    filled = [cell for cell in cells if cell]
    kinds = (kind for kind in (int, float) if filled and all(_is(kind, cell) for cell in filled))
    return next((kind.__name__ for kind in kinds), None)


def _is(kind: type[float], cell: str) -> bool:
    try:
        kind(cell)
    except ValueError:
        return False
    return True


class _Measure(NamedTuple):
    words: re.Pattern[str]
    label: str
    expression: str


def _measure(words: str, label: str, expression: str) -> _Measure:
    return _Measure(phrase(rf"\b(?:{words})\b"), label, expression)


_MEASURES = (
    _measure(r"average|mean|avg", "mean", "statistics.mean({values})"),
    _measure(r"median", "median", "statistics.median({values})"),
    _measure(r"standard deviation|stdev|std", "stdev", "statistics.stdev({values})"),
    _measure(r"max(?:imum)?|highest|largest|biggest", "maximum", "max({values})"),
    _measure(r"min(?:imum)?|lowest|smallest", "minimum", "min({values})"),
    _measure(r"sum|total|overall|altogether|how much", "total", "sum({values})"),
    _measure(r"how many|count|number of", "count", "len({values})"),
)
_COUNT = _MEASURES[-1]
_EXTREME = phrase(
    r"\b(?:which|who|what|row)\b.*?\b(highest|most|largest|biggest|max(?:imum)?|best|oldest"
    r"|lowest|least|smallest|min(?:imum)?|worst|cheapest|youngest)\b"
)
_LOW = phrase(r"\b(?:lowest|least|smallest|min(?:imum)?|worst|cheapest|youngest)\b")
_GROUPED = phrase(r"\b(?:per|by|for each|for every|in each|of each|group(?:ed)? by|each)\s+(?:the\s+)?")
_DESCRIBE = phrase(r"\b(?:describe|summar(?:y|i[sz]e)|statistics|overview|analy[sz]e)\b")
_COLUMNS = phrase(r"\b(?:columns?|headers?|fields)\b")
_COMPARED = phrase(
    r"\s*(?:is\s+)?(>=|<=|>|<|=|at least|at most|over|above|more than|greater than|under|below|less than"
    r"|equals?|is)\s*\$?(-?\d+(?:\.\d+)?)"
)
_COMPARISONS = {
    ">=": (">=", "at least"),
    "<=": ("<=", "at most"),
    ">": (">", "over", "above", "more than", "greater than"),
    "<": ("<", "under", "below", "less than"),
    "==": ("=", "is", "equal", "equals"),
}
_OPERATORS = {words: operator for operator, spoken in _COMPARISONS.items() for words in spoken}


def mentioned_column(text: str, names: tuple[str, ...]) -> str | None:
    """The column that a text mentions first, underscores as spaces, singular or plural."""
    places = {name: found.start() for name in names if (found := _column_pattern(name).search(text))}
    return min(places, key=lambda name: (places[name], -len(name)), default=None)


def _column_pattern(name: str) -> re.Pattern[str]:
    words = [re.escape(word.removesuffix("s")) for word in re.split(r"[\s_-]+", name.strip()) if word]
    spaced = r"[\s_-]+".join(words)
    return phrase(rf"\b{spaced}(?:e?s)?\b" if words else r"(?!)")


def tables(question: Question) -> Solution | None:
    """Answer a question about the columns and rows of a table."""
    table = table_in(question)
    if table is None:
        return None
    text = _outside_table(question)
    if _DESCRIBE.search(text) and table.numbers:
        return _describe(table)
    return _extreme_row(table, text) or _measured(table, text) or _columns(table, text)


def _outside_table(question: Question) -> str:
    lines = set(_table_lines(_FENCE.sub("", question.text)))
    return " ".join(line for line in question.text.splitlines() if line.strip() not in lines)


def _conditions(table: Table, text: str) -> tuple[list[str], str]:
    """Tests that pick rows, and the text without what was read as a test."""
    tests = []
    for name in table.numbers:
        named = _column_pattern(name).search(text)
        compared = _COMPARED.match(text, named.end()) if named else None
        if named and compared:
            operator = _OPERATORS[compared[1].lower()]
            tests.append(f"{table.numbers[name]}(row[{name!r}]) {operator} {compared[2]}")
            text = text[: named.start()] + text[compared.end() :]
    for name, values in table.values.items():
        found = next(
            (
                hit
                for value in values
                if (hit := re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text, re.IGNORECASE))
            ),
            None,
        )
        if found:
            value = next(value for value in values if value.lower() == found[0].lower())
            tests.append(f"row[{name!r}].strip() == {value!r}")
            text = text[: found.start()] + text[found.end() :]
    return tests, text


def _head(table: Table, tests: list[str], *imports: str) -> str:
    modules = "".join(f"import {name}\n" for name in sorted({*table.imports, *imports}))
    chosen = f"rows = [row for row in rows if {' and '.join(tests)}]\n" if tests else ""
    return f"{modules}\n{table.loading}{chosen}"


def _numbers_of(table: Table, column: str, rows: str = "rows") -> str:
    return f"[{table.numbers[column]}(row[{column!r}]) for row in {rows} if row[{column!r}].strip()]"


def _where(tests: list[str]) -> str:
    plain = [
        re.sub(r"\w*\(?row\['(.*?)'\]\)?(?:\.strip\(\))?", r"\1", test).replace("==", "is") for test in tests
    ]
    return f" where {' and '.join(plain)}" if tests else ""


def _measured(table: Table, text: str) -> Solution | None:
    tests, rest = _conditions(table, text)
    grouping = _GROUPED.search(rest)
    group = grouping and mentioned_column(rest[grouping.end() :][:60], tuple(table.columns))
    measured = rest[: grouping.start()] if grouping and group else rest
    measure = next((measure for measure in _MEASURES if measure.words.search(rest)), None)
    if measure is None:
        return None
    column = mentioned_column(measured, tuple(name for name in table.numbers if name != group))
    if column is None and measure is not _COUNT:
        return None
    if group:
        return _grouped(table, tests, measure, column, group)
    values = _numbers_of(table, column) if column and measure is not _COUNT else "rows"
    subject = f"{measure.label} of {column}" if values != "rows" else "number of rows"
    result = f"{measure.label} = {measure.expression.format(values='values')}\n"
    code = f"{_head(table, tests, *_module(measure))}values = {values}\n{result}"
    return Solution(
        f"I will read the table and compute the {subject}{_where(tests)}.",
        f'{code}print(f"{{{measure.label} = }}")\n',
        f"The {subject}{_where(tests)} is {{{measure.label}}}.",
    )


def _grouped(table: Table, tests: list[str], measure: _Measure, column: str | None, group: str) -> Solution:
    cell = f"{table.numbers[column]}(row[{column!r}])" if column and measure is not _COUNT else "row"
    subject = f"{measure.label} of {column}" if cell != "row" else "number of rows"
    result = measure.expression.format(values="values")
    code = (
        f"{_head(table, tests, *_module(measure))}groups = {{}}\n"
        f"for row in rows:\n    groups.setdefault(row[{group!r}], []).append({cell})\n"
        f"results = {{name: {result} for name, values in groups.items()}}\nprint(f'{{results = }}')\n"
    )
    return Solution(
        f"I will group the rows by {group} and compute the {subject} of each group.",
        code,
        f"The {subject} by {group}{_where(tests)}: {{results}}.",
    )


def _module(measure: _Measure) -> tuple[str, ...]:
    return ("statistics",) if "statistics." in measure.expression else ()


def _extreme_row(table: Table, text: str) -> Solution | None:
    found = _EXTREME.search(text)
    if found is None:
        return None
    tests, rest = _conditions(table, text)
    after = rest[rest.lower().find(found[1].lower()) :]
    column = mentioned_column(after, tuple(table.numbers)) or (
        next(iter(table.numbers)) if len(table.numbers) == 1 else None
    )
    asked = mentioned_column(found[0], tuple(table.values))
    if column is None or asked is None:
        return None
    function, word = ("min", "lowest") if _LOW.search(found[1]) else ("max", "highest")
    code = (
        f"{_head(table, tests)}"
        f"row = {function}(rows, key=lambda row: {table.numbers[column]}(row[{column!r}]))\n"
        f'print("name =", row[{asked!r}])\nprint("value =", row[{column!r}])\n'
    )
    return Solution(
        f"I will look for the row with the {word} {column}{_where(tests)}.",
        code,
        f"The {asked} with the {word} {column}{_where(tests)} is {{name}}, with {{value}}.",
    )


def _describe(table: Table) -> Solution:
    code = f"""{_head(table, [], "statistics")}print("rows =", len(rows))
for column, number in [{", ".join(f"({name!r}, {kind})" for name, kind in table.numbers.items())}]:
    values = [number(row[column]) for row in rows if row[column].strip()]
    print(f"{{column}}: count {{len(values)}}, mean {{statistics.mean(values)}},", end=" ")
    print(f"minimum {{min(values)}}, maximum {{max(values)}}")
"""
    return Solution(
        "I will describe every numeric column.", code, "Here is a description of the table:\n{output}"
    )


def _columns(table: Table, text: str) -> Solution | None:
    if not _COLUMNS.search(text):
        return None
    code = f"{_head(table, [])}columns = list(rows[0])\nprint(f'{{columns = }}')\n"
    return Solution("I will read the header.", code, "The columns are {columns}.")
