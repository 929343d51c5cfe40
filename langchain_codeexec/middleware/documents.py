"""Retrieved documents as data in an agent's model calls, and answers that say where their figures come from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from langchain.agents.middleware.types import (
    AgentMiddleware,
    AgentState,
    ContextT,
    ModelRequest,
    ModelResponse,
    ResponseT,
)
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, ToolMessage

from langchain_codeexec.data.limits import DataLimits
from langchain_codeexec.data.request_files import files_in, replies_are_files
from langchain_codeexec.grounding.attribution import attributed, last_question
from langchain_codeexec.grounding.documents import DocumentData, documents_as_data

__all__ = ["DocumentCalculationMiddleware", "document_data"]


class DocumentCalculationMiddleware(AgentMiddleware[AgentState[ResponseT], ContextT, ResponseT]):
    """Lets an agent compute with the documents that its retrievers find.

    Documents are taken out of the artifacts of tools' replies, as `create_retriever_tool(...,
    response_format="content_and_artifact")` leaves them there. In the turn in which they were retrieved, each
    request ends with a message that repeats the question and carries the data of all documents of the
    conversation as files for code execution. It is in the request alone, not in the agent's state.

    An answer that ends a turn is annotated: its text blocks get a `Citation` for each figure and document, and an
    `unsupported_figure` annotation for each figure that nothing supports. `CalculatedAnswer.from_message` reads
    the whole record.

    The model has to run code by itself and to take files. Put it before `CodeExecutionMiddleware`.

    Args:
        limits: What the documents' files may amount to.

    Examples:
        >>> search = create_retriever_tool(
        ...     retriever, "search", "Search the reports.", response_format="content_and_artifact"
        ... )  # doctest: +SKIP
        >>> agent = create_agent(llm, [search], middleware=[DocumentCalculationMiddleware()])  # doctest: +SKIP
    """

    def __init__(self, *, limits: DataLimits | None = None) -> None:
        super().__init__()
        self._limits = limits

    def wrap_model_call(
        self,
        request: ModelRequest[ContextT],
        handler: Callable[[ModelRequest[ContextT]], ModelResponse[ResponseT]],
    ) -> ModelResponse[ResponseT]:
        """Make a model call with the documents' data.

        Raises:
            DataError: The documents are too large.
        """
        turn = _Turn.of(request.messages, self._limits)
        return turn.annotated(handler(request.override(messages=turn.with_data())))

    async def awrap_model_call(
        self,
        request: ModelRequest[ContextT],
        handler: Callable[[ModelRequest[ContextT]], Awaitable[ModelResponse[ResponseT]]],
    ) -> ModelResponse[ResponseT]:
        """Make a model call without blocking the event loop; see `wrap_model_call`."""
        turn = _Turn.of(request.messages, self._limits)
        return turn.annotated(await handler(request.override(messages=turn.with_data())))


def document_data(messages: Sequence[BaseMessage], limits: DataLimits | None) -> DocumentData | None:
    """The data of all documents that a conversation's tools brought; `None` if they brought none.

    Files are numbered after those that the request holds anyway, so that these keep their names.

    Raises:
        DataError: The documents are too large.
    """
    documents = [document for message in messages for document in _documents(message)]
    if not documents:
        return None
    first = len(files_in(messages, tool_replies=replies_are_files(messages)))
    return documents_as_data(documents, first=first, limits=limits)


@dataclass(frozen=True, slots=True)
class _Turn:
    """The conversation of a model call, the index of its question, and the data of all documents in it."""

    messages: list[AnyMessage]
    question: int
    data: DocumentData | None

    @classmethod
    def of(cls, messages: list[AnyMessage], limits: DataLimits | None) -> _Turn:
        return cls(messages, last_question(messages), document_data(messages, limits))

    @property
    def text(self) -> str:
        """The question; empty in a conversation that has none, such as a trimmed one."""
        return "" if self.question < 0 else str(self.messages[self.question].text)

    def with_data(self) -> list[AnyMessage]:
        """The conversation with the data, if this turn has retrieved any."""
        has_retrieved = any(map(_documents, self.messages[self.question + 1 :]))
        if self.data is None or not self.data.files or not has_retrieved:
            return self.messages
        return [*self.messages, self.data.message(self.text)]

    def annotated(self, response: ModelResponse[ResponseT]) -> ModelResponse[ResponseT]:
        """The response with its answer annotated; calls of tools are no answer."""
        if self.data is None:
            return response
        result = [self._annotated(message, self.data) for message in response.result]
        return replace(response, result=result)

    def _annotated(self, message: BaseMessage, data: DocumentData) -> BaseMessage:
        if not isinstance(message, AIMessage) or message.tool_calls:
            return message
        return attributed(message, self.text, data, history=self.messages).message


def _documents(message: BaseMessage) -> list[Document]:
    artifact: Any = message.artifact if isinstance(message, ToolMessage) else None
    items = artifact if isinstance(artifact, list | tuple) else [artifact]
    return [document for item in items if (document := _document(item))]


def _document(item: Any) -> Document | None:
    """A document, be it as its retriever gave it or as a checkpoint gives it back: as plain JSON."""
    if isinstance(item, Document):
        return item
    match item:
        case {"type": "Document", "page_content": str(content)}:
            metadata = item.get("metadata")
            return Document(content, metadata=metadata if isinstance(metadata, dict) else {})
    return None
