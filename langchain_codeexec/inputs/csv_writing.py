"""Tables as CSV: UTF-8, commas, a header, rows that end in a line feed."""

from __future__ import annotations

import csv
import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from langchain_codeexec.errors import DataError
from langchain_codeexec.inputs.kinds import formatted
from langchain_codeexec.inputs.shown import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_codeexec.inputs.data_file import Column
    from langchain_codeexec.inputs.grids import Grid

__all__ = ["Written", "csv_from_grid", "sample_of", "writable"]

_SAMPLE_ROWS, _SAMPLE_COLUMNS, _SAMPLE_CELL = 3, 30, 40


class Written(NamedTuple):
    """A table written as CSV.

    Attributes:
        data: The bytes; no more than a beginning where it became too large.
        size: How many bytes it has, estimated where it became too large.
    """

    data: bytes
    size: int


@contextmanager
def writable(source: str) -> Iterator[None]:
    """Say of which source a value was that has no text.

    Raises:
        DataError: There was one: an integer of thousands of digits, say, or a list that holds itself.
    """
    try:
        yield
    except DataError:
        raise
    except (ValueError, TypeError, OverflowError, RecursionError, csv.Error) as error:
        raise DataError(
            f"{source} holds a value that cannot be written as text: {error}. Leave its column out, or turn it "
            "into text first."
        ) from error


def csv_from_grid(grid: Grid, columns: tuple[Column, ...], *, most: int, step: int = 1) -> Written:
    """Write every `step`-th row, and stop soon after `most` bytes."""
    buffer = io.BytesIO()
    text = io.TextIOWrapper(buffer, "utf-8", errors="replace", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    rows = 0
    for chunk in grid.chunks(step):
        cells = [formatted(values, one.kind) for values, one in zip(chunk, columns, strict=True)]
        writer.writerows(zip(*cells, strict=True))
        rows += len(chunk[0])
        if buffer.tell() > most:
            break
    wanted = -(-grid.rows // step)
    return Written(buffer.getvalue(), buffer.tell() * wanted // rows if rows else buffer.tell())


def sample_of(grid: Grid, columns: tuple[Column, ...]) -> tuple[tuple[str, ...], ...]:
    """The first rows, as far as they are worth showing."""
    first = next(grid.chunks(), [])[:_SAMPLE_COLUMNS]
    cells = [
        [shown(str(cell), _SAMPLE_CELL) for cell in formatted(values[:_SAMPLE_ROWS], one.kind)]
        for values, one in zip(first, columns, strict=False)
    ]
    return tuple(zip(*cells, strict=True))
