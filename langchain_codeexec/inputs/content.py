"""What a source of data turned out to hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from langchain_codeexec.inputs.file_types import CSV

if TYPE_CHECKING:
    from langchain_codeexec.inputs.grids import Grid

__all__ = ["Content"]


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
