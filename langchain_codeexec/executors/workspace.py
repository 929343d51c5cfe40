"""The folder a program runs in: what is put there before, and what is found there afterwards."""

from __future__ import annotations

import hashlib
import mimetypes
import os
import stat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from langchain_codeexec.errors import ExecutionRequestError, ExecutorError
from langchain_codeexec.executions import InlineFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["Workspace"]

_MAX_FILES = 100  # brought back from one run, and as many images
_LONGEST_NAME = 255  # bytes, on every common file system


class Workspace:
    """A new folder for one run, or for the runs of one session; gone when closed.

    Args:
        file_bytes: The most that the files brought back from one run hold together, and the images too.

    Attributes:
        work: The working directory.
        exchange: Where the source goes in and drawings come out.
        home: Home and temporary folder of the program.
    """

    def __init__(self, file_bytes: int) -> None:
        self._folder = TemporaryDirectory(prefix="codeexec-", ignore_cleanup_errors=True)
        self._file_bytes = file_bytes
        self._known: dict[str, bytes] = {}
        root = Path(self._folder.name)
        self.work, self.exchange, self.home = root / "work", root / "exchange", root / "home"

    def close(self) -> None:
        """Remove the folder and all that is in it."""
        self._folder.cleanup()

    def place(self, code: str, files: Iterable[InlineFile]) -> None:
        """Lay out a program and its files.

        A file without a name is called `input_file_0.csv` and so on, as in Gemini's own environment.

        Raises:
            ExecutionRequestError: A file's name is not a plain file name, or two files have the same.
            ExecutorError: The files cannot be written.
        """
        named = [(_plain_name(file, index), file.data) for index, file in enumerate(files)]
        if len(dict(named)) < len(named):
            raise ExecutionRequestError(f"two files have the same name: {sorted(name for name, _ in named)}")
        images = self.exchange / "images"
        try:
            for folder in (self.work, self.home, images):
                folder.mkdir(parents=True, exist_ok=True)
            for image in images.iterdir():
                image.unlink()
            (self.exchange / "source").write_bytes(code.encode("utf-8", "surrogatepass"))
            for name, data in named:
                (self.work / name).unlink(missing_ok=True)  # it may be a link by now
                (self.work / name).write_bytes(data)
        except OSError as error:
            raise ExecutorError(f"cannot lay out the program's files: {error}") from error
        self._known |= {name: _digest(data) for name, data in named}

    def images(self) -> tuple[tuple[InlineFile, ...], bool]:
        """What the program drew, in order, and whether there was more than is brought back."""
        found, more = self._collect(self.exchange / "images", {})
        drawn = (image.data for image in found if image.mime_type == "image/png")
        return tuple(InlineFile(data, "image/png", f"image_{n}.png") for n, data in enumerate(drawn)), more

    def files(self) -> tuple[tuple[InlineFile, ...], bool]:
        """The files that are new or changed, and whether there were more than are brought back."""
        return self._collect(self.work, self._known)

    def _collect(self, folder: Path, known: dict[str, bytes]) -> tuple[tuple[InlineFile, ...], bool]:
        kept: list[InlineFile] = []
        room, more = self._file_bytes, False
        for name, size, read in _regular_files(folder):
            if len(kept) == _MAX_FILES or size > room:
                more = more or name not in known or known[name] != _digest(read())
                continue
            data = read()
            digest = _digest(data)
            if known.get(name) == digest:
                continue
            known[name] = digest
            room -= len(data)
            kept.append(InlineFile(data, mimetypes.guess_type(name)[0] or "application/octet-stream", name))
        return tuple(kept), more


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def _plain_name(file: InlineFile, index: int) -> str:
    """The name to store a file under."""
    if not file.name:
        return f"input_file_{index}{mimetypes.guess_extension(file.mime_type) or ''}"
    encoded = file.name.encode("utf-8", "surrogatepass")
    plain = (
        file.name not in {".", ".."}
        and len(encoded) <= _LONGEST_NAME
        and not any(forbidden in file.name for forbidden in "/\\\0")
        and encoded == file.name.encode("utf-8", "ignore")
    )
    if not plain:
        raise ExecutionRequestError(
            f"{file.name!r} cannot name a program's file: give a name without a folder"
        )
    return file.name


def _regular_files(folder: Path) -> Iterator[tuple[str, int, Callable[[], bytes]]]:
    """Name, size and content of the regular files of a folder, by name; links and the like are left out."""
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208 -- names are wanted, not paths
    except OSError:  # the program has removed or locked it
        return
    for name in names:
        try:
            fd = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:  # a link, a socket, gone, or locked
            continue
        try:
            status = os.fstat(fd)
            if stat.S_ISREG(status.st_mode):
                with os.fdopen(fd, "rb", closefd=False) as file:
                    yield name, status.st_size, file.read
        finally:
            os.close(fd)
