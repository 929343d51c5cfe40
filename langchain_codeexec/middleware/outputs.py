"""What an agent's code drew and wrote: saved, and kept in the state when messages are not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from os import PathLike
from typing import Annotated, Any, Generic, NotRequired

from langchain.agents.middleware.types import (
    AgentMiddleware,
    AgentState,
    ContextT,
    ExtendedModelResponse,
    ModelRequest,
    ModelResponse,
    OmitFromSchema,
    ResponseT,
    ToolCallRequest,
)
from langchain_core.messages import BaseMessage, ToolMessage
from langgraph.types import Command

from langchain_codeexec.data.outputs import Recorder, saved_outputs, sink_from
from langchain_codeexec.data.replay_images import ReplayImages, without_images
from langchain_codeexec.data.sinks import Sink

__all__ = ["OutputsMiddleware", "OutputsState"]

Json = dict[str, Any]


def _joined(known: list[Json], new: list[Json]) -> list[Json]:
    """The rows of both, each once: a model call that is repeated or resumed may bring the same files again."""
    return [*known, *(row for index, row in enumerate(new) if row not in known and row not in new[:index])]


class OutputsState(AgentState[ResponseT], Generic[ResponseT]):
    """An agent's state with the files that came out of its runs."""

    code_execution_outputs: NotRequired[
        Annotated[list[Json], OmitFromSchema(input=True, output=False), _joined]
    ]
    """One for each file, in order: `name`, `url`, `mime_type`, `size` and `sha256` as in `SavedFile`, the
    `message_id` of the answer it came with and the `tool_call_id` of the call that made it; what there is not is
    `None`. A file that could not be saved has no name and no URL, and in `error` the reason."""


class OutputsMiddleware(AgentMiddleware[OutputsState[ResponseT], ContextT, ResponseT]):
    """Saves the images and files that models and tools of an agent make, and remembers where they are.

    They are in the state, under `code_execution_outputs`, and stay there when their messages are summarised,
    trimmed or removed; each message says the same in `response_metadata["outputs"]`. A sink that fails stops
    nothing: the message still holds the file, and the state says why it is nowhere else.

    Works with any chat model, alone or beside `CodeExecutionMiddleware`, in any order.

    Args:
        sink: Where to save: a folder, a URL that fsspec knows, or a `Sink`. Without one nothing is saved
            here, and the state holds what the chat model's own `output_sink` saved.
        replay_images: Which images that models and tools made in earlier turns the model is sent again: `all`,
            `none`, or those of at most so many bytes. In place of the others a text says what was there.
        uploads: Whether this goes for images that users sent, too.

    Raises:
        ConfigurationError: The sink or `replay_images` is none.

    Examples:
        >>> agent = create_agent(
        ...     ChatGeminiCodeExecution(model="gemini-3-flash-preview"),
        ...     middleware=[OutputsMiddleware("plots", replay_images=100_000)],
        ... )  # doctest: +SKIP
    """

    state_schema = OutputsState  # type: ignore[assignment]  # an attribute of the class knows no ResponseT

    def __init__(
        self,
        sink: Sink | str | PathLike[str] | None = None,
        *,
        replay_images: ReplayImages = "all",
        uploads: bool = False,
    ) -> None:
        super().__init__()
        without_images([], replay_images)
        self._recorder = Recorder(sink_from(sink))
        self._replay_images: ReplayImages = replay_images
        self._uploads = uploads

    def wrap_model_call(
        self,
        request: ModelRequest[ContextT],
        handler: Callable[[ModelRequest[ContextT]], ModelResponse[ResponseT]],
    ) -> ExtendedModelResponse[ResponseT]:
        """Make a model call, and save what its answer holds."""
        response = handler(self._reduced(request))
        for message in response.result:
            self._recorder.record(message)
        return _with_outputs(response)

    async def awrap_model_call(
        self,
        request: ModelRequest[ContextT],
        handler: Callable[[ModelRequest[ContextT]], Awaitable[ModelResponse[ResponseT]]],
    ) -> ExtendedModelResponse[ResponseT]:
        """Make a model call without blocking the event loop; see `wrap_model_call`."""
        response = await handler(self._reduced(request))
        for message in response.result:
            await self._recorder.arecord(message)
        return _with_outputs(response)

    def wrap_tool_call(
        self,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], ToolMessage | Command[Any]],
    ) -> ToolMessage | Command[Any]:
        """Call a tool, and save what its message holds."""
        result = handler(request)
        for message in _messages(result):
            self._recorder.record(message)
        return _command_with_outputs(result)

    async def awrap_tool_call(
        self,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]],
    ) -> ToolMessage | Command[Any]:
        """Call a tool without blocking the event loop; see `wrap_tool_call`."""
        result = await handler(request)
        for message in _messages(result):
            await self._recorder.arecord(message)
        return _command_with_outputs(result)

    def _reduced(self, request: ModelRequest[ContextT]) -> ModelRequest[ContextT]:
        return request.override(
            messages=without_images(request.messages, self._replay_images, uploads=self._uploads)
        )


def _with_outputs(response: ModelResponse[ResponseT]) -> ExtendedModelResponse[ResponseT]:
    return ExtendedModelResponse(response, Command(update={"code_execution_outputs": _rows(response.result)}))


def _messages(result: ToolMessage | Command[Any]) -> list[BaseMessage]:
    """The messages that a tool gives, by itself or within an update of the state."""
    messages = [result] if isinstance(result, ToolMessage) else _update(result).get("messages") or []
    return [message for message in messages if isinstance(message, BaseMessage)]


def _update(command: Command[Any]) -> Json:
    return command.update if isinstance(command.update, dict) else {}


def _command_with_outputs(result: ToolMessage | Command[Any]) -> ToolMessage | Command[Any]:
    rows = {"code_execution_outputs": _rows(_messages(result))}
    if not rows["code_execution_outputs"]:
        return result
    if isinstance(result, ToolMessage):
        return Command(update={"messages": [result], **rows})
    return replace(result, update={**_update(result), **rows})


def _rows(messages: Iterable[BaseMessage]) -> list[Json]:
    return [
        {**entry, "message_id": message.id, "tool_call_id": getattr(message, "tool_call_id", None)}
        for message in messages
        for entry in saved_outputs(message)
    ]
