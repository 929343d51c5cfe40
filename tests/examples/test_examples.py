"""Every example prints what its docstring says it prints, and says what is missing where it is to be live."""

from __future__ import annotations

import ast
import re
import runpy
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


def run(example, folder, monkeypatch, *arguments):
    """Run it as the main program, and give its exit code; a process of its own would import all anew."""
    path = str(EXAMPLES / f"{example}.py")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", [path, *arguments])
    try:
        runpy.run_path(path, run_name="__main__")
    except SystemExit as end:
        return end.code
    return 0


@pytest.mark.parametrize("example", OFFLINE)
def test_prints_what_its_docstring_shows(example, tmp_path, monkeypatch, capfd):
    docstring = ast.get_docstring(ast.parse((EXAMPLES / f"{example}.py").read_text(encoding="utf-8")))
    assert docstring is not None
    promised = dedent(docstring.partition("prints:\n\n")[2])
    assert run(example, tmp_path, monkeypatch) == 0
    assert comparable(capfd.readouterr().out) == comparable(promised)


@pytest.mark.parametrize("example", OFFLINE)
def test_live_without_credentials_says_what_is_missing(example, tmp_path, monkeypatch):
    with pytest.raises(ConfigurationError, match="no API key for the Gemini Developer API"):
        run(example, tmp_path, monkeypatch, "--live")
