"""The chat example prints what it says it prints."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "plain_chat.py"
ESSENTIAL = (
    'user: Can you print "Hello world!"?',
    "print('Hello world!')",
    "Hello world!",
    "user: What is the sum of the first 50 prime numbers?",
    "total = 5117",
    "The sum of the first 50 prime numbers is 5117.",
)


def run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, EXAMPLE, *options], capture_output=True, text=True, check=False)


def promised() -> str:
    return ast.get_docstring(ast.parse(EXAMPLE.read_text(encoding="utf-8"))) or ""


@pytest.mark.parametrize("source", [promised, lambda: run().stdout], ids=["docstring", "output"])
def test_the_essential_lines_are_there_in_order(source):
    lines = iter([line.strip() for line in source().splitlines()])
    assert [line for line in ESSENTIAL if line in lines] == list(ESSENTIAL)


def test_live_without_credentials_says_what_is_missing():
    done = run("--live")
    assert done.returncode == 1
    assert "ConfigurationError: no API key for the Gemini Developer API" in done.stderr
