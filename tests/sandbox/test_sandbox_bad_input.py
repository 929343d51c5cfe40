"""What is wrong with a setting or a request is said in an error of this package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from langchain_codeexec import ExecutionRequest
from langchain_codeexec.errors import ConfigurationError, ExecutionRequestError, ExecutorError
from langchain_codeexec.executions import InlineFile
from langchain_codeexec.sandbox.local import LocalSandbox

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"timeout": 10**400}, "timeout must be a positive number"),
        ({"timeout": True}, "timeout must be a positive number"),
        ({"cpu_seconds": 10**400}, "cpu_seconds must be a positive number"),
        ({"mode": []}, "mode must be 'auto' or one of"),
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


@pytest.mark.parametrize(
    ("request_of", "words"),
    [
        (lambda: ExecutionRequest(b"1"), "a program is a str, not bytes"),
        (lambda: ExecutionRequest("1", timeout=10**400), "timeout must be a positive number"),
        (lambda: ExecutionRequest("1", files=(InlineFile("text", "text/plain", "a"),)), "a file is bytes"),
        (lambda: ExecutionRequest("1", files=(InlineFile(b"", None, None),)), "a file is bytes"),
        (lambda: ExecutionRequest("1", files=(InlineFile(b"", "text/plain", 5),)), "a file is bytes"),
    ],
)
def test_a_wrong_request(sandbox: LocalSandbox, request_of: Callable[[], ExecutionRequest], words: str):
    with pytest.raises(ExecutionRequestError, match=words):
        sandbox.run(request_of())

    assert sandbox.run(ExecutionRequest("print(1)")).stdout == "1\n"
