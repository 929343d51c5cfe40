"""The tool that has Gemini do a task: Gemini writes the code and Google runs it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import aclosing, closing, contextmanager
from typing import Annotated, Any, Final

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.runnables import Runnable, RunnableBinding
from langchain_core.tools import InjectedToolArg, ToolException
from pydantic import BaseModel, Field, PlainSerializer

from langchain_codeexec.control.tracing import was_traced
from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.messages.code_blocks import CodeBlock, blocks_with_code, code_executions
from langchain_codeexec.messages.from_wire import failure_of
from langchain_codeexec.planning.plan import inner_call_config
from langchain_codeexec.tools.report import Output, Report, ReportingTool

__all__ = ["GOOGLE_CODE_EXECUTION", "CodeExecutionTool", "is_google_model", "unbound_model"]

Json = dict[str, Any]

GOOGLE_CODE_EXECUTION: Final = {"type": "code_interpreter", "code_execution": {}}
"""Code execution as a tool of Google's packages. Bound as plain `{"code_execution": {}}`, both packages take
another path and spoil the functions' schemas: unions and references are lost. A `type` that langchain-core
knows keeps them on the good one."""

_CLASSES: Final = {
    "ChatGoogleGenerativeAI": "langchain_google_genai",
    "ChatVertexAI": "langchain_google_vertexai",
}
_PROMPT: Final = "Write and run Python code for this task, and answer from what it prints.\n\n"
_DESCRIPTION: Final = (
    "Has Python code written and run in a sandbox, and answers from what it prints. Use it for whatever "
    "must be computed exactly: arithmetic, statistics, dates, tables, text processing, plots. The sandbox "
    "has no network and sees nothing of this conversation: state the task with all the values it needs."
)


class _Arguments(BaseModel):
    task: str = Field(
        description="What to compute, in words, with all the values it needs: nothing else is known there."
    )
    data: str | None = Field(default=None, description="Text to work on, such as the content of a CSV file.")
    runtime: Annotated[Any, InjectedToolArg, PlainSerializer(lambda _: None)] = None
    """LangGraph's `ToolRuntime`, as `PythonTool` has it."""


class CodeExecutionTool(ReportingTool):
    """Code execution for any agent and any model: Gemini does a task by code that it writes and Google runs.

    The text for the calling model is Gemini's answer and what its code printed; the artifact holds the runs,
    and `code_executions(message)` reads them. Each piece of code and each result is reported while the tool
    runs: as the LangChain custom event `code_execution_progress`, and in a graph through
    `stream_mode="custom"`.

    Args:
        llm: A `ChatGeminiCodeExecution`, or a Gemini model of langchain-google-genai or
            langchain-google-vertexai.
        **settings: Those of LangChain's tools (`name`, `description`, `return_direct` and so on),
            `show_images`, `limits`, and those below.

    Attributes:
        history: Messages that go to Gemini in front of each task, their files included; by default none.

    Raises:
        ConfigurationError: The model is none, or a setting is unknown.

    Examples:
        >>> CodeExecutionTool(ChatGeminiCodeExecution(model="gemini-3-flash-preview"))  # doctest: +SKIP
    """

    name: str = "code_execution"
    description: str = _DESCRIPTION
    args_schema: Any = _Arguments
    llm: Any = Field(exclude=True, repr=False)
    history: list[Any] = Field(default_factory=list, exclude=True, repr=False)

    def __init__(self, llm: Any, **settings: Any) -> None:
        if not isinstance(llm, Runnable):
            raise ConfigurationError(
                f"CodeExecutionTool needs a chat model with code execution, not {llm!r:.100}; "
                "write CodeExecutionTool(ChatGeminiCodeExecution(model=...))"
            )
        if unknown := settings.keys() - type(self).model_fields:
            raise ConfigurationError(
                f"CodeExecutionTool has no setting {', '.join(sorted(unknown))}; settings of the model go to the "
                "model, and code of the caller's own is run by PythonTool"
            )
        super().__init__(**{"llm": llm, **settings})

    def _run(self, task: str, data: str | None = None, runtime: Any = None) -> Output:
        return self._output(self._steps([*self.history, *_question(task, data)], runtime), runtime)

    async def _arun(self, task: str, data: str | None = None, runtime: Any = None) -> Output:
        steps = self._asteps([*self.history, *_question(task, data)], runtime)
        return await self._aoutput(steps, runtime)

    def _steps(self, question: list[BaseMessage], runtime: Any) -> Iterator[CodeBlock | Report]:
        answer: Any = None
        watch = self._watch(runtime)
        with closing(self._chunks(question)) as chunks:
            for chunk in chunks:
                answer = chunk if answer is None else answer + chunk
                yield from _code_blocks(chunk)
                if watch and not chunk.text and watch.over(answer):
                    break
        yield _report(answer)

    async def _asteps(self, question: list[BaseMessage], runtime: Any) -> AsyncIterator[CodeBlock | Report]:
        answer: Any = None
        watch = self._watch(runtime)
        async with aclosing(self._achunks(question)) as chunks:
            async for chunk in chunks:
                answer = chunk if answer is None else answer + chunk
                for code in _code_blocks(chunk):
                    yield code
                if watch and not chunk.text and watch.over(answer):
                    break
        yield _report(answer)

    def _chunks(self, question: list[BaseMessage]) -> Generator[BaseMessage, None, None]:
        if not is_google_model(self.llm):
            yield from self.llm.stream(question, inner_call_config(), **self._redacting)
            return
        with _failures_for_the_agent():
            yield self.llm.bind_tools([GOOGLE_CODE_EXECUTION]).invoke(question, inner_call_config())

    async def _achunks(self, question: list[BaseMessage]) -> AsyncGenerator[BaseMessage, None]:
        if not is_google_model(self.llm):
            async for chunk in self.llm.astream(question, inner_call_config(), **self._redacting):
                yield chunk
            return
        with _failures_for_the_agent():
            yield await self.llm.bind_tools([GOOGLE_CODE_EXECUTION]).ainvoke(question, inner_call_config())

    @property
    def _redacting(self) -> Json:
        """What has the model redact too, before its callbacks see anything."""
        can_redact = hasattr(unbound_model(self.llm), "redact")
        return {"redact": self.redact} if self.redact and can_redact else {}


@contextmanager
def _failures_for_the_agent() -> Iterator[None]:
    """Google's packages raise errors of their own, each another one."""
    try:
        yield
    except Exception as error:
        raise ToolException(f"The code was not run: {type(error).__name__}: {error}") from error


def is_google_model(model: Any) -> bool:
    """Whether it is a Gemini model of one of Google's packages, with whatever was bound to it."""
    return any(
        _CLASSES.get(base.__name__) == base.__module__.partition(".")[0]
        for base in type(unbound_model(model)).__mro__
    )


def unbound_model(model: Any) -> Any:
    """The chat model beneath whatever was bound to it."""
    while isinstance(model, RunnableBinding):
        model = model.bound
    return model


def _question(task: str, data: str | None) -> list[BaseMessage]:
    prompt = f"{_PROMPT}{task}"
    return [HumanMessage(f"{prompt}\n\nThe data:\n\n{data}" if data else prompt)]


def _code_blocks(chunk: BaseMessage) -> Iterator[CodeBlock]:
    return (code for _, codes in blocks_with_code(chunk) for code in codes)


def _report(answer: BaseMessage) -> Report:
    executions = tuple(code_executions(answer))
    notice = failure_of(answer)
    remarks = [notice] * bool(notice) + ["No code was run for this answer."] * (not executions)
    usage = {
        "usage_metadata": getattr(answer, "usage_metadata", None),
        "model_name": answer.response_metadata.get("model_name"),
    }
    return Report(
        executions,
        answer=_prose(answer),
        remarks=(" ".join(remarks),),
        usage=usage if usage["usage_metadata"] else {},
        traced=was_traced(answer),
    )


def _prose(answer: BaseMessage) -> str:
    """What the model says, in paragraphs before and after its code: Google's packages cut the line ends off."""
    paragraphs = [""]
    for block, codes in blocks_with_code(answer):
        if codes:
            paragraphs.append("")
        else:
            paragraphs[-1] += AIMessage([block]).text
    return "\n\n".join(filter(None, map(str.strip, paragraphs)))
