"""Reading runs out of a message, whichever provider's model made it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_codeexec.executions.artifacts import executions_from_artifact
from langchain_codeexec.executions.halves import BlockReader, CodeCall, CodeResult, Half
from langchain_codeexec.executions.inline import inline_image
from langchain_codeexec.executions.records import CodeExecution, InlineFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from langchain_core.messages import BaseMessage

__all__ = ["Run", "blocks_with_halves", "code_executions", "runs"]


@dataclass(slots=True)
class Run:
    """One run in the making: code, result or both, and what was drawn after the result."""

    call: CodeCall | None = None
    result: CodeResult | None = None
    drawn: tuple[InlineFile, ...] = ()

    @property
    def record(self) -> CodeExecution:
        """The run as a record."""
        call, result = self.call, self.result
        known = call or result
        return CodeExecution(
            code=call.code if call else "",
            language=call.language if call else "PYTHON",
            outcome=result.outcome if result else None,
            output=result.output if result else None,
            images=(*result.images, *self.drawn) if result else (),
            id=(call.id if call else None) or (result.id if result else None),
            origin=known.origin if known else "gemini",
        )


def code_executions(message: BaseMessage) -> list[CodeExecution]:
    """The runs that a message tells of, in order.

    Reads what Gemini, OpenAI's code interpreter and Anthropic's code execution ran, in the shapes that the
    LangChain packages of these providers give it and in LangChain's standard one. Halves are linked by id,
    else by order. Code without a result has the outcome `None`, a result without code has the code `""`.
    A tool's message gives those its artifact holds. What is malformed is passed over; nothing is raised.

    Args:
        message: Any message, the sum of streamed chunks included.
    """
    kept = executions_from_artifact(getattr(message, "artifact", None))
    return kept or [run.record for run in runs(blocks_with_halves(message))]


def blocks_with_halves(message: BaseMessage) -> Iterator[tuple[Any, list[Half]]]:
    """The blocks of a message in order, each with the halves of runs that it holds."""
    reader = BlockReader(str(message.response_metadata.get("model_provider", "")))
    for block in _blocks(message):
        yield block, reader.halves(block)


def runs(blocks: Iterable[tuple[Any, list[Half]]]) -> list[Run]:
    """Link the halves to runs."""
    found: list[Run] = []
    drawing: Run | None = None
    for block, halves in blocks:
        for half in halves:
            if isinstance(half, CodeCall):
                found.append(Run(call=half))
                drawing = None
            else:
                drawing = _open_run(found, half)
                drawing.result = half
        if drawing is not None and not halves:
            image = inline_image(block)
            if image is not None:
                drawing.drawn += (image,)
            elif _says_something(block):
                drawing = None
    return found


def _open_run(found: list[Run], result: CodeResult) -> Run:
    """The run that a result belongs to: the one of its id, else the last without a result, else a new one."""
    waiting = [run for run in found if run.call is not None and run.result is None]
    if result.id is not None:
        waiting = [run for run in waiting if run.call is not None and run.call.id == result.id]
    if waiting:
        return waiting[-1]
    found.append(Run())
    return found[-1]


def _blocks(message: BaseMessage) -> Iterator[Any]:
    """All blocks; those that older releases of langchain-openai keep beside the content come first."""
    outputs = message.additional_kwargs.get("tool_outputs")
    if isinstance(outputs, list):
        yield from outputs
    content: Any = message.content
    yield from content if isinstance(content, list) else [content]


def _says_something(block: Any) -> bool:
    """Whether a block ends the row of images that belong to a result; an empty text does not."""
    if isinstance(block, str):
        return bool(block.strip())
    return not (isinstance(block, dict) and block.get("type") == "text" and not block.get("text"))
