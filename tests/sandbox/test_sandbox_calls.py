"""Programs call functions of the host, in every mode: what they find, what arrives, and what comes back."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from langchain_codeexec.errors import ConfigurationError, ExecutorError
from langchain_codeexec.executions import ExecutionRequest, InlineFile, Outcome
from langchain_codeexec.executors import FailoverExecutor, GeminiExecutor, ProcessExecutor
from langchain_codeexec.executors.base import STATE_LOST
from langchain_codeexec.executors.calls import (
    CallLimits,
    HostCall,
    HostFunction,
    HostReply,
    arun_in,
    run_in,
    takes_calls,
)
from langchain_codeexec.sandbox.local import LocalSandbox
from tests.sandbox.callable import Functions

if TYPE_CHECKING:
    from langchain_codeexec.sandbox.local import LocalExecutor


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
    result = executor.run(
        """
def look():
    return fail()
try:
    look()
except ToolError as error:
    raise KeyError(1) from error
""",
        calls=Functions(),
    )

    assert result.outcome is Outcome.FAILED
    lines = [line.strip() for line in result.stderr.splitlines() if "File" in line]
    assert lines == [
        'File "<code>", line 5, in <module>',
        'File "<code>", line 3, in look',
        'File "<code>", line 7, in <module>',
    ]
    assert "invalid syntax" in executor.run("1 1").stderr  # where all frames are ours


def test_threads_that_race_for_their_first_calls_are_all_answered(executor: LocalExecutor):
    code = """
import sys; sys.setswitchinterval(1e-6)
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(8) as pool:
    print(sum(each["value"] for each in pool.map(same, range(60))))
"""
    for _ in range(8):
        result = executor.run(code, calls=Functions())
        assert (result.stdout, result.output) == ("1770\n", "1770\n")


def test_calls_side_by_side_arrive_in_order_and_as_many_at_once_as_may_be(executor: LocalExecutor):
    together = threading.Barrier(3)  # three at once are needed, and possible
    calls = Functions(
        CallLimits(at_once=3), {"same": lambda call: _after(together, HostReply(call.args["n"]))}
    )

    result = executor.run(
        """
from concurrent.futures import ThreadPoolExecutor
print(gather(*((lambda n=n: same(n=n)) for n in range(9))), gather())
print(gather((price, "AB"), (price, "ABC", "friday")))
with ThreadPoolExecutor(6) as pool:
    print(list(pool.map(lambda n: same(n=n), range(6))))
try:
    gather((price,), fail, lambda: 1 / 0)
except TypeError as error:
    print(error)
""",
        calls=calls,
    )

    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        "[0, 1, 2, 3, 4, 5, 6, 7, 8] []",
        "[2.5, 3.5]",
        "[0, 1, 2, 3, 4, 5]",
        "price() missing 1 required positional argument: 'symbol'",
    ]
    by_number = sorted(calls.made, key=lambda call: call.number)
    assert [call.number for call in by_number] == list(range(1, 19))
    assert [call.args.get("n") for call in by_number[:9]] == list(range(9))
    assert [(call.args["symbol"], call.line) for call in by_number[9:11]] == [("AB", 4), ("ABC", 4)]


def _after(barrier: threading.Barrier, reply: HostReply) -> HostReply:
    barrier.wait(30)
    return reply


def test_a_sessions_runs_find_what_each_is_given_and_what_the_program_has_defined_itself(
    executor: LocalExecutor,
):
    odd = HostFunction("odd", "x: Unheard[of] = 1, *rest: int", doc='Odd """ and \\ here')

    with executor.session() as session:
        first = session.run(
            "x = price('A')\ndef fail(): return 'my own'\nprint(x, fail())", calls=Functions()
        )
        second = session.run("print(x, fail(), 'price' in globals(), 'gather' in globals())")
        third = session.run("print(price('AB'), fail()); del fail", calls=Functions())
        others = Functions(functions=[odd], others={"odd": lambda call: HostReply(call.args)})
        fourth = session.run("print('price' in dir(), odd(2, 3, 4), odd.__doc__)", calls=others)
        fifth = session.run("print(price('ABC'))\nfail()", calls=Functions())

    assert [run.stdout for run in (first, second, third, fourth, fifth)] == [
        "1.5 my own\n",
        "1.5 my own False False\n",
        "2.5 my own\n",
        "False {'x': 2, 'rest': [3, 4]} Odd \"\"\" and \\ here\n",
        "3.5\n",
    ]
    assert "ToolError" in fifth.stderr
    assert odd.stub.startswith("def odd(x: Unheard[of] = 1, *rest: int) -> Any:\n    'Odd")


def test_files_of_a_reply_lie_there_when_it_has_come_and_only_changed_ones_come_back(executor: LocalExecutor):
    files = (InlineFile(b"1,2", "text/csv", "a.csv"), InlineFile(b"\0\xff", "", "b.bin"))
    calls = Functions(others={"same": lambda _: HostReply("laid", files=files)})

    result = executor.run(
        "print(same(), open('b.bin', 'rb').read())\nopen('a.csv', 'a').write('!')", calls=calls
    )

    assert (result.stdout, result.stderr) == ("laid b'\\x00\\xff'\n", "")
    assert [(file.name, file.data) for file in result.files] == [("a.csv", b"1,2!")]


def test_arrays_and_dates_are_sent_as_what_they_hold(executor: LocalExecutor):
    result = executor.run(
        """
import datetime, json
try:
    import numpy, pandas
except ImportError:
    print("not installed")
else:
    table = pandas.DataFrame({"n": [1, 2]})
    print(same(value=[table.n[0], table.n, numpy.float32(.5), numpy.eye(1), pandas.Timestamp(0)]))
print(same(value=datetime.date(2026, 1, 2)))
""",
        calls=Functions(),
    )

    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        "{'value': [1, [1, 2], 0.5, [[1.0]], '1970-01-01T00:00:00']}",
        "{'value': '2026-01-02'}",
    ]


def test_the_wall_clock_stands_still_while_the_host_works_and_only_then(executor: LocalExecutor):
    seconds = 0.5
    slow = Functions(others={"same": lambda _: time.sleep(1.2 * seconds) or HostReply()})

    with executor.session() as session:
        waited = session.run(ExecutionRequest("same(); same(); print('done')", timeout=seconds), calls=slow)
        spun = session.run(ExecutionRequest("same()\nwhile True: pass", timeout=seconds), calls=slow)
        after = session.run("print('again')")

    assert (waited.outcome, waited.stdout) == (Outcome.OK, "done\n")
    assert waited.wall_time > 2.4 * seconds
    assert spun.outcome is Outcome.DEADLINE_EXCEEDED
    assert spun.wall_time > 2.2 * seconds
    assert (after.stdout, after.detail) == ("again\n", "")


LIMITS = [
    (CallLimits(calls=2), "price('A'); price('A'); price('A')", "price: a run can make 2 calls (calls)"),
    (CallLimits(argument_bytes=99), "price('A' * 100)", "99 are allowed (argument_bytes)"),
    (CallLimits(result_bytes=99), "same('A' * 100)", "99 are allowed (result_bytes)"),
    (CallLimits(seconds=0.1), "hang()", "hang: took longer than 0.1 s (seconds)"),
    (CallLimits(total_seconds=0.1), "hang()", "hang: calls can take 0.1 s together (total_seconds)"),
]


@pytest.mark.parametrize(("limits", "program", "words"), LIMITS)
def test_limits_are_exceptions_in_the_program(
    executor: LocalExecutor, limits: CallLimits, program: str, words: str
):
    calls = Functions(limits)

    result = executor.run(f"try: {program}\nexcept ToolError as error: print(error)", calls=calls)

    assert (result.stderr, result.outcome) == ("", Outcome.OK)
    assert words in result.stdout
    assert calls.cancelled == [call for call in calls.made if call.name == "hang"]


def test_after_a_call_that_took_too_long_its_place_is_free_and_its_reply_goes_nowhere(
    executor: LocalExecutor,
):
    calls = Functions(CallLimits(seconds=0.4, at_once=1))
    program = "for n in range(3):\n    try: hang()\n    except ToolError: print(price('A' * n))"

    result = executor.run(program, calls=calls)

    assert (result.stdout, result.stderr) == ("0.5\n1.5\n2.5\n", "")


class StopError(BaseException):
    """Like an interrupt: no error, and to be seen by whoever has started the run."""


def _stop(_call: HostCall) -> HostReply:
    raise StopError


def test_what_a_function_raises_comes_out_and_the_session_goes_on_without_its_state(executor: LocalExecutor):
    calls = Functions(others={"fail": lambda _: calls.hanging.wait(30) and _stop(_)})
    program = "x = 1\nopen('left', 'w').write('here')\nimport threading\nthreading.Thread(target=hang).start()\nfail()"

    with executor.session() as session:
        with pytest.raises(StopError):
            session.run(program, calls=calls)
        after = session.run("print(open('left').read(), 'x' in dir())")
        last = session.run("print(2)")
    with pytest.raises(StopError):
        executor.run("fail()", calls=calls)
    with pytest.raises(StopError):
        asyncio.run(executor.arun("fail()", calls=calls))

    assert [call.name for call in calls.cancelled] == ["hang"]
    assert (after.stdout, after.detail) == ("here False\n", STATE_LOST)
    assert [file.name for file in after.files] == ["left"]
    assert (last.stdout, last.detail) == ("2\n", "")


async def test_cancelling_a_run_cancels_its_calls(executor: LocalExecutor):
    calls = Functions()

    run = asyncio.create_task(executor.arun("hang()", calls=calls))
    await asyncio.to_thread(calls.hanging.wait, 30)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run

    assert [call.name for call in calls.cancelled] == ["hang"]
    assert (await executor.arun("print(price('A'))", calls=calls)).stdout == "1.5\n"


async def test_calls_of_runs_at_the_same_time_are_kept_apart_wherever_some_are_cancelled():
    """Sixteen callers; each is answered with its own number, or cancelled where it happens to be."""
    seconds = random.Random(1)

    async def call(sandbox: LocalSandbox, number: int) -> str:
        calls = Functions(others={"same": lambda call: HostReply([number, call.args["n"]])})
        program = (
            f"for n in range(20): assert gather(*[lambda: same(n=n)] * 3) == [[{number}, n]] * 3\nprint(n)"
        )
        run = asyncio.create_task(sandbox.arun(program, calls=replace(calls)))
        if number % 2:
            await asyncio.sleep(seconds.uniform(0, 0.3))
            run.cancel()
        result = (await asyncio.gather(run, return_exceptions=True))[0]
        return "cancelled" if isinstance(result, asyncio.CancelledError) else result.stdout + result.stderr

    with LocalSandbox(preload=(), workers=16) as sandbox:
        ends = await asyncio.gather(*(call(sandbox, number) for number in range(16)))

    assert [end for number, end in enumerate(ends) if not number % 2] == ["19\n"] * 8
    assert {"19\n", "cancelled"} >= set(ends)


def test_who_takes_calls_and_who_says_that_it_does_not(executor: LocalExecutor):
    gemini = GeminiExecutor(None, "gemini-2.5-flash")  # nothing is sent
    calls = Functions()
    both, mixed = FailoverExecutor(executor, ProcessExecutor()), FailoverExecutor(executor, gemini)

    with both.session() as session, mixed.session() as other:
        takes = [takes_calls(each) for each in (executor, both, session, gemini, mixed, other)]
        answers = [
            run_in(each, ExecutionRequest("print(price('A'))"), calls).stdout for each in (both, session)
        ]
        with pytest.raises(ConfigurationError, match=r"'gemini'.*use LocalSandbox"):
            other.run("price('A')", calls=calls)
    for each in (gemini, mixed):
        with pytest.raises(ConfigurationError, match="use LocalSandbox"):
            each.run("price('A')", calls=calls)
        with pytest.raises(ConfigurationError, match="use LocalSandbox"):
            run_in(each, ExecutionRequest("price('A')"), calls)
        with pytest.raises(ConfigurationError, match="use LocalSandbox"):
            asyncio.run(arun_in(each, ExecutionRequest("price('A')"), calls))

    assert takes == [True, True, True, False, False, False]
    assert answers == ["1.5\n", "1.5\n"]


def test_a_program_that_has_called_is_not_given_to_the_next_executor(executor: LocalExecutor):
    calls = Functions()
    failover = FailoverExecutor(executor, ProcessExecutor(), on=["missing_library"])

    tried = failover.run("import unheard_of", calls=calls).tried
    result = failover.run("price('A')\nimport unheard_of", calls=calls)
    with failover.session() as session:
        again = asyncio.run(session.arun("price('B')\nimport unheard_of", calls=calls))

    assert (len(tried), result.tried, again.tried) == (1, (), ())
    assert [call.args["symbol"] for call in calls.made] == ["A", "B"]


WRONG: list[tuple[Any, ...]] = [
    ("_private", ""),
    ("lambda", ""),
    ("a b", ""),
    ("f", "x: int): pass\ndef g(y"),
    ("f", "x="),
    ("f", "", "int: pass\nprint(1)\ndef g() -> int"),
]


@pytest.mark.parametrize("head", WRONG)
def test_a_function_that_none_can_be_is_refused(head: tuple[str, ...]):
    with pytest.raises(ConfigurationError, match="function"):
        HostFunction(*head)


@pytest.mark.parametrize("limit", [{"calls": 0}, {"seconds": -1}, {"at_once": 65}, {"result_bytes": True}])
def test_limits_that_are_none_are_refused(limit: dict[str, Any]):
    with pytest.raises(ConfigurationError, match=next(iter(limit))):
        CallLimits(**limit)


SHORT = [
    ("socket.socketpair", OSError(24, "Too many open files")),
    ("Thread.start", RuntimeError("no new thread")),
]


@pytest.mark.parametrize(("what", "error"), SHORT)
def test_a_host_without_descriptors_or_threads_says_so(
    executor: LocalExecutor, what: str, error: Exception, monkeypatch: pytest.MonkeyPatch
):
    def none_left(*_args: object) -> None:
        raise error

    with executor.session() as session:
        with monkeypatch.context() as patch:
            patch.setattr(f"langchain_codeexec.sandbox.calls.{what}", none_left)
            with pytest.raises(ExecutorError, match=str(error.args[-1])):
                session.run("price('A')", calls=Functions())
        assert session.run("print(price('A'))", calls=Functions()).stdout == "1.5\n"
