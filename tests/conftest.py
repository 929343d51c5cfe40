"""What all tests share: a quiet, repeatable hypothesis and the switch for the real service."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "default",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("default")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--live", action="store_true", help="also run the tests that talk to the real service")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--live"):
        return
    skip = pytest.mark.skip(reason="talks to the real service: run with --live and credentials")
    for item in items:
        if item.get_closest_marker("live"):
            item.add_marker(skip)


@pytest.fixture(autouse=True)
def _no_ambient_settings(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on what the machine it runs on is signed in to."""
    if request.node.get_closest_marker("live"):
        return
    for name in list(os.environ):
        if name.startswith(("GOOGLE_", "GEMINI_", "LANGSMITH_", "LANGCHAIN_", "CLOUDSDK_")):
            monkeypatch.delenv(name)
