"""Delimited text as it comes: in any encoding, cut by any of the usual delimiters.

The standard library's `csv.Sniffer` guesses from letters and quotes; here a delimiter is one that cuts every row
into as many cells.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from itertools import chain, islice
from typing import Any, Final

from langchain_codeexec.data.data_file import Content
from langchain_codeexec.data.tables import Table, in_chunks, table_from_arrays, table_from_rows, unique_names
from langchain_codeexec.errors import DataError

__all__ = ["decoded", "delimiter_of", "read_delimited"]

_DELIMITERS: Final[Mapping[str, str]] = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_MARKS: Final = (  # the longer one first: UTF-32's begins with UTF-16's
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8 with a byte order mark"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
_HEAD: Final = 65_536  # characters looked at to tell the delimiter
_RECORDS: Final = 100
_LARGE: Final = 1_000_000  # bytes from which pyarrow is worth its loading
_CONTROLS: Final = bytes({*range(0x20)} - {*range(0x09, 0x0E), 0x1B})
_WITH_COMMAS: Final = (re.compile(r"[+-]?(?:\d+|\d{1,3}(?:\.\d{3})+)(?:,\d+)?"), ",")
_IN_GROUPS: Final = (re.compile(r"[+-]?\d{1,3}(?:\.\d{3})*"), ".")
"""How columns of numbers are written where a comma is the decimal mark, and what one of the cells must have."""


def decoded(data: bytes, source: str) -> tuple[str, str, str]:
    """Text, the codec that reads it, and the encoding in words; no words where it is plain UTF-8.

    Raises:
        DataError: It is no text in an encoding that can be told.
    """
    mark, codec, encoding = next((row for row in _MARKS if data.startswith(row[0])), (b"", "utf-8", ""))
    try:
        text = data.decode(codec)
    except UnicodeDecodeError as error:
        if mark:
            raise DataError(
                f"{source} says it is {encoding}, and is not: {error.reason} at byte {error.start}. "
                "Save it as UTF-8."
            ) from error
        text, codec, encoding = _decoded_by_bytes(data)
    encoded = text.encode() if codec in {"utf-16", "utf-32"} else data
    if len(encoded.translate(None, _CONTROLS)) < len(encoded):
        raise DataError(
            f"{source} holds binary data, not text. Save it as text in UTF-8, or give it the suffix of its "
            "format."
        )
    return text, codec, encoding


def _decoded_by_bytes(data: bytes) -> tuple[str, str, str]:
    try:
        return data.decode("cp1252"), "cp1252", "Windows-1252"
    except UnicodeDecodeError:
        return data.decode("latin-1"), "latin-1", "Latin-1"


def delimiter_of(text: str) -> str | None:
    """The delimiter that cuts the beginning of a text into the most cells, as many in every row."""
    head = text if len(text) <= _HEAD else text[:_HEAD].rpartition("\n")[0]
    widths = {delimiter: _width(head, delimiter) for delimiter in _DELIMITERS}
    best = max(widths, key=lambda delimiter: widths[delimiter])
    return best if widths[best] > 1 else None


def _width(head: str, delimiter: str) -> int:
    """How many cells every row has; 0 if not all have as many."""
    rows = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
    try:
        widths = {len(row) for row in islice(rows, _RECORDS) if row}
    except csv.Error:
        return 0
    return widths.pop() if len(widths) == 1 else 0


def read_delimited(data: bytes, source: str, *, delimiter: str | None = None) -> Content:
    """Read delimited text.

    UTF-8 with commas travels as it is. Anything else is to be written anew: with commas, and where it was
    cut by semicolons, columns of numbers with decimal commas get decimal points.

    Raises:
        DataError: It is no text, or no rows can be read of it.
    """
    text, codec, encoding = decoded(data, source)
    cut = delimiter or delimiter_of(text) or ","
    try:
        table, widths = _table(data, codec, cut, text)
    except csv.Error as error:
        raise DataError(
            f"{source} cannot be read as a table: {error}. Mend its quotes, or send it as text, with the suffix "
            ".txt."
        ) from error
    if not table.names:
        raise DataError(f"{source} has no rows. Give a table with a header and at least one row.")
    remarks = [f"converted from {encoding}"] if encoding else []
    if len(widths) > 1:
        remarks.append(f"rows of {min(widths)} to {max(widths)} cells")
    if cut != ",":
        remarks.append(f"was cut by {_DELIMITERS[cut]}")
    if cut == ";" and (pointed := _with_points(table)):
        table = pointed
        remarks.append("decimal commas are points now")
    travels = cut == "," and not encoding
    return Content(source, data if travels else None, table=table, remarks=tuple(remarks))


def _table(data: bytes, codec: str, delimiter: str, text: str) -> tuple[Table, set[int]]:
    """The table, and how many cells its rows have.

    A large one is read by pyarrow. Any other is read from its bytes again whenever it is wanted, so that its rows
    are never all in memory.
    """

    def records() -> Iterator[Sequence[str]]:
        lines = io.TextIOWrapper(io.BytesIO(data), codec, newline="")
        return filter(None, csv.reader(lines, delimiter=delimiter))

    reading = records()
    header = next(reading, [])
    if header and len(data) >= _LARGE and (read := _arrays(text, len(header), delimiter)):
        arrays, widths = read
        return table_from_arrays([*header, *[None] * (len(arrays) - len(header))], arrays), widths
    lengths = Counter(map(len, reading))
    widths = {*lengths, len(header)}
    width = max(widths)
    names = unique_names([*header, *[None] * (width - len(header))])
    table = Table(
        names,
        lengths.total(),
        lambda step: in_chunks(islice(records(), 1, None, step), width, ""),
        is_text=True,
    )
    return table, widths


def _arrays(text: str, width: int, delimiter: str) -> tuple[list[Any], set[int]] | None:
    """The columns as arrays of text, by pyarrow, and how many cells the rows have.

    `None` without pyarrow, and where rows of several widths have quotes.
    """
    try:
        arrow, compute = import_module("pyarrow"), import_module("pyarrow.compute")
    except ImportError:
        return None
    names = [str(place) for place in range(width)]
    try:
        columns = _read_by_arrow(text, names, delimiter)
    except arrow.ArrowException:  # rows of several widths
        if '"' in text:
            return None
    else:
        return [column[1:] for column in columns], {width}
    [lines] = _read_by_arrow(text, ["line"], "\x01")
    rows = compute.split_pattern(lines.combine_chunks(), delimiter)
    widths = compute.list_value_length(rows).unique().to_pylist()
    columns = [
        compute.list_slice(rows, place, place + 1, return_fixed_size_list=True).flatten()
        for place in range(max(widths))
    ]
    return [compute.fill_null(column, "")[1:] for column in columns], {*widths}


def _read_by_arrow(text: str, names: list[str], delimiter: str) -> list[Any]:
    arrow, reader = import_module("pyarrow"), import_module("pyarrow.csv")
    has_quotes = '"' in text
    table = reader.read_csv(
        arrow.BufferReader(text.encode()),
        reader.ReadOptions(column_names=names, use_threads=False),
        reader.ParseOptions(
            delimiter=delimiter, quote_char=has_quotes and '"', newlines_in_values=has_quotes
        ),
        reader.ConvertOptions(column_types=dict.fromkeys(names, arrow.string())),
    )
    return list(table.columns)


def _with_points(table: Table) -> Table | None:
    """The table with points for decimal commas, if there are columns with nothing but such numbers.

    In such a table points group digits, in columns of whole numbers as well.
    """
    if table.arrays:
        arrays = [_pointed(array, *_WITH_COMMAS) for array in table.arrays]
        if not any(new is not old for new, old in zip(arrays, table.arrays, strict=True)):
            return None
        pairs = zip(arrays, table.arrays, strict=True)
        return table_from_arrays(
            table.names, [_pointed(new, *_IN_GROUPS) if new is old else new for new, old in pairs]
        )
    columns = [list(chain.from_iterable(pieces)) for pieces in zip(*table.chunks(1), strict=True)]
    if not any(_are_written(cells, *_WITH_COMMAS) for cells in columns):
        return None
    for place, cells in enumerate(columns):
        if _are_written(cells, *_WITH_COMMAS) or _are_written(cells, *_IN_GROUPS):
            columns[place] = [cell.replace(".", "").replace(",", ".") for cell in cells]
    return table_from_rows(table.names, list(zip(*columns, strict=True)), is_text=True)


def _pointed(array: Any, pattern: re.Pattern[str], mark: str) -> Any:
    """An array of text with points for decimal commas, if it holds nothing but numbers of a pattern."""
    compute = import_module("pyarrow.compute")
    if not all(map(pattern.fullmatch, filter(None, map(str.strip, array[:_RECORDS].to_pylist())))):
        return array
    if not compute.any(compute.match_substring(array, mark)).as_py():
        return array
    fits = compute.match_substring_regex(array, rf"^\s*(?:{pattern.pattern})?\s*$")
    odd = (cell.as_py().strip() for cell in array.filter(compute.invert(fits)))
    if not all(cell == "" or pattern.fullmatch(cell) for cell in odd):
        return array
    return compute.replace_substring(compute.replace_substring(array, ".", ""), ",", ".")


def _are_written(cells: list[str], pattern: re.Pattern[str], mark: str) -> bool:
    filled = {cell.strip() for cell in cells} - {""}
    return any(mark in cell for cell in filled) and all(map(pattern.fullmatch, filled))
