"""Inputs that once raised what is no `CodeExecError`, by target."""

from __future__ import annotations

from typing import Any

from tests.fuzz.targets import CALL, CHUNK, FUNCTION, circle, nest

TEXT = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hi."}]}, "finishReason": "STOP"}]}
PLAIN = {
    "content": "text",
    "additional_kwargs": {},
    "response_metadata": {},
    "tool_calls": [],
    "artifact": None,
}


def _with_usage(**usage: Any) -> dict[str, Any]:
    return {**CHUNK, "usageMetadata": usage}


def _answer(*parts: Any) -> list[Any]:
    return [{"candidates": [{"content": {"parts": list(parts)}}]}]


def _interaction(steps: list[Any], **fields: Any) -> list[Any]:
    return [{"id": "i", "status": "completed", "steps": steps, **fields}]


CORPUS: dict[str, list[Any]] = {
    "answers": [
        [None],
        ["text"],
        [TEXT, None],
        [{**TEXT, "usageMetadata": True}, {**TEXT, "usageMetadata": {"totalTokenCount": 1}}],
        [_with_usage(promptTokenCount=None), _with_usage(promptTokenCount="x")],
        [
            _with_usage(
                promptTokenCount=float("inf"), thoughtsTokenCount=float("nan"), totalTokenCount="9" * 5000
            )
        ],
        [_with_usage(promptTokensDetails=[None]), _with_usage(promptTokensDetails=7)],
        [_with_usage(promptTokensDetails=[{"modality": [], "tokenCount": "x"}])],
        [{**TEXT, "candidates": {}}],
        _answer({"executableCode": None}, {"codeExecutionResult": 7}),
        _answer({"executableCode": {"code": 7, "language": []}}),
        _answer({"functionCall": {"id": "f1", "name": [], "args": {"x": 1}}}),
        _answer({"codeExecutionResult": {"outcome": {}, "output": 2**70}}),
    ],
    "interactions": [
        _interaction([None, {"type": []}, {"type": "model_output", "content": [{"type": []}]}]),
        _interaction(
            [{"type": "model_output", "content": [{"type": "text", "text": "x", "annotations": True}]}]
        ),
        _interaction([], continuation_ids=[[]], errors=7),
        [{"event_type": []}],
    ],
    "messages": [{**PLAIN, "content": [{"type": "text", "text": "\ud800"}]}, {**PLAIN, "artifact": circle()}]
    + [
        {**PLAIN, "tool_calls": [{**CALL, "args": {"x": value}}]}
        for value in (float("nan"), 2**70, b"x", "\ud800")
    ],
    "tools": [
        None,
        "f",
        7,
        [None],
        [{"name": "f", "parameters": None}],
        [{"name": "f", "parameters": circle()}],
        [{"name": "f", "description": nest(1500)}],
        [{1: 2}],
        [FUNCTION, b"x"],
    ],
    "settings": [
        {"additional_headers": {"x": 1}},
        {"base_url": {}},
        {"stop": "x"},
        {"n": 2**70},
        {"transport": True},
        {"deadline": []},
        {"generation_config": True},
        *(
            {name: nest(1500)}
            for name in ("temperature", "planner", "output_sink", "deadline", "safety_settings")
        ),
        {"response_modalities": nest(300)},
        {"response_schema": {"type": nest(1500)}},
        {"image_config": {"x": circle()}},
    ],
    "files": [
        (b"<table><tr><td rowspan=99999999>1</table>", "t.html"),
        (b"[" * 5000, "t.json"),
        (b"PK\x03\x04", "t.xlsx"),
    ],
    "attribution": [
        ([], {**PLAIN, "content": [{"type": "text", "text": "Hello.", "annotations": annotations}]}, "")
        for annotations in ([None], True, "x")
    ],
    "figures": ["1e999", "²", "10^" * 50],
    "requests": [None, []],
    "scripts": [
        None,
        [],
        {"version": 1, "interactions": [None]},
        {"version": 1, "interactions": [{"order": "x"}]},
    ],
}
