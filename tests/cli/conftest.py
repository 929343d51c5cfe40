"""What the command line's tests share: a way to run it, and a service that follows a script."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from langchain_codeexec.cli.app import app
from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain
from langchain_codeexec.emulator.server import LocalServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from typer.testing import Result


def words(text: str) -> str:
    """A text without the lines and frames that a terminal's width gives it."""
    return " ".join(text.replace("│", "").split())


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command in an empty directory; what it raises beside exits is the test's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("APPDATA", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)

    def run(*args: str, **settings: Any) -> Result:
        result = CliRunner().invoke(app, list(args), **settings)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def gemini(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., GeminiEmulator]]:
    """Let `--live` reach a server that follows a script."""
    running: list[GeminiEmulator] = []

    def start(*script: Any) -> GeminiEmulator:
        emulator = GeminiEmulator(ScriptedBrain(script)).start()
        running.append(emulator)
        monkeypatch.setenv("GOOGLE_API_KEY", "any")
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", emulator.url)
        return emulator

    yield start
    for emulator in running:
        emulator.stop()


@pytest.fixture
def serving(cli: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command that serves; a client in a thread of its own asks it things, and then ends it by a signal."""
    serve = LocalServer.serve

    def run(*args: str, client: Callable[[str], object], end: int = signal.SIGINT) -> Result:
        failures: list[BaseException] = []

        def use(url: str) -> None:
            try:
                client(url)
            except BaseException as failure:  # noqa: BLE001 -- raised again where the test sees it
                failures.append(failure)
            finally:
                os.kill(os.getpid(), end)

        def watched(server: LocalServer, announce: Callable[[str], None]) -> None:
            def announced(url: str) -> None:
                announce(url)
                threading.Thread(target=use, args=(url,)).start()

            serve(server, announced)

        monkeypatch.setattr(LocalServer, "serve", watched)
        result = cli(*args)
        if failures:
            raise failures[0]
        return result

    return run
