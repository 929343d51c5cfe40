"""Steps as google-genai's types describe them, and steps of kinds that nobody knows."""

from __future__ import annotations

from hypothesis import strategies as st

from langchain_codeexec.gemini.interactions.reading import StepReader

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SIGNATURE = st.sampled_from(["c2ln", "ZGVyc2ln"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(2, 9) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=2)


def fields(required: dict, optional: dict | None = None) -> st.SearchStrategy[dict]:
    """Objects of those fields, now and then with one more."""
    more = {"extra": JSON}
    return st.fixed_dictionaries(required, optional={**(optional or {}), **more})


ANNOTATIONS = st.lists(
    fields(
        {"type": st.just("url_citation")},
        {"url": TEXT, "title": TEXT, "start_index": st.integers(0, 3), "end_index": st.integers(3, 9)},
    ),
    max_size=2,
)
TEXTS = fields({"type": st.just("text"), "text": TEXT}, {"annotations": ANNOTATIONS})


def media(kind: str, mime_types: list[str]) -> st.SearchStrategy[dict]:
    sources = [{"data": st.just("aGk=")}, {"uri": st.just("https://x.org/f")}]
    common = {"mime_type": st.sampled_from(mime_types), "resolution": st.sampled_from(["low", "ultra_high"])}
    return st.one_of(fields({"type": st.just(kind), **source}, common) for source in sources)


MEDIA = st.one_of(
    media("image", ["image/png", "image/webp"]),
    media("audio", ["audio/l16", "audio/wav"]),
    media("video", ["video/mp4"]),
    media("document", ["application/pdf", "text/csv"]),
    fields(
        {"type": st.just("video"), "uri": st.just("https://x.org/v"), "mime_type": st.just("video/mp4")},
        {
            "processing": st.just({"type": "static", "fps": 2.0, "start_offset": "1s"})
            | st.sampled_from(["static", "agentic"])
        },
    ),
)
CONTENTS = st.lists(TEXTS | MEDIA | fields({"type": st.just("hologram")}), max_size=3)
IDS = st.sampled_from(["a1", "b2", "c3"])
ARGUMENTS = fields({"code": TEXT, "language": st.sampled_from(["python", "bash", "Ruby"])})

_KINDS = {
    "thought": ({}, {"signature": SIGNATURE, "summary": st.lists(TEXTS | MEDIA, max_size=3)}),
    "model_output": ({}, {"content": CONTENTS, "error": OBJECT}),
    "function_call": (
        {"id": IDS, "name": st.sampled_from(["add", "get"]), "arguments": OBJECT},
        {"signature": SIGNATURE},
    ),
    "code_execution_call": ({"id": IDS, "arguments": ARGUMENTS}, {"signature": SIGNATURE}),
    "code_execution_result": (
        {"call_id": IDS, "result": TEXT | CONTENTS},
        {"is_error": st.booleans(), "signature": SIGNATURE},
    ),
    "google_search_call": ({"id": IDS, "arguments": OBJECT}, {"signature": SIGNATURE, "search_type": TEXT}),
    "google_search_result": (
        {"call_id": IDS, "result": st.lists(OBJECT, max_size=2)},
        {"is_error": st.booleans()},
    ),
    "url_context_call": ({"id": IDS, "arguments": OBJECT}, {}),
    "mcp_server_tool_call": ({"id": IDS, "name": TEXT, "server_name": TEXT, "arguments": OBJECT}, {}),
    "mcp_server_tool_result": ({"call_id": IDS, "result": TEXT | OBJECT}, {"name": TEXT}),
    "processing_call": ({"id": IDS}, {"signature": SIGNATURE}),
    "dance": ({}, {"id": IDS}),
}
_OF_USER = {
    "user_input": ({}, {"content": CONTENTS}),
    "function_result": (
        {"call_id": IDS, "result": TEXT | OBJECT | CONTENTS},
        {"is_error": st.booleans(), "name": TEXT},
    ),
}


def _step(kinds: dict) -> st.SearchStrategy[dict]:
    return st.one_of(
        fields({"type": st.just(kind), **required}, optional) for kind, (required, optional) in kinds.items()
    )


ANSWERS = st.lists(_step(_KINDS), max_size=5)
"""Steps of one answer of the model."""

STEPS = st.lists(_step(_KINDS | _OF_USER), max_size=6)
"""Steps of a conversation."""


def parts_from_steps(steps: list[dict]) -> list[dict]:
    """Steps of one turn as its parts."""
    reader = StepReader()
    return [part for step in steps for part in reader.whole(step)]


def contents_from_steps(steps: list[dict]) -> list[dict]:
    """Steps as turns: what the user said and what functions returned, and what the model did between."""
    turns: list[tuple[str, list[dict]]] = []
    for step in steps:
        role = "user" if step["type"] in _OF_USER else "model"
        if not turns or turns[-1][0] != role or step["type"] == "user_input":
            turns.append((role, []))
        turns[-1][1].append(step)
    return [{"role": role, "parts": parts_from_steps(turn)} for role, turn in turns]
