"""Where a call of the tool comes from: the thread of conversation and the agent's state.

The files that a program finds: those of the agent's state, and those the user put into the conversation.
"""

from __future__ import annotations

import mimetypes
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from langchain_core.messages import BaseMessage, ToolMessage

from langchain_codeexec.data.request_files import files_in
from langchain_codeexec.errors import ExecutionRequestError
from langchain_codeexec.executions import ARTIFACT_TYPE, InlineFile
from langchain_codeexec.executors.files import named_files

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

__all__ = ["IN_SESSION", "CallContext", "FoundFiles", "files_for"]

IN_SESSION = "in_session"
"""Key of an artifact: whether the program left its state in a session, for those after it."""


@dataclass(frozen=True, slots=True)
class CallContext:
    """Where a call comes from.

    Attributes:
        tool: The tool's name.
        thread: Id of the conversation's thread; empty where it has none.
        state: The agent's state: a mapping, or an object with attributes; `None` outside of a graph.
    """

    tool: str
    thread: str = ""
    state: Any = None

    @classmethod
    def of(cls, tool: str, config: RunnableConfig | None, runtime: object) -> CallContext:
        """Read what LangChain hands to a tool.

        Args:
            tool: The tool's name.
            config: The configuration of the call.
            runtime: LangGraph's `ToolRuntime`; anything else is taken for none.
        """
        thread = ((config or {}).get("configurable") or {}).get("thread_id")
        return cls(tool, "" if thread is None else str(thread), getattr(runtime, "state", None))

    @property
    def messages(self) -> list[BaseMessage]:
        """The conversation so far."""
        found = self.of_state("messages")
        return [each for each in found if isinstance(each, BaseMessage)] if isinstance(found, list) else []

    @property
    def had_session(self) -> bool:
        """Whether the conversation holds a call that left its state in a session."""
        return any(
            isinstance(message, ToolMessage)
            and message.name == self.tool
            and isinstance(message.artifact, dict)
            and message.artifact.get("type") == ARTIFACT_TYPE
            and bool(message.artifact.get(IN_SESSION))
            for message in self.messages
        )

    def of_state(self, key: str) -> Any:
        """A value of the state; `None` where it has none."""
        return self.state.get(key) if isinstance(self.state, Mapping) else getattr(self.state, key, None)


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """What a call finds.

    Attributes:
        files: What the program is given.
        left_out: Names of the state's files that no program can be given.
    """

    files: tuple[InlineFile, ...] = ()
    left_out: tuple[str, ...] = ()


def files_for(context: CallContext) -> FoundFiles:
    """The files for a call's program.

    Files and images that user messages carry by value are called `input_file_0.csv` and so on, in their
    order, as Gemini's own sandbox calls them. The state's `files`, a mapping of names to text, bytes or the
    file objects of deepagents, have their own names; of a path, that is the last part, or all of it joined by
    `_` where two end in the same. Where both have one name, the state's file is meant.
    """
    files: dict[str, InlineFile] = {}
    left_out = []
    for path, name, value in _named(context.of_state("files")):
        data = _content(value)
        if data is None or name in files or not _is_file_name(name):
            left_out.append(path)
        else:
            kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
            files[name] = InlineFile(data, kind, name)
    attached = {file.name: file for file in files_in(context.messages)}
    return FoundFiles(tuple((attached | files).values()), tuple(left_out))


def _named(files: Any) -> Iterator[tuple[str, str, Any]]:
    """Path, name and content of the state's files."""
    if not isinstance(files, Mapping):
        return
    paths = {str(path): value for path, value in files.items()}
    times = Counter(PurePosixPath(path).name for path in paths)
    for path, value in paths.items():
        name = PurePosixPath(path).name
        yield path, name if times[name] == 1 else path.strip("/").replace("/", "_"), value


def _content(value: Any) -> bytes | None:
    """The bytes of a file; `None` if it is none."""
    if isinstance(value, Mapping):
        content = value.get("content")
        lines = isinstance(content, list) and all(isinstance(line, str) for line in content)
        text = "\n".join(content) if lines and isinstance(content, list) else content
        return _from_base64(text) if value.get("encoding") == "base64" else _content_of_text(text)
    return _content_of_text(value)


def _content_of_text(value: Any) -> bytes | None:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    return bytes(value) if isinstance(value, bytes | bytearray | memoryview) else None


def _from_base64(value: Any) -> bytes | None:
    try:
        return b64decode(value, validate=True)
    except (TypeError, ValueError):
        return None


def _is_file_name(name: str) -> bool:
    try:
        named_files([InlineFile(b"", "", name)])
    except ExecutionRequestError:
        return False
    return bool(name)
