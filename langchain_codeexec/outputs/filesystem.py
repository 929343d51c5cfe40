"""Any file system that fsspec knows as a sink: object stores, SFTP, memory and so on."""

from __future__ import annotations

import asyncio
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final

from langchain_codeexec.errors import ConfigurationError, MissingDependencyError, SinkError
from langchain_codeexec.outputs.folder import FolderSink
from langchain_codeexec.outputs.names import names_for
from langchain_codeexec.outputs.sinks import SavedFile, facts_of

if TYPE_CHECKING:
    from langchain_codeexec.executions import InlineFile

__all__ = ["FileSystemSink"]

_LOCAL: Final = frozenset({"file", "local"})
_WHOLE: Final = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "oss", "oci", "memory"})
"""File systems that show an object when all of it has arrived; elsewhere a file is written aside and renamed."""


class FileSystemSink:
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

    def __repr__(self) -> str:
        return f"FileSystemSink({self._url(self._root)!r})"

    def save(self, file: InlineFile) -> SavedFile:
        """Write a file, unless it is there already.

        Raises:
            SinkError: The file system refused, or could not be reached.
        """
        if self._folder is not None:
            return self._folder.save(file)
        try:
            for name in names_for(file):
                path = f"{self._root.rstrip('/')}/{name}"
                if not self._files.exists(path):
                    self._write(path, file.data)
                elif self._files.cat_file(path) != file.data:
                    continue
                return SavedFile(name, self._url(path), **facts_of(file))
        except Exception as error:  # each file system has exceptions of its own
            raise SinkError(
                f"a file could not be saved at {self._url(self._root)}: {str(error) or type(error).__name__}. See "
                "that it can be reached and written; the message still holds it."
            ) from error
        raise SinkError(
            f"every name for the file is taken by other contents at {self._url(self._root)}; somebody changed "
            "what was saved there. Name another place; the message still holds it."
        )

    async def asave(self, file: InlineFile) -> SavedFile:
        """Write a file without blocking the event loop; see `save`."""
        return await asyncio.to_thread(self.save, file)

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
