"""The executor to take where nobody has chosen one: the sandbox if this system allows it, else a process."""

from __future__ import annotations

import warnings
from threading import Lock
from typing import TYPE_CHECKING

from langchain_codeexec.errors import SandboxUnavailableError
from langchain_codeexec.executors.process import ProcessExecutor
from langchain_codeexec.executors.sandbox import LocalSandbox, SandboxWarning

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

    from langchain_codeexec.executions import ExecutionRequest, ExecutionResult
    from langchain_codeexec.executors.base import CodeExecutor, ExecutorSession

__all__ = ["DefaultExecutor"]

_NOTICE = "programs are not isolated here: they run as you, with your files and your network"


class DefaultExecutor:
    """Runs programs in a `LocalSandbox` where the system allows one, else in a `ProcessExecutor`, with a warning.

    Which of them is found out by the first run. For code that is not trusted take a `LocalSandbox`, which
    refuses where it cannot isolate.

    Args:
        preload: Libraries that the sandbox loads in advance.
    """

    def __init__(self, preload: Iterable[str] = ()) -> None:
        self._preload = tuple(preload)
        self._chosen: CodeExecutor | None = None
        self._lock = Lock()

    @property
    def name(self) -> str:
        """The name of the executor that is taken."""
        return self._executor().name

    def isolation(self) -> str:
        """The sandbox's mode; empty where programs are not isolated."""
        chosen = self._executor()
        return chosen.mode if isinstance(chosen, LocalSandbox) else ""

    def run(self, request: ExecutionRequest) -> ExecutionResult:
        """Run one program.

        Raises:
            ExecutorError: The executor failed.
        """
        return self._executor().run(request)

    async def arun(self, request: ExecutionRequest) -> ExecutionResult:
        """Run one program without blocking the event loop; cancelling the task kills the run.

        Raises:
            ExecutorError: The executor failed.
        """
        return await self._executor().arun(request)

    def session(self) -> AbstractContextManager[ExecutorSession]:
        """Open a session.

        Raises:
            ExecutorError: The executor failed.
        """
        return self._executor().session()

    def _executor(self) -> CodeExecutor:
        with self._lock:
            if self._chosen is None:
                try:
                    self._chosen = LocalSandbox(preload=self._preload).start()
                except SandboxUnavailableError as error:
                    warnings.warn(f"{_NOTICE}. {error}", SandboxWarning, stacklevel=3)
                    self._chosen = ProcessExecutor()
            return self._chosen
