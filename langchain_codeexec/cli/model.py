"""What answers: the real service, or the emulator with scenes, a script or any chat model as its brain."""

from __future__ import annotations

import json
from collections import deque
from contextlib import closing, contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import typer
from pydantic import ValidationError

import langchain_codeexec
import langchain_codeexec.emulator
from langchain_codeexec.cli.output import print_unfinished, stderr
from langchain_codeexec.errors import ConfigurationError, MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from langchain_core.language_models import BaseChatModel

    from langchain_codeexec.chat_model import ChatGeminiCodeExecution
    from langchain_codeexec.emulator.brain import Brain
    from langchain_codeexec.emulator.scripted import ScriptedBrain
    from langchain_codeexec.executors.base import CodeExecutor

__all__ = ["chosen_brain", "offline_model", "open_model"]


@contextmanager
def open_model(  # noqa: PLR0913 -- one for each option
    model: str,
    *,
    live: bool,
    script: Path | None,
    brain: str | None,
    code_execution: bool,
    settings: Sequence[str] | None = None,
) -> Iterator[ChatGeminiCodeExecution]:
    """A chat model, and for its time the emulator that answers it unless it is live.

    Raises:
        BadParameter: A setting is no `NAME=VALUE`, or more than one of them is to answer.
        ConfigurationError: What is to answer cannot be set up, or a library is missing.
    """
    chosen = chosen_brain(script, brain, live=live)
    values: dict[str, Any] = {"model": model, "code_execution": code_execution}
    values |= map(_setting, settings or ())
    if live:
        with closing(_chat_model(values)) as llm:
            yield llm
        return
    stderr().print(
        f"Offline. {chosen.description} Ask Gemini itself with --live.\n", style="dim", markup=False
    )
    with offline_model(chosen.brain, **values) as llm:
        yield llm
    if chosen.script:
        print_unfinished(chosen.script)


def _chat_model(settings: Mapping[str, Any]) -> ChatGeminiCodeExecution:
    try:
        return langchain_codeexec.ChatGeminiCodeExecution(**settings)
    except ValidationError as error:
        problems = map(_problem, error.errors())
        raise ConfigurationError("; ".join(problems)) from error


def _problem(detail: Any) -> str:
    name, problem = detail["loc"][0], detail["msg"]
    if detail["type"] == "extra_forbidden":
        close = get_close_matches(name, langchain_codeexec.ChatGeminiCodeExecution.model_fields, 1)
        problem = f"there is no such setting{f'; do you mean {close[0]}?' if close else ''}"
    return f"--set {name}: {problem}"


def _setting(text: str) -> tuple[str, Any]:
    """Name and value; a value in brackets or braces is JSON, any other a text that the setting reads."""
    name, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter(f"--set {text} has no value; write NAME=VALUE, such as timeout=300")
    if name in ("api_key", "google_api_key"):
        raise typer.BadParameter("whoever lists processes would read the key; set GOOGLE_API_KEY instead")
    try:
        return name, json.loads(value) if value.startswith(("[", "{")) else value
    except ValueError as error:
        raise typer.BadParameter(f"--set {name}: the value is no JSON: {error}") from None


@contextmanager
def offline_model(
    brain: Brain | None = None, *, executor: CodeExecutor | None = None, **settings: Any
) -> Iterator[ChatGeminiCodeExecution]:
    """A chat model and the emulator that answers it; by default from the scenes, with code in the sandbox."""
    with langchain_codeexec.emulator.GeminiEmulator(brain, executor, log=deque(maxlen=0)) as emulator:
        connection = {"vertexai": False, "api_key": "offline", "base_url": emulator.url}
        values: dict[str, Any] = {"max_retries": 0} | settings | connection
        with closing(_chat_model(values)) as llm:
            yield llm


@dataclass(frozen=True, slots=True)
class ChosenBrain:
    """What answers in the emulator."""

    description: str  # a sentence about it
    brain: Brain | None = None  # the brain; `None` for the scenes
    script: ScriptedBrain | None = None  # the same where it is a script, which has an end


def chosen_brain(script: Path | None = None, brain: str | None = None, *, live: bool = False) -> ChosenBrain:
    """The brain that options name, with its name in its answers; the scenes name themselves.

    Raises:
        BadParameter: More than one of them is to answer.
        ConfigurationError: The file is no script, or the model cannot be set up.
        MissingDependencyError: langchain is not installed.
    """
    given = [name for name, value in (("--live", live), ("--script", script), ("--brain", brain)) if value]
    if len(given) > 1:
        raise typer.BadParameter(f"{' and '.join(given)} exclude each other; give one of them alone")
    if script is not None:
        steps = langchain_codeexec.emulator.ScriptedBrain.from_yaml(script)
        steps.stand_in = f"stand-in: script {script.name}"
        return ChosenBrain(f"The steps of {script} answer; the code in them really runs.", steps, steps)
    if brain is not None:
        model = langchain_codeexec.emulator.LangChainBrain(_brain(brain))
        model.stand_in = f"stand-in: {brain}"
        return ChosenBrain(f"{brain} answers; the code it writes really runs.", model)
    from langchain_codeexec.emulator.scenes import STAND_IN  # noqa: PLC0415 -- `--help` needs no server

    return ChosenBrain(STAND_IN)


def _brain(name: str) -> BaseChatModel:
    provider, _, model = name.partition(":")
    if not (provider and model):
        raise ConfigurationError(
            f"--brain {name!r} names no model; give PROVIDER:MODEL, such as ollama:qwen3"
        )
    try:
        from langchain.chat_models import init_chat_model  # noqa: PLC0415 -- an optional library
    except ImportError as error:
        raise MissingDependencyError("langchain", "agents") from error
    try:
        return init_chat_model(model, model_provider=provider)
    except Exception as error:  # each provider raises errors of its own
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise ConfigurationError(f"--brain {name} cannot be set up: {reason}") from error
