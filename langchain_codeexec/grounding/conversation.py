"""A conversation as far as answers rest on it: what the user wrote and what code in it printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from langchain_core.messages import HumanMessage

from langchain_codeexec.executions import code_executions

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from langchain_core.messages import BaseMessage

    from langchain_codeexec.executions import CodeExecution

__all__ = ["SOURCE_KEY", "asked_last", "is_users", "runs_in", "users_texts"]

SOURCE_KEY: Final = "lc_source"
"""Where LangChain's middlewares note in `additional_kwargs` that a user's message is not the user's."""


def is_users(message: BaseMessage) -> bool:
    """Whether the user wrote a message, and not a middleware in the user's place."""
    return isinstance(message, HumanMessage) and SOURCE_KEY not in message.additional_kwargs


def asked_last(messages: Sequence[BaseMessage]) -> int:
    """The index of the last message of the user; -1 if there is none."""
    return max((index for index, message in enumerate(messages) if is_users(message)), default=-1)


def users_texts(messages: Iterable[BaseMessage]) -> list[str]:
    """What the user wrote."""
    return [str(message.text) for message in messages if is_users(message)]


def runs_in(messages: Iterable[BaseMessage]) -> list[CodeExecution]:
    """The runs that answers and tools' replies tell of."""
    return [run for message in messages for run in code_executions(message)]
