"""One call of the Interactions API as the requests it takes; no request is made here.

A long answer goes on with a token, a background one is asked for until it is done, a stream that was cut is
resumed behind its last event, and a conversation that the service does not know is sent whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from langchain_codeexec.errors import (
    GeminiConnectionError,
    GeminiError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    TruncatedResponseError,
)
from langchain_codeexec.gemini.interactions.answers import Answer
from langchain_codeexec.gemini.interactions.requests import (
    body_from_request,
    continued_body,
    digest,
    shown_environment,
)
from langchain_codeexec.gemini.interactions.steps import steps_from_contents
from langchain_codeexec.gemini.wire import (
    GenerateContentRequest,
    GenerateContentResponse,
    InteractionRequest,
)

__all__ = ["Hops"]

Json = dict[str, Any]

_FRUITLESS: Final = 3
"""How often a stream may break in a row without having brought anything."""
_FIRST_WAIT: Final = 1.0
_LONGEST_WAIT: Final = 10.0
_UNKNOWN: Final = (NotFoundError, InvalidRequestError, PermissionDeniedError)
"""How the service says that it does not know an interaction (any more), or not for this caller."""


class Hops:
    """The requests of one call, each made from what was answered before.

    Args:
        model: The model.
        request: What generateContent would be asked.
        streamed: Whether events are asked for.
        follows: Whether the rest of a long answer is asked for here, and not by whoever carries the requests.

    Attributes:
        answer: What has come so far.
        wait: Seconds before the next request.

    Raises:
        ConfigurationError: The request sets something that interactions do not know.
        ToolDeclarationError: It declares a tool that interactions do not know.
    """

    def __init__(
        self, model: str, request: GenerateContentRequest, *, streamed: bool, follows: bool = True
    ) -> None:
        self._contents: Sequence[Mapping[str, Any]] = request.get("contents", [])
        self._whole = body_from_request(model, request)
        self._body = continued_body(self._whole, self._contents) or self._whole
        self._streamed = streamed
        self._follows = follows
        self._fruitless = 0
        self._request: InteractionRequest | None = self._create(self._body)
        self._sent_token = ""
        self.answer = Answer()
        self.wait = 0.0
        self._next_wait = _FIRST_WAIT

    def first(self) -> InteractionRequest | None:
        """The first request."""
        return self._request

    def take(self, event: Json) -> Iterator[GenerateContentResponse]:
        """What an event, or the interaction as a whole, adds to the answer."""
        before = self.answer.last_event_id
        for chunk in self.answer.take(event):
            self._fruitless = 0
            yield chunk
        if self.answer.last_event_id != before:
            self._fruitless = 0

    def next(self, failure: GeminiError | None = None) -> InteractionRequest | None:
        """The request that follows the last one; `None` if the answer is whole.

        Args:
            failure: How the last one failed, if it did.

        Raises:
            GeminiError: It failed, or its stream was cut, and nothing can be done about it.
        """
        self.wait = 0.0
        self._request = self._after(failure)
        return self._request

    def _after(self, failure: GeminiError | None) -> InteractionRequest | None:
        answer = self.answer
        if failure is not None and self._body is not self._whole and not answer.has_begun:
            if not isinstance(failure, _UNKNOWN):
                raise failure
            self._body = self._whole
            return self._create(self._whole)
        if failure is not None and not isinstance(failure, GeminiConnectionError):
            raise failure
        if self._is_cut or (failure is not None and not answer.is_done):
            return self._resumed(failure)
        if answer.is_running:
            self.wait, self._next_wait = self._next_wait, min(self._next_wait * 2, _LONGEST_WAIT)
            return InteractionRequest(id=answer.id)
        if self._follows and answer.goes_on and answer.token != self._sent_token:
            return self._continued()
        return None

    @property
    def _is_cut(self) -> bool:
        """Whether a stream ended before it said so."""
        return self._request is not None and self._request.is_streamed and not self.answer.is_done

    def _resumed(self, failure: GeminiError | None) -> InteractionRequest:
        """The request that resumes a stream which broke."""
        answer = self.answer
        self._fruitless += 1
        is_stored = bool(self._whole["store"] and answer.id and answer.last_event_id)
        if self._streamed and self._fruitless <= _FRUITLESS:
            if is_stored:
                return InteractionRequest(id=answer.id, is_streamed=True, last_event_id=answer.last_event_id)
            if self._follows and answer.token and answer.is_whole_at_token:
                return self._continued()
        raise failure or TruncatedResponseError("the events of the interaction ended before it was over")

    def _continued(self) -> InteractionRequest:
        """The request that goes on from a token: a stored interaction is named, else the input comes again."""
        answer = self.answer
        self._sent_token = answer.token
        body = {**self._body, "continuation_token": answer.token}
        if self._body["store"] and answer.token_owner:
            del body["input"]
            body["previous_interaction_id"] = answer.token_owner
        answer.begin_hop()
        return self._create(body)

    def _create(self, body: Json) -> InteractionRequest:
        streamed = {"stream": True} if self._streamed else {}
        return InteractionRequest(body={**body, **streamed}, is_streamed=self._streamed)

    @property
    def to_cancel(self) -> InteractionRequest | None:
        """What ends an interaction that the service would go on with by itself; `None` if none does."""
        works_on = self._whole.get("background") and self.answer.id and self.answer.is_running
        return InteractionRequest(id=self.answer.id, cancels=True) if works_on else None

    def last(self) -> GenerateContentResponse:
        """What ends the answer.

        Raises:
            GeminiAPIError: The interaction failed.
        """
        kept = ""
        if self._whole["store"]:
            kept = digest([*steps_from_contents(self._contents), *self.answer.steps])
        last = self.answer.last(kept)
        known: Json = {}
        if previous := self._body.get("previous_interaction_id"):
            known["previousInteractionId"] = previous
        if environment := self._whole.get("environment"):
            known["environment"] = shown_environment(environment)
        return cast("GenerateContentResponse", {**known, **last})
