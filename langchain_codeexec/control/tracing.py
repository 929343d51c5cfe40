"""Executions as child runs of LangChain's callbacks, wherever they ran.

Each is a tool run named `code_interpreter`: below the run of the chat model whose service ran the code, or below
the run of the tool that ran it. It starts with the code and ends with what is known of the result. In a stream it
starts when the code comes, and ends when something comes that is neither its result nor one of its pictures; where
the service does not stream, both are when the answer is there. A failing program ends like any other; only what
broke off ends with an error.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterable, Iterator, Mapping
from contextlib import aclosing, closing, suppress
from contextvars import ContextVar
from typing import Any, Final, TypeAlias, TypeVar
from uuid import UUID, uuid4

from langchain_core.callbacks import (
    AsyncCallbackManager,
    AsyncCallbackManagerForLLMRun,
    BaseCallbackHandler,
    BaseCallbackManager,
    CallbackManager,
    CallbackManagerForLLMRun,
)
from langchain_core.callbacks.manager import BaseRunManager, ahandle_event, handle_event
from langchain_core.language_models.base import LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatResult
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config

from langchain_codeexec.control.redaction import kinds_in
from langchain_codeexec.executions import CodeExecution
from langchain_codeexec.messages.code_blocks import CodeBlock, Run, blocks_with_code, linked_runs

__all__ = [
    "EXECUTION_RUN",
    "REFUSAL_EVENT",
    "Event",
    "ExecutionRuns",
    "TracedStreams",
    "answer_metadata",
    "atrace_answers",
    "atraced",
    "is_execution_run",
    "outputs_from_execution",
    "trace_answers",
    "traced",
    "was_traced",
]

Json = dict[str, Any]
Event: TypeAlias = tuple[str, tuple[Any, ...], Json]
"""A handler's method with its arguments."""
Chunk = TypeVar("Chunk", bound=BaseMessage)
Run_ = TypeVar("Run_", bound=BaseRunManager)

EXECUTION_RUN: Final = "code_interpreter"
"""The name of the runs."""
REFUSAL_EVENT: Final = "code_execution_refused"
"""The custom event that tells of a program which a policy or a person did not let run."""

_DESCRIPTION: Final = "Runs code that a model wrote."


class ExecutionRuns:
    """The runs of executions below one run.

    The methods give events for `dispatch`, or for `adispatch` where handlers may wait.

    Args:
        parent: The manager of the run they are below, or the manager for its children; `None` if nobody listens.
        metadata: What is known of all of them: `message_id`, `model_name` and `plan` of the answer with the code.
    """

    def __init__(self, parent: Any, metadata: Mapping[str, Any] | None = None) -> None:
        self.handlers: list[BaseCallbackHandler] = parent.handlers if parent else []
        self._common: Json = {}
        self._metadata: Json = {}
        if self.handlers:
            if isinstance(parent, BaseRunManager):
                run_id, tags, inherited = parent.run_id, parent.inheritable_tags, parent.inheritable_metadata
            else:
                run_id, tags, inherited = parent.parent_run_id, parent.tags, parent.metadata
            self._common = {"parent_run_id": run_id, "tags": tags}
            thread = (ensure_config().get("configurable") or {}).get("thread_id")
            known = {"thread_id": thread, **(metadata or {})}
            given = {key: value for key, value in known.items() if value is not None}
            # Keys with this prefix describe the model's run.
            shared = {key: value for key, value in inherited.items() if not key.startswith("ls_")}
            self._metadata = {**shared, **given}
        self._ids: list[UUID] = []
        self._open: dict[int, UUID] = {}
        self._blocks: list[tuple[Any, list[CodeBlock]]] = []

    def start(
        self, code: str, language: str, origin: str, execution_id: str | None = None
    ) -> Iterator[Event]:
        """Start the next run, if anybody listens."""
        if not self.handlers:
            return
        run_id = uuid4()
        self._open[len(self._ids)] = run_id
        self._ids.append(run_id)
        yield (
            "on_tool_start",
            ({"name": EXECUTION_RUN, "description": _DESCRIPTION}, code),
            {
                **self._common,
                "run_id": run_id,
                "name": EXECUTION_RUN,
                "inputs": {"code": code, "language": language},
                "metadata": {**self._metadata, "origin": origin, "execution_id": execution_id},
            },
        )

    def end(self, number: int, execution: CodeExecution, redacted: Iterable[str] = ()) -> Iterator[Event]:
        """End a run, the first of which has the number 0; one that was never started starts before."""
        if number == len(self._ids):
            yield from self.start(execution.code, execution.language, execution.origin, execution.id)
        if run_id := self._open.pop(number, None):
            outputs = outputs_from_execution(execution, redacted)
            yield "on_tool_end", (outputs,), {**self._common, "run_id": run_id}

    def fail(self, error: BaseException) -> Iterator[Event]:
        """End the runs that are open, since something broke off: those without a result by the error."""
        for number, run in enumerate(linked_runs(self._blocks)):
            if run.result:
                yield from self.end(number, run.execution, self._redacted(run))
        for number in list(self._open):
            yield "on_tool_error", (error,), {**self._common, "run_id": self._open.pop(number)}

    def read(self, message: BaseMessage) -> Iterator[Event]:
        """Start and end runs by what a message, or the next chunk of one, holds."""
        if not self.handlers:
            return
        plan = message.response_metadata.get("plan")
        if isinstance(plan, dict):
            self._metadata.setdefault("plan", plan.get("way"))
        blocks = list(blocks_with_code(message))
        if self._open or any(codes for _, codes in blocks):
            known = len(self._blocks)
            for block, codes in blocks:
                if not (_is_prose(block) and self._blocks and _is_prose(self._blocks[-1][0])):
                    self._blocks.append((block, codes))
            if len(self._blocks) > known:  # however long the prose between is
                yield from self._progress(is_over=False)

    def rest(self) -> Iterator[Event]:
        """End the runs that are open, since nothing follows."""
        yield from self._progress(is_over=True)

    def _progress(self, *, is_over: bool) -> Iterator[Event]:
        runs = linked_runs(self._blocks)
        for number, run in enumerate(runs):
            is_last = number == len(runs) - 1
            execution = run.execution
            if number == len(self._ids):
                yield from self.start(execution.code, execution.language, execution.origin, execution.id)
            if is_over or run.is_over or (run.result and not is_last):
                yield from self.end(number, execution, self._redacted(run))

    def _redacted(self, run: Run) -> list[str]:
        parts = [id(part) for part in (run.call, run.result, *run.earlier)]
        return [
            kind
            for block, codes in self._blocks
            if any(id(code) in parts for code in codes)
            for kind in kinds_in(block)
        ]

    def dispatch(self, events: Iterable[Event]) -> None:
        """Call the handlers."""
        for name, args, kwargs in events:
            handle_event(self.handlers, name, "ignore_agent", *args, **kwargs)

    async def adispatch(self, events: Iterable[Event]) -> None:
        """Call the handlers without blocking the event loop."""
        for name, args, kwargs in events:
            await ahandle_event(self.handlers, name, "ignore_agent", *args, **kwargs)


def _is_prose(block: Any) -> bool:
    return isinstance(block, dict) and bool(block.get("text") or block.get("reasoning"))


def outputs_from_execution(execution: CodeExecution, redacted: Iterable[str] = ()) -> Json:
    """The outputs of an execution's run.

    Returns:
        `outcome` and `output` (`None` where there is no result), `images` (how many), `seconds` (`None` where
        not known), `calls` (name, args and error of each); what there is of `review`, `tried` and `redacted`.
    """
    return {
        "outcome": None if execution.outcome is None else execution.outcome.value,
        "output": execution.output,
        "images": len(execution.images),
        "seconds": execution.seconds or None,
        "calls": [{"name": call.name, "args": call.args, "error": call.error} for call in execution.calls],
        **({"review": execution.review} if execution.review else {}),
        **({"tried": list(execution.tried)} if execution.tried else {}),
        **({"redacted": kinds} if (kinds := sorted(set(redacted))) else {}),
    }


def is_execution_run(name: object, metadata: Mapping[str, Any] | None) -> bool:
    """Whether a tool run is that of an execution, told by its name and metadata."""
    return name == EXECUTION_RUN and "execution_id" in (metadata or {})


# -- below a chat model ----------------------------------------------------------------------------------------


def was_traced(message: BaseMessage) -> bool:
    """Whether the model that gave a message has told its callbacks of its executions, as this package's does."""
    return "plan" in message.response_metadata


def trace_answers(messages: Iterable[BaseMessage], parent: Any) -> None:
    """Give the executions in whole answers their runs."""
    for runs, message in _of_answers(messages, parent):
        runs.dispatch([*runs.read(message), *runs.rest()])


async def atrace_answers(messages: Iterable[BaseMessage], parent: Any) -> None:
    """Give the executions in whole answers their runs without blocking the event loop."""
    for runs, message in _of_answers(messages, parent):
        await runs.adispatch([*runs.read(message), *runs.rest()])


def _of_answers(messages: Iterable[BaseMessage], parent: Any) -> Iterator[tuple[ExecutionRuns, AIMessage]]:
    for message in messages if parent and parent.handlers else ():
        if isinstance(message, AIMessage):
            yield ExecutionRuns(parent, answer_metadata(message)), message


def answer_metadata(message: AIMessage) -> Json:
    """What is known of an answer with code, for the metadata of its executions' runs."""
    plan = message.response_metadata.get("plan")
    return {
        "message_id": message.id,
        "model_name": message.response_metadata.get("model_name"),
        "plan": plan.get("way") if isinstance(plan, dict) else None,
    }


def traced(chunks: Generator[Chunk], parent: CallbackManagerForLLMRun | None, model: str) -> Generator[Chunk]:
    """The chunks of an answer of a model, whose executions get their runs as they come."""
    runs = ExecutionRuns(parent or _streaming.get(), {"model_name": model})
    _streaming.set(None)
    with closing(chunks):
        try:
            for chunk in chunks:
                runs.dispatch(runs.read(chunk))
                yield chunk
        except BaseException as error:
            with suppress(Exception):  # of a handler: what broke off comes first
                runs.dispatch(runs.fail(error))
            raise
    runs.dispatch(runs.rest())


async def atraced(
    chunks: AsyncGenerator[Chunk], parent: AsyncCallbackManagerForLLMRun | None, model: str
) -> AsyncGenerator[Chunk]:
    """The chunks of an answer of a model, whose executions get their runs as they come."""
    runs = ExecutionRuns(parent or _streaming.get(), {"model_name": model})
    _streaming.set(None)
    async with aclosing(chunks):
        try:
            async for chunk in chunks:
                await runs.adispatch(runs.read(chunk))
                yield chunk
        except BaseException as error:
            with suppress(Exception):
                await runs.adispatch(runs.fail(error))
            raise
    await runs.adispatch(runs.rest())


_streaming: ContextVar[BaseRunManager | None] = ContextVar("_streaming", default=None)
"""The run of the stream that is about to begin."""


class TracedStreams(BaseChatModel):
    """A chat model whose streams know which run they are, so that others can be below it.

    langchain-core gives `_stream` no run manager in `stream`, nor in `invoke` where a handler wants tokens.
    """

    def _generate_with_cache(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        _streaming.set(kwargs.get("run_manager"))
        return super()._generate_with_cache(messages, *args, **kwargs)

    async def _agenerate_with_cache(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> ChatResult:
        _streaming.set(kwargs.get("run_manager"))
        return await super()._agenerate_with_cache(messages, *args, **kwargs)

    def stream(
        self,
        input: LanguageModelInput,  # noqa: A002 -- LangChain's name
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> Iterator[AIMessageChunk]:
        """Stream an answer; see `BaseChatModel.stream`."""
        config = ensure_config(config)
        manager = CallbackManager.configure(
            config.get("callbacks"),
            self.callbacks,
            self.verbose,
            config.get("tags"),
            inheritable_metadata=config.get("metadata"),
        )
        _streaming.set(_named_run(CallbackManagerForLLMRun, manager, config))
        yield from super().stream(input, config, stop=stop, **kwargs)

    async def astream(
        self,
        input: LanguageModelInput,  # noqa: A002 -- LangChain's name
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[AIMessageChunk]:
        """Stream an answer; see `BaseChatModel.astream`."""
        config = ensure_config(config)
        manager = AsyncCallbackManager.configure(
            config.get("callbacks"),
            self.callbacks,
            self.verbose,
            config.get("tags"),
            inheritable_metadata=config.get("metadata"),
        )
        _streaming.set(_named_run(AsyncCallbackManagerForLLMRun, manager, config))
        # Not closed from here: an event loop that ends closes all of its generators side by side.
        async for chunk in super().astream(input, config, stop=stop, **kwargs):
            yield chunk


def _named_run(kind: type[Run_], manager: BaseCallbackManager, config: RunnableConfig) -> Run_ | None:
    """The run that a call with this config is going to be, named in it; `None` if nobody listens."""
    if not manager.handlers:
        return None
    config["callbacks"] = manager
    run_id = config["run_id"] = config.get("run_id") or uuid4()
    return kind(
        run_id=run_id,
        handlers=manager.handlers,
        inheritable_handlers=manager.inheritable_handlers,
        parent_run_id=manager.parent_run_id,
        tags=manager.tags,
        inheritable_tags=manager.inheritable_tags,
        metadata=manager.metadata,
        inheritable_metadata=manager.inheritable_metadata,
    )
