"""Programs over documents' files: they print a result, and the documents it was computed from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from langchain_codeexec.emulator.rules.solution import Solution

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_codeexec.emulator.rules.skills.documents.measures import Unit
    from langchain_codeexec.emulator.rules.skills.documents.selections import Selection

__all__ = ["EXACT", "ROUNDED", "figure_of", "listed", "opened", "shown", "solution"]

EXACT = 'print("result =", f"{result:.12g}")'
ROUNDED = 'print("result =", f"{result:.7g}")'
_SCALED = re.compile(r"10|thousand|million|billion")

_TABLE = '''

def table(path):
    """The rows of a file, each with the documents it is from."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        return [{**row, "sources": {row["source"]}} for row in csv.DictReader(file)]
'''
_JOIN = '''

def join(key, rows, *others):
    """The rows that several tables have in common, as one row each."""
    for other in others:
        found = {row[key]: row for row in other}
        common = [(row, found[row[key]]) for row in rows if row[key] in found]
        rows = [{**one, **more, "sources": one["sources"] | more["sources"]} for one, more in common]
    return rows
'''
_NUMBER = '''

def number(cell):
    """A number as documents write it."""
    return float(cell.strip(" %$€£").replace(",", "").replace("\\N{MINUS SIGN}", "-"))
'''
_CITED = """\
sources = sorted(set().union(*(row["sources"] for row in used)), key=int)
print("documents =", "".join(f"[{source}]" for source in sources))
"""


def shown(unit: Unit, printing: str = EXACT) -> tuple[list[str], str]:
    """Lines that print a result, and how an answer shows it with its unit.

    A unit with a scale, such as `million km`, is printed with the result: it is a figure as well.
    """
    if not _SCALED.match(unit.name):
        return [printing], f"{{result}} {unit.name}".rstrip()
    digits = ".7g" if printing == ROUNDED else ".12g"
    return [printing, f'print("stated =", f"{{result:{digits}}} {_scaled(unit)}")'], "{stated}"


def listed(values: str, unit: Unit) -> tuple[list[str], str]:
    """The same for several values, given as Python."""
    printing = f'print("result =", ", ".join(f"{{value:.12g}}" for value in {values}))'
    if not _SCALED.match(unit.name):
        return [printing], f"{{result}} {unit.name}".rstrip()
    stated = f'print("stated =", ", ".join(f"{{value:.12g}} {_scaled(unit)}" for value in {values}))'
    return [printing, stated], "{stated}"


def _scaled(unit: Unit) -> str:
    return f"\N{MULTIPLICATION SIGN} {unit.name}" if unit.name.startswith("10") else unit.name


def opened(sources: Sequence[str]) -> tuple[list[str], list[str]]:
    """Names for the rows of files, one for each source, and the lines that open them, each once."""
    distinct = list(dict.fromkeys(sources))
    names = ["rows"] if len(distinct) == 1 else [f"rows_{place}" for place in range(1, len(distinct) + 1)]
    named = dict(zip(distinct, names, strict=True))
    return [named[source] for source in sources], [f"{named[source]} = {source}" for source in distinct]


def solution(plan: str, lines: Sequence[str], answer: str) -> Solution:
    """A program of lines, with the functions they need before them and the documents they used behind.

    Args:
        plan: What is going to be computed.
        lines: Python that sets `used`, the rows that count, and prints the result.
        answer: The sentence; `{documents}` stands for the documents that the used rows are from.
    """
    body = "\n".join(lines)
    modules = "import csv\n" + ("import statistics\n" if "statistics." in body else "")
    functions = _TABLE + (_JOIN if "join(" in body else "") + (_NUMBER if "number(" in body else "")
    return Solution(plan, f"{modules}{functions}\n\n{body}\n{_CITED}", answer)


def figure_of(plan: str, selection: Selection, quoted: str = "") -> Solution:
    """A program that gives one figure: that of the only row, or many as one.

    Args:
        plan: What is going to be done with what is selected: `look up`.
        selection: The rows and the quantity.
        quoted: A sentence of a document that the answer gives instead of naming the quantity.
    """
    (rows,), lines = opened([selection.source])
    printed, told = shown(selection.measure.unit, ROUNDED if selection.measure.over else EXACT)
    lines += [f"used = {selection.rows(rows)}", f"result = {selection.value('used')}", *printed]
    named = selection.label[:1].upper() + selection.label[1:]
    answer = f'{told} {{documents}}: "{quoted}"' if quoted else f"{named}: {told} {{documents}}."
    return solution(f"I will {plan} the {selection.label}.", lines, answer)
