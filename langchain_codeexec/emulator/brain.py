"""What decides the emulator's answers: a brain, the prompt it gets, and the steps a script may answer with."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from langchain_codeexec.emulator.parsing import tool_kinds
from langchain_codeexec.emulator.service_errors import EmulatedError
from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.executions import ExecutionResult
from langchain_codeexec.gemini.wire import (
    EndpointKind,
    GenerateContentRequest,
    GenerateContentResponse,
    Part,
)

__all__ = [
    "RESPONSE_FIELDS",
    "Brain",
    "Parts",
    "Prompt",
    "Step",
    "When",
    "last_text",
    "prompt_line",
    "step_line",
]

RESPONSE_FIELDS = frozenset(GenerateContentResponse.__annotations__)
"""What tells a response from a part."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A checked request as a brain sees it.

    Attributes:
        model: Bare model name.
        endpoint: Which service the client believes it talks to.
        request: The body, keys in camelCase, already found valid, a cached content that it names in front.
        cached: How many tokens of it are that cached content's, by modality.
        notes: What a brain cares to say about how it came to its answer. The emulator's page shows it; clients
            do not see it.
    """

    model: str
    endpoint: EndpointKind
    request: GenerateContentRequest
    cached: Mapping[str, int] = field(default_factory=dict, compare=False, repr=False)
    notes: list[str] = field(default_factory=list, compare=False, repr=False)


Parts: TypeAlias = Generator[Part | list[Part], ExecutionResult | None, GenerateContentResponse | None]
"""An answer, part by part: see `Brain`."""


class Brain(Protocol):
    """Decides what the model says.

    `respond` is a generator of parts. When it yields an `executableCode` part, the emulator runs the code,
    puts the `codeExecutionResult` part and any images into the answer, and sends the `ExecutionResult`
    back as the value of that `yield`; every other `yield` gives `None`. Ids and thought signatures are the
    emulator's business. It runs in a worker thread of its own, so it may block.

    A brain with an attribute `stand_in`, a few words, has them behind the model's name in its answers, so that a
    kept answer is not taken for the service's.

    Three things a brain may do beyond that: yield a list of parts, which goes out as it is (nothing is run and
    nothing added), yield a response, which goes out as a chunk of its own, and return the fields of the response
    it sets itself (`finishReason`, `usageMetadata`, `promptFeedback` and so on), which replace the emulator's. It
    may raise `EmulatedError` to answer with an
    error.
    """

    def respond(self, prompt: Prompt) -> Parts:
        """Answer one request, part by part."""
        ...


_Listed: TypeAlias = list[str | Part | EmulatedError]
Step: TypeAlias = str | _Listed | GenerateContentResponse | EmulatedError | Callable[[Prompt], Any]
"""The answer to one request.

- a text;
- a list of parts, where a text stands for a text part and an `EmulatedError` breaks off there. Code is
  really run; if a `codeExecutionResult` follows every code, the list goes out as it is written. A response among
  them goes out as a chunk of its own, completed only by ids and the model's name; where one ends the list it ends
  the stream, and without a stream all chunks become one answer;
- a whole response, sent as it is written, completed by what it lacks (a field set to `None` stays out);
- an `EmulatedError`;
- a function of the prompt that gives one of these, or that yields texts and parts: what `yield` gives it for
  code is the `ExecutionResult`, so that it can write failing code anew.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """A step for the first request that meets all of its conditions.

    Attributes:
        reply: The step.
        text: What the last turn says; upper and lower case are the same. A function response says its JSON.
        regex: A regular expression that is found in what the last turn says.
        model: Name of the model.

    Raises:
        ConfigurationError: `regex` is no regular expression.
    """

    reply: Step
    text: str = ""
    regex: str = ""
    model: str = ""

    def __post_init__(self) -> None:
        try:
            re.compile(self.regex)
        except (re.error, TypeError) as error:
            raise ConfigurationError(
                f"regex {self.regex!r} of a step is no regular expression: {error}"
            ) from error

    def fits(self, prompt: Prompt) -> bool:
        """Whether a request meets the conditions."""
        text = last_text(prompt)
        return (
            self.text.casefold() in text.casefold()
            and re.search(self.regex, text) is not None
            and self.model in ("", prompt.model)
        )

    @property
    def conditions(self) -> dict[str, str]:
        """Those that are set."""
        every = {"text": self.text, "regex": self.regex, "model": self.model}
        return {name: value for name, value in every.items() if value}


def last_text(prompt: Prompt) -> str:
    """What the last turn of a request says: its texts, and its function responses as JSON, line by line."""
    *_, last = prompt.request.get("contents") or [{}]
    lines = []
    for part in last.get("parts") or []:
        if "text" in part:
            lines.append(part["text"])
        elif "functionResponse" in part:
            lines.append(json.dumps(part["functionResponse"], ensure_ascii=False))
    return "\n".join(lines)


def prompt_line(prompt: Prompt) -> str:
    """A request in one line: the model, its tools and what it says last."""
    return f"{prompt.model}, tools {tool_kinds(prompt.request)}, says {_short(last_text(prompt))}"


def step_line(step: Any) -> str:
    """A step in one line, its conditions first."""
    if isinstance(step, When):
        return f"when {step.conditions}: {_short(step.reply)}" if step.conditions else _short(step.reply)
    return _short(step)


_SHOWN = 200


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
