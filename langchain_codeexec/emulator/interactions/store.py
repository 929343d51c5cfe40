"""Interactions, how their answers are told, and those that are kept."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any, NamedTuple, TypeAlias, cast

from langchain_codeexec.emulator.answering import Answer
from langchain_codeexec.emulator.brain import Parts, Prompt
from langchain_codeexec.emulator.fault_injection import ConnectionCut
from langchain_codeexec.emulator.faults import Fault
from langchain_codeexec.emulator.interactions.events import Event, Transcript, pieces, status_of, usage_from
from langchain_codeexec.emulator.interactions.requests import Creation, envelope
from langchain_codeexec.emulator.interactions.steps import Step
from langchain_codeexec.emulator.responses import Stepper
from langchain_codeexec.emulator.service_errors import EmulatedError, error_from_exception, invalid
from langchain_codeexec.emulator.targets import Target
from langchain_codeexec.gemini.wire import GenerateContentResponse, Part, UsageMetadata

__all__ = ["Context", "Interaction", "Interactions"]


class _Rest:
    """A brain with the rest of an answer, whose beginning went out before."""

    def __init__(self, parts: Sequence[Part], fields: GenerateContentResponse) -> None:
        self._parts, self._fields = list(parts), fields

    def respond(self, prompt: Prompt) -> Parts:  # noqa: ARG002 -- a brain's signature
        yield self._parts
        return self._fields


class Context(NamedTuple):
    """What an answer is to: the steps a brain reads, those of the answer that went out before, and its rest."""

    steps: Sequence[Step]
    begun: Sequence[Step] = ()
    rest: _Rest | None = None


_Hold: TypeAlias = "Callable[[Interaction, str, _Rest | None], None]"


class Interaction:
    """One interaction. It belongs to the event loop, but for `tell`, which goes on in a thread.

    Args:
        creation: What it is created from.
        context: What its answer is to.
        target: Where the request went.
        environment_id: Where its code runs; empty for what does not last.

    Attributes:
        id: Its id; empty where it is not stored.
    """

    def __init__(self, creation: Creation, context: Context, target: Target, environment_id: str) -> None:
        self.creation = creation
        self.context = context
        self.id = _mint_id() if creation.is_stored else ""
        self._transcript = Transcript(target)
        self._about: dict[str, Any] = {
            "id": self.id,
            "status": "in_progress",
            "usage": None,
            "continuation_token": None,
            "created": _now(),
            "updated": _now(),
            "service_tier": creation.body.get("service_tier", "standard"),
            "environment_id": environment_id or None,
            "errors": None,
        }
        self._named = {"object": "interaction", "model": target.model_version}
        self._events: list[Event] = []
        self._readers: set[asyncio.Event] = set()
        self._failure: Exception | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def runs(self) -> bool:
        """Whether its answer is still made."""
        return bool(self._about["status"] == "in_progress")

    @property
    def steps(self) -> list[Step]:
        """The whole conversation."""
        return [*self.context.steps, *self.context.begun, *self._transcript.steps]

    def resource(self) -> dict[str, Any]:
        """It as JSON; without an id where it is not stored."""
        about = {**self._about, "id": self.id or None, "steps": self._transcript.steps or None}
        return _present({**about, **self._named})

    def stored(self, *, with_input: bool) -> dict[str, Any]:
        """It as a look-up gives it: its input among the steps, and as it came where that is asked for."""
        body = self.creation.body
        before = {"previous_interaction_id": body.get("previous_interaction_id")}
        steps = [*self.creation.steps, *self._transcript.steps]
        sent = {"input": body.get("input")} if with_input else {}
        return _present({**self._about, **before, "steps": steps, **sent, **self._named})

    # -- telling -----------------------------------------------------------------------------------------

    def tell(self, answer: Answer, hop: Fault | None, hold: _Hold) -> Generator[Event]:
        """The events of the answer, in the thread that makes it.

        In the foreground the first piece of the answer is made before the first event, so that a failure up to
        there is a status.

        Args:
            answer: The answer; where it is left early, its code ends.
            hop: A fault that leaves a part of the answer for another request.
            hold: Is told of the tokens that go on with the answer, and of what is still to come.
        """
        responses: list[GenerateContentResponse] = []
        parts: Iterator[Part] = pieces(answer.parts(), responses)
        if hop is not None:
            parts = self._cut(answer, list(parts), max(hop.after, 1), responses, hold)
        elif not self.creation.in_background:
            parts = chain(list(islice(parts, 1)), parts)
        created = {"id": self.id, "status": "in_progress", **self._named}
        yield {"interaction": created, "event_type": "interaction.created"}
        yield self._status_update()
        usage = answer.fresh_usage()
        for part in parts:
            usage.add(part)
            yield from self._transcript.add(part)
        if hop is not None and hop.kind == "checkpoint" and responses:
            *_, last = responses
            token = {"continuation_token": (last.get("candidates") or [{}])[0].get("continuationToken")}
            self._about |= {"status": "requires_continuation", **token}
            yield {**self._status_update(), **token}
            raise ConnectionCut
        if not self.runs:  # it was cancelled, which ends the answer early
            return
        yield from self._transcript.close()
        self._end(answer.finish_reason, usage.total, [answer.fields, *responses], hold)
        yield self._completed()

    def _cut(
        self,
        answer: Answer,
        every: list[Part],
        after: int,
        responses: list[GenerateContentResponse],
        hold: _Hold,
    ) -> Iterator[Part]:
        """So many pieces of an answer, and a response with a token for the others; all where these are no more."""
        if len(every) > after:
            end: Any = {"candidates": [{"finishReason": answer.finish_reason}]}
            for response in (*responses, answer.fields):
                end |= response
            token = base64.b64encode(secrets.token_bytes(18)).decode("ascii")
            hold(self, token, _Rest(every[after:], end))
            responses.append({"candidates": [{"finishReason": "CONTINUATION", "continuationToken": token}]})
        return iter(every[:after])

    def _end(
        self, reason: str, usage: UsageMetadata, responses: Sequence[GenerateContentResponse], hold: _Hold
    ) -> None:
        """Settle what only the end of an answer tells."""
        said: dict[str, Any] = {}
        for response in responses:
            usage = cast("UsageMetadata", {**usage, **response.get("usageMetadata", {})})
            reason = (response.get("promptFeedback") or {}).get("blockReason", reason)
            candidates: Any = response.get("candidates", [{}])
            said |= candidates[0] if candidates else {"finishReason": "OTHER"}
        reason = said.get("finishReason", reason)
        if reason == "CONTINUATION" and (token := said.get("continuationToken")):
            self._about["continuation_token"] = token
            hold(self, token, None)
        status = status_of(reason, self._transcript.steps)
        if status == "failed":
            message = said.get("finishMessage", f"The model ended with {reason}.")
            self._about["errors"] = [{"message": message, "code": reason.lower()}]
        self._about |= {"status": status, "usage": usage_from(usage), "updated": _now()}

    def _status_update(self) -> Event:
        return {
            "interaction_id": self.id,
            "status": "in_progress",
            "event_type": "interaction.status_update",
        }

    def _completed(self) -> Event:
        return {
            "interaction": _present({**self._about, **self._named}),
            "event_type": "interaction.completed",
        }

    # -- making it and listening to it -------------------------------------------------------------------

    def start(self, source: Stepper[Event]) -> None:
        """Let the answer be made, whoever listens."""
        self._task = asyncio.get_running_loop().create_task(self._run(source))

    async def _run(self, source: Stepper[Event]) -> None:
        try:
            while (event := await source.next()) is not None:
                self._add(event)
        except ConnectionCut as cut:
            self._failure = cut
        except asyncio.CancelledError:
            if self.runs:
                self._about |= {"status": "cancelled", "updated": _now()}
                self._add(self._completed())
        except Exception as error:  # noqa: BLE001 -- whatever a brain raises, the client gets
            self._failure = failure = error_from_exception(error)
            told = envelope(failure)
            self._about |= {"status": "failed", "updated": _now(), "errors": [told["error"]]}
            if self._events:
                self._add({**told, "event_type": "error"})
        finally:
            await source.aclose()

    async def cancel(self) -> None:
        """Stop making the answer."""
        if self._task is not None and self.runs:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _add(self, event: Event) -> None:
        self._events.append(event)
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
                if self._task is None or self._task.done():
                    break
                waiting = asyncio.ensure_future(woken.wait())
                try:
                    await asyncio.wait([waiting, self._task], return_when="FIRST_COMPLETED")
                finally:
                    waiting.cancel()
        finally:
            self._readers.discard(woken)
        if isinstance(self._failure, ConnectionCut):
            raise self._failure

    async def reach(self, *, end: bool) -> None:
        """Wait for the first event, or the last.

        Raises:
            EmulatedError: The answer failed before.
        """
        async for _ in self.follow():
            if not end:
                return
        if self._failure is not None:
            raise self._failure


def _present(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


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
        self._held: OrderedDict[str, tuple[Interaction, _Rest | None]] = OrderedDict()

    def add(self, interaction: Interaction) -> None:
        """Keep one, if it says so."""
        if interaction.id:
            _keep(self._stored, interaction.id, interaction)

    def hold(self, interaction: Interaction, token: str, rest: _Rest | None) -> None:
        """Keep a token, and what is still to come of the answer; without that a brain is to say it."""
        if token not in self._held:
            _keep(self._held, token, (interaction, rest))

    def get(self, interaction_id: str) -> Interaction:
        """The one of that id.

        Raises:
            EmulatedError: There is none (404).
        """
        if interaction_id not in self._stored:
            raise EmulatedError(404, message="Requested entity was not found.")
        return self._stored[interaction_id]

    def discard(self, interaction: Interaction) -> None:
        """Forget one."""
        self._stored.pop(interaction.id, None)

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
            return Context([*(previous.steps if previous else ()), *creation.steps])
        owner, rest = self._held.get(token, (None, None))
        if owner is None or (previous is not None and owner is not previous):
            raise invalid("The continuation token is not valid.")
        if previous is None:
            return Context(creation.steps, rest=rest)
        begun = previous.steps[len(previous.context.steps) :]
        return Context([*previous.context.steps, *creation.steps], begun, rest)


def _keep(kept: OrderedDict[str, Any], key: str, value: Any) -> None:
    kept[key] = value
    if len(kept) > _REMEMBERED:
        kept.popitem(last=False)
