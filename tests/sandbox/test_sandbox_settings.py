"""What is wrong with a setting is said when it is set."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_codeexec import ExecutionRequest
from langchain_codeexec.errors import ConfigurationError, ExecutorError
from langchain_codeexec.sandbox.local import LocalSandbox


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        *(
            ({name: value}, f"{name} must be a positive number of seconds")
            for name in ("timeout", "cpu_seconds")
            for value in (0, -1, float("nan"), float("inf"), "soon", 10**400, True)
        ),
        *(
            ({f"{name}": value}, f"{name} must be a positive whole number")
            for name in "memory_bytes processes open_files file_bytes disk_bytes output_bytes workers waiting sessions".split()
            for value in (0, -1, 1.5, "1", True)
        ),
        ({"mode": []}, "mode must be 'auto' or one of"),
        ({"mode": "jail"}, "mode must be 'auto' or one of namespaces, landlock, not 'jail'"),
        ({"preload": "numpy"}, "preload must be a list of names, not 'numpy'"),
        ({"preload": None}, "preload must be a list of names, not None"),
        ({"preload": [1]}, "preload must hold names, not 1"),
        ({"readable": "/etc"}, "readable must be a list of names, not '/etc'"),
        ({"readable": [None]}, "readable must hold names, not None"),
    ],
)
def test_a_wrong_setting(setting: dict[str, Any], words: str):
    with pytest.raises(ConfigurationError, match="^" + words.replace("[", r"\[")):
        LocalSandbox(**setting)


def test_an_interpreter_that_is_no_path():
    with LocalSandbox(python=5) as sandbox, pytest.raises(ExecutorError, match="cannot start 5"):  # type: ignore[arg-type]  # what is tested
        sandbox.run(ExecutionRequest("1"))
