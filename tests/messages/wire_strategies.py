"""Hypothesis strategies for what may come over the wire."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

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


NAMES = TEXT.filter(bool)


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
    "functionCall": st.fixed_dictionaries({"name": NAMES}, optional={"id": IDS, "args": OBJECTS}),
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
    thought=st.booleans(),
    thoughtSignature=SIGNATURES,
    videoMetadata=OBJECTS,
    partMetadata=OBJECTS,
    mediaProcessing=OBJECTS,
    documentMetadata=OBJECTS,
    spreadsheetMetadata=OBJECTS,
    audioMetadata=OBJECTS,
    audioTranscription=OBJECTS,
    speechMetadata=OBJECTS,
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
).filter(lambda part: not _is_a_piece(part))
"""Parts with several data keys, none, or payloads of the wrong type."""

BARE = st.fixed_dictionaries({"thoughtSignature": SIGNATURES}, optional={"thought": st.just(value=True)})
"""Parts of nothing but a signature."""

PARTS = st.lists(well_formed_parts() | ODD_PARTS | BARE, max_size=6)


def _is_a_piece(part: dict) -> bool:
    """Whether it goes on with a call that another part began."""
    call = part.get("functionCall")
    return isinstance(call, dict) and not call.get("name")


LEAVES = st.none() | st.booleans() | st.integers(-9, 9) | TEXT
ARGUMENTS = st.dictionaries(
    NAMES,
    st.recursive(
        LEAVES,
        lambda inner: (
            st.lists(inner, min_size=1, max_size=3) | st.dictionaries(NAMES, inner, min_size=1, max_size=3)
        ),
        max_leaves=5,
    ),
    max_size=3,
)


@st.composite
def calls_in_pieces(draw: st.DrawFn) -> tuple[dict, list[dict]]:
    """A function call, and the same call in pieces: by paths in any order, or some arguments after the others."""
    arguments = draw(ARGUMENTS)
    head = {"name": draw(NAMES), **draw(_object(id=st.just("call-1")))}
    whole = {"functionCall": {**head, "args": arguments}, **draw(_object(thoughtSignature=SIGNATURES))}
    if draw(st.booleans()):
        pieces = [{"partialArgs": [partial]} for partial in _partials(draw, arguments)]
        pieces = [head, *pieces, {}]
        pieces = [{**piece, "willContinue": True} for piece in pieces[:-1]] + [{}]
    else:
        cut = draw(st.integers(0, len(arguments)))
        items = list(arguments.items())
        pieces = [{**head, "args": dict(items[:cut])}, {"args": dict(items[cut:])}]
    return whole, [{**whole, "functionCall": pieces[0]}, *({"functionCall": piece} for piece in pieces[1:])]


def _partials(draw: st.DrawFn, arguments: dict) -> list[dict]:
    order = draw(st.permutations(list(_leaves("$", arguments))))
    partials = []
    for path, value in order if draw(st.booleans()) else _leaves("$", arguments):
        if not isinstance(value, str):
            kind = {type(None): "nullValue", bool: "boolValue"}.get(type(value), "numberValue")
            partials.append({"jsonPath": path, kind: value})
            continue
        cuts = sorted(draw(st.sets(st.integers(0, len(value)), max_size=3)) | {0, len(value)})
        texts = [value[a:b] for a, b in pairwise(cuts)] or [""]
        partials += [{"jsonPath": path, "stringValue": text, "willContinue": True} for text in texts]
    return partials


def _leaves(path: str, value: Any) -> Any:
    if isinstance(value, dict):
        for key, inner in value.items():
            quoted = key.replace("\\", "\\\\").replace("'", "\\'")
            yield from _leaves(f"{path}.{key}" if key.isidentifier() else f"{path}['{quoted}']", inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(f"{path}[{index}]", inner)
    else:
        yield path, value
