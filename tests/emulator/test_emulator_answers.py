"""What an answer is made of: code that really runs, ids, signatures, counts and reasons to end."""

from __future__ import annotations

import base64
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from langchain_codeexec.emulator import EmulatedError, GeminiEmulator
from langchain_codeexec.errors import ExecutorError
from langchain_codeexec.executions import ExecutionResult, InlineFile, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

NEW, OLD = "gemini-3-flash-preview", "gemini-2.5-flash"
ASK = {"contents": [{"role": "user", "parts": [{"text": "Go"}]}], "tools": [{"codeExecution": {}}]}


def code(source: str) -> dict[str, object]:
    return {"executableCode": {"language": "PYTHON", "code": source}}


def test_state_lasts_for_one_request_and_no_longer(start):
    client = start([[code("x = 41"), code("print(x + 1)")], [code("print(x)")]])
    first = client.parts(ASK)
    assert [part["codeExecutionResult"] for part in first[1::2]] == [
        {"outcome": "OUTCOME_OK"},
        {"outcome": "OUTCOME_OK", "output": "42\n"},
    ]
    failed = client.parts(ASK)[1]["codeExecutionResult"]
    assert failed["outcome"] == "OUTCOME_FAILED"
    assert "NameError" in failed["output"]


def test_the_brain_learns_what_its_code_did(start):
    class Curious:
        def respond(self, prompt):
            result = yield code("print('seen')")
            again = yield {"text": f"{result.outcome}: {result.stdout}"}
            assert again is None

    assert start(Curious()).parts(ASK)[-1] == {"text": "OUTCOME_OK: seen\n"}


@pytest.mark.parametrize(("options", "result"), [({}, {}), ({"send_empty_output": True}, {"output": ""})])
def test_empty_output_is_absent_unless_asked_for(start, options, result):
    client = start([[code("pass")]], **options)
    assert client.parts(ASK)[1] == {"codeExecutionResult": {"outcome": "OUTCOME_OK", **result}}


def test_gemini_3_links_and_signs(start):
    client = start([["Hm. ", code("print(1)"), code("print(2)"), "So. ", "Done."]])
    parts = client.parts(ASK, model=NEW)
    ids = [next(iter(part.values())).get("id") for part in parts[1:5]]
    assert ids[0] == ids[1] != ids[2] == ids[3]
    assert all(len(link) == 8 and link.isalnum() for link in ids)
    signed = ["thoughtSignature" in part for part in parts]
    assert signed == [False, True, False, True, False, False, True]
    assert all(base64.b64decode(part["thoughtSignature"]) for part in parts if "thoughtSignature" in part)


@pytest.mark.parametrize("endpoint", ["vertex", "developer"])
def test_function_calls(start, endpoint):
    calls = [{"functionCall": {"name": name, "args": {}}} for name in ("f", "g")]
    ask = {**ASK, "tools": [{"functionDeclarations": [{"name": "f"}, {"name": "g"}]}]}
    client = start([calls, calls, [calls[0], "and", calls[1]]])
    early = client.parts(ask, model=OLD, endpoint=endpoint)
    assert ["thoughtSignature" in part for part in early] == [True, False]
    assert [{"functionCall": part["functionCall"]} for part in early] == calls
    parallel = client.parts(ask, model=NEW, endpoint=endpoint)
    assert len({part["functionCall"]["id"] for part in parallel}) == 2
    assert ["thoughtSignature" in part for part in parallel] == [True, False]
    apart = client.parts(ask, model=NEW, endpoint=endpoint)
    assert ["thoughtSignature" in part for part in apart] == [True, False, True]


def test_what_the_brain_names_itself_is_kept(start):
    call = {"functionCall": {"id": "mine", "name": "f", "args": {}}, "thoughtSignature": "c2ln"}
    text = {"text": "So.", "thoughtSignature": "c2ln"}
    ran = {"executableCode": {"id": "own", "code": "print(1)"}, "thoughtSignature": "c2ln"}
    parts = start([[call, ran, text]]).parts(ASK, model=NEW)
    assert parts[0] == call
    assert parts[1]["executableCode"] == {"id": "own", "code": "print(1)", "language": "PYTHON"}
    assert (parts[1]["thoughtSignature"], parts[2]["codeExecutionResult"]["id"]) == ("c2ln", "own")
    assert parts[3] == text


def test_files_of_the_user_are_there_by_number(start):
    def inline(mime_type: str, data: bytes) -> dict[str, object]:
        return {
            "inlineData": {"mimeType": mime_type, "data": base64.urlsafe_b64encode(data).decode().rstrip("=")}
        }

    history = [
        {"role": "user", "parts": [inline("text/csv", b"a,b\n1,\xc3\xbe\n"), {"text": "Read"}]},
        {"role": "model", "parts": [inline("image/png", b"not an upload"), {"text": "Done"}]},
        {
            "role": "user",
            "parts": [inline("text/x-python", b"y = 5"), inline("text/x-unheard-of", b"?")],
        },
    ]
    listing = "import os\nprint(sorted(n for n in os.listdir() if n.startswith('input_file')))"
    client = start([[code(listing), code("print(open('input_file_0.csv').read())")]])
    parts = client.parts({**ASK, "contents": history})
    names = "['input_file_0.csv', 'input_file_1.py', 'input_file_2']\n"
    assert parts[1]["codeExecutionResult"]["output"] == names
    assert parts[3]["codeExecutionResult"]["output"] == "a,b\n1,þ\n\n"


class Fixed:
    """An executor that always gives one result, or fails."""

    name = "fixed"

    def __init__(self, result: ExecutionResult | Exception) -> None:
        self.result = result
        self.closed = 0

    @contextmanager
    def session(self) -> Iterator[Fixed]:
        try:
            yield self
        finally:
            self.closed += 1

    def run(self, request):
        if isinstance(self.result, Exception):
            raise self.result
        return self.result

    async def arun(self, request):
        raise NotImplementedError


def fixed(start, script, result):
    """An emulator whose code always ends in that result, and its executor."""
    executor = Fixed(result)
    return start(script, executor=executor), executor


def test_images_follow_the_result(start):
    images = (InlineFile(b"one", "image/png"), InlineFile(b"two", "image/png"))
    client, executor = fixed(start, [[code("plot()")]], ExecutionResult(Outcome.OK, images=images))
    assert client.parts(ASK)[1:] == [
        {"codeExecutionResult": {"outcome": "OUTCOME_OK"}},
        {"inlineData": {"mimeType": "image/png", "data": "b25l"}},
        {"inlineData": {"mimeType": "image/png", "data": "dHdv"}},
    ]
    assert executor.closed == 1


def test_a_timeout_is_an_outcome(start):
    result = ExecutionResult(Outcome.DEADLINE_EXCEEDED, detail="killed after 30 s")
    client, _ = fixed(start, [[code("while True: pass")]], result)
    assert client.parts(ASK)[1]["codeExecutionResult"] == {
        "outcome": "OUTCOME_DEADLINE_EXCEEDED",
        "output": "killed after 30 s",
    }


def test_a_broken_sandbox_is_a_500(start):
    client, executor = fixed(start, [["First. ", code("print(1)")]], ExecutorError("no fork today"))
    response = client.ask(ASK)
    assert (response.status_code, response.json()["error"]["status"]) == (500, "INTERNAL")
    assert "no fork today" in response.json()["error"]["message"]
    assert executor.closed == 1


def test_no_sandbox_is_opened_where_no_code_is_run(start):
    client, executor = fixed(start, ["Just words."], ExecutorError("never"))
    assert client.parts(ASK) == [{"text": "Just words."}]
    assert executor.closed == 0


def test_a_brain_that_fails_is_a_500_and_logged(start, caplog):
    class Broken:
        def respond(self, prompt):
            raise KeyError("lost")
            yield

    response = start(Broken()).ask(ASK)
    assert response.status_code == 500
    assert "KeyError: 'lost'" in response.json()["error"]["message"]
    assert "the brain failed" in caplog.text


def test_a_brain_may_answer_with_an_error(start):
    error = EmulatedError(
        429, message="Slow down.", details=[{"@type": "t", "retryDelay": "3s"}], headers={"retry-after": "3"}
    )
    response = start([error]).ask(ASK)
    assert (response.status_code, response.headers["retry-after"]) == (429, "3")
    assert response.json() == {
        "error": {
            "code": 429,
            "message": "Slow down.",
            "status": "RESOURCE_EXHAUSTED",
            "details": [{"@type": "t", "retryDelay": "3s"}],
        }
    }


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (EmulatedError(500), "INTERNAL", "Internal error encountered."),
        (EmulatedError(418), "UNKNOWN", "I'm a Teapot"),
        (EmulatedError(400, "FAILED_PRECONDITION", "No."), "FAILED_PRECONDITION", "No."),
    ],
)
def test_what_an_error_leaves_out_is_filled_in(error, status, message):
    inner = error.envelope["error"]
    assert (inner["status"], inner["message"].lower()) == (status, message.lower())


@pytest.mark.parametrize(
    ("limit", "script", "texts"),
    [
        (2, ["Eight characters and more."], ["Eight ch"]),
        (1, [["1234", "5678"]], ["1234"]),
        (100, ["Short."], ["Short."]),
        (2, ["12345678"], ["12345678"]),
    ],
)
def test_max_output_tokens_cuts_the_text(start, limit, script, texts):
    answer = start(script).ask({**ASK, "generationConfig": {"maxOutputTokens": limit}}).json()
    candidate = answer["candidates"][0]
    assert [part["text"] for part in candidate["content"]["parts"]] == texts
    whole = "".join(texts) == "".join(script if isinstance(script[0], str) else script[0])
    assert candidate["finishReason"] == ("STOP" if whole else "MAX_TOKENS")
    usage = answer["usageMetadata"]
    assert usage["candidatesTokenCount"] + usage.get("thoughtsTokenCount", 0) <= limit


@pytest.mark.parametrize(
    "part", [code("print('a rather long program')"), {"functionCall": {"name": "a_long_name"}}]
)
def test_max_output_tokens_leaves_no_half_code_or_call(start, part):
    client = start([["1234", part, "after"]])
    candidate = client.ask({**ASK, "generationConfig": {"maxOutputTokens": 2}}).json()["candidates"][0]
    assert (candidate["content"]["parts"], candidate["finishReason"]) == ([{"text": "1234"}], "MAX_TOKENS")


@pytest.mark.parametrize(
    ("script", "texts"),
    [
        (["One END two", "never"], ["One "]),
        (["One", " two STOP three END"], ["One", " two "]),
        (["END"], []),
        (["None of them.", "So it goes on."], ["None of them.", "So it goes on."]),
        ([{"text": "A thought of the END.", "thought": True}, "Said."], ["A thought of the END.", "Said."]),
    ],
)
def test_a_stop_sequence_ends_the_answer(start, script, texts):
    body = start([script]).ask({**ASK, "generationConfig": {"stopSequences": ["END", "STOP", ""]}}).json()
    candidate = body["candidates"][0]
    assert candidate["finishReason"] == "STOP"
    assert [part["text"] for part in candidate.get("content", {"parts": []})["parts"]] == texts


def test_failing_code_may_be_mended_five_times_and_no_more(start):
    def stubborn(prompt):
        for number in range(20):
            yield code(f"print({number})\n1 / 0")

    candidate = start([stubborn]).ask(ASK).json()["candidates"][0]
    outcomes = [part["codeExecutionResult"]["outcome"] for part in candidate["content"]["parts"][1::2]]
    assert outcomes == ["OUTCOME_FAILED"] * 6
    assert candidate["finishReason"] == "TOO_MANY_TOOL_CALLS"


def test_code_that_runs_well_begins_the_count_anew(start):
    script = [code("1 / 0" if number % 6 else "print(1)") for number in range(1, 14)]
    candidate = start([script]).ask(ASK).json()["candidates"][0]
    assert (len(candidate["content"]["parts"]), candidate["finishReason"]) == (26, "STOP")


def test_usage_adds_up(start):
    image = InlineFile(b"png", "image/png")
    script = [[{"text": "1234", "thought": True}, "12345", code("12345678"), "1234"]]
    client, _ = fixed(start, script, ExecutionResult(Outcome.OK, stdout="x" * 9, images=(image,)))
    request = {
        "contents": [
            {
                "role": "user",
                "parts": [
                    {"text": "12345678"},
                    {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
                    {"inlineData": {"mimeType": "text/csv", "data": base64.b64encode(b"a,b\n").decode()}},
                    {"fileData": {"mimeType": "application/pdf", "fileUri": "gs://b/f.pdf"}},
                ],
            }
        ],
        "systemInstruction": {"parts": [{"text": "1234"}]},
        "tools": [{"codeExecution": {}}],
    }
    usage = client.ask(request, endpoint="vertex").json()["usageMetadata"]
    assert usage == {
        "promptTokenCount": 520,
        "candidatesTokenCount": 5,
        "toolUsePromptTokenCount": 261,
        "thoughtsTokenCount": 1,
        "totalTokenCount": 787,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 4},
            {"modality": "IMAGE", "tokenCount": 258},
            {"modality": "DOCUMENT", "tokenCount": 258},
        ],
        "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 5}],
        "toolUsePromptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 3},
            {"modality": "IMAGE", "tokenCount": 258},
        ],
        "trafficType": "ON_DEMAND",
    }


def test_declarations_and_calls_cost_tokens(start):
    client = start(["Fine.", [{"functionCall": {"name": "f", "args": {"a": 1}}}]])
    plain = client.ask({**ASK, "tools": []}).json()["usageMetadata"]
    declared = client.ask({**ASK, "tools": [{"functionDeclarations": [{"name": "f"}]}]}).json()[
        "usageMetadata"
    ]
    assert declared["promptTokenCount"] > plain["promptTokenCount"]
    assert declared["candidatesTokenCount"] > 0


def test_by_default_the_built_in_rules_answer_and_a_process_runs_their_code():
    with GeminiEmulator() as emulator:
        ask = {**ASK, "contents": [{"role": "user", "parts": [{"text": "What is 1234 * 5678?"}]}]}
        url = f"{emulator.url}/v1beta/models/{OLD}:generateContent?key=k"
        parts = httpx.post(url, json=ask, timeout=60).json()["candidates"][0]["content"]["parts"]
    result = next(part["codeExecutionResult"] for part in parts if "codeExecutionResult" in part)
    assert result["outcome"] == "OUTCOME_OK"
    assert "7006652" in result["output"]
