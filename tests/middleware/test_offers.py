"""What a model is offered, as the wire has it: by tool choice, by the format of the answer, and in the midst of delegation."""

from typing import Any

import pytest
from langchain.agents.middleware import wrap_model_call
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from pydantic import BaseModel

from langchain_codeexec.emulator import EmulatedError, Prompt
from langchain_codeexec.executors import ProcessExecutor
from langchain_codeexec.gemini.capabilities import SCHEMA_KEYS
from langchain_codeexec.planning import ModelPlanner
from tests.calls import call
from tests.messages.blocks import anthropic_run, openai_run
from tests.middleware.agent_shop import (
    CODE,
    GOOGLE,
    MODELS,
    QUESTION,
    agent_on,
    any_model,
    choosing,
    declared,
    either_generation,
    googles_model,
    parts_of,
    pieces_in_stock,
    printed,
    replies_in,
    requests_of,
)
from tests.services import NEW, OLD, Gemini

# langchain-google-genai warns of every answer that holds code.
pytestmark = pytest.mark.filterwarnings(r"ignore:\s*Warning. Output may vary each run:UserWarning")

genai = pytest.mark.parametrize("build", [GOOGLE["genai-developer"], GOOGLE["genai-vertex"]])
MODES = {1: "AUTO", 2: "ANY", 3: "NONE"}
FUNCTIONS = ["pieces_in_stock", "reserve"]


class Order(BaseModel):
    """How many to order."""

    pieces: int


def reserve(pieces: int) -> str:
    """Reserve pieces."""
    return f"{pieces} are reserved"


def choice_in(body: dict[str, Any]) -> tuple[Any, Any]:
    """Mode and names of a request's tool choice, in either case of the packages."""
    config = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    mode = config.get("mode")
    names = config.get("allowedFunctionNames") or config.get("allowed_function_names")
    return MODES.get(mode, mode), sorted(names) if names else None


NATIVE, DELEGATED = ["codeExecution", *FUNCTIONS], ["code_execution", *FUNCTIONS]
CHOICES: dict[str, tuple[Any, list[str], tuple[Any, Any]]] = {
    "auto": ("auto", DELEGATED, ("AUTO", None)),
    "any": ("any", DELEGATED, ("ANY", None)),
    "none": ("none", ["codeExecution"], ("NONE", None)),
    "a name": ("reserve", FUNCTIONS, ("ANY", ["reserve"])),
    "a list": (FUNCTIONS, FUNCTIONS, ("ANY", FUNCTIONS)),
}
"""The choice, what Gemini 2.x is offered, and mode and names as they are sent."""


@any_model
@pytest.mark.parametrize(("choice", "on_old", "sent"), CHOICES.values(), ids=CHOICES)
def test_tool_choices_are_honoured(build: Any, choice: Any, on_old: Any, sent: Any, gemini: Gemini) -> None:
    gemini.says("Done.")
    for model, offered in ((OLD, on_old), (NEW, NATIVE)):
        agent_on(build(gemini, model), choosing(choice), tools=[pieces_in_stock, reserve]).invoke(QUESTION)
        assert requests_of(gemini)[-1] == (offered, 200)
        functions = [name for name in offered if name != "codeExecution"]
        # LangChain's packages name all functions, the delegate among them
        possible = [sent, ("ANY", functions)] if choice == "any" else [sent]
        assert choice_in(gemini.body) in (possible if functions else [(None, None)])
    assert len(gemini.requests) == 2


@pytest.mark.parametrize("choice", ["any", "auto"])
@googles_model
def test_a_demanded_function_does_not_stop_computing(build: Any, choice: str, gemini: Gemini) -> None:
    """Under ANY the delegate may be called before the function that is demanded."""
    gemini.says(
        [call("code_execution", task="3 * 1280")], [CODE, "3840"], [call("reserve", pieces=3840)], "Done."
    )

    @wrap_model_call
    def until_reserved(request: Any, handler: Any) -> Any:
        is_reserved = any(isinstance(message, ToolMessage) for message in request.messages)
        return handler(request if is_reserved else request.override(tool_choice=choice))

    state = agent_on(build(gemini, OLD), until_reserved, tools=[reserve]).invoke(QUESTION)
    offered = (["code_execution", "reserve"], 200)
    assert requests_of(gemini) == [offered, (["codeExecution"], 200), offered, offered]
    assert "3840 are reserved" in [message.text for message in state["messages"]]


# -- the format of the answer ------------------------------------------------------------------------------


def ordering(prompt: Prompt) -> Any:
    """Looks up, computes and orders, by whatever is offered."""
    tools, replies = declared(prompt.request), replies_in(prompt.request)
    has_looked_up = "pieces_in_stock" in replies or not any("stock" in name for name in tools)
    if not has_looked_up:
        return [call("pieces_in_stock", article="M8 bolt")]
    if "code_execution" in tools and "code_execution" not in replies:
        return [call("code_execution", task="3 * 1280")]
    code = [CODE] if "codeExecution" in tools else []
    return [*code, call("Order", pieces=3840) if "Order" in tools else '{"pieces": 3840}']


def has_schema(body: dict[str, Any]) -> bool:
    return not SCHEMA_KEYS.isdisjoint(body.get("generationConfig") or {})


ALONE = ("Write and run Python code for this", "Give the answer now, as JSON")
"""How requests begin that serve another one: to run code alone, or to have the answer as JSON."""
FORMATS = {"auto": Order, "tool": ToolStrategy(Order), "provider": ProviderStrategy(Order)}
GENERATIONS = (OLD, NEW, "gemini-flash-latest")
EVERYWHERE = [  # each model, generation and format beside each other
    (name, GENERATIONS[(row + column) % 3], response_format)
    for row, name in enumerate(MODELS)
    for column, response_format in enumerate(FORMATS)
]


@pytest.mark.parametrize(("name", "model", "response_format"), EVERYWHERE)
@pytest.mark.parametrize("tools", [[pieces_in_stock], []], ids=["functions", "no functions"])
def test_structured_answers_are_computed(
    name: str, model: str, response_format: str, tools: Any, gemini: Gemini
) -> None:
    gemini.says(ordering)
    llm = MODELS[name](gemini, model)
    state = agent_on(llm, tools=tools, answer=FORMATS[response_format]).invoke(QUESTION)
    assert state["structured_response"] == Order(pieces=3840)
    assert printed(state) == ["3840\n"]
    assert {status for _, status in requests_of(gemini)} == {200}
    for body in gemini.bodies:
        if tools and not any(text.startswith(ALONE) for text in parts_of(body, "text")):
            assert "pieces_in_stock" in declared(body)
            assert {"codeExecution", "code_execution"} & set(declared(body))


@genai
def test_a_refused_schema_is_demanded_by_one_more_request(build: Any, gemini: Gemini) -> None:
    def brain(prompt: Prompt) -> Any:
        if has_schema(prompt.request) and declared(prompt.request):  # type: ignore[arg-type]  # a body
            return EmulatedError(
                400, message="controlled generation is not supported with Code Execution tool"
            )
        return ordering(prompt)

    gemini.says(brain)
    llm = build(gemini, NEW)
    for refusals in (1, 1):  # the second agent knows
        state = agent_on(llm, answer=Order).invoke(QUESTION)
        assert state["structured_response"] == Order(pieces=3840)
        assert printed(state) == ["3840\n"]
        assert [status for _, status in requests_of(gemini)].count(400) == refusals
        assert requests_of(gemini)[-1] == ([], 200)


# -- in the midst of delegation ----------------------------------------------------------------------------


@googles_model
def test_after_three_delegated_calls_the_answer_comes(build: Any, gemini: Gemini) -> None:
    def insatiable(prompt: Prompt) -> Any:
        tools = declared(prompt.request)
        if "code_execution" in tools:
            return [call("code_execution", task="once more")]
        return [CODE, "3840"] if "codeExecution" in tools else [call("Order", pieces=3840)]

    gemini.says(insatiable)
    state = agent_on(build(gemini, OLD), answer=ToolStrategy(Order)).invoke(QUESTION)
    assert state["structured_response"] == Order(pieces=3840)
    offered = [tools for tools, _ in requests_of(gemini) if tools != ["codeExecution"]]
    assert offered == [["Order", "code_execution", "pieces_in_stock"]] * 3 + [["Order", "pieces_in_stock"]]
    assert printed(state) == ["3840\n"] * 3


@googles_model
def test_a_delegated_call_beside_a_functions_call(build: Any, gemini: Gemini) -> None:
    both = [call("code_execution", task="3 * 1280"), call("pieces_in_stock", article="M8 bolt")]
    gemini.says(both, [CODE, "3840"], "3840 of 1280.")
    state = agent_on(build(gemini, OLD)).invoke(QUESTION)
    assert [message.type for message in state["messages"]] == ["human", "ai", "tool", "tool", "ai"]
    assert sorted(m.name for m in state["messages"] if isinstance(m, ToolMessage)) == [
        "code_execution",
        "pieces_in_stock",
    ]
    assert replies_in(gemini.body) == {"code_execution", "pieces_in_stock"}
    assert printed(state) == ["3840\n"]


@googles_model
def test_delegated_code_has_the_files_of_the_conversation(build: Any, gemini: Gemini) -> None:
    read = {"executableCode": {"language": "PYTHON", "code": "print(open('input_file_0.csv').read())"}}
    gemini.says([call("code_execution", task="Read the file.")], [read], "It holds 7.")
    file = {"type": "file", "mime_type": "text/csv", "base64": "YSxiCjcsOAo="}
    state = agent_on(build(gemini, OLD)).invoke(
        {"messages": [HumanMessage([{"type": "text", "text": "What is a?"}, file])]}
    )
    assert printed(state) == ["a,b\n7,8\n\n"]


def code_execution(program: str) -> str:
    """The user's own: run a program on the shop's computer."""
    return f"ran {program}"


@any_model
@either_generation
def test_a_users_function_may_be_called_code_execution(build: Any, model: str, gemini: Gemini) -> None:
    def brain(prompt: Prompt) -> Any:
        tools, replies = declared(prompt.request), replies_in(prompt.request)
        for name, args in (("code_execution", {"program": "stock"}), ("run_python", {"task": "3 * 1280"})):
            if name in tools and name not in replies:
                return [call(name, **args)]
        return [CODE, "3840"] if "codeExecution" in tools else "3840"

    gemini.says(brain)
    state = agent_on(build(gemini, model), tools=[code_execution]).invoke(QUESTION)
    stand_in = "codeExecution" if model == NEW else "run_python"
    assert requests_of(gemini)[0] == (sorted(["code_execution", stand_in]), 200)
    assert "ran stock" in [message.text for message in state["messages"]]
    assert printed(state) == ["3840\n"]


@googles_model
def test_a_delegated_call_that_fails_is_told_and_the_agent_goes_on(build: Any, gemini: Gemini) -> None:
    gemini.says(
        [call("code_execution", task="3 * 1280")], EmulatedError(403, message="No access."), "It may be 3840."
    )
    state = agent_on(build(gemini, OLD)).invoke(QUESTION)
    [reply] = [message for message in state["messages"] if isinstance(message, ToolMessage)]
    assert reply.status == "error"
    assert "No access." in reply.text
    assert state["messages"][-1].text == "It may be 3840."


@googles_model
def test_a_delegate_that_is_no_longer_offered_is_called_in_vain(build: Any, gemini: Gemini) -> None:
    def insatiable(prompt: Prompt) -> Any:
        if "codeExecution" in declared(prompt.request):
            return [CODE, "3840"]
        return (
            "Enough." if "not a valid tool" in str(prompt.request) else [call("code_execution", task="more")]
        )

    gemini.says(insatiable)
    state = agent_on(build(gemini, OLD)).invoke(QUESTION)
    assert state["messages"][-1].text == "Enough."
    assert printed(state) == ["3840\n"] * 8


@googles_model
def test_a_task_may_be_missing(build: Any, gemini: Gemini) -> None:
    gemini.says([call("code_execution")], "Then not.")
    _, _, reply, answer = agent_on(build(gemini, OLD)).invoke(QUESTION)["messages"]
    assert (reply.status, answer.text) == ("error", "Then not.")
    assert "state it whole" in reply.text


CODE_OF_OTHERS = {
    "openai": openai_run("print(3 * 1280)", "3840"),
    "anthropic": anthropic_run(output="3840\n", code="print(3 * 1280)"),
}


@any_model
@either_generation
@pytest.mark.parametrize("provider", CODE_OF_OTHERS)
def test_code_that_another_provider_ran_goes_along(
    build: Any, model: str, provider: str, gemini: Gemini
) -> None:
    gemini.says("3840.")
    before = AIMessage(CODE_OF_OTHERS[provider], response_metadata={"model_provider": provider})
    messages = [("user", "3 * 1280?"), before, ("user", "Again?")]
    assert agent_on(build(gemini, model)).invoke({"messages": messages})["messages"][-1].text == "3840."
    assert "print(3 * 1280)" in str(gemini.body["contents"])
    assert "3840" in str(gemini.body["contents"])


@any_model
@either_generation
def test_a_demand_for_the_tool_is_met_by_geminis_own_code_execution(
    build: Any, model: str, gemini: Gemini
) -> None:
    gemini.says("3840.")
    agent_on(build(gemini, model), choosing("python"), executor=ProcessExecutor()).invoke(QUESTION)
    [(tools, status)] = requests_of(gemini)
    assert ("codeExecution" in tools, status) == (True, 200)


@genai
def test_a_built_in_tool_goes_beside_functions(build: Any, gemini: Gemini) -> None:
    gemini.says("3840.")
    tools = [pieces_in_stock, {"google_search": {}}]
    agent_on(build(gemini, NEW), tools=tools, combination="delegated").invoke(QUESTION)
    assert requests_of(gemini) == [(["code_execution", "googleSearch", "pieces_in_stock"], 200)]


# -- what the user's stream shows --------------------------------------------------------------------------


@genai
async def test_inner_calls_are_traced_and_stay_out_of_the_stream(build: Any, gemini: Gemini) -> None:
    def brain(prompt: Prompt) -> Any:
        tools, replies = declared(prompt.request), replies_in(prompt.request)
        if has_schema(prompt.request):  # type: ignore[arg-type]  # a body
            return '{"code_execution": true, "functions": ["pieces_in_stock"], "reason": "SECRET plan"}'
        if tools == ["codeExecution"]:
            return [CODE, "SECRET computation"]
        return "That makes 3840." if replies else [call("code_execution", task="3 * 1280")]

    gemini.says(brain)
    planner = ModelPlanner(gemini.chat(code_execution=False))
    agent = agent_on(build(gemini, OLD), planner=planner)

    def texts(chunks: Any) -> str:
        return "".join(chunk.text for chunk, _ in chunks if chunk.type in ("ai", "AIMessageChunk"))

    streams = [
        texts(list(agent.stream(QUESTION, stream_mode="messages"))),
        texts([pair async for pair in agent.astream(QUESTION, stream_mode="messages")]),
    ]
    for shown in streams:
        assert "That makes 3840." in shown
        assert "SECRET" not in shown
    events = [event async for event in agent.astream_events(QUESTION, version="v2")]
    traced = [event for event in events if event["event"] == "on_chat_model_end"]
    assert ["nostream" in event["tags"] for event in traced] == [True, False, True, False]
    assert "SECRET" in str(traced[0]["data"]["output"].content)
    assert "SECRET" in str(traced[2]["data"]["output"].content)
