"""What code drew and wrote, read out of messages, and what there is to say about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from langchain_codeexec.executions.artifacts import executions_from_artifact, files_from_artifact
from langchain_codeexec.executions.halves import CodeResult
from langchain_codeexec.executions.inline import inline_file
from langchain_codeexec.executions.reading import blocks_with_halves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from langchain_core.messages import BaseMessage

    from langchain_codeexec.executions import InlineFile
    from langchain_codeexec.executions.halves import Half

__all__ = ["describe_file", "outputs_of"]

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
    return list(_BY_ROLE.get(message.type, _of_others)(message))


def describe_file(file: InlineFile) -> str:
    """Type, size in pixels (of a PNG) and in bytes."""
    facts = [file.mime_type, _pixels(file.data), _bytes(len(file.data))]
    return ", ".join(filter(None, facts))


def _of_model(message: BaseMessage) -> Iterator[InlineFile]:
    for block, halves in blocks_with_halves(message):
        yield from _of_halves(halves) if halves else _of_block(block)


def _of_tool(message: BaseMessage) -> Iterator[InlineFile]:
    artifact = getattr(message, "artifact", None)
    for execution in executions_from_artifact(artifact):
        yield from execution.images
    yield from files_from_artifact(artifact)
    yield from _of_model(message)


def _of_others(_message: BaseMessage) -> Iterator[InlineFile]:
    return iter(())


def _of_halves(halves: list[Half]) -> Iterator[InlineFile]:
    for half in halves:
        if isinstance(half, CodeResult):
            yield from half.images


def _of_block(block: Any) -> Iterator[InlineFile]:
    file = inline_file(block)
    if file is not None:
        yield file


def _pixels(data: bytes) -> str:
    """Width and height as PNG's first chunk has them."""
    if not data.startswith(_PNG_SIGNATURE) or data[12:16] != b"IHDR":
        return ""
    width, height = int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    return f"{width} x {height} pixels"


def _bytes(count: int) -> str:
    return f"{count} bytes" if count < _KILO else f"{count / _KILO:.1f} kB"


_BY_ROLE: Final[Mapping[str, Callable[[BaseMessage], Iterator[InlineFile]]]] = {
    "ai": _of_model,
    "AIMessageChunk": _of_model,
    "tool": _of_tool,
    "ToolMessageChunk": _of_tool,
}
