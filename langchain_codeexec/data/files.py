"""Sources to the files of a request: numbered, within its limits, thinned out where that is allowed."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any, Final

from langchain_core.messages import BaseMessage, HumanMessage

from langchain_codeexec.data.cells import columns_of, csv_of, sample_of, writable
from langchain_codeexec.data.data_file import NOTICES_KEY, Content, DataFile, listing
from langchain_codeexec.data.limits import DataLimits, fair_share, in_words, inline_size, one_line, too_large
from langchain_codeexec.data.request_files import media_in
from langchain_codeexec.data.sources import contents_of
from langchain_codeexec.data.tables import CHUNK, Table, table_from_rows
from langchain_codeexec.errors import ConfigurationError, DataError
from langchain_codeexec.gemini.input_files import input_file_name

__all__ = ["data_files", "data_message"]

_SOURCE: Final = 120  # characters
_MARGIN: Final = 50_000
"""Bytes of a request left to settings, tools and the hints."""


def data_files(
    *sources: Any,
    names: Sequence[str | None] | None = None,
    first: int = 0,
    limits: DataLimits | None = None,
) -> tuple[DataFile, ...]:
    """Make files for code execution of whatever holds the data.

    Tables become CSV: data frames, rows, sheets, JSON, Parquet, and the tables inside a document's text. Text,
    code, pictures, PDF, sound and film travel as they are.

    Args:
        *sources: Paths, `(name, bytes)` or `(name, anything of these)`, content blocks, `InlineFile`, `Blob`,
            `Document`, Pillow's images, tables of pandas, polars or pyarrow, lists of dictionaries, or lists of
            these.
        names: What to call the sources, in their order; `None` leaves a source its own name.
        first: How many files the user's messages of the request hold before these.
        limits: How much may be sent.

    Returns:
        The files in order; a workbook or document may become several.

    Raises:
        ConfigurationError: `limits` are none.
        DataError: A source is of no known class, unreadable, empty or too large.
        MissingDependencyError: The library that reads a source's format is not installed.
    """
    return _files_within(sources, names, first, limits or DataLimits(), spent=0)


def data_message(
    question: str,
    *sources: Any,
    history: Sequence[BaseMessage] = (),
    names: Sequence[str | None] | None = None,
    limits: DataLimits | None = None,
) -> HumanMessage:
    """A question together with the data it is about.

    Args:
        question: The question.
        *sources: The data, as `data_files` takes it.
        history: The messages before this one in the same request; numbers of files go on after theirs, and what
            they hold counts towards the size of the request. Media in tools' replies are not numbered.
        names: What to call the sources, in their order.
        limits: How much may be sent.

    Returns:
        A message whose text is the question and a listing of the files, followed by the files themselves. Where
        rows were left out, `additional_kwargs["notices"]` says so in words for the one who asks.

    Raises:
        DataError: A source is of no known class, unreadable, empty, or the request becomes too large.
        MissingDependencyError: The library that reads a source's format is not installed.
    """
    spent = len(question.encode("utf-8", "replace")) + sum(_size(message.content) for message in history)
    first = sum(1 for _ in media_in(history))
    files = _files_within(sources, names, first, limits or DataLimits(), spent=spent)
    if not files:
        return HumanMessage(question)
    text = {"type": "text", "text": f"{question}\n\n{listing(files)}"}
    notices = [
        f"{one_line(file.source, _SOURCE)}: "
        f"{file.left_out} of {file.left_out + (file.rows or 0)} rows are left out"
        for file in files
        if file.left_out
    ]
    return HumanMessage(
        [text, *(file.block for file in files)], additional_kwargs={NOTICES_KEY: notices} if notices else {}
    )


def _size(content: Any) -> int:
    """Bytes of the text in a message's content, base64 included."""
    if isinstance(content, str):
        return len(content) if content.isascii() else len(content.encode("utf-8", "replace"))
    if isinstance(content, bytes):
        return len(content) * 4 // 3
    if isinstance(content, dict):
        return sum(_size(value) + len(str(key)) + 6 for key, value in content.items())
    return sum(map(_size, content)) + 2 * len(content) if isinstance(content, list | tuple) else 8


def _files_within(
    sources: Sequence[Any], names: Sequence[str | None] | None, first: int, limits: DataLimits, *, spent: int
) -> tuple[DataFile, ...]:
    """As `data_files`, where `spent` bytes of the request are taken already."""
    if not isinstance(limits, DataLimits):
        raise ConfigurationError(f"limits must be DataLimits(...), not {limits!r}")
    names = [names] if isinstance(names, str) else names or [None] * len(sources)
    if len(names) != len(sources):
        raise DataError(
            f"there are {len(sources)} sources and {len(names)} names; give one for each, or None"
        )
    contents = [
        content
        for source, name in zip(sources, names, strict=True)
        for content in contents_of(source, name, limits)
    ]
    if first + len(contents) > limits.files:
        raise DataError(
            f"the request would hold {first + len(contents)} files, and the limit is {limits.files}. Join tables, "
            "leave some out, or raise DataLimits(files=...)."
        )
    room = limits.request_bytes - spent - min(_MARGIN, limits.request_bytes // 10)
    files = [
        _file(content, input_file_name(first + place, content.mime_type), limits, limits.largest_file)
        for place, content in enumerate(contents)
    ]
    if limits.down_sample:
        files = _fitted(contents, files, limits, room)
    if _total(files) > room:
        largest = max(files, key=lambda file: len(file.data))
        raise too_large(
            f"the request with {largest.source} ({in_words(len(largest.data))})",
            f"{in_words(_total(files) + spent)} in base64",
            limits.request_bytes,
            "a request",
        )
    return tuple(files)


def _total(files: Iterable[DataFile]) -> int:
    return sum(inline_size(len(file.data)) for file in files)


def _fitted(contents: list[Content], files: list[DataFile], limits: DataLimits, room: int) -> list[DataFile]:
    """The files again, the largest tables thinned out where all are too much."""
    tables = [file for file in files if file.rows is not None]
    room = min(room - _total(files) + _total(tables), inline_size(limits.down_sampled_bytes))
    if _total(tables) <= room:
        return files
    share = fair_share((len(file.data) for file in tables), room)
    return [
        file if file.rows is None or len(file.data) <= share else _file(content, file.name, limits, share)
        for content, file in zip(contents, files, strict=True)
    ]


def _file(content: Content, name: str, limits: DataLimits, most: int) -> DataFile:
    data, table = content.data, content.table
    file = DataFile(name, content.source, content.mime_type, data or b"", remarks=content.remarks)
    fits = data is not None and len(data) <= most
    if table is None:
        if not fits:
            raise too_large(content.source, in_words(len(file.data)), most, "one file")
        return file
    with writable(content.source):
        return _described(file, table) if fits else _written(file, table, limits, most)


def _described(file: DataFile, table: Table, step: int = 1) -> DataFile:
    """A table's file with what the model is told of its rows."""
    columns = columns_of(table, step)
    return replace(file, columns=columns, rows=-(-table.rows // step), sample=sample_of(table, columns))


def _written(file: DataFile, table: Table, limits: DataLimits, most: int) -> DataFile:
    """A table's file with its rows as CSV; every n-th of them, where all are too many and that is allowed.

    Raises:
        DataError: They are too many.
    """
    step, size = 1, _estimated_size(table)
    data = None
    if size <= (
        most if table.arrays else 2 * most
    ):  # what is no more than estimated has the benefit of the doubt
        file = _described(file, table)
        data, size = csv_of(table, file.columns, most=most)
    while size > most or data is None:
        if not limits.down_sample or step >= table.rows:
            raise too_large(file.source, f"about {in_words(size)}", most, "one file")
        step = max(step + 1, -(-step * size // most))
        file = _described(file, table, step)
        data, size = csv_of(table, file.columns, most=most, step=step)
    if step > 1:
        thinned = f"every {_ordinal(step)} of {table.rows} rows, evenly spaced, to fit the request"
        left_out = table.rows - (file.rows or 0)
        file = replace(file, remarks=(*file.remarks, thinned), left_out=left_out)
    return replace(file, data=data)


def _estimated_size(table: Table) -> int:
    """Bytes of a table as CSV: without quotes where pyarrow counts them, else by its first rows."""
    if table.rows <= CHUNK:
        return 0
    if table.arrays:
        compute = import_module("pyarrow.compute")
        cells = sum(compute.sum(compute.binary_length(array)).as_py() for array in table.arrays)
        return int(cells) + table.rows * len(table.names)
    rows = list(zip(*next(table.chunks(1)), strict=True))
    head = table_from_rows(table.names, rows, is_text=table.is_text)
    return csv_of(head, columns_of(head), most=sys.maxsize).size * table.rows // head.rows


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
