"""Every example prints what its docstring says it prints, and says what is missing where it is to be live."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
OFFLINE = sorted(path.stem for path in EXAMPLES.glob("*.py"))
SECONDS = re.compile(r"=* (\d+ passed) in [\d.]+s =*")


def run(example: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run an example as a user does, in a folder of the test's."""
    command = [sys.executable, EXAMPLES / f"{example}.py", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


def comparable(printed: str) -> str:
    return SECONDS.sub(r"\1", printed).strip()


@pytest.mark.parametrize("example", OFFLINE)
def test_prints_what_its_docstring_shows(example, tmp_path):
    docstring = ast.get_docstring(ast.parse((EXAMPLES / f"{example}.py").read_text(encoding="utf-8")))
    assert docstring is not None
    promised = dedent(docstring.partition("prints:\n\n")[2])
    done = run(example, tmp_path)
    assert done.returncode == 0, done.stderr
    assert comparable(done.stdout) == comparable(promised)


@pytest.mark.parametrize("example", OFFLINE)
def test_live_without_credentials_says_what_is_missing(example, tmp_path):
    done = run(example, tmp_path, "--live")
    assert done.returncode == 1
    assert "ConfigurationError: no API key for the Gemini Developer API" in done.stderr
