"""Together with others: LangChain's Google package, agents, checkpoints, histories."""

import base64
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.chat_history import InMemoryChatMessageHistory
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage, merge_message_runs, trim_messages
from langchain_core.output_parsers import StrOutputParser
from langchain_core.output_parsers.openai_functions import JsonOutputFunctionsParser
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.runnables.history import RunnableWithMessageHistory
from langchain_google_genai import ChatGoogleGenerativeAI
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.prebuilt import create_react_agent

from langchain_codeexec import code_executions
from tests.calls import WHOLE_AND_STREAMED
from tests.services import NEW

RUN = {"executableCode": {"code": "print(6 * 7)"}}
CALL = {"functionCall": {"name": "weather", "args": {"city": "Utrecht"}}}
FLAG = "include_server_side_tool_invocations"
IMAGE = {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(b"\x89PNG").decode()}}


def weather(city: str) -> str:
    """Tell the weather."""
    return f"Sunny in {city}."


@pytest.fixture
def theirs(gemini: Any) -> ChatGoogleGenerativeAI:
    return ChatGoogleGenerativeAI(model=NEW, google_api_key="key", base_url=gemini.url, max_retries=1)


# -- answers of the one read by the other ----------------------------------------------------------------------

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:langchain_google_genai.*")


TEXT, CODE = ["Hello there."], ["I run it.", RUN, "It is 42."]
FAILED = [{"executableCode": {"code": "1/0"}}, "It failed."]


@WHOLE_AND_STREAMED
def test_parsers_of_openai_functions_read_the_first_call(gemini: Any, ask: Any) -> None:
    gemini.says([RUN, CALL, {"functionCall": {"name": "weather", "args": {"city": "Köln"}}}])
    answer = ask(gemini.chat().bind_tools([weather]))
    assert JsonOutputFunctionsParser(args_only=False).invoke(answer) == {
        "name": "weather",
        "arguments": {"city": "Utrecht"},
    }


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param(TEXT, id="text"),
        pytest.param(CODE, id="run"),
        pytest.param(["I run it.", RUN, RUN, IMAGE, "Two runs and a plot."], id="runs and a plot"),
        pytest.param([{"executableCode": {"code": "x = 1"}}, "Nothing printed."], id="run without output"),
        pytest.param(FAILED, id="failed run"),
        pytest.param([RUN, CALL], id="run and call"),
    ],
)
@WHOLE_AND_STREAMED
def test_the_other_package_reads_our_answers(gemini: Any, theirs: Any, parts: list[Any], ask: Any) -> None:
    gemini.says(parts, "Fine.")
    both = theirs.bind_tools([weather, {"code_execution": {}}], tool_config={FLAG: True})
    answer = ask(gemini.chat().bind_tools([weather]))
    assert both.invoke(followed(answer)).text == "Fine."


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param(TEXT, id="text"),
        pytest.param(CODE, id="run"),
        pytest.param(FAILED, id="failed run"),
        pytest.param([CALL], id="call"),
        pytest.param([{"text": "Let me think.", "thought": True}, "Hello."], id="thought"),
    ],
)
@pytest.mark.parametrize("output_version", ["v0", "v1"])
@WHOLE_AND_STREAMED
def test_we_read_the_other_packages_answers(
    gemini: Any, theirs: Any, parts: list[Any], output_version: str, ask: Any
) -> None:
    gemini.says(parts, "Fine.")
    theirs.output_version = output_version
    answer = ask(theirs.bind_tools([weather] if CALL in parts else [{"code_execution": {}}]))
    assert gemini.chat().bind_tools([weather]).invoke(followed(answer)).text == "Fine."
    contents = [content for content in gemini.body["contents"] if content["role"] == "model"]
    sent = [part for content in contents for part in content["parts"]]
    assert sum("executableCode" in part for part in sent) == sum("executableCode" in part for part in parts)


def followed(answer: AIMessage) -> list[Any]:
    """A conversation that goes on after an answer."""
    replies = [ToolMessage(weather("Utrecht"), tool_call_id=call["id"]) for call in answer.tool_calls]
    return [HumanMessage("q"), answer, *replies, HumanMessage("n")]


# -- agents ----------------------------------------------------------------------------------------------------


AGENT_SCRIPT = [
    ["Let me look.", RUN, CALL, CALL],
    ["And compute.", {"executableCode": {"code": "print('Utrecht'.upper())"}}, "UTRECHT is sunny."],
]


@pytest.mark.filterwarnings("ignore:create_react_agent has been moved")
@pytest.mark.parametrize("make", [create_agent, create_react_agent])
def test_an_agent_with_functions_and_code_runs_to_its_end(gemini: Any, endpoint: str, make: Any) -> None:
    gemini.says(*AGENT_SCRIPT)
    state = make(gemini.on(endpoint), [weather]).invoke({"messages": [HumanMessage("q")]})
    kinds = [message.type for message in state["messages"]]
    assert kinds == ["human", "ai", "tool", "tool", "ai"]
    outputs = [run.output for message in state["messages"] for run in code_executions(message)]
    assert outputs == ["42\n", "UTRECHT\n"]
    assert state["messages"][-1].text.endswith("UTRECHT is sunny.")


async def test_an_agent_streams(gemini: Any) -> None:
    gemini.says(*AGENT_SCRIPT)
    llm = gemini.chat()
    stream = create_agent(llm, [weather]).astream({"messages": "q"}, stream_mode="messages")
    messages = [message async for message, _ in stream]
    await llm.aclose()
    text = "".join(message.text for message in messages if message.type.startswith("AI"))
    assert text.endswith("UTRECHT is sunny.")
    assert [message.content for message in messages if message.type == "tool"] == ["Sunny in Utrecht."] * 2


@pytest.mark.parametrize("streamed", [False, True])
def test_a_checkpointer_keeps_the_messages(gemini: Any, tmp_path: Any, streamed: bool) -> None:
    gemini.says(*AGENT_SCRIPT, "Fine.")
    thread: Any = {"configurable": {"thread_id": "1"}}
    with SqliteSaver.from_conn_string(str(tmp_path / "checkpoints.db")) as saver:
        agent = create_agent(gemini.chat(streaming=streamed or None), [weather], checkpointer=saver)
        first = agent.invoke({"messages": [HumanMessage("q")]}, thread)
    with SqliteSaver.from_conn_string(str(tmp_path / "checkpoints.db")) as saver:
        agent = create_agent(gemini.chat(), [weather], checkpointer=saver)
        kept = agent.get_state(thread).values["messages"]
        agent.invoke({"messages": [HumanMessage("n")]}, thread)
    assert kept == first["messages"]
    before, after = gemini.bodies[1]["contents"], gemini.bodies[2]["contents"]
    assert after[: len(before)] == before
    parts = [part for content in after for part in content["parts"] if "executableCode" in part]
    assert [part["executableCode"]["code"] for part in parts] == ["print(6 * 7)", "print('Utrecht'.upper())"]


# -- LangChain's own helpers -----------------------------------------------------------------------------------


def test_a_chain_of_prompt_model_and_parser(gemini: Any) -> None:
    gemini.says(["I run it. ", RUN, "It is 42."])
    prompt = ChatPromptTemplate([("system", "Be brief."), ("human", "{question}")])
    assert (prompt | gemini.chat() | StrOutputParser()).invoke({"question": "q"}) == "I run it. It is 42."
    assert gemini.body["systemInstruction"] == {"parts": [{"text": "Be brief."}]}


@pytest.mark.filterwarnings("ignore:.*deprecated")
def test_a_chain_with_a_history(gemini: Any) -> None:
    gemini.says(["I run it. ", RUN, "It is 42."], "Fine.")
    history = InMemoryChatMessageHistory()
    prompt = ChatPromptTemplate([MessagesPlaceholder("history"), ("human", "{question}")])
    chain = RunnableWithMessageHistory(
        prompt | gemini.chat(), lambda: history, input_messages_key="question", history_messages_key="history",
        history_factory_config=[],
    )  # fmt: skip
    chain.invoke({"question": "q"})
    chain.invoke({"question": "n"})
    assert [message.type for message in history.messages] == ["human", "ai", "human", "ai"]
    assert "executableCode" in gemini.body["contents"][1]["parts"][1]


@pytest.mark.parametrize("strategy", ["first", "last"])
@pytest.mark.parametrize("kept", range(1, 8))
def test_trimmed_and_merged_messages_are_accepted(gemini: Any, strategy: str, kept: int) -> None:
    gemini.says(*AGENT_SCRIPT, "Fine.")
    llm = gemini.chat()
    state = create_agent(llm, [weather]).invoke({"messages": "q"})
    messages = [*state["messages"], HumanMessage("n")]
    trimmed = trim_messages(messages, max_tokens=kept, token_counter=len, strategy=strategy)
    for history in (trimmed, merge_message_runs(trimmed)):
        assert llm.bind_tools([weather]).invoke(history).text == "Fine."
