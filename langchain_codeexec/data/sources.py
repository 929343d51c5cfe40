"""What users pass as data (a path, a frame, an image and so on), by its class, as contents of files."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from langchain_codeexec.data.data_file import Content
from langchain_codeexec.data.formats import PLAIN_TEXT, TABLE_SUFFIXES, contents_of_file, suffix_in
from langchain_codeexec.data.limits import DataLimits, in_words, one_line, too_large
from langchain_codeexec.data.tables import FRAMES, table_from_frame, table_from_records, table_from_rows
from langchain_codeexec.data.text_tables import tables_in_text
from langchain_codeexec.errors import DataError
from langchain_codeexec.messages.media import media_from_block

__all__ = ["contents_of"]

_TABLE_FILE: Final = 2_000_000_000
"""Bytes of a file that is read before anything is sent of it."""
_PNG_MODES: Final = frozenset("1 L LA P RGB RGBA I I;16".split())
_TAKEN: Final = (
    "a path, (name, bytes), a content block, an InlineFile, a Blob, a Document, an image, a table of pandas, "
    "polars or pyarrow, or a list of dictionaries"
)
_IRREGULAR: Final[Mapping[int, str]] = {
    stat.S_IFDIR: "a folder; name its files",
    stat.S_IFIFO: "a pipe; read it, and pass the bytes with a name",
    stat.S_IFSOCK: "a socket; read it, and pass the bytes with a name",
    stat.S_IFCHR: "a device, not a file",
    stat.S_IFBLK: "a device, not a file",
}
_OPENING: Final = (
    os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
)
"""Opening a pipe without a writer would block otherwise, should the file become one in between."""


def contents_of(source: Any, name: str | None, limits: DataLimits) -> list[Content]:
    """What is to be sent of a source.

    Args:
        source: Anything the package takes as data.
        name: What to call it; `None` for the name it has itself.
        limits: How much may be sent.

    Raises:
        DataError: It is of no class that can be sent, unreadable, empty or too large.
        MissingDependencyError: The library that reads its format is not installed.
    """
    for base in type(source).__mro__:
        if read := _SOURCES.get((base.__module__.partition(".")[0], base.__name__)):
            return read(source, name, limits)
    if isinstance(source, os.PathLike):
        return _path(source, name, limits)
    raise DataError(f"{type(source).__name__!r} is nothing that can be sent as data; give {_TAKEN}")


def _path(source: Any, name: str | None, limits: DataLimits) -> list[Content]:
    path = os.fspath(source)
    if isinstance(path, str) and "\n" in path:
        raise DataError("text with several lines is no path; pass it as ('name.csv', text.encode())")
    if isinstance(path, str) and "://" in path:
        raise DataError(
            f"{one_line(path, 120)} is a URL, no path; download it first, or send a content block with it"
        )
    file_name = _base_name(path)
    most = _TABLE_FILE if suffix_in(file_name) in TABLE_SUFFIXES else limits.largest_file
    data = _read(path, file_name, most)
    return contents_of_file(file_name, data, one_line(name, 120) if name else file_name)


def _read(path: Any, name: str, most: int) -> bytes:
    """The bytes of a regular file, links followed, never waited for."""
    try:
        _check_regular(Path(os.fsdecode(path)).stat(), name)  # opening a device may do something already
        with os.fdopen(os.open(path, _OPENING), "rb") as file:
            status = os.fstat(file.fileno())
            _check_regular(status, name)
            data = b"" if status.st_size > most else file.read(most + 1)
    except DataError:
        raise
    except (OSError, ValueError) as error:  # a path with a NUL character is a ValueError
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise DataError(f"{name} cannot be read: {reason}") from error
    size = max(status.st_size, len(data))
    if size > most:
        raise too_large(name, in_words(size), most, "one file")
    return data


def _check_regular(status: os.stat_result, name: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        what = _IRREGULAR.get(stat.S_IFMT(status.st_mode), "no regular file")
        raise DataError(f"{name} cannot be read: it is {what}")


def _base_name(path: Any) -> str:
    """The last part of a path, fit to be shown; it may hold bytes that are no text."""
    raw = os.fspath(path)
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    last = text.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return one_line(last or text, 120) or "a file without a name"


def _bytes(data: Any, name: str | None, _limits: DataLimits, mime_type: str | None = None) -> list[Content]:
    file_name = _base_name(name) if name else ""
    return contents_of_file(file_name, bytes(data), file_name or "bytes", mime_type)


def _named(pair: tuple[Any, ...], name: str | None, limits: DataLimits) -> list[Content]:
    match pair:
        case (str(label), bytes() | bytearray() | memoryview() as data):
            return _bytes(data, label if name is None else f"{name}{suffix_in(label)}", limits)
        case (str(label), source):
            return contents_of(source, label if name is None else name, limits)
    raise DataError(f"a tuple must be a name and what it names, not {len(pair)} values; or give {_TAKEN}")


def _several(sources: list[Any], name: str | None, limits: DataLimits) -> list[Content]:
    """Rows, if they are dictionaries; else sources one by one."""
    if table := table_from_records(sources):
        return [Content(_labelled("rows", name), table=table)]
    if not sources:
        raise DataError("an empty list has neither rows nor files; there is nothing to send")
    return [content for source in sources for content in contents_of(source, name, limits)]


def _mapping(value: Mapping[str, Any], name: str | None, limits: DataLimits) -> list[Content]:
    """A content block that carries data, or columns by name."""
    media = media_from_block(value)
    if media is not None and media.data is not None:
        try:
            data = media.content
        except ValueError as error:
            raise DataError(f"a content block holds what is no base64: {error}") from error
        return _bytes(data, name or media.name or None, limits, media.sent_type)
    if value.get("type") == "text-plain" and isinstance(value.get("text"), str):
        return _text(value["text"], one_line(str(name or value.get("title") or "text"), 120))
    if table := table_from_records(value):
        return [Content(_labelled("columns", name), table=table)]
    keys = one_line(", ".join(map(str, value)), 120)
    raise DataError(
        f"a dictionary with the keys {keys} is neither a content block with its data nor columns: lists of the "
        "same length"
    )


def _frame(frame: Any, name: str | None, _limits: DataLimits) -> list[Content]:
    series_name = getattr(frame, "name", None) if len(getattr(frame, "shape", ())) == 1 else None
    label = _labelled("frame", name or (str(series_name) if series_name else None))
    table = table_from_frame(frame)
    if table is None or not table.names:
        raise DataError(f"{label} has no columns; there is nothing to send")
    return [Content(label, table=table)]


def _labelled(what: str, name: str | None) -> str:
    return f"{what} '{one_line(name, 100)}'" if name else what


def _document(document: Any, name: str | None, _limits: DataLimits) -> list[Content]:
    metadata = document.metadata
    titles = (str(metadata[key]) for key in ("title", "source", "file_path") if metadata.get(key))
    return _text(document.page_content, one_line(name or next(titles, "document"), 120))


def _text(text: str, source: str) -> list[Content]:
    """The text for the model to read, and the tables in it for code."""
    if not text.strip():
        raise DataError(f"{source} is empty; there is nothing to send")
    contents = [Content(source, text.encode("utf-8", "replace"), PLAIN_TEXT)]
    for number, table in enumerate(tables_in_text(text), 1):
        caption = f": {one_line(table.caption, 80)}" if table.caption else ""
        rows = table_from_rows(table.columns, table.rows, is_text=True)
        contents.append(Content(f"table {number} of {source}{caption}", table=rows))
    return contents


def _blob(blob: Any, name: str | None, limits: DataLimits) -> list[Content]:
    if blob.data is None:
        return _path(blob.path, name, limits)
    path = blob.path or blob.metadata.get("source")
    return _bytes(blob.as_bytes(), name or (str(path) if path else None), limits, blob.mimetype)


def _inline_file(file: Any, name: str | None, limits: DataLimits) -> list[Content]:
    return _bytes(file.data, name or file.name or None, limits, file.mime_type or None)


def _data_file(file: Any, name: str | None, _limits: DataLimits) -> list[Content]:
    """One that was made before; it only gets a new number."""
    table = None if file.rows is None else contents_of_file("a.csv", file.data, file.source)[0].table
    return [Content(name or file.source, file.data, file.mime_type, table, file.remarks)]


def _image(image: Any, name: str | None, _limits: DataLimits) -> list[Content]:
    """A picture of Pillow's, as PNG; colours that PNG does not know become RGB."""
    buffer = io.BytesIO()
    try:
        (image if image.mode in _PNG_MODES else image.convert("RGB")).save(buffer, "PNG")
    except (OSError, ValueError, SystemError) as error:
        raise DataError(f"{_labelled('image', name)} cannot be written as PNG: {error}") from error
    file_name = Path(str(getattr(image, "filename", "") or "")).name
    return [Content(_labelled("image", name or file_name or None), buffer.getvalue(), "image/png")]


_SOURCES: Final[Mapping[tuple[str, str], Callable[[Any, str | None, DataLimits], list[Content]]]] = {
    ("builtins", "str"): _path,
    ("builtins", "bytes"): _bytes,
    ("builtins", "bytearray"): _bytes,
    ("builtins", "memoryview"): _bytes,
    ("builtins", "tuple"): _named,
    ("builtins", "list"): _several,
    ("builtins", "dict"): _mapping,
    ("pathlib", "PurePath"): _path,
    ("langchain_codeexec", "DataFile"): _data_file,
    ("langchain_codeexec", "InlineFile"): _inline_file,
    ("langchain_core", "Blob"): _blob,
    ("langchain_core", "Document"): _document,
    ("PIL", "Image"): _image,
    **dict.fromkeys(FRAMES, _frame),
}
"""How a source is read, by its library and class, so that no library is imported only to ask for it."""
