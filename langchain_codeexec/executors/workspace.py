"""The folder a program runs in: what is put there before, and what is found there afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from langchain_codeexec.errors import ExecutorError
from langchain_codeexec.executors.carrying import (
    files_from_left,
    images_from_left,
    named_files,
    text_from_bytes,
)
from langchain_codeexec.executors.inside.folder import collect, digest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from langchain_codeexec.executions import InlineFile

__all__ = ["Workspace"]


class Workspace:
    """A new folder for one run, or for the runs of one session; gone when closed.

    Args:
        file_bytes: The most that the files brought back from one run hold together, and the images too.

    Raises:
        ExecutorError: There is no room for it.

    Attributes:
        work: The working directory.
        exchange: Where the source goes in, and drawings and the last expression's value come out.
        home: Home and temporary folder of the program.
    """

    def __init__(self, file_bytes: int) -> None:
        from langchain_codeexec.executors.inside.owned import OwnedFolder  # noqa: PLC0415 -- not on Windows

        try:
            self._folder = OwnedFolder()
        except OSError as error:
            raise ExecutorError(f"cannot make a folder for programs: {error}") from error
        self._file_bytes = file_bytes
        self._known: dict[str, bytes] = {}
        root = Path(self._folder.path)
        self.work, self.exchange, self.home = root / "work", root / "exchange", root / "home"

    def close(self) -> None:
        """Remove the folder and all that is in it."""
        self._folder.close()

    def place(self, code: str, files: Iterable[InlineFile]) -> None:
        """Lay out a program and its files.

        Raises:
            ExecutionRequestError: A file's name is not a plain file name, or two files have the same.
            ExecutorError: The files cannot be written.
        """
        named = named_files(files)
        images = self.exchange / "images"
        try:
            for folder in (self.work, self.home, images):
                folder.mkdir(parents=True, exist_ok=True)
            for image in images.iterdir():
                image.unlink()
            (self.exchange / "value").unlink(missing_ok=True)
            (self.exchange / "source").write_bytes(code.encode("utf-8", "surrogatepass"))
            for name, data in named:
                (self.work / name).unlink(missing_ok=True)  # it may be a link by now
                (self.work / name).write_bytes(data)
        except OSError as error:
            raise ExecutorError(f"cannot lay out the program's files: {error}") from error
        self._known |= {name: digest(data) for name, data in named}

    def images(self) -> tuple[tuple[InlineFile, ...], bool]:
        """What the program drew, in order, and whether there was more than is brought back."""
        found, more = collect(str(self.exchange / "images"), {}, self._file_bytes)
        return images_from_left(found), more

    def files(self) -> tuple[tuple[InlineFile, ...], bool]:
        """The files that are new or changed, and whether there were more than are brought back."""
        found, more = collect(str(self.work), self._known, self._file_bytes)
        return files_from_left(found), more

    def value(self) -> str | None:
        """What a notebook would show of the last expression, if the program ended with one."""
        found, _ = collect(str(self.exchange), {}, self._file_bytes)
        return next((text_from_bytes(data) for name, data in found if name == "value"), None)
