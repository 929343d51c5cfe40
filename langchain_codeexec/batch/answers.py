"""What asking a model adds to a row, wherever it is asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import BaseMessage
from langchain_core.runnables import Runnable

from langchain_codeexec.batch.rows import Json
from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.records.json_form import json_record

__all__ = ["Ask", "Model", "answer_fields", "ask", "described", "failure", "renamed", "resolved"]

Ask: TypeAlias = Callable[[list[BaseMessage]], Awaitable[Json]]

Model: TypeAlias = (
    Runnable[LanguageModelInput, BaseMessage] | Callable[[], Runnable[LanguageModelInput, BaseMessage]]
)
"""A model, or a function that makes it."""

_ADDED: Final = (
    "answer", "runs", "plan", "usage", "error", "model", "finish_reason", "tool_calls", "outputs", "verification",
    "environment", "environment_id", "limit",
)  # fmt: skip


def resolved(model: Model) -> Runnable[LanguageModelInput, BaseMessage]:
    """The model itself."""
    return model if isinstance(model, Runnable) else model()


async def ask(llm: Runnable[LanguageModelInput, BaseMessage], messages: list[BaseMessage]) -> Json:
    """Ask a model; what its answer adds to a row.

    Raises:
        ConfigurationError: The model gives no message.
        Exception: What the model raises.
    """
    message = await llm.ainvoke(messages)
    if not isinstance(message, BaseMessage):
        raise ConfigurationError(f"the model gives {message!r:.100}, which is no message; leave parsers away")
    return answer_fields(message)


def answer_fields(message: BaseMessage) -> Json:
    """What an answer adds to its row."""
    record = json_record(message)
    return {
        "answer": record.pop("answer"),
        "runs": record.pop("executions"),
        "plan": record.pop("plan", None),
        "usage": record.pop("usage"),
        "error": record.pop("finish_message", None),
        **record,
    }


def failure(error: Exception) -> Json:
    """What an error adds to its row."""
    return {"answer": None, "runs": [], "plan": None, "usage": None, "error": described(error)}


def described(error: Exception) -> str:
    """The class of an error, and its words."""
    return f"{type(error).__name__}: {error}"


def renamed(fields: Mapping[str, Any]) -> Json:
    """A row's own fields; one whose name the answer takes is kept under another."""
    kept: Json = {}
    for name, value in fields.items():
        free = name
        while free in _ADDED or (free != name and free in fields):
            free = f"input_{free}"
        kept[free] = value
    return kept
