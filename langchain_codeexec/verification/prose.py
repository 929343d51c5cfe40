"""The figures of an answer's prose that nothing accounts for."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, ToolMessage

from langchain_codeexec.executions.halves import BlockReader, CodeResult
from langchain_codeexec.grounding.agreement import bears_out
from langchain_codeexec.grounding.answers import CalculatedAnswer
from langchain_codeexec.grounding.conversation import is_users, runs_in
from langchain_codeexec.grounding.evidence import execution_evidence
from langchain_codeexec.grounding.figures import figures_in, printed_figures, stated_figures
from langchain_codeexec.verification.records import Verdict, Verification

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.messages import BaseMessage

__all__ = ["unsupported_figures"]


def unsupported_figures(message: BaseMessage, history: Sequence[BaseMessage]) -> tuple[str, ...]:
    """The figures of a message's prose behind its last run that nothing accounts for.

    Prose before a run says what is going to be done; prose behind the last one is the answer.

    Args:
        message: The message.
        history: The conversation before it: what the user and tools said in it, and what its runs printed, those
            of answers that were found not to hold excepted. Where it is not given, what the user said is not
            known, and the numbers in the message's own code count instead: they are what it started from.
    """
    said = (stated_figures(str(one.text)) for one in history if is_users(one) or isinstance(one, ToolMessage))
    holding = (one for one in history if not _is_refuted(one))
    printed = (found.figure for found in execution_evidence(runs_in([*holding, message])))
    given = () if history else (printed_figures(run.code) for run in runs_in([message]))
    known = [*chain.from_iterable((*said, *given)), *printed]
    accounted, documents = _accounted(message)
    return tuple(
        dict.fromkeys(
            figure.text
            for figure in figures_in(_answer(message), documents)
            if figure.text not in accounted and not any(bears_out(one, figure) for one in known)
        )
    )


def _is_refuted(message: BaseMessage) -> bool:
    found = Verification.from_message(message)
    return found is not None and found.verdict is Verdict.MISMATCH


def _answer(message: BaseMessage) -> str:
    """The text behind the last result."""
    content: Any = message.content
    blocks = [content] if isinstance(content, str) else content
    reader = BlockReader(str(message.response_metadata.get("model_provider", "")))
    texts: list[str] = []
    for block in blocks:
        if any(isinstance(half, CodeResult) for half in reader.halves(block)):
            texts = []
        elif isinstance(block, str):
            texts.append(block)
        elif isinstance(block, dict) and block.get("type") == "text":
            texts.append(str(block.get("text") or ""))
    return "\n".join(texts)


def _accounted(message: BaseMessage) -> tuple[set[str], int]:
    """The figures that the message itself traces to documents or the question; how many documents it knows."""
    record = CalculatedAnswer.from_message(message) if isinstance(message, AIMessage) else None
    if record is None:
        return set(), 0
    traced = {figure.text for figure in record.figures if figure.origin in ("document", "question")}
    return traced, len(record.documents)
