"""An answer of the Interactions API, over as many requests as it takes, as responses of generateContent.

Source of the events, statuses and counts: google-genai's `interactions` types, release 3.6.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import dropwhile
from typing import Any, Final, cast

from langchain_codeexec.errors import GeminiAPIError, ResponseFormatError
from langchain_codeexec.gemini.errors import api_error
from langchain_codeexec.gemini.interactions.reading import StepReader
from langchain_codeexec.gemini.responses import summed_usage
from langchain_codeexec.gemini.wire import GenerateContentResponse

__all__ = ["Answer"]

Json = dict[str, Any]

_RUNNING: Final = frozenset({"in_progress", "queued"})
_CONTINUED: Final = "requires_continuation"
_REASONS: Final[Mapping[str, str]] = {
    "completed": "STOP",
    "requires_action": "STOP",
    "incomplete": "MAX_TOKENS",
    _CONTINUED: "CONTINUATION",
}
"""Finish reasons by status; another status is one itself."""

_COUNTS: Final[Mapping[str, str]] = {
    "total_input_tokens": "promptTokenCount",
    "total_output_tokens": "candidatesTokenCount",
    "total_thought_tokens": "thoughtsTokenCount",
    "total_tool_use_tokens": "toolUsePromptTokenCount",
    "total_cached_tokens": "cachedContentTokenCount",
    "total_tokens": "totalTokenCount",
}
_DETAILS: Final[Mapping[str, str]] = {
    "input_tokens_by_modality": "promptTokensDetails",
    "output_tokens_by_modality": "candidatesTokensDetails",
    "tool_use_tokens_by_modality": "toolUsePromptTokensDetails",
    "cached_tokens_by_modality": "cacheTokensDetails",
}
_KEPT: Final[Mapping[str, str]] = {
    "created": "createTime",
    "service_tier": "serviceTier",
    "environment_id": "environmentId",
    "previous_interaction_id": "previousInteractionId",
}
"""What else an interaction says of an answer, and its name in the response."""

_NOT_OF_ANSWER: Final = frozenset({"steps", "usage", "input", "tools", "environment", "webhook_config"})
"""What has its own place here, and what is the request's, which may hold secrets."""


class Answer:
    """Takes the events of an interaction, or the interaction as a whole.

    Attributes:
        id: Of the present hop's interaction; empty where it is not stored.
        ids: Of all hops so far.
        status: Of the present hop; empty before the first word of it.
        token: With which the present hop goes on; empty where it cannot.
        token_owner: The interaction that gave the token.
        last_event_id: Of the present hop, to resume its stream behind.
        has_begun: Whether the present hop has brought anything.
        is_whole_at_token: Whether nothing has come behind the token.
        is_done: Whether the stream of the present hop has said that it is over.
    """

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.token = self.token_owner = ""
        self._reader = StepReader()
        self._left: list[Json] = []
        self._usage: Json = {}
        self._summed: Json = {}
        self._interaction: Json = {}
        self._seen: set[str] = set()
        self.begin_hop()

    def begin_hop(self) -> None:
        """Prepare for the next interaction of the same answer."""
        self.id = self.status = self.last_event_id = ""
        self.has_begun = self.is_done = False
        self.is_whole_at_token = True
        self._left += self._reader.end()
        self._first_step = len(self._reader.steps)
        self._summed, self._usage = summed_usage(self._summed, self._usage), {}

    @property
    def steps(self) -> list[Json]:
        """All steps that are whole."""
        return self._reader.steps

    @property
    def is_running(self) -> bool:
        """Whether the interaction goes on at the service."""
        return self.status in _RUNNING

    @property
    def goes_on(self) -> bool:
        """Whether another request has to be made for the rest of the answer."""
        return self.status == _CONTINUED and bool(self.token)

    def take(self, event: Json) -> Iterator[GenerateContentResponse]:
        """Give what an event, or an interaction, adds.

        Raises:
            GeminiAPIError: It is an error.
        """
        event_id = event.get("event_id")
        if isinstance(event_id, str) and event_id:
            if event_id in self._seen:  # a stream that was resumed too early
                return
            self._seen.add(event_id)
        if event.get("event_type") == "error":
            raise api_error(event)
        if event.get("event_type") == "interaction.created" and self.is_done:
            self.begin_hop()  # another client follows the hops
        self.has_begun = True
        with _readable(event):
            parts = [*self._left, *self._parts(event)]
        self._left = []
        self.last_event_id = event_id if isinstance(event_id, str) and event_id else self.last_event_id
        if parts:
            yield _chunk(parts)

    def _parts(self, event: Json) -> list[Json]:
        kind = event.get("event_type")
        if isinstance(kind, str) and kind.startswith("step."):
            self.is_whole_at_token = False
            return self._reader.read(event)
        if kind is not None and str(kind) not in _EVENTS:
            return []
        interaction = event if kind is None else event.get("interaction")
        if kind == "interaction.status_update":
            interaction = {**event, "id": event.get("interaction_id")}
        if not isinstance(interaction, dict):
            raise ResponseFormatError("an event names no interaction", body=repr(event)[:500])
        self._note(interaction, is_last=kind in (None, "interaction.completed"))
        steps = interaction.get("steps")
        is_over = kind in (None, "interaction.completed") and not self.is_running
        self.is_done |= is_over
        if not is_over:
            return []
        parts = self._reader.end()
        if len(self._reader.steps) == self._first_step and isinstance(steps, list):
            of_model = dropwhile(lambda step: step.get("type") == "user_input", steps)
            parts += (part for step in of_model for part in self._reader.whole(step))
        return parts

    def _note(self, interaction: Json, *, is_last: bool) -> None:
        """Keep what an interaction, or its beginning, says beside its steps."""
        self.id = _text(interaction.get("id")) or self.id
        if self.id and self.id not in self.ids:
            self.ids.append(self.id)
        self.status = _text(interaction.get("status")) or self.status
        token = _text(interaction.get("continuation_token"))
        if token and token != self.token:
            self.token, self.token_owner, self.is_whole_at_token = token, self.id, True
        elif is_last and not self.is_running:
            self.token = token  # the last word of it
        if isinstance(usage := interaction.get("usage"), dict):
            self._usage = _usage(usage)
        continued = interaction.get("continuation_ids")
        if isinstance(continued, list):
            self.ids = list(dict.fromkeys([*continued, *self.ids]))
        self._interaction |= {key: value for key, value in interaction.items() if key not in _NOT_OF_ANSWER}

    def last(self, digest: str = "") -> GenerateContentResponse:
        """What ends the answer: why, the token counts of all hops, and what else the service said.

        Args:
            digest: Of the conversation that the interaction holds, if it is stored.

        Raises:
            GeminiAPIError: The interaction failed.
        """
        if self.status == "failed":
            raise self._failure()
        candidate: Json = {"finishReason": _REASONS.get(self.status, self.status.upper() or "OTHER")}
        if parts := [*self._left, *self._reader.end()]:
            candidate["content"] = {"role": "model", "parts": parts}
        if notice := "; ".join(_text(error.get("message")) for error in self._errors):
            candidate["finishMessage"] = notice
        with _readable(self.steps):
            if grounding := _grounding(self.steps):
                candidate["groundingMetadata"] = grounding
        if digest and self.id:
            candidate["interaction"] = {"id": self.id, "digest": digest}
        response: Json = {"candidates": [candidate]}
        if usage := summed_usage(self._summed, self._usage):
            response["usageMetadata"] = usage
        response |= {
            name: self._interaction[key] for key, name in _KEPT.items() if self._interaction.get(key)
        }
        if model := self._interaction.get("model"):
            response["modelVersion"] = model
        if self.id:
            response["responseId"] = self.id
        if len(self.ids) > 1:
            response["continuationIds"] = self.ids
        response["interactionStatus"] = self.status
        return cast("GenerateContentResponse", response)

    @property
    def _errors(self) -> list[Json]:
        errors = self._interaction.get("errors")
        return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []

    def _failure(self) -> GeminiAPIError:
        """The error of an interaction that failed, with what there is of its answer in the details."""
        first = (self._errors or [{}])[0]
        message = _text(first.get("message")) or "the interaction failed, and the service does not say why"
        details = [{**self._interaction, "steps": self.steps}]
        return api_error({"error": {**first, "message": message, "details": details}})


_EVENTS: Final = frozenset({"interaction.created", "interaction.status_update", "interaction.completed"})


@contextmanager
def _readable(value: Any) -> Iterator[None]:
    """Raise what comes of a value that has not the structure the protocol promises as `ResponseFormatError`."""
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise ResponseFormatError("the interaction cannot be read", body=repr(value)[:500]) from error


def _chunk(parts: list[Json]) -> GenerateContentResponse:
    return cast("GenerateContentResponse", {"candidates": [{"content": {"role": "model", "parts": parts}}]})


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _usage(usage: Json) -> Json:
    """Token counts under generateContent's names; counts that it does not know keep theirs."""
    counts: Json = {}
    for key, value in usage.items():
        if key in _DETAILS and isinstance(value, list):
            counts[_DETAILS[key]] = [
                {"modality": str(each.get("modality")).upper(), "tokenCount": each.get("tokens", 0)}
                for each in value
                if isinstance(each, dict)
            ]
        elif key in _COUNTS and isinstance(value, int):
            counts[_COUNTS[key]] = value
        elif key not in _DETAILS:
            counts[key] = value
    return counts


def _grounding(steps: list[Json]) -> Json:
    """What the annotations of texts rest on, as generateContent says it."""
    chunks: list[Json] = []
    supports: list[Json] = []
    queries: list[str] = []
    for step in steps:
        if step.get("type") == "google_search_call" and isinstance(step.get("arguments"), dict):
            queries += step["arguments"].get("queries") or []
        for content in step.get("content") or () if step.get("type") == "model_output" else ():
            text = str(content.get("text", "")).encode("utf-8", "surrogatepass")
            for annotation in content.get("annotations") or ():
                source = _source(annotation)
                if source not in chunks:
                    chunks.append(source)
                first, last = annotation.get("start_index") or 0, annotation.get("end_index") or len(text)
                quote = text[first:last].decode("utf-8", "replace")
                segment = {"startIndex": first, "endIndex": last, "text": quote}
                supports.append({"segment": segment, "groundingChunkIndices": [chunks.index(source)]})
    if not chunks and not queries:
        return {}
    found = {"groundingChunks": chunks, "groundingSupports": supports} if chunks else {}
    return {**found, **({"webSearchQueries": queries} if queries else {})}


def _source(annotation: Json) -> Json:
    match annotation.get("type"):
        case "file_citation":
            names = {"uri": "document_uri", "title": "file_name"}
            kind = "retrievedContext"
        case "place_citation":
            names = {"uri": "url", "title": "name", "placeId": "place_id"}
            kind = "maps"
        case _:
            names = {"uri": "url", "title": "title"}
            kind = "web"
    return {kind: {name: annotation[key] for name, key in names.items() if annotation.get(key)}}
