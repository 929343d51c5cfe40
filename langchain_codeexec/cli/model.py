"""Who answers: the emulator on this machine, or the real service.

What decides the emulator's answers: rules, a script, or a chat model of any provider.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

import langchain_codeexec
import langchain_codeexec.emulator
from langchain_codeexec.cli.output import stderr
from langchain_codeexec.errors import ConfigurationError, MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from langchain_core.language_models import BaseChatModel

    from langchain_codeexec.chat_model import ChatGeminiCodeExecution
    from langchain_codeexec.emulator.brain import Brain
    from langchain_codeexec.emulator.scripted import ScriptedBrain
    from langchain_codeexec.executors.base import CodeExecutor

__all__ = ["STAND_IN", "ChosenBrain", "chosen_brain", "open_model"]

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


class ChosenBrain(NamedTuple):
    """What answers.

    Attributes:
        told: What users are told of it.
        brain: The brain; `None` for the rules.
        script: The same where it is a script, which has an end.
    """

    told: str
    brain: Brain | None = None
    script: ScriptedBrain | None = None


def chosen_brain(script: Path | None, model: str | None) -> ChosenBrain:
    """The brain that options name.

    Args:
        script: A YAML file of steps.
        model: `PROVIDER:MODEL`, as `langchain.chat_models.init_chat_model` knows them.

    Raises:
        ConfigurationError: The file is no script, or the model cannot be set up.
        MissingDependencyError: langchain is not installed.
    """
    if script is not None:
        steps = langchain_codeexec.emulator.ScriptedBrain.from_yaml(script)
        return ChosenBrain(f"The steps of {script} answer; the code in them really runs.", steps, steps)
    if model is not None:
        brain = langchain_codeexec.emulator.LangChainBrain(_chat_model(model))
        return ChosenBrain(f"{model} answers; the code it writes really runs.", brain)
    return ChosenBrain(STAND_IN)


def _chat_model(name: str) -> BaseChatModel:
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
        told = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise ConfigurationError(f"--brain {name} cannot be set up: {told}") from error
