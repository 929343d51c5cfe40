"""Runs as plain JSON: what a tool's message keeps of them beside its text.

Nothing but dicts, lists and strings, so that a message survives JSON, pickle and every checkpointer, strict
ones included, and can be read by programs that do not know this package.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any, Final

from langchain_codeexec.executions.records import CodeExecution, InlineFile, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ARTIFACT_TYPE", "artifact_from_executions", "executions_from_artifact", "files_from_artifact"]

Json = dict[str, Any]

ARTIFACT_TYPE: Final = "code_executions"


def artifact_from_executions(
    executions: Iterable[CodeExecution], *, answer: str = "", files: Iterable[InlineFile] = ()
) -> Json:
    """The artifact that holds runs.

    Args:
        executions: The runs, in order.
        answer: What the model that wrote the code says of it.
        files: Files the runs left behind, images drawn excepted.

    Returns:
        `{"type": "code_executions", "answer", "executions": [...], "files": [...]}`. A run has `code`,
        `language`, `outcome`, `output`, `images`, `id`, `origin`, and `tried` where others were tried before;
        images and files have `mime_type`, `name` and `base64`.
    """
    return {
        "type": ARTIFACT_TYPE,
        "answer": answer,
        "executions": [_json_from_execution(execution) for execution in executions],
        "files": [_json_from_file(file) for file in files],
    }


def executions_from_artifact(artifact: object) -> list[CodeExecution]:
    """The runs that an artifact holds; none if it is no such artifact. What is malformed is passed over."""
    if isinstance(artifact, CodeExecution):
        return [artifact]
    return [_execution_from_json(run) for run in _objects(_own(artifact).get("executions"))]


def files_from_artifact(artifact: object) -> list[InlineFile]:
    """The files that an artifact holds; none if it is no such artifact. What is malformed is passed over."""
    return _files(_own(artifact).get("files"))


def _own(artifact: object) -> Json:
    is_own = isinstance(artifact, dict) and artifact.get("type") == ARTIFACT_TYPE
    return artifact if is_own and isinstance(artifact, dict) else {}


def _json_from_execution(execution: CodeExecution) -> Json:
    return {
        "code": execution.code,
        "language": execution.language,
        "outcome": None if execution.outcome is None else execution.outcome.value,
        "output": execution.output,
        "images": [_json_from_file(image) for image in execution.images],
        "id": execution.id,
        "origin": execution.origin,
        **({"tried": list(execution.tried)} if execution.tried else {}),
    }


def _execution_from_json(run: Json) -> CodeExecution:
    outcome, output, call_id, tried = (run.get(key) for key in ("outcome", "output", "id", "tried"))
    return CodeExecution(
        code=str(run.get("code", "")),
        language=str(run.get("language", "PYTHON")),
        outcome=None if outcome is None else Outcome(outcome),
        output=None if output is None else str(output),
        images=tuple(_files(run.get("images"))),
        id=None if call_id is None else str(call_id),
        origin=str(run.get("origin", "gemini")),
        tried=tuple(map(str, tried)) if isinstance(tried, list) else (),
    )


def _json_from_file(file: InlineFile) -> Json:
    return {"mime_type": file.mime_type, "name": file.name, "base64": b64encode(file.data).decode()}


def _files(values: object) -> list[InlineFile]:
    files = []
    for value in _objects(values):
        try:
            data = b64decode(value.get("base64", ""), validate=True)
        except (TypeError, ValueError, binascii.Error):
            continue
        files.append(InlineFile(data, str(value.get("mime_type", "")), str(value.get("name", ""))))
    return files


def _objects(values: object) -> list[Json]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
