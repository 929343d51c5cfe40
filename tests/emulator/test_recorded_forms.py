"""What answers hold besides their parts, by service and family, as recorded of the services."""

from __future__ import annotations

import pytest

NEW, MIDDLE, EARLY = "gemini-3-flash-preview", "gemini-2.5-flash", "gemini-2.0-flash"
CALL = {"functionCall": {"name": "f", "args": {"a": 1}}}
CODE = {"executableCode": {"code": "print(6 * 7)"}}
ASK = {"contents": [{"role": "user", "parts": [{"text": "Go"}]}], "tools": [{"codeExecution": {}}]}
DECLARED = {**ASK, "tools": [{"functionDeclarations": [{"name": "f"}]}]}
COUNTS = {"promptTokenCount", "candidatesTokenCount", "totalTokenCount", "promptTokensDetails"}
DETAILED, THINKING = {"candidatesTokensDetails"}, {"thoughtsTokenCount"}


FORMS = {
    ("developer", EARLY): ({"avgLogprobs"}, {*DETAILED, "serviceTier"}, False),
    ("developer", MIDDLE): ({"index", "finishMessage"}, {*THINKING, "serviceTier"}, True),
    ("developer", "gemini-2.5-flash-lite"): ({"index", "finishMessage"}, {"serviceTier"}, False),
    ("developer", NEW): ({"index", "finishMessage"}, {*THINKING, "serviceTier"}, True),
    ("vertex", EARLY): ({"avgLogprobs"}, {*DETAILED, "trafficType"}, False),
    ("vertex", MIDDLE): ({"avgLogprobs"}, {*DETAILED, *THINKING, "trafficType"}, True),
    ("vertex", NEW): ({"avgLogprobs"}, {*DETAILED, *THINKING, "trafficType"}, True),
}
"""Fields of a candidate, of the usage, and whether calls are signed."""


@pytest.mark.parametrize(("endpoint", "model"), FORMS)
def test_fields_of_an_answer(start, endpoint, model):
    candidate, usage, signed = FORMS[endpoint, model]
    client = start([[CALL], [CALL]])
    body = client.ask(DECLARED, endpoint=endpoint, model=model).json()
    (first,) = body["candidates"]
    assert first.keys() == {"content", "finishReason"} | candidate
    assert body["usageMetadata"].keys() == COUNTS | usage
    (part,) = first["content"]["parts"]
    assert ("thoughtSignature" in part) == signed
    (chunk,) = (
        one
        for one in client.chunks(DECLARED, endpoint=endpoint, model=model)
        if "finishReason" in one["candidates"][0]
    )
    assert "avgLogprobs" not in chunk["candidates"][0]


P, CPT = ["prompt"], ["candidates", "prompt", "thoughts"]


@pytest.mark.parametrize(
    ("endpoint", "model", "interim"),
    [
        ("developer", EARLY, [P] * 4),
        ("developer", MIDDLE, [CPT, CPT, [*CPT, "toolUsePrompt"], [*CPT, "toolUsePrompt"]]),
        ("developer", NEW, [CPT, CPT, P, CPT, CPT]),
        ("vertex", NEW, [[]] * 5),
    ],
)
def test_counts_on_the_way(start, endpoint, model, interim):
    """Gemini 3 counts anew behind a result, so that counts shrink; the last chunk has them all."""
    client = start([["Let me.", CODE, "It is 42, and that is a long text."]])
    chunks = client.chunks(ASK, endpoint=endpoint, model=model)
    usages = [chunk["usageMetadata"] for chunk in chunks]
    for usage, names in zip(usages, interim, strict=False):
        counts = {key for key in usage if key.endswith("TokenCount")}
        assert counts == {f"{name}TokenCount" for name in (*names, *(["total"] if names else []))}
    assert len(usages) == len(interim) + 1
    last = usages[-1]
    sides = ("prompt", "candidates", "toolUsePrompt", "thoughts")
    assert last["totalTokenCount"] == sum(last.get(f"{side}TokenCount", 0) for side in sides)
    totals = [usage.get("totalTokenCount", 0) for usage in usages]
    assert (totals != sorted(totals)) == (model == NEW and endpoint == "developer")
    without_index = [number for number, chunk in enumerate(chunks) if "index" not in chunk["candidates"][0]]
    recent = endpoint == "developer" and model != EARLY
    assert without_index == ([2] if recent else list(range(len(chunks))))


def test_no_thoughts_where_they_are_switched_off(start):
    client = start(["Fine.", [CALL], [{"text": "Hm.", "thought": True}, "Fine."]])
    off = {"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}}
    assert "thoughtsTokenCount" not in client.ask({**ASK, **off}).json()["usageMetadata"]
    assert "thoughtSignature" not in client.parts({**DECLARED, **off})[0]
    assert client.ask(ASK).json()["usageMetadata"]["thoughtsTokenCount"] == 1  # of "Hm."


@pytest.mark.parametrize(
    ("endpoint", "model", "ask", "signed"),
    [
        ("developer", MIDDLE, DECLARED, True),
        ("developer", MIDDLE, ASK, False),
        ("vertex", MIDDLE, DECLARED, True),
        ("vertex", MIDDLE, ASK, False),
        ("developer", NEW, ASK, True),
    ],
)
def test_gemini_2_5_signs_texts_beside_functions(start, endpoint, model, ask, signed):
    (part,) = start(["Fine."]).parts(ask, endpoint=endpoint, model=model)
    assert ("thoughtSignature" in part) == signed


SEARCHED = [
    {"toolCall": {"id": "a", "toolType": "GOOGLE_SEARCH_WEB", "args": {}}},
    {"toolResponse": {"id": "a", "toolType": "GOOGLE_SEARCH_WEB", "response": {}}},
]
IMAGE = {"inlineData": {"mimeType": "image/png", "data": "aGk="}}


def test_what_other_tools_did_and_images_are_signed_from_gemini_3_on(start):
    client = start([SEARCHED, [IMAGE], [IMAGE]])
    assert all("thoughtSignature" in part for part in client.parts(ASK, model=NEW))
    body = client.ask({"contents": ASK["contents"]}, model="gemini-3-pro-image-preview").json()
    assert "thoughtSignature" in body["candidates"][0]["content"]["parts"][0]
    assert body["usageMetadata"]["candidatesTokensDetails"] == [{"modality": "IMAGE", "tokenCount": 258}]
    assert client.parts({"contents": ASK["contents"]}, model="gemini-2.5-flash-image") == [IMAGE]


def test_thoughts_alone_are_not_counted_on_the_way(start):
    """A stream of Gemini 3 counts them once it says something."""
    thinking = [{"text": "Hm.", "thought": True}, "Fine."]
    first, second, _ = start([thinking]).chunks(ASK, model=NEW)
    assert "thoughtsTokenCount" not in first["usageMetadata"]
    assert second["usageMetadata"]["thoughtsTokenCount"] > 0


def test_an_answer_without_room_for_a_word_has_content_without_parts(start):
    call = {"functionCall": {"name": "f", "args": {"text": "long" * 99}}}
    (candidate,) = (
        start([[call]]).ask({**DECLARED, "generationConfig": {"maxOutputTokens": 1}}).json()["candidates"]
    )
    assert (candidate["content"], candidate["finishReason"]) == ({"role": "model"}, "MAX_TOKENS")


@pytest.mark.parametrize("most", [0, 1, 3])
def test_log_probabilities(start, most):
    config = {"responseLogprobs": True, **({"logprobs": most} if most else {})}
    client = start(["2 + 2 = 4"] * 2)
    ask = {**ASK, "generationConfig": config}
    (candidate,) = client.ask(ask, endpoint="vertex").json()["candidates"]
    result = candidate["logprobsResult"]
    chosen = result["chosenCandidates"]
    assert "".join(one["token"] for one in chosen) == "2 + 2 = 4"
    assert {type(one["tokenId"]) for one in chosen} == {int}
    assert sum(one["logProbability"] for one in chosen) / len(chosen) == candidate["avgLogprobs"]
    tops = [place["candidates"] for place in result.get("topCandidates", [])]
    assert [len(top) for top in tops] == [most] * (len(chosen) if most else 0)
    for top, one in zip(tops, chosen, strict=bool(most)):
        assert top == sorted(top, key=lambda each: -each["logProbability"])
        assert top[0] == one
    chunks = client.chunks(ask, endpoint="vertex")
    pieces = [chunk["candidates"][0]["logprobsResult"]["chosenCandidates"] for chunk in chunks]
    assert [token for piece in pieces for token in piece] == chosen


@pytest.mark.parametrize(
    ("endpoint", "tier", "named"),
    [
        ("developer", "flex", ("serviceTier", "flex")),
        ("developer", "SERVICE_TIER", None),
        ("vertex", "FLEX", ("trafficType", "ON_DEMAND_FLEX")),
        ("vertex", "standard", ("trafficType", "ON_DEMAND")),
    ],
)
def test_the_tier_comes_back(start, endpoint, tier, named):
    response = start(["Fine."]).ask({**ASK, "serviceTier": tier}, endpoint=endpoint)
    assert response.status_code == (200 if named else 400)
    assert named is None or named in response.json()["usageMetadata"].items()


@pytest.mark.parametrize("endpoint", ["developer", "vertex"])
def test_headers(start, endpoint):
    client = start(["Fine."] * 2)
    answers = [
        client.ask(ASK, endpoint=endpoint),
        client.ask({}, endpoint=endpoint),
        client.ask(ASK, endpoint=endpoint, action="streamGenerateContent?alt=sse"),
    ]
    for response in answers:
        assert response.headers.get_list("vary") == ["Origin", "X-Origin", "Referer"]
        assert response.headers.get("server-timing", "").startswith("gfet4t7; dur=") == (
            endpoint == "developer"
        )
    assert [response.headers["content-type"] for response in answers] == [
        "application/json; charset=UTF-8",
        "application/json; charset=UTF-8",
        "text/event-stream",
    ]
    assert answers[2].headers["content-disposition"] == "attachment"
    tiers = [response.headers.get("x-gemini-service-tier") for response in answers]
    assert tiers == ["standard" if endpoint == "developer" else None, None, None]


def test_a_script_may_put_several_parts_into_one_event(start):
    both = {"candidates": [{"content": {"role": "model", "parts": [{"text": "a"}, CALL]}}]}
    chunks = start([[both, "b"]]).chunks(DECLARED)
    assert [chunk["candidates"][0]["content"]["parts"] for chunk in chunks] == [
        [{"text": "a"}, CALL],
        [{"text": "b"}],
    ]
