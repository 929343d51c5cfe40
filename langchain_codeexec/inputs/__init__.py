"""The user's data on its way to code: files, frames and documents as the files of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec.lazy import lazy_exports

if TYPE_CHECKING:
    from langchain_codeexec.inputs.blocks import files_in
    from langchain_codeexec.inputs.data_file import Column, DataFile
    from langchain_codeexec.inputs.files import data_files
    from langchain_codeexec.inputs.limits import DataLimits
    from langchain_codeexec.inputs.messages import data_message, listing
    from langchain_codeexec.inputs.text_tables import TextTable, tables_in_text

__all__ = [
    "Column",
    "DataFile",
    "DataLimits",
    "TextTable",
    "data_files",
    "data_message",
    "files_in",
    "listing",
    "tables_in_text",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "blocks": ["files_in"],
        "data_file": ["Column", "DataFile"],
        "files": ["data_files"],
        "limits": ["DataLimits"],
        "messages": ["data_message", "listing"],
        "text_tables": ["TextTable", "tables_in_text"],
    },
)
