"""The chat model where LangChain's and LangGraph's agents put it: structured answers, bound tools, windows, caches."""

import warnings
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import SummarizationMiddleware
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.exceptions import ContextOverflowError
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage, trim_messages
from langchain_core.tools import tool
from langchain_google_genai import ChatGoogleGenerativeAI
from pydantic import BaseModel

from langchain_codeexec import ChatGeminiCodeExecution, code_executions
from langchain_codeexec.emulator import EmulatedError
from langchain_codeexec.errors import ConfigurationError, InvalidRequestError
from langchain_codeexec.planning.plan import Plan
from langchain_codeexec.profiles import model_profile
from tests.calls import in_chunks, response
from tests.services import NEW, OLD

QUESTION = "What is the sum of the first 50 primes?"
ASK = {"messages": [("user", QUESTION)]}


class Sum(BaseModel):
    """A sum."""

    total: int


@tool
def weather(city: str) -> str:
    """Tell the weather."""
    return f"Sunny in {city}."


@tool
def clock() -> str:
    """Tell the time."""
    return "Noon."


# -- structured answers --------------------------------------------------------------------------------------


def runs(messages: list[Any]) -> int:
    return sum(len(code_executions(message)) for message in messages if isinstance(message, AIMessage))


@pytest.mark.parametrize("model", [OLD, NEW, "gemini-4-argon"])
@pytest.mark.parametrize(
    "strategy", [Sum, ProviderStrategy(Sum), ToolStrategy(Sum)], ids=["auto", "provider", "tool"]
)
@pytest.mark.parametrize("tools", [[], [weather]], ids=["alone", "with tools"])
def test_an_agent_computes_its_structured_answer(
    scenes: Any, endpoint: str, model: str, strategy: Any, tools: list[Any]
) -> None:
    agent = create_agent(scenes.on(endpoint, model=model), tools, response_format=strategy)
    state = agent.invoke(ASK)
    assert state["structured_response"] == Sum(total=5117)
    assert runs(state["messages"]) == 1


@pytest.mark.parametrize("model", [OLD, NEW])
def test_a_streamed_agent_and_one_of_a_model_taken_over_do_so_too(scenes: Any, model: str) -> None:
    with warnings.catch_warnings(action="ignore"):
        theirs = ChatGoogleGenerativeAI(model=model, google_api_key="k", base_url=scenes.url)
    agent = create_agent(ChatGeminiCodeExecution.from_chat_model(theirs), [weather], response_format=Sum)
    *_, (_, last) = agent.stream(ASK, stream_mode=["messages", "values"])
    assert last["structured_response"] == Sum(total=5117)
    assert runs(last["messages"]) == 1


SCHEMA = {"title": "Sum", "type": "object", "properties": {"total": {"type": "integer"}}}


@pytest.mark.parametrize(
    "response_format",
    [
        {"type": "json_schema", "json_schema": {"name": "Sum", "schema": SCHEMA, "strict": True}},
        {"type": "json_schema", "name": "Sum", "schema": SCHEMA},
        SCHEMA,
    ],
)
def test_a_response_format_is_understood_wherever_it_stands(gemini: Any, response_format: Any) -> None:
    gemini.says('{"total": 1}')
    llm = gemini.chat()
    llm.invoke("q", response_format=response_format)
    llm.bind(response_format=response_format).invoke("q")
    llm.bind_tools([clock], response_format=response_format).bind_tools([weather]).invoke("q")
    gemini.chat(response_format=response_format).invoke("q")
    for body in gemini.bodies:
        assert body["generationConfig"] == {
            "responseJsonSchema": SCHEMA,
            "responseMimeType": "application/json",
        }
        assert {"codeExecution": {}} in body["tools"]


def test_other_response_formats(gemini: Any) -> None:
    gemini.says("{}")
    gemini.chat().invoke("q", response_format={"type": "json_object"})
    gemini.chat().invoke("q", response_format={"type": "text"})
    gemini.chat().invoke("q", response_format=Sum)
    with pytest.raises(ConfigurationError, match="response_format"):
        gemini.chat().invoke("q", response_format={"type": "grammar"})
    configs = [body.get("generationConfig") for body in gemini.bodies]
    assert configs[:2] == [{"responseMimeType": "application/json"}, None]
    assert configs[2]["responseJsonSchema"] == Sum.model_json_schema()


RUN = {"executableCode": {"code": "print(42)"}}


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize(
    ("parts", "text", "thoughts"),
    [
        (["I compute. ", RUN, '{"total": 42}'], '{"total": 42}', ["I compute. "]),
        ([RUN, '{"total"', ": 42}"], '{"total": 42}', []),
        (["```json\n", '{"total": 42}\n```'], '```json\n{"total": 42}\n```', []),
        (["I will ", "not."], "I will not.", []),
        ([RUN, "Sorry."], "Sorry.", []),
    ],
)
def test_what_is_said_on_the_way_to_json_is_a_thought(
    gemini: Any, parts: list[Any], text: str, thoughts: list[str], streams: bool
) -> None:
    gemini.says(parts)
    answer = gemini.chat(streaming=streams).invoke("q", response_schema=Sum)
    assert answer.text == text
    assert [block["reasoning"] for block in answer.content_blocks if block["type"] == "reasoning"] == thoughts


# -- tools ---------------------------------------------------------------------------------------------------


def test_a_binding_keeps_an_entry_for_each_function(gemini: Any) -> None:
    gemini.says("Fine.")
    native = {"name": "f", "parameters": {"type": "OBJECT"}, "behavior": "BLOCKING"}
    bound = gemini.chat().bind_tools(
        [weather, clock, {"google_search": {}}, {"function_declarations": [native]}]
    )
    bound.invoke("q")
    entries = bound.kwargs["tools"]
    assert [entry.get("function", {}).get("name") for entry in entries] == ["weather", "clock", "f", None]
    assert entries[0]["function"]["parameters"]["properties"] == {"city": {"title": "City", "type": "string"}}
    assert entries[3] == {"googleSearch": {}}
    functions, *_ = gemini.body["tools"]
    assert [function["name"] for function in functions["functionDeclarations"]] == ["weather", "clock", "f"]
    assert "parametersJsonSchema" in functions["functionDeclarations"][0]
    assert functions["functionDeclarations"][1] == {"name": "clock", "description": "Tell the time."}
    assert functions["functionDeclarations"][2] == native


@pytest.mark.filterwarnings("ignore:create_react_agent")
def test_langgraph_knows_the_tools_of_a_model_that_is_bound_already(scenes: Any) -> None:
    prebuilt = pytest.importorskip("langgraph.prebuilt")
    tools = [weather, clock]
    agent = prebuilt.create_react_agent(scenes.chat().bind_tools(tools), tools)
    assert "5117" in agent.invoke(ASK)["messages"][-1].text


@pytest.mark.parametrize("built_in", ["google_search", "url_context", "computer_use"])
@pytest.mark.parametrize(("model", "takes"), [(OLD, False), (NEW, True)])
def test_built_in_tools_go_without_code_where_vertex_takes_one_kind(
    gemini: Any, built_in: str, model: str, takes: bool
) -> None:
    gemini.says("Fine.")
    answer = gemini.vertex(model=model).bind_tools([{built_in: {}}]).invoke("q")
    assert len(gemini.body["tools"]) == 1 + takes
    plan = answer.response_metadata["plan"]
    assert plan["code_execution"] == takes
    assert ("takes no code execution beside" in plan["reason"]) == (not takes)


# -- caches --------------------------------------------------------------------------------------------------


def test_what_a_cache_holds_is_not_sent_beside_it(wire: Any) -> None:
    wire.says(response({"text": "Fine."}))
    llm = wire.chat(cached_content="cachedContents/x")
    state = create_agent(llm, [weather], system_prompt="Be brief.").invoke(ASK)
    assert wire.bodies[-1].keys() == {"contents", "cachedContent"}
    assert "cache holds" in state["messages"][-1].response_metadata["plan"]["reason"]


def test_a_demanded_call_is_refused_beside_a_cache_at_once(wire: Any) -> None:
    llm = wire.chat(cached_content="cachedContents/x").bind_tools([weather], tool_choice="any")
    with pytest.raises(ConfigurationError, match="into the cache"):
        llm.invoke("q")
    assert not wire.bodies


# -- limits --------------------------------------------------------------------------------------------------

SYSTEM, HUMAN, MODEL = (
    SystemMessage("You are brief."),
    HumanMessage("What is it like?"),
    AIMessage("It is sunny."),
)
CALL = AIMessage("", tool_calls=[{"name": "weather", "args": {"city": "U"}, "id": "1"}])
REPLY = ToolMessage("Sunny.", tool_call_id="1")


@pytest.mark.parametrize(
    "window", [[], [AIMessage("")], [HumanMessage([])], [AIMessage([]), HumanMessage("")]]
)
def test_nothing_counts_nothing(gemini: Any, window: list[Any]) -> None:
    assert gemini.chat().get_num_tokens_from_messages(window) == 0
    assert not gemini.requests


@pytest.mark.parametrize(
    "window",
    [
        [SYSTEM],
        [MODEL],
        [CALL],
        [REPLY],
        [MODEL, HUMAN],
        [CALL, REPLY],
        [SYSTEM, MODEL],
        [SYSTEM, AIMessage("")],
    ],
)
def test_every_window_is_counted(gemini: Any, endpoint: str, window: list[Any]) -> None:
    assert gemini.on(endpoint).get_num_tokens_from_messages(window) > 0


@pytest.mark.parametrize("strategy", ["first", "last"])
@pytest.mark.parametrize("most", [0, 4, 12, 1000])
def test_histories_are_trimmed(gemini: Any, strategy: Any, most: int) -> None:
    history = [SYSTEM, HUMAN, CALL, REPLY, MODEL]
    trimmed = trim_messages(history, token_counter=gemini.chat(), max_tokens=most, strategy=strategy)
    assert [message in history for message in trimmed] == [True] * len(trimmed)
    assert (trimmed == history) == (most == 1000)


@pytest.mark.parametrize(
    ("message", "overflows"),
    [
        ("The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).", True),
        (
            "Unable to submit request because the input token count is 2 but model only supports up to 1.",
            True,
        ),
        ("top_k exceeds its maximum.", False),
    ],
)
def test_an_overflow_is_known_to_langchain(gemini: Any, message: str, overflows: bool) -> None:
    gemini.says(EmulatedError(400, message=message))
    with pytest.raises(InvalidRequestError) as caught:
        gemini.chat().invoke("q")
    assert isinstance(caught.value, ContextOverflowError) == overflows
    assert ("trim the conversation" in str(caught.value)) == overflows


@pytest.mark.parametrize(
    ("model", "facts"),
    [
        (NEW, {"max_input_tokens": 1_048_576, "structured_output": True, "tool_calling": True}),
        ("projects/p/locations/l/publishers/google/models/gemini-2.0-flash", {"max_output_tokens": 8_192}),
        ("gemini-1.5-pro-002", {"max_input_tokens": 2_097_152, "reasoning_output": False}),
        (
            "gemini-4-argon",
            {"max_output_tokens": 32_768, "reasoning_effort_levels": ["low", "medium", "high"]},
        ),
        (
            "gemini-3-flash-preview",
            {
                "reasoning_effort_levels": ["minimal", "low", "medium", "high"],
                "reasoning_effort_default": "high",
            },
        ),
        ("gemini-3.1-flash-lite", {"reasoning_effort_default": "minimal"}),
        ("gemini-3-pro-image-preview", {"reasoning_effort_levels": None, "reasoning_effort_default": None}),
        ("gemini-3.1-pro-preview", {"reasoning_effort_levels": ["low", "medium", "high"]}),
        ("gemini-3.6-flash", {"temperature": False, "reasoning_effort_default": "medium"}),
        ("gemini-2.5-pro", {"reasoning_effort_levels": None}),
        (
            "gemini-2.5-flash-image",
            {"image_outputs": True, "structured_output": False, "max_input_tokens": 32_768},
        ),
        ("gemini-2.5-pro-preview-tts", {"audio_outputs": True, "image_inputs": False, "tool_calling": False}),
        ("a-name-to-come", {"max_input_tokens": 1_048_576, "structured_output": True}),
    ],
)
def test_a_profile_tells_the_truth_of_a_family(model: str, facts: dict[str, Any]) -> None:
    profile = ChatGeminiCodeExecution(model=model, api_key="k").profile
    assert profile == model_profile(model)
    assert profile is not None
    assert {key: profile.get(key) for key in facts} == facts


def test_a_profile_of_ones_own_stays(scenes: Any) -> None:
    llm = scenes.chat(profile={"max_input_tokens": 100})
    SummarizationMiddleware(llm, trigger=("fraction", 0.8))
    assert llm.profile == {"max_input_tokens": 100}


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_a_planners_own_model_shows_no_tokens_in_the_users_stream(wire: Any, mode: str) -> None:
    wire.says(*in_chunks({"text": "Well "}, {"text": "then."}))
    inner = wire.chat(code_execution=False)

    def choose(_request: Any) -> Plan:
        inner.invoke("Which?")
        return Plan(code_execution=True, functions=(), reason="it said so")

    agent = create_agent(wire.chat(planner=choose), [clock])
    question = {"messages": [("user", "q")]}
    if mode == "sync":
        shown = [chunk.text for chunk, _ in agent.stream(question, stream_mode="messages")]
    else:
        shown = [chunk.text async for chunk, _ in agent.astream(question, stream_mode="messages")]
    assert "".join(shown) == "Well then."
    assert len(wire.bodies) == 2
