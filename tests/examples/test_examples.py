"""Every example prints what its docstring says it prints, and says what is missing where it is to be live."""

from __future__ import annotations

import ast
import re
import runpy
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from langchain_codeexec.errors import ConfigurationError

EXAMPLES = Path(__file__).parents[2] / "examples"
OFFLINE = sorted(path.stem for path in EXAMPLES.glob("*.py"))
SECONDS = re.compile(r"=* (\d+ passed) in [\d.]+s =*")


def comparable(printed: str) -> str:
    return SECONDS.sub(r"\1", printed).strip()


@pytest.mark.parametrize("example", OFFLINE)
def test_prints_what_its_docstring_shows(example, tmp_path):
    docstring = ast.get_docstring(ast.parse((EXAMPLES / f"{example}.py").read_text(encoding="utf-8")))
    assert docstring is not None
    promised = dedent(docstring.partition("prints:\n\n")[2])
    command = [sys.executable, EXAMPLES / f"{example}.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert comparable(done.stdout) == comparable(promised)


@pytest.mark.parametrize("example", OFFLINE)
def test_live_without_credentials_says_what_is_missing(example, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [f"{example}.py", "--live"])
    with pytest.raises(ConfigurationError, match="no API key for the Gemini Developer API"):
        runpy.run_path(str(EXAMPLES / f"{example}.py"), run_name="__main__")
