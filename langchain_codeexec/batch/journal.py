"""The output of a batch, which is the journal of what is done: a line for each row, whole or not at all."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from enum import Enum, auto
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

from langchain_codeexec.batch.rows import BadRow, Json, Row, digest_of
from langchain_codeexec.data.json_lines import json_line, unfinished_line
from langchain_codeexec.errors import BatchError, ConfigurationError

try:
    import fcntl
except ImportError:  # of POSIX only; elsewhere two batches at once are not noticed
    fcntl = None  # type: ignore[assignment]

__all__ = ["Claim", "Journal", "read_journal"]

_BEGINNING: Final = b'{"id": '
_BAD_BEGINNING: Final = b'{"row": '


class Claim(Enum):
    """What is known of a row."""

    NEW = auto()
    DONE = auto()  # it is in the output
    REPEATED = auto()  # another row of the input has its id


class Journal:
    """Lines of JSON in a file that is read once when it is opened, and then appended to.

    Which rows are done is kept in a temporary database that moves to the disk as it grows, not in memory.

    Args:
        path: The file; made where there is none.
        bad_path: Where rows that cannot be asked are set aside; made with the first of them.
        retry_failed: Drop the rows whose `error` is set, so that they are new again.
        check: Called before anything is changed, when no other process can open the file any more.

    Attributes:
        done: Rows it held when it was opened.
        failed: How many of these have an error.

    Raises:
        ConfigurationError: The file cannot be written, is another's, or another batch is writing it.
    """

    def __init__(
        self,
        path: Path,
        bad_path: Path,
        *,
        retry_failed: bool = False,
        check: Callable[[], object] = lambda: None,
    ) -> None:
        self.path, self.bad_path = path, bad_path
        self.done = self.failed = 0
        self._bad: BinaryIO | None = None
        self._file = _opened(path)
        self._rows = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._rows.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
            "CREATE TABLE rows (key BLOB PRIMARY KEY, digest BLOB, seen INTEGER) WITHOUT ROWID; BEGIN"
        )
        try:
            check()
            _drop_bad_rows(bad_path)
            self._cut_torn_line()
            if retry_failed:
                self._drop_failed()
            self._scan()
        except BaseException:
            self.close()
            raise

    def claim(self, row: Row) -> Claim:
        """Say what is known of a row of the input; from now on it is seen.

        Raises:
            ConfigurationError: The output has another question under its id.
        """
        known = self._rows.execute("SELECT digest, seen FROM rows WHERE key = ?", [row.key]).fetchone()
        if known is None:
            self._rows.execute("INSERT INTO rows VALUES (?, ?, 1)", [row.key, row.digest])
            return Claim.NEW
        digest, seen = known
        if seen:
            return Claim.REPEATED
        if digest != row.digest:
            raise ConfigurationError(
                f"{self.path} has another question for row {row.id!r}: it was written from another input. Choose "
                "another output, or delete that row from it."
            )
        self._rows.execute("UPDATE rows SET seen = 1 WHERE key = ?", [row.key])
        return Claim.DONE

    def unseen(self) -> int:
        """How many of the rows it held when it was opened no row of the input has claimed."""
        [number] = self._rows.execute("SELECT count(*) FROM rows WHERE NOT seen").fetchone()
        return int(number)

    def write(self, answer: Json) -> None:
        """Append a row.

        Raises:
            BatchError: It cannot be written; what was written before stays.
        """
        _append(self._file, self.path, json_line(answer))

    def set_aside(self, bad: BadRow) -> None:
        """Write a row that cannot be asked, with the reason.

        Raises:
            BatchError: It cannot be written.
        """
        try:
            self._bad = self._bad or self.bad_path.open("xb", buffering=0)
        except OSError as error:
            raise _unwritable(self.bad_path, error) from error
        line = {"row": bad.number, "reason": bad.reason, "input": bad.input}
        _append(self._bad, self.bad_path, json_line(line))

    def sync(self) -> None:
        """Have what was written on the disk itself.

        Raises:
            BatchError: It cannot be written.
        """
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def close(self) -> None:
        """Close the files; what they hold stays."""
        for file in filter(None, (self._file, self._bad)):
            file.close()
        self._rows.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _cut_torn_line(self) -> None:
        """End the file with a whole line: a process that was killed may have left a part of one."""
        start, line = unfinished_line(self._file)
        if not line:
            return
        if _answer(line) is not None:
            _append(self._file, self.path, b"\n")
        elif line.startswith(_BEGINNING[: len(line)]):
            self._file.truncate(start)
        else:
            raise _foreign(self.path, "last line")

    def _drop_failed(self) -> None:
        """Write the file anew without its failed rows; it is replaced only once that is done."""
        path = self.path.resolve()  # a link stays one
        part = path.with_name(f".{path.name}.part")
        try:
            part.unlink(missing_ok=True)
            kept = _opened(part)
            try:
                for answer in read_journal(self.path):
                    if answer.get("error") is None:
                        _append(kept, part, json_line(answer))
                os.fsync(kept.fileno())
                part.replace(path)
            except BaseException:
                kept.close()
                part.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise _unwritable(self.path, error) from error
        self._file.close()
        self._file = kept

    def _scan(self) -> None:
        for number, answer in enumerate(read_journal(self.path), 1):
            key = str(answer["id"]).encode("utf-8", "surrogatepass")
            try:
                self._rows.execute("INSERT INTO rows VALUES (?, ?, 0)", [key, digest_of(answer)])
            except sqlite3.IntegrityError:
                raise ConfigurationError(
                    f"{self.path} has row {answer['id']!r} twice, again in line {number}. Delete one of them."
                ) from None
            self.done += 1
            self.failed += answer["error"] is not None


def read_journal(path: Path) -> Iterator[Json]:
    """The rows of a journal, one by one.

    Raises:
        ConfigurationError: A line of it is no answer of a batch.
    """
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            answer = _answer(line)
            if answer is None:
                raise _foreign(path, f"line {number}")
            yield answer


def _answer(line: bytes) -> Json | None:
    """The row in a line; `None` if it holds none that a batch wrote."""
    try:
        row: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) and {"id", "error"} <= row.keys() else None


def _opened(path: Path) -> Any:
    """A file to read and append to, for this process alone.

    Raises:
        ConfigurationError: It cannot be.
    """
    try:
        if path.exists() and not path.is_file():
            raise OSError("it is no regular file")  # noqa: TRY301 -- one message for every reason
        file = path.open("a+b", buffering=0)
    except OSError as error:
        raise ConfigurationError(
            f"{str(path)!r} cannot be written: {error.strerror or error}. Choose another file."
        ) from error
    if fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise ConfigurationError(
                f"another batch is writing {str(path)!r}. Wait for it, or choose another file."
            ) from None
    return file


def _append(file: Any, path: Path, line: bytes) -> None:
    end = file.seek(0, os.SEEK_END)
    try:
        left = memoryview(line)
        while left:
            left = left[file.write(left) :]
    except OSError as error:
        file.truncate(end)
        raise _unwritable(path, error) from error


def _drop_bad_rows(path: Path) -> None:
    """Remove what an earlier run set aside: this one meets the same rows.

    Raises:
        ConfigurationError: There is a file that no batch wrote.
    """
    try:
        with path.open("rb") as file:
            beginning = file.read(len(_BAD_BEGINNING))
        if beginning != _BAD_BEGINNING[: len(beginning)]:
            raise ConfigurationError(
                f"{path} is where rows that cannot be asked are set aside, and is another file. Choose another "
                "output."
            )
        path.unlink()
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be replaced: {error.strerror or error}") from error


def _foreign(path: Path, line: str) -> ConfigurationError:
    return ConfigurationError(
        f"{path} is there already, and its {line} is no answer of a batch. Choose another output."
    )


def _unwritable(path: Path, error: OSError) -> BatchError:
    return BatchError(
        f"{path} cannot be written: {error.strerror or error}. What was written before is whole.",
        remedy="make room and begin the same batch again; it goes on where it stopped",
    )
