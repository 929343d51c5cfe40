"""Which request a step of a script is for, and how both are shown when they do not meet."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_codeexec.errors import ConfigurationError

if TYPE_CHECKING:
    from langchain_codeexec.emulator.brain import Prompt, Step

__all__ = ["When", "last_text", "shown_prompt", "shown_step"]


_SHOWN = 200


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
        said = last_text(prompt)
        return (
            self.text.casefold() in said.casefold()
            and re.search(self.regex, said) is not None
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
    said = []
    for part in last.get("parts") or []:
        if "text" in part:
            said.append(part["text"])
        elif "functionResponse" in part:
            said.append(json.dumps(part["functionResponse"], ensure_ascii=False))
    return "\n".join(said)


def shown_prompt(prompt: Prompt) -> str:
    """A request in one line: the model, its tools and what it says last."""
    tools = [kind for tool in prompt.request.get("tools") or [] for kind in tool]
    return f"{prompt.model}, tools {tools}, says {_short(last_text(prompt))}"


def shown_step(step: Any) -> str:
    """A step in one line, its conditions first."""
    if isinstance(step, When):
        return f"when {step.conditions}: {_short(step.reply)}" if step.conditions else _short(step.reply)
    return _short(step)


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
