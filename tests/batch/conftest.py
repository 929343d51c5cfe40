"""What tests of batches share: a service that answers each question with itself, and rows in files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from langchain_codeexec.emulator import Prompt
from tests.services import Gemini


def asked(prompt: Prompt) -> str:
    """The last text of a request."""
    return prompt.request["contents"][-1]["parts"][0]["text"]


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def gemini(gemini: Gemini) -> Gemini:
    gemini.says(lambda prompt: f"re: {asked(prompt)}")
    return gemini


@pytest.fixture
def rows(tmp_path: Path) -> Callable[..., Path]:
    """Write a file of rows, given as questions, mappings or text of lines."""

    def write(*rows: Any, name: str = "questions.jsonl") -> Path:
        lines = [
            row if isinstance(row, str) and row.startswith("=") else
            json.dumps({"question": row} if isinstance(row, str) else row)
            for row in rows
        ]  # fmt: skip
        path = tmp_path / name
        path.write_text("".join(f"{line.removeprefix('=')}\n" for line in lines), encoding="utf-8")
        return path

    return write
