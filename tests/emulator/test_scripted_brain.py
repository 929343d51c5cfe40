"""What a script may hold, and what it gives."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from langchain_codeexec.emulator import EmulatedError, Prompt, ScriptedBrain
from langchain_codeexec.errors import ConfigurationError

NEW = "gemini-3-flash-preview"
ASK = {"contents": [{"role": "user", "parts": [{"text": "Go"}]}], "tools": [{"codeExecution": {}}]}
CODE = {"executableCode": {"id": "x1", "language": "PYTHON", "code": "print(1)"}}
RESULT = {"codeExecutionResult": {"id": "x1", "outcome": "OUTCOME_FAILED", "output": "as written"}}
LINKLESS = {"codeExecutionResult": {"outcome": "OUTCOME_OK"}}
IMAGE = {"inlineData": {"mimeType": "image/png", "data": "b25l"}}


def test_steps_are_used_in_order(start):
    brain = ScriptedBrain(["One", ["Two", "!"], lambda prompt: prompt.model])
    client = start(brain)
    assert [client.parts(ASK) for _ in range(3)] == [
        [{"text": "One"}],
        [{"text": "Two"}, {"text": "!"}],
        [{"text": "gemini-2.5-flash"}],
    ]
    brain.assert_finished()
    assert [type(prompt) for prompt in brain.prompts] == [Prompt] * 3
    assert brain.prompts[0].request == {**ASK}


def test_one_function_answers_everything(start):
    def echo(prompt: Prompt) -> str:
        return prompt.request["contents"][-1]["parts"][0]["text"] + f" on {prompt.endpoint}"

    brain = ScriptedBrain(echo)
    client = start(brain)
    assert client.parts(ASK, endpoint="vertex") == [{"text": "Go on vertex"}]
    assert client.parts(ASK) == [{"text": "Go on developer"}]
    brain.assert_finished()


def test_a_missing_step_is_named_in_an_answer_that_no_client_tries_again(start):
    brain = ScriptedBrain(["Only"])
    client = start(brain)
    client.parts(ASK)
    response = client.ask(ASK)
    assert (response.status_code, response.json()["error"]["status"]) == (400, "FAILED_PRECONDITION")
    message = response.json()["error"]["message"]
    assert "The script has no step 2 for request 2 (model gemini-2.5-flash): it ended after 1." in message
    assert "says 'Go'" in message
    assert "no step 2 for request 3" in client.ask(ASK).text
    with pytest.raises(AssertionError, match="steps of the script not used: 0; requests not answered: 2"):
        brain.assert_finished()


def test_a_step_too_many_is_told():
    with pytest.raises(AssertionError, match="steps of the script not used: 2; requests not answered: 0"):
        ScriptedBrain(["a", "b"]).assert_finished()


@pytest.mark.parametrize(
    "step",
    [
        [CODE, RESULT],
        ["Hm.", CODE, RESULT, IMAGE, CODE, LINKLESS, "So."],
        [CODE, RESULT, RESULT],
        [LINKLESS, "from where?"],
    ],
)
def test_code_with_its_result_goes_out_as_written(start, step):
    written = [{"text": item} if isinstance(item, str) else item for item in step]
    client = start([step, step])
    assert client.parts(ASK, model=NEW) == written
    chunks = client.chunks(ASK, model=NEW)
    assert [chunk["candidates"][0]["content"]["parts"][0] for chunk in chunks[:-1]] == written
    assert chunks[-1]["candidates"] == [{"index": 0, "finishReason": "STOP"}]


@pytest.mark.parametrize("step", [[CODE], [CODE, RESULT, CODE], [CODE, CODE, RESULT]])
def test_code_without_a_result_is_run(start, step):
    outputs = [
        part["codeExecutionResult"].get("output")
        for part in start([step]).parts(ASK)
        if RESULT.keys() & part.keys()
    ]
    assert "1\n" in outputs


RESPONSE = {
    "candidates": [
        {
            "content": {"role": "model", "parts": [CODE, RESULT, {"text": "one two three four five six"}]},
            "finishReason": "TOO_MANY_TOOL_CALLS",
            "finishMessage": "Enough.",
            "avgLogprobs": -0.1,
        }
    ],
    "usageMetadata": {"promptTokenCount": 1, "totalTokenCount": 99},
    "modelVersion": "gemini-9",
    "responseId": "fixed",
}


def test_a_whole_response_goes_out_as_written(start):
    client = start([RESPONSE, RESPONSE])
    answer = client.ask(ASK, model=NEW).json()
    assert answer["candidates"][0].pop("index") == 0
    expected = {**RESPONSE, "candidates": [dict(RESPONSE["candidates"][0])]}
    expected["candidates"][0]["content"] = {
        "parts": [CODE, RESULT, {"text": "one two three four five six"}],
        "role": "model",
    }
    assert answer == expected
    *chunks, end = client.chunks(ASK, model=NEW)
    assert [chunk["candidates"][0]["content"]["parts"] for chunk in chunks] == [
        [CODE],
        [RESULT],
        [{"text": "one two three four f"}],
        [{"text": "ive six"}],
    ]
    assert end["usageMetadata"] == RESPONSE["usageMetadata"]
    assert end["candidates"][0] == {
        "index": 0,
        "finishReason": "TOO_MANY_TOOL_CALLS",
        "finishMessage": "Enough.",
        "avgLogprobs": -0.1,
    }


def chunk(*parts, usage=None, **candidate):
    content = {"content": {"parts": list(parts), "role": "model"}} if parts else {}
    return {"candidates": [{**content, **candidate}], **({"usageMetadata": usage} if usage else {})}


CALL_PIECES = [{"functionCall": {"name": "f", "args": {}}}, {"functionCall": {"args": {"x": 1}}}]


@pytest.mark.parametrize(
    ("step", "whole"),
    [
        (
            [chunk({"text": "fo"}, usage={"promptTokenCount": 9}), chunk({"text": "ur"}, finishReason="STOP", usage={"candidatesTokenCount": 1})],
            chunk({"text": "four"}, finishReason="STOP", usage={"promptTokenCount": 9, "candidatesTokenCount": 1}),
        ),
        ([chunk({"text": "a"}, CODE), chunk(RESULT, {"text": "b"}, finishReason="STOP")], chunk({"text": "a"}, CODE, RESULT, {"text": "b"}, finishReason="STOP")),
        ([chunk(CALL_PIECES[0]), chunk(CALL_PIECES[1], finishReason="STOP")], chunk(*CALL_PIECES, finishReason="STOP")),
        ([chunk({"text": "a"}), chunk({"text": "", "thoughtSignature": "c2ln"}, finishReason="STOP")], chunk({"text": "a", "thoughtSignature": "c2ln"}, finishReason="STOP")),
        ([chunk({"text": "a"}), chunk({"thoughtSignature": "c2ln"}, finishReason="STOP")], chunk({"text": "a"}, {"thoughtSignature": "c2ln"}, finishReason="STOP")),
        ([chunk({"text": "h", "thought": True}), chunk({"text": "a"})], chunk({"text": "h", "thought": True}, {"text": "a"})),
        ([chunk(finishReason="NO_IMAGE", finishMessage="None.")], chunk(finishReason="NO_IMAGE", finishMessage="None.")),
        ([chunk({"text": "a"}, continuationToken="t"), chunk({"text": "b"})], chunk({"text": "ab"}, continuationToken="t")),
        ([chunk({"text": "a"}, index=0), chunk({"text": "x"}, index=1), chunk({"text": "b"}, index=0)], {"candidates": [*chunk({"text": "ab"}, index=0)["candidates"], *chunk({"text": "x"}, index=1)["candidates"]]}),
        ([chunk({"text": "a"}, groundingMetadata={"webSearchQueries": ["q"]})], chunk({"text": "a"}, groundingMetadata={"webSearchQueries": ["q"]})),
    ],
)  # fmt: skip
def test_chunks_go_out_as_written(start, step, whole):
    client = start([step, step])
    identity = {"modelVersion", "responseId"}
    sent = [{key: one[key] for key in one.keys() - identity} for one in client.chunks(ASK, model=NEW)]
    assert sent == step
    answer = client.ask(ASK, model=NEW).json()
    assert {key: answer[key] for key in answer.keys() - identity} == whole
    assert answer.keys() >= identity


def test_chunks_stand_among_parts_and_break_off(start):
    token = chunk(continuationToken="t")
    client = start([["One. ", token, "Two."], [token, EmulatedError(503)]])
    first, second, *_, end = client.chunks(ASK)
    assert second["candidates"] == token["candidates"]
    assert (first["candidates"][0]["content"]["parts"], end["candidates"][0]["finishReason"]) == (
        [{"text": "One. "}],
        "STOP",
    )
    assert client.chunks(ASK)[-1]["error"]["code"] == 503


@pytest.mark.parametrize(
    ("step", "candidates", "more"),
    [
        ({"promptFeedback": {"blockReason": "SAFETY"}}, None, {"promptFeedback": {"blockReason": "SAFETY"}}),
        ({"candidates": []}, None, {}),
        ({"candidates": [{"finishReason": "SAFETY"}]}, [{"finishReason": "SAFETY"}], {}),
        ({"candidates": [{"content": {"parts": [{"text": "a"}]}, "finishReason": None}]}, [{"content": {"parts": [{"text": "a"}], "role": "model"}}], {}),
        ({"candidates": [{"content": {"parts": [{"text": "a"}]}}, {"content": {"parts": [{"text": "b"}]}}]}, [{"content": {"parts": [{"text": "a"}], "role": "model"}, "finishReason": "STOP"}, {"content": {"parts": [{"text": "b"}]}}], {}),
        ({"candidates": [{"content": {"role": "model"}, "finishReason": "MAX_TOKENS"}]}, [{"content": {"role": "model"}, "finishReason": "MAX_TOKENS"}], {}),
        ({"candidates": [{"content": {}, "finishReason": "SAFETY"}]}, [{"content": {}, "finishReason": "SAFETY"}], {}),
        ({"usageMetadata": None, "candidates": [{}]}, [{"finishReason": "STOP"}], {}),
        ({}, [{"finishReason": "STOP"}], {}),
        ([], [{"finishReason": "STOP"}], {}),
    ],
)  # fmt: skip
def test_unusual_responses(start, step, candidates, more):
    answer = start([step]).ask(ASK, endpoint="vertex").json()
    assert answer.get("candidates") == candidates
    assert ("usageMetadata" in answer) == ("usageMetadata" not in (step or {}))
    assert {key: answer[key] for key in more} == more


def test_errors_stand_alone_or_in_a_list(start):
    client = start(
        [
            EmulatedError(429),
            ["Some", EmulatedError(404)],
            lambda prompt: EmulatedError(403),
            lambda prompt: ["a"],
        ]
    )
    assert [client.ask(ASK).status_code for _ in range(4)] == [429, 404, 403, 200]


@pytest.mark.parametrize(
    "step", [5, None, {"text": "a part alone"}, [1], ({"text": "a"},), {"candidate": []}]
)
def test_what_is_no_step_is_told_at_once(step):
    with pytest.raises(ConfigurationError, match="a step of the script is"):
        ScriptedBrain([step])


@pytest.mark.parametrize("steps", ["It is 42.", {"text": "a part alone"}])
def test_what_is_no_list_of_steps_is_told_at_once(steps):
    with pytest.raises(ConfigurationError, match="give a list of steps"):
        ScriptedBrain(steps)


def test_a_function_that_gives_no_step_is_refused(start):
    response = start([lambda prompt: 5]).ask(ASK)
    assert response.status_code == 400
    assert "a step of the script is 5" in response.text


def test_steps_are_given_once_each_however_many_ask():
    brain = ScriptedBrain([str(number) for number in range(200)])
    prompt = Prompt("gemini-2.5-flash", "vertex", {"contents": []})

    def ask(_: int) -> str:
        return next(brain.respond(prompt))["text"]

    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(ask, range(200)))
    assert sorted(given, key=int) == [str(number) for number in range(200)]
    brain.assert_finished()
    assert len(brain.prompts) == 200


def test_a_function_that_yields_learns_how_its_code_ran(start):
    def mends(prompt):
        yield "Let me see. "
        result = yield {"executableCode": {"code": "print(1 / 0)"}}
        assert "ZeroDivisionError" in result.output
        result = yield {"executableCode": {"code": "print(42)"}}
        yield {"text": f"It is {result.output.strip()}."}

    parts = start([mends]).parts({**ASK, "tools": [{"codeExecution": {}}]})
    outcomes = [part["codeExecutionResult"]["outcome"] for part in parts if "codeExecutionResult" in part]
    assert outcomes == ["OUTCOME_FAILED", "OUTCOME_OK"]
    assert "".join(part.get("text", "") for part in parts) == "Let me see. It is 42."


def test_a_function_that_yields_may_set_fields_and_break_off(start):
    def ends(prompt):
        yield "So far."
        return {"candidates": [{"finishReason": "SAFETY"}]}

    def breaks(prompt):
        yield "So far."
        raise EmulatedError(503, message="Overloaded.")

    client = start([ends, breaks])
    assert client.ask(ASK).json()["candidates"][0]["finishReason"] == "SAFETY"
    assert client.ask(ASK).json()["error"]["message"] == "Overloaded."


def test_it_remembers_the_last_thousand_and_counts_all():
    brain = ScriptedBrain(lambda prompt: "Fine.")
    for number in range(1100):
        list(brain.respond(Prompt(str(number), "vertex", {"contents": []})))
    assert [prompt.model for prompt in brain.prompts] == [str(number) for number in range(100, 1100)]
    brain.assert_finished()
    empty = ScriptedBrain([])
    for _ in range(1100):
        with pytest.raises(EmulatedError):
            next(empty.respond(Prompt("m", "vertex", {"contents": []})))
    with pytest.raises(AssertionError, match="not used: 0; requests not answered: 1100"):
        empty.assert_finished()
