"""Ways to call a chat model that all give the message, and responses of the wire for it to get."""

from __future__ import annotations

import asyncio
import warnings
from functools import reduce
from operator import add
from typing import Any

import pytest
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, message_chunk_to_message


def invoked(llm: Any, question: Any = "q") -> AIMessage:
    return llm.invoke(question)


def streamed(llm: Any, question: Any = "q") -> AIMessage:
    return message_chunk_to_message(reduce(add, llm.stream(question)))


def events_v3(llm: Any, question: Any = "q") -> AIMessage:
    with warnings.catch_warnings(action="ignore"):  # it is in beta
        return llm.stream_events(question, version="v3").output


def ainvoked(llm: Any, question: Any = "q") -> AIMessage:
    async def call() -> AIMessage:
        try:
            return await llm.ainvoke(question)
        finally:
            await llm.aclose()

    return asyncio.run(call())


def astreamed(llm: Any, question: Any = "q") -> AIMessage:
    async def call() -> AIMessage:
        try:
            return message_chunk_to_message(reduce(add, [chunk async for chunk in llm.astream(question)]))
        finally:
            await llm.aclose()

    return asyncio.run(call())


NEWER = [events_v3] if hasattr(BaseChatModel, "stream_events") else []  # not in the oldest langchain-core
WAYS = pytest.mark.parametrize("ask", [invoked, streamed, *NEWER])
ALL_WAYS = pytest.mark.parametrize("ask", [invoked, streamed, *NEWER, ainvoked, astreamed])
WHOLE_AND_STREAMED = pytest.mark.parametrize("ask", [invoked, streamed])


def call(name: str, **args: Any) -> dict[str, Any]:
    """The part that calls a function."""
    return {"functionCall": {"name": name, "args": args}}


def response(*parts: Any, **candidate: Any) -> dict[str, Any]:
    """A response with one candidate; `candidate` are further fields of it."""
    content = {"role": "model", "parts": list(parts)}
    return {"candidates": [{"content": content, "finishReason": "STOP", **candidate}]}


def in_chunks(*parts: Any) -> list[dict[str, Any]]:
    """A stream with one part in each chunk; only the last has a finish reason."""
    chunks = [{"candidates": [{"content": {"role": "model", "parts": [part]}}]} for part in parts]
    chunks[-1]["candidates"][0]["finishReason"] = "STOP"
    return chunks


def sent_back(wire: Any, llm: Any, *messages: Any) -> list[Any]:
    """The parts of all contents but the first that a model sends for messages after a question."""
    llm.invoke([HumanMessage("q"), *messages])
    return [part for content in wire.bodies[-1]["contents"][1:] for part in content["parts"]]
