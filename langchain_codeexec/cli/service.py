"""Who answers: the emulator on this machine, or the real service."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import langchain_codeexec
import langchain_codeexec.emulator
from langchain_codeexec.cli.terminal import stderr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_codeexec import ChatGeminiCodeExecution
    from langchain_codeexec.executors.base import CodeExecutor

__all__ = ["STAND_IN", "open_model"]

STAND_IN = "A rule-based stand-in answers, which is no language model; the code it writes really runs."
"""Said wherever the emulator answers."""


@contextmanager
def open_model(
    model: str,
    *,
    live: bool,
    code_execution: bool = True,
    announced: bool = True,
    executor: CodeExecutor | None = None,
) -> Iterator[ChatGeminiCodeExecution]:
    """A chat model, and for its time the emulator that answers it unless it is live.

    Args:
        model: Name of the model.
        live: Whether the real service answers, as settings and environment name it.
        code_execution: Whether the model may run code.
        announced: Whether to say on stderr that nobody but rules will answer.
        executor: What runs the emulator's code; by default the sandbox.

    Raises:
        ConfigurationError: The service cannot be reached as configured, or a library is missing.
    """
    if live:
        with closing(
            langchain_codeexec.ChatGeminiCodeExecution(model=model, code_execution=code_execution)
        ) as llm:
            yield llm
        return
    if announced:
        stderr().print(f"[dim]Offline. {STAND_IN} Ask Gemini itself with --live.[/]\n")
    with (
        langchain_codeexec.emulator.GeminiEmulator(executor=executor) as emulator,
        closing(
            langchain_codeexec.ChatGeminiCodeExecution(
                model=model,
                code_execution=code_execution,
                vertexai=False,
                api_key="offline",
                base_url=emulator.url,
                max_retries=0,
            )
        ) as llm,
    ):
        yield llm
