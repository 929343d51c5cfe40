"""What an interaction answers: its resource, its steps and its events, as they were recorded."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_codeexec.emulator import EmulatedError
from langchain_codeexec.emulator.interactions.events import Transcript, pieces
from langchain_codeexec.emulator.targets import Target
from tests.emulator.interactions.conftest import CODE_TOOL, NEW, OLD, WEATHER, refusal

CODE = {"executableCode": {"code": "print(6 * 7)"}}
BASH = {"executableCode": {"language": "BASH", "code": "echo $((6 * 7)); exit 0"}}
BROKEN_BASH = {"executableCode": {"language": "BASH", "code": "echo nothing; exit 3"}}
CALL = {"functionCall": {"name": "weather", "args": {"city": "Utrecht"}}}
PNG = base64.b64encode(b"\x89PNG").decode()

RESOURCE = "id status usage created updated service_tier steps object model".split()
USAGE = (
    "total_tokens total_input_tokens input_tokens_by_modality total_cached_tokens total_output_tokens "
    "total_tool_use_tokens total_thought_tokens"
).split()
STREAM = {
    "interaction.created": ("interaction event_type", "id status object model"),
    "interaction.status_update": ("interaction_id status event_type", ""),
    "step.start": ("index step event_type", ""),
    "step.delta": ("index delta event_type", ""),
    "step.stop": ("index event_type", ""),
    "interaction.completed": (
        "interaction event_type",
        "id status usage created updated service_tier object model",
    ),
}
"""The keys of recorded events and of the interaction within, in their order."""


def kinds(steps: list[dict[str, Any]]) -> list[str]:
    return [step["type"] for step in steps]


def shapes(steps: list[dict[str, Any]]) -> list[str]:
    return [" ".join(step) for step in steps]


def folded(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The steps that events tell of, put together as the documentation of streaming says."""
    steps: list[dict[str, Any]] = []
    for event in events:
        if event["event_type"] == "step.start":
            assert event["index"] == len(steps)
            steps.append({key: value for key, value in event["step"].items() if key != "signature"})
        elif event["event_type"] == "step.delta":
            step, delta = steps[event["index"]], event["delta"]
            match delta["type"]:
                case "thought_signature":
                    step["signature"] = delta["signature"]
                case "thought_summary":
                    step.setdefault("summary", []).append(delta["content"])
                case "arguments_delta":
                    step["arguments"] = json.loads(delta["arguments"])
                case "text" if step.get("content") and step["content"][-1]["type"] == "text":
                    step["content"][-1]["text"] += delta["text"]
                case "text" | "image" | "document" | "audio" | "video":
                    step.setdefault("content", []).append(dict(delta))
                case _:
                    step.update(delta)
    return steps


def test_an_answer_has_the_recorded_shape(interact):
    found = interact(["I am doing great, thank you for asking."]).create(model=OLD, input="How are you?")
    assert list(found) == RESOURCE
    assert list(found["usage"]) == USAGE
    assert found["usage"]["total_tokens"] == sum(
        found["usage"][f"total_{side}_tokens"] for side in ("input", "output", "tool_use", "thought")
    )
    assert shapes(found["steps"]) == ["signature type", "content type"]
    assert found["steps"][1]["content"] == [
        {"text": "I am doing great, thank you for asking.", "type": "text"}
    ]
    assert (found["status"], found["object"], found["model"]) == ("completed", "interaction", OLD)
    assert base64.urlsafe_b64decode(found["id"].removeprefix("v1_") + "==")[:2] == b"\n\x17"


@pytest.mark.parametrize("store", [True, False])
def test_a_stream_has_the_recorded_events(interact, store):
    client = interact([["Sunny, with a little wind.", CALL]])
    events = client.stream(model=OLD, input="Weather?", tools=[WEATHER], store=store)
    for event in events:
        keys, within = STREAM[event["event_type"]]
        assert " ".join(event) == keys
        assert " ".join(event.get("interaction", ())) == within
    names = [event["event_type"] for event in events]
    assert names[:2] == ["interaction.created", "interaction.status_update"]
    starts = [event["step"] for event in events if event["event_type"] == "step.start"]
    call_id = starts[3]["id"]
    assert starts == [
        {"type": "thought"},
        {"type": "model_output"},
        {"type": "thought"},
        {"id": call_id, "signature": "", "type": "function_call", "name": "weather", "arguments": {}},
    ]
    assert [event["delta"] for event in events if event.get("index") == 3 and "delta" in event] == [
        {"arguments": '{"city":"Utrecht"}', "type": "arguments_delta"}
    ]
    texts = [event["delta"]["text"] for event in events if event.get("delta", {}).get("type") == "text"]
    assert len(texts) > 1
    assert "".join(texts) == "Sunny, with a little wind."
    ids = {event["interaction"]["id"] for event in events if "interaction" in event}
    assert len(ids) == 1
    assert (ids == {""}) is not store
    assert events[-1]["interaction"]["status"] == "requires_action"


def test_what_is_not_stored_has_no_id(interact):
    client = interact(["Fine."])
    assert list(client.create(model=OLD, input="Hi", store=False)) == RESOURCE[1:]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (OLD, "thought model_output code_execution_call code_execution_result model_output"),
        (NEW, "thought model_output code_execution_call code_execution_result thought model_output"),
    ],
)
@pytest.mark.parametrize("streams", [False, True])
def test_code_runs_between_the_words(interact, model, expected, streams):
    client = interact([["I add. ", CODE, "It is 42."]])
    ask = {"model": model, "input": "6 by 7?", "tools": [CODE_TOOL]}
    steps = folded(client.stream(**ask)) if streams else client.create(**ask)["steps"]
    assert kinds(steps) == expected.split()
    call, result = steps[2:4]
    assert call["arguments"] == {"code": "print(6 * 7)", "language": "python"}
    assert (result["call_id"], result["result"], result["is_error"]) == (call["id"], "42\n", False)
    assert ("signature" in call) is (model == NEW)


@pytest.mark.parametrize(
    ("code", "output", "fails"),
    [(BASH, "42\n", False), (BROKEN_BASH, "nothing\nexit code 3", True)],
)
def test_bash_runs_as_well(interact, code, output, fails):
    _, call, result, *_ = interact([[code, "So."]]).create(model=OLD, input="Run", tools=[CODE_TOOL])["steps"]
    assert call["arguments"]["language"] == "bash"
    assert (result["result"], result["is_error"]) == (output, fails)


def test_functions_are_called_and_answered(interact):
    client = interact([[CALL, {"functionCall": {"name": "weather", "args": {}}}], "Rain."])
    asked = client.create(input="Weather?", tools=[WEATHER])
    assert asked["status"] == "requires_action"
    assert kinds(asked["steps"]) == ["thought", "function_call", "function_call"]
    assert shapes(asked["steps"])[1:] == ["id type name arguments"] * 2
    results = [
        {"type": "function_result", "call_id": step["id"], "result": {"sky": "grey"}}
        for step in asked["steps"][1:]
    ]
    told = client.create(input=results, tools=[WEATHER], previous_interaction_id=asked["id"])
    assert told["steps"][-1]["content"][0]["text"] == "Rain."
    *_, last = client.emulator.requests
    assert last.generates
    assert last.contents[-1]["parts"][0]["functionResponse"]["response"] == {"sky": "grey"}


def test_thoughts_are_summed_up_where_a_brain_says_them(interact):
    script = [{"text": "A sum.", "thought": True}, "It is 42."]
    client = interact([script, script])
    ask = {"input": "6 by 7?", "generation_config": {"thinking_summaries": "auto"}}
    whole, told = client.create(**ask)["steps"], folded(client.stream(**ask))
    assert whole[0]["summary"] == told[0]["summary"] == [{"text": "A sum.", "type": "text"}]
    assert shapes(whole) == ["signature summary type", "content type"]


def test_pictures_are_content(interact):
    found = interact([["See:", {"inlineData": {"mimeType": "image/png", "data": PNG}}]]).create(input="Draw")
    assert found["steps"][-1]["content"] == [
        {"text": "See:", "type": "text"},
        {"mime_type": "image/png", "data": PNG, "type": "image"},
    ]


@pytest.mark.parametrize(
    ("step", "settings", "status"),
    [
        ("One two three four five six.", {"max_output_tokens": 4, "thinking_level": "minimal"}, "incomplete"),
        ({"candidates": [{"finishReason": "BUDGET_EXCEEDED"}]}, {}, "budget_exceeded"),
        ({"candidates": [{"finishReason": "SAFETY", "finishMessage": "No."}]}, {}, "failed"),
        ({"candidates": []}, {}, "failed"),
        ({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}, {}, "failed"),
    ],
)
def test_how_an_answer_ends(interact, step, settings, status):
    found = interact([step]).create(input="Hi", generation_config=settings)
    assert found["status"] == status
    assert ("errors" in found) is (status == "failed")


@pytest.mark.parametrize("streams", [False, True])
def test_a_script_may_give_whole_chunks(interact, streams):
    chunk = {
        "candidates": [{"content": {"parts": [{"text": "A sum. "}]}}],
        "usageMetadata": {"totalTokenCount": 7},
    }
    end = {"candidates": [{"content": {"parts": [{"text": "42."}]}, "finishReason": "MAX_TOKENS"}]}
    client = interact([[chunk, end]])
    if streams:
        events = client.stream(input="6 by 7?")
        steps, about = folded(events), events[-1]["interaction"]
    else:
        about = client.create(input="6 by 7?")
        steps = about["steps"]
    assert steps[-1]["content"] == [{"text": "A sum. 42.", "type": "text"}]
    assert (about["status"], about["usage"]["total_tokens"]) == ("incomplete", 7)


def test_a_brain_that_fails_at_once_is_a_status_and_later_an_event(interact):
    quota = EmulatedError(429, message="Too much.")
    client = interact([quota, quota, ["Well, ", quota], ["Well, ", quota]])
    assert refusal(client.post({"input": "Hi"})) == (429, "too_many_requests", "Too much.")
    assert refusal(client.post({"input": "Hi", "stream": True})) == (429, "too_many_requests", "Too much.")
    assert refusal(client.post({"input": "Hi"}))[0] == 429
    *_, last = client.post({"input": "Hi", "stream": True}).text.strip().split("\n\n")
    assert last.startswith("event: error\n")
    assert json.loads(last.split("data: ")[1]) == {
        "error": {"message": "Too much.", "code": "too_many_requests"},
        "event_type": "error",
    }


texts = st.text(max_size=50)
signed = st.fixed_dictionaries({}, optional={"thoughtSignature": st.just("c2ln")})
parts = st.one_of(
    st.builds(lambda text, more: {"text": text, **more}, texts, signed),
    st.builds(lambda text: {"text": text, "thought": True}, texts),
    st.builds(
        lambda text, more: {"executableCode": {"code": text, "language": "PYTHON"}, **more}, texts, signed
    ),
    st.builds(lambda text: {"codeExecutionResult": {"output": text, "outcome": "OUTCOME_OK"}}, texts),
    st.builds(
        lambda city, more: {"functionCall": {"name": "weather", "args": {"city": city}}, **more},
        texts,
        signed,
    ),
    st.just({"inlineData": {"mimeType": "image/png", "data": PNG}}),
    st.just(
        {"toolCall": {"toolType": "GOOGLE_SEARCH", "id": "s", "args": {"arguments": {"queries": ["q"]}}}}
    ),
    st.just({"toolResponse": {"toolType": "GOOGLE_SEARCH", "id": "s", "response": {"result": []}}}),
)


@given(st.lists(parts, max_size=8), st.sampled_from([OLD, NEW]))
def test_events_add_up_to_the_steps(answer, model):
    transcript = Transcript(Target("developer", "v1beta", model))
    events = [event for part in pieces(answer, []) for event in transcript.add(part)]
    events += transcript.close()
    assert folded(events) == transcript.steps
    starts = [event["index"] for event in events if event["event_type"] == "step.start"]
    assert starts == [event["index"] for event in events if event["event_type"] == "step.stop"]
    said = "".join(part["text"] for part in answer if "text" in part and not part.get("thought"))
    kept = [one["text"] for step in transcript.steps for one in step.get("content", ()) if "text" in one]
    assert "".join(kept) == said
