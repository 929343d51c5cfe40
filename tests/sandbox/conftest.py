"""One sandbox for each mode and for all tests of a process; modes this system does not allow are skipped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from langchain_codeexec.errors import SandboxUnavailableError
from langchain_codeexec.executors import ProcessExecutor
from langchain_codeexec.sandbox import worker
from langchain_codeexec.sandbox.local import LocalSandbox
from langchain_codeexec.sandbox.modes import MODES
from tests.sandbox.attacks.attack import LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_codeexec.sandbox.local import LocalExecutor


def started(mode: str) -> LocalSandbox:
    sandbox = LocalSandbox(mode=mode, preload=(), **LIMITS)
    try:
        return sandbox.start()
    except SandboxUnavailableError as error:
        sandbox.close()
        pytest.skip(f"{mode}: {error.reasons[mode]}")


@pytest.fixture(scope="module", params=[*MODES, "process"])
def executor(request: pytest.FixtureRequest) -> Iterator[LocalExecutor]:
    """What takes calls: each mode, and processes without isolation."""
    with ProcessExecutor() if request.param == "process" else started(request.param) as executor:
        yield executor


@pytest.fixture(autouse=True)
def _looks_around_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits of calls, and cancelling, are seen to at once."""
    monkeypatch.setattr(worker, "_LOOK_AROUND", 0.05)


@pytest.fixture(scope="session", params=MODES)
def confined(request: pytest.FixtureRequest) -> Iterator[LocalSandbox]:
    """In each mode, with limits that tests can reach."""
    with started(request.param) as sandbox:
        yield sandbox
