"""Programs of agents are judged before they run here: denied, asked about, approved, edited."""

from collections.abc import Iterator
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command

from langchain_codeexec import CodeExecutionMiddleware, LocalSandbox, PythonTool
from langchain_codeexec.control import AuditLog, ExecutionPolicy
from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.middleware import ExecutionPolicyMiddleware
from tests.middleware.agent_shop import NEW, OLD, QUESTION, Scripted, any_model, pieces_in_stock, requests_of
from tests.services import Gemini
from tests.tools.calling import THREAD, programs, replies, run, runs

both_ways = pytest.mark.parametrize("is_async", [False, True])
POLICY = ExecutionPolicy(names={"os": "ask", "subprocess": "deny", "pay": "ask"})
FREE, ASKED, DENIED = "print(1)", "import os\nprint(2)", "import subprocess\nprint(3)"
REASON = "line 1: os (names['os'])"
APPROVE = {"type": "approve"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[LocalSandbox]:
    with LocalSandbox(preload=(), timeout=60) as opened:
        yield opened


@tool
def pay(order: str, amount: float) -> float:
    """Pay an order back."""
    return amount


def edit(code: str) -> dict[str, Any]:
    return {"type": "edit", "edited_action": {"name": "python", "args": {"code": code}}}


def agent_on(
    sandbox: LocalSandbox,
    *turns: Any,
    policy: ExecutionPolicy = POLICY,
    first: Any = (),
    then: Any = (),
    **settings: Any,
) -> Any:
    """An agent whose model runs programs, one turn after the other, under a policy."""
    lines = [programs(*([turn] if isinstance(turn, str) else turn)) for turn in turns]
    settings = {"tools": [PythonTool(sandbox)], "checkpointer": InMemorySaver(), **settings}
    middleware = [*first, ExecutionPolicyMiddleware(policy), *then]
    return create_agent(Scripted(lines=[*lines, AIMessage("done")]), middleware=middleware, **settings)


def reviews(state: Any) -> list[Any]:
    return [(each.review.get("decision"), each.review.get("rules"), each.output) for each in runs(state)]


@both_ways
async def test_what_is_denied_is_not_run_and_the_model_can_write_another(
    is_async: bool, sandbox: LocalSandbox
) -> None:
    state = await run(agent_on(sandbox, DENIED, FREE, checkpointer=None), is_async=is_async)
    denied, free = replies(state)
    assert "policy for code denies it.\nline 1: subprocess (names['subprocess'])" in denied
    assert free == "The code printed:\n1"
    assert reviews(state) == [("deny", ["names['subprocess']"], None), ("allow", [], "1\n")]
    assert (runs(state)[0].code, runs(state)[0].outcome) == (DENIED, None)
    assert [message.status for message in state["messages"] if message.type == "tool"] == ["error", "success"]


def test_the_interrupt_is_that_of_langchain(sandbox: LocalSandbox) -> None:
    [ours] = agent_on(sandbox, ASKED).invoke(QUESTION, THREAD)["__interrupt__"]
    person = HumanInTheLoopMiddleware({"python": True}, interrupt_mode="per_call")
    [theirs] = agent_on(sandbox, ASKED, policy=ExecutionPolicy(), first=[person]).invoke(QUESTION, THREAD)[
        "__interrupt__"
    ]
    assert ours.value == {**theirs.value, "description": f"Code execution requires approval\n\n{REASON}"}
    assert ours.response_schema == theirs.response_schema


NOTE = "Note: a human reviewer replaced this tool call"
REJECTED = "User rejected the tool call for `python` with reason: No."
DECISIONS: dict[str, Any] = {
    "approve": (APPROVE, "The code printed:\n2", ("approve", REASON), ASKED),
    "edit": (edit("print(4)"), NOTE, ("edit", REASON), "print(4)"),
    "edit to what is asked about": (
        edit("import os\nprint(5)"),
        NOTE,
        ("edit", REASON),
        "import os\nprint(5)",
    ),
    "edit to what is denied": (
        edit(DENIED),
        "The program was not run: the policy for code denies what a reviewer has put in its place.",
        ("deny", "line 1: subprocess (names['subprocess'])"),
        DENIED,
    ),
    "reject": ({"type": "reject", "message": "No."}, REJECTED, ("reject", REJECTED), ASKED),
    "respond": ({"type": "respond", "message": "Two."}, "Two.", ("respond", "Two."), ASKED),
}


@both_ways
@pytest.mark.parametrize("decision", DECISIONS)
async def test_somebody_decides(decision: str, is_async: bool, sandbox: LocalSandbox) -> None:
    answer, reply, review, code = DECISIONS[decision]
    records: list[Any] = []
    agent = agent_on(sandbox, ASKED).with_config(callbacks=[AuditLog(records.append)])
    [interrupt] = (await run(agent, is_async=is_async))["__interrupt__"]
    state = await run(agent, Command(resume={interrupt.id: answer}), is_async=is_async)
    assert replies(state)[0].startswith(reply)
    [recorded] = runs(state)
    assert (recorded.review["decision"], recorded.review["reason"]) == review
    assert recorded.code == code
    has_run = review[0] in {"approve", "edit"}
    assert (recorded.outcome is not None) == has_run
    [written] = [record for record in records if record["kind"] != "answer"]
    assert (written["kind"], written["code"], written["review"]) == (
        "execution" if has_run else "refusal",
        code,
        recorded.review,
    )
    assert (written["thread"], written["answer"]) == ("1", state["messages"][1].id)


@both_ways
async def test_where_nobody_can_be_asked_nothing_runs(is_async: bool, sandbox: LocalSandbox) -> None:
    state = await run(agent_on(sandbox, ASKED, checkpointer=None), is_async=is_async)
    assert "the agent has no checkpointer: create_agent(…, checkpointer=InMemorySaver())" in replies(state)[0]
    assert reviews(state) == [("deny", ["names['os']"], None)]


@both_ways
async def test_calls_beside_each_other_are_judged_each_by_itself(
    is_async: bool, sandbox: LocalSandbox
) -> None:
    agent = agent_on(sandbox, [ASKED, DENIED, FREE, "import os\nprint(6)"])
    interrupts = (await run(agent, is_async=is_async))["__interrupt__"]
    first, second = sorted(interrupts, key=lambda each: str(each.value["args"]))
    state = await run(agent, Command(resume={first.id: APPROVE}), is_async=is_async)
    assert [each.id for each in state["__interrupt__"]] == [second.id]
    state = await run(agent, Command(resume={second.id: {"type": "reject"}}), is_async=is_async)
    decisions = [("approve", "2\n"), ("deny", None), ("allow", "1\n"), ("reject", None)]
    assert [(decision, output) for decision, _, output in reviews(state)] == decisions


@both_ways
async def test_a_program_is_judged_with_the_names_of_its_session(
    is_async: bool, sandbox: LocalSandbox
) -> None:
    policy = ExecutionPolicy(default="deny", names={"builtins": "allow", "os": "allow", "os.system": "deny"})
    agent = agent_on(sandbox, "import os as o\nx = 1", "print(x)", "o.system('x')", "print(y)", policy=policy)
    state = await run(agent, is_async=is_async)
    assert [decision for decision, *_ in reviews(state)] == ["allow", "allow", "deny", "deny"]
    assert "os.system (names['os.system'])" in replies(state)[2]
    beside = agent_on(sandbox, ["import os as o", "o.system('x')"], policy=policy)
    assert "os.system" in replies(await run(beside, is_async=is_async))[1]


def person(mode: Any = "per_call", **names: Any) -> HumanInTheLoopMiddleware[Any, Any, Any]:
    return HumanInTheLoopMiddleware(names or {"python": True}, interrupt_mode=mode)


@both_ways
@pytest.mark.parametrize("mode", ["batched", "per_call"])
async def test_what_somebody_edits_before_is_judged(mode: Any, is_async: bool, sandbox: LocalSandbox) -> None:
    agent = agent_on(sandbox, FREE, first=[person(mode)])
    await run(agent, is_async=is_async)
    answer = {"decisions": [edit(DENIED)]} if mode == "batched" else edit(DENIED)
    state = await run(agent, Command(resume=answer), is_async=is_async)
    assert "the policy for code denies it" in replies(state)[0]
    agent = agent_on(sandbox, FREE, then=[person(mode)])
    if mode == "batched":
        await run(agent, is_async=is_async)
    with pytest.raises(ConfigurationError, match="put ExecutionPolicyMiddleware behind it"):
        await run(agent, Command(resume=answer) if mode == "batched" else QUESTION, is_async=is_async)


@both_ways
@pytest.mark.parametrize("is_first", [False, True])
async def test_the_calls_of_a_program_keep_their_own_reviews(
    is_first: bool, is_async: bool, sandbox: LocalSandbox
) -> None:
    code = CodeExecutionMiddleware(executor=sandbox, callable_from_code="all")
    others: Any = {"then": [code, person(pay=True)]} if is_first else {"first": [person(pay=True), code]}
    agent = agent_on(sandbox, "print(pay('7', 2.5) + pay('8', 1))", tools=[pay], **others)
    state = await run(agent, is_async=is_async)
    names = []
    for answer in (
        APPROVE,
        APPROVE,
        {"type": "edit", "edited_action": {"name": "pay", "args": {"order": "8", "amount": 2}}},
    ):
        [interrupt] = state["__interrupt__"]
        names.append(interrupt.value["name"])
        state = await run(agent, Command(resume={interrupt.id: answer}), is_async=is_async)
    assert names == ["python", "pay", "pay"]
    assert replies(state)[0].startswith("The code printed:\n4.5")
    assert reviews(state) == [("approve", ["names['pay']"], "4.5\n")]
    assert [call.result for call in runs(state)[0].calls] == [2.5, 2]


@both_ways
async def test_other_tools_are_named_with_their_argument(is_async: bool) -> None:
    @tool
    def repl(query: Any = "", n: int = 1) -> str:
        """Run Python."""
        return "ran"

    calls = [
        {"name": "repl", "args": args, "id": str(number), "type": "tool_call"}
        for number, args in enumerate([{"query": FREE}, {"query": DENIED}, {"query": [1]}, {"n": 2}])
    ]
    agent = create_agent(
        Scripted(lines=[AIMessage("", tool_calls=calls), AIMessage("done")]),
        [repl],
        middleware=[ExecutionPolicyMiddleware(POLICY, tools={"repl": "query"})],
    )
    state = await run(agent, is_async=is_async)
    assert [text[:15] for text in replies(state)] == ["ran", "The program was", "The program was", "ran"]
    assert reviews(state) == [
        ("allow", [], "ran"),
        ("deny", ["names['subprocess']"], None),
        ("deny", ["unparsed"], None),
    ]


@both_ways
async def test_a_graph_of_ones_own(is_async: bool, sandbox: LocalSandbox) -> None:
    middleware = ExecutionPolicyMiddleware(POLICY)
    node = ToolNode(
        [PythonTool(sandbox)],
        wrap_tool_call=middleware.wrap_tool_call,
        awrap_tool_call=middleware.awrap_tool_call,
    )
    graph = StateGraph(MessagesState).add_node("tools", node).set_entry_point("tools")
    agent = graph.compile(checkpointer=InMemorySaver())
    await run(agent, {"messages": [programs(ASKED)]}, is_async=is_async)
    state = await run(agent, Command(resume=APPROVE), is_async=is_async)
    assert reviews(state) == [("approve", ["names['os']"], "2\n")]


def test_settings_that_are_wrong(sandbox: LocalSandbox) -> None:
    with pytest.raises(ConfigurationError, match=r"ExecutionPolicy\(…\), not \{\}"):
        ExecutionPolicyMiddleware({})  # type: ignore[arg-type]
    for settings in ({}, {"llm": Scripted(lines=[])}, {"executor": sandbox, "callable_from_code": "all", "run_failed_code_here": True}):  # fmt: skip
        with pytest.raises(ConfigurationError, match="run_here needs executor"):
            CodeExecutionMiddleware(run_here=True, **settings)


def test_code_that_failed_elsewhere_is_judged_before_it_runs_here(
    gemini: Gemini, sandbox: LocalSandbox
) -> None:
    gemini.says(
        [{"executableCode": {"language": "PYTHON", "code": "print(3 * pay('7', 1))"}}, "It failed."], "Sorry."
    )
    code = CodeExecutionMiddleware(executor=sandbox, callable_from_code="all", run_failed_code_here=True)
    policy = ExecutionPolicyMiddleware(ExecutionPolicy(names={"pay": "deny"}))
    state = create_agent(gemini.chat(model=NEW), [pay], middleware=[code, policy]).invoke(QUESTION)
    assert "pay (names['pay'])" in replies(state)[0]


@any_model
@pytest.mark.parametrize("model", [OLD, NEW])
def test_code_of_any_model_runs_here(build: Any, model: str, shop: Gemini, sandbox: LocalSandbox) -> None:
    policy = ExecutionPolicyMiddleware(ExecutionPolicy(default="ask"))
    agent = create_agent(
        build(shop, model),
        [pieces_in_stock],
        middleware=[CodeExecutionMiddleware(executor=sandbox, run_here=True), policy],
        checkpointer=InMemorySaver(),
    )
    [interrupt] = agent.invoke(QUESTION, THREAD)["__interrupt__"]
    assert interrupt.value["args"] == {"code": "print(3 * 1280)"}
    state = agent.invoke(Command(resume=APPROVE), THREAD)
    assert reviews(state) == [("approve", ["default"], "3840\n")]
    assert requests_of(shop) == [(["pieces_in_stock", "python"], 200)] * 3
