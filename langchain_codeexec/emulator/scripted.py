"""A brain that says what it was told to."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from langchain_codeexec.emulator.service_errors import EmulatedError
from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.gemini.wire import GenerateContentResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from langchain_codeexec.emulator.brain import Prompt
    from langchain_codeexec.executions import ExecutionResult
    from langchain_codeexec.gemini.wire import Part

__all__ = ["ScriptedBrain", "Step"]

_Listed: TypeAlias = "list[str | Part | EmulatedError]"
Step: TypeAlias = "str | _Listed | GenerateContentResponse | EmulatedError | Callable[[Prompt], Step]"
"""The answer to one request.

- a text;
- a list of parts, where a text stands for a text part and an `EmulatedError` breaks off there. Code is
  really run; if a `codeExecutionResult` follows every code, the list goes out as it is written;
- a whole response, sent as it is written, completed by what it lacks (a field set to `None` stays out);
- an `EmulatedError`;
- a function of the prompt that gives one of these.
"""

_RESPONSE_FIELDS = frozenset(GenerateContentResponse.__annotations__)


class ScriptedBrain:
    """Answers requests with steps given beforehand, one each, in order. It is thread-safe.

    Args:
        steps: The steps, or one function that gives the step for every prompt.

    Attributes:
        prompts: What was asked so far.

    Raises:
        ConfigurationError: A step is none.
    """

    def __init__(self, steps: Iterable[Step] | Callable[[Prompt], Step]) -> None:
        self._always = steps if callable(steps) else None
        self._steps = deque[Step]() if callable(steps) else deque(map(_checked, steps))
        self._missing = 0
        self._lock = threading.Lock()
        self.prompts: list[Prompt] = []

    def respond(
        self, prompt: Prompt
    ) -> Generator[Part | list[Part], ExecutionResult | None, GenerateContentResponse | None]:
        """Answer with the next step.

        Raises:
            EmulatedError: The step says so, or there is none left (500).
        """
        step = self._next(prompt)
        while callable(step):
            step = _checked(step(prompt))
        if isinstance(step, EmulatedError):
            raise step
        if isinstance(step, dict):
            return (yield from _whole_response(step))
        items = [step] if isinstance(step, str) else step
        parts = [{"text": item} if isinstance(item, str) else item for item in items]
        if _is_written(parts):
            yield cast("list[Part]", parts)
            return None
        for part in parts:
            if isinstance(part, EmulatedError):
                raise part
            yield cast("Part", part)
        return None

    def _next(self, prompt: Prompt) -> Step:
        with self._lock:
            self.prompts.append(prompt)
            if self._always is not None:
                return self._always
            if self._steps:
                return self._steps.popleft()
            self._missing += 1
            number = len(self.prompts)
        raise EmulatedError(
            500,
            message=f"The script has no step for request {number} (model {prompt.model}): "
            f"it ended after {number - self._missing}.",
        )

    def assert_finished(self) -> None:
        """Check that every step was used and none was missing.

        Raises:
            AssertionError: It says how many.
        """
        with self._lock:
            left, missing = len(self._steps), self._missing
        if left or missing:
            raise AssertionError(f"{left} steps of the script were not used, {missing} were missing")


def _checked(step: Any) -> Step:
    if isinstance(step, str | EmulatedError) or callable(step):
        return cast("Step", step)
    if isinstance(step, dict) and step.keys() <= _RESPONSE_FIELDS:
        return cast("Step", step)
    if isinstance(step, list) and all(isinstance(item, str | dict | EmulatedError) for item in step):
        return step
    raise ConfigurationError(
        f"a step of the script is {step!r}; give a text, a list of parts, a whole response, "
        "an EmulatedError or a function of the prompt (a single part goes into a list)"
    )


def _is_written(parts: list[Any]) -> bool:
    """Whether the step holds code and a result behind every piece of it, so that nothing is left to run."""
    pending = False
    seen = False
    for part in parts:
        if isinstance(part, EmulatedError) or (pending and "executableCode" in part):
            return False
        if "executableCode" in part:
            pending = seen = True
        elif "codeExecutionResult" in part:
            pending = False
            seen = True
    return seen and not pending


def _whole_response(
    step: GenerateContentResponse,
) -> Generator[list[Part], ExecutionResult | None, GenerateContentResponse]:
    candidates = step.get("candidates")
    if not candidates:
        return step
    first, *others = candidates
    if parts := (first.get("content") or {}).get("parts"):
        yield parts
    bare = {name: value for name, value in first.items() if name != "content"}
    return cast("GenerateContentResponse", {**step, "candidates": [bare, *others]})
