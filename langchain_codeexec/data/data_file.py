"""A file of the user's as it travels in a request, and what the model is told of it."""

from __future__ import annotations

import csv
import io
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from langchain_codeexec.data.limits import one_line
from langchain_codeexec.data.tables import Table
from langchain_codeexec.executions import InlineFile
from langchain_codeexec.gemini.input_files import code_can_open

__all__ = ["CSV", "NOTICES_KEY", "Column", "Content", "DataFile", "listing"]

CSV: Final = "text/csv"
NOTICES_KEY: Final = "notices"
"""Where in `additional_kwargs` a question says what its author should know of the data, such as rows left out."""

_SOURCE, _NAME, _REMARK = 120, 60, 160  # the most characters of each in a hint
_COLUMNS: Final = 1200  # characters for all columns
_SAMPLE_LINE: Final = 300
_MEDIA: Final = frozenset({"image", "audio", "video"})


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        name: Its name in the header.
        kind: What its cells hold: `integer`, `number`, `boolean`, `text`, `date`, `datetime`, `time`, `seconds`
            (of a duration), `JSON` (nested values), `base64` (bytes), `digits` (text such as `007`), `mixed` or
            `empty`.
        missing: How many of its cells are empty.
    """

    name: str
    kind: str
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Content:
    """Something to send, before it has a place in a request."""

    source: str  # what it was, in words
    data: bytes | None = None  # its bytes; `None` for a table that is yet to be written as CSV
    mime_type: str = CSV
    table: Table | None = None  # its rows, for a table
    remarks: tuple[str, ...] = ()  # what was done to it, for the model to know


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file that travels in a request.

    Attributes:
        name: What a program finds it under, as the service names uploads: `input_file_0.csv`.
        source: What it was: `sales 2024.csv`, `frame 'orders'`, `table 1 of planets.md`.
        mime_type: Its MIME type.
        data: Its bytes.
        columns: The columns of a table.
        rows: How many rows a table has, the header not counted; `None` for what is no table.
        sample: The first rows, cells shortened.
        remarks: What was done to it on the way, for the model to know.
        left_out: How many rows of a table were left out, to fit the request.
    """

    name: str
    source: str
    mime_type: str
    data: bytes
    columns: tuple[Column, ...] = ()
    rows: int | None = None
    sample: tuple[tuple[str, ...], ...] = ()
    remarks: tuple[str, ...] = ()
    left_out: int = 0

    @property
    def in_working_directory(self) -> bool:
        """Whether code finds it; any file that code does not find is for the model alone to read."""
        return code_can_open(self.mime_type)

    @property
    def hint(self) -> str:
        """The lines that tell the model of it; no cell, name or source ends its line or grows without bound."""
        facts = [one_line(self.source, _SOURCE)]
        if self.rows is None:
            facts.append(one_line(self.mime_type, _NAME))
        else:
            facts.append(f"{self.rows} {'row' if self.rows == 1 else 'rows'}")
            facts.append(f"columns: {', '.join(_listed(self.columns))}")
        if not self.in_working_directory:
            facts.append("attached to be read, code cannot open it")
        facts += [one_line(remark, _REMARK) for remark in self.remarks]
        lines = [f"- {self.name}: {'; '.join(facts)}"]
        if self.sample:
            header = (column.name for column in self.columns)
            lines += [f"    {_csv_line(cells)}" for cells in (header, *self.sample)]
        return "\n".join(lines)

    @property
    def block(self) -> dict[str, Any]:
        """The file as one of LangChain's v1 content blocks."""
        family = self.mime_type.partition("/")[0]
        return {
            "type": family if family in _MEDIA else "file",
            "base64": b64encode(self.data).decode(),
            "mime_type": self.mime_type,
            "extras": {"filename": self.name},
        }

    @property
    def inline_file(self) -> InlineFile:
        """The file for an executor, under the same name."""
        return InlineFile(self.data, self.mime_type, self.name)


def listing(files: Iterable[DataFile]) -> str:
    """The text that tells the model of files: those that code finds, then those that it alone can read."""
    files = list(files)
    groups = (
        ("Files in the working directory:", [file.hint for file in files if file.in_working_directory]),
        ("Attached to be read:", [file.hint for file in files if not file.in_working_directory]),
    )
    return "\n\n".join("\n".join([heading, *hints]) for heading, hints in groups if hints)


def _listed(columns: tuple[Column, ...]) -> Iterator[str]:
    room = _COLUMNS
    for index, column in enumerate(columns):
        missing = f", {column.missing} missing" if column.missing else ""
        listed = f"{one_line(column.name, _NAME)} ({column.kind}{missing})"
        room -= len(listed) + 2
        if room < 0:
            yield f"and {len(columns) - index} more"
            return
        yield listed


def _csv_line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([one_line(cell, _NAME) for cell in cells])
    return one_line(line.getvalue(), _SAMPLE_LINE)
