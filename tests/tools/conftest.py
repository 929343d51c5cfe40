"""One sandbox and one tool on it for the tests of tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from langchain_codeexec import LocalSandbox, PythonTool

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def tool(sandbox: LocalSandbox) -> Iterator[PythonTool]:
    with PythonTool(sandbox, max_sessions=2) as opened:
        yield opened
