"""Where files are saved: the protocol, names made of contents, a folder, and what fsspec knows."""

from __future__ import annotations

import asyncio
import mimetypes
import os
import re
import stat
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Any, Final, Protocol, runtime_checkable
from urllib.request import url2pathname

from langchain_codeexec.errors import ConfigurationError, MissingDependencyError, SinkError
from langchain_codeexec.executions import InlineFile

__all__ = ["FileSystemSink", "FolderSink", "SavedFile", "Sink", "facts_of", "names_for", "place_of"]


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


_DIGITS: Final = (12, 24, 64)
"""Hex digits of the hash in a name. More are taken where other bytes have the shorter name already."""

_STEM_BYTES: Final = 120
"""With hash and suffix a name stays below the 255 bytes that file systems allow."""

_NAME_SUFFIX: Final = re.compile(r"\.[A-Za-z0-9]{1,10}\Z")
_SEPARATORS: Final = re.compile(r"[/\\]")
_UNNAMED: Final = re.compile(r"_{2,}")
_ANY_TYPE: Final = frozenset({"", "application/octet-stream"})
_FAMILIES: Final = frozenset({"image", "audio", "video"})
_SUFFIXES: Final = {
    "application/vnd.apache.parquet": ".parquet",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "audio/mpeg": ".mp3",
    "audio/wav": ".wav",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "text/markdown": ".md",
    "text/plain": ".txt",
    "text/xml": ".xml",
    "video/mp4": ".mp4",
}
"""Where Python's own table has none, several, or others in other releases."""

_TYPES: Final = mimetypes.MimeTypes()
"""Python's own table: what a system adds to it would make names differ from machine to machine."""


def names_for(file: InlineFile) -> Iterator[str]:
    """Names for a file, the shortest first.

    `{stem}-{hash}{suffix}`: the stem is that of the file's name without all that could leave a folder, steer a
    terminal or mean something to a file system; where it has no name, its family (`image`, `file`). The suffix
    is that of its MIME type; the one of its name stays if it fits, or if the type tells none.
    """
    digest = sha256(file.data).hexdigest()
    mime_type = file.mime_type.partition(";")[0].strip().lower()
    name = _SEPARATORS.split(file.name)[-1]
    suffix = _suffix(mime_type, name)
    family = mime_type.partition("/")[0]
    stem = _stem(name) or (family if family in _FAMILIES else "file")
    for digits in _DIGITS:
        yield f"{stem}-{digest[:digits]}{suffix}"


def _stem(name: str) -> str:
    """Letters, digits and hyphens of a name without its suffix; one underscore for any run of other signs."""
    stem = unicodedata.normalize("NFC", _NAME_SUFFIX.sub("", name))
    kept = "".join(char if char == "-" or unicodedata.category(char)[0] in "LMN" else "_" for char in stem)
    cut = _UNNAMED.sub("_", kept).encode()[:_STEM_BYTES].decode(errors="ignore")
    return cut.strip("_-")


def _suffix(mime_type: str, name: str) -> str:
    match = _NAME_SUFFIX.search(name)
    named = match[0].lower() if match else ""
    known = _SUFFIXES.get(mime_type) or _TYPES.guess_extension(mime_type, strict=False)
    if named and (
        not known or mime_type in _ANY_TYPE or _TYPES.guess_type(f"x{named}", False)[0] == mime_type
    ):
        return named
    return known or ".bin"


class _NamedSink(ABC):
    """A sink whose files have names of `names_for`, the next one where other contents have the name already."""

    def save(self, file: InlineFile) -> SavedFile:
        """Write a file, unless it is there already.

        Raises:
            SinkError: It could not be written.
        """
        try:
            for name in names_for(file):
                if url := self._keep(name, file.data):
                    return SavedFile(name, url, **facts_of(file))
        except Exception as error:  # each file system has exceptions of its own
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise SinkError(
                f"a file could not be saved in {self._place}: {reason}. See that it can be reached and written, "
                "or name another place; the message still holds it."
            ) from error
        raise SinkError(
            f"every name for the file is taken by other contents in {self._place}; somebody changed what was "
            "saved there. Name another place; the message still holds it."
        )

    async def asave(self, file: InlineFile) -> SavedFile:
        """Write a file without blocking the event loop; see `save`."""
        return await asyncio.to_thread(self.save, file)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._place!r})"

    @property
    @abstractmethod
    def _place(self) -> str:
        """Where it saves."""

    @abstractmethod
    def _keep(self, name: str, data: bytes) -> str | None:
        """The URL of the file of that name and contents, written if there is none; `None` for other contents."""


class FolderSink(_NamedSink):
    """Saves files in a folder, which is made when the first one comes.

    A file appears under its name whole or not at all, however the process ends. Nothing that lies in the folder
    is overwritten, and no link in it is followed. Any number of threads and processes may save at once.

    Args:
        path: The folder. A relative one is taken from the directory that is current now.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).expanduser().absolute()

    @property
    def _place(self) -> str:
        return str(self.path)

    def _keep(self, name: str, data: bytes) -> str | None:
        self.path.mkdir(parents=True, exist_ok=True)
        path = self.path / name
        # The second look: somebody else has just written it.
        is_there = _holds(path, data) or _create(path, data) or _holds(path, data)
        return path.as_uri() if is_there else None


def _holds(path: Path, data: bytes) -> bool:
    """Whether a regular file of these bytes is there; no link is followed to find out."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(status.st_mode) or status.st_size != len(data):
        return False
    with suppress(OSError):  # gone, made unreadable or swapped for a link: in any case not ours to rely on
        no_link = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(path, os.O_RDONLY | no_link), "rb") as opened:
            return opened.read() == data
    return False


def _create(path: Path, data: bytes) -> bool:
    """Write a file where there is none; whether that came to pass."""
    temporary = path.with_name(f".{token_hex(8)}.part")
    try:
        with temporary.open("xb") as opened:
            opened.write(data)
            opened.flush()
            os.fsync(opened.fileno())
        return _publish(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _publish(temporary: Path, path: Path) -> bool:
    """Give a complete file its name, unless that is taken.

    A link is the one way that refuses a taken name on every POSIX system; renaming does on Windows.
    """
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        if os.path.lexists(path):
            return False
        temporary.rename(path)
    return True


_LOCAL: Final = frozenset({"file", "local"})
_WHOLE: Final = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "oss", "oci", "memory"})
"""File systems that show an object when all of it has arrived; elsewhere a file is written aside and renamed."""


class FileSystemSink(_NamedSink):
    """Saves files below a URL of any file system that fsspec knows.

    Nothing that lies there is overwritten with other bytes, and no half file is left under a name.

    Args:
        url: Where to save, such as `s3://bucket/prefix`. `file://` is a `FolderSink`.
        **storage_options: Credentials and settings for the file system; they are not shown anywhere.

    Raises:
        ConfigurationError: fsspec does not know the URL, or has not what it needs for it.
        MissingDependencyError: fsspec is not installed.

    Examples:
        >>> FileSystemSink("s3://reports/plots", anon=False)  # doctest: +SKIP
    """

    def __init__(self, url: str, **storage_options: Any) -> None:
        try:
            from fsspec.core import url_to_fs  # type: ignore[import-untyped]  # no types  # noqa: PLC0415 -- optional
        except ModuleNotFoundError as error:
            raise MissingDependencyError("fsspec", "files") from error
        try:
            self._files, self._root = url_to_fs(url, **storage_options)
        except Exception as error:  # each file system has exceptions of its own
            scheme = url.partition("://")[0]
            raise ConfigurationError(f"nothing can be saved at a {scheme!r} URL: {error}") from error
        protocol = self._files.protocol
        protocols = {protocol} if isinstance(protocol, str) else set(protocol)
        self._folder = FolderSink(self._root) if protocols & _LOCAL else None
        self._whole = bool(protocols & _WHOLE)

    @property
    def _place(self) -> str:
        return self._url(self._root)

    def _keep(self, name: str, data: bytes) -> str | None:
        if self._folder is not None:
            return self._folder._keep(name, data)  # noqa: SLF001 -- a sink of the same family
        path = f"{self._root.rstrip('/')}/{name}"
        if not self._files.exists(path):
            self._write(path, data)
        elif self._files.cat_file(path) != data:
            return None
        return self._url(path)

    def _write(self, path: str, data: bytes) -> None:
        if self._whole:
            self._files.pipe_file(path, data)
            return
        self._files.makedirs(self._root, exist_ok=True)
        temporary = f"{self._root.rstrip('/')}/.{token_hex(8)}.part"
        try:
            self._files.pipe_file(temporary, data)
            self._files.mv(temporary, path)
        except BaseException:
            if self._files.exists(temporary):
                self._files.rm_file(temporary)
            raise

    def _url(self, path: str) -> str:
        return str(self._files.unstrip_protocol(path))
