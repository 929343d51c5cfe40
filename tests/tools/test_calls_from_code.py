"""Programs of a `PythonTool` call tools: what they get, what is checked, recorded and kept."""

from __future__ import annotations

import asyncio
import json
import threading
from functools import reduce
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool, tool
from langgraph.config import get_stream_writer
from langgraph.types import Command

from langchain_codeexec import LocalSandbox, PythonTool, code_executions
from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.executions import executions_from_artifact
from langchain_codeexec.executors import GeminiExecutor, ProcessExecutor
from langchain_codeexec.executors.calls import CallLimits
from langchain_codeexec.tools import journal
from tests.middleware.agent_shop import QUESTION
from tests.tools.calling import (
    ALL,
    INJECTED,
    MADE,
    THREAD,
    agent_of,
    get_price,
    programs,
    refund,
    replies,
    run,
    runs,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

both_ways = pytest.mark.parametrize("is_async", [False, True])


@pytest.fixture(autouse=True)
def _no_calls() -> Iterator[None]:
    MADE.clear()
    yield
    MADE.clear()


async def called(tool: PythonTool, code: str, *, is_async: bool = False) -> ToolMessage:
    """A tool's message for a program."""
    call = programs(code).tool_calls[0]
    return await tool.ainvoke(call) if is_async else tool.invoke(call)


# -- by themselves -----------------------------------------------------------------------------------------

VALUES = {
    "get_price('A')": "{'symbol': 'A', 'price': 2.5}",
    "get_price(day='x', symbol='B')['price'] * 2": "5.0",
    "get_rate('EUR')": "1.25",
    "get_stock()": "None",
    "order([{'sku': 's'}])": "{'sku': 's', 'count': 1}",
    "picture()": "['a dot', 'picture_6.png']",
    "open('picture_6.png').read()": "hi",
    "archive(), open('archive_7.bin', 'rb').read()": r"archive_7.bin b'\xff\x00'",
    "rows()": "[1, 2]",
    "len(page(3))": "3145728",
    "search_web('mon', tags=['a', 'b'])": "[('from', 'mon'), ('limit', 5), ('tags', ['a', 'b'])]",
    "gather((get_price, 'C'), (get_rate, 'USD'))[1]": "1.25",
    "list(__import__('concurrent.futures').futures.ThreadPoolExecutor().map(get_rate, ['EUR'] * 3))": (
        "[1.25, 1.25, 1.25]"
    ),
    "get_price.__doc__, str(__import__('inspect').signature(get_price).parameters['day'])": (
        "Look a price up. day: str = 'today'"
    ),
}


@both_ways
@pytest.mark.parametrize("executor", ["sandbox", "process"])
async def test_results_are_data(executor: str, is_async: bool, sandbox: LocalSandbox):
    python = PythonTool(sandbox if executor == "sandbox" else ProcessExecutor(), tools=ALL)
    message = await called(python, "\n".join(f"print({code})" for code in VALUES), is_async=is_async)
    assert message.text.partition("\n\n")[0].splitlines()[1:] == list(VALUES.values())
    [made] = executions_from_artifact(json.loads(json.dumps(message.artifact)))
    assert [(call.name, call.line) for call in made.calls[:5]] == [
        ("get_price", 1), ("get_price", 2), ("get_rate", 3), ("get-stock", 4), ("order", 5),
    ]  # fmt: skip
    by_name = {call.name: call for call in made.calls}
    assert by_name["order"].result == {"sku": "s", "count": 1}
    assert by_name["rows"].artifact == {"hidden": "eA=="}
    assert len(by_name["page"].result) == 10_001


@tool
def odd(kind: str) -> Any:
    """What JSON has, and checkpointers have not, and what JSON has not."""
    if kind == "nested":
        return reduce(lambda inner, _: [inner], range(400), "x")
    return {"large": 2**64, "larger": 2**20_000, "half": "\ud800", "silent": Silent()}[kind]


class Silent:
    """Has no text."""

    def __repr__(self) -> str:
        raise LookupError


@both_ways
async def test_what_no_checkpointer_takes_is_a_result_all_the_same(is_async: bool, sandbox: LocalSandbox):
    code = """
print(odd("large"), str(odd("nested")).count("["), ascii(odd("half")))
for kind in "larger", "silent":
    try:
        odd(kind)
    except ToolError as error:
        print(error)
"""
    agent = agent_of([PythonTool(sandbox, tools=[odd, refund])], f"refund('1'){code}refund(str(2**70))")
    state = await run(agent, is_async=is_async)
    while "__interrupt__" in state:
        state = await run(agent, Command(resume="yes"), is_async=is_async)
    lines = replies(state)[0].splitlines()[1:]
    assert lines[0] == r"18446744073709551616 400 '\ud800'"
    assert [line.partition(" ")[0] for line in lines[1:3]] == ["ValueError:", "LookupError"]
    results = [call.result for call in runs(state)[0].calls]
    assert results[1] == str(2**64)
    assert [call.error is None for call in runs(state)[0].calls] == [True] * 4 + [False] * 2 + [True]


REFUSED = {
    "get_price(5)": "get_price: symbol must be str, not 5",
    "get_price(None)": "get_price: symbol must be str, not null",
    "get_rate('GBP')": "get_rate: currency must be Literal['EUR', 'USD'], not \"GBP\"",
    "order([{'count': True}])": "order: lines[0].sku is missing; lines[0].count must be int, not true",
    "order('all')": "order: lines must be list[{'sku': str, 'count'?: int}], not \"all\"",
    "order([], note=3)": "order: note must be str | None, not 3",
    "search_web('mon', tags=['c'])": "search_web: tags[0] must be Literal['a', 'b'], not \"c\"",
    "search_web('mon', limit=1.5)": "search_web: limit must be int | None, not 1.5",
    "bounded(0)": "count: Input should be greater than or equal to 1",
    "fail('tool')": "no such order",
    "fail('other')": "ConnectionError: the warehouse does not answer",
    "fail('value')": "sku: Field required",
    "fail('cancelled')": "CancelledError",
}


@both_ways
async def test_a_failing_call_is_an_exception_in_the_program(is_async: bool, sandbox: LocalSandbox):
    code = "for call in CALLS:\n    try:\n        eval(call)\n    except ToolError as error:\n        print(error)"
    python = PythonTool(sandbox, tools=ALL)
    message = await called(python, f"CALLS = {list(REFUSED)}\n{code}", is_async=is_async)
    assert message.text.splitlines()[1:] == list(REFUSED.values())
    assert MADE == []
    assert [call.error for call in code_executions(message)[0].calls] == list(REFUSED.values())
    uncaught = await called(python, "x = 1\nfail('tool')", is_async=is_async)
    assert "line 2, in <module>\n    fail('tool')\nToolError: no such order" in uncaught.text
    assert (
        "TypeError: get_price() missing 1 required positional" in (await called(python, "get_price()")).text
    )
    assert "NameError" in (await called(python, "python('1')")).text
    assert MADE == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"tools": [get_price, get_price]}, "both 'get_price'"),
        ({"tools": [len]}, "decorate it with @tool"),
        ({"tools": [PythonTool(ProcessExecutor())]}, "cannot call 'python'"),
    ],
)
def test_a_wrong_setting_is_named(settings: Any, words: str, sandbox: LocalSandbox):
    with pytest.raises(ConfigurationError, match=words):
        PythonTool(sandbox, **settings)
    with pytest.raises(ConfigurationError, match="use LocalSandbox, or ProcessExecutor"):
        PythonTool(GeminiExecutor(object(), "gemini-3-flash"), tools=[get_price])  # type: ignore[arg-type]


# -- in a graph --------------------------------------------------------------------------------------------


def test_a_tool_that_keeps_something_is_the_one_that_others_call(sandbox: LocalSandbox):
    class Count(BaseTool):
        name: str = "count"
        description: str = "Count."
        number: int = 0

        def _run(self) -> int:
            self.number += 1
            return self.number

    count = Count()
    assert "1 2" in PythonTool(sandbox, tools=[count]).invoke({"code": "print(count(), count())"})
    assert count.invoke({}) == 3


@both_ways
async def test_tools_get_what_a_graph_injects_and_change_its_state(is_async: bool, sandbox: LocalSandbox):
    code = """
print(look_around(3))
print(add("shoe"), gather((add, "sock"), (add, "hat")))
try:
    hand_over()
except ToolError as error:
    print(error)
"""
    agent = agent_of([PythonTool(sandbox, tools=INJECTED)], code)
    state = await run(agent, is_async=is_async)
    assert replies(state)[0].splitlines()[1:4] == [
        "{'messages': 2, 'keys': ['cart', 'messages'], 'id': 'call-0:1', 'same': True}",
        "added shoe ['added sock', 'added hat']",
        "hand_over directs the graph, which only a call of the model's own can",
    ]
    assert state["cart"] == ["shoe", "sock", "hat"]
    assert [message.type for message in state["messages"]] == ["human", "ai", "tool", "ai"]
    assert [call.name for call in runs(state)[0].calls] == ["look_around", "add", "add", "add", "hand_over"]
    outside = await called(PythonTool(sandbox, tools=INJECTED), "add('x')")
    assert "changes the state of a graph, and none runs" in outside.text


class Runs(BaseCallbackHandler):
    """Remembers which run started below which."""

    def __init__(self) -> None:
        self.parents: dict[str, Any] = {}
        self.names: dict[Any, str] = {}

    def on_tool_start(
        self, serialized: Any, text: str, *, run_id: Any, parent_run_id: Any, **kwargs: Any
    ) -> None:
        self.names[run_id] = serialized["name"]
        self.parents[serialized["name"]] = parent_run_id


@both_ways
@pytest.mark.parametrize("saver", ["memory", None])
async def test_each_call_is_a_run_below_the_programs(saver: Any, is_async: bool, sandbox: LocalSandbox):
    agent = agent_of(
        [PythonTool(sandbox, tools=[*ALL, *INJECTED])],
        "get_price('A'), get_rate('EUR'), add('x')",
        saver=saver,
    )
    seen = Runs()
    await run(agent, is_async=is_async, callbacks=[seen])
    assert {name: seen.names.get(parent) for name, parent in seen.parents.items()} == {
        "python": None, "code_interpreter": "python",
        "get_price": "python", "get_rate": "python", "add": "python",
    }  # fmt: skip
    if is_async:
        agent = agent_of([PythonTool(sandbox, tools=ALL)], "get_price('A')", saver=saver)
        events = [event async for event in agent.astream_events(QUESTION, THREAD)]
        ended = {event["name"]: event for event in events if event["event"] == "on_tool_end"}
        assert ended["python"]["run_id"] == ended["get_price"]["parent_ids"][-1]


# -- answers of people -------------------------------------------------------------------------------------


@both_ways
async def test_a_call_that_had_a_result_is_not_made_again(is_async: bool, sandbox: LocalSandbox):
    code = """
prices = [get_price(symbol)["price"] for symbol in "AB"]
print(refund("7"))
print(sum(prices) + sum(gather((get_rate, "EUR"), (get_rate, "USD"))))
"""
    agent = agent_of([PythonTool(sandbox, tools=ALL)], code)
    state = await run(agent, is_async=is_async)
    [interrupt] = state["__interrupt__"]
    assert (interrupt.value, MADE) == ({"refund": "7"}, ["A", "B"])
    state = await run(agent, Command(resume="yes"), is_async=not is_async)
    assert replies(state) == ["The code printed:\n7: yes\n7.5"]
    assert MADE[:3] == ["A", "B", ("7", "yes")]
    assert sorted(MADE[3:]) == ["EUR", "USD"]
    assert [call.name for call in runs(state)[0].calls] == [
        "get_price", "get_price", "refund", "get_rate", "get_rate",
    ]  # fmt: skip


@both_ways
async def test_of_calls_side_by_side_each_is_answered_for_itself(is_async: bool, sandbox: LocalSandbox):
    code = """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(4) as pool:
    later = pool.map(refund, ["1", "2", "3"])
    print(gather((refund, "4"), (get_price, "A"), (refund, "5"))[0], list(later))
"""
    agent = agent_of([PythonTool(sandbox, tools=ALL)], code)
    state = await run(agent, is_async=is_async)
    for _ in range(5):
        answers = {each.id: f"ok {each.value['refund']}" for each in state["__interrupt__"]}
        state = await run(agent, Command(resume=answers), is_async=is_async)
        if "__interrupt__" not in state:
            break
    assert replies(state) == ["The code printed:\n4: ok 4 ['1: ok 1', '2: ok 2', '3: ok 3']"]
    assert sorted(map(str, MADE)) == sorted(["A", *(str((each, f"ok {each}")) for each in "12345")])


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "_PATIENCE", 0.2)


@both_ways
@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize(
    ("code", "now", "recorded"),
    [
        ("get_price('A'), refund(str(n))", "refund(order='2')", ["get_price"]),
        ("get_price('A'), n == 1 and refund('1')", "its end", ["get_price"]),
        (
            "n == 1 and (get_price('A'), refund('1')) or get_rate('EUR')",
            "get_rate(currency='EUR')",
            [],
        ),
    ],
)
async def test_a_program_that_takes_another_course_does_nothing(
    code: str, now: str, recorded: list[str], is_async: bool, tmp_path: Path
):
    """Its first run is before there is a file, its second one after."""
    with ProcessExecutor() as executor:
        agent = agent_of(
            [PythonTool(executor, tools=ALL)],
            f"import os\nn = 1 + os.path.exists({str(tmp_path / 'f')!r})\n{code}",
        )
        state = await run(agent, is_async=is_async)
        (tmp_path / "f").touch()
        while "__interrupt__" in state:
            answers = {each.id: "yes" for each in state["__interrupt__"]}
            state = await run(agent, Command(resume=answers), is_async=is_async)
    assert MADE == ["A"]
    [reply] = replies(state)
    assert reply.startswith("The code failed:\nthe program was run before")
    assert f"it has {now} now where it had " in reply
    assert [call.name for call in runs(state)[0].calls] == recorded


@both_ways
async def test_where_nobody_can_answer_the_program_is_told(is_async: bool, sandbox: LocalSandbox):
    with PythonTool(sandbox, tools=ALL) as python:
        state = await run(agent_of([python], "refund('1')", saver=None), is_async=is_async)
        assert "ToolError: somebody has to answer before refund goes on, and nobody can" in replies(state)[0]
        state = await run(agent_of([python], "x = 5", "print(x)\nrefund('1')"), is_async=is_async)
        assert "what earlier programs left it would be missing" in replies(state)[1]
        assert "__interrupt__" not in state
        assert MADE == []
    with PythonTool(sandbox, tools=ALL, max_sessions=0) as python:
        agent = agent_of([python], "x = 5", "print(refund('1'))")
        await run(agent, is_async=is_async)
        state = await run(agent, Command(resume="yes"), is_async=is_async)
        assert replies(state)[1] == "The code printed:\n1: yes"


@both_ways
@pytest.mark.parametrize("most", [1, 4])
async def test_programs_need_no_threads_of_the_graph(most: int, is_async: bool, sandbox: LocalSandbox):
    codes = ["print(gather(*[(get_price, symbol) for symbol in 'ABC'])[2]['symbol'])"] * 5
    agent = agent_of([PythonTool(sandbox, tools=ALL, max_sessions=0)], programs(*codes))
    state = await run(agent, is_async=is_async, max_concurrency=most)
    assert replies(state) == ["The code printed:\nC"] * 5


@both_ways
async def test_a_stream_shows_nothing_of_how_calls_are_kept(is_async: bool, sandbox: LocalSandbox):
    @tool
    def shout(text: str) -> str:
        """Shout."""
        get_stream_writer()(f"{text}!")
        return text.upper()

    code = "print(gather((shout, 'a'), (shout, 'b')))\nrefund('7')"
    agent = agent_of([PythonTool(sandbox, tools=[shout, refund], max_sessions=0)], code)
    shown: list[Any] = []
    for given in QUESTION, Command(resume="yes"):
        stream = agent.astream if is_async else agent.stream
        chunks = stream(given, THREAD, stream_mode=["updates", "custom", "tasks"])
        shown += [each async for each in chunks] if is_async else list(chunks)
    names = [name for mode, chunk in shown if mode == "updates" for name in chunk]
    assert names == ["model", "__interrupt__", "tools", "model"]
    assert {chunk["name"] for mode, chunk in shown if mode == "tasks"} == {"model", "tools"}
    assert sorted(chunk for mode, chunk in shown if mode == "custom" and isinstance(chunk, str)) == [
        "a!",
        "b!",
    ]


# -- limits ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("saver", "is_async"), [("memory", True), (None, False)])
async def test_a_tool_that_hangs_holds_nobody_up(saver: Any, is_async: bool, sandbox: LocalSandbox):
    released = threading.Event()

    @tool
    def hang() -> str:
        """Hang."""
        released.wait(60)
        return "late"

    @tool
    async def ahang() -> str:
        """Hang."""
        await asyncio.sleep(60)
        return "late"

    name = "ahang" if is_async else "hang"
    code = f"try:\n    {name}()\nexcept ToolError as error:\n    print(error)\nprint(get_price('A')['price'])"
    python = PythonTool(sandbox, tools=[hang, ahang, get_price], call_limits=CallLimits(seconds=1))
    state = await run(agent_of([python], code, saver=saver), is_async=is_async)
    released.set()
    lines = replies(state)[0].splitlines()
    assert "1 s" in lines[1]
    assert lines[2] == "2.5"
    errors = [call.error for call in runs(state)[0].calls]
    assert errors == [f"nobody waits for {name} any longer", None]


async def test_a_cancelled_agent_cancels_its_open_calls(sandbox: LocalSandbox):
    started, ended = asyncio.Event(), asyncio.Event()

    @tool
    async def wait() -> str:
        """Wait."""
        started.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()
        return ""

    for saver in ("memory", None):
        python = PythonTool(sandbox, tools=[wait])
        task = asyncio.create_task(run(agent_of([python], "wait()", saver=saver), is_async=True))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(ended.wait(), 30)
        started.clear()
        ended.clear()


@both_ways
@pytest.mark.parametrize("saver", ["memory", None])
async def test_limits_are_exceptions_in_the_program(saver: Any, is_async: bool, sandbox: LocalSandbox):
    limits = CallLimits(result_bytes=1000, argument_bytes=1000)
    code = """
for call in ("page(1)", "get_price('x' * 2000)", "get_price('A')['symbol']"):
    try:
        print(eval(call))
    except ToolError as error:
        print(error)
"""
    python = PythonTool(sandbox, tools=ALL, call_limits=limits)
    state = await run(agent_of([python], code, saver=saver), is_async=is_async)
    lines = replies(state)[0].splitlines()[1:]
    assert lines[0] == "the result has 1048576 bytes, and 1000 are the limit"
    assert "1000" in lines[1]
    assert lines[2] == "A"
    assert MADE == ["A"]
    assert runs(state)[0].calls[0].error == lines[0]
