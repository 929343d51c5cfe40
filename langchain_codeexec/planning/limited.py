"""The answer of a call that has limits: counted chunk by chunk, and ended where it comes to one of them.

What runs on the service's side cannot be stopped there. What is stopped is reading: the stream is closed behind
the chunk that passed the limit, and no other request is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from langchain_core.messages import AIMessage, BaseMessage, message_chunk_to_message

from langchain_codeexec.control.limits import ExecutionLimits, LimitWatch, ReachedLimit, checked_limits
from langchain_codeexec.control.redaction import Redact, redact_message
from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.gemini.responses import candidates_of, parts_of
from langchain_codeexec.gemini.wire import GenerateContentResponse
from langchain_codeexec.messages.from_wire import Origin, usage_from_wire
from langchain_codeexec.messages.stream import ChunkTranslator

__all__ = ["Answer", "answer_of"]

Json = dict[str, Any]


def answer_of(settings: Mapping[str, Any], messages: Sequence[BaseMessage]) -> Answer:
    """The answer to messages, before any of it has come.

    Raises:
        ConfigurationError: The `limits` of the settings are none, or go together with several candidates.
        UnknownPriceError: They limit the cost, and no price of a model is known.
    """
    limits = checked_limits(settings.get("limits"))
    if limits and (settings.get("n") or 1) > 1:
        raise ConfigurationError("limits are those of one answer: leave out n, or the limits")
    return _LimitedAnswer(limits, messages, settings) if limits else Answer()


class Answer:
    """The answer of a call without limits.

    Attributes:
        reached: The limit that it has come to, if any: no more is read of it.
    """

    reached: ReachedLimit | None = None

    def alarms(self) -> Sequence[ReachedLimit]:
        """Limits that it has nearly used up."""
        return ()

    def goes_on(self) -> bool:
        """Whether the next request may be made."""
        return True

    def take(self, chunk: GenerateContentResponse) -> GenerateContentResponse:
        """Count a chunk, which comes back; `reached` is set where the answer ends behind it."""
        return chunk

    def end(self, origin: Origin) -> list[GenerateContentResponse]:  # noqa: ARG002 -- for calls with limits
        """What says that the answer was ended before its end.

        Raises:
            ExecutionLimitError: It was, and that is to be an error.
        """
        return []


class _LimitedAnswer(Answer):
    """The answer of a call with limits, as far as it has come."""

    def __init__(
        self, limits: ExecutionLimits, messages: Sequence[BaseMessage], settings: Mapping[str, Any]
    ) -> None:
        self._model = str(settings["model"])
        self._redact: Redact | None = settings.get("redact")
        self._watch = LimitWatch(limits, messages, model=self._model)
        self._chunks: list[GenerateContentResponse] = []
        self._parts: list[Json] = []  # texts that follow each other as the first of them
        self._usage: Json = {}

    @property
    def _message(self) -> AIMessage:
        metadata = {"model_name": self._model}  # as it was called: the price of that is known
        usage = usage_from_wire(self._usage)
        return AIMessage([*self._parts], usage_metadata=usage, response_metadata=metadata)

    def alarms(self) -> Sequence[ReachedLimit]:
        return self._watch.alarms(self._message)

    def goes_on(self) -> bool:
        self.reached = self.reached or self._watch.before_request(self._message)
        return self.reached is None

    def take(self, chunk: GenerateContentResponse) -> GenerateContentResponse:
        self._chunks.append(chunk)
        parts = [part for candidate in candidates_of(chunk) for part in parts_of(candidate)]
        for part in parts:
            if not (self._parts and part.keys() == self._parts[-1].keys() == {"text"}):
                self._parts.append(part)
        usage = chunk.get("usageMetadata") or {}
        self._usage |= usage
        is_open = any(part.get("functionCall", {}).get("willContinue") for part in parts[-1:])
        if not is_open and (usage or any("text" not in part for part in parts)):
            self.reached = self._watch.over(self._message)
        return chunk

    def end(self, origin: Origin) -> list[GenerateContentResponse]:
        if self.reached is None:
            return []
        candidate = {"finishMessage": self.reached.text, "limit": self.reached.to_dict()}
        last = cast("GenerateContentResponse", {"candidates": [candidate]})
        if self._watch.limits.at_limit == "error":
            translator = ChunkTranslator(origin)
            chunks = [chunk for each in [*self._chunks, last] if (chunk := translator.chunk(each))]
            first, *others = [*chunks, translator.last()]
            message: Any = message_chunk_to_message(first + others)
            raise self._watch.error(self.reached, redact_message(message, self._redact))
        return [last]
