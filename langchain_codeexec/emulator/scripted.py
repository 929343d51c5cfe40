"""A brain that answers with steps given beforehand."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping
from pathlib import Path
from typing import Any, Self, cast

from langchain_codeexec.emulator.brain import (
    RESPONSE_FIELDS,
    Parts,
    Prompt,
    Step,
    When,
    prompt_line,
    step_line,
)
from langchain_codeexec.emulator.script_files import read_script
from langchain_codeexec.emulator.service_errors import EmulatedError, not_prepared
from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.executions import ExecutionResult
from langchain_codeexec.gemini.wire import GenerateContentResponse, Part

__all__ = ["ScriptedBrain"]


_REMEMBERED = 1000


class ScriptedBrain:
    """Answers requests with steps given beforehand. It is thread-safe.

    Each request uses up the first step that is left and fits; a step fits every request unless it is a `When`.

    Args:
        steps: The steps, or one function that gives the step for every prompt.

    Attributes:
        stand_in: See `Brain`.

    Raises:
        ConfigurationError: The steps or one of them are none.
    """

    stand_in: str = ""

    def __init__(self, steps: Iterable[Step | When] | Callable[[Prompt], Step]) -> None:
        if isinstance(steps, str | Mapping):
            raise ConfigurationError(
                f"the script is {steps!r:.100}; give a list of steps, or a function of the prompt"
            )
        self._always = steps if callable(steps) else None
        self._left = [] if callable(steps) else [_conditional(step) for step in steps]
        self._unanswered: deque[Prompt] = deque(maxlen=_REMEMBERED)
        self._prompts: deque[Prompt] = deque(maxlen=_REMEMBERED)
        self._received = self._answered = 0
        self._lock = threading.Lock()

    @property
    def prompts(self) -> list[Prompt]:
        """The requests so far: the last 1,000."""
        with self._lock:
            return list(self._prompts)

    @classmethod
    def from_yaml(cls, source: str | Path) -> Self:
        """Read the steps from YAML, as `langchain_codeexec.emulator.script_files` describes it.

        Args:
            source: The YAML itself, or where it is: a `Path`, or a name that ends in `.yaml` or `.yml`.

        Raises:
            ConfigurationError: The file cannot be read, is no YAML, or a step of it is none.
        """
        return cls(read_script(source))

    def respond(self, prompt: Prompt) -> Parts:
        """Answer with the next step.

        Raises:
            EmulatedError: The step says so, or none that is left fits (400, which is not tried again).
        """
        step = self._next(prompt)
        while callable(step):
            made = step(prompt)
            if isinstance(made, Generator):
                return (yield from _as_parts(made))
            step = _checked(made)
        if isinstance(step, EmulatedError):
            raise step
        if isinstance(step, dict):
            return (yield from _whole_response(step))
        items = [step] if isinstance(step, str) else step
        parts = [_part(item) for item in items]
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
            self._prompts.append(prompt)
            self._received += 1
            if self._always is not None:
                prompt.notes.append("the script is a function of the request")
                return self._always
            for index, step in enumerate(self._left):
                if step.fits(prompt):
                    del self._left[index]
                    self._answered += 1
                    prompt.notes.append(f"step: {step_line(step)}")
                    return step.reply
            self._unanswered.append(prompt)
            number, used = self._received, self._answered
            left = list(self._left)
        missing, why = "step", f"none of the {len(left)} left fits"
        if not left:
            missing, why = f"step {used + 1}", f"it ended after {used}"
        raise not_prepared(
            f"The script has no {missing} for request {number} (model {prompt.model}): {why}. Add one, or give a "
            "function of the prompt, which answers every request.\n"
            f"Request: {prompt_line(prompt)}{_lines('Step left', map(step_line, left))}"
        )

    def assert_finished(self) -> None:
        """Check that every step was used and none was missing.

        Raises:
            AssertionError: It shows the steps not used and the requests not answered.
        """
        with self._lock:
            left, unanswered = list(self._left), list(self._unanswered)
            missing = 0 if self._always else self._received - self._answered
        if left or missing:
            raise AssertionError(
                f"steps of the script not used: {len(left)}; requests not answered: {missing}"
                + _lines("Not used", map(step_line, left))
                + _lines("Not answered", map(prompt_line, unanswered))
            )


def _lines(label: str, texts: Iterable[str]) -> str:
    return "".join(f"\n{label}: {text}" for text in texts)


def _conditional(step: Step | When) -> When:
    if isinstance(step, When):
        _checked(step.reply)
        return step
    return When(reply=_checked(step))


def _checked(step: Any) -> Step:
    if isinstance(step, str | EmulatedError) or callable(step):
        return cast("Step", step)
    if isinstance(step, dict) and step.keys() <= RESPONSE_FIELDS:
        return cast("Step", step)
    if isinstance(step, list) and all(isinstance(item, str | dict | EmulatedError) for item in step):
        return step
    raise ConfigurationError(
        f"a step of the script is {step!r}; give a text, a list of parts, a whole response, "
        "an EmulatedError or a function of the prompt (a single part goes into a list)"
    )


def _part(item: Any) -> Any:
    return {"text": item} if isinstance(item, str) else item


def _as_parts(parts: Parts) -> Parts:
    """What a function yields, its texts as parts."""
    result: ExecutionResult | None = None
    while True:
        try:
            item = parts.send(result)
        except StopIteration as end:
            return cast("GenerateContentResponse | None", end.value)
        result = yield _part(item)


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
    parts = (first.get("content") or {}).get("parts")
    if not parts:
        return step
    yield parts
    bare = {name: value for name, value in first.items() if name != "content"}
    return cast("GenerateContentResponse", {**step, "candidates": [bare, *others]})
