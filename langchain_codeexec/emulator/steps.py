"""What a script may answer to one request."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from langchain_codeexec.emulator.brain import Prompt
    from langchain_codeexec.emulator.service_errors import EmulatedError
    from langchain_codeexec.executions import ExecutionResult
    from langchain_codeexec.gemini.wire import GenerateContentResponse, Part

__all__ = ["Said", "Step"]

_Listed: TypeAlias = "list[str | Part | EmulatedError]"
Said: TypeAlias = "Generator[Part | list[Part], ExecutionResult | None, GenerateContentResponse | None]"
"""An answer said piece by piece."""
Step: TypeAlias = "str | _Listed | GenerateContentResponse | EmulatedError | Callable[[Prompt], Step | Said]"
"""The answer to one request.

- a text;
- a list of parts, where a text stands for a text part and an `EmulatedError` breaks off there. Code is
  really run; if a `codeExecutionResult` follows every code, the list goes out as it is written;
- a whole response, sent as it is written, completed by what it lacks (a field set to `None` stays out);
- an `EmulatedError`;
- a function of the prompt that gives one of these, or that yields texts and parts: what `yield` gives it for
  code is the `ExecutionResult`, so that it can write failing code anew.
"""
