"""What the middleware's tests share: a shop, and nothing learned from one test to the next."""

from collections.abc import AsyncIterator

import pytest

from langchain_codeexec.gemini import capabilities
from tests.middleware.agent_shop import BUILT, close, shopkeeper
from tests.services import Gemini


@pytest.fixture(autouse=True)
def _nothing_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capabilities, "_known", {})


@pytest.fixture(autouse=True)
async def _models_are_closed() -> AsyncIterator[None]:
    yield
    while BUILT:
        await close(BUILT.pop())


@pytest.fixture
def shop(gemini: Gemini) -> Gemini:
    gemini.says(shopkeeper)
    return gemini
