"""Rows as Python and JSON know them: dictionaries, or columns by name.

What users have, by its class, as what can be sent.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from langchain_codeexec.data.blocks import carried
from langchain_codeexec.data.formats import PLAIN_TEXT, TABLE_SUFFIXES, Content, contents_of_file, suffix_in
from langchain_codeexec.data.frames import FRAMES, RowGrid, grid_from_frame
from langchain_codeexec.data.limits import read_path, shown, shown_path
from langchain_codeexec.data.records import grid_from_value
from langchain_codeexec.data.text_tables import tables_in_text
from langchain_codeexec.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from langchain_codeexec.data.limits import DataLimits

__all__ = ["contents_of"]


_TABLE_FILE: Final = 2_000_000_000
"""Bytes of a file that is read before anything is sent of it."""
_PNG_MODES: Final = frozenset("1 L LA P RGB RGBA I I;16".split())
_TAKEN: Final = (
    "a path, (name, bytes), a content block, an InlineFile, a Blob, a Document, an image, a table of pandas, "
    "polars or pyarrow, or a list of dictionaries"
)


def contents_of(source: Any, name: str | None, limits: DataLimits) -> list[Content]:
    """What is to be sent of a source.

    Args:
        source: Anything the package takes as data.
        name: What to call it; `None` for the name it has itself.
        limits: How much may be sent.

    Raises:
        DataError: It is of no kind that can be sent, unreadable, empty or too large.
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
            f"{shown(path, 120)} is a URL, no path; download it first, or send a content block with it"
        )
    own = shown_path(path)
    most = _TABLE_FILE if suffix_in(own) in TABLE_SUFFIXES else limits.largest_file
    return contents_of_file(own, read_path(path, most), shown(name, 120) if name else own)


def _bytes(data: Any, name: str | None, _limits: DataLimits, mime_type: str | None = None) -> list[Content]:
    called = shown_path(name) if name else "bytes"
    return contents_of_file(called if name else "", bytes(data), called, mime_type)


def _named(pair: tuple[Any, ...], name: str | None, limits: DataLimits) -> list[Content]:
    match pair:
        case (str(own), bytes() | bytearray() | memoryview() as data):
            return _bytes(data, own if name is None else f"{name}{suffix_in(own)}", limits)
        case (str(own), source):
            return contents_of(source, own if name is None else name, limits)
    raise DataError(f"a tuple must be a name and what it names, not {len(pair)} values; or give {_TAKEN}")


def _several(sources: list[Any], name: str | None, limits: DataLimits) -> list[Content]:
    """Rows, if they are dictionaries; else sources one by one."""
    grid = grid_from_value(sources)
    if grid:
        return [Content(_called("rows", name), grid=grid)]
    if not sources:
        raise DataError("an empty list has neither rows nor files; there is nothing to send")
    return [content for source in sources for content in contents_of(source, name, limits)]


def _mapping(value: Mapping[str, Any], name: str | None, limits: DataLimits) -> list[Content]:
    """A content block that carries data, or columns by name."""
    found = carried(value)
    if found:
        try:
            data = found.data
        except ValueError as error:
            raise DataError(f"a content block holds what is no base64: {error}") from error
        return _bytes(data, name or found.name or None, limits, found.mime_type)
    if value.get("type") == "text-plain" and isinstance(value.get("text"), str):
        return _text(value["text"], shown(str(name or value.get("title") or "text"), 120))
    grid = grid_from_value(value)
    if grid:
        return [Content(_called("columns", name), grid=grid)]
    raise DataError(
        f"a dictionary with the keys {shown(', '.join(map(str, value)), 120)} is neither a content block with its "
        "data nor columns: lists of the same length"
    )


def _frame(frame: Any, name: str | None, _limits: DataLimits) -> list[Content]:
    own = getattr(frame, "name", None) if len(getattr(frame, "shape", ())) == 1 else None
    grid = grid_from_frame(frame)
    if grid is None or not grid.names:
        raise DataError(f"{_called('frame', name)} has no columns; there is nothing to send")
    return [Content(_called("frame", name or (str(own) if own else None)), grid=grid)]


def _called(kind: str, name: str | None) -> str:
    return f"{kind} '{shown(name, 100)}'" if name else kind


def _document(document: Any, name: str | None, _limits: DataLimits) -> list[Content]:
    metadata = document.metadata
    own = next(
        (str(metadata[key]) for key in ("title", "source", "file_path") if metadata.get(key)), "document"
    )
    return _text(document.page_content, shown(name or own, 120))


def _text(text: str, source: str) -> list[Content]:
    """The text for the model to read, and the tables in it for code."""
    if not text.strip():
        raise DataError(f"{source} is empty; there is nothing to send")
    contents = [Content(source, text.encode("utf-8", "replace"), PLAIN_TEXT)]
    for number, table in enumerate(tables_in_text(text), 1):
        caption = f": {shown(table.caption, 80)}" if table.caption else ""
        grid = RowGrid(table.columns, table.rows, written=True)
        contents.append(Content(f"table {number} of {source}{caption}", grid=grid))
    return contents


def _blob(blob: Any, name: str | None, limits: DataLimits) -> list[Content]:
    own = blob.path or blob.metadata.get("source")
    if blob.data is None:
        return _path(blob.path, name, limits)
    return _bytes(blob.as_bytes(), name or (str(own) if own else None), limits, blob.mimetype)


def _inline_file(file: Any, name: str | None, limits: DataLimits) -> list[Content]:
    return _bytes(file.data, name or file.name or None, limits, file.mime_type or None)


def _data_file(file: Any, name: str | None, _limits: DataLimits) -> list[Content]:
    """One that was made before; it only gets another number."""
    grid = None
    if file.rows is not None:
        grid = contents_of_file("a.csv", file.data, file.source)[0].grid
    return [Content(name or file.source, file.data, file.mime_type, grid, file.remarks)]


def _image(image: Any, name: str | None, _limits: DataLimits) -> list[Content]:
    """A picture of Pillow's, as PNG; colours that PNG does not know become RGB."""
    buffer = io.BytesIO()
    try:
        drawn = image if image.mode in _PNG_MODES else image.convert("RGB")
        drawn.save(buffer, "PNG")
    except (OSError, ValueError, SystemError) as error:
        raise DataError(f"{_called('image', name)} cannot be written as PNG: {error}") from error
    own = Path(str(getattr(image, "filename", "") or "")).name
    return [Content(_called("image", name or own or None), buffer.getvalue(), "image/png")]


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
