"""What makes a program print something else each time, as far as its text shows."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["ORDERS", "causes_of_variation"]

_CLOCKS: Final = "time time_ns perf_counter monotonic process_time localtime gmtime ctime strftime".split()
_CHANCE, _TIME, _MACHINE = "chance", "the time", "the machine"
_SETS, _FILES = "the order of sets", "the order of files"
_SOURCES: Final = {
    "random": _CHANCE,
    "secrets": _CHANCE,
    "numpy.random": _CHANCE,
    "uuid.uuid1": _CHANCE,
    "uuid.uuid4": _CHANCE,
    "os.urandom": _CHANCE,
    **dict.fromkeys((f"time.{name}" for name in _CLOCKS), _TIME),
    "timeit": _TIME,
    "datetime.datetime.now": _TIME,
    "datetime.datetime.today": _TIME,
    "datetime.datetime.utcnow": _TIME,
    "datetime.date.today": _TIME,
    "pandas.Timestamp.now": _TIME,
    "pandas.Timestamp.today": _TIME,
    "os.getpid": _MACHINE,
    "platform": _MACHINE,
    "sys.version": _MACHINE,
    "os.listdir": _FILES,
    "os.scandir": _FILES,
    "glob": _FILES,
}
"""What a name that is imported stands for."""
_BUILT_IN: Final = {"id": _MACHINE, "hash": _MACHINE, "set": _SETS, "frozenset": _SETS}
ORDERS: Final = frozenset({_SETS, _FILES})
"""Causes that change the order of what is printed and nothing else."""
_SEEDED: Final = (
    "random.seed",
    "numpy.random.seed",
    "random.Random",
    "numpy.random.default_rng",
    "numpy.random.RandomState",
)
"""Calls that, given a number, take chance out."""


def causes_of_variation(codes: Iterable[str]) -> frozenset[str]:
    """What the output of programs that share their state can vary by, in words.

    Args:
        codes: The programs up to the one that printed the output.
    """
    nodes = [node for code in codes for node in _nodes(code)]
    aliases = dict(pair for node in nodes for pair in _imported(node))
    names = {_full_name(node, aliases) for node in nodes}
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    causes = {cause for source, cause in _SOURCES.items() if any(_is_of(name, source) for name in names)}
    causes |= {
        _BUILT_IN[call.func.id]
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id in _BUILT_IN
    }
    causes |= {_SETS} if any(isinstance(node, ast.Set | ast.SetComp) for node in nodes) else set()
    if any(call.args and _full_name(call.func, aliases) in _SEEDED for call in calls):
        causes.discard(_CHANCE)
    return frozenset(causes)


def _nodes(code: str) -> list[ast.AST]:
    try:
        return list(ast.walk(ast.parse(code)))
    except (SyntaxError, ValueError, RecursionError):
        return []


def _imported(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Names that an import binds, and what they stand for."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            top = alias.name.partition(".")[0]
            yield alias.asname or top, alias.name if alias.asname else top
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _full_name(node: ast.AST, aliases: dict[str, str]) -> str:
    """The dotted name of what an expression takes from an import; empty for any other."""
    if isinstance(node, ast.Attribute):
        before = _full_name(node.value, aliases)
        return f"{before}.{node.attr}" if before else ""
    return aliases.get(node.id, "") if isinstance(node, ast.Name) else ""


def _is_of(name: str, source: str) -> bool:
    return name == source or name.startswith(f"{source}.")
