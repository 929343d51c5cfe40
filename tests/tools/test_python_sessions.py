"""Sessions of the Python tool: what calls of one thread share, what ends a session, and what the model is told."""

from __future__ import annotations

import asyncio
import gc
import pickle
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import AIMessage, ToolMessage

from langchain_codeexec import ExecutionRequest, LocalSandbox, PythonTool
from langchain_codeexec.errors import (
    CodeExecError,
    ExecutionRequestError,
    ExecutorError,
    GeminiConnectionError,
    SandboxBusyError,
)
from langchain_codeexec.executions import ExecutionResult, Outcome
from langchain_codeexec.executors.base import in_thread as in_thread_of_its_own
from langchain_codeexec.sandbox import local
from langchain_codeexec.tools.sessions import ThreadSessions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOST = "The session of the earlier calls has ended"


def in_thread(thread: Any) -> Any:
    return {"configurable": {"thread_id": thread}}


def run(tool: PythonTool, code: str, thread: Any = None) -> str:
    return tool.invoke({"code": code}, in_thread(thread) if thread is not None else None)


async def arun(tool: PythonTool, code: str, thread: Any = None) -> str:
    return await tool.ainvoke({"code": code}, in_thread(thread) if thread is not None else None)


# -- what is shared --------------------------------------------------------------------------------------


async def test_calls_of_one_thread_share_variables_and_files(tool: PythonTool):
    run(tool, "x = 6; open('note.txt', 'w').write('kept')", "one")
    assert run(tool, "print(x * 7, open('note.txt').read())", "one") == "The code printed:\n42 kept"
    assert await arun(tool, "x += 1; print(x)", "one") == "The code printed:\n7"
    assert "NameError" in run(tool, "print(x)", "other")
    assert "FileNotFoundError" in await arun(tool, "print(open('note.txt').read())", "other")
    assert run(tool, "print(x)", "one") == "The code printed:\n7"


@pytest.mark.parametrize("config", [None, {}, {"configurable": {}}, in_thread(None)])
async def test_a_call_without_a_thread_is_a_program_by_itself(tool: PythonTool, config: Any):
    for _ in range(2):
        code = {"code": "print('x' in globals()); x = 1"}
        assert tool.invoke(code, config) == "The code printed:\nFalse"
        assert await tool.ainvoke(code, config) == "The code printed:\nFalse"


def test_sessions_can_be_switched_off(sandbox: LocalSandbox):
    tool = PythonTool(sandbox, max_sessions=0)
    for _ in range(2):
        assert run(tool, "print('x' in globals()); x = 1", "one") == "The code printed:\nFalse"
    tool.close()
    assert "program by itself" in tool.description
    assert "earlier calls of this conversation" in PythonTool(sandbox).description


@pytest.mark.parametrize(("thread", "same"), [(7, "7"), ("a/b", "a/b")])
def test_threads_are_told_apart_by_their_text(tool: PythonTool, thread: Any, same: Any):
    run(tool, "x = 1", thread)
    assert run(tool, "print(x)", same) == "The code printed:\n1"


# -- one after the other ---------------------------------------------------------------------------------

COUNT = "n = globals().get('n', 0)\nfor _ in range(200): n += 1\nprint(n)"


def test_calls_of_one_thread_run_one_after_the_other(tool: PythonTool):
    with ThreadPoolExecutor(6) as pool:
        replies = list(pool.map(lambda _: run(tool, COUNT, "one"), range(6)))
    assert sorted(replies) == sorted(f"The code printed:\n{200 * n}" for n in range(1, 7))


async def test_tasks_of_one_thread_run_one_after_the_other(tool: PythonTool):
    replies = await asyncio.gather(
        *(arun(tool, COUNT, "one") for _ in range(3)),
        asyncio.to_thread(run, tool, COUNT, "one"),
        arun(tool, COUNT, "other"),
    )
    assert sorted(replies) == sorted(f"The code printed:\n{n}" for n in (200, 200, 400, 600, 800))


class Gate:
    """An executor whose runs begin and end when the test says so."""

    name = "gate"

    def __init__(self) -> None:
        self.begun, self.open = Event(), Event()
        self.sessions = self.closed = 0

    def run(self, request: ExecutionRequest) -> ExecutionResult:
        self.begun.set()
        assert self.open.wait(30)
        return ExecutionResult(Outcome.OK, request.code)

    @contextmanager
    def session(self) -> Iterator[Gate]:
        self.sessions += 1
        yield self
        self.closed += 1


async def test_waiting_for_ones_turn_can_be_given_up():
    gate = Gate()
    tool = PythonTool(gate)
    first = asyncio.create_task(arun(tool, "1", "one"))
    assert await asyncio.to_thread(gate.begun.wait, 30)
    waiting = asyncio.create_task(arun(tool, "2", "one"))
    for _ in range(100):  # until it can go no further
        await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    gate.open.set()
    assert await first == "The code printed:\n1"
    assert await arun(tool, "3", "one") == "The code printed:\n3"
    assert gate.sessions == 1


async def test_a_session_is_not_closed_under_a_call():
    gate = Gate()
    tool = PythonTool(gate, max_sessions=1)
    busy = asyncio.create_task(arun(tool, "1", "one"))
    assert await asyncio.to_thread(gate.begun.wait, 30)
    gate.begun.clear()
    other = asyncio.create_task(arun(tool, "2", "two"))
    assert await asyncio.to_thread(gate.begun.wait, 30)
    tool.close()
    assert gate.closed == 0
    gate.open.set()
    assert [await busy, await other] == ["The code printed:\n1", "The code printed:\n2"]
    assert (gate.sessions, gate.closed) == (2, 2)
    assert LOST in await arun(tool, "3", "one")


async def test_cancelling_kills_the_run_and_the_next_call_is_told(
    tool: PythonTool, monkeypatch: pytest.MonkeyPatch
):
    begun = Event()

    def noted_in_thread(function: Callable[[], Any], *rest: Any) -> Any:
        return in_thread_of_its_own(lambda: (begun.set(), function())[1], *rest)

    await arun(tool, "x = 1", "one")
    monkeypatch.setattr(local, "in_thread", noted_in_thread)
    task = asyncio.create_task(arun(tool, "while True: pass", "one"))
    assert await asyncio.to_thread(begun.wait, 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    reply = await arun(tool, "print('x' in globals())", "one")
    assert reply.startswith("The code printed:\nFalse")
    assert LOST in reply


# -- what ends ------------------------------------------------------------------------------------------


def test_the_least_recently_used_session_is_closed(tool: PythonTool):
    for thread in ("one", "two", "one", "three"):
        run(tool, f"x = {thread!r}", thread)
    assert run(tool, "print(x)", "one") == "The code printed:\none"
    assert run(tool, "print(x)", "three") == "The code printed:\nthree"
    reply = run(tool, "print('x' in globals())", "two")
    assert reply.startswith("The code printed:\nFalse")
    assert LOST in reply
    assert LOST not in run(tool, "print(1)", "two")


def test_a_closed_tool_opens_new_sessions_and_says_so(tool: PythonTool):
    run(tool, "x = 1", "one")
    tool.close()
    tool.close()
    assert LOST in run(tool, "print(1)", "one")
    assert LOST not in run(tool, "print(1)", "never seen")


def test_a_run_that_ends_its_process_says_so_and_keeps_files(tool: PythonTool):
    run(tool, "x = 1; open('note.txt', 'w').write('kept')", "one")
    assert "variables and imports of the session are lost" in run(tool, "import os; os._exit(3)", "one")
    assert "NameError" in run(tool, "print(x)", "one")
    assert run(tool, "print(open('note.txt').read())", "one") == "The code printed:\nkept"


class Failing:
    """An executor whose sessions count their runs and fail when told to."""

    name = "failing"

    def __init__(self) -> None:
        self.error: Exception | None = None

    @contextmanager
    def session(self) -> Iterator[Any]:
        executor = self

        class Session:
            runs = 0

            def run(self, request: ExecutionRequest) -> ExecutionResult:
                if executor.error is not None:
                    raise executor.error
                self.runs += 1
                return ExecutionResult(Outcome.OK, str(self.runs))

        yield Session()


@pytest.mark.parametrize(
    ("error", "is_over"),
    [
        (ExecutionRequestError("a file's name is wrong"), False),
        (SandboxBusyError("too many are waiting"), False),
        (GeminiConnectionError("no connection"), False),
        (ExecutorError("the sandbox has died"), True),
    ],
)
async def test_which_failures_end_a_session(error: CodeExecError, is_over: bool):
    executor = Failing()
    tool = PythonTool(executor)
    run(tool, "1", "one")
    executor.error = error
    for reply in (run(tool, "1", "one"), await arun(tool, "1", "one")):
        assert reply.startswith(f"The code was not run: {error}")
    executor.error = None
    reply = await arun(tool, "1", "one")
    assert reply.startswith(f"The code printed:\n{1 if is_over else 2}")
    assert (LOST in reply) == is_over


def test_sessions_end_with_the_tool():
    gate = Gate()
    gate.open.set()
    tool = PythonTool(gate)
    run(tool, "1", "one")
    assert gate.closed == 0
    del tool
    gc.collect()
    assert gate.closed == 1


def test_a_copy_has_sessions_of_its_own():
    sessions = ThreadSessions(LocalSandbox, 3)  # type: ignore[arg-type]  # any value that can be pickled
    copy = pickle.loads(pickle.dumps(sessions))
    assert copy is not sessions
    copy.close()


def test_a_forked_process_leaves_the_sessions_to_its_parent():
    gate = Gate()
    gate.open.set()
    sessions = ThreadSessions(gate, 3)
    with sessions.turn("one") as session:
        session.run(ExecutionRequest("1"))
    sessions.renew()
    with sessions.turn("one") as session:
        assert (session.has_lost, session.has_state) == (True, False)
    assert gate.closed == 0


def test_threads_of_long_ago_are_forgotten(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("langchain_codeexec.tools.sessions._REMEMBERED", 2)
    gate = Gate()
    gate.open.set()
    tool = PythonTool(gate, max_sessions=1)
    for thread in "abcd":
        run(tool, "1", thread)
    assert LOST not in run(tool, "1", "a")
    assert LOST in run(tool, "1", "d")


# -- after a restart -------------------------------------------------------------------------------------


class Runtime:
    """What LangGraph hands to a tool, as far as it is read."""

    def __init__(self, state: Any) -> None:
        self.state = state


def reply_of(tool: PythonTool, code: str, thread: Any = "one") -> ToolMessage:
    call = {"type": "tool_call", "name": tool.name, "id": "1", "args": {"code": code}}
    return tool.invoke(call, in_thread(thread))


@pytest.mark.parametrize("state", [dict, lambda **values: type("State", (), values)()])
def test_another_process_tells_that_the_session_is_gone(sandbox: LocalSandbox, state: Any):
    before, after = PythonTool(sandbox), PythonTool(sandbox)
    earlier = reply_of(before, "x = 1")
    assert earlier.artifact["in_session"] is True
    history = [AIMessage("I computed."), earlier.model_copy(update={"artifact": "text"}), earlier]
    runtime = Runtime(state(messages=history))

    assert LOST in after.invoke({"code": "print(1)", "runtime": runtime}, in_thread("one"))
    assert LOST not in after.invoke({"code": "print(1)", "runtime": runtime}, in_thread("one"))
    assert LOST not in before.invoke({"code": "print(1)", "runtime": runtime}, in_thread("one"))


def test_calls_without_a_session_leave_no_trace_of_one(tool: PythonTool):
    assert "in_session" not in reply_of(tool, "print(1)", None).artifact
