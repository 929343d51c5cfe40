"""What all tests share: a quiet, repeatable hypothesis and the switch for the real service."""

from __future__ import annotations

import gc
import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import certifi
import pytest
from hypothesis import HealthCheck, settings

from langchain_codeexec.gemini import retries
from tests.services import _gemini, _scenes, _wire, endpoint, gemini, sandbox, scenes, wire  # noqa: F401 -- fixtures

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = ["langchain_codeexec.pytest_plugin"] + [
    plugin
    for plugin in ("syrupy", "pytest_benchmark.plugin", "pytest_recording.plugin")
    if find_spec(plugin.partition(".")[0])
]
"""Of LangChain's own suites, where those are installed."""

settings.register_profile(
    "default",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("thorough", settings.get_profile("default"), derandomize=False, max_examples=2000)
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


def pytest_collection_finish(session: pytest.Session) -> None:
    """What the tests' modules hold stays to the end: the collector need not look at it again and again."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _short_waits(request: pytest.FixtureRequest) -> Iterator[None]:
    """Before another attempt; how long it is, tests of retries show."""
    with pytest.MonkeyPatch.context() as patch:
        if not request.config.getoption("--live"):
            patch.setattr(retries._RANDOM, "uniform", lambda low, high: low + (high - low) / 100)
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_certificate(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each client of other packages reads all authorities there are, which takes longer than its test."""
    if not request.config.getoption("--live"):
        end = "-----END CERTIFICATE-----\n"
        first = Path(certifi.where()).read_text(encoding="utf-8").partition(end)[0]
        path = tmp_path_factory.mktemp("authorities") / "one.pem"
        path.write_text(first + end, encoding="utf-8")
        os.environ["SSL_CERT_FILE"] = str(path)


MAY_SKIP = (
    "talks to the real service",
    "needs GEMINI_API_KEY",
    "VCR not set up",
    "no Python 3.",
    "needs root",
    "only root",
    "no IPv6",
)
"""What may be missing even in CI; any other skip there means that a part was not installed."""


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not os.environ.get("CI") or hasattr(session.config, "workerinput"):
        return
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    reasons = {str(report.longrepr[-1]) for report in reporter.stats.get("skipped", ())}
    missing = sorted(reason for reason in reasons if not any(allowed in reason for allowed in MAY_SKIP))
    if missing:
        reporter.write_line(f"skipped although this is CI: {'; '.join(missing)}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def _no_ambient_settings(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on what the machine it runs on is signed in to, and none that runs pytest is measured."""
    if request.node.get_closest_marker("live"):
        return
    for name in list(os.environ):
        if name.startswith(("GOOGLE_", "GEMINI_", "LANGSMITH_", "LANGCHAIN_", "CLOUDSDK_", "SLIPCOVER_")):
            monkeypatch.delenv(name)
