"""The tool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.tools import BaseTool, ToolException
from pydantic import Field, PrivateAttr

from langchain_codeexec.errors import CodeExecError, ConfigurationError
from langchain_codeexec.tools.failures import advice
from langchain_codeexec.tools.progress import Progress
from langchain_codeexec.tools.runners import ExecutorRunner, GeminiRunner

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel

    from langchain_codeexec.executors.base import CodeExecutor
    from langchain_codeexec.tools.report import Report
    from langchain_codeexec.tools.runners import Runner

__all__ = ["CodeExecutionTool"]


class CodeExecutionTool(BaseTool):
    """Code execution for any agent and any model.

    Gemini writes the code and Google runs it; or, given an executor, the calling model writes the code and
    the executor runs it. The text for the calling model is the answer and what was printed. The message's
    artifact holds the runs in plain JSON (see `artifact_from_executions`), and `code_executions(message)`
    reads them.

    A failing program is a result like any other. Where the service or the sandbox fails, the message says so
    with the status `error`, and what to do; with `handle_tool_error=False` it is a `ToolException`, which
    `ToolRetryMiddleware` can retry.

    Each piece of code and each result is told while the tool runs: as the LangChain custom event
    `code_execution_progress`, and in a graph through `stream_mode="custom"`.

    Args:
        llm: A chat model with code execution that carries the tasks out.
        executor: Runs code that the caller writes, instead.
        **settings: The tool's own (`name`, `description`, `return_direct` and so on); all others make a
            `ChatGeminiCodeExecution` where neither `llm` nor `executor` is given.

    Raises:
        ConfigurationError: None or several of `llm`, `executor` and settings of a model are given.

    Examples:
        >>> CodeExecutionTool(model="gemini-3-flash-preview")  # doctest: +SKIP
        >>> CodeExecutionTool(executor=ProcessExecutor())  # doctest: +SKIP
    """

    name: str = "code_execution"
    description: str = ""
    llm: Any = Field(default=None, exclude=True, repr=False)
    executor: Any = Field(default=None, exclude=True, repr=False)
    _runner: Any = PrivateAttr()

    def __init__(
        self, *, llm: BaseChatModel | None = None, executor: CodeExecutor | None = None, **settings: Any
    ) -> None:
        own = {name: settings.pop(name) for name in list(settings) if name in type(self).model_fields}
        runner = _runner(llm, executor, settings)
        own.setdefault("description", runner.description)
        own.setdefault("args_schema", runner.arguments)
        own.setdefault("response_format", "content_and_artifact")
        own.setdefault("handle_tool_error", True)
        super().__init__(llm=llm, executor=executor, **own)
        self._runner = runner

    def _run(self, *args: Any, **kwargs: Any) -> tuple[str, dict[str, Any]]:
        try:
            report: Report = self._runner.run(self._arguments(args, kwargs), Progress(self.name))
        except CodeExecError as error:
            raise ToolException(advice(error)) from error
        return report.content, report.artifact

    async def _arun(self, *args: Any, **kwargs: Any) -> tuple[str, dict[str, Any]]:
        try:
            report: Report = await self._runner.arun(self._arguments(args, kwargs), Progress(self.name))
        except CodeExecError as error:
            raise ToolException(advice(error)) from error
        return report.content, report.artifact

    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """By name; LangChain passes an input that is a plain string by position."""
        return dict(zip(self._runner.arguments.model_fields, args, strict=False)) | kwargs


def _runner(llm: BaseChatModel | None, executor: CodeExecutor | None, settings: dict[str, Any]) -> Runner:
    given = [name for name, value in (("llm", llm), ("executor", executor)) if value is not None]
    given += ["settings of a model"] * bool(settings)
    if len(given) != 1:
        found = " and ".join(given) or "none of them"
        raise ConfigurationError(
            f"CodeExecutionTool needs one of llm=, executor= or settings of a model (model=...); got {found}"
        )
    if executor is not None:
        return ExecutorRunner(executor)
    if llm is None:
        from langchain_codeexec.chat_models import ChatGeminiCodeExecution  # noqa: PLC0415 -- imports on use

        llm = ChatGeminiCodeExecution(**settings)
    return GeminiRunner(llm)
