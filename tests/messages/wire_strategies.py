"""Hypothesis strategies for what may come over the wire."""

from __future__ import annotations

from hypothesis import strategies as st

TEXT = st.text(max_size=12)
IDS = st.sampled_from(["", "h0mwtrhs", "lc_like_ours", "call-1"])
SIGNATURES = st.sampled_from(["EtUBCtIB==", "AY89a1_-", "skip_thought_signature_validator"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(TEXT, JSON, max_size=3)


def _object(**fields: st.SearchStrategy) -> st.SearchStrategy:
    return st.fixed_dictionaries({}, optional=fields)


PAYLOADS = {
    "text": TEXT,
    "executableCode": _object(
        id=IDS, language=st.sampled_from(["PYTHON", "LANGUAGE_UNSPECIFIED"]), code=TEXT
    ),
    "codeExecutionResult": _object(
        id=IDS,
        outcome=st.sampled_from(["OUTCOME_OK", "OUTCOME_FAILED", "OUTCOME_DEADLINE_EXCEEDED", "OUTCOME_NEW"]),
        output=TEXT,
    ),
    "functionCall": _object(id=IDS, name=TEXT, args=OBJECTS),
    "inlineData": _object(
        mimeType=st.sampled_from(["image/png", "audio/wav", "text/csv", ""]), data=TEXT, displayName=TEXT
    ),
    "fileData": _object(mimeType=st.sampled_from(["video/mp4", "application/pdf"]), fileUri=TEXT),
    "toolCall": _object(id=IDS, toolType=st.sampled_from(["GOOGLE_SEARCH_WEB", "odd Type"]), args=OBJECTS),
    "toolResponse": _object(id=IDS, toolType=st.just("GOOGLE_SEARCH_WEB"), response=OBJECTS),
    "functionResponse": _object(id=IDS, name=TEXT, response=OBJECTS),
    "somethingNew": JSON,
}
QUALIFIERS = _object(
    thought=st.booleans(), thoughtSignature=SIGNATURES, videoMetadata=OBJECTS, partMetadata=OBJECTS
)


@st.composite
def well_formed_parts(draw: st.DrawFn) -> dict:
    """A part as the protocol has it, with any of the keys that may qualify it."""
    kind = draw(st.sampled_from(sorted(PAYLOADS)))
    return {kind: draw(PAYLOADS[kind]), **draw(QUALIFIERS)}


ODD_PARTS = st.dictionaries(
    st.sampled_from([*PAYLOADS, "thought", "thoughtSignature"]),
    JSON | st.dictionaries(st.sampled_from(["id", "code", "output", "args", "data"]), JSON, max_size=3),
    max_size=3,
)
"""Parts with several data keys, none, or payloads of the wrong type."""

PARTS = st.lists(well_formed_parts() | ODD_PARTS, max_size=6)
