"""Content blocks of messages, and what tests of records expect of them."""

from typing import Any

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAYAAAC56t6BAAAAEElEQVR4nGNgYGD4z4AAAAUEAQAm9BMDAAAAAElFTkSuQmCC"
PIXEL_FACTS = "image/png, 2 x 3 pixels, 72 bytes"


def text(content: str) -> dict[str, Any]:
    return {"type": "text", "text": content}


def image(mime_type: str = "image/png", data: str = PIXEL) -> dict[str, Any]:
    return {"type": "image", "base64": data, "mime_type": mime_type}


def code(source: str, i: str = "c", language: str = "PYTHON") -> dict[str, Any]:
    args = {"code": source, "language": language}
    return {"type": "server_tool_call", "id": i, "name": "code_interpreter", "args": args}


def result(output: str, i: str = "c", outcome: str = "OUTCOME_OK") -> dict[str, Any]:
    return {"type": "server_tool_result", "tool_call_id": i, "output": output, "extras": {"outcome": outcome}}
