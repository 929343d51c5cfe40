"""Questions to documents as a runnable: retrieve, hand over as data, compute, attribute."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, NamedTuple

from langchain_core.documents import Document
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, convert_to_messages
from langchain_core.prompt_values import PromptValue
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda
from langchain_core.runnables.base import coerce_to_runnable

from langchain_codeexec._steps import arun_steps, run_steps
from langchain_codeexec.data.limits import DataLimits
from langchain_codeexec.data.request_files import files_in, replies_are_files
from langchain_codeexec.errors import ConfigurationError, MessageError
from langchain_codeexec.grounding.answers import CalculatedAnswer
from langchain_codeexec.grounding.attribution import attributed
from langchain_codeexec.grounding.documents import NOT_IN_DOCUMENTS, DocumentData, documents_as_data

__all__ = ["DocumentCalculation"]


class DocumentCalculation(Runnable[Any, CalculatedAnswer]):
    """Answers questions from documents by computing with their data, and says where each figure comes from.

    The documents' tables, and their sentences with figures, go to code execution as files instead of into the
    prompt as prose. The answer's text blocks carry a LangChain `Citation` for each figure and document, and an
    `unsupported_figure` annotation for each figure that neither a run nor a document nor the question supports.
    Where the documents hold no data at all, it says so without asking the model.

    Its input is a question; or `{"question": ..., "documents": [...]}`; or messages (a list, a prompt's value or
    `{"messages": [...]}`, with `documents` or without), of which the last one asks and the others come before it.
    Its output is a `CalculatedAnswer`; `as_message()` gives the `AIMessage` for parsers, graphs and histories.

    Args:
        llm: A chat model that runs code by itself, such as `ChatGeminiCodeExecution`.
        retriever: Finds the documents for a question that comes without; a retriever, or any runnable or function
            from a text to documents.
        limits: What the documents' files may amount to.

    Raises:
        ConfigurationError: `llm`, `retriever` or `limits` is none, or a question comes without documents and there
            is no retriever.
        DataError: The documents are none, or too large.
        MessageError: The input is no question.

    Examples:
        >>> calculation = DocumentCalculation(llm=llm, retriever=store.as_retriever())  # doctest: +SKIP
        >>> answer = calculation.invoke("How many moons do the giant planets have together?")  # doctest: +SKIP
        >>> answer.text, [document.title for document in answer.cited], answer.unsupported  # doctest: +SKIP
    """

    def __init__(
        self,
        llm: Runnable[Any, Any],
        retriever: Runnable[str, Sequence[Document]] | Callable[[str], Sequence[Document]] | None = None,
        *,
        limits: DataLimits | None = None,
    ) -> None:
        if not isinstance(llm, Runnable):
            raise ConfigurationError(
                f"llm must be a chat model, such as ChatGeminiCodeExecution(model=...), not {llm!r}"
            )
        self._llm = llm
        self._retriever = None if retriever is None else _runnable(retriever)
        self._limits = limits

    @property
    def InputType(self) -> type[str]:  # noqa: N802 -- LangChain's name
        """What a tool made of it takes: the question."""
        return str

    @property
    def OutputType(self) -> type[CalculatedAnswer]:  # noqa: N802 -- as above
        """What it gives."""
        return CalculatedAnswer

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> CalculatedAnswer:  # noqa: A002 -- LangChain's name
        """Answer a question; `kwargs` go to the model. See the class for inputs and errors."""
        answer: Any = self._answer  # it is given the config, of which the declared types do not know
        return self._call_with_config(answer, input, config, **kwargs)

    async def ainvoke(
        self,
        input: Any,  # noqa: A002 -- as above
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> CalculatedAnswer:
        """Answer a question without blocking the event loop; see `invoke`."""
        answer: Any = self._aanswer
        return await self._acall_with_config(answer, input, config, **kwargs)

    def as_message(self) -> Runnable[Any, AIMessage]:
        """The same as a runnable that gives the answer's message."""
        return self | RunnableLambda[CalculatedAnswer, AIMessage](
            lambda answer: answer.message, name="message"
        )

    def _answer(self, value: Any, config: RunnableConfig, **kwargs: Any) -> CalculatedAnswer:
        return run_steps(self._steps(value, kwargs), lambda step: step[0].invoke(step[1], config, **step[2]))

    async def _aanswer(self, value: Any, config: RunnableConfig, **kwargs: Any) -> CalculatedAnswer:
        return await arun_steps(
            self._steps(value, kwargs), lambda step: step[0].ainvoke(step[1], config, **step[2])
        )

    def _steps(
        self, value: Any, kwargs: dict[str, Any]
    ) -> Generator[tuple[Runnable[Any, Any], Any, dict[str, Any]], Any, CalculatedAnswer]:
        """Yields what to invoke: the retriever, unless there are documents, and the model."""
        question = _Question.of(value)
        documents = question.documents
        if documents is None:
            documents = yield self._required_retriever(), question.text, {}
        data = documents_as_data(documents, first=question.files, limits=self._limits)
        if not data.files:
            return _without_data(question, data)
        message = yield self._llm, question.messages(data), kwargs
        return _attributed(message, question, data)

    def _required_retriever(self) -> Runnable[str, Any]:
        if self._retriever is None:
            raise ConfigurationError(
                "there are no documents: give DocumentCalculation a retriever=, or ask with "
                '{"question": ..., "documents": [...]}'
            )
        return self._retriever


class _Question(NamedTuple):
    """A question with what it came with."""

    text: str
    attachments: tuple[Any, ...] = ()
    history: tuple[BaseMessage, ...] = ()
    documents: Sequence[Document] | None = None

    @classmethod
    def of(cls, value: Any) -> _Question:
        if not isinstance(value, Mapping):
            return cls._of_messages(value)
        unknown = value.keys() - {"question", "documents", "messages"}
        if unknown or not ("question" in value) ^ ("messages" in value):
            raise MessageError(
                f"a question has the keys {sorted(map(str, value))}; give 'question' or 'messages', "
                "and 'documents' where no retriever is to find them"
            )
        question = cls._of_messages(value["question"] if "question" in value else value["messages"])
        return question._replace(documents=value.get("documents"))

    @classmethod
    def _of_messages(cls, value: Any) -> _Question:
        *history, last = _messages(value)
        content = [last.content] if isinstance(last.content, str) else last.content
        attachments = [
            block for block in content if not (isinstance(block, str) or block.get("type") == "text")
        ]
        text = str(last.text)
        if not (isinstance(last, HumanMessage) and text.strip()):
            raise MessageError(
                f"the last message has to ask the question: a HumanMessage with text, not {last.type!r}"
            )
        return cls(text, tuple(attachments), tuple(history))

    @property
    def files(self) -> int:
        """How many files the request has before those of the documents."""
        conversation = [*self.history, HumanMessage(list(self.attachments))]
        return len(files_in(conversation, tool_replies=replies_are_files(conversation)))

    def messages(self, data: DocumentData) -> list[BaseMessage]:
        """The conversation for the model, the documents' data with the question."""
        return [*self.history, data.message(self.text, *self.attachments)]


def _runnable(retriever: Any) -> Runnable[str, Any]:
    try:
        runnable: Runnable[str, Any] = coerce_to_runnable(retriever)
    except TypeError as error:
        raise ConfigurationError(
            f"retriever must be a retriever, a runnable or a function, not {retriever!r}"
        ) from error
    return runnable


def _messages(value: Any) -> list[BaseMessage]:
    if isinstance(value, PromptValue):
        return value.to_messages()
    is_single = isinstance(value, str | BaseMessage)
    if not is_single and not isinstance(value, Sequence):
        raise MessageError(
            f"a question is a text or messages, not {type(value).__name__}; "
            'give {"question": ..., "documents": [...]} to bring documents along'
        )
    try:
        return convert_to_messages([value] if is_single else value) or [HumanMessage("")]
    except (NotImplementedError, TypeError, ValueError) as error:
        raise MessageError(f"the question is no message: {error}") from error


def _attributed(message: Any, question: _Question, data: DocumentData) -> CalculatedAnswer:
    if not isinstance(message, AIMessage):
        raise ConfigurationError(
            f"the llm= of DocumentCalculation gave {type(message).__name__}; give it a chat model, and put "
            "parsers behind as_message()"
        )
    return attributed(message, question.text, data, history=question.history)


def _without_data(question: _Question, data: DocumentData) -> CalculatedAnswer:
    """The answer where there is nothing to compute from; a model could only make one up."""
    why = "They hold no tables and no figures." if data.documents else "No documents were found."
    return attributed(AIMessage(f"{NOT_IN_DOCUMENTS} {why}"), question.text, data)
