"""The files that a program finds: those of the agent's state, and those the user put into the conversation."""

from __future__ import annotations

import mimetypes
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from langchain_core.messages import BaseMessage

from langchain_codeexec.data.request_files import files_in
from langchain_codeexec.errors import ExecutionRequestError
from langchain_codeexec.executions import InlineFile
from langchain_codeexec.executors.files import named_files

__all__ = ["files_in_state", "messages_in_state"]


def messages_in_state(state: Any) -> list[BaseMessage]:
    """The conversation in an agent's state: a mapping, an object with attributes, or `None` outside of a graph."""
    messages = _value(state, "messages")
    return [each for each in messages if isinstance(each, BaseMessage)] if isinstance(messages, list) else []


def files_in_state(state: Any) -> tuple[tuple[InlineFile, ...], tuple[str, ...]]:
    """The files for a program, and the names of those that no program can be given.

    Files and images that user messages carry by value are called `input_file_0.csv` and so on, in their
    order, as Gemini's own sandbox calls them. The state's `files`, a mapping of names to text, bytes or the
    file objects of deepagents, have their own names; of a path, that is the last part, or all of it joined by
    `_` where two end in the same. Where both have one name, the state's file is meant.
    """
    files: dict[str, InlineFile] = {}
    left_out = []
    for path, name, value in _named(_value(state, "files")):
        data = _bytes(value)
        if data is None or name in files or not _is_file_name(name):
            left_out.append(path)
        else:
            kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
            files[name] = InlineFile(data, kind, name)
    attached = {file.name: file for file in files_in(messages_in_state(state))}
    return tuple((attached | files).values()), tuple(left_out)


def _value(state: Any, key: str) -> Any:
    return state.get(key) if isinstance(state, Mapping) else getattr(state, key, None)


def _named(files: Any) -> Iterator[tuple[str, str, Any]]:
    """Path, name and content of the state's files."""
    if not isinstance(files, Mapping):
        return
    paths = {str(path): value for path, value in files.items()}
    times = Counter(PurePosixPath(path).name for path in paths)
    for path, value in paths.items():
        name = PurePosixPath(path).name
        yield path, name if times[name] == 1 else path.strip("/").replace("/", "_"), value


def _bytes(value: Any) -> bytes | None:
    """The bytes of a file; `None` if it is none."""
    if isinstance(value, Mapping):
        content = value.get("content")
        if isinstance(content, list) and all(isinstance(line, str) for line in content):
            content = "\n".join(content)
        if value.get("encoding") != "base64":
            return _bytes_of_content(content)
        try:
            return b64decode(content, validate=True) if isinstance(content, str) else None
        except ValueError:
            return None
    return _bytes_of_content(value)


def _bytes_of_content(content: Any) -> bytes | None:
    if isinstance(content, str):
        return content.encode("utf-8", "surrogatepass")
    return bytes(content) if isinstance(content, bytes | bytearray | memoryview) else None


def _is_file_name(name: str) -> bool:
    try:
        named_files([InlineFile(b"", "", name)])
    except ExecutionRequestError:
        return False
    return bool(name)
