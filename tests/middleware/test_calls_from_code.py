"""Programs call an agent's tools: through its middlewares, with any model, after a kill too."""

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import (
    AgentMiddleware,
    HumanInTheLoopMiddleware,
    ToolCallLimitMiddleware,
    ToolRetryMiddleware,
    wrap_model_call,
    wrap_tool_call,
)
from langchain.agents.middleware.tool_call_limit import ToolCallLimitExceededError
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import MessagesState, StateGraph
from langgraph.types import Command

from langchain_codeexec import CodeExecutionMiddleware, LocalSandbox, PythonTool
from langchain_codeexec.emulator import Prompt
from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.executors import ProcessExecutor
from tests.middleware.agent_shop import (
    MODELS,
    QUESTION,
    Scripted,
    answers_of,
    declared,
    pieces_in_stock,
    replies_in,
    requests_of,
)
from tests.services import NEW, OLD, Gemini
from tests.tools.calling import MADE, THREAD, get_price, get_rate, programs, replies, run, runs

both_ways = pytest.mark.parametrize("is_async", [False, True])
APPROVE = {"type": "approve"}
CODE = """
prices = [get_price(symbol)["price"] for symbol in "AB"]
print(pay("7", sum(prices)))
print(gather((pay, "8", 1.5), (get_rate, "EUR")))
"""


@pytest.fixture(autouse=True)
def _no_calls() -> Iterator[None]:
    MADE.clear()
    yield
    MADE.clear()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[LocalSandbox]:
    with LocalSandbox(preload=(), timeout=60) as opened:
        yield opened


@tool
def pay(order: str, amount: float) -> dict[str, Any]:
    """Pay an order back."""
    MADE.append((order, amount))
    return {"order": order, "paid": amount}


def per_call(**settings: Any) -> list[Any]:
    return [HumanInTheLoopMiddleware({"pay": True}, interrupt_mode="per_call", **settings)]


def agent_on(
    executor: Any, *codes: str, others: Any = (), saver: Any = "memory", first: Any = (), **settings: Any
) -> Any:
    """An agent whose model runs programs that can call all of its tools."""
    llm = Scripted(lines=[*map(programs, codes), AIMessage("done")] * 2)
    settings = {"callable_from_code": "all", **settings}
    middleware = [*first, CodeExecutionMiddleware(executor=executor, **settings), *others]
    agent = create_agent(
        llm,
        [get_price, get_rate, pay],
        middleware=middleware,
        checkpointer=InMemorySaver() if saver else None,
    )
    return agent, llm


# -- approval ----------------------------------------------------------------------------------------------

EDIT = {"type": "edit", "edited_action": {"name": "pay", "args": {"order": "7", "amount": 1.0}}}
PAID = "{'order': '7', 'paid': 5.0}"
REST = "[{'order': '8', 'paid': 1.5}, 1.25]"
DECISIONS: dict[str, Any] = {
    "approve": ([APPROVE, APPROVE], [("7", 5.0), ("8", 1.5)], ["The code printed:", PAID, REST]),
    "edit": (
        [EDIT, APPROVE],
        [("7", 1.0), ("8", 1.5)],
        ["The code printed:", "{'order': '7', 'paid': 1.0}", REST],
    ),
    "respond": (
        [{"type": "respond", "message": "Later."}, APPROVE],
        [("8", 1.5)],
        ["The code printed:", "Later.", REST],
    ),
    "reject": ([{"type": "reject", "message": "No."}], [], ["The code failed:"]),
}


@both_ways
@pytest.mark.parametrize(
    "settings", [{"others": "per_call"}, {"interrupt_on": {"pay": True}}], ids=["theirs", "ours"]
)
@pytest.mark.parametrize("decision", DECISIONS)
async def test_a_human_decides_in_the_middle_of_a_program(
    decision: str, settings: Any, is_async: bool, sandbox: LocalSandbox
) -> None:
    decisions, paid, lines = DECISIONS[decision]
    if "others" in settings:
        settings = {"others": per_call()}
    agent, llm = agent_on(sandbox, CODE, **settings)
    state = await run(agent, is_async=is_async)
    for given in decisions:
        [interrupt] = state["__interrupt__"]
        assert (interrupt.value["type"], interrupt.value["name"]) == ("tool_approval", "pay")
        state = await run(agent, Command(resume={interrupt.id: given}), is_async=is_async)
    assert "__interrupt__" not in state
    [reply] = replies(state)
    assert reply.splitlines()[: len(lines)] == lines
    assert [each for each in MADE if isinstance(each, tuple)] == paid
    assert [each for each in MADE if isinstance(each, str)][:2] == ["A", "B"]
    assert len(llm.offered) == 2
    if decision == "edit":
        assert "pay: Note: a human reviewer replaced this tool call" in reply
        assert "a human reviewer" in runs(state)[0].calls[2].remark
    if decision == "reject":
        assert "ToolError: User rejected the tool call for `pay` with reason: No." in reply


@both_ways
async def test_a_batched_review_sees_no_calls_from_code_and_they_are_refused(
    is_async: bool, sandbox: LocalSandbox
) -> None:
    batched = HumanInTheLoopMiddleware({"pay": True})
    agent, _ = agent_on(sandbox, CODE, others=[batched])
    state = await run(agent, is_async=is_async)
    assert "ToolError: pay is under review" in replies(state)[0]
    assert "interrupt_mode='per_call'" in replies(state)[0]
    assert MADE == ["A", "B"]
    agent, _ = agent_on(
        sandbox, CODE, others=[batched], interrupt_on={"pay": {"allowed_decisions": ["approve"]}}
    )
    state = await run(agent, is_async=is_async)
    assert state["__interrupt__"][0].value["name"] == "pay"


@both_ways
async def test_no_call_passes_by_a_middleware(is_async: bool, sandbox: LocalSandbox) -> None:
    seen: list[str] = []

    class Watch(AgentMiddleware):
        def wrap_tool_call(self, request: Any, handler: Any) -> Any:
            seen.append(request.tool_call["name"])
            return handler(request)

        async def awrap_tool_call(self, request: Any, handler: Any) -> Any:
            seen.append(request.tool_call["name"])
            return await handler(request)

    agent, _ = agent_on(sandbox, "print(get_rate('EUR'), pay('7', 1)['paid'])", first=[Watch(), *per_call()])
    state = await run(agent, is_async=is_async)
    assert [each.value["name"] for each in state["__interrupt__"]] == ["pay"]
    state = await run(agent, Command(resume=APPROVE), is_async=is_async)
    assert replies(state) == ["The code printed:\n1.25 1.0"]
    assert (seen, MADE) == (["python", "get_rate", "pay", "python", "pay"], ["EUR", ("7", 1)])
    MADE.clear()
    agent, _ = agent_on(sandbox, CODE, others=per_call(), saver=None)
    assert (
        "The program was not started: pay may have to wait" in replies(await run(agent, is_async=is_async))[0]
    )
    assert MADE == []


@both_ways
async def test_a_middleware_that_makes_errors_messages_leaves_the_review_its_interrupts(
    is_async: bool, sandbox: LocalSandbox
) -> None:
    class Errors(AgentMiddleware):
        def wrap_tool_call(self, request: Any, handler: Any) -> Any:
            try:
                return handler(request)
            except Exception as error:  # noqa: BLE001 -- as the documentation of langchain shows it
                return ToolMessage(f"failed: {error}", tool_call_id=request.tool_call["id"], status="error")

        async def awrap_tool_call(self, request: Any, handler: Any) -> Any:
            try:
                return await handler(request)
            except Exception as error:
                raise ValueError(request.tool_call["name"]) from error

    agent, _ = agent_on(sandbox, "print(pay('7', 1)['paid'])", others=[*per_call(), Errors()])
    assert [each.value["name"] for each in (await run(agent, is_async=is_async))["__interrupt__"]] == ["pay"]
    state = await run(agent, Command(resume=APPROVE), is_async=is_async)
    assert replies(state) == ["The code printed:\n1.0"]


def test_programs_of_other_agents_get_no_functions_of_this_one(sandbox: LocalSandbox) -> None:
    @tool
    def delegate() -> str:
        """Ask another agent, whose model numbers its calls in the same way."""
        llm = Scripted(lines=[programs("print(pay('7', 1))"), AIMessage("done")])
        return replies(create_agent(llm, [PythonTool(sandbox)]).invoke(QUESTION))[0]

    llm = Scripted(lines=[programs("print(delegate())"), AIMessage("done")])
    middleware = [CodeExecutionMiddleware(executor=sandbox, callable_from_code="all")]
    state = create_agent(llm, [delegate, pay], middleware=middleware).invoke(QUESTION)
    assert "NameError: name 'pay' is not defined" in replies(state)[0]
    assert MADE == []


def test_a_review_that_wraps_no_calls_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As that of langchain 1.3."""
    monkeypatch.setattr(HumanInTheLoopMiddleware, "wrap_tool_call", AgentMiddleware.wrap_tool_call)
    with pytest.raises(ConfigurationError, match=r"needs langchain 1\.4\.8 or newer"):
        CodeExecutionMiddleware(executor=ProcessExecutor(), callable_from_code="all")


async def test_what_a_middleware_takes_away_no_program_gets(sandbox: LocalSandbox) -> None:
    @wrap_tool_call
    def redact(request: Any, handler: Any) -> Any:
        message = handler(request)
        if request.tool_call["name"] == "get_price":
            return message.model_copy(update={"content": message.content.replace("2.5", "?")})
        return message

    agent, _ = agent_on(sandbox, "print(get_price('A'))\nprint(pay('7', 1)['paid'])", others=[redact])
    assert replies(await run(agent, is_async=False)) == [
        'The code printed:\n{"symbol": "A", "price": ?}\n1.0'
    ]


async def test_other_middlewares_wrap_calls_from_code(sandbox: LocalSandbox) -> None:
    attempts = []

    @tool
    def flaky(number: int) -> int:
        """Fail at first."""
        attempts.append(number)
        if len(attempts) < 3:
            raise ConnectionError("no answer")
        return number

    llm = Scripted(lines=[programs("print(flaky(5) + 1)"), AIMessage("done")])
    retry = ToolRetryMiddleware(max_retries=3, initial_delay=0, jitter=False)
    middleware = [CodeExecutionMiddleware(executor=sandbox, callable_from_code=["flaky"]), retry]
    agent = create_agent(llm, [flaky, get_rate], middleware=middleware)
    assert replies(await run(agent, is_async=False)) == ["The code printed:\n6"]
    assert attempts == [5, 5, 5]


@both_ways
async def test_programs_under_review_run_by_themselves(is_async: bool, sandbox: LocalSandbox) -> None:
    for others, printed in ((), "1"), (per_call(), "False"):
        agent, _ = agent_on(sandbox, "x = 1", "print(globals().get('x', False))", others=others)
        state = await run(agent, is_async=is_async)
        assert replies(state)[1].startswith(f"The code printed:\n{printed}")


@both_ways
@pytest.mark.parametrize("mode", ["batched", "per_call"])
async def test_a_tool_without_the_middleware_does_not_pass_by_a_review(
    mode: Any, is_async: bool, sandbox: LocalSandbox
) -> None:
    review = HumanInTheLoopMiddleware({"pay": True}, interrupt_mode=mode)
    llm = Scripted(lines=[programs("print(get_rate('EUR'))\npay('7', 1)"), AIMessage("done")])
    python = PythonTool(sandbox, tools=[pay, get_rate])
    agent = create_agent(llm, [python], middleware=[review], checkpointer=InMemorySaver())
    [reply] = replies(await run(agent, is_async=is_async))
    assert "ToolError: pay is under review" in reply
    assert "CodeExecutionMiddleware(executor=…, callable_from_code=…)" in reply
    assert MADE == ["EUR"]


@both_ways
async def test_programs_side_by_side_and_below_another_graph_are_answered_one_by_one(
    is_async: bool, sandbox: LocalSandbox
) -> None:
    """The program itself is under review as well, and the agent has no checkpointer but its parent's."""
    codes = [f"get_price('{name}')\nprint(pay('{name}', 1)['order'])" for name in "AB"]
    llm = Scripted(lines=[programs(*codes), AIMessage("done")] * 2)
    review = HumanInTheLoopMiddleware({"pay": True, "python": True}, interrupt_mode="per_call")
    middleware = [CodeExecutionMiddleware(executor=sandbox, callable_from_code="all"), review]
    graph = StateGraph(MessagesState)
    graph.add_node("agent", create_agent(llm, [get_price, pay], middleware=middleware))
    graph.set_entry_point("agent")
    parent = graph.compile(checkpointer=InMemorySaver())
    state = await run(parent, is_async=is_async)
    names: list[str] = []
    while interrupts := state.get("__interrupt__", ()):
        names.append(interrupts[0].value["name"])
        state = await run(parent, Command(resume={interrupts[0].id: APPROVE}), is_async=is_async)
    assert sorted(names) == ["pay", "pay", "python", "python"]
    assert replies(state) == ["The code printed:\nA", "The code printed:\nB"]
    assert sorted(map(str, MADE)) == ["('A', 1.0)", "('B', 1.0)", "A", "B"]


# -- what is offered ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tool_name", "limit"), [(None, 3), ("get_price", 2)])
def test_langchains_limits_count_calls_from_code_at_the_next_step(
    tool_name: str | None, limit: int, sandbox: LocalSandbox
) -> None:
    counting = ToolCallLimitMiddleware(tool_name=tool_name, run_limit=limit, exit_behavior="error")
    third = AIMessage("", tool_calls=[{"name": "get_price", "args": {"symbol": "C"}, "id": "3"}])
    llm = Scripted(lines=[programs("get_price('A'); get_price('B')"), third, AIMessage("done")])
    middleware = [CodeExecutionMiddleware(executor=sandbox, callable_from_code="all"), counting]
    agent = create_agent(llm, [get_price], middleware=middleware)
    with pytest.raises(ToolCallLimitExceededError):
        agent.invoke(QUESTION)
    assert MADE == ["A", "B"]


def test_the_model_is_told_what_programs_can_call(sandbox: LocalSandbox) -> None:
    agent, llm = agent_on(
        sandbox, "print(get_rate('EUR'))", only_from_code=True, callable_from_code=["get_rate", "pay"]
    )
    state = agent.invoke(QUESTION, THREAD)
    assert llm.offered == [["get_price", "python"]] * 2
    assert replies(state) == ["The code printed:\n1.25"]
    assert [call.name for call in runs(state)[0].calls] == ["get_rate"]
    planned: list[Any] = []
    agent, llm = agent_on(
        sandbox,
        "print(get_price('A'))",
        callable_from_code=["pay"],
        planner=lambda request: planned.append(request) or "both",
    )
    assert "NameError: name 'get_price' is not defined" in replies(agent.invoke(QUESTION, THREAD))[0]
    assert llm.offered == [["get_price", "get_rate", "pay", "python"]] * 2
    assert [request.callable_from_code for request in planned] == [("pay",)] * 2


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"callable_from_code": "all"}, "needs executor=LocalSandbox"),
        ({"callable_from_code": "pay", "tool": PythonTool(ProcessExecutor())}, "'all' or a list"),
        ({"interrupt_on": {"pay": True}}, "need callable_from_code"),
        ({"callable_from_code": "all", "tool": PythonTool(ProcessExecutor(), tools=[pay])}, "of its own"),
    ],
)
def test_a_wrong_setting_is_named(settings: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        CodeExecutionMiddleware(**settings)


def test_a_tool_that_is_not_offered_is_not_called(sandbox: LocalSandbox) -> None:
    @wrap_model_call
    def select(request: Any, handler: Any) -> Any:
        return handler(request.override(tools=[one for one in request.tools if one.name != "pay"]))

    agent, llm = agent_on(
        sandbox, "print(get_rate('EUR'))\npay('7', 1)", first=[select], callable_from_code=["get_rate", "pay"]
    )
    assert "NameError: name 'pay' is not defined" in replies(agent.invoke(QUESTION, THREAD))[0]
    assert MADE == ["EUR"]
    assert llm.offered == [["get_price", "get_rate", "python"]] * 2


def test_a_tool_that_the_agent_has_not_is_named(sandbox: LocalSandbox) -> None:
    agent, _ = agent_on(sandbox, "pass", callable_from_code=["pay", "sell"])
    with pytest.raises(ConfigurationError, match="names sell; the agent has get_price, get_rate, pay"):
        agent.invoke(QUESTION, THREAD)
    agent, _ = agent_on(sandbox, "pay('7', 1)", interrupt_on={"pai": True})
    with pytest.raises(ConfigurationError, match="interrupt_on names pai; the agent has get_price"):
        agent.invoke(QUESTION, THREAD)
    assert MADE == []


# -- Gemini ------------------------------------------------------------------------------------------------

STOCK = "print(3 * pieces_in_stock('M8 bolt'))"
ELSEWHERE = [
    STOCK.replace("pieces", "default_api.pieces"),
    f"import default_api\n{STOCK.replace('pieces', 'default_api.pieces')}",
    f"if True:\n    from default_api import pieces_in_stock\n{STOCK}",
    STOCK,
]


def programmer(prompt: Prompt, code: str = STOCK) -> Any:
    """Writes code of its own if it can run any, else a program for the tool, and then says what came of it."""
    if replies_in(prompt.request):
        return "That makes 3840."
    if "codeExecution" in declared(prompt.request):
        return [{"executableCode": {"language": "PYTHON", "code": code}}, "It failed."]
    return [{"functionCall": {"name": "python", "args": {"code": STOCK}}}]


@pytest.mark.filterwarnings(r"ignore:\s*Warning. Output may vary each run:UserWarning")
@pytest.mark.parametrize("model", [OLD, NEW])
@pytest.mark.parametrize("name", MODELS)
def test_every_gemini_calls_from_code(name: str, model: str, gemini: Gemini, sandbox: LocalSandbox) -> None:
    gemini.says(programmer)
    middleware = [CodeExecutionMiddleware(executor=sandbox, callable_from_code="all")]
    agent = create_agent(MODELS[name](gemini, model), [pieces_in_stock], middleware=middleware)
    state = agent.invoke(QUESTION)
    assert requests_of(gemini) == [(["pieces_in_stock", "python"], 200)] * 2
    assert "def pieces_in_stock(article: str, store: int | str = 1) -> int:" in str(gemini.requests[0].body)
    assert replies(state) == ["The code printed:\n3840"]
    plans = [(plan["code_execution"], plan["callable_from_code"]) for plan in state["code_execution_plans"]]
    assert plans == [(True, ["pieces_in_stock"])] * 2


@pytest.mark.filterwarnings(r"ignore:\s*Warning. Output may vary each run:UserWarning")
@pytest.mark.parametrize(
    ("name", "code"), [*zip([name for name in MODELS if name != "vertexai"], ELSEWHERE, strict=True)]
)
def test_code_that_failed_at_googles_runs_here(
    name: str, code: str, gemini: Gemini, sandbox: LocalSandbox
) -> None:
    gemini.says(partial(programmer, code=code))
    middleware = CodeExecutionMiddleware(
        executor=sandbox, callable_from_code="all", run_failed_code_here=True
    )
    agent = create_agent(MODELS[name](gemini, NEW), [pieces_in_stock], middleware=[middleware])
    state = agent.invoke(QUESTION)
    assert [status for _, status in requests_of(gemini)] == [200, 200]
    assert replies(state) == ["The code printed:\n3840"]
    assert [(each.origin, each.ok) for each in runs(state)] == [("gemini", False), ("sandbox", True)]
    assert [call.args for call in runs(state)[1].calls] == [{"article": "M8 bolt", "store": 1}]
    assert answers_of(state)[-1].text == "That makes 3840."
    assert {tuple(plan["callable_from_code"]) for plan in state["code_execution_plans"]} == {
        ("pieces_in_stock",)
    }


# -- killed ------------------------------------------------------------------------------------------------


class Killed:
    """An agent in a process of its own, which is killed as soon as it has said something, or done something."""

    def __init__(self, folder: Path, way: str) -> None:
        self.log, self.gate = folder / "log", folder / "gate"
        self.database = str(folder / "threads.db")
        os.mkfifo(self.gate)
        self._way = way

    def start(self, answer: str) -> subprocess.Popen[str]:
        arguments = [self.database, str(self.log), str(self.gate), self._way, answer]
        return subprocess.Popen(
            [sys.executable, "-m", "tests.middleware.refunding", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )

    def says(self, answer: str) -> str:
        """What it says, before it is killed."""
        with self.start(answer) as process:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            process.kill()
        return line

    def kept(self) -> str:
        """All that is kept of what is under way."""
        with SqliteSaver.from_conn_string(self.database) as saver:
            kept = saver.get_tuple(THREAD)
            return str(kept.pending_writes if kept else "")


@pytest.mark.parametrize("way", ["sync", "async"])
def test_no_call_that_had_a_result_is_made_again_after_a_kill(way: str, tmp_path: Path) -> None:
    killed = Killed(tmp_path, way)
    assert killed.says("") == "waiting"
    prices = sorted(f"price {symbol}" for symbol in "ABCD")
    assert sorted(killed.log.read_text().splitlines()) == prices
    with (
        killed.start("approve") as process,
        killed.gate.open("w"),
    ):  # once it is read, the refund has been paid
        while "paid" not in killed.kept():
            pass
        process.kill()
    done = killed.log.read_text().splitlines()
    assert (sorted(done[:4]), done[4:]) == (prices, ["refund 7 8", "check"])
    with killed.start("again") as process:
        killed.gate.write_text("open")
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "The code printed: paid 8"
        process.kill()
    assert killed.log.read_text().splitlines() == [*done, "check"]
