"""What was sent and answered, as the requests and responses of generating content: for the page and for tests."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from langchain_codeexec.emulator.interactions.events import metadata_from
from langchain_codeexec.emulator.interactions.requests import read_creation, request_from
from langchain_codeexec.emulator.interactions.steps import Step, contents_from_steps
from langchain_codeexec.emulator.targets import Target
from langchain_codeexec.gemini.wire import GenerateContentRequest

__all__ = ["answer_from", "prompt_from"]


def prompt_from(body: Any, target: Target) -> GenerateContentRequest:
    """A body as a brain reads it, without what it follows.

    Raises:
        EmulatedError: It is in no good shape (400).
    """
    creation = read_creation(body)
    return request_from(creation, creation.steps, target)


def answer_from(bodies: Sequence[Mapping[str, Any]], target: Target) -> dict[str, Any] | None:
    """An interaction or its events as one response; `None` where it is neither."""
    last: Any = {}
    steps: dict[int, Step] = {}
    for body in bodies:
        found = body.get("interaction", body if body.get("object") == "interaction" else {})
        last = found or last
        steps |= dict(enumerate(found.get("steps", ())))
        if isinstance(body.get("step"), dict):
            steps[body["index"]] = {**body["step"]}
        if isinstance(body.get("delta"), dict):
            _add(steps.setdefault(body["index"], {"type": "model_output"}), body["delta"])
    if not last:
        return None
    said = [
        step for _, step in sorted(steps.items()) if step["type"] not in ("user_input", "function_result")
    ]
    parts = [part for content in contents_from_steps(said, target) for part in content["parts"]]
    candidate = {"content": {"parts": parts}, "finishReason": last.get("status", "").upper()}
    return {"candidates": [candidate], "usageMetadata": metadata_from(last.get("usage") or {})}


def _add(step: Step, delta: Mapping[str, Any]) -> None:
    """Go on with a step."""
    kind = delta.get("type")
    if kind == "thought_signature":
        step["signature"] = delta.get("signature", "")
    elif kind == "thought_summary":
        step["summary"] = [*step.get("summary", ()), delta.get("content", {})]
    elif kind == "arguments_delta":
        with suppress(ValueError):
            step["arguments"] = json.loads(delta.get("arguments", ""))
    elif step["type"] == kind:
        step |= delta
    else:
        step["content"] = [*step.get("content", ()), delta]
