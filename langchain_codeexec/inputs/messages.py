"""A question with its data, as one message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from langchain_core.messages import HumanMessage

from langchain_codeexec.inputs.blocks import carried_in
from langchain_codeexec.inputs.files import files_within
from langchain_codeexec.inputs.limits import DataLimits

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from langchain_core.messages import BaseMessage

    from langchain_codeexec.inputs.data_file import DataFile

__all__ = ["FILES_HEADING", "data_message", "listing"]

FILES_HEADING: Final = "Files in the working directory:"
READ_HEADING: Final = "Attached to be read:"


def data_message(
    question: str,
    *sources: Any,
    history: Sequence[BaseMessage] = (),
    names: Sequence[str | None] | None = None,
    limits: DataLimits | None = None,
) -> HumanMessage:
    """A question together with the data it is about.

    Args:
        question: What is asked.
        *sources: The data, as `data_files` takes it.
        history: The messages before this one in the same request; numbers of files go on after theirs, and what
            they hold counts towards the size of the request. Media in tools' replies are not numbered.
        names: What to call the sources, in their order.
        limits: How much may be sent.

    Returns:
        A message whose text is the question and a listing of the files, followed by the files themselves.

    Raises:
        DataError: A source is of no known kind, unreadable, empty, or the request becomes too large.
        MissingDependencyError: The library that reads a source's format is not installed.
    """
    spent = len(question.encode("utf-8", "replace")) + sum(_size(message.content) for message in history)
    first = sum(1 for _ in carried_in(history))
    files = files_within(sources, names, first, limits or DataLimits(), spent=spent)
    if not files:
        return HumanMessage(question)
    text = {"type": "text", "text": f"{question}\n\n{listing(files)}"}
    return HumanMessage([text, *(file.block for file in files)])


def listing(files: Iterable[DataFile]) -> str:
    """What the model is told of files: those that code finds, then those that it alone can read."""
    files = list(files)
    groups = (
        (FILES_HEADING, [file.hint for file in files if file.in_working_directory]),
        (READ_HEADING, [file.hint for file in files if not file.in_working_directory]),
    )
    return "\n\n".join("\n".join([heading, *hints]) for heading, hints in groups if hints)


def _size(content: Any) -> int:
    """Bytes of the text in a message's content, base64 included."""
    if isinstance(content, str):
        return len(content) if content.isascii() else len(content.encode("utf-8", "replace"))
    if isinstance(content, bytes):
        return len(content) * 4 // 3
    if isinstance(content, dict):
        return sum(_size(value) + len(str(key)) + 6 for key, value in content.items())
    return sum(map(_size, content)) + 2 * len(content) if isinstance(content, list | tuple) else 8
