"""The rows of a batch: read one by one from JSON Lines, CSV, Parquet or an iterable, and checked as they come."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from importlib import import_module
from math import isnan
from pathlib import Path
from typing import Any, Final, TypeAlias

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage, convert_to_messages

from langchain_codeexec.data.delimited import delimiter_of
from langchain_codeexec.data.files import data_message
from langchain_codeexec.data.json_lines import plain
from langchain_codeexec.errors import ConfigurationError, DataError, MissingDependencyError

__all__ = ["BadRow", "Row", "Source", "read_rows"]

Json: TypeAlias = dict[str, Any]

Source: TypeAlias = str | Path | Iterable[Mapping[str, Any]]
"""A file, or rows."""

_ASKING: Final = ("question", "messages", "files", "system")
_HEAD: Final = 65_536  # bytes looked at to tell the delimiter
_AT_A_TIME: Final = 64  # rows of Parquet
_SHOWN: Final = 2_000  # characters of a bad row


@dataclass(frozen=True, slots=True)
class Row:
    """A row that can be asked.

    Attributes:
        number: Its place among the rows, from 1 on.
        id: Its id; its number where it has none.
        fields: Its fields as they came, without `id`.
        messages: What is asked, before the files join it.
        files: The files that go along.
    """

    number: int
    id: str | int
    fields: Json
    messages: list[BaseMessage]
    files: tuple[Path, ...] = ()

    @property
    def key(self) -> bytes:
        """The id as it is compared: `7` and `"7"` are one."""
        return str(self.id).encode("utf-8", "surrogatepass")

    @property
    def digest(self) -> bytes:
        """A digest of what is asked."""
        return digest_of(self.fields)

    def request(self) -> list[BaseMessage]:
        """The messages to send; files are read here.

        Raises:
            DataError: A file is unreadable, of no known type or too large.
            MissingDependencyError: The library that reads its format is not installed.
        """
        if not self.files:
            return self.messages
        *history, question = self.messages
        return [*history, data_message(str(question.content), *self.files, history=history)]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be asked."""

    number: int
    reason: str  # why, and what to do
    input: Any  # the row, or the beginning of its text


def digest_of(fields: Mapping[str, Any]) -> bytes:
    """A digest of what a row asks; other fields may change between runs."""
    question = [fields.get(name) or None for name in _ASKING]
    return blake2b(json.dumps(question, sort_keys=True, default=plain).encode(), digest_size=16).digest()


# -- reading -------------------------------------------------------------------------------------------


def read_rows(source: Source) -> Iterator[Row | BadRow]:
    """Read rows one by one.

    Args:
        source: A file (`.csv`, `.parquet`, JSON Lines under any other suffix), or mappings.

    Yields:
        Each row in its order; paths in its `files` are relative to the folder of the file.

    Raises:
        ConfigurationError: The file cannot be read, or has no column with questions.
        MissingDependencyError: pyarrow is not installed, and the file is Parquet.
    """
    folder = Path(source).parent if isinstance(source, str | Path) else Path()
    for number, fields in enumerate(_raw_rows(source), 1):
        try:
            yield _row(number, fields, folder)
        except DataError as error:
            yield BadRow(number, str(error), fields.text if isinstance(fields, _Unreadable) else fields)


def _raw_rows(source: Source) -> Iterator[Any]:
    if not isinstance(source, str | Path):
        yield from source
        return
    path = Path(source)
    read: Callable[[Path], Iterator[Any]] = _READERS.get(path.suffix.lower(), _json_lines)
    try:
        yield from read(path)
    except (OSError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"{path} cannot be read: {reason}") from error


@dataclass(frozen=True, slots=True)
class _Unreadable:
    """What is no row."""

    reason: str
    text: str


def _json_lines(path: Path) -> Iterator[Mapping[str, Any] | _Unreadable]:
    with path.open("rb") as lines:
        for place, line in enumerate(lines):
            text = line.removeprefix(b"\xef\xbb\xbf") if place == 0 else line
            if not text.strip():
                continue
            try:
                row = json.loads(text)
            except (ValueError, RecursionError) as error:
                reason = f"the line is no JSON in UTF-8: {error}. Mend it."
            else:
                if isinstance(row, dict):
                    yield row
                    continue
                reason = 'the line is no JSON object; write {"question": "…"}.'
            yield _Unreadable(reason, text[:_SHOWN].decode("utf-8", "replace").rstrip("\r\n"))


def _csv(path: Path) -> Iterator[Mapping[str, Any] | _Unreadable]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
        head = text.read(_HEAD) if text.seekable() else ""
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
        records = filter(None, csv.reader(text, delimiter=delimiter_of(head) or ","))
        names = next(records, [])
        _check_columns(path, names)
        for cells in records:
            row = dict(zip(names, cells, strict=False))
            if len(cells) > len(names):
                excess = (
                    f"it has {len(cells)} cells under {len(names)} names. Put text with commas in quotes."
                )
                yield _Unreadable(excess, ",".join(cells)[:_SHOWN])
            elif any("\udc80" <= sign <= "\udcff" for cell in cells for sign in cell):
                shown = ",".join(cells)[:_SHOWN].encode("utf-8", "surrogateescape").decode("utf-8", "replace")
                yield _Unreadable("it is no UTF-8. Save the file as UTF-8.", shown)
            else:
                yield row


def _parquet(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        parquet = import_module("pyarrow.parquet")
    except ImportError as error:
        raise MissingDependencyError("pyarrow", "files") from error
    arrow = import_module("pyarrow")
    try:
        with parquet.ParquetFile(path) as file:
            _check_columns(path, file.schema_arrow.names)
            for batch in file.iter_batches(batch_size=_AT_A_TIME):
                yield from (
                    dict(zip(row, map(_known, row.values()), strict=True)) for row in batch.to_pylist()
                )
    except arrow.ArrowException as error:
        raise ConfigurationError(f"{path} cannot be read as Parquet: {error}") from error


def _known(value: Any) -> Any:
    """A value; `None` for pandas' sign for a missing one, which JSON has not."""
    return None if isinstance(value, float) and isnan(value) else value


_READERS: Final[Mapping[str, Callable[[Path], Iterator[Any]]]] = {".csv": _csv, ".parquet": _parquet}


def _check_columns(path: Path, names: list[str]) -> None:
    if not {"question", "messages"} & {*names}:
        raise ConfigurationError(
            f"{path} has no column `question` or `messages`, but {', '.join(names) or 'nothing'}. "
            "Name the column with the questions so."
        )
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigurationError(f"{path} has several columns {', '.join(repeated)}. Give each its own name.")


# -- checking ------------------------------------------------------------------------------------------


def _row(number: int, raw: Any, folder: Path) -> Row:
    """The row.

    Raises:
        DataError: It cannot be asked.
    """
    if isinstance(raw, _Unreadable):
        raise DataError(raw.reason)
    if not isinstance(raw, Mapping):
        raise DataError("it is no mapping of fields")
    fields = {str(name): value for name, value in raw.items() if name != "id"}
    row_id = raw.get("id")
    if row_id in (None, ""):
        row_id = number
    if not isinstance(row_id, str | int) or isinstance(row_id, bool):
        raise DataError(f"its id {row_id!r:.100} is neither text nor a whole number")
    files = _files(fields.get("files"), folder)
    messages = _messages(fields)
    if files and not (isinstance(messages[-1], HumanMessage) and isinstance(messages[-1].content, str)):
        raise DataError("`files` go with a question, or with messages that end with a text of the user's")
    if system := fields.get("system"):
        if not isinstance(system, str):
            raise DataError("its `system` is no text")
        messages = [SystemMessage(system), *messages]
    return Row(number, row_id, fields, messages, files)


def _messages(fields: Json) -> list[BaseMessage]:
    question, messages = fields.get("question") or None, _parsed(fields, "messages")
    if (question is None) is (messages is None):
        raise DataError("it needs either a `question` or `messages`" + (", not both" if question else ""))
    if messages is None:
        if not isinstance(question, str) or not question.strip():
            raise DataError("its `question` is no text")
        return [HumanMessage(question)]
    if not isinstance(messages, list):
        raise DataError('its `messages` are no list; write [{"role": "user", "content": "…"}]')
    try:
        return convert_to_messages(messages)
    except Exception as error:  # of many classes, NotImplementedError and KeyError among them
        raise DataError(f"its `messages` cannot be read: {error}") from error


def _files(value: Any, folder: Path) -> tuple[Path, ...]:
    names = _parsed({"files": value}, "files") or []
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DataError("its `files` are no list of paths")
    return tuple(folder / name for name in names)


def _parsed(fields: Json, name: str) -> Any:
    """A field that is a list, or a cell of text that holds one in JSON."""
    value = fields.get(name) or None
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError) as error:
            raise DataError(f"its `{name}` are no JSON: {error}") from error
    return value
