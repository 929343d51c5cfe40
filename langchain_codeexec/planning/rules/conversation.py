"""What a conversation has come to: the open question, and what was called, answered, run and attached since."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from langchain_codeexec.executions import code_executions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from langchain_core.messages import BaseMessage

    from langchain_codeexec.executions import CodeExecution

__all__ = ["Answer", "Situation", "attachments_of", "situation", "text_of"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a function answered.

    Attributes:
        name: The function's; empty where the message does not tell.
        text: Its answer.
        failed: Whether it is an error.
    """

    name: str
    text: str
    failed: bool


@dataclass(slots=True)
class Situation:
    """Where a conversation stands.

    Attributes:
        question: The user's last words.
        before: The user's words before those.
        asked_back: Whether the model's last words before the question are a question.
        attachments: MIME types of the files that came with the question.
        called: Names of the functions called since the question, in order.
        pending: Of these, the ones without an answer, by call id.
        answers: What functions answered since the question.
        runs: Code that was run since the question.
        earlier_runs: Code that was run between the question before and this one.
        earlier_answers: What functions answered then.
    """

    question: str = ""
    before: str = ""
    asked_back: bool = False
    attachments: tuple[str, ...] = ()
    called: list[str] = field(default_factory=list)
    pending: dict[str, str] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    runs: list[CodeExecution] = field(default_factory=list)
    earlier_runs: list[CodeExecution] = field(default_factory=list)
    earlier_answers: list[Answer] = field(default_factory=list)


def situation(messages: Sequence[BaseMessage]) -> Situation:
    """Where a conversation stands. Messages and blocks of unknown shape are passed over."""
    found = Situation()
    for message in messages:
        _READERS.get(_kind(message), _pass_over)(found, message)
    return found


def text_of(content: Any) -> str:
    """The text in a message's content; text of attached text files is not part of it."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    pieces = [block if isinstance(block, str) else _block_text(block) for block in content]
    return "\n".join(filter(None, pieces))


def _block_text(block: Any) -> str:
    if isinstance(block, dict) and block.get("type", "text") == "text":
        text = block.get("text")
        return text if isinstance(text, str) else ""
    return ""


def _kind(message: Any) -> str:
    return str(getattr(message, "type", "")).removesuffix("MessageChunk").lower()


def _human(found: Situation, message: BaseMessage) -> None:
    found.before, found.question = found.question, text_of(message.content)
    found.attachments = attachments_of(message.content)
    found.called, found.pending = [], {}
    found.earlier_answers, found.answers = found.answers, []
    found.earlier_runs, found.runs = found.runs, []


def _model(found: Situation, message: BaseMessage) -> None:
    found.runs += code_executions(message)
    found.asked_back = text_of(message.content).rstrip().endswith("?")
    for call in getattr(message, "tool_calls", None) or ():
        name = str(call.get("name") or "")
        found.called.append(name)
        found.pending[str(call.get("id") or f"{name}#{len(found.called)}")] = name


def _tool(found: Situation, message: BaseMessage) -> None:
    found.runs += code_executions(message)
    name = str(message.name or "")
    known = found.pending.pop(str(getattr(message, "tool_call_id", "")), "")
    failed = getattr(message, "status", "success") == "error"
    found.answers.append(Answer(name or known, text_of(message.content), failed))


def _pass_over(_found: Situation, _message: BaseMessage) -> None:
    """System messages and unknown ones say nothing of where the conversation stands."""


_READERS: Final[Mapping[str, Callable[[Situation, BaseMessage], None]]] = {
    "human": _human,
    "user": _human,
    "ai": _model,
    "assistant": _model,
    "tool": _tool,
    "function": _tool,
}


def attachments_of(content: Any) -> tuple[str, ...]:
    """MIME types of the media in a message's content."""
    blocks = content if isinstance(content, list) else []
    found = (_mime_type(block) for block in blocks if isinstance(block, dict))
    return tuple(filter(None, found))


def _mime_type(block: dict[str, Any]) -> str:
    """MIME type of a file, image or other medium in a block, in the spellings of LangChain and Gemini."""
    kind = str(block.get("type", ""))
    inner = block.get("inlineData") or block.get("fileData") or block.get("file") or {}
    declared = block.get("mime_type") or block.get("mimeType")
    if not declared and isinstance(inner, dict):
        declared = inner.get("mimeType") or inner.get("mime_type")
    if isinstance(declared, str):
        return declared.partition(";")[0].lower()
    return _DEFAULT_TYPES.get(kind, "")


_DEFAULT_TYPES: Final = {
    "image": "image/png",
    "image_url": "image/png",
    "file": "application/octet-stream",
    "text-plain": "text/plain",
    "media": "application/octet-stream",
}
