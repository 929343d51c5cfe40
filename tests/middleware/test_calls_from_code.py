"""Programs call an agent's tools: through its middlewares, those that review calls above all."""

from collections.abc import Iterator
from typing import Any, ClassVar

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
from langgraph.graph import MessagesState, StateGraph
from langgraph.types import Command

from langchain_codeexec import CodeExecutionMiddleware, LocalSandbox, PythonTool
from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.executors import ProcessExecutor
from tests.middleware.agent_shop import QUESTION, Scripted
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


def per_call() -> list[Any]:
    return [HumanInTheLoopMiddleware({"pay": True}, interrupt_mode="per_call")]


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
PRINTED = "The code printed:"
PAID = "{'order': '7', 'paid': 5.0}"
REST = "[{'order': '8', 'paid': 1.5}, 1.25]"
DECISIONS: dict[str, Any] = {
    "approve": ([APPROVE, APPROVE], [("7", 5.0), ("8", 1.5)], [PRINTED, PAID, REST]),
    "edit": ([EDIT, APPROVE], [("7", 1.0), ("8", 1.5)], [PRINTED, PAID.replace("5", "1"), REST]),
    "respond": ([{"type": "respond", "message": "Later."}, APPROVE], [("8", 1.5)], [PRINTED, "Later.", REST]),
    "reject": ([{"type": "reject", "message": "No."}], [], ["The code failed:"]),
}


@both_ways
@pytest.mark.parametrize(("decision", "is_ours"), [*((each, False) for each in DECISIONS), ("edit", True)])
async def test_a_human_decides_in_the_middle_of_a_program(
    decision: str, is_ours: bool, is_async: bool, sandbox: LocalSandbox
) -> None:
    decisions, paid, lines = DECISIONS[decision]
    settings: Any = {"interrupt_on": {"pay": True}} if is_ours else {"others": per_call()}
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
async def test_what_cannot_be_kept_until_somebody_answers_is_refused(
    is_async: bool, sandbox: LocalSandbox
) -> None:
    agent, _ = agent_on(sandbox, "print(pay('7', 2**70))", "print(pay(str(2**70), 1))", others=per_call())
    state = await run(agent, is_async=is_async)
    assert "ToolError: somebody has to answer before pay goes on" in replies(state)[0]
    assert "pass integers beyond 64 bits as text" in replies(state)[0]
    state = await run(agent, Command(resume=APPROVE), is_async=is_async)
    big = str(2**70), 1.0
    assert [big] == MADE


class AfterModel(AgentMiddleware):
    """Reviews what the model itself calls, as that of langchain before 1.4.8 does."""

    interrupt_on: ClassVar[Any] = {"pay": True}

    def after_model(self, state: Any, runtime: Any) -> None:
        """Nothing is to be reviewed here."""


REVIEWS: dict[str, Any] = {
    "batched": HumanInTheLoopMiddleware({"pay": True}),
    "per_call": per_call()[0],
    "after_model": AfterModel(),
}


@both_ways
@pytest.mark.parametrize("review", ["batched", "after_model"])
async def test_a_review_that_sees_no_calls_from_code_has_them_refused(
    review: str, is_async: bool, sandbox: LocalSandbox
) -> None:
    others = [REVIEWS[review]]
    agent, _ = agent_on(sandbox, CODE, others=others)
    state = await run(agent, is_async=is_async)
    assert "ToolError: pay is under review" in replies(state)[0]
    assert "interrupt_mode='per_call'" in replies(state)[0]
    assert MADE == ["A", "B"]
    allowed = {"pay": {"allowed_decisions": ["approve"]}}
    agent, _ = agent_on(sandbox, CODE, others=others, interrupt_on=allowed)
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
@pytest.mark.parametrize("review", REVIEWS)
async def test_a_tool_without_the_middleware_does_not_pass_by_a_review(
    review: str, is_async: bool, sandbox: LocalSandbox
) -> None:
    llm = Scripted(lines=[programs("print(get_rate('EUR'))\npay('7', 1)"), AIMessage("done")])
    python = PythonTool(sandbox, tools=[pay, get_rate])
    agent = create_agent(llm, [python], middleware=[REVIEWS[review]], checkpointer=InMemorySaver())
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


def test_a_tool_that_a_middleware_adds_is_called_by_the_model_alone(sandbox: LocalSandbox) -> None:
    @tool
    def extra() -> str:
        """Found on the way."""
        return "found"

    class Add(AgentMiddleware):
        def wrap_model_call(self, request: Any, handler: Any) -> Any:
            return handler(request.override(tools=[*request.tools, extra]))

        def wrap_tool_call(self, request: Any, handler: Any) -> Any:
            return handler(request.override(tool=extra) if request.tool is None else request)

    calls = AIMessage("", tool_calls=[{"name": "extra", "args": {}, "id": "1"}])
    llm = Scripted(lines=[calls, programs("print(get_rate('EUR'))"), AIMessage("done")])
    middleware = CodeExecutionMiddleware(executor=sandbox, callable_from_code="all", only_from_code=True)
    state = create_agent(llm, [get_rate], middleware=[Add(), middleware]).invoke(QUESTION)
    assert replies(state) == ["found", "The code printed:\n1.25"]
    assert llm.offered == [["extra", "python"]] * 3
    assert [plan["callable_from_code"] for plan in state["code_execution_plans"]] == [["get_rate"]] * 3


def test_a_tool_that_the_agent_has_not_is_named(sandbox: LocalSandbox) -> None:
    agent, _ = agent_on(sandbox, "pass", callable_from_code=["pay", "sell"])
    with pytest.raises(ConfigurationError, match="names sell; the agent has get_price, get_rate, pay"):
        agent.invoke(QUESTION, THREAD)
    agent, _ = agent_on(sandbox, "pay('7', 1)", interrupt_on={"pai": True})
    with pytest.raises(ConfigurationError, match="interrupt_on names pai; the agent has get_price"):
        agent.invoke(QUESTION, THREAD)
    assert MADE == []
