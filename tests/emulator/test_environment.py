"""What programs find where nobody has given an executor."""

from __future__ import annotations

import pytest

from langchain_codeexec import ExecutionRequest
from langchain_codeexec.emulator import GeminiEmulator
from langchain_codeexec.emulator.environment import GeminiLibraries, default_executor
from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.executors.base import CodeExecutor
from langchain_codeexec.executors.process import ProcessExecutor

SECRET_IMPORT = "import importlib\nimportlib.import_module('httpx')"


@pytest.fixture(scope="module", params=["sandbox", "process"])
def executor(request):
    return default_executor() if request.param == "sandbox" else GeminiLibraries(ProcessExecutor())


@pytest.mark.parametrize(
    ("code", "output"),
    [
        ("import numpy, dateutil.parser, json, asyncio\nprint(numpy.add(1, 1))", "2\n"),
        ("from importlib.metadata import version\nprint(version('numpy') > '')", "True\n"),
        ("open('mine.py', 'w').write('x = 1')\nimport mine\nprint(mine.x)", "1\n"),
        ("import importlib.util\nprint(importlib.util.find_spec('httpx'))", "None\n"),
        (
            "try:\n    import httpx\nexcept ImportError as error:\n    print(error)",
            "No module named 'httpx'\n",
        ),
        ("print([name for name in dir() if not name.startswith('_')])", "[]\n"),
    ],
)
def test_the_libraries_of_geminis_environment(executor, code, output):
    result = executor.run(ExecutionRequest(code))
    assert (result.output, result.outcome.value) == (output, "OUTCOME_OK")


@pytest.mark.parametrize("code", ["import httpx", "from httpx import get", SECRET_IMPORT])
def test_no_other_library_is_there_although_this_machine_has_it(executor, code):
    result = executor.run(ExecutionRequest(code))
    assert result.outcome.value == "OUTCOME_FAILED"
    assert "ModuleNotFoundError: No module named 'httpx'" in result.output


async def test_it_is_an_executor(executor):
    assert isinstance(executor, CodeExecutor)
    assert executor.name in {"sandbox", "process"}
    assert (await executor.arun(ExecutionRequest("print(1)"))).stdout == "1\n"
    with executor.session() as session:
        session.run(ExecutionRequest("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"))
        assert "No module named 'httpx'" in session.run(ExecutionRequest("import httpx")).output


def test_all_libraries_on_demand():
    assert default_executor("all").run(ExecutionRequest("import httpx\nprint(1)")).stdout == "1\n"


def test_one_sandbox_serves_all_emulators():
    assert default_executor("all") is default_executor("all")
    assert default_executor("all") is not default_executor("all", allow_unsafe=True)


def test_other_settings_are_told():
    with pytest.raises(ConfigurationError, match="libraries must be 'gemini' or 'all', not 'some'"):
        GeminiEmulator(libraries="some")
