"""Fixtures for tests of agents that use Gemini code execution, offline.

`gemini_emulator` is a running emulator, `gemini_code_model` a chat model bound to it. By default rules answer;
`@pytest.mark.gemini_script([...])` says what is answered instead. Nothing is imported before a test asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_codeexec.chat_model import ChatGeminiCodeExecution
    from langchain_codeexec.emulator.server import GeminiEmulator

__all__ = ["gemini_code_model", "gemini_emulator", "gemini_model_settings"]


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        "gemini_script(script, model=..., faults=...): what the Gemini emulator answers in this test: "
        "a list of steps, a function of the prompt, YAML or the name of its file; and what goes wrong",
    )


@pytest.fixture
def gemini_emulator(request: pytest.FixtureRequest) -> Iterator[GeminiEmulator]:
    """A Gemini service on a free local port, for this test alone; a script must be used up."""
    from langchain_codeexec.emulator.pytest_support import emulator_of  # noqa: PLC0415 -- only where a test asks for it

    yield from emulator_of(request)


@pytest.fixture
def gemini_model_settings() -> dict[str, Any]:
    """Settings of `gemini_code_model`; override it to change them."""
    return {}


@pytest.fixture
def gemini_code_model(
    request: pytest.FixtureRequest, gemini_emulator: GeminiEmulator, gemini_model_settings: dict[str, Any]
) -> Iterator[ChatGeminiCodeExecution]:
    """A chat model with code execution that asks `gemini_emulator`."""
    from langchain_codeexec.chat_model import ChatGeminiCodeExecution  # noqa: PLC0415 -- only where asked for
    from langchain_codeexec.emulator.pytest_support import model_of  # noqa: PLC0415 -- only where a test asks for it

    settings = {
        "model": model_of(request),
        "vertexai": False,
        "api_key": "emulated",
        "base_url": gemini_emulator.url,
        "max_retries": 0,
        **gemini_model_settings,
    }
    model = ChatGeminiCodeExecution(**settings)
    yield model
    model.close()
