"""Fuzzing of what stands on answers: verification, attribution, and agents with all middleware."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from hypothesis import strategies as st
from langchain.agents import create_agent
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.errors import GraphRecursionError

from langchain_codeexec.errors import CodeExecError
from langchain_codeexec.executions import ExecutionRequest, ExecutionResult, Outcome
from langchain_codeexec.grounding import documents_as_data, verify_executions
from langchain_codeexec.grounding.attribution import attributed
from langchain_codeexec.middleware import (
    CodeExecutionMiddleware,
    DocumentCalculationMiddleware,
    OutputsMiddleware,
    VerificationMiddleware,
)
from tests.fuzz.targets import CALL, CHUNKS, FOREIGN, MESSAGES, TEXTS, Target, broken, chat, history_of, made
from tests.services import NEW, OLD


class Printing:
    """An executor that runs nothing, and says that 1 was printed."""

    name = "printing"

    def run(self, request: ExecutionRequest | str) -> ExecutionResult:
        return ExecutionResult(Outcome.OK, stdout="1\n")

    async def arun(self, request: ExecutionRequest | str) -> ExecutionResult:
        return self.run(request)

    @contextmanager
    def session(self) -> Iterator[Any]:
        yield self

    def cancel(self) -> None: ...


def verification(fields: Any) -> None:
    for message in made(fields):
        with suppress(CodeExecError):
            repr(verify_executions(message, Printing(), history=history_of(message)[:-1]))


METADATA = broken(st.just({"source": "a", "url": "https://x", "title": "t", "page": 1, "id": "d"}), FOREIGN)
TABLE = "| year | value |\n|---|---|\n| 2024 | 1,234.5 |\n"
DOCUMENTS = st.lists(st.tuples(TEXTS | st.just(TABLE), METADATA), max_size=3)


def documents(given: Any) -> Iterator[Document]:
    for text, metadata in given:
        with suppress(ValueError):  # pydantic's
            yield Document(page_content=text, metadata=metadata)


def attribution(given: tuple[Any, Any, str]) -> None:
    pages, fields, question = given
    with suppress(CodeExecError):
        data = documents_as_data(list(documents(pages)))
        for message in made(fields):
            if isinstance(message, AIMessage):
                repr(attributed(message, question, data, history=history_of(message)[:-1]))


def agents(given: tuple[Any, Any, Any]) -> None:
    """An agent whose conversation, documents and answers are odd."""
    pages, fields, chunks = given
    if not isinstance(chunks, list) or not chunks:
        return
    reply = ToolMessage("found", tool_call_id="f1", artifact=list(documents(pages)))
    for message in made(fields):
        middleware = [
            VerificationMiddleware(Printing()),
            DocumentCalculationMiddleware(),
            OutputsMiddleware(replay_images="none", uploads=True),
            CodeExecutionMiddleware(),
        ]
        history = [*history_of(message), HumanMessage("and?"), AIMessage("", tool_calls=[CALL]), reply]
        with suppress(CodeExecError, GraphRecursionError):
            agent = create_agent(chat(chunks, NEW if len(pages) % 2 else OLD), [], middleware=middleware)
            agent.invoke({"messages": history}, {"recursion_limit": 8})


TARGETS = {
    "verification": Target(MESSAGES, verification),
    "attribution": Target(st.tuples(DOCUMENTS, MESSAGES, TEXTS), attribution),
    "agents": Target(st.tuples(DOCUMENTS, MESSAGES, CHUNKS), agents),
}
