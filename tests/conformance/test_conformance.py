"""The cases of `cases.yaml`, against the emulator and, with --live, against the services.

They ask for structure, not for wording, so that a real model passes as well. A case is a conversation: its `turns`
(or one turn: `request`, `expect`, `status`, `laws`), the `places` where it holds (a service and the generation of the
model; everywhere by default), the `method` behind the model's name (none for a GET), another `model`, another `key`.
`{"$answer": n}` in a request stands for what the n-th turn was answered.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml

from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain
from langchain_codeexec.emulator.brain import last_text
from tests.conformance.expectations import LAWS, answer_content, mismatches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_codeexec.emulator import Prompt

CASES = yaml.safe_load(Path(__file__).with_name("cases.yaml").read_text(encoding="utf-8"))
MODELS = {"2": "gemini-2.5-flash", "3": "gemini-3-flash-preview"}
PREFIXES = {
    "developer": "/v1beta/models",
    "vertex": "/v1beta1/projects/{project}/locations/global/publishers/google/models",
}
PLACES = [f"{endpoint}/{generation}" for endpoint in PREFIXES for generation in MODELS]
EVERYWHERE = [
    pytest.param(case, place, id=f"{place}: {case['name']}")
    for case in CASES
    for place in case.get("places", PLACES)
]  # fmt: skip


def code(program: str) -> dict[str, Any]:
    return {"executableCode": {"language": "PYTHON", "code": program}}


PRIMES = "primes = [n for n in range(2, 230) if all(n % d for d in range(2, n))]\nprint(sum(primes[:50]))"
PLOT = "import matplotlib.pyplot as plt\nplt.bar(['January'], [48])\nplt.show()"
ANSWERS: dict[str, Any] = {
    "50 prime": ["I add them up.", code(PRIMES), "It is 5117."],
    "17 * 23": [code("print(17 * 23)"), "It is 391."],
    "price column": [code("print((10 + 30 + 26) / 3, open('input_file_0.csv').readline())"), "It is 22."],
    "Plot": [code(PLOT), "There it is."],
    "weather in": [{"functionCall": {"name": "get_weather", "args": {"city": "Utrecht"}}}],
    "drizzle": "It drizzles.",
    "spider": '{"legs": 8}',
}  # fmt: skip
"""What the emulator answers, by what the last turn says: the cases are about the service, not about a brain."""


def answer(prompt: Prompt) -> Any:
    return next((step for text, step in ANSWERS.items() if text in last_text(prompt)), "Hello.")


@pytest.fixture(scope="module")
def emulator() -> Iterator[httpx.Client]:
    with (
        GeminiEmulator(ScriptedBrain(answer)) as running,
        httpx.Client(base_url=running.url, timeout=120) as http,
    ):
        yield http


@pytest.mark.parametrize(("case", "place"), EVERYWHERE)
def test_the_emulator(emulator, case, place):
    assert list(problems(emulator, case, place, {"x-goog-api-key": "k"})) == []


def test_the_cases_are_sound():
    assert len({case["name"] for case in CASES}) == len(CASES)
    assert all(set(case.get("places", PLACES)) <= set(PLACES) for case in CASES)


def problems(
    http: httpx.Client, case: dict[str, Any], place: str, headers: dict[str, str], project: str = "p"
) -> Iterator[str]:
    """What is wrong; what follows a turn that went wrong is not asked."""
    endpoint, generation = place.split("/")
    path = f"{PREFIXES[endpoint].format(project=project)}/{case.get('model', MODELS[generation])}"
    if "key" in case:
        headers = {"x-goog-api-key": case["key"]} if case["key"] else {}
    answers: list[dict[str, Any]] = []
    for turn in case.get("turns") or [case]:
        method = case.get("method", "generateContent")
        if method:
            request = filled(turn["request"], answers)
            content = request if isinstance(request, str) else json.dumps(request)
            headers = {**headers, "content-type": "application/json"}
            response = http.post(f"{path}:{method}", content=content, headers=headers)
        else:
            response = http.get(path.rstrip("/"), headers=headers)
        bodies = bodies_of(response)
        yield from wrong_in(turn, response.status_code, bodies, int(generation))
        answers.append(answer_content(bodies))


def filled(request: Any, answers: list[dict[str, Any]]) -> Any:
    if isinstance(request, dict):
        if request.keys() == {"$answer"}:
            return answers[request["$answer"] - 1]
        return {name: filled(value, answers) for name, value in request.items()}
    return [filled(item, answers) for item in request] if isinstance(request, list) else request


def bodies_of(response: httpx.Response) -> list[dict[str, Any]]:
    """The bodies of an answer in any of the three framings."""
    if response.headers.get("content-type", "").startswith("text/event-stream"):
        events = response.text.replace("\r\n", "\n").split("\n\n")
        return [json.loads(event.removeprefix("data:")) for event in events if event.strip()]
    body = response.json()
    return body if isinstance(body, list) else [body]


def wrong_in(
    turn: dict[str, Any], status: int, bodies: list[dict[str, Any]], generation: int
) -> Iterator[str]:
    if status != turn.get("status", 200):
        yield f"the status is {status}: {json.dumps(bodies[0])[:300]}"
        return
    whole = bodies[-1]
    if len(bodies) > 1 and whole.get("candidates"):
        first, *others = whole["candidates"]
        whole = {**whole, "candidates": [{**first, "content": answer_content(bodies)}, *others]}
    yield from mismatches(whole, turn.get("expect", {}))
    for law in turn.get("laws", ()):
        yield from (f"{law}: {problem}" for problem in LAWS[law](bodies, generation))


# -- the services --------------------------------------------------------------------------------------


@pytest.mark.live
@pytest.mark.allow_hosts(["generativelanguage.googleapis.com"])
@pytest.mark.parametrize(("case", "place"), [param for param in EVERYWHERE if "developer" in param.values[1]])
def test_the_developer_api(case, place):
    key = os.environ.get("GEMINI_API_KEY") or os.environ.get("GOOGLE_API_KEY")
    if not key:
        pytest.skip("needs GEMINI_API_KEY or GOOGLE_API_KEY")
    with httpx.Client(base_url="https://generativelanguage.googleapis.com", timeout=120) as http:
        assert list(problems(http, case, place, {"x-goog-api-key": key})) == []


@pytest.mark.live
@pytest.mark.enable_socket
@pytest.mark.parametrize(("case", "place"), [param for param in EVERYWHERE if "vertex" in param.values[1]])
def test_vertex_ai(case, place):
    import google.auth
    from google.auth.transport.requests import Request

    project = os.environ.get("GOOGLE_CLOUD_PROJECT", "")
    if not project:
        pytest.skip("talks to the real service: needs GOOGLE_CLOUD_PROJECT and default credentials")
    credentials, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
    credentials.refresh(Request())
    headers = {"authorization": f"Bearer {credentials.token}"}
    with httpx.Client(base_url="https://aiplatform.googleapis.com", timeout=120) as http:
        assert list(problems(http, case, place, headers, project)) == []


# -- a server that is not right ------------------------------------------------------------------------

CODE = {"executableCode": {"code": "x", "id": "a"}, "thoughtSignature": "s"}
RESULT = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "id": "a"}}
BARE = {"executableCode": {"code": "x"}}
BARE_RESULT = {"codeExecutionResult": {"outcome": "OUTCOME_OK"}}
CALL = {"functionCall": {"name": "f"}}
ENDED = {"candidates": [{"finishReason": "STOP"}]}
NAMED = {"responseId": "a", "modelVersion": "m"}


def test_a_server_that_is_not_right_fails():
    case = next(case for case in CASES if case["name"] == "code runs and its result follows")
    answer = {"usageMetadata": {"totalTokenCount": 7, "promptTokenCount": 1}}
    with GeminiEmulator(ScriptedBrain([answer])) as wrong, httpx.Client(base_url=wrong.url) as http:
        found = list(problems(http, case, "vertex/2", {"x-goog-api-key": "k"}))
    assert "the body.candidates is missing, not a list of 1" in found
    assert "usage adds up: totalTokenCount is 7, but its sides are [1, 0, 0, 0]" in found


@pytest.mark.parametrize(
    ("value", "pattern", "good"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, True), ({"a": 1}, {"a": 2}, False), ({"a": 1}, {}, True), ([], {}, False),
        (True, 1, False), (1, 1, True), ([1, 2], [1, 2], True), ([1, 2], [1], False),
        ({}, {"a": {"$absent": True}}, True), ({"a": None}, {"a": {"$absent": True}}, False), ({"a": 0}, {"a": {"$present": True}}, True),
        ("Hello", {"$contains": "hell"}, True), (5, {"$contains": "5"}, False), ("Hello", {"$regex": "^H.*o$"}, True),
        ('{"a": 1}', {"$json": {"a": 1}}, True), ("{", {"$json": {}}, False), (None, {"$json": {}}, False),
        ([1, 2], {"$some": 2}, True), ([1, 2], {"$each": {"$above": 0}}, True), ([1, 2], {"$none": 2}, False),
        ([1, 2], {"$count": 2}, True), (1, {"$in": [1, 2]}, True), ("1", {"$above": 0}, False),
    ],
)  # fmt: skip
def test_patterns(value, pattern, good):
    assert (list(mismatches(value, pattern)) == []) is good


@pytest.mark.parametrize(
    ("law", "parts", "generation", "expected"),
    [
        ("results follow code", [CODE, RESULT, CODE, RESULT], 3, []),
        ("results follow code", [BARE, BARE_RESULT], 2, []),
        ("results follow code", [CODE, CODE, RESULT], 3, ["follows another"]),
        ("results follow code", [RESULT], 3, ["no code before it"]),
        ("results follow code", [CODE], 3, ["the last code has no result"]),
        ("results follow code", [CODE, BARE_RESULT], 3, ["code has the id 'a'", "generation 3 has the id None"]),
        ("results follow code", [CODE, RESULT], 2, ["generation 2 has the id 'a'"]),
        ("signed", [CODE, {**CALL, "thoughtSignature": "s"}, CALL], 3, []),
        ("signed", [BARE, CALL], 3, ["['executableCode']", "['functionCall']"]),
        ("signed", [CODE], 2, ["['executableCode', 'thoughtSignature']"]),
    ],
)  # fmt: skip
def test_laws_of_parts(law, parts, generation, expected):
    found = list(LAWS[law]([{"candidates": [{"content": {"parts": [part]}}]} for part in parts], generation))
    assert len(found) == len(expected)
    assert all(text in problem for text, problem in zip(expected, found, strict=True))


@pytest.mark.parametrize(
    ("law", "bodies", "good"),
    [
        ("finished", [{"candidates": [{}]}, ENDED], True), ("finished", [ENDED, ENDED], False), ("finished", [{}], False),
        ("one identity", [NAMED, NAMED], True), ("one identity", [NAMED, {**NAMED, "responseId": "b"}], False), ("one identity", [{}], False),
    ],
)  # fmt: skip
def test_laws_of_bodies(law, bodies, good):
    assert (list(LAWS[law](bodies, 3)) == []) is good
