"""The agent example prints what it says it prints."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

EXAMPLE = Path(__file__).parents[2] / "examples" / "agent.py"


def run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, EXAMPLE, *options], capture_output=True, text=True, check=False)


def test_prints_what_its_docstring_shows() -> None:
    docstring = ast.get_docstring(ast.parse(EXAMPLE.read_text()))
    assert docstring is not None
    promised = dedent(docstring.partition("prints:\n\n")[2])
    done = run()
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == promised.strip()


def test_the_function_and_the_code_are_both_used() -> None:
    printed = run().stdout
    assert "function: pieces_in_stock returned 1280" in printed
    assert "output:\ntotal = 5117" in printed


def test_live_without_credentials_says_what_is_missing() -> None:
    done = run("--live")
    assert done.returncode == 1
    assert "ConfigurationError: no API key for the Gemini Developer API" in done.stderr
