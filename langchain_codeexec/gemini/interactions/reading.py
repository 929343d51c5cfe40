"""The steps of an answer as their events come in, and the parts that each event adds.

Text, thoughts and the arguments of functions are given as they come, every other step once it is whole. Steps
that come at the same time are given one after the other, in the order in which they began.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from langchain_codeexec.gemini.interactions.contents import is_grouped, renamed, text_key
from langchain_codeexec.gemini.interactions.parts import (
    content_parts,
    end_of_step,
    signature_part,
    step_parts,
    unsaid_of_step,
)

__all__ = ["StepReader"]

Json = dict[str, Any]

_UNANNOUNCED: Final[Mapping[str, str]] = {
    "thought_summary": "thought",
    "thought_signature": "thought",
    "arguments_delta": "function_call",
    "code_execution_call": "code_execution_call",
    "code_execution_result": "code_execution_result",
    "function_result": "function_result",
}
"""The step that a delta belongs to whose step has not been announced."""


class StepReader:
    """Reads the steps of one answer.

    Attributes:
        steps: Those that are whole, in order.
    """

    def __init__(self) -> None:
        self.steps: list[Json] = []
        self._open: dict[int, _OpenStep] = {}
        self._waiting: dict[int, list[Json]] = {}

    def whole(self, step: Json) -> list[Json]:
        """The parts of a step that came at once."""
        self.steps.append(step)
        return step_parts(step, self.steps[-2] if len(self.steps) > 1 else None)

    def read(self, event: Json) -> list[Json]:
        """The parts that an event adds: the start of a step, a delta of it, or its end."""
        index = event.get("index")
        number = index if isinstance(index, int) else len(self._waiting)
        if self._open and number not in self._open:
            self._waiting.setdefault(number, []).append(event)
            return []
        parts = self._take(number, event)
        while not self._open and self._waiting:
            number = next(iter(self._waiting))
            for later in self._waiting.pop(number):
                parts += self._take(number, later)
        return parts

    def end(self) -> list[Json]:
        """The parts of what has begun and not been ended."""
        parts: list[Json] = []
        while self._open:
            parts += self.read({"event_type": "step.stop", "index": next(iter(self._open))})
        return parts

    def _take(self, number: int, event: Json) -> list[Json]:
        kind = event.get("event_type")
        if kind == "step.start":
            step = event.get("step")
            return self._begin(number, step if isinstance(step, dict) else {})
        if kind == "step.stop":
            step = self._open.pop(number, None)
            if step is None:
                return []
            parts = step.stop()
            self.steps.append(step.step)
            return parts
        delta = event.get("delta")
        if not isinstance(delta, dict):
            return []
        parts = []
        if number not in self._open:
            parts = self._begin(number, {"type": _UNANNOUNCED.get(str(delta.get("type")), "model_output")})
        return parts + self._open[number].delta(delta)

    def _begin(self, number: int, step: Json) -> list[Json]:
        before = self.steps[-1] if self.steps else None
        self._open[number] = opened = _Grouped(step, before) if is_grouped(step) else _Single(step)
        return opened.start()


class _Single:
    """A call, a result or an unknown step."""

    def __init__(self, step: Json) -> None:
        self.step = {key: value for key, value in step.items() if (key, value) != ("signature", "")}
        self._arguments: list[str] = []

    def start(self) -> list[Json]:
        return []

    def delta(self, delta: Json) -> list[Json]:
        if delta.get("type") == "arguments_delta":
            text = str(delta.get("arguments") or "")
            head = {} if self._arguments else renamed(self.step, id="id", name="name")
            self._arguments.append(text)
            piece = {**head, "argsText": text, "willContinue": True}
            return [{"functionCall": piece}] if self.step.get("type") == "function_call" else []
        for key, value in delta.items():
            if key != "type" and (key, value) != ("signature", ""):
                self.step[key] = _grown(self.step.get(key), value)
        return []

    def stop(self) -> list[Json]:
        if self._arguments:
            text = "".join(self._arguments)
            try:
                self.step["arguments"] = json.loads(text or "{}")
            except (ValueError, RecursionError):
                self.step["arguments"] = text
        parts = step_parts(self.step)
        if self._arguments and self.step.get("type") == "function_call":
            parts[0]["functionCall"] = {}  # all of it was given
        return parts


class _Grouped:
    """A thought, or what the model says."""

    def __init__(self, step: Json, before: Json | None) -> None:
        self._key = text_key(step)
        given = step.get(self._key)
        self._given: list[Json] = (
            [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
        )
        self.step = {key: value for key, value in step.items() if (key, value) != ("signature", "")}
        if self._given:
            self.step[self._key] = []
        self._is_thought = step["type"] == "thought"
        self._before = before
        self._text: list[str] = []
        self._last: Json | None = None

    def start(self) -> list[Json]:
        parts = end_of_step(self._before, self.step)
        for content in self._given:
            parts += self._ended()
            parts += self._begun(content)
        return parts

    def delta(self, delta: Json) -> list[Json]:
        kind = delta.get("type")
        if kind == "thought_signature":
            self.step["signature"] = delta.get("signature") or self.step.get("signature", "")
            return []
        if kind == "text_annotation_delta":
            if self._last is not None:
                self._last["annotations"] = _grown(
                    self._last.get("annotations"), delta.get("annotations") or []
                )
            return []
        content = delta.get("content") if kind == "thought_summary" else delta
        if not isinstance(content, dict):
            return []
        is_text = content.get("type") == "text" and isinstance(content.get("text"), str)
        if is_text and self._last is not None:  # annotations may come between pieces of their text
            return self._more(content["text"])
        return [*self._ended(), *self._begun(content)]

    def stop(self) -> list[Json]:
        parts = self._ended()
        if self._is_thought:
            parts += signature_part(self.step)
        return parts + unsaid_of_step(self.step)

    def _begun(self, content: Json) -> list[Json]:
        content = dict(content)
        self.step.setdefault(self._key, []).append(content)
        if content.get("type") != "text" or not isinstance(content.get("text"), str):
            return content_parts(content, is_thought=self._is_thought)
        self._last, text = content, content["text"]
        return self._more(text)

    def _more(self, text: str) -> list[Json]:
        self._text.append(text)
        thought = {"thought": True} if self._is_thought else {}
        return [{"text": text, **thought}] if text else []

    def _ended(self) -> list[Json]:
        """What is left to say of the last text."""
        content, self._last = self._last, None
        if content is None:
            return []
        content["text"] = "".join(self._text)
        self._text.clear()
        parts = content_parts(content, is_thought=self._is_thought)
        return parts[1:] if content["text"] else parts


_OpenStep = _Single | _Grouped


def _grown(before: Any, value: Any) -> Any:
    """A field after another delta of it, which repeats it, goes on with it, or fills it in."""
    if isinstance(before, str) and isinstance(value, str):
        return value if value.startswith(before) else before + value
    if isinstance(before, list) and isinstance(value, list):
        return value if value[: len(before)] == before else [*before, *value]
    if isinstance(before, dict) and isinstance(value, dict):
        return {**before, **{key: _grown(before.get(key), each) for key, each in value.items()}}
    return value
