"""Delimited text as it comes: in any encoding, cut by any of the usual delimiters.

Tables as CSV: UTF-8, commas, a header, rows that end in a line feed.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from contextlib import contextmanager
from itertools import chain, islice
from typing import TYPE_CHECKING, Final, NamedTuple

from langchain_codeexec.data.columns import formatted
from langchain_codeexec.data.frames import CHUNK, RowGrid, unique_names
from langchain_codeexec.data.limits import shown
from langchain_codeexec.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from langchain_codeexec.data.data_file import Column
    from langchain_codeexec.data.frames import Chunk, Grid

__all__ = [
    "Delimited",
    "Written",
    "csv_from_grid",
    "decoded",
    "delimiter_of",
    "is_regular",
    "read_delimited",
    "sample_of",
    "writable",
]

_DELIMITERS: Final[Mapping[str, str]] = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_BOMS: Final = (  # the longer one first: UTF-32's begins with UTF-16's
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8 with a byte order mark"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
_HEAD: Final = 65_536  # characters looked at to tell the delimiter
_RECORDS: Final = 100
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_DECIMAL_COMMA: Final = re.compile(r"[+-]?(?:\d+|\d{1,3}(?:\.\d{3})+)(?:,\d+)?")


class Delimited(NamedTuple):
    """Delimited text that was read.

    Attributes:
        grid: Its rows.
        as_it_is: Whether it is UTF-8 text with commas already and can travel unchanged.
        remarks: What is different in the CSV it becomes.
    """

    grid: Grid
    as_it_is: bool
    remarks: tuple[str, ...]


def decoded(data: bytes, source: str) -> tuple[str, str, str]:
    """Text, the codec that reads it, and the encoding in words; those are empty where it is plain UTF-8.

    Raises:
        DataError: It is no text in an encoding that can be told.
    """
    mark, codec, encoding = next((row for row in _BOMS if data.startswith(row[0])), (b"", "utf-8", ""))
    try:
        text = data.decode(codec)
    except UnicodeDecodeError as error:
        if mark:
            raise DataError(
                f"{source} says it is {encoding}, and is not: {error.reason} at byte {error.start}. "
                "Save it as UTF-8."
            ) from error
        codec, encoding = ("cp1252", "Windows-1252") if _is_cp1252(data) else ("latin-1", "Latin-1")
        text = data.decode(codec)
    if _CONTROLS.search(text):
        raise DataError(
            f"{source} holds binary data, not text. Save it as text in UTF-8, or give it the suffix of its "
            "format."
        )
    return text, codec, encoding


def _is_cp1252(data: bytes) -> bool:
    try:
        data.decode("cp1252")
    except UnicodeDecodeError:
        return False
    return True


class _DelimitedGrid:
    """Rows read from their bytes again whenever they are wanted, so that they are never all in memory."""

    written = True

    def __init__(self, data: bytes, codec: str, delimiter: str) -> None:
        self._data, self._codec, self._delimiter = data, codec, delimiter
        records = self.records()
        header = next(records, [])
        lengths = Counter(map(len, records))
        self.rows = lengths.total()
        self.widths = {*lengths, len(header)}
        self.names = unique_names([*header, *[None] * (max(self.widths) - len(header))])

    def records(self) -> Iterator[list[str]]:
        """The header and the rows; blank lines are none."""
        lines = io.TextIOWrapper(io.BytesIO(self._data), self._codec, newline="")
        return filter(None, csv.reader(lines, delimiter=self._delimiter))

    def chunks(self, step: int = 1) -> Iterator[Chunk]:
        """The rows, column by column."""
        width = len(self.names)
        chosen = islice(self.records(), 1, None, step)
        while some := list(islice(chosen, CHUNK)):
            full = some if len(self.widths) == 1 else (row + [""] * (width - len(row)) for row in some)
            yield list(zip(*full, strict=True))


def read_delimited(data: bytes, source: str, *, delimiter: str | None = None) -> Delimited:
    """Read delimited text.

    UTF-8 with commas can travel as it is. Anything else is to be written anew: with commas, and where it was
    cut by semicolons, columns of numbers with decimal commas get decimal points.

    Raises:
        DataError: It is no text, or no rows can be read of it.
    """
    text, codec, encoding = decoded(data, source)
    found = delimiter or delimiter_of(text)
    try:
        grid = _DelimitedGrid(data, codec, found)
    except csv.Error as error:
        raise DataError(
            f"{source} cannot be read as a table: {error}. Mend its quotes, or send it as text, with the suffix "
            ".txt."
        ) from error
    if not grid.widths - {0}:
        raise DataError(f"{source} has no rows. Give a table with a header and at least one row.")
    remarks = [f"converted from {encoding}"] if encoding else []
    if len(grid.widths) > 1:
        remarks.append(f"rows of {min(grid.widths)} to {max(grid.widths)} cells")
    if found == ",":
        return Delimited(grid, as_it_is=not encoding, remarks=tuple(remarks))
    remarks.append(f"was cut by {_DELIMITERS[found]}")
    if found == ";" and (pointed := _with_points(grid)):
        remarks.append("decimal commas are points now")
        return Delimited(pointed, as_it_is=False, remarks=tuple(remarks))
    return Delimited(grid, as_it_is=False, remarks=tuple(remarks))


def is_regular(text: str) -> bool:
    """Whether text without a name looks like delimited rows: two or more, of the same two or more cells."""
    head = _head(text)
    return any(_width(head, one) > 1 for one in _DELIMITERS) and len(head.splitlines()) > 1


def delimiter_of(text: str) -> str:
    """The one that cuts the beginning into the most cells, the same number in every row; else the comma."""
    head = _head(text)
    widths = {one: _width(head, one) for one in _DELIMITERS}
    return max(widths, key=lambda one: widths[one]) if any(width > 1 for width in widths.values()) else ","


def _head(text: str) -> str:
    """The beginning, without a line that is cut off."""
    return text if len(text) <= _HEAD else text[:_HEAD].rpartition("\n")[0]


def _width(head: str, delimiter: str) -> int:
    """How many cells every row has; 0 if not all have as many."""
    widths = set()
    try:
        for count, row in enumerate(csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)):
            if count == _RECORDS:
                break
            if row:
                widths.add(len(row))
    except csv.Error:
        return 0
    return widths.pop() if len(widths) == 1 else 0


def _with_points(grid: Grid) -> Grid | None:
    """The table with points for decimal commas, if there are columns with nothing but such numbers."""
    columns = [list(chain.from_iterable(pieces)) for pieces in zip(*grid.chunks(), strict=True)]
    commas = [place for place, cells in enumerate(columns) if _has_decimal_commas(cells)]
    for place in commas:
        columns[place] = [cell.replace(".", "").replace(",", ".") for cell in columns[place]]
    return RowGrid(grid.names, list(zip(*columns, strict=True)), written=True) if commas else None


def _has_decimal_commas(cells: list[str]) -> bool:
    filled = {cell.strip() for cell in cells} - {""}
    return any("," in cell for cell in filled) and all(map(_DECIMAL_COMMA.fullmatch, filled))


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
