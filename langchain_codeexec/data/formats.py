"""File formats: tables of any format are sent as CSV, everything else as it is.

What a file is, its suffix says for formats of tables, its first bytes for all others, then its suffix again.
"""

from __future__ import annotations

import io
import mimetypes
import warnings
import zipfile
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from importlib import import_module
from typing import Any, Final

from langchain_codeexec.data.data_file import CSV, Content
from langchain_codeexec.data.delimited import decoded, delimiter_of, read_delimited
from langchain_codeexec.data.tables import table_from_frame, table_from_json, table_from_rows
from langchain_codeexec.errors import DataError, MissingDependencyError
from langchain_codeexec.gemini.input_files import INPUT_TYPES

__all__ = ["PLAIN_TEXT", "TABLE_SUFFIXES", "contents_of_file", "suffix_in"]

PLAIN_TEXT: Final = "text/plain"
_SIGNATURES: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"OggS", "audio/ogg"),
    (0, b"%PDF-", "application/pdf"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypmif1", "image/heif"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftypqt", "video/quicktime"),
    (4, b"ftyp", "video/mp4"),
    (0, b"PAR1", "application/vnd.apache.parquet"),
    (0, b"ARROW1", "application/vnd.apache.arrow.file"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"\xd0\xcf\x11\xe0", "application/x-ole-storage"),
    (0, b"\x1f\x8b", "application/gzip"),
)
"""Place, bytes and type, as the formats' own specifications give them."""
_SIGNED: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Types whose files always begin with their signature."""
_REFUSED: Final[Mapping[str, str]] = {
    "application/vnd.apache.parquet": "a Parquet file (.parquet)",
    "application/vnd.apache.arrow.file": "an Arrow file (.arrow)",
    "application/zip": "a ZIP archive or an Office document (a workbook needs the suffix .xlsx)",
    "application/x-ole-storage": "an old Excel workbook, or one with a password; save it as .xlsx without one",
    "application/gzip": "packed with gzip; unpack it",
}
_UNPACKED: Final = 500_000_000
"""Bytes that a workbook may unpack to; a small archive can hold any amount of nothing."""


def contents_of_file(name: str, data: bytes, source: str, mime_type: str | None = None) -> list[Content]:
    """What is sent of a file.

    Args:
        name: Its name, for its suffix.
        data: Its bytes.
        source: What to call it.
        mime_type: Its type, where it came with one.

    Raises:
        DataError: It is empty, unreadable or of no type that can be sent.
        MissingDependencyError: The library that reads its format is not installed.
    """
    if not data:
        raise DataError(f"{source} is empty; there is nothing to send")
    suffix = suffix_in(name)
    bare_type = (mime_type or "").partition(";")[0].strip().lower()
    read = _BY_SUFFIX.get(suffix) or _BY_SUFFIX.get(_TABLE_TYPES.get(bare_type, ""))
    return read(data, source) if read else [_as_it_is(name, suffix, data, source, mime_type)]


def suffix_in(name: str) -> str:
    """The suffix of a name, in lower case: `.csv`."""
    stem, dot, suffix = name.rpartition(".")
    return f".{suffix.lower()}" if dot and stem else ""


def _as_it_is(name: str, suffix: str, data: bytes, source: str, mime_type: str | None) -> Content:
    """By what its bytes show, then by suffix where that fits them, then as text."""
    signed = _signed_type(data)
    if signed in _REFUSED:
        raise DataError(f"{source} is {_REFUSED[signed]}: no such file can be sent as it is")
    named = None if mime_type == "application/octet-stream" else mime_type
    known = signed or INPUT_TYPES.get(suffix) or _media_type(name) or named
    if known in _SIGNED and not signed:
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
    if known or suffix:
        return _prose(text, data, source, encoding, known or PLAIN_TEXT)
    if delimiter_of(text) and "\n" in text.strip():  # text that nobody has named may be a table all the same
        return read_delimited(data, source)
    table = table_from_json(text) or table_from_json(text, lines=True)
    return Content(source, table=table) if table else _prose(text, data, source, encoding)


def _signed_type(data: bytes) -> str:
    """The type that the first bytes of a binary format show; empty for text and formats not listed."""
    return next((kind for place, mark, kind in _SIGNATURES if data.startswith(mark, place)), "")


def _media_type(name: str) -> str | None:
    """The type of sound, pictures and film of further formats, as the platform knows them."""
    guessed = mimetypes.guess_type(name)[0]
    return guessed if guessed and guessed.startswith(("image/", "audio/", "video/")) else None


def _prose(text: str, data: bytes, source: str, encoding: str, mime_type: str = PLAIN_TEXT) -> Content:
    """Text for the model to read, in UTF-8."""
    if not encoding:
        return Content(source, data, mime_type)
    return Content(source, text.encode(), mime_type, remarks=(f"converted from {encoding}",))


def _delimited(data: bytes, source: str, delimiter: str | None = None) -> list[Content]:
    signed = _signed_type(data)
    if signed:
        raise DataError(
            f"{source} holds {_REFUSED.get(signed, signed)}, not delimited text. Give it the suffix of its format."
        )
    return [read_delimited(data, source, delimiter=delimiter)]


def _json(data: bytes, source: str, *, lines: bool) -> list[Content]:
    """JSON that is no table is text to the model, and no file to the code."""
    text, _, encoding = decoded(data, source)
    table = table_from_json(text, lines=lines)
    return [Content(source, table=table) if table else _prose(text, data, source, encoding)]


def _columnar(data: bytes, source: str, reader: str) -> list[Content]:
    """The table that a module of pyarrow reads."""
    library = _optional("pyarrow")
    try:
        table = _optional(reader).read_table(library.BufferReader(data))
    except (library.ArrowException, OSError) as error:
        raise DataError(f"{source} cannot be read: {error}. Write it anew, or send it as CSV.") from error
    return [Content(source, table=table_from_frame(table))]


def _workbook(data: bytes, source: str) -> list[Content]:
    """The sheets that hold anything, the first filled row of each its header."""
    openpyxl = _optional("openpyxl")
    try:
        _check_unpacked_size(data, source)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it tells of styles and extensions that it leaves out
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
            sheets = {
                sheet.title: _filled_rows(sheet.iter_rows(values_only=True)) for sheet in book.worksheets
            }
    except DataError:
        raise
    except Exception as error:  # a broken archive or XML surfaces as whatever met it first
        raise DataError(
            f"{source} is no readable Excel workbook: {error}. Save it anew as .xlsx, or as CSV."
        ) from error
    contents = [
        Content(f"{source}, sheet '{title}'", table=table_from_rows(rows[0], rows[1:]))
        for title, rows in sheets.items()
        if rows
    ]
    if not contents:
        raise DataError(f"{source} has no filled cell in any sheet; there is nothing to send")
    return contents


def _check_unpacked_size(data: bytes, source: str) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > _UNPACKED:
        raise DataError(
            f"{source} unpacks to {size / 1e6:.0f} MB, more than the {_UNPACKED / 1e6:.0f} MB that are read. "
            "Save the sheet you need as CSV."
        )


def _filled_rows(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    """The rows from the first to the last that is not empty, empty cells at their ends left out."""
    filled: list[list[Any]] = []
    blank = 0
    for row in rows:
        cells = list(row)
        while cells and cells[-1] is None:
            cells.pop()
        if not cells:
            blank += 1
            continue
        filled += [[] for _ in range(blank if filled else 0)]
        filled.append(cells)
        blank = 0
    return filled


def _optional(module: str) -> Any:
    """Import a module that the extra `files` brings."""
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingDependencyError(module.partition(".")[0], "files") from error


_BY_SUFFIX: Final[Mapping[str, Callable[[bytes, str], list[Content]]]] = {
    ".csv": _delimited,
    ".tsv": partial(_delimited, delimiter="\t"),
    ".tab": partial(_delimited, delimiter="\t"),
    ".psv": partial(_delimited, delimiter="|"),
    ".json": partial(_json, lines=False),
    ".jsonl": partial(_json, lines=True),
    ".ndjson": partial(_json, lines=True),
    ".parquet": partial(_columnar, reader="pyarrow.parquet"),
    ".arrow": partial(_columnar, reader="pyarrow.feather"),
    ".feather": partial(_columnar, reader="pyarrow.feather"),
    ".xlsx": _workbook,
    ".xlsm": _workbook,
}
_TABLE_TYPES: Final[Mapping[str, str]] = {
    CSV: ".csv",
    "application/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/json": ".json",
    "application/jsonl": ".jsonl",
    "application/vnd.apache.parquet": ".parquet",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
}

TABLE_SUFFIXES: Final = frozenset(_BY_SUFFIX)
"""Formats that are read before they are sent, so that their own size does not count."""
