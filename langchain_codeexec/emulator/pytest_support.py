"""An emulator as a test's marker describes it; what the pytest plugin is made of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_codeexec.emulator.scripted import ScriptedBrain
from langchain_codeexec.emulator.server import GeminiEmulator
from langchain_codeexec.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from langchain_codeexec.emulator.app import AppOptions
    from langchain_codeexec.emulator.brain import Brain

__all__ = ["DEFAULT_MODEL", "MARKER", "emulator_of", "model_of"]

MARKER = "gemini_script"
DEFAULT_MODEL = "gemini-3-flash-preview"
_SETTINGS = frozenset({"model", "faults"})


def emulator_of(request: pytest.FixtureRequest) -> Iterator[GeminiEmulator]:
    """Run an emulator for the time of a test, and check that its script was used up where the test passed.

    Raises:
        ConfigurationError: The marker is not used as it is meant.
        MissingDependencyError: Starlette or uvicorn is not installed.
        AssertionError: Steps are left, or requests had none.
    """
    steps, settings = _marked(request)
    brain = _brain(steps, request.path.parent) if steps else None
    options: AppOptions = {"faults": settings.get("faults", ())}
    if brain is None or isinstance(brain, ScriptedBrain):
        options["allow_unsafe_code"] = True  # the code is the test's own, which runs here unisolated as well
    failed = request.session.testsfailed
    with GeminiEmulator(brain, **options) as emulator:
        yield emulator
    if isinstance(brain, ScriptedBrain) and request.session.testsfailed == failed:
        brain.assert_finished()


def model_of(request: pytest.FixtureRequest) -> str:
    """The name of the model a test's marker asks for.

    Raises:
        ConfigurationError: The marker is not used as it is meant.
    """
    return str(_marked(request)[1].get("model", DEFAULT_MODEL))


def _marked(request: pytest.FixtureRequest) -> tuple[tuple[Any, ...], dict[str, Any]]:
    marker = request.node.get_closest_marker(MARKER)
    if marker is None:
        return (), {}
    if len(marker.args) > 1 or not marker.kwargs.keys() <= _SETTINGS:
        raise ConfigurationError(
            f"@pytest.mark.{MARKER} takes one script (a list of steps, a function, YAML or its file) and "
            f"{' and '.join(sorted(_SETTINGS))}"
        )
    return marker.args, marker.kwargs


def _brain(steps: tuple[Any, ...], directory: Path) -> Brain:
    (script,) = steps
    if hasattr(script, "respond"):
        return script  # type: ignore[no-any-return]  # a brain by its one method
    if isinstance(script, str | Path):
        is_file = isinstance(script, Path) or ("\n" not in script and script.endswith((".yaml", ".yml")))
        return ScriptedBrain.from_yaml(directory / script if is_file else script)
    return ScriptedBrain(script)
