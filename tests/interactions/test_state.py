"""What the service keeps is not sent again, and nothing else than that is left out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage, ToolMessage

from langchain_codeexec import CodeExecutionMiddleware
from langchain_codeexec.errors import InvalidRequestError
from langchain_codeexec.gemini.interactions.requests import digest
from langchain_codeexec.gemini.interactions.steps import steps_from_contents
from tests.interactions.conftest import Service, events, interaction, text
from tests.interactions.strategies import ANSWERS
from tests.interactions.test_answers import CALL, CODE, RESULT, THOUGHT, streamed, weather

FIRST = [THOUGHT, CODE, RESULT, text("There are three.")]
QUESTION = HumanMessage("How many?")
NEXT = HumanMessage("Really?")


def said(body: dict) -> list[Any]:
    """What a request says, step by step."""
    return [step.get("content", step.get("result")) for step in body["input"]]


@pytest.fixture
def first(service: Service) -> AIMessage:
    """An answer that the service keeps."""
    service.streams(events(*FIRST, name="i1"))
    return streamed(service.chat(store=True), [QUESTION])


def test_what_the_service_knows_is_not_sent_again(service: Service, first: AIMessage) -> None:
    llm = service.chat(store=True)
    service.answers(interaction(CALL, status="requires_action", id="i2"))
    service.answers(interaction(text("Rain."), id="i3"))
    system = SystemMessage("Be brief.")
    second = llm.bind_tools([weather]).invoke([system, QUESTION, first, NEXT])
    reply = ToolMessage("rain", tool_call_id="f1")
    llm.bind_tools([weather]).invoke([system, QUESTION, first, NEXT, second, reply])
    _, continued, answered = service.bodies
    assert (continued["previous_interaction_id"], answered["previous_interaction_id"]) == ("i1", "i2")
    assert said(continued) == [[{"type": "text", "text": "Really?"}]]
    assert said(answered) == ["rain"]
    assert second.response_metadata["previous_interaction_id"] == "i1"
    for body in (continued, answered):
        assert body["store"]
        assert body["system_instruction"] == "Be brief."
        assert body["tools"]


def edited(message: AIMessage) -> AIMessage:
    content = [
        {**block, "text": "There are four."} if block.get("type") == "text" else block
        for block in message.content
    ]
    return message.model_copy(update={"content": content})


CHANGES: dict[str, Any] = {
    "the beginning is left out": lambda first: [HumanMessage("Go on."), first, NEXT],
    "the question is another one": lambda first: [HumanMessage("How many, please?"), first, NEXT],
    "the answer was edited": lambda first: [QUESTION, edited(first), NEXT],
    "something is in front": lambda first: [HumanMessage("Hello."), AIMessage("Hi."), QUESTION, first, NEXT],
    "another model answered since": lambda first: [QUESTION, first, NEXT, AIMessage("Yes."), NEXT],
}


@pytest.mark.parametrize("change", list(CHANGES))
def test_a_history_that_changed_is_sent_whole(service: Service, first: AIMessage, change: str) -> None:
    service.answers(interaction(text("Yes."), id="i2"))
    messages: list[AnyMessage] = CHANGES[change](first)
    service.chat(store=True).invoke(messages)
    body = service.bodies[1]
    assert "previous_interaction_id" not in body
    assert len([step for step in body["input"] if step["type"] == "user_input"]) == sum(
        isinstance(message, HumanMessage) for message in messages
    )


def test_another_branch_continues_the_answer_it_leaves(service: Service, first: AIMessage) -> None:
    llm = service.chat(store=True)
    service.answers(interaction(text("Yes."), id="i2"), interaction(text("No."), id="i3"))
    llm.invoke([QUESTION, first, NEXT])
    llm.invoke([QUESTION, first, HumanMessage("Sure?")])
    assert [body.get("previous_interaction_id") for body in service.bodies] == [None, "i1", "i1"]


def test_what_is_stored_survives_a_store(service: Service, first: AIMessage) -> None:
    service.answers(interaction(text("Yes."), id="i2"))
    stored = AIMessage.model_validate_json(first.model_dump_json())
    service.chat(store=True).invoke([QUESTION, stored, NEXT])
    assert service.bodies[1]["previous_interaction_id"] == "i1"


@pytest.mark.parametrize(("status", "message"), [(404, "not found"), (400, "bad id"), (403, "not yours")])
@pytest.mark.parametrize("as_events", [False, True])
def test_an_interaction_that_the_service_forgot_is_sent_whole_once(
    service: Service, first: AIMessage, status: int, message: str, as_events: bool
) -> None:
    service.refuses(status, message)
    llm = service.chat(store=True)
    if as_events:
        service.streams(events(text("Yes."), name="i2"))
        answer = streamed(llm, [QUESTION, first, NEXT])
    else:
        service.answers(interaction(text("Yes."), id="i2"))
        answer = llm.invoke([QUESTION, first, NEXT])
    assert answer.text == "Yes."
    _, continued, whole = service.bodies
    assert continued["previous_interaction_id"] == "i1"
    assert "previous_interaction_id" not in whole
    assert whole["input"][1:-1] == FIRST


def test_a_request_that_is_wrong_in_itself_fails_after_that(service: Service, first: AIMessage) -> None:
    service.refuses(400, "bad schema")
    service.refuses(400, "bad schema")
    with pytest.raises(InvalidRequestError, match="bad schema"):
        service.chat(store=True).invoke([QUESTION, first, NEXT])


def test_without_store_nothing_is_continued(service: Service, first: AIMessage) -> None:
    service.answers(interaction(text("Yes.")))
    service.chat().invoke([QUESTION, first, NEXT])
    assert "previous_interaction_id" not in service.bodies[1]


@given(ANSWERS, st.integers(1, 3))
def test_a_digest_does_not_depend_on_how_texts_are_cut(steps: list[dict], size: int) -> None:
    def cut(step: dict) -> dict:
        if step["type"] != "model_output":
            return step
        contents = [
            {**content, "text": content["text"][i : i + size]} if content["type"] == "text" else content
            for content in step.get("content", ())
            for i in (range(0, len(content["text"]), size) if content["type"] == "text" else [0])
        ]
        return {"type": "model_output", "content": contents}

    assert digest([cut(step) for step in steps]) == digest(steps)


# -- the other API in between ----------------------------------------------------------------------------------

TURN = st.sampled_from(["generate_content", "interactions", "stored"])
SAID = st.sampled_from(
    [
        [text("Three.")],
        FIRST,
        [THOUGHT, CALL],
        [{"type": "google_search_call", "id": "g", "arguments": {"queries": ["q"]}}, text("Found.")],
    ]
)


def parts(steps: list[dict]) -> list[dict]:
    """An answer of generateContent that says the same, with signatures as it has them."""
    words = {
        "thought": "thought",
        "model_output": "text",
        "code_execution_call": "code",
        "code_execution_result": "result",
    }
    made: list[dict] = []
    for step in steps:
        kind = words.get(step["type"])
        if kind == "text":
            made.append({"text": step["content"][0]["text"], "thoughtSignature": "Z2M="})
        elif kind == "thought":
            made.append({"text": step["summary"][0]["text"], "thought": True})
        elif kind == "code":
            made.append({"executableCode": {"code": "print(3)", "language": "PYTHON", "id": "p1"}})
        elif kind == "result":
            made.append({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "3\n", "id": "p1"}})
        elif step["type"] == "function_call":
            call = {"id": step["id"], "name": step["name"], "args": step["arguments"]}
            made.append({"functionCall": call, "thoughtSignature": "Z2M="})
    return made


@given(turns=st.lists(st.tuples(TURN, SAID), min_size=1, max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
def test_a_conversation_goes_on_with_either_api(
    service: Service, turns: list[tuple[str, list[dict]]]
) -> None:
    llm = service.chat()
    carrier = llm.transport.carrier
    messages: list[AnyMessage] = []
    service.requests.clear()
    for number, (api, steps) in enumerate(turns):
        messages.append(HumanMessage(f"Question {number}."))
        if api == "generate_content":
            content = {"role": "model", "parts": parts(steps)}
            service.answers({"candidates": [{"content": content, "finishReason": "STOP"}]})
            model: Any = llm.model_copy(update={"transport": carrier})
        else:
            service.answers(interaction(*steps, id=f"i{number}"))
            model = llm.model_copy(update={"store": api == "stored"})
        answer = model.bind_tools([weather]).invoke(messages)
        messages.append(answer)
        messages += [ToolMessage("rain", tool_call_id=call["id"]) for call in answer.tool_calls]
    known: dict[str, list[dict]] = {}
    for number, ((api, steps), body) in enumerate(zip(turns, service.bodies, strict=True)):
        if api == "generate_content":
            told = _texts([part for content in body["contents"] for part in content["parts"]])
            assert "interactionStep" not in str(body)
            assert "c2ln" not in str(body)
            asked = [text for text in told if text.startswith("Question")]
        else:
            told_steps = [*known.get(body.get("previous_interaction_id", ""), []), *body["input"]]
            assert "Z2M=" not in str(body)
            assert all(step.get("signature") for step in body["input"] if step["type"] == "thought")
            asked = [
                content["text"]
                for step in told_steps
                if step["type"] == "user_input"
                for content in step["content"]
                if content["text"].startswith("Question")
            ]
            calls = [step["id"] for step in told_steps if step["type"] == "function_call"]
            results = [step["call_id"] for step in told_steps if step["type"] == "function_result"]
            assert calls == results
            known[f"i{number}"] = [*told_steps, *steps]
        assert asked == [f"Question {each}." for each in range(number + 1)]


def _texts(parts: list[dict]) -> list[str]:
    return [part["text"] for part in parts if "text" in part]


def test_calls_of_interactions_carry_the_documented_stand_in_elsewhere(service: Service) -> None:
    llm = service.chat()
    service.answers(interaction(THOUGHT, CALL, status="requires_action"))
    answer = llm.bind_tools([weather]).invoke([QUESTION])
    service.answers(
        {"candidates": [{"content": {"role": "model", "parts": [{"text": "Fine."}]}, "finishReason": "STOP"}]}
    )
    other = llm.model_copy(update={"transport": llm.transport.carrier})
    other.bind_tools([weather]).invoke([QUESTION, answer, ToolMessage("rain", tool_call_id="f1")])
    [_, of_model, _] = service.bodies[1]["contents"]
    [thought, call] = of_model["parts"]
    assert thought == {"text": "Let me count.", "thought": True}
    assert call["thoughtSignature"] == "skip_thought_signature_validator"
    assert steps_from_contents([of_model])[1]["name"] == "weather"


def test_calls_of_generate_content_carry_the_documented_stand_in_here(service: Service) -> None:
    llm = service.chat()
    parts = [{"functionCall": {"id": "p1", "name": "weather", "args": {}}, "thoughtSignature": "Z2M="}]
    service.answers(
        {"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}]},
        interaction(text("Rain.")),
    )
    other = llm.model_copy(update={"transport": llm.transport.carrier})
    answer = other.bind_tools([weather]).invoke([QUESTION])
    llm.bind_tools([weather]).invoke([QUESTION, answer, ToolMessage("rain", tool_call_id="p1")])
    call = service.bodies[1]["input"][1]
    assert (call["id"], call["signature"]) == ("p1", "skip_thought_signature_validator")


@pytest.mark.parametrize("store", [False, True])
def test_a_middleware_leaves_steps_and_state_as_they_are(service: Service, store: bool) -> None:
    name = {"id": "i1"} if store else {}
    service.answers(interaction(THOUGHT, CALL, status="requires_action", **name), interaction(text("Rain.")))
    agent: Any = create_agent(service.chat(store=store), [weather], middleware=[CodeExecutionMiddleware()])
    agent.invoke({"messages": [QUESTION]})
    body = service.bodies[1]
    assert body.get("previous_interaction_id") == name.get("id")
    assert [step for step in body["input"] if step["type"] in ("thought", "function_call")] == (
        [] if store else [THOUGHT, CALL]
    )
