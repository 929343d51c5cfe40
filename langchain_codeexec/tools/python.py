"""The tool for code on the own machine."""

from __future__ import annotations

import inspect
from typing import Any

from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.sandbox.local import LocalSandbox
from langchain_codeexec.tools.code_execution import CodeExecutionTool

__all__ = ["PythonTool"]


class PythonTool(CodeExecutionTool):
    """A `CodeExecutionTool` with a `LocalSandbox` of its own, which starts with the first call.

    Closing the tool, or leaving it as a context manager, ends the sandbox; so does the end of the program.

    Args:
        **settings: Those of `CodeExecutionTool`, and those of `LocalSandbox` (`timeout`, `preload`,
            `memory_bytes` and so on).

    Raises:
        ConfigurationError: A setting is unknown or wrong.

    Examples:
        >>> create_agent(model, tools=[PythonTool(timeout=10)])  # doctest: +SKIP
    """

    def __init__(self, **settings: Any) -> None:
        own = {name: settings.pop(name) for name in list(settings) if name in type(self).model_fields}
        taken = own.keys() & {"llm", "executor"}
        unknown = settings.keys() - inspect.signature(LocalSandbox).parameters.keys()
        if taken or unknown:
            raise ConfigurationError(
                f"PythonTool has no setting {', '.join(sorted(taken | unknown))}; it takes those of "
                "CodeExecutionTool and of LocalSandbox, and is its own executor"
            )
        super().__init__(executor=LocalSandbox(**settings), **own)

    def close(self) -> None:
        """End the sessions and the sandbox; calls after that are errors."""
        super().close()
        self.executor.close()
