"""Conversations: their messages, wherever users have them, and the sections of all of them together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Final, TypeAlias

from langchain_core.load import load
from langchain_core.messages import (
    AnyMessage,
    BaseMessage,
    convert_to_messages,
    messages_from_dict,
)
from pydantic import BaseModel, TypeAdapter

from langchain_codeexec.control.prices import Prices, PriceTable, checked_prices
from langchain_codeexec.control.usage import ExecutionUsage
from langchain_codeexec.errors import MessageError
from langchain_codeexec.executions import CodeExecution, ExecutionResult, executions_from_artifact
from langchain_codeexec.records.sections import (
    Section,
    sections_of,
    sections_of_execution,
    sections_of_result,
)
from langchain_codeexec.records.texts import usage_text

__all__ = ["Recorded", "messages_in", "sections_in"]

Json = dict[str, Any]

Recorded: TypeAlias = (
    BaseMessage
    | Sequence[BaseMessage | CodeExecution]
    | Mapping[str, Any]
    | BaseModel
    | CodeExecution
    | ExecutionResult
    | ExecutionUsage
)
"""What can be shown: a message, messages, a graph's state (a mapping, a model, a `StateSnapshot`), a checkpoint
(`CheckpointTuple`), a run, its result, or what runs took."""

_MODELS: Final = frozenset({"ai", "AIMessageChunk"})
_HOLDERS: Final = ("checkpoint", "channel_values", "values", "value", "messages", "message")
"""Under which names snapshots, checkpoints, states and what chains return keep messages, outermost first."""


def messages_in(source: object) -> list[BaseMessage]:
    """The messages of a conversation.

    Args:
        source: A message, several, a graph's state, a `StateSnapshot` of it, a checkpoint, or any of these in
            values of JSON: messages as `dumpd`, `message_to_dict` or `model_dump` give them, or with `role` and
            `content`.

    Raises:
        MessageError: There are no messages in it, or one that cannot be read.
    """
    if isinstance(source, BaseMessage):
        return [source]
    for name in _HOLDERS:
        held = source.get(name) if isinstance(source, Mapping) else getattr(source, name, None)
        if held is not None and not callable(held):
            return messages_in(held)
    if isinstance(source, Mapping):
        return [_message(source)]
    if isinstance(source, Sequence) and not isinstance(source, str | bytes):
        return [each if isinstance(each, BaseMessage) else _message(each) for each in source]
    raise MessageError(
        f"there are no messages in {type(source).__name__}. Give a message, a list of them, a state with "
        "`messages`, or what `graph.get_state(config)` returns."
    )


def _message(value: Any) -> BaseMessage:
    try:
        if value.get("lc"):
            return convert_to_messages([load(value, allowed_objects="messages")])[0]
        if isinstance(value.get("data"), Mapping):
            return messages_from_dict([value])[0]
        if "type" in value:
            return _adapter().validate_python(value)
        return convert_to_messages([value])[0]
    except Exception as error:
        raise MessageError(
            f"this is no message: {str(value)[:200]!r} ({error}). Give messages as `langchain_core.load.dumpd`, "
            "`message_to_dict` or `message.model_dump()` write them, or with `role` and `content`."
        ) from error


@cache
def _adapter() -> TypeAdapter[AnyMessage]:
    return TypeAdapter(AnyMessage)


def sections_in(source: Recorded, prices: Prices | PriceTable | None = None) -> Iterator[Section]:
    """The sections of whatever can be shown; of a conversation, with what each turn and all of it took."""
    if isinstance(source, ExecutionUsage):
        yield Section("usage", usage_text(source) or "nothing was run")
    elif isinstance(source, CodeExecution):
        yield from sections_of_execution(source)
    elif isinstance(source, ExecutionResult):
        yield from sections_of_result(source)
    elif isinstance(source, Sequence) and source and isinstance(source[0], CodeExecution):
        yield from (section for run in source for section in sections_in(run))
    else:
        yield from _of_conversation(messages_in(source), checked_prices(prices))


def _of_conversation(messages: Sequence[BaseMessage], prices: Prices | None) -> Iterator[Section]:
    turns = _split(messages, lambda last, this: this == "human" and last not in ("human", "system"))
    plan: Section | None = None
    for turn in turns:
        for step in _split(turn, lambda _, this: this in _MODELS):
            for section in _of_step(step, prices):
                if section != plan:  # one that stays the same is shown where it began
                    yield section
                plan = section if section.kind == "plan" else plan
        yield from _usage(turn, "turn", prices)
    if len(turns) > 1:
        yield from _usage(messages, "conversation", prices)


def _programs(messages: Iterable[BaseMessage]) -> dict[str, str]:
    """The programs that function calls hand over, by the calls' ids, where the tool's message tells what ran."""
    ran = {
        getattr(message, "tool_call_id", "")
        for message in messages
        if len(executions_from_artifact(getattr(message, "artifact", None))) == 1
    }
    calls = [call for message in messages for call in getattr(message, "tool_calls", ())]
    return {
        call["id"]: call["args"]["code"]
        for call in calls
        if call["id"] in ran and call["args"].keys() == {"code"} and isinstance(call["args"]["code"], str)
    }


def _of_step(messages: Sequence[BaseMessage], prices: Prices | None) -> Iterator[Section]:
    """An answer and what its calls gave.

    A program is shown once, where it ran; the one that the model wrote beside it, if another one ran.
    """
    programs = _programs(messages)
    for message in messages:
        written = programs.get(getattr(message, "tool_call_id", ""), "")
        for section in sections_of(message, prices):
            if section.kind == "code" and written.strip() not in ("", section.text.strip()):
                yield replace(section, written=written)
            elif section.kind == "answer" and getattr(message, "tool_calls", None):
                yield replace(section, kind="model")
            elif section.kind != "call" or section.run not in programs:
                yield section


def _split(messages: Iterable[BaseMessage], begins: Callable[[str, str], bool]) -> list[list[BaseMessage]]:
    """Messages in parts, by whether one begins between two types."""
    parts: list[list[BaseMessage]] = []
    last = ""
    for message in messages:
        if not parts or begins(last, message.type):
            parts.append([])
        parts[-1].append(message)
        last = message.type
    return parts


def _usage(messages: Sequence[BaseMessage], label: str, prices: Prices | None) -> Iterator[Section]:
    """What several answers took together; what one took, it says itself."""
    if sum(bool(ExecutionUsage.of(message).tokens.total) for message in messages) > 1:
        yield Section("usage", usage_text(ExecutionUsage.of(messages, prices), prices), label)
