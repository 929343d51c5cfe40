"""What the rule brain's tests share: programs that really run, and one way to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from langchain_codeexec.emulator.answering import input_files
from langchain_codeexec.emulator.brain import Prompt
from langchain_codeexec.emulator.rules import RuleBrain
from langchain_codeexec.executions import ExecutionRequest
from langchain_codeexec.executors.process import ProcessExecutor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from langchain_codeexec.executions import ExecutionResult
    from langchain_codeexec.executors.base import ExecutorSession

CODE = [{"codeExecution": {}}]


@pytest.fixture(scope="session")
def session() -> Iterator[ExecutorSession]:
    """One process for all programs, so that the interpreter starts once."""
    with ProcessExecutor().session() as opened:
        yield opened


@pytest.fixture(scope="session")
def run(session: ExecutorSession) -> Callable[..., ExecutionResult]:
    """Run a program in a namespace of its own: what others imported does not help it."""

    def execute(code: str, files: tuple[Any, ...] = ()) -> ExecutionResult:
        return session.run(ExecutionRequest(f"exec({code!r}, {{'__name__': '__main__'}})", files=files))

    return execute


@pytest.fixture(scope="session")
def respond(run: Callable[..., ExecutionResult]) -> Callable[[dict[str, Any]], list[dict[str, Any]]]:
    """Answer a request, running its programs, and give the parts as the emulator would."""

    def answer(request: dict[str, Any]) -> list[dict[str, Any]]:
        turn = RuleBrain().respond(Prompt("gemini-2.5-flash", "developer", request))
        parts: list[dict[str, Any]] = []
        result = None
        while True:
            try:
                part = turn.send(result)
            except StopIteration:
                return parts
            parts.append(part)
            result = None
            if "executableCode" in part:
                result = run(part["executableCode"]["code"], input_files(request))
                parts.append(
                    {"codeExecutionResult": {"outcome": result.outcome.value, "output": result.output}}
                )

    return answer


@pytest.fixture(scope="session")
def ask(respond: Callable[..., list[dict[str, Any]]]) -> Callable[..., list[dict[str, Any]]]:
    """Ask one question, with code execution unless other tools are given."""

    def one(text: str, tools: list[Any] | None = None, **request: Any) -> list[dict[str, Any]]:
        contents = [{"role": "user", "parts": [{"text": text}]}]
        return respond({"contents": contents, "tools": CODE if tools is None else tools, **request})

    return one
