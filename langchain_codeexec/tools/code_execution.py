"""Errors in words that the agent can act on.

The tool.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.tools import BaseTool, ToolException
from pydantic import Field, PrivateAttr

from langchain_codeexec.errors import (
    CodeExecError,
    ConfigurationError,
    ExecutionRequestError,
    GeminiConnectionError,
    GeminiTimeoutError,
    InvalidRequestError,
    RateLimitError,
    ServerError,
)
from langchain_codeexec.executors.base import checked_executor
from langchain_codeexec.tools.context import CallContext
from langchain_codeexec.tools.report import Progress
from langchain_codeexec.tools.runners import ExecutorRunner, GeminiRunner

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_core.language_models.chat_models import BaseChatModel

    from langchain_codeexec.executors.base import CodeExecutor
    from langchain_codeexec.tools.report import Report
    from langchain_codeexec.tools.runners import Runner

__all__ = ["CodeExecutionTool", "advice"]

_LATER: Final = "This may pass: try once more, or go on without it."
_OTHERWISE: Final = "Try once more with the task stated otherwise, or go on without it."
_NEVER: Final = "Trying again will not help: go on without it and say so."

_ADVICE: Final[Mapping[type[CodeExecError], str]] = {
    RateLimitError: _LATER,
    ServerError: _LATER,
    GeminiConnectionError: _LATER,
    GeminiTimeoutError: "Try once more with a smaller task, or go on without it.",
    InvalidRequestError: _OTHERWISE,
    ExecutionRequestError: _OTHERWISE,
}


def advice(error: CodeExecError) -> str:
    """What happened, and what an agent can do about it."""
    what_to_do = next((words for kind, words in _ADVICE.items() if isinstance(error, kind)), _NEVER)
    return f"The code was not run: {error}\n{what_to_do}"


class CodeExecutionTool(BaseTool):
    """Code execution for any agent and any model.

    Gemini writes the code and Google runs it; or, given an executor, the calling model writes the code and
    the executor runs it. The text for the calling model is the answer and what was printed. The message's
    artifact holds the runs in plain JSON (see `artifact_from_executions`), and `code_executions(message)`
    reads them.

    With an executor, the calls of one thread of conversation (`config["configurable"]["thread_id"]`) share a
    session: variables, imports and files of one are there in the next, and never in another thread's. They
    run one after the other, also where the model makes several at once. If a session was lost (closed, killed,
    or the process is another one), the next result tells the model. A call without a thread is a program by
    itself. In an agent, programs find the files that the user's messages carry, as `input_file_0.csv` and so
    on, and those under `files` in the agent's state.

    A failing program is a result like any other. Where the service or the sandbox fails, the message says so
    with the status `error`, and what to do; with `handle_tool_error=False` it is a `ToolException`, which
    `ToolRetryMiddleware` can retry.

    Each piece of code and each result is told while the tool runs: as the LangChain custom event
    `code_execution_progress`, and in a graph through `stream_mode="custom"`.

    Args:
        llm: A chat model with code execution that carries the tasks out.
        executor: Runs code that the caller writes, instead.
        **settings: The tool's own (`name`, `description`, `return_direct` and so on, and those below); all
            others make a `ChatGeminiCodeExecution` where neither `llm` nor `executor` is given.

    Attributes:
        max_sessions: Threads that have a session open at a time, the least recently used is closed for
            another one; 0 makes every call a program by itself.
        give_files: Whether programs are given the conversation's and the state's files.
        show_images: Whether the calling model is shown the images drawn, as `image` blocks beside the text.

    Raises:
        ConfigurationError: None or several of `llm`, `executor` and settings of a model are given, or a wrong one.

    Examples:
        >>> CodeExecutionTool(model="gemini-3-flash-preview")  # doctest: +SKIP
        >>> CodeExecutionTool(executor=LocalSandbox())  # doctest: +SKIP
    """

    name: str = "code_execution"
    description: str = ""
    llm: Any = Field(default=None, exclude=True, repr=False)
    executor: Any = Field(default=None, exclude=True, repr=False)
    max_sessions: int = 16
    give_files: bool = True
    show_images: bool = False
    _runner: Any = PrivateAttr()

    def __init__(
        self, *, llm: BaseChatModel | None = None, executor: CodeExecutor | None = None, **settings: Any
    ) -> None:
        own = {name: settings.pop(name) for name in list(settings) if name in type(self).model_fields}
        of_model = _model(llm, executor, settings)
        runner: Runner
        if executor is None:
            runner = GeminiRunner(of_model)
        else:
            runner = ExecutorRunner(
                executor,
                sessions=own.get("max_sessions", type(self).model_fields["max_sessions"].default),
                give_files=own.get("give_files", True),
            )
        own.setdefault("description", runner.description)
        own.setdefault("args_schema", runner.arguments)
        own.setdefault("response_format", "content_and_artifact")
        own.setdefault("handle_tool_error", True)
        super().__init__(llm=llm, executor=executor, **own)
        self._runner = runner

    def close(self) -> None:
        """Close the sessions; later calls open new ones. The executor is its owner's to close."""
        self._runner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _run(
        self, *args: Any, config: RunnableConfig, runtime: Any = None, **kwargs: Any
    ) -> tuple[str | list[str | dict[str, Any]], dict[str, Any]]:
        arguments, context = self._arguments(args, kwargs), CallContext.of(self.name, config, runtime)
        try:
            report: Report = self._runner.run(arguments, context, Progress(self.name))
        except CodeExecError as error:
            raise ToolException(advice(error)) from error
        return self._told(report)

    async def _arun(
        self, *args: Any, config: RunnableConfig, runtime: Any = None, **kwargs: Any
    ) -> tuple[str | list[str | dict[str, Any]], dict[str, Any]]:
        arguments, context = self._arguments(args, kwargs), CallContext.of(self.name, config, runtime)
        try:
            report: Report = await self._runner.arun(arguments, context, Progress(self.name))
        except CodeExecError as error:
            raise ToolException(advice(error)) from error
        return self._told(report)

    def _told(self, report: Report) -> tuple[str | list[str | dict[str, Any]], dict[str, Any]]:
        return report.blocks if self.show_images else report.content, report.artifact

    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """By name; LangChain passes an input that is a plain string by position."""
        return dict(zip(self._runner.arguments.model_fields, args, strict=False)) | kwargs


def _model(llm: BaseChatModel | None, executor: CodeExecutor | None, settings: dict[str, Any]) -> Any:
    """The model that carries tasks out; `None` where an executor runs code."""
    given = [name for name, value in (("llm", llm), ("executor", executor)) if value is not None]
    given += ["settings of a model"] * bool(settings)
    if len(given) != 1:
        found = " and ".join(given) or "none of them"
        raise ConfigurationError(
            f"CodeExecutionTool needs one of llm=, executor= or settings of a model (model=...); got {found}"
        )
    if executor is not None:
        checked_executor(executor)
    if not settings:
        if llm is not None and not isinstance(llm, Runnable):
            raise ConfigurationError(
                f"llm must be a chat model, not {llm!r}; to name one, write CodeExecutionTool(model=...)"
            )
        return llm
    from langchain_codeexec.chat_model import ChatGeminiCodeExecution  # noqa: PLC0415 -- imports on use

    return ChatGeminiCodeExecution(**settings)
