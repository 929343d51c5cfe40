"""What a file is: by its first bytes, else by its suffix.

What a source of data turned out to hold.

Libraries that only some formats need.

Parquet and Arrow files.

Excel workbooks: each sheet a table.

The bytes of a file as what is sent of it: tables as CSV, all else as it is.
"""

from __future__ import annotations

import io
import mimetypes
import warnings
import zipfile
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from langchain_codeexec.data.delimited import decoded, is_regular, read_delimited
from langchain_codeexec.data.frames import RowGrid, grid_from_frame
from langchain_codeexec.data.records import grid_from_json, grid_from_lines
from langchain_codeexec.errors import DataError, MissingDependencyError
from langchain_codeexec.gemini.input_files import INPUT_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from langchain_codeexec.data.frames import Grid

__all__ = [
    "CSV",
    "PLAIN_TEXT",
    "SIGNED",
    "TABLE_SUFFIXES",
    "Content",
    "arrow",
    "contents_of_file",
    "guessed_type",
    "optional",
    "parquet",
    "sheets",
    "suffix_in",
    "type_by_content",
    "type_by_suffix",
]

CSV: Final = "text/csv"
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

SIGNED: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Types whose files always begin with their signature."""


def type_by_content(data: bytes) -> str | None:
    """The type that the first bytes of a binary format show; `None` for text and formats not listed."""
    return next((kind for place, mark, kind in _SIGNATURES if data.startswith(mark, place)), None)


def type_by_suffix(suffix: str) -> str | None:
    """The type Gemini documents for a suffix such as `.csv`."""
    return INPUT_TYPES.get(suffix.lower())


def guessed_type(name: str) -> str | None:
    """Sound, pictures and film of other formats, as the platform knows them."""
    guessed = mimetypes.guess_type(name)[0]
    return guessed if guessed and guessed.startswith(("image/", "audio/", "video/")) else None


@dataclass(frozen=True, slots=True)
class Content:
    """Something to send, before it has a place in a request.

    Attributes:
        source: What it was, in words.
        data: Its bytes; `None` for a table that is yet to be written as CSV.
        mime_type: Its MIME type.
        grid: Its rows, for a table.
        remarks: What was done to it, for the model to know.
    """

    source: str
    data: bytes | None = None
    mime_type: str = CSV
    grid: Grid | None = None
    remarks: tuple[str, ...] = ()


def optional(module: str) -> Any:
    """Import a module that the extra `files` brings.

    Raises:
        MissingDependencyError: It is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingDependencyError(module.partition(".")[0], "files") from error


def _columnar(data: bytes, source: str, reader: str) -> list[Content]:
    """The table of a file.

    Args:
        data: Its bytes.
        source: What to call it.
        reader: The module of pyarrow that reads it.

    Raises:
        DataError: It cannot be read.
        MissingDependencyError: pyarrow is not installed.
    """
    library = optional("pyarrow")
    try:
        table = optional(reader).read_table(library.BufferReader(data))
    except (library.ArrowException, OSError) as error:
        raise DataError(f"{source} cannot be read: {error}. Write it anew, or send it as CSV.") from error
    return [Content(source, grid=grid_from_frame(table))]


parquet = partial(_columnar, reader="pyarrow.parquet")
arrow = partial(_columnar, reader="pyarrow.feather")


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
