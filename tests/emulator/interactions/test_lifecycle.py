"""Interactions that are followed, looked up, resumed, cancelled and deleted; environments; faults."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import httpx
import pytest

from tests.emulator.interactions.conftest import (
    CODE_TOOL,
    NEW,
    OLD,
    PATH,
    VERTEX,
    WEATHER,
    Interactions,
    event,
    good,
    refusal,
)
from tests.emulator.interactions.test_answers import folded

NOT_FOUND = (404, "not_found", "Requested entity was not found.")
LONG = "One two three four five six seven eight nine ten."


def said(found: dict[str, Any]) -> str:
    outputs = [step for step in found["steps"] if step["type"] == "model_output"]
    return "".join(content["text"] for step in outputs for content in step["content"])


def run(code: str) -> dict[str, Any]:
    return {"executableCode": {"code": code}}


def cut(client: Interactions, **body: Any) -> list[dict[str, Any]]:
    """The events of a stream up to where its connection breaks."""
    seen: list[dict[str, Any]] = []
    ask = {"model": NEW, "input": "Hi", "stream": True, **body}
    with client.http.stream("POST", PATH, json=ask) as response:
        texts = response.iter_text()
        with suppress(httpx.RemoteProtocolError):
            while True:
                seen += [event(block) for block in next(texts).strip().split("\n\n")]
    return seen


class Waiting:
    """A brain that says something, and the rest when it is let."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def respond(self, prompt: Any) -> Any:
        yield {"text": "Wait for "}
        self.go.wait(30)
        yield {"text": "it."}


# -- state ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [PATH, VERTEX])
def test_one_follows_another(interact, path):
    client = interact(["Madrid.", "Prado.", "Yes."])
    first = client.create(path=path, input="Largest city?", system_instruction="Be brief.")
    second = client.create(path=path, input="Museum?", previous_interaction_id=first["id"])
    third = client.create(path=path, input="Sure?", previous_interaction_id=second["id"])
    prompt = client.emulator.requests[-1]
    assert [content["role"] for content in prompt.contents] == ["user"]  # what was sent, not what was read
    looked_up = good(client.http.get(f"{path}/{third['id']}"))
    assert looked_up["previous_interaction_id"] == second["id"]
    assert [step["type"] for step in looked_up["steps"]] == ["user_input", "thought", "model_output"]


def test_a_brain_reads_what_went_before(interact):
    read: list[Any] = []
    client = interact(lambda prompt: read.append(prompt.request["contents"]) or "So.")
    first = client.create(input="One?")
    client.create(input="Two?", previous_interaction_id=first["id"])
    sent = [{"type": "user_input", "content": [{"type": "text", "text": "One?"}]}, *first["steps"]]
    again = {"type": "user_input", "content": [{"type": "text", "text": "Two?"}]}
    client.create(input=[*sent, again], store=False)
    assert read[1] == read[2]
    assert [content["role"] for content in read[1]] == ["user", "model", "user"]


def test_what_is_not_there_is_not_found(interact):
    client = interact(lambda _: "So.")
    unstored = client.create(input="Hi", store=False)
    stored = client.create(input="Hi")
    assert "id" not in unstored
    assert client.http.delete(f"{PATH}/{stored['id']}").json() == {}
    for response in (
        client.http.get(f"{PATH}/{stored['id']}"),
        client.http.delete(f"{PATH}/{stored['id']}"),
        client.http.post(f"{PATH}/{stored['id']}/cancel", json={}),
        client.post({"input": "Hi", "previous_interaction_id": stored["id"]}),
        client.post({"input": "Hi", "environment": "env_1"}),
    ):
        assert refusal(response) == NOT_FOUND


def test_a_look_up_gives_the_input_where_it_is_asked_for(interact):
    client = interact(["So."])
    made = client.create(input="Hi")
    assert "input" not in client.get(made)
    assert client.get(made, include_input="true")["input"] == "Hi"


# -- background ----------------------------------------------------------------------------------------------


def test_in_the_background_it_is_polled(interact):
    brain = Waiting()
    client = interact(brain)
    begun = client.create(input="Hi", background=True)
    assert begun["status"] == "in_progress"
    assert client.get(begun)["status"] == "in_progress"
    refused = client.post({"input": "Hi", "previous_interaction_id": begun["id"]})
    assert refusal(refused)[1] == "invalid_request"
    brain.go.set()
    events = client.resume(begun["id"])
    assert [one["event_id"] for one in events] == [str(number + 1) for number in range(len(events))]
    found = client.get(begun)
    assert (found["status"], said(found)) == ("completed", "Wait for it.")


def test_a_cut_stream_goes_on_behind_its_last_event(interact):
    client = interact([LONG], faults=["cut:after=5"])
    seen = cut(client, background=True)
    interaction_id = seen[0]["interaction"]["id"]
    rest = client.resume(interaction_id, last_event_id=seen[-1]["event_id"])
    assert seen + rest == client.resume(interaction_id)
    assert said({"steps": folded(seen + rest)}) == LONG
    assert refusal(client.http.get(f"{PATH}/{interaction_id}", params={"last_event_id": "1"}))[0] == 400


def test_what_goes_on_in_the_background_can_be_cancelled(interact):
    brain = Waiting()
    client = interact(brain)
    begun = client.create(input="Hi", background=True)
    cancelled = good(client.http.post(f"{PATH}/{begun['id']}/cancel", json={}))
    assert cancelled["status"] == client.get(begun)["status"] == "cancelled"
    assert client.resume(begun["id"])[-1]["interaction"]["status"] == "cancelled"
    again = client.http.post(f"{PATH}/{begun['id']}/cancel")
    assert refusal(again)[:2] == (400, "invalid_request")
    brain.go.set()


def test_in_the_foreground_it_ends_with_its_client(interact):
    brain = Waiting()
    client = interact(brain)
    with client.http.stream("POST", PATH, json={"model": NEW, "input": "Hi", "stream": True}) as response:
        first = event(next(response.iter_text()).strip().split("\n\n")[0])
    found = client.resume(first["interaction"]["id"])
    assert found[-1]["interaction"]["status"] == "cancelled"
    brain.go.set()


# -- continuing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("store", [True, False])
def test_an_answer_in_hops(interact, store):
    client = interact([[LONG, run("print(1)"), "Done."], "Next."], faults=["continuation:after=2"])
    ask = {"input": "Hi", "tools": [CODE_TOOL], "store": store}
    first = client.create(**ask)
    assert first["status"] == "requires_continuation"
    token = {"continuation_token": first["continuation_token"]}
    followed = {"tools": [CODE_TOOL], "previous_interaction_id": first.get("id")}
    second = client.create(**token, **(followed if store else ask))
    assert second["status"] == "completed"
    assert said({"steps": first["steps"] + second["steps"]}) == f"{LONG}Done."
    if store:
        client.create(input="And?", tools=[CODE_TOOL], previous_interaction_id=second["id"])
        last = client.emulator.requests[-1]
        assert last.status == 200
    unknown = {"input": "Hi", "continuation_token": "dG9rZW4="}
    assert refusal(client.post(unknown))[1] == "invalid_request"


def test_a_checkpoint_comes_before_the_cut(interact):
    client = interact([LONG], faults=["checkpoint:after=1"])
    seen = cut(client, model=OLD)
    assert seen[-1]["event_type"] == "interaction.status_update"
    rest = client.stream(
        model=OLD,
        continuation_token=seen[-1]["continuation_token"],
        previous_interaction_id=seen[-1]["interaction_id"],
    )
    assert said({"steps": folded(seen)}) + said({"steps": folded(rest)}) == LONG


# -- environments --------------------------------------------------------------------------------------------


def test_an_environment_keeps_its_variables_and_files(interact):
    source = {"type": "inline", "target": "/workspace/data.csv", "content": "n\n41\n"}
    count = run("n = int(open('data.csv').read().split()[1]) + 1\nopen('left.txt', 'w').write(str(n))")
    client = interact([[count], [run("print(n, open('left.txt').read())")], [run("print(n)")]])
    ask = {"input": "Count", "tools": [CODE_TOOL], "model": OLD}
    made = client.create(environment={"type": "remote", "sources": [source]}, **ask)
    again = client.create(environment=made["environment_id"], **ask)
    assert again["environment_id"] == made["environment_id"] == client.get(again)["environment_id"]
    assert [step["result"] for step in again["steps"] if "result" in step] == ["42 42\n"]
    (fresh,) = [step for step in client.create(**ask)["steps"] if "result" in step]
    assert fresh["is_error"]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ({"target": "a.txt", "content": "NDI=", "encoding": "base64"}, ""),
        (
            {"target": "a.txt", "content": "4?", "encoding": "base64"},
            "Invalid input at 'environment.sources'.",
        ),
        ({"content": "42"}, "Invalid input at 'environment.sources'."),
    ],
)
def test_sources_of_an_environment(interact, source, told):
    client = interact([[run("print(open('a.txt').read())")]])
    environment = {"type": "remote", "sources": [{"type": "inline", **source}]}
    response = client.post({"input": "Read", "tools": [CODE_TOOL], "environment": environment})
    if told:
        assert refusal(response) == (400, "invalid_request", told)
    else:
        assert "42\n" in [step.get("result") for step in good(response)["steps"]]


def test_an_environment_makes_room_for_others(interact):
    client = interact(lambda _: "So.")
    first, *_ = [client.create(input="Hi", environment="remote")["environment_id"] for _ in range(17)]
    assert refusal(client.post({"input": "Hi", "environment": first})) == NOT_FOUND


def test_code_in_an_environment_ends_with_its_interaction(interact):
    client = interact([[run("import time\nprint('on')\ntime.sleep(600)")], [run("print(7)")]])
    begun = client.create(input="Go", tools=[CODE_TOOL], environment="remote", background=True)
    told = client.http.stream("GET", f"{PATH}/{begun['id']}", params={"stream": "true"})
    with told as response:
        for line in response.iter_lines():
            if "code_execution_call" in line:
                break
    assert good(client.http.post(f"{PATH}/{begun['id']}/cancel"))["status"] == "cancelled"


# -- faults, the journal -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("503", 503, "service_unavailable"),
        ("quota", 429, "too_many_requests"),
        ("permission", 403, "permission_denied"),
        ("500", 500, "internal_error"),
    ],
)
@pytest.mark.parametrize("streams", [True, False])
def test_faults_refuse_it(interact, fault, status, code, streams):
    client = interact(["So."], faults=[fault])
    assert refusal(client.post({"input": "Hi", "stream": streams}))[:2] == (status, code)
    assert client.create(input="Hi")["status"] == "completed"


def test_faults_on_the_way(interact):
    client = interact(
        lambda _: LONG, faults=["error:after=4", "unfinished:after=3", "duplicate", "garbled:after=1"]
    )
    ask = {"input": "Hi", "stream": True}
    *_, failed = client.post(ask).text.strip().split("\n\n")
    assert event(failed)["error"]["code"] == "service_unavailable"
    assert len(client.post(ask).text.strip().split("\n\n")) == 3
    first, second, *_ = client.post(ask).text.split("\n\n")
    assert first == second
    garbled = client.post(ask).text.split("\n\n")[1]
    assert garbled.startswith("data: }")
    client.emulator.faults.add("cut")
    with pytest.raises(httpx.RemoteProtocolError):
        client.post({"input": "Hi"})


@pytest.mark.parametrize("streams", [True, False])
def test_the_page_shows_an_interaction(interact, streams):
    client = interact([["It is ", run("print(6 * 7)"), "42."]], record_page=True)
    client.post({"input": "6 by 7?", "tools": [CODE_TOOL, WEATHER], "stream": streams})
    (line,) = client.http.get("/__emulator__/requests").json()["requests"]
    shown = client.http.get(f"/__emulator__/requests/{line['number']}").json()
    assert (line["method"], line["model"], line["text"]) == ("createInteraction", NEW, "6 by 7?")
    assert (line["codeExecution"], line["functions"]) == (True, ["weather"])
    assert (line["outcomes"], line["finish"]) == (["OUTCOME_OK"], "COMPLETED")
    assert [next(iter(part)) for part in shown["answer"]["parts"]] == [
        "text",
        "executableCode",
        "codeExecutionResult",
        "text",
    ]
    usage = shown["usage"]
    assert line["tokens"] == usage["totalTokenCount"] > usage["promptTokenCount"] > 0
