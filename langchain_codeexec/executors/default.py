"""The executor to take where nobody has chosen one: the sandbox, or a refusal."""

from __future__ import annotations

import logging
import os
from contextlib import AbstractContextManager
from threading import Lock

from langchain_codeexec.errors import SandboxUnavailableError
from langchain_codeexec.executions import ExecutionRequest, ExecutionResult
from langchain_codeexec.executors.base import CodeExecutor, ExecutorSession
from langchain_codeexec.executors.process import ProcessExecutor
from langchain_codeexec.sandbox.local import LocalSandbox

__all__ = ["ALLOW_UNSAFE", "DefaultExecutor"]

ALLOW_UNSAFE = "CODEEXEC_ALLOW_UNSAFE"
"""Environment variable: `1` lets code run without isolation where the system allows no sandbox."""

_NOTICE = "Programs are not isolated here: they run as you, with your files and your network"
_REMEDY = (
    "Nothing was run. `langchain-codeexec doctor --sandbox` tells what this system lacks. If you trust the code "
    f"and want it to run as you, with your files and your network, set {ALLOW_UNSAFE}=1; of an emulator also "
    "allow_unsafe_code=True, or `serve --allow-unsafe-code`"
)
_NO = frozenset({"", "0", "false", "no", "off"})

logger = logging.getLogger(__name__)


class DefaultExecutor:
    """Runs programs in a `LocalSandbox`; where the system allows none, it refuses unless that is allowed.

    Which of them is found out at the first use, which raises a `SandboxUnavailableError` where it is neither.

    Args:
        allow_unsafe: Whether a `ProcessExecutor` may stand in for the sandbox, which isolates nothing and is
            logged as a warning. By default what the environment's `CODEEXEC_ALLOW_UNSAFE` says.
    """

    def __init__(self, *, allow_unsafe: bool | None = None) -> None:
        self._allow_unsafe = _allowed_by_environment() if allow_unsafe is None else allow_unsafe
        self._chosen: CodeExecutor | SandboxUnavailableError | None = None
        self._lock = Lock()

    @property
    def name(self) -> str:
        """The name of the executor that is taken."""
        return self._executor().name

    def isolation(self) -> str:
        """The sandbox's mode; empty where programs are not isolated."""
        chosen = self._executor()
        return chosen.mode if isinstance(chosen, LocalSandbox) else ""

    def run(self, request: ExecutionRequest | str) -> ExecutionResult:
        """Run one program, given as a request or as its source text.

        Raises:
            SandboxUnavailableError: It cannot be isolated, and may not run without.
            ExecutorError: The executor failed.
        """
        return self._executor().run(ExecutionRequest.of(request))

    async def arun(self, request: ExecutionRequest | str) -> ExecutionResult:
        """Run one program without blocking the event loop; cancelling the task kills the run. See `run`."""
        return await self._executor().arun(ExecutionRequest.of(request))

    def close(self) -> None:
        """End the sandbox, if one has been started, with all its runs; the next run is refused."""
        with self._lock:
            if isinstance(self._chosen, LocalSandbox):
                self._chosen.close()

    def session(self) -> AbstractContextManager[ExecutorSession]:
        """Open a session; see `run`."""
        return self._executor().session()

    def _executor(self) -> CodeExecutor:
        with self._lock:
            if self._chosen is None:
                self._chosen = self._choose()
        if isinstance(self._chosen, SandboxUnavailableError):
            raise SandboxUnavailableError(str(self._chosen), self._chosen.reasons)
        return self._chosen

    def _choose(self) -> CodeExecutor | SandboxUnavailableError:
        try:
            return LocalSandbox(preload=()).start()
        except SandboxUnavailableError as error:
            if not self._allow_unsafe:
                return SandboxUnavailableError(f"{error}. {_REMEDY}", error.reasons)
            logger.warning("%s. %s", _NOTICE, error)
            return ProcessExecutor()


def _allowed_by_environment() -> bool:
    return os.environ.get(ALLOW_UNSAFE, "").strip().lower() not in _NO
