"""What model-written code draws and writes: read out of messages, saved in sinks, kept out of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec.lazy import lazy_exports

if TYPE_CHECKING:
    from langchain_codeexec.outputs.filesystem import FileSystemSink
    from langchain_codeexec.outputs.folder import FolderSink
    from langchain_codeexec.outputs.reading import outputs_of
    from langchain_codeexec.outputs.recording import asave_outputs, save_outputs, saved_outputs
    from langchain_codeexec.outputs.replaying import ReplayImages, without_images
    from langchain_codeexec.outputs.sinks import SavedFile, Sink

__all__ = [
    "FileSystemSink",
    "FolderSink",
    "ReplayImages",
    "SavedFile",
    "Sink",
    "asave_outputs",
    "outputs_of",
    "save_outputs",
    "saved_outputs",
    "without_images",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "filesystem": ["FileSystemSink"],
        "folder": ["FolderSink"],
        "reading": ["outputs_of"],
        "recording": ["asave_outputs", "save_outputs", "saved_outputs"],
        "replaying": ["ReplayImages", "without_images"],
        "sinks": ["SavedFile", "Sink"],
    },
)
