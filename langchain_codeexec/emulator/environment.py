"""Where programs run if nobody has given an executor: isolated, and with the libraries of Gemini's environment.

Where a program imports something else it gets a `ModuleNotFoundError`, as it would there, although this machine
has it. What the libraries themselves need stays open to them. This is no protection: a program that wants to
can get around it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Literal, TypeAlias

from langchain_codeexec.executions import ExecutionRequest, ExecutionResult
from langchain_codeexec.executors.base import CodeExecutor, ExecutorSession
from langchain_codeexec.executors.default import ALLOW_UNSAFE, DefaultExecutor

__all__ = ["GeminiLibraries", "Libraries", "default_executor"]

Libraries: TypeAlias = Literal["gemini", "all"]
"""Which libraries programs can import: those of Gemini's environment, or all that are installed here."""

GEMINI_LIBRARIES = frozenset(
    # What the documentation of Vertex AI lists
    "altair chess cv2 matplotlib mpl_toolkits mpmath numpy pandas pdfminer pylab reportlab seaborn sklearn "
    "statsmodels striprtf sympy tabulate "
    # What that of the Gemini API lists besides
    "attr attrs contourpy dateutil docx fpdf geopandas google imageio jinja2 joblib jsonschema "
    "jsonschema_specifications lxml openpyxl packaging PIL pptx pylatex pyparsing PyPDF2 scipy six tensorflow "
    "toolz xlrd "
    # What recorded programs imported besides, a dependency of pandas
    "pytz".split()
)
"""Names as programs import them. Sources: the two documentations of code execution, and recorded traffic."""

_FENCE = f"""\
def fence(allowed):
    import os, sys
    from importlib.machinery import PathFinder

    machinery = {{"importlib", "importlib._bootstrap", "importlib._bootstrap_external", "importlib.util"}}

    def importer():
        frame = sys._getframe(2)
        while frame is not None and frame.f_globals.get("__name__") in machinery:
            frame = frame.f_back
        return frame and frame.f_globals.get("__name__")

    class Fence(PathFinder):
        @classmethod
        def find_spec(cls, name, path=None, target=None):
            local = os.path.exists(name + ".py") or os.path.isdir(name)
            free = path is not None or name in allowed or local
            return super().find_spec(name, path, target) if free or importer() != "__main__" else None

    sys.meta_path[:] = [Fence if finder is PathFinder else finder for finder in sys.meta_path]

fence({sorted(GEMINI_LIBRARIES)} + list(__import__("sys").stdlib_module_names))
del fence
"""
"""Run before each program, because the one before may have ended the process; a second time it does nothing."""


def default_executor(libraries: Libraries = "gemini", *, allow_unsafe: bool | None = None) -> CodeExecutor:
    """What runs programs, one for all emulators of this process: a sandbox takes time to start.

    Args:
        libraries: What programs can import.
        allow_unsafe: As for `DefaultExecutor`.
    """
    executor = _shared(os.getpid(), os.environ.get(ALLOW_UNSAFE), allow_unsafe)
    return GeminiLibraries(executor) if libraries == "gemini" else executor


@cache
def _shared(process: int, setting: str | None, allow_unsafe: bool | None) -> DefaultExecutor:  # noqa: ARG001 -- a fork and another setting have their own
    return DefaultExecutor(allow_unsafe=allow_unsafe)


class GeminiLibraries:
    """An executor whose programs can import the libraries of Gemini's environment only."""

    def __init__(self, executor: CodeExecutor) -> None:
        self._executor = executor

    @property
    def name(self) -> str:
        """The name of the executor within."""
        return self._executor.name

    def run(self, request: ExecutionRequest) -> ExecutionResult:
        """Run one program."""
        with self.session() as session:
            return session.run(request)

    async def arun(self, request: ExecutionRequest) -> ExecutionResult:
        """Run one program without blocking the event loop."""
        return await asyncio.to_thread(self.run, request)

    @contextmanager
    def session(self) -> Iterator[ExecutorSession]:
        """Open a session of the executor within."""
        with self._executor.session() as session:
            yield _FencedSession(session)


class _FencedSession:
    def __init__(self, session: ExecutorSession) -> None:
        self._session = session

    def cancel(self) -> None:
        if cancel := getattr(self._session, "cancel", None):
            cancel()

    def run(self, request: ExecutionRequest) -> ExecutionResult:
        self._session.run(ExecutionRequest(_FENCE))
        return self._session.run(request)
