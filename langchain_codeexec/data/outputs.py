"""What code drew and wrote, read out of messages, saved, and noted in each message. Content and artifacts stay."""

from __future__ import annotations

import reprlib
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Final, TypeAlias

from langchain_core.messages import BaseMessage

from langchain_codeexec._steps import arun_steps, run_steps
from langchain_codeexec.data.sinks import FileSystemSink, FolderSink, SavedFile, Sink, facts_of
from langchain_codeexec.errors import ConfigurationError, SinkError
from langchain_codeexec.executions import InlineFile, executions_from_artifact, files_from_artifact
from langchain_codeexec.messages.code_blocks import CodeResult, blocks_with_code
from langchain_codeexec.messages.media import inline_file

__all__ = [
    "Recorder",
    "asave_outputs",
    "describe_file",
    "outputs_of",
    "save_outputs",
    "saved_outputs",
    "sink_from",
]

Json = dict[str, Any]
_Step: TypeAlias = tuple[Sink, InlineFile]

_KEY: Final = "outputs"
"""Where in `response_metadata` a message says what was saved of it."""
_MODELS: Final = frozenset({"ai", "AIMessageChunk"})
_TOOLS: Final = frozenset({"tool", "ToolMessageChunk"})
_PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_KILO: Final = 1000


def outputs_of(message: BaseMessage) -> list[InlineFile]:
    """The images and files that came out of a model or a tool, in order.

    Those of a model's message are in its content, whichever provider's it is; those of a tool's message in its
    artifact (see `artifact_from_executions`) and in its content. What a user sent is no output. What is only
    referred to, by a URL or an id, is not here.

    Args:
        message: Any message, or a chunk of one.
    """
    if message.type in _TOOLS:
        artifact = getattr(message, "artifact", None)
        drawn = (image for execution in executions_from_artifact(artifact) for image in execution.images)
        kept = [*drawn, *files_from_artifact(artifact)]
        known = {file.data for file in kept}  # a model that sees is shown its images, too
        return [*kept, *(file for file in _in_content(message) if file.data not in known)]
    return list(_in_content(message)) if message.type in _MODELS else []


def _in_content(message: BaseMessage) -> Iterator[InlineFile]:
    for block, code in blocks_with_code(message):
        for part in code:
            if isinstance(part, CodeResult):
                yield from part.images
        if not code and (file := inline_file(block)):
            yield file


def describe_file(file: InlineFile) -> str:
    """Type, size in pixels (of a PNG) and in bytes."""
    size = len(file.data)
    facts = [
        file.mime_type,
        _pixels(file.data),
        f"{size} bytes" if size < _KILO else f"{size / _KILO:.1f} kB",
    ]
    return ", ".join(filter(None, facts))


def _pixels(data: bytes) -> str:
    """Width and height as PNG's first chunk has them."""
    if not data.startswith(_PNG_SIGNATURE) or data[12:16] != b"IHDR":
        return ""
    return f"{int.from_bytes(data[16:20])} x {int.from_bytes(data[20:24])} pixels"


def save_outputs(
    messages: BaseMessage | Iterable[BaseMessage], sink: Sink | str | PathLike[str]
) -> list[SavedFile]:
    """Save what the code of messages drew and wrote.

    Each message then says in `response_metadata["outputs"]` where its files are. Its content and its artifact
    stay as they are, and so does what is sent back to a model.

    Args:
        messages: A message or several, of any provider.
        sink: Where to save: a folder, a URL that fsspec knows, or a `Sink`.

    Returns:
        One for each file, in order; equal ones for equal files.

    Raises:
        ConfigurationError: The sink is none.
        SinkError: Some could not be saved. All that could be is saved, and every message says what became of
            its files.
    """
    return run_steps(_saving(messages, sink), lambda step: step[0].save(step[1]))


async def asave_outputs(
    messages: BaseMessage | Iterable[BaseMessage], sink: Sink | str | PathLike[str]
) -> list[SavedFile]:
    """Save what the code of messages drew and wrote, without blocking the event loop; see `save_outputs`."""
    return await arun_steps(_saving(messages, sink), lambda step: step[0].asave(step[1]))


def _saving(
    messages: BaseMessage | Iterable[BaseMessage], sink: object
) -> Generator[_Step, SavedFile, list[SavedFile]]:
    """Yields the sink and each file to save."""
    if sink is None:  # where a setting may be `None` to save nothing, a call may not
        raise ConfigurationError("there is no place to save in; give a folder, a URL or a Sink, not None")
    recorder = Recorder(sink_from(sink))
    saved: list[SavedFile | SinkError] = []
    for message in [messages] if isinstance(messages, BaseMessage) else messages:
        saved += yield from recorder.steps(message)
    failures = [failure for failure in saved if isinstance(failure, SinkError)]
    if failures:
        count = f"{len(failures)} of {len(saved)} files could not be saved: " if len(saved) > 1 else ""
        raise SinkError(f"{count}{failures[0]}") from failures[0]
    return [file for file in saved if isinstance(file, SavedFile)]


def saved_outputs(message: BaseMessage) -> list[Json]:
    """What a message says of its saved files.

    Returns:
        Dicts with `name`, `url`, `mime_type`, `size` in bytes and `sha256`; a file that could not be saved has
        no name and no URL (`None`), and in `error` the reason.
    """
    entries = message.response_metadata.get(_KEY)
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def sink_from(place: object) -> Sink | None:
    """The sink that a setting stands for: a sink, a folder, a URL that fsspec knows, or `None` for none.

    Raises:
        ConfigurationError: It is none of these, or a URL that nothing can be saved at.
    """
    if place is None or isinstance(place, Sink):
        return place
    if isinstance(place, str) and "://" in place:
        return FileSystemSink(place)
    if isinstance(place, str | PathLike) and str(place):
        return FolderSink(Path(place))
    raise ConfigurationError(
        "outputs are saved in a folder, at a URL or in an object with save() and asave(), not in "
        f"{reprlib.repr(place)}"
    )


@dataclass(frozen=True, slots=True)
class Recorder:
    """Saves the outputs of messages as they pass; no failure of the sink stops them. Without one, nothing."""

    sink: Sink | None

    def record(self, message: BaseMessage) -> list[SavedFile | SinkError]:
        """Save what a message or chunk holds, and note in it where that went or why it did not."""
        return run_steps(self.steps(message), lambda step: step[0].save(step[1]))

    async def arecord(self, message: BaseMessage) -> list[SavedFile | SinkError]:
        """The same without blocking the event loop."""
        return await arun_steps(self.steps(message), lambda step: step[0].asave(step[1]))

    def steps(self, message: BaseMessage) -> Generator[_Step, SavedFile, list[SavedFile | SinkError]]:
        """Yields the sink and each file to save."""
        if self.sink is None:
            return []
        files = outputs_of(message)
        saved: list[SavedFile | SinkError] = []
        for file in files:
            try:
                saved.append((yield self.sink, file))
            except Exception as error:  # noqa: BLE001 -- whatever a sink raises, the answer is not lost with it
                saved.append(_failure(error))
        _note(message, files, saved)
        return saved


def _failure(error: Exception) -> SinkError:
    if isinstance(error, SinkError):
        return error
    failure = SinkError(f"the sink failed: {type(error).__name__}: {error}")
    failure.__cause__ = error
    return failure


def _note(message: BaseMessage, files: list[InlineFile], saved: list[SavedFile | SinkError]) -> None:
    known = saved_outputs(message)
    entries = [_entry(*pair) for pair in zip(files, saved, strict=True)]
    new = [entry for entry in entries if entry not in known]
    if new:
        message.response_metadata = {**message.response_metadata, _KEY: [*known, *new]}


def _entry(file: InlineFile, saved: SavedFile | SinkError) -> Json:
    if isinstance(saved, SavedFile):
        return saved.to_dict()
    return {"name": None, "url": None, **facts_of(file), "error": str(saved)}
