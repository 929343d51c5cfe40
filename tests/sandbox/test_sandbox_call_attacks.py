"""Programs that attack the channel of their calls, and functions that do what they should not, in every mode.

After each: the host has come back, has run no call that it had not checked, and the session goes on or says that
its state is lost.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from langchain_codeexec.executions import ExecutionRequest, InlineFile, Outcome
from langchain_codeexec.executors import ProcessExecutor
from langchain_codeexec.executors.base import STATE_LOST
from langchain_codeexec.executors.calls import CallLimits, HostReply
from tests.sandbox.callable import Functions

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_codeexec.executions import ExecutionResult
    from langchain_codeexec.sandbox.local import LocalExecutor


CHANNELS = """
import os, socket, stat
def is_socket(fd):
    try:
        return stat.S_ISSOCK(os.fstat(fd).st_mode)
    except OSError:
        return False
channels = [fd for fd in range(3, 199) if is_socket(fd)]
"""
"""The descriptors through which a program's calls go."""


def attacked(
    executor: LocalExecutor, program: str, calls: Functions, timeout: float = 60.0
) -> ExecutionResult:
    """What became of a program, whose session still works."""
    with executor.session() as session:
        result = session.run(ExecutionRequest(CHANNELS + program, timeout=timeout), calls=calls)
        after = session.run("print(price('A'), gather((price, 'AB')))", calls=Functions())
    assert (after.stdout, after.stderr) == ("1.5 [2.5]\n", "")
    assert after.detail == ""
    assert {call.name for call in calls.made} <= {function.name for function in calls.functions}
    return result


CALL = '[1, "price", 1, {"symbol": "A"}]'
FORGED: dict[str, bytes] = {
    "nothing": b"\n",
    "no JSON": b"price('A')\n",
    "no UTF-8": CALL.encode().replace(b'"A"', b'"\xff"') + b"\n",
    "no list": b'{"number": 1}\n',
    "too short": b'[1, "price", 1]\n',
    "two at once": f"{CALL}\n{CALL}\n".encode(),
    "a function that was not given": CALL.replace("price", "refund").encode() + b"\n",
    "a private attribute": CALL.replace("price", "__class__").encode() + b"\n",
    "a name that cannot be looked up": CALL.replace('"price"', '["price"]').encode() + b"\n",
    "arguments that have no names": b'[1, "price", 1, ["A"]]\n',
    "a number out of order": CALL.replace("1", "3", 1).encode() + b"\n",
    "a number of before": CALL.replace("1", "0", 1).encode() + b"\n",
    "a number that is none": CALL.replace("1", "true", 1).encode() + b"\n",
    "a line that is none": CALL.replace("1, {", "-1, {").encode() + b"\n",
    "what is no number in JSON": CALL.replace('"A"', "NaN").encode() + b"\n",
    "an infinite number": CALL.replace('"A"', "1e999").encode() + b"\n",
    "more digits than are read": CALL.replace('"A"', "9" * 5000).encode() + b"\n",
    "nested too deep to be read": CALL.replace('"A"', "[" * 100_000 + "]" * 100_000).encode() + b"\n",
    "what never ends": b"x" * 100_000_000,
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_what_is_no_call_ends_the_run_and_nothing_is_called(
    executor: LocalExecutor, forged: bytes, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("langchain_codeexec.sandbox.calls._PATIENCE", 0.1)
    calls = Functions()
    data = f"b'x' * {len(forged)}" if len(forged) > 1 << 20 else repr(forged)

    result = attacked(executor, f"socket.socket(fileno=channels[0]).sendall({data})\nwhile True: pass", calls)

    assert (result.outcome, calls.made) == (Outcome.FAILED, [])
    assert result.detail == f"killed: it sent something that is no call of a function; {STATE_LOST}"


HARMLESS = {
    "half of a surrogate pair": r"price('\ud800')",
    "half of one in a name": r"same(**{'\udfff': 1})",
    "arguments nested deep": "x = 1\nfor _ in range(200): x = [x]\nsame(x)",
    "more arguments than are sent": "price('x' * 2_000_000)",
    "calls in a fork": "if os.name != 'posix': fail()\ntry: pid = os.fork()\nexcept OSError: fail()\nif pid: os.waitpid(pid, 0); fail()\nelse: price('A')",
    "closing all that calls go through": "for fd in channels: os.close(fd)\nprice('A')",
    "replies that somebody else has read": """
import threading
over, copy = threading.Event(), socket.socket(fileno=os.dup(channels[0]))
def steal():
    while not over.wait(.001):
        try: return copy.recv(1, socket.MSG_DONTWAIT)
        except BlockingIOError: pass
thief = threading.Thread(target=steal)
thief.start()
try: fail()
finally: over.set(); thief.join()
""",
    "sending descriptors": "try: socket.send_fds(socket.socket(fileno=os.dup(channels[1])), [b' '], [0, 1])\nexcept PermissionError: pass\nfail()",
}


@pytest.mark.parametrize("program", HARMLESS.values(), ids=HARMLESS)
def test_what_no_function_gets_to_see_is_an_exception_in_the_program(executor: LocalExecutor, program: str):
    calls = Functions()
    descriptors = len(list(Path("/proc/self/fd").iterdir()))

    result = attacked(executor, f"print('begun')\n{program}", calls)

    assert (result.outcome, result.stdout) == (Outcome.FAILED, "begun\n")
    assert result.stderr.splitlines()[-1].startswith(("ToolError: ", "json.decoder.JSONDecodeError"))
    assert {call.name for call in calls.made} <= {"fail"}
    assert len(list(Path("/proc/self/fd").iterdir())) <= descriptors + 4  # of what a pool keeps ready


def test_a_flood_of_calls_ends_the_run(executor: LocalExecutor):
    calls = Functions(CallLimits(calls=7))

    result = attacked(executor, "while True:\n    try: price('A')\n    except ToolError: pass", calls)

    assert (len(calls.made), result.outcome) == (7, Outcome.FAILED)
    assert result.detail == f"killed: it went on calling functions beyond the limit of calls; {STATE_LOST}"


ABANDONED = {
    "an alarm": (
        "import signal\ndef late(*_): raise TimeoutError\nsignal.signal(signal.SIGALRM, late)\nfor n in range({n}):\n"
        "    signal.setitimer(signal.ITIMER_REAL, .05)\n    try: hang()\n    except (TimeoutError, ToolError): pass\n    signal.setitimer(signal.ITIMER_REAL, 0)"
    ),
    "threads that end in a call": (
        "import ctypes, threading, time\ndef end():\n    try: hang()\n    except SystemExit: pass\n"
        "for n in range({n}):\n    thread = threading.Thread(target=end)\n    thread.start()\n    time.sleep(.05)\n"
        "    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit))\n"
    ),
}


@pytest.mark.parametrize("given_up", ABANDONED.values(), ids=ABANDONED)
def test_calls_that_the_program_gives_up_take_no_more_than_their_place(
    executor: LocalExecutor, given_up: str
):
    calls = Functions(CallLimits(at_once=3, seconds=0.5))

    some = attacked(executor, given_up.format(n=2) + "\nprint(price('A'))", calls)
    all_of_them = attacked(executor, given_up.format(n=3) + "\nprice('A')", calls)

    assert (some.stdout, some.stderr) == ("1.5\n", "")
    assert [call.name for call in calls.made].count("price") == 1 + (all_of_them.stderr == "")


def test_a_program_that_ends_in_a_call_is_a_result_and_its_call_is_cancelled(executor: LocalExecutor):
    calls = Functions()
    program = "import threading\nthreading.Thread(target=hang).start()\nprice('A')\nos._exit(3)"

    result = attacked(executor, program, calls)

    assert (result.outcome, result.detail) == (Outcome.FAILED, f"exit status 3; {STATE_LOST}")
    assert sorted(call.name for call in calls.made) == ["hang", "price"]
    assert [call.name for call in calls.cancelled] == ["hang"]


def test_replies_that_nobody_reads_hold_nobody_up(executor: LocalExecutor):
    """The program sends calls through all its sockets, and reads nothing: its own time is what passes."""
    large = Functions(CallLimits(calls=1000), {"price": lambda _: HostReply("x" * 3_000_000)})
    program = """
import itertools
numbers = itertools.count(1)
for channel in [socket.socket(fileno=fd) for fd in channels]:
    channel.setblocking(False)
    channel.send(b'[%d, "price", 1, {"symbol": "A"}]\\n' % next(numbers))
    import time; time.sleep(.05)
time.sleep(99)
"""

    result = attacked(executor, program, large, timeout=1.0)

    assert result.outcome is Outcome.DEADLINE_EXCEEDED
    assert 0 < len(large.made) <= 8
    assert not large.cancelled


def test_what_is_left_of_a_channel_reaches_no_later_run(executor: LocalExecutor):
    earlier, later = Functions(), Functions()
    leaks = """
copies = [socket.socket(fileno=os.dup(fd)) for fd in channels]
import threading
def go_on():
    while True:
        for copy in copies:
            try: copy.send(b'[1, "price", 1, {"symbol": "LEFT"}]\\n')
            except OSError: pass
        threading.Event().wait(.01)
def wait():
    try: hang()
    except ToolError: pass
threading.Thread(target=wait, daemon=True).start()
"""

    with executor.session() as session:
        assert session.run(CHANNELS + leaks + "price('A')", calls=earlier).stderr == ""
        again = "threading.Thread(target=go_on, daemon=True).start()\nimport time\ntime.sleep(.2)\nprint(price('AB'))"
        result = session.run(again, calls=later)

    assert (result.stdout, result.stderr) == ("2.5\n", ""), result
    assert [call.args for call in later.made] == [{"symbol": "AB", "day": "today"}]
    assert [call.name for call in earlier.cancelled] == ["hang"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_that_keeps_the_channel_holds_nobody_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("langchain_codeexec.sandbox.worker._ENDING", 0.5)
    with ProcessExecutor() as executor:
        program = "if not os.fork():\n    import time\n    os.setsid()\n    time.sleep(20)\nprint(price('A'))"
        began = time.monotonic()

        result = attacked(executor, program, Functions())

    assert (result.stdout, time.monotonic() - began < 30) == ("1.5\n", True)


class Odd:
    """No JSON, and no good at anything."""

    def __repr__(self) -> str:
        raise RuntimeError


ENDLESS: list[Any] = []
ENDLESS.append(ENDLESS)

REPLIES: dict[str, tuple[HostReply, str]] = {
    "an object": (HostReply(Odd()), "same: the result is no JSON"),
    "an object within": (HostReply({"a": [Odd()]}), "same: the result is no JSON"),
    "a key that is none": (HostReply({(1,): 2}), "same: the result is no JSON"),
    "a list that holds itself": (HostReply(ENDLESS), "same: the result is no JSON"),
    "100 MB": (HostReply("x" * 100_000_000), "4194304 are allowed"),
    "files of 100 MB": (HostReply(files=(InlineFile(bytes(100_000_000), "", "a"),)), "4194304 are allowed"),
    "a file that lies elsewhere": (HostReply(files=(InlineFile(b"", "", "../a"),)), "cannot name a program's file"),
    "an error of 100 MB": (HostReply(error="x" * 100_000_000), "x" * 10_000),
}  # fmt: skip


@pytest.mark.parametrize(("reply", "words"), REPLIES.values(), ids=REPLIES)
def test_a_reply_that_cannot_be_sent_is_an_exception_in_the_program(
    executor: LocalExecutor, reply: HostReply, words: str
):
    calls = Functions(others={"same": lambda _: reply})

    result = attacked(executor, "try: same()\nexcept ToolError as error: print(error)", calls)

    assert (result.outcome, result.stderr) == (Outcome.OK, "")
    assert words in result.stdout
    assert len(result.stdout) < 20_000


def test_text_and_numbers_of_every_kind_arrive_as_they_were(executor: LocalExecutor):
    value = ["\ud800", "\0", "\u2028", 10**400, float("inf"), 5e-324, {"": None}, [[]] * 3]
    calls = Functions(others={"same": lambda _: HostReply(value)})

    result = attacked(executor, "print(ascii(same()))", calls)

    assert result.stdout == f"{value!a}\n"


def _none(_: object) -> Any:
    return None


def _late(calls: Functions) -> Callable[[object], HostReply]:
    def raise_late(_: object) -> HostReply:
        calls.released.wait(60)
        raise KeyError

    return raise_late


def test_a_function_that_gives_no_reply_at_all_ends_the_run(executor: LocalExecutor):
    with executor.session() as session:
        with pytest.raises(AttributeError):
            session.run("same()", calls=Functions(others={"same": _none}))
        assert session.run("print(1)").detail == STATE_LOST


def test_what_a_function_raises_after_nobody_waits_for_it_is_of_no_interest(executor: LocalExecutor):
    calls = Functions(CallLimits(seconds=0.4))
    calls.others["same"] = _late(calls)

    result = attacked(
        executor, "try: same()\nexcept ToolError as error: print(error)\nprint(price('A'))", calls
    )

    assert result.stdout == "same: took longer than 0.4 s (seconds)\n1.5\n"


def test_a_cancel_that_fails_keeps_nothing_from_its_end(executor: LocalExecutor):
    class Failing(Functions):
        def cancel(self, call: Any) -> None:
            super().cancel(call)
            raise RuntimeError

    calls = Failing(CallLimits(seconds=0.1))

    assert "took longer" in attacked(executor, "hang()", calls).stderr


async def test_a_function_that_hangs_for_ever_holds_no_run_and_no_loop_up(executor: LocalExecutor):
    ends = threading.Event()
    calls = Functions(others={"hang": lambda _: (calls.hanging.set(), ends.wait(60)) and HostReply()})

    before = threading.enumerate()
    run = asyncio.create_task(executor.arun("hang()", calls=calls))
    await asyncio.to_thread(calls.hanging.wait, 30)
    threads = [each for each in threading.enumerate() if each.name == "codeexec-call" and each not in before]
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    ends.set()
    for thread in threads:
        await asyncio.to_thread(thread.join, 30)

    assert threads
    assert all(thread.daemon for thread in threads)
    assert not any(thread.is_alive() for thread in threads)
    assert json.loads((await executor.arun("print(price('A'))", calls=Functions())).stdout) == 1.5
