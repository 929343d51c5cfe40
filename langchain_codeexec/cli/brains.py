"""What decides the emulator's answers: rules, a script, or a chat model of any provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

import langchain_codeexec.emulator
from langchain_codeexec.cli.service import STAND_IN
from langchain_codeexec.errors import ConfigurationError, MissingDependencyError

if TYPE_CHECKING:
    from pathlib import Path

    from langchain_core.language_models import BaseChatModel

    from langchain_codeexec.emulator import Brain, ScriptedBrain

__all__ = ["ChosenBrain", "chosen_brain"]


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
