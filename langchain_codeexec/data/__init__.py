"""The user's data on its way to code as the files of a request, and what code draws and writes on its way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec._lazy import lazy_exports

if TYPE_CHECKING:
    from langchain_codeexec.data.data_file import Column, DataFile, listing
    from langchain_codeexec.data.files import data_files, data_message
    from langchain_codeexec.data.limits import DataLimits
    from langchain_codeexec.data.outputs import asave_outputs, outputs_of, save_outputs, saved_outputs
    from langchain_codeexec.data.replay_images import ReplayImages, without_images
    from langchain_codeexec.data.request_files import files_in
    from langchain_codeexec.data.sinks import FileSystemSink, FolderSink, SavedFile, Sink
    from langchain_codeexec.data.text_tables import TextTable, tables_in_text

__all__ = [
    "Column",
    "DataFile",
    "DataLimits",
    "FileSystemSink",
    "FolderSink",
    "ReplayImages",
    "SavedFile",
    "Sink",
    "TextTable",
    "asave_outputs",
    "data_files",
    "data_message",
    "files_in",
    "listing",
    "outputs_of",
    "save_outputs",
    "saved_outputs",
    "tables_in_text",
    "without_images",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "request_files": ["files_in"],
        "data_file": ["Column", "DataFile", "listing"],
        "files": ["data_files", "data_message"],
        "limits": ["DataLimits"],
        "outputs": ["asave_outputs", "outputs_of", "save_outputs", "saved_outputs"],
        "replay_images": ["ReplayImages", "without_images"],
        "sinks": ["FileSystemSink", "FolderSink", "SavedFile", "Sink"],
        "text_tables": ["TextTable", "tables_in_text"],
    },
)
