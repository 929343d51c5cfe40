"""The README is true: its Python runs, and prints what it says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

from langchain_codeexec.emulator import GeminiEmulator
from langchain_codeexec.errors import SandboxUnavailableError
from langchain_codeexec.settings import CALL_SETTINGS, GeminiSettings

README = Path(__file__).parents[1] / "README.md"
BLOCK = re.compile(r"```python\n(?P<code>.*?)```(?:\n+```text\n(?P<output>.*?)```)?", re.DOTALL)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_its_python_prints_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = list(BLOCK.finditer(README.read_text()))
    assert blocks
    namespace: dict = {}
    with GeminiEmulator() as service:
        monkeypatch.setenv("GOOGLE_API_KEY", "any")
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", service.url)
        monkeypatch.setenv("GOOGLE_VERTEX_BASE_URL", service.url)
        for block in blocks:
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                try:
                    exec(compile(block["code"], "README.md", "exec"), namespace)
                except SandboxUnavailableError as error:
                    pytest.skip(f"the recipes that follow need a sandbox: {error}")
            if block["output"] is not None:
                assert printed.getvalue().strip() == block["output"].strip()


def test_its_table_has_every_setting_and_says_which_a_call_may_override() -> None:
    rows = README.read_text().partition("\n## Settings\n")[2].partition("\n## ")[0].splitlines()
    names = [
        name for row in rows if row.startswith("| `") for name in re.findall(r"`\w+`\*?", row.split("|")[1])
    ]
    assert {name.rstrip("*").strip("`") for name in names} == GeminiSettings.model_fields.keys()
    assert {name[1:-2] for name in names if name.endswith("*")} == {*CALL_SETTINGS}
