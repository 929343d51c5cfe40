"""Sources to the files of a request: numbered, within its limits, thinned out where that is allowed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from langchain_codeexec.errors import DataError
from langchain_codeexec.inputs.csv_writing import csv_from_grid, sample_of
from langchain_codeexec.inputs.data_file import DataFile
from langchain_codeexec.inputs.file_types import suffix_of
from langchain_codeexec.inputs.kinds import scanned
from langchain_codeexec.inputs.limits import DataLimits, inline_size, too_large
from langchain_codeexec.inputs.sources import contents_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_codeexec.inputs.content import Content

__all__ = ["data_files", "files_within"]

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
        DataError: A source is of no known kind, unreadable, empty or too large.
        MissingDependencyError: The library that reads a source's format is not installed.
    """
    return files_within(sources, names, first, limits or DataLimits(), spent=0)


def files_within(
    sources: Sequence[Any], names: Sequence[str | None] | None, first: int, limits: DataLimits, *, spent: int
) -> tuple[DataFile, ...]:
    """As `data_files`, where `spent` bytes of the request are taken already."""
    names = names or [None] * len(sources)
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
        _file(content, first + place, limits, limits.largest_file) for place, content in enumerate(contents)
    ]
    if limits.down_sample and _total(files) > room:
        files = _fitted(contents, files, limits, room)
    if _total(files) > room:
        largest = max(files, key=lambda file: len(file.data))
        raise too_large(
            f"the request with {largest.source} ({len(largest.data) / 1e6:.1f} MB)",
            f"{(_total(files) + spent) / 1e6:.1f} MB in base64",
            limits.request_bytes,
            "a request",
        )
    return tuple(files)


def _total(files: list[DataFile]) -> int:
    return sum(inline_size(len(file.data)) for file in files)


def _fitted(contents: list[Content], files: list[DataFile], limits: DataLimits, room: int) -> list[DataFile]:
    """The files again, every table thinned out in the same measure."""
    tables = _total([file for file in files if file.rows is not None])
    share = max(0, room - (_total(files) - tables)) / max(1, tables)
    return [
        file
        if file.rows is None
        else _file(content, 0, limits, int(len(file.data) * share * 0.98), name=file.name)
        for content, file in zip(contents, files, strict=True)
    ]


def _file(content: Content, number: int, limits: DataLimits, most: int, name: str = "") -> DataFile:
    name = name or f"input_file_{number}{suffix_of(content.mime_type)}"
    if content.grid is None:
        data = content.data or b""
        if len(data) > most:
            raise too_large(content.source, f"{len(data) / 1e6:.1f} MB", most, "one file")
        return DataFile(name, content.source, content.mime_type, data, remarks=content.remarks)
    columns = scanned(content.grid)
    file = DataFile(name, content.source, content.mime_type, content.data or b"", columns, content.grid.rows)
    file = replace(file, sample=sample_of(content.grid, columns), remarks=content.remarks)
    if content.data is not None and len(content.data) <= most:
        return file
    step = 1
    while True:
        written = csv_from_grid(content.grid, columns, content.source, most=most, step=step)
        if written.size <= most and len(written.data) <= most:
            break
        if not limits.down_sample or step >= content.grid.rows:
            raise too_large(content.source, f"about {written.size / 1e6:.1f} MB", most, "one file")
        step = max(step + 1, -(-step * written.size // most))
    if step == 1:
        return replace(file, data=written.data)
    thinned = f"every {step}th of {content.grid.rows} rows, evenly spaced, to fit the request"
    return replace(file, data=written.data, rows=written.rows, remarks=(*content.remarks, thinned))
