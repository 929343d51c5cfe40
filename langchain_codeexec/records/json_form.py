"""A model's message as one object of JSON."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from langchain_core.messages import BaseMessage

from langchain_codeexec.executions import CodeExecution, InlineFile, artifact_from_executions
from langchain_codeexec.messages.code_blocks import code_executions
from langchain_codeexec.messages.from_wire import failure_of
from langchain_codeexec.records.sections import limit_of, places_of, sections_of

__all__ = ["json_record"]

Json = dict[str, Any]

_METADATA: Final = ("plan", "outputs", "verification", "environment", "environment_id")


def json_record(message: BaseMessage) -> Json:
    """A model's message in values of JSON.

    Args:
        message: The model's message.

    Returns:
        `answer` (the text after the last run), `executions` in order, `usage` in tokens, `finish_reason` and
        `model`; `tool_calls`, `finish_message` (why it is no whole answer), `limit` (which one ended the run),
        `plan`, `outputs` (what is saved where), `verification` and `environment` where the message has them. An
        execution has what an artifact has of it (`artifact_from_executions`) but the id. An image that is saved is
        given by `path`, a path or URL, any other by value, in `base64`.
    """
    metadata = message.response_metadata
    places = places_of(message)
    record: Json = {
        "answer": "".join(section.text for section in sections_of(message) if section.kind == "answer"),
        "executions": [_json_execution(run, places) for run in code_executions(message)],
        "usage": getattr(message, "usage_metadata", None),
        "finish_reason": metadata.get("finish_reason"),
        "model": metadata.get("model_name"),
    }
    if calls := getattr(message, "tool_calls", None):
        record["tool_calls"] = [{"name": call["name"], "args": call["args"]} for call in calls]
    if notice := failure_of(message):
        record["finish_message"] = notice
    if limit := limit_of(message):
        record["limit"] = limit
    return record | {key: metadata[key] for key in _METADATA if metadata.get(key)}


def _json_execution(execution: CodeExecution, places: Mapping[str, str]) -> Json:
    [run] = artifact_from_executions([execution])["executions"]
    del run["id"]  # it links blocks of the message, which are not here
    return {**run, "images": [_json_image(image, places) for image in execution.images]}


def _json_image(image: InlineFile, places: Mapping[str, str]) -> dict[str, str]:
    place = places.get(sha256(image.data).hexdigest())
    value = {"path": place} if place else {"base64": image.base64}
    return {"mime_type": image.mime_type, **value}
