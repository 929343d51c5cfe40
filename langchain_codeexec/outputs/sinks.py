"""Where files are saved: the protocol, and what is known of a file that was."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable
from urllib.request import url2pathname

if TYPE_CHECKING:
    from langchain_codeexec.executions import InlineFile

__all__ = ["SavedFile", "Sink", "facts_of", "place_of"]


@dataclass(frozen=True, slots=True)
class SavedFile:
    """A file in a sink.

    Attributes:
        name: Its name there.
        url: Where it is, `file:///...` for a file on this machine.
        mime_type: Its MIME type.
        size: Bytes.
        sha256: Of its bytes, in hex.
    """

    name: str
    url: str
    mime_type: str
    size: int
    sha256: str

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON."""
        return asdict(self)


@runtime_checkable
class Sink(Protocol):
    """A place that keeps files.

    Whatever its names are made of, the same file saved twice is one file, and no file takes the name of
    another one.
    """

    def save(self, file: InlineFile) -> SavedFile:
        """Keep a file.

        Raises:
            SinkError: It could not be saved.
        """
        ...

    async def asave(self, file: InlineFile) -> SavedFile:
        """Keep a file without blocking the event loop."""
        ...


def facts_of(file: InlineFile) -> dict[str, Any]:
    """What is known of a file before it is saved, under the names that `SavedFile` has for it."""
    return {
        "mime_type": file.mime_type,
        "size": len(file.data),
        "sha256": sha256(file.data).hexdigest(),
    }


def place_of(url: str) -> str:
    """A URL as a person wants it: the path of a file on this machine, any other as it is."""
    return url2pathname(url.removeprefix("file://")) if url.startswith("file:///") else url
