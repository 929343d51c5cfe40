"""A record as one JSON object, for other programs."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from langchain_codeexec.executions import code_executions
from langchain_codeexec.records.sections import places_of, sections_of

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

    from langchain_codeexec.executions import CodeExecution, InlineFile

__all__ = ["json_record"]

_BESIDES: Final = ("finish_message", "plan", "outputs", "verification")


def json_record(message: BaseMessage) -> dict[str, Any]:
    """What an answer tells, in values of JSON.

    Args:
        message: The model's message.

    Returns:
        `answer` (the text after the last run), `executions` in order, `usage` in tokens, `finish_reason` and
        `model`; `tool_calls`, `finish_message`, `plan`, `outputs` (what is saved where) and `verification` where
        the message has them. An image that is saved is given by `path`, a path or URL, any other by value, in
        `base64`.
    """
    metadata = message.response_metadata
    places = places_of(message)
    record: dict[str, Any] = {
        "answer": "".join(section.text for section in sections_of(message) if section.kind == "answer"),
        "executions": [_execution(run, places) for run in code_executions(message)],
        "usage": getattr(message, "usage_metadata", None),
        "finish_reason": metadata.get("finish_reason"),
        "model": metadata.get("model_name"),
    }
    if calls := getattr(message, "tool_calls", None):
        record["tool_calls"] = [{"name": call["name"], "args": call["args"]} for call in calls]
    return record | {key: metadata[key] for key in _BESIDES if metadata.get(key)}


def _execution(execution: CodeExecution, places: dict[str, str]) -> dict[str, Any]:
    return {
        "code": execution.code,
        "language": execution.language,
        "outcome": execution.outcome,
        "output": execution.output,
        "images": [_image(image, places) for image in execution.images],
        "origin": execution.origin,
        **({"tried": list(execution.tried)} if execution.tried else {}),
    }


def _image(image: InlineFile, places: dict[str, str]) -> dict[str, str]:
    place = places.get(sha256(image.data).hexdigest())
    held = {"path": place} if place else {"base64": b64encode(image.data).decode()}
    return {"mime_type": image.mime_type, **held}
