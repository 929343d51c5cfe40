"""Programs call functions of the host, in every mode: what they find, what arrives, and what comes back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.sandbox.callable import Functions
from tests.sandbox.conftest import started

from langchain_codeexec.executions import Outcome
from langchain_codeexec.executors import ProcessExecutor
from langchain_codeexec.executors.calls import HostCall
from langchain_codeexec.sandbox.modes import MODES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_codeexec.sandbox.local import LocalExecutor


@pytest.fixture(scope="module", params=[*MODES, "process"])
def executor(request: pytest.FixtureRequest) -> Iterator[LocalExecutor]:
    with ProcessExecutor() if request.param == "process" else started(request.param) as executor:
        yield executor


def test_functions_are_found_as_any_other_and_calls_arrive_as_they_were_made(executor: LocalExecutor):
    calls = Functions()

    result = executor.run(
        """
import inspect, json
print(inspect.signature(price), price.__doc__, price.__module__, inspect.signature(same).return_annotation)
print(price("ABC"), price(day="friday", symbol="A"))
print(json.dumps(same({"a": [1, 2.5, None, True, "\\u00e9\\n"]}, beside=(1, 2))), same())
for wrong in (lambda: price(), lambda: price("A", amount=1), lambda: price({1}), lambda: price(float("nan"))):
    try:
        wrong()
    except (TypeError, ValueError) as error:
        print(type(error).__name__, str(error).removesuffix(": nan"))
try:
    fail()
except ToolError as error:
    print(ascii(error))
""",
        calls=calls,
    )

    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        "(symbol: str, day: Literal['today', 'friday'] = 'today') -> float What it costs. __main__ typing.Any",
        "3.5 1.5",
        json.dumps({"value": {"a": [1, 2.5, None, True, "é\n"]}, "beside": [1, 2]}) + " {}",
        "TypeError price() missing 1 required positional argument: 'symbol'",
        "TypeError price() got an unexpected keyword argument 'amount'",
        "TypeError an argument must be None, bool, int, float, str, list or dict, not set",
        "ValueError Out of range float values are not JSON compliant",
        r"ToolError('no such thing: \ud800')",
    ]
    assert calls.made[:2] == [
        HostCall(1, "price", {"symbol": "ABC", "day": "today"}, 4),
        HostCall(2, "price", {"symbol": "A", "day": "friday"}, 4),
    ]
    assert not calls.cancelled


def test_an_error_names_the_line_of_the_program_and_nothing_of_ours(executor: LocalExecutor):
    result = executor.run("def look():\n    return fail()\n\ntry:\n    look()\nexcept ToolError as error:\n    raise KeyError(1) from error", calls=Functions())  # fmt: skip

    assert result.outcome is Outcome.FAILED
    lines = [line.strip() for line in result.stderr.splitlines() if "File" in line]
    assert lines == [
        'File "<code>", line 5, in <module>',
        'File "<code>", line 2, in look',
        'File "<code>", line 7, in <module>',
    ]
