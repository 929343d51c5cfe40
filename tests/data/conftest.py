"""What the tests of data on its way in share: the emulator, answering by rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from langchain_codeexec import ChatGeminiCodeExecution
from langchain_codeexec.emulator import GeminiEmulator
from langchain_codeexec.emulator.scenes import SceneBrain

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def service() -> Iterator[GeminiEmulator]:
    with GeminiEmulator(SceneBrain()) as running:
        yield running


@pytest.fixture
def llm(service: GeminiEmulator) -> ChatGeminiCodeExecution:
    return ChatGeminiCodeExecution(model="gemini-3-flash-preview", api_key="any", base_url=service.url)
