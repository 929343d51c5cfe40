"""A record as one JSON object, for other programs."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

from langchain_codeexec.executions import code_executions
from langchain_codeexec.records.images import image_name
from langchain_codeexec.records.sections import sections_of

if TYPE_CHECKING:
    from pathlib import Path

    from langchain_core.messages import BaseMessage

    from langchain_codeexec.executions import CodeExecution, InlineFile

__all__ = ["json_record"]


def json_record(message: BaseMessage, *, image_directory: Path | None = None) -> dict[str, Any]:
    """What an answer tells, in values of JSON.

    Args:
        message: The model's message.
        image_directory: Where `save_images` has put its images, which are then given by `path`; without it
            they are given by value, in `base64`.

    Returns:
        `answer` (the text after the last run), `executions` in order, `usage` in tokens, `finish_reason` and
        `model`; `finish_message` and `plan` where the message has them.
    """
    metadata = message.response_metadata
    record: dict[str, Any] = {
        "answer": "".join(section.text for section in sections_of(message) if section.kind == "answer"),
        "executions": [_execution(run, image_directory) for run in code_executions(message)],
        "usage": getattr(message, "usage_metadata", None),
        "finish_reason": metadata.get("finish_reason"),
        "model": metadata.get("model_name"),
    }
    return record | {key: metadata[key] for key in ("finish_message", "plan") if metadata.get(key)}


def _execution(execution: CodeExecution, image_directory: Path | None) -> dict[str, Any]:
    return {
        "code": execution.code,
        "language": execution.language,
        "outcome": execution.outcome,
        "output": execution.output,
        "images": [_image(image, image_directory) for image in execution.images],
        "origin": execution.origin,
    }


def _image(image: InlineFile, directory: Path | None) -> dict[str, str]:
    if directory is None:
        return {"mime_type": image.mime_type, "base64": b64encode(image.data).decode()}
    return {"mime_type": image.mime_type, "path": str(directory / image_name(image))}
