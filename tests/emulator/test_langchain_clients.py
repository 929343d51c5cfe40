"""LangChain's own Google packages, unmodified, against the emulator."""

from __future__ import annotations

import json
import warnings
from typing import Any

import pytest
from google.oauth2.credentials import Credentials
from langchain_core.messages import HumanMessage, ToolMessage

OLD, NEW = "gemini-2.5-flash", "gemini-3-flash-preview"
CODE = {"executableCode": {"code": "print(sum(range(11)))"}}
CALL = {"functionCall": {"name": "weather", "args": {"city": "Utrecht"}}}
TOOL = {"code_execution": {}}

pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning:langchain_google_genai.*"),
    pytest.mark.filterwarnings("ignore::UserWarning:langchain_google_vertexai.*"),
]


def weather(city: str) -> str:
    """Tell the weather.

    Args:
        city: Where.
    """
    return f"Drizzle in {city}."


def genai_developer(url: str, model: str) -> Any:
    package = pytest.importorskip("langchain_google_genai", reason="langchain-google-genai is not installed")
    return package.ChatGoogleGenerativeAI(model=model, google_api_key="key", base_url=url, max_retries=1)


def genai_vertex(url: str, model: str) -> Any:
    package = pytest.importorskip("langchain_google_genai", reason="langchain-google-genai is not installed")
    where = {"vertexai": True, "project": "p", "location": "us-central1", "credentials": Credentials("token")}
    return package.ChatGoogleGenerativeAI(model=model, base_url=url, max_retries=1, **where)


def vertexai(url: str, model: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ChatVertexAI is deprecated
        package = pytest.importorskip(
            "langchain_google_vertexai", reason="langchain-google-vertexai is not installed"
        )
        where = {"project": "p", "location": "us-central1", "credentials": Credentials("token")}
        return package.ChatVertexAI(
            model=model, api_endpoint=url, api_transport="rest", max_retries=0, **where
        )


def _close(llm: Any) -> None:
    if hasattr(llm, "prediction_client"):
        llm.prediction_client.transport.close()
    else:
        llm.client.close()


@pytest.fixture(params=[genai_developer, genai_vertex, vertexai], ids=lambda build: build.__name__)
def connect(request, start):
    opened = []

    def run(script, model=NEW):
        client = start(script)
        opened.append(request.param(client.emulator.url, model))
        return opened[-1], client.emulator

    yield run
    for llm in opened:
        _close(llm)


def content_of(message) -> str:
    """The prose, and what code did, in whatever form the package gives it."""
    return json.dumps(message.content, default=str) + json.dumps(message.additional_kwargs, default=str)


def test_a_script_that_ended_is_not_tried_again_by_any_default(start):
    """ChatVertexAI is left out: by default it tries every error again, six times."""
    from langchain_codeexec import ChatGeminiCodeExecution
    from langchain_codeexec.errors import InvalidRequestError

    emulator = start([]).emulator
    package = pytest.importorskip("langchain_google_genai", reason="langchain-google-genai is not installed")
    settings = {"model": NEW, "api_key": "key", "base_url": emulator.url}
    ours = ChatGeminiCodeExecution(**settings)
    with pytest.raises(InvalidRequestError, match="The script has no step 1 for request 1"):
        ours.invoke("Go")
    ours.close()
    theirs = package.ChatGoogleGenerativeAI(**settings)
    with pytest.raises(Exception, match="FAILED_PRECONDITION"):
        theirs.invoke("Go")
    theirs.client.close()
    assert [request.status for request in emulator.requests] == [400, 400]


@pytest.mark.parametrize("model", [OLD, NEW])
def test_stream(connect, model):
    llm, emulator = connect([["One two three four five. ", CODE, "Done."]], model)
    chunks = list(llm.bind_tools([TOOL]).stream("Go"))
    assert len(chunks) > 2
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    assert "sum(range(11))" in content_of(whole)
    assert "Done." in content_of(whole)
    assert emulator.requests[0].streamed


@pytest.mark.parametrize("model", [OLD, NEW])
def test_a_function_round(connect, model):
    llm, emulator = connect([["Let me see.", CALL], "Drizzle."], model)
    bound = llm.bind_tools([weather])
    history = [HumanMessage("How is the weather?")]
    answer = bound.invoke(history)
    (call,) = answer.tool_calls
    assert (call["name"], call["args"]) == ("weather", {"city": "Utrecht"})
    history += [answer, ToolMessage(weather(**call["args"]), tool_call_id=call["id"], name="weather")]
    assert "Drizzle." in content_of(bound.invoke(history))
    emulator.assert_requested(regex="Drizzle in Utrecht", functions=["weather"])


@pytest.mark.parametrize("model", [OLD, NEW])
def test_code_runs_and_the_conversation_goes_on(connect, model):
    llm, emulator = connect([["Now. ", CODE, "55."], "You are welcome."], model)
    bound = llm.bind_tools([TOOL])
    history = [HumanMessage("Sum to ten")]
    answer = bound.invoke(history)
    assert "print(sum(range(11)))" in content_of(answer)
    assert "55" in content_of(answer)
    assert answer.usage_metadata["input_tokens"] > 0
    emulator.assert_requested(text="Sum to ten", tools=["codeExecution"])
    history += [answer, HumanMessage("Thanks")]
    assert "You are welcome." in content_of(bound.invoke(history))
    kinds = [next(iter(part)) for content in emulator.requests[1].contents for part in content["parts"]]
    assert "executableCode" in kinds
    assert "codeExecutionResult" in kinds


@pytest.mark.parametrize(
    "build", [genai_developer, genai_vertex]
)  # ChatVertexAI is asynchronous over gRPC only
async def test_async(start, build):
    client = start([["I add. ", CODE, "It is 55."], ["One two three four five. ", CODE, "Done."]])
    llm = build(client.emulator.url, NEW)
    bound = llm.bind_tools([TOOL])
    assert "55" in content_of(await bound.ainvoke("Sum to ten"))
    assert "Done." in "".join([content_of(chunk) async for chunk in bound.astream("Go")])
    await llm.client.aio.aclose()
    _close(llm)


@pytest.mark.parametrize("model", [OLD, NEW])
def test_a_model_or_a_quota_that_is_not_there(connect, model):
    llm, emulator = connect([], model)
    emulator.faults.add("quota")
    with pytest.raises(Exception, match=r"(?i)exhausted|quota"):
        llm.invoke("Go")
    unknown, _ = connect([], "gemini2-flash")
    with pytest.raises(Exception, match="gemini2-flash"):
        unknown.invoke("Go")


@pytest.mark.parametrize("build", [genai_vertex, vertexai])
def test_code_and_functions_together(start, build):
    """Only Vertex AI's newer models take both as they are; of the older ones the refusal comes through."""
    client = start([[CODE, CALL], "Drizzle."])
    llm = build(client.emulator.url, NEW)
    answer = llm.bind_tools([TOOL, weather]).invoke("Go")
    assert answer.tool_calls[0]["name"] == "weather"
    assert "55" in content_of(answer)
    older = build(client.emulator.url, OLD)
    with pytest.raises(Exception, match="Multiple tools are supported only when they are all search tools"):
        older.bind_tools([TOOL, weather]).invoke("Go")
    _close(llm)
    _close(older)


def test_a_malformed_call_is_no_crash(connect):
    llm, emulator = connect(lambda prompt: "Never said.")
    emulator.faults.add("malformed_call")
    answer = llm.bind_tools([weather]).invoke("Go")
    assert answer.tool_calls == []
    assert "MALFORMED_FUNCTION_CALL" in str(answer.response_metadata)
