"""Fixtures for tests of agents that use Gemini code execution, offline.

`gemini_emulator` is a running emulator, `gemini_code_model` a chat model bound to it. By default built-in scenes
answer; `@pytest.mark.gemini_script([...])` says what is answered instead. `gemini_judge` runs a client through
faults. Nothing is imported before a test asks for it.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from langchain_codeexec.chat_model import ChatGeminiCodeExecution
    from langchain_codeexec.emulator import Brain, GeminiEmulator
    from langchain_codeexec.emulator.judging import Verdict

__all__ = ["gemini_code_model", "gemini_emulator", "gemini_judge", "gemini_model_settings"]

_MARKER = "gemini_script"
_DEFAULT_MODEL = "gemini-3-flash-preview"


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        f"{_MARKER}(script, model=..., faults=...): what the Gemini emulator answers in this test: "
        "a list of steps, a function of the prompt, YAML or the name of its file; and what goes wrong",
    )


@pytest.fixture
def gemini_emulator(request: pytest.FixtureRequest) -> Iterator[GeminiEmulator]:
    """A Gemini service on a free local port, for this test alone; a script must be used up."""
    from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain  # noqa: PLC0415 -- only where asked for

    scripts, settings = _marked(request)
    brain = _brain(scripts[0], request.path.parent) if scripts else None
    scripted = brain if isinstance(brain, ScriptedBrain) else None
    # The code of a script is the test's, which runs here unisolated as well.
    options: dict[str, Any] = {"allow_unsafe_code": True} if brain is None or scripted else {}
    failed = request.session.testsfailed
    with GeminiEmulator(brain, faults=settings.get("faults", ()), **options) as emulator:
        yield emulator
    if scripted is not None and request.session.testsfailed == failed:
        scripted.assert_finished()


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

    settings = {
        "model": _marked(request)[1].get("model", _DEFAULT_MODEL),
        "vertexai": False,
        "api_key": "emulated",
        "base_url": gemini_emulator.url,
        "max_retries": 0,
        **gemini_model_settings,
    }
    model = ChatGeminiCodeExecution(**settings)
    yield model
    model.close()


@pytest.fixture
def gemini_judge(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Sequence[str] | Callable[[], object]], list[Verdict]]:
    """Run a client once as it is and once for each fault, a command or a function; returns the verdicts.

    It finds the service by GOOGLE_GEMINI_BASE_URL or GOOGLE_VERTEX_BASE_URL, a key in GOOGLE_API_KEY. A verdict's
    `state` is `good`, `bad` or `not seen`; as a text it is a line.
    """
    from langchain_codeexec.emulator.judging import judge, run_command  # noqa: PLC0415 -- only where asked for

    scripts, _ = _marked(request)
    brain = partial(_brain, scripts[0], request.path.parent) if scripts else None

    def run(client: Sequence[str] | Callable[[], object]) -> list[Verdict]:
        def called(environment: Mapping[str, str]) -> str:
            if not callable(client):
                return run_command(client, _SECONDS, environment)
            for name, value in environment.items():
                monkeypatch.setenv(name, value)
            try:
                client()
            except Exception as error:  # noqa: BLE001 -- however it fails
                return f"{type(error).__name__}: {error}"[:120]
            return ""

        return judge(called, brain)

    return run


_SECONDS = 120
"""How long one run of a command may take."""


def _marked(request: pytest.FixtureRequest) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The script and the settings of a test's marker."""
    marker = request.node.get_closest_marker(_MARKER)
    if marker is None:
        return (), {}
    if len(marker.args) > 1 or not marker.kwargs.keys() <= {"model", "faults"}:
        from langchain_codeexec.errors import ConfigurationError  # noqa: PLC0415 -- only where a test is wrong

        raise ConfigurationError(
            f"@pytest.mark.{_MARKER} takes one script (a list of steps, a function, YAML or its file) and "
            "faults and model"
        )
    return marker.args, marker.kwargs


def _brain(script: Any, directory: Path) -> Brain:
    from langchain_codeexec.emulator import ScriptedBrain  # noqa: PLC0415 -- only where a test asks for it

    if hasattr(script, "respond"):
        return script  # type: ignore[no-any-return]  # a brain by its one method
    if isinstance(script, str | Path):
        is_file = isinstance(script, Path) or ("\n" not in script and script.endswith((".yaml", ".yml")))
        return ScriptedBrain.from_yaml(directory / script if is_file else script)
    return ScriptedBrain(script)
