"""Rows as Python and JSON know them: dictionaries, or columns by name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from langchain_codeexec.data.frames import RowGrid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from langchain_codeexec.data.frames import Grid

__all__ = ["grid_from_json", "grid_from_lines", "grid_from_value"]


def grid_from_value(value: object) -> Grid | None:
    """The rows of a list of dictionaries, or of a dictionary of lists that are equally long."""
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        return _from_dicts(value)
    if isinstance(value, dict) and value and all(isinstance(column, list) for column in value.values()):
        return _from_columns(value)
    return None


def grid_from_json(text: str) -> Grid | None:
    """The rows of a JSON text; `None` for one that is no table, or no JSON."""
    try:
        return grid_from_value(json.loads(text))
    except (ValueError, RecursionError):
        return None


def grid_from_lines(text: str) -> Grid | None:
    """The rows of JSON Lines; `None` where a line is no JSON object."""
    try:
        return grid_from_value([json.loads(line) for line in text.splitlines() if line.strip()])
    except (ValueError, RecursionError):
        return None


def _from_dicts(rows: Sequence[Mapping[Any, Any]]) -> Grid | None:
    keys = list(_keys(rows))
    return RowGrid(keys, [[row.get(key) for key in keys] for row in rows]) if keys else None


def _keys(rows: Iterable[Mapping[Any, Any]]) -> Iterable[Any]:
    """All keys, in the order in which they first come."""
    return dict.fromkeys(key for row in rows for key in row)


def _from_columns(columns: Mapping[Any, Sequence[Any]]) -> Grid | None:
    if len({len(values) for values in columns.values()}) > 1:
        return None
    return RowGrid(list(columns), list(zip(*columns.values(), strict=True)))
