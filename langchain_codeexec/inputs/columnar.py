"""Parquet and Arrow files."""

from __future__ import annotations

from functools import partial

from langchain_codeexec.errors import DataError
from langchain_codeexec.inputs.content import Content
from langchain_codeexec.inputs.frames import grid_from_frame
from langchain_codeexec.inputs.optional import optional

__all__ = ["arrow", "parquet"]


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
