"""Excel workbooks: each sheet a table."""

from __future__ import annotations

import io
import warnings
import zipfile
from typing import TYPE_CHECKING, Any, Final

from langchain_codeexec.errors import DataError
from langchain_codeexec.inputs.content import Content
from langchain_codeexec.inputs.grids import RowGrid
from langchain_codeexec.inputs.optional import optional

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["sheets"]

_UNPACKED: Final = 500_000_000
"""Bytes that a workbook may unpack to; a small archive can hold any amount of nothing."""


def sheets(data: bytes, source: str) -> list[Content]:
    """The sheets that hold anything, the first filled row of each its header.

    Raises:
        DataError: It is no workbook, or an empty one.
        MissingDependencyError: openpyxl is not installed.
    """
    openpyxl = optional("openpyxl")
    try:
        _check_size(data, source)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it tells of styles and extensions that it leaves out
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
            found = [
                (sheet.title, list(_filled(sheet.iter_rows(values_only=True)))) for sheet in book.worksheets
            ]
    except DataError:
        raise
    except Exception as error:  # a broken archive or XML surfaces as whatever met it first
        raise DataError(
            f"{source} is no readable Excel workbook: {error}. Save it anew as .xlsx, or as CSV."
        ) from error
    tables = [
        Content(f"{source}, sheet '{title}'", grid=RowGrid(rows[0], rows[1:]))
        for title, rows in found
        if rows
    ]
    if not tables:
        raise DataError(f"{source} has no filled cell in any sheet; there is nothing to send")
    return tables


def _check_size(data: bytes, source: str) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > _UNPACKED:
        raise DataError(
            f"{source} unpacks to {size / 1e6:.0f} MB, more than the {_UNPACKED / 1e6:.0f} MB that are read. "
            "Save the sheet you need as CSV."
        )


def _filled(rows: Iterable[tuple[Any, ...]]) -> Iterator[list[Any]]:
    """The rows from the first to the last that is not empty, empty cells at their ends left out."""
    blank: list[list[Any]] = []
    started = False
    for row in rows:
        cells = list(row)
        while cells and cells[-1] is None:
            cells.pop()
        if not cells:
            blank.append(cells)
            continue
        if started:
            yield from blank
        blank.clear()
        started = True
        yield cells
