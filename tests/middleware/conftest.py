"""The emulator of the middleware's tests, and nothing learned from one test to the next."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.append(str(Path(__file__).parent))  # test folders are no packages

from agent_shop import BUILT, close, shopkeeper

from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain
from langchain_codeexec.gemini import capabilities

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest.fixture(autouse=True)
def _nothing_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capabilities, "_known", {})


@pytest.fixture(autouse=True)
async def _models_are_closed() -> AsyncIterator[None]:
    yield
    while BUILT:
        await close(BUILT.pop())


@pytest.fixture
def shop() -> Iterator[GeminiEmulator]:
    with GeminiEmulator(ScriptedBrain(shopkeeper)) as emulator:
        yield emulator
