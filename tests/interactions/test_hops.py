"""Answers that take several requests: long ones, those in the background, streams that break."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from langchain_codeexec.errors import GeminiTimeoutError, TruncatedResponseError
from tests.interactions.conftest import Service, events, interaction, text
from tests.interactions.test_answers import CALL, streamed

RUNNING = {"status": "in_progress"}


@pytest.mark.parametrize("store", [False, True])
@pytest.mark.parametrize("as_events", [False, True])
def test_a_long_answer_is_followed_to_its_end(service: Service, as_events: bool, store: bool) -> None:
    ids = ("i1", "i2", "i3") if store else ("", "", "")
    hops = [("Once ", "t1"), ("upon ", "t2"), ("a time.", "")]
    for name, (said, token) in zip(ids, hops, strict=True):
        status = "requires_continuation" if token else "completed"
        fields = {"continuation_token": token} if token else {}
        if as_events:
            service.streams(events(text(said), status=status, name=name, **fields))
        else:
            service.answers(interaction(text(said), status=status, id=name, **fields))
    llm = service.chat(store=store)
    answer = streamed(llm) if as_events else llm.invoke("How many?")
    assert answer.text == "Once upon a time."
    assert answer.response_metadata["finish_reason"] == "STOP"
    assert answer.usage_metadata["total_tokens"] == 15
    first, second, third = service.bodies
    assert (second["continuation_token"], third["continuation_token"]) == ("t1", "t2")
    if store:
        assert answer.response_metadata["response_id"] == "i3"
        assert answer.response_metadata["continuation_ids"] == ["i1", "i2", "i3"]
        assert (second["previous_interaction_id"], third["previous_interaction_id"]) == ("i1", "i2")
        assert "input" not in second
    else:
        assert second["input"] == third["input"] == first["input"]


def test_a_token_that_comes_back_is_not_followed_for_ever(service: Service) -> None:
    for _ in range(2):
        service.answers(interaction(text("Hm."), status="requires_continuation", continuation_token="t"))
    answer = service.chat().invoke("How many?")
    assert answer.response_metadata["finish_reason"] == "CONTINUATION"
    assert len(service.requests) == 2


def ask(llm: Any, way: str) -> str:
    async def aask() -> str:
        if way == "astream":
            return "".join([chunk.text async for chunk in llm.astream("How many?")])
        return (await llm.ainvoke("How many?")).text

    if way.startswith("a"):
        return asyncio.run(aask())
    return streamed(llm).text if way == "stream" else llm.invoke("How many?").text


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
def test_a_background_interaction_is_asked_for_until_it_is_done(service: Service, way: str) -> None:
    service.answers(
        interaction(status="queued", id="i1"),
        interaction(**RUNNING, id="i1"),
        interaction(text("Done."), id="i1"),
    )
    assert ask(service.chat(store=True, background=True), way) == "Done."
    assert [(each.method, each.path) for each in service.requests] == [
        ("POST", "/v1beta/interactions"),
        ("GET", "/v1beta/interactions/i1"),
        ("GET", "/v1beta/interactions/i1"),
    ]
    assert service.waits == [1.0, 2.0]


class PatienceError(BaseException):
    """What a caller gives up with."""


def test_a_background_interaction_is_cancelled_with_its_caller(service: Service) -> None:
    def give_up(_seconds: float) -> None:
        raise PatienceError

    service.answers(interaction(**RUNNING, id="i1"), interaction(status="cancelled", id="i1"))
    llm = service.chat(transport=service.transport(sleep=give_up), store=True, background=True)
    with pytest.raises(PatienceError):
        llm.invoke("How many?")
    assert service.requests[-1].path == "/v1beta/interactions/i1/cancel"


def test_a_background_interaction_is_cancelled_with_its_task(service: Service) -> None:
    async def give_up() -> None:
        waits = asyncio.Event()

        async def asleep(_seconds: float) -> None:
            waits.set()
            await asyncio.Event().wait()

        llm = service.chat(transport=service.transport(asleep=asleep), store=True, background=True)
        task = asyncio.create_task(llm.ainvoke("How many?"))
        await waits.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await llm.aclose()

    service.answers(interaction(**RUNNING, id="i1"), interaction(status="cancelled", id="i1"))
    asyncio.run(give_up())
    assert service.requests[-1].path == "/v1beta/interactions/i1/cancel"


def test_a_background_interaction_is_cancelled_at_the_deadline(service: Service) -> None:
    held = threading.Event()
    service.answers(interaction(**RUNNING, id="i1"))
    service.raw(held)
    service.answers(interaction(status="cancelled", id="i1"))
    with pytest.raises(GeminiTimeoutError, match="deadline"):
        service.chat(store=True, background=True, deadline=0.3).invoke("How many?")
    held.set()
    assert service.requests[-1].path == "/v1beta/interactions/i1/cancel"


def test_a_background_stream_that_is_closed_is_cancelled(service: Service) -> None:
    service.streams(events(text("Once upon a time"), name="i1"))
    chunks = service.chat(store=True, background=True).stream("Tell me.")
    next(chunks)
    chunks.close()
    assert service.requests[-1].path == "/v1beta/interactions/i1/cancel"


def numbered(stream: list[dict]) -> list[dict]:
    return [{**event, "event_id": f"e{number}"} for number, event in enumerate(stream)]


@pytest.mark.parametrize("way", ["stream", "astream"])
@pytest.mark.parametrize("place", [2, 3, 4, 5])
@pytest.mark.parametrize("repeated", [0, 2])
def test_a_stored_stream_that_was_cut_is_resumed(
    service: Service, way: str, place: int, repeated: int
) -> None:
    stream = numbered(events(text("Once upon a time"), CALL, name="i1"))
    service.streams(stream[:place], cut=True)
    service.streams(stream[place - repeated :])
    assert ask(service.chat(store=True), way) == "Once upon a time"
    resumed = service.requests[1]
    assert resumed.method == "GET"
    assert resumed.path == f"/v1beta/interactions/i1?stream=true&last_event_id=e{place - 1}"


def test_a_stream_that_only_breaks_is_given_up(service: Service) -> None:
    stream = numbered(events(text("Once upon a time"), name="i1"))
    service.streams(stream[:3], cut=True)
    for _ in range(3):
        service.streams(stream[2:3], cut=True)
    with pytest.raises(Exception, match=r"connection|ended"):
        ask(service.chat(store=True), "stream")
    assert len(service.requests) == 4


def test_a_stream_that_breaks_behind_its_end_is_whole(service: Service) -> None:
    service.streams(events(text("Once upon a time")), cut=True)
    assert streamed(service.chat()).text == "Once upon a time"


def test_a_stream_that_is_not_stored_and_was_cut_is_an_error(service: Service) -> None:
    service.streams(events(text("Once upon a time"))[:-1])
    seen: list[str] = []
    with pytest.raises(TruncatedResponseError):
        seen.extend(chunk.text for chunk in service.chat().stream("Tell me."))
    assert "".join(seen) == "Once upon a time"


def test_a_stream_that_was_cut_right_behind_a_token_goes_on_from_it(service: Service) -> None:
    stream = events(text("Once "))[:-1]
    token = {"event_type": "interaction.status_update", "interaction_id": "", "status": "in_progress"}
    service.streams([*stream, {**token, "continuation_token": "t1"}], cut=True)
    service.streams(events(text("upon a time.")))
    assert streamed(service.chat()).text == "Once upon a time."
    assert service.bodies[1]["continuation_token"] == "t1"


def test_steps_that_come_at_once_are_told_one_after_the_other(service: Service) -> None:
    first, second = events(text("Once upon")), events(text(" a time.."), begin=1)
    mixed = [each for pair in zip(first[1:-1], second[1:-1], strict=True) for each in pair]
    service.streams([first[0], *mixed, first[-1]])
    assert streamed(service.chat()).text == "Once upon a time.."
