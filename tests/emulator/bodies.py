"""Bodies of requests."""

from __future__ import annotations

from typing import Any

USER = {"role": "user", "parts": [{"text": "Hi"}]}
CALL = {"functionCall": {"name": "f", "args": {}}}
CODE = {"codeExecution": {}}
FLAG = {"includeServerSideToolInvocations": True}
RAN = [
    {"executableCode": {"language": "PYTHON", "code": "print(1)"}},
    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}},
]


def model(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "model", "parts": list(parts)}


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "parts": list(parts)}


def says(*contents: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"contents": list(contents), **more}


def part(value: Any) -> dict[str, Any]:
    return says(user({"text": "a"}, value))
