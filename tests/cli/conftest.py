"""What the command line's tests share: a way to run it, and a service for `--live`."""

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from langchain_codeexec.cli.app import app
from langchain_codeexec.emulator.server import LocalServer
from tests.services import Gemini


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
def refusal(cli: Callable[..., Result]) -> Callable[..., str]:
    """Run a command that ends with exit code 2, and return what it prints on stderr."""

    def run(*args: str, **settings: Any) -> str:
        result = cli(*args, **settings)
        assert result.exit_code == 2
        assert "Traceback" not in result.stderr
        return words(result.stderr)

    return run


@pytest.fixture
def gemini(gemini: Gemini, monkeypatch: pytest.MonkeyPatch) -> Gemini:
    """The service that `--live` reaches."""
    monkeypatch.setenv("GOOGLE_API_KEY", "any")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", gemini.url)
    return gemini


@pytest.fixture
def serving(cli: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Result, Any]]:
    """Run a command that serves, and in a thread a client; returns what both gave, after a signal has ended it."""
    serve = LocalServer.serve

    def run(*args: str, client: Callable[[str], object], end: int = signal.SIGINT) -> tuple[Result, Any]:
        future: Future[Any] = Future()

        def use(url: str) -> None:
            try:
                future.set_result(client(url))
            except BaseException as failure:  # noqa: BLE001 -- raised again where the test sees it
                future.set_exception(failure)
            finally:
                os.kill(os.getpid(), end)

        def watched(server: LocalServer, announce: Callable[[str], None]) -> None:
            def announced(url: str) -> None:
                announce(url)
                threading.Thread(target=use, args=(url,)).start()

            serve(server, announced)

        monkeypatch.setattr(LocalServer, "serve", watched)
        return cli(*args, "--port", "0"), future.result()

    return run
