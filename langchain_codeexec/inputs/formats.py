"""The bytes of a file as what is sent of it: tables as CSV, all else as it is."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from langchain_codeexec.errors import DataError
from langchain_codeexec.inputs.columnar import arrow, parquet
from langchain_codeexec.inputs.content import Content
from langchain_codeexec.inputs.delimited import decoded, is_regular, read_delimited
from langchain_codeexec.inputs.file_types import (
    CSV,
    PLAIN_TEXT,
    SIGNED,
    guessed_type,
    type_by_content,
    type_by_suffix,
)
from langchain_codeexec.inputs.records import grid_from_json, grid_from_lines
from langchain_codeexec.inputs.workbooks import sheets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from langchain_codeexec.inputs.grids import Grid

__all__ = ["TABLE_SUFFIXES", "contents_of_file", "suffix_in"]

_NAMES: Final[Mapping[str, str]] = {
    "application/vnd.apache.parquet": "a Parquet file (.parquet)",
    "application/vnd.apache.arrow.file": "an Arrow file (.arrow)",
    "application/zip": "a ZIP archive or an Office document (a workbook needs the suffix .xlsx)",
    "application/x-ole-storage": "an old Excel workbook, or one with a password; save it as .xlsx without one",
    "application/gzip": "packed with gzip; unpack it",
}


def contents_of_file(name: str, data: bytes, source: str, mime_type: str | None = None) -> list[Content]:
    """What is sent of a file.

    Args:
        name: Its name, for its suffix.
        data: Its bytes.
        source: What to call it.
        mime_type: Its type, where somebody has said so.

    Raises:
        DataError: It is empty, unreadable or of no type that can be sent.
        MissingDependencyError: The library that reads its format is not installed.
    """
    if not data:
        raise DataError(f"{source} is empty; there is nothing to send")
    suffix = suffix_in(name)
    read = _BY_SUFFIX.get(suffix) or _BY_TYPE.get((mime_type or "").partition(";")[0].strip().lower())
    if read:
        return read(data, source)
    return [_as_it_is(name, suffix, data, source, mime_type)]


def suffix_in(name: str) -> str:
    """The suffix of a name, in lower case: `.csv`."""
    stem, dot, suffix = name.rpartition(".")
    return f".{suffix.lower()}" if dot and stem else ""


def _as_it_is(name: str, suffix: str, data: bytes, source: str, mime_type: str | None) -> Content:
    """By what its bytes show, then by suffix where that fits them, then as text."""
    shown = type_by_content(data)
    if shown and shown in _NAMES:
        raise DataError(f"{source} is {_NAMES[shown]}: no such file can be sent as it is")
    said = None if mime_type == "application/octet-stream" else mime_type
    known = shown or type_by_suffix(suffix) or guessed_type(name) or said
    if known in SIGNED and not shown:
        raise DataError(f"{source} should be {known} and is not. Give it the suffix of what it holds.")
    if known and not known.startswith("text/"):
        return Content(source, data, known)
    try:
        text, _, encoding = decoded(data, source)
    except DataError as error:
        raise DataError(
            f"{source} is neither text nor of a type Gemini takes; send text, CSV, Excel, Parquet, JSON, PDF, "
            "images, sound or video"
        ) from error
    if not (known or suffix):
        return _nameless(text, data, source, encoding)
    return _prose(text, data, source, encoding, known or PLAIN_TEXT)


def _prose(text: str, data: bytes, source: str, encoding: str, mime_type: str = PLAIN_TEXT) -> Content:
    """Text for the model to read, in UTF-8."""
    if not encoding:
        return Content(source, data, mime_type)
    return Content(source, text.encode(), mime_type, remarks=(f"converted from {encoding}",))


def _nameless(text: str, data: bytes, source: str, encoding: str) -> Content:
    """Text that nobody has named may be a table all the same."""
    if is_regular(text):
        return _delimited(data, source)[0]
    grid = grid_from_json(text) or grid_from_lines(text)
    return Content(source, grid=grid) if grid else _prose(text, data, source, encoding)


def _delimited(data: bytes, source: str, delimiter: str | None = None) -> list[Content]:
    kind = type_by_content(data)
    if kind:
        raise DataError(
            f"{source} holds {_NAMES.get(kind, kind)}, not delimited text. Give it the suffix of its format."
        )
    found = read_delimited(data, source, delimiter=delimiter)
    return [Content(source, data if found.as_it_is else None, CSV, found.grid, found.remarks)]


def _json(data: bytes, source: str, read: Callable[[str], Grid | None]) -> list[Content]:
    """JSON that is no table is text to the model, and no file to the code."""
    text, _, encoding = decoded(data, source)
    grid = read(text)
    return [Content(source, grid=grid) if grid else _prose(text, data, source, encoding)]


_BY_SUFFIX: Final[Mapping[str, Callable[[bytes, str], list[Content]]]] = {
    ".csv": _delimited,
    ".tsv": partial(_delimited, delimiter="\t"),
    ".tab": partial(_delimited, delimiter="\t"),
    ".psv": partial(_delimited, delimiter="|"),
    ".json": partial(_json, read=grid_from_json),
    ".jsonl": partial(_json, read=grid_from_lines),
    ".ndjson": partial(_json, read=grid_from_lines),
    ".parquet": parquet,
    ".arrow": arrow,
    ".feather": arrow,
    ".xlsx": sheets,
    ".xlsm": sheets,
}
_BY_TYPE: Final[Mapping[str, Callable[[bytes, str], list[Content]]]] = {
    CSV: _delimited,
    "application/csv": _delimited,
    "text/tab-separated-values": _BY_SUFFIX[".tsv"],
    "application/json": _BY_SUFFIX[".json"],
    "application/jsonl": _BY_SUFFIX[".jsonl"],
    "application/vnd.apache.parquet": parquet,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": sheets,
}

TABLE_SUFFIXES: Final = frozenset(_BY_SUFFIX)
"""Formats that are read before they are sent, so that their own size does not count."""
