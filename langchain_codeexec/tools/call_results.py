"""What comes of a call: a tool's output as the data that a program gets, and what is kept beside it."""

from __future__ import annotations

import json
import mimetypes
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from langchain_core.messages import ToolCall, ToolMessage
from langchain_core.messages.tool import ToolOutputMixin
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import ToolException
from pydantic import ValidationError
from pydantic_core import to_jsonable_python

from langchain_codeexec.executions import InlineFile
from langchain_codeexec.executors.calls import HostReply
from langchain_codeexec.messages.media import inline_file, text_of

__all__ = [
    "MISSING",
    "CallResult",
    "Invocation",
    "head",
    "is_control_flow",
    "joined",
    "result_of",
    "storable",
    "words_for",
]

Json = dict[str, Any]

MISSING: Final[Any] = object()
"""What a tool has returned that has not."""
_RECORDED: Final = 10_000
"""Characters of a result or an artifact that the record holds."""
_DEEPEST: Final = 100
"""Lists and objects within each other that the record holds as such; the msgpack of checkpointers has 250."""


@dataclass(frozen=True, slots=True)
class CallResult(HostReply):
    """What came of a call: the reply to the program, and more.

    Attributes:
        remark: What the model is to be told of it.
        artifact: What the tool returned for its host, in JSON.
        updates: Of the graph's state.
    """

    remark: str = ""
    artifact: Any = None
    updates: tuple[Json, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of the value, as JSON, and of the files."""
        value = self.value if isinstance(self.value, str) else json.dumps(self.value, ensure_ascii=False)
        return len(value.encode("utf-8", "surrogatepass")) + sum(len(file.data) for file in self.files)

    def to_dict(self) -> Json:
        """The result as every checkpointer keeps it: as text, data can be nested as it likes, of any numbers."""
        kept = asdict(replace(self, value=None, artifact=None))
        return {**kept, "json": json.dumps([self.value, self.artifact])}

    @classmethod
    def from_dict(cls, kept: Json) -> CallResult:
        """The result that was kept."""
        kept = {**kept, "files": tuple(InlineFile(**file) for file in kept["files"])}
        value, artifact = json.loads(kept.pop("json"))
        return cls(**{**kept, "value": value, "artifact": artifact, "updates": tuple(kept["updates"])})


@dataclass(slots=True)
class Invocation:
    """What is noted while a tool is invoked.

    Attributes:
        config: The callbacks of the run that the tool's is a child of; all else is the context's.
        returned: What the tool's own code returned, before it was made text for a message.
        output: The message or command that it was made.
    """

    config: RunnableConfig
    returned: Any = MISSING
    output: Any = None


def is_control_flow(error: BaseException) -> bool:
    """Whether an exception belongs to the graph that runs: it stops, or an answer to it does not fit."""
    errors = sys.modules.get("langgraph.errors")
    if errors is None:
        return False
    is_invalid = getattr(errors, "is_invalid_resume", None)
    return isinstance(error, errors.GraphBubbleUp) or bool(is_invalid and is_invalid(error))


def joined(errors: list[BaseException]) -> BaseException:
    """What stops the graph for all of the errors that do: the interrupts together, else the first."""
    interrupt = getattr(sys.modules.get("langgraph.errors"), "GraphInterrupt", None)
    if interrupt is None or not all(type(error) is interrupt for error in errors):
        return errors[0]
    stop: BaseException = interrupt(tuple(each for error in errors for each in error.args[0]))
    return stop


def words_for(error: BaseException) -> str:
    """What a program is told of an exception of a tool."""
    if isinstance(error, ToolException):
        return str(error) or type(error).__name__
    if isinstance(error, ValidationError):
        return "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}".lstrip(": ")
            for each in error.errors(include_url=False, include_input=False, include_context=False)
        )
    return f"{type(error).__name__}: {error}".removesuffix(": ")


def result_of(call: ToolCall, output: Any, noted: Invocation, *, in_graph: bool) -> CallResult:
    """What came of a call that was carried out."""
    outputs = list(_outputs(output))
    messages = [each for each in outputs if isinstance(each, ToolMessage)]
    updates: list[Json] = []
    for command in outputs:
        if not isinstance(command, ToolOutputMixin) or isinstance(command, ToolMessage):
            continue
        given: Any = command
        if given.goto or given.graph or given.resume is not None or not isinstance(given.update, dict | None):
            return CallResult(
                error=f"{call['name']} directs the graph, which only a call of the model's own can"
            )
        if not in_graph:
            return CallResult(error=f"{call['name']} changes the state of a graph, and none runs")
        update = dict(given.update or {})
        others: list[Any] = []
        for message in update.pop("messages", ()):
            of_call = isinstance(message, ToolMessage) and message.tool_call_id == call["id"]
            (messages if of_call else others).append(message)
        update |= {"messages": others} if others else {}
        updates += [update] if update else []
    if not messages:
        return CallResult(_json(output if not updates else None), updates=tuple(updates))
    message = messages[-1]
    if message.status == "error":
        return CallResult(error=message.text or "it failed", updates=tuple(updates))
    raw, remark = _own(message, noted)
    value, files = _value(raw, re.sub(r"\W", "_", f"{call['name']}_{str(call['id']).rpartition(':')[2]}"))
    artifact = None if message.artifact is None else _json(message.artifact)
    return CallResult(value, None, files, remark, artifact, tuple(updates))


def _outputs(given: Any) -> Iterator[Any]:
    """The messages and commands that a tool gives, or a `ToolNode`."""
    if isinstance(given, list) or (isinstance(given, dict) and isinstance(given.get("messages"), list)):
        for each in given if isinstance(given, list) else given["messages"]:
            yield from _outputs(each)
    else:
        yield given


def _own(message: ToolMessage, noted: Invocation) -> tuple[Any, str]:
    """What the tool's own code returned, and what was written before it on the way; else what the message says.

    Whatever took something away on the way, from a message's end or from its middle, gets its will.
    """
    first, content, returned = noted.output, message.content, noted.returned
    parts = returned if isinstance(returned, list) else [returned]
    if not isinstance(first, ToolMessage) or any(
        each is MISSING or isinstance(each, ToolOutputMixin) for each in parts
    ):
        return content, ""
    own: Any = first.content
    if type(own) is not type(content) or content[len(content) - len(own) :] != own:
        return content, ""
    before = content[: len(content) - len(own)]
    return returned, before.strip() if isinstance(before, str) else "\n".join(
        filter(None, map(text_of, before))
    )


def _value(raw: Any, name: str) -> tuple[Any, tuple[InlineFile, ...]]:
    """What a program gets of a result: data as such, text as text, bytes and media as the names of files."""
    if isinstance(raw, bytes | bytearray):
        file = InlineFile(bytes(raw), "application/octet-stream", f"{name}.bin")
        return file.name, (file,)
    if not isinstance(raw, list) or not raw or not all(map(_is_block, raw)):
        return _json(raw), ()
    values: list[Any] = []
    files: list[InlineFile] = []
    for block in raw:
        file_of_block = inline_file(block)
        if file_of_block:
            kind = mimetypes.guess_extension(file_of_block.mime_type) or ".bin"
            number = f"_{len(files) + 1}" if files else ""
            files.append(InlineFile(file_of_block.data, file_of_block.mime_type, f"{name}{number}{kind}"))
            values.append(files[-1].name)
        else:
            text = text_of(block)
            values.append(block if text is None else text)
    return values[0] if len(values) == 1 else values, tuple(files)


def _is_block(value: Any) -> bool:
    """Whether a value is a content block of a message."""
    return isinstance(value, dict) and (
        (value.get("type") == "text" and text_of(value) is not None) or inline_file(value) is not None
    )


def _json(value: Any) -> Any:
    """A value in JSON: what is none becomes text."""
    try:
        return to_jsonable_python(
            value, fallback=str, bytes_mode="base64", inf_nan_mode="constants", serialize_unknown=True
        )
    except ValueError:  # it contains itself
        return str(value)


def head(value: Any) -> Any:
    """A value for the record: of a large one, the beginning of its text."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return storable(value) if len(text) <= _RECORDED else f"{text[:_RECORDED]}…"


def storable(value: Any, deepest: int = _DEEPEST) -> Any:
    """A JSON value as checkpointers take it: text for integers beyond 64 bits and for what is nested deeper."""
    if isinstance(value, int) and value.bit_length() > 63:  # noqa: PLR2004 -- and a sign
        return str(value)
    if not isinstance(value, list | dict):
        return value
    if not deepest:
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return [storable(each, deepest - 1) for each in value]
    return {key: storable(each, deepest - 1) for key, each in value.items()}
