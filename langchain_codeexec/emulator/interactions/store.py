"""Interactions: how one is told, and those that are kept."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import Any, NamedTuple, cast

from langchain_codeexec.emulator.answering import Answer
from langchain_codeexec.emulator.brain import Parts, Prompt
from langchain_codeexec.emulator.fault_injection import ConnectionCut
from langchain_codeexec.emulator.faults import Fault
from langchain_codeexec.emulator.interactions.events import (
    Event,
    Transcript,
    failure_of,
    pieces,
    status_of,
    usage_from,
)
from langchain_codeexec.emulator.interactions.requests import Creation, envelope
from langchain_codeexec.emulator.interactions.steps import Step
from langchain_codeexec.emulator.responses import Stepper
from langchain_codeexec.emulator.service_errors import EmulatedError, error_from_exception, invalid
from langchain_codeexec.emulator.targets import Target
from langchain_codeexec.gemini.wire import GenerateContentResponse, Part

__all__ = ["Context", "Interaction", "Interactions", "Rest"]


class Rest:
    """A brain with the rest of an answer, whose beginning went out before."""

    def __init__(self, parts: Sequence[Part], fields: GenerateContentResponse) -> None:
        self._parts, self._fields = list(parts), fields

    def respond(self, prompt: Prompt) -> Parts:  # noqa: ARG002 -- a brain's signature
        """Say it as it was made."""
        yield self._parts
        return self._fields


class Context(NamedTuple):
    """What an answer is to: the steps a brain reads, those of the answer that went out before, and its rest."""

    steps: list[Step]
    begun: list[Step]
    rest: Rest | None


@dataclass(slots=True, eq=False)
class Interaction:
    """One interaction. It belongs to the event loop, but for `tell`, which goes on in a thread.

    Attributes:
        creation: What it was created from.
        context: What its answer is to.
        target: Where the request went.
        environment_id: Where its code runs; empty for what does not last.
        failure: What ended it before its end.
        is_over: Whether no more events come.
    """

    creation: Creation
    context: Context
    target: Target
    environment_id: str
    failure: Exception | None = None
    is_over: bool = False
    _transcript: Transcript = field(init=False)
    _id: str = field(default_factory=lambda: _mint_id())
    _status: str = "in_progress"
    _usage: dict[str, Any] = field(default_factory=dict)
    _token: str = ""
    _errors: list[dict[str, str]] = field(default_factory=list)
    _events: list[Event] = field(default_factory=list)
    _created: str = field(default_factory=lambda: _now())
    _updated: str = field(default_factory=lambda: _now())
    _readers: set[asyncio.Event] = field(default_factory=set)
    _task: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self._transcript = Transcript(self.target)

    @property
    def id(self) -> str:
        """Its id; empty where it is not stored."""
        return self._id if self.creation.is_set("store", default=True) else ""

    @property
    def runs(self) -> bool:
        """Whether its answer is still made."""
        return self._status == "in_progress"

    @property
    def steps(self) -> list[Step]:
        """The whole conversation."""
        return [*self.context.steps, *self.context.begun, *self._transcript.steps]

    # -- as it is shown ----------------------------------------------------------------------------------

    def resource(self, *, is_stored: bool = False, with_input: bool = False) -> dict[str, Any]:
        """It as JSON.

        Args:
            is_stored: As a look-up gives it, its input among the steps and with what it followed.
            with_input: Whether its input is in it as it came.
        """
        body = self.creation.body
        own = self.creation.steps if is_stored else ()
        found = {
            **self._head,
            "previous_interaction_id": body.get("previous_interaction_id") if is_stored else None,
            "steps": [*own, *self._transcript.steps] or None,
            "errors": self._errors or None,
            "input": body.get("input") if with_input else None,
            **self._tail,
        }
        return {name: value for name, value in found.items() if value is not None}

    @property
    def _head(self) -> dict[str, Any]:
        head = {
            "id": self.id or None,
            "status": self._status,
            "usage": self._usage or None,
            "continuation_token": self._token or None,
            "created": self._created,
            "updated": self._updated,
            "service_tier": self.creation.body.get("service_tier", "standard"),
            "environment_id": self.environment_id or None,
        }
        return {name: value for name, value in head.items() if value is not None}

    @property
    def _tail(self) -> dict[str, Any]:
        return {"object": "interaction", "model": self.target.model_version}

    # -- how it goes on ----------------------------------------------------------------------------------

    def tell(
        self, answer: Answer, hop: Fault | None, hold: Callable[[Interaction, str, Rest | None], None]
    ) -> Generator[Event]:
        """The events of the answer, in the thread that makes it.

        In the foreground the first piece of the answer is made before the first event, so that a failure up to
        there is a status.

        Args:
            answer: The answer; where it is left early, its code ends.
            hop: A fault that leaves a part of the answer for another request.
            hold: Is told of the tokens that go on with the answer, and of what is still to come.
        """
        ends: list[GenerateContentResponse] = []
        parts: Iterator[Part] = pieces(answer.parts(), ends)
        usage = answer.usage
        if hop is not None:
            parts, usage = self._split(answer, list(parts), hop, ends, hold)
        if not self.creation.is_set("background"):
            parts = chain([part] if (part := next(parts, None)) is not None else [], parts)
        yield {
            "interaction": {"id": self.id, "status": "in_progress", **self._tail},
            "event_type": "interaction.created",
        }
        yield self._status_update()
        for part in parts:
            yield from self._transcript.add(part)
        if self._token and hop is not None and hop.kind == "checkpoint":
            self._status = "requires_continuation"
            yield {**self._status_update(), "continuation_token": self._token}
            raise ConnectionCut
        yield from self._transcript.close()
        self._end(answer, usage.total, [*ends, answer.fields], hold)
        yield self._completed()

    def _split(
        self,
        answer: Answer,
        every: list[Part],
        hop: Fault,
        ends: list[GenerateContentResponse],
        hold: Callable[[Interaction, str, Rest | None], None],
    ) -> tuple[Iterator[Part], Any]:
        """The first pieces of the answer, where there are more, and the count of what they take."""
        after = max(hop.after, 1)
        if len(every) <= after:
            return iter(every), answer.usage
        fields: dict[str, Any] = {**answer.fields}
        fields.setdefault("candidates", [{"finishReason": answer.finish_reason}])
        self._token = base64.b64encode(secrets.token_bytes(18)).decode("ascii")
        hold(self, self._token, Rest(every[after:], cast("GenerateContentResponse", fields)))
        if hop.kind == "continuation":
            ends.append({"candidates": [{"finishReason": "CONTINUATION"}]})
        usage = answer.fresh_usage()
        for part in every[:after]:
            usage.add(part)
        return iter(every[:after]), usage

    def _end(
        self,
        answer: Answer,
        usage: Mapping[str, Any],
        said: Sequence[GenerateContentResponse],
        hold: Callable[[Interaction, str, Rest | None], None],
    ) -> None:
        """Settle the status, by what the answer and a script say; a hop's end comes before that of the whole."""
        reason, message, block = answer.finish_reason, "", ""
        for response in said:
            usage = {**usage, **response.get("usageMetadata", {})}
            candidates = response.get("candidates")
            block = (response.get("promptFeedback") or {}).get("blockReason", block)
            if candidates is not None and not candidates:
                block = block or "OTHER"
            for candidate in (candidates or [])[:1]:
                message = candidate.get("finishMessage", message)
                if not self._token:
                    reason = candidate.get("finishReason") or reason
                if token := candidate.get("continuationToken", ""):
                    self._token, reason = token, "CONTINUATION"
                    hold(self, token, None)
        if self._token:
            reason = "CONTINUATION"
        self._status = status_of(block or reason, self._transcript.steps)
        if self._status == "failed":
            self._errors.append(failure_of(block or reason, message))
        self._usage = usage_from(cast("Any", usage))
        self._updated = _now()

    def _status_update(self) -> Event:
        return {
            "interaction_id": self.id,
            "status": self._status,
            "event_type": "interaction.status_update",
        }

    def _completed(self) -> Event:
        errors = {"errors": self._errors} if self._errors else {}
        about = {"id": self.id, **self._head, **errors, **self._tail}
        return {"interaction": about, "event_type": "interaction.completed"}

    def start(self, source: Stepper[Event]) -> None:
        """Let the answer be made, whoever listens."""
        self._task = asyncio.get_running_loop().create_task(self._run(source))

    async def _run(self, source: Stepper[Event]) -> None:
        try:
            while (event := await source.next()) is not None:
                self._tell(event)
        except ConnectionCut as cut:
            self.failure = cut
        except asyncio.CancelledError:
            self._status, self._updated = "cancelled", _now()
            self._tell(self._completed())
        except Exception as error:  # noqa: BLE001 -- whatever a brain raises, the client gets
            failure = error_from_exception(error)
            told = envelope(failure)
            self.failure, self._status, self._updated = failure, "failed", _now()
            self._errors.append(told["error"])
            if self._events:
                self._tell({**told, "event_type": "error"})
        finally:
            self.is_over = True
            self._wake()
            await source.aclose()

    async def cancel(self) -> None:
        """Stop making the answer."""
        if self._task is not None and not self.is_over:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _tell(self, event: Event) -> None:
        self._events.append(event)
        self._wake()

    def _wake(self) -> None:
        for reader in self._readers:
            reader.set()

    async def follow(self, after: int = 0) -> AsyncIterator[tuple[int, Event]]:
        """The events and their numbers, from 1, behind the given one; waits for those to come.

        Raises:
            ConnectionCut: The network is to fail there.
        """
        woken = asyncio.Event()
        self._readers.add(woken)
        try:
            while True:
                woken.clear()
                while after < len(self._events):
                    after += 1
                    yield after, self._events[after - 1]
                if self.is_over:
                    break
                await woken.wait()
        finally:
            self._readers.discard(woken)
        if isinstance(self.failure, ConnectionCut):
            raise self.failure

    async def begun(self) -> None:
        """Wait for the first event.

        Raises:
            EmulatedError: There was none, for the answer failed.
        """
        async for _ in self.follow():
            return
        if self.failure is not None:
            raise self.failure

    async def ended(self) -> None:
        """Wait for the last event.

        Raises:
            EmulatedError: The answer failed.
        """
        async for _ in self.follow():
            pass
        if self.failure is not None:
            raise self.failure


def _mint_id() -> str:
    """An id as recorded: a message of two texts that are the same, base64."""
    name = secrets.token_urlsafe(17).encode()
    raw = b"".join(bytes((tag, len(name))) + name for tag in (0x0A, 0x12))
    return f"v1_{base64.urlsafe_b64encode(raw).decode().rstrip('=')}"


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# -- those that are kept -------------------------------------------------------------------------------

_REMEMBERED = 1000


class Interactions:
    """The interactions that are stored, and the tokens that go on with answers; the last 1,000 of each."""

    def __init__(self) -> None:
        self._stored: OrderedDict[str, Interaction] = OrderedDict()
        self._held: OrderedDict[str, tuple[Interaction, Rest | None]] = OrderedDict()

    def add(self, interaction: Interaction) -> None:
        """Keep one, if it says so."""
        if interaction.id:
            _keep(self._stored, interaction.id, interaction)

    def hold(self, interaction: Interaction, token: str, rest: Rest | None) -> None:
        """Keep a token, and what is still to come of the answer; without that a brain is to say it."""
        _keep(self._held, token, (interaction, rest))

    def get(self, interaction_id: str) -> Interaction:
        """The one of that id.

        Raises:
            EmulatedError: There is none (404).
        """
        if interaction_id not in self._stored:
            raise EmulatedError(404, message="Requested entity was not found.")
        return self._stored[interaction_id]

    def delete(self, interaction_id: str) -> Interaction:
        """Forget one.

        Raises:
            EmulatedError: There is none (404).
        """
        interaction = self.get(interaction_id)
        del self._stored[interaction_id]
        return interaction

    def context(self, creation: Creation) -> Context:
        """What a new interaction's answer is to.

        Raises:
            EmulatedError: What it follows is not there (404) or not over, or its token is none (400).
        """
        previous_id = creation.body.get("previous_interaction_id", "")
        previous = self.get(previous_id) if previous_id else None
        if previous is not None and previous.runs:
            raise invalid(f"The previous interaction {previous_id} is still in progress.")
        token = creation.body.get("continuation_token")
        if not token:
            return Context([*(previous.steps if previous else ()), *creation.steps], [], None)
        owner, rest = self._held.get(token, (None, None))
        if owner is None or (previous is not None and owner is not previous):
            raise invalid("The continuation token is not valid.")
        if previous is None:
            return Context(list(creation.steps), [], rest)
        begun = previous.steps[len(previous.context.steps) :]
        return Context([*previous.context.steps, *creation.steps], begun, rest)


def _keep(kept: OrderedDict[str, Any], key: str, value: Any) -> None:
    kept[key] = value
    if len(kept) > _REMEMBERED:
        kept.popitem(last=False)
