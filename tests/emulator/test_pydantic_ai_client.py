"""pydantic-ai's Google model, unmodified, against the emulator; it runs where pydantic-ai is installed."""

from __future__ import annotations

import pytest
from google import genai
from google.oauth2.credentials import Credentials

from langchain_codeexec.emulator import EmulatedError

pydantic_ai = pytest.importorskip("pydantic_ai", reason="pydantic-ai is not installed")
google = pytest.importorskip(
    "pydantic_ai.models.google", reason="pydantic-ai's google extra is not installed"
)
capabilities = pytest.importorskip("pydantic_ai.capabilities", reason="this pydantic-ai has no capabilities")
providers = pytest.importorskip("pydantic_ai.providers.google")
httpx2 = pytest.importorskip("httpx2")
messages = pytest.importorskip("pydantic_ai.messages")

OLD, NEW = "gemini-2.5-flash", "gemini-3-flash-preview"
CODE = {"executableCode": {"code": "print(sum(range(11)))"}}
CALL = {"functionCall": {"name": "weather", "args": {"city": "Utrecht"}}}


def client_of(endpoint, url, http):
    """The provider pydantic-ai makes itself, or one around Google's client for Vertex AI."""
    if endpoint == "developer":
        return providers.GoogleProvider(api_key="key", base_url=url, http_client=http)
    options = genai.types.HttpOptions(base_url=url, httpx_async_client=http)
    where = {"project": "p", "location": "us-central1", "credentials": Credentials("token")}
    return providers.GoogleProvider(client=genai.Client(vertexai=True, http_options=options, **where))


@pytest.fixture(params=["developer", "vertex"])
async def agent(request, start):
    opened = []

    def run(script, model=NEW, *, code=True, **settings):
        client = start(script)
        http = httpx2.AsyncClient(timeout=60)
        opened.append(http)
        provider = client_of(request.param, client.emulator.url, http)
        tools = [capabilities.NativeTool(pydantic_ai.CodeExecutionTool())] if code else []
        return pydantic_ai.Agent(
            google.GoogleModel(model, provider=provider), capabilities=tools, **settings
        ), client.emulator

    yield run
    for http in opened:
        await http.aclose()


def parts_of(result, kind):
    return [part for message in result.all_messages() for part in message.parts if isinstance(part, kind)]


@pytest.mark.parametrize("model", [OLD, NEW])
async def test_code_execution_and_a_conversation(agent, model):
    llm, emulator = agent([["I add. ", CODE, "It is 55."], "You are welcome."], model)
    result = await llm.run("Sum to ten")
    assert "It is 55." in result.output
    (call,) = parts_of(result, messages.NativeToolCallPart)
    (returned,) = parts_of(result, messages.NativeToolReturnPart)
    assert "print(sum(range(11)))" in str(call.args)
    assert "55" in str(returned.content)
    assert result.usage.total_tokens > 0
    again = await llm.run("Thanks", message_history=result.all_messages())
    assert again.output == "You are welcome."
    kinds = [next(iter(part)) for content in emulator.requests[1].contents for part in content["parts"]]
    assert {"executableCode", "codeExecutionResult"} <= set(kinds)


@pytest.mark.parametrize("code", [True, False])
async def test_a_function_with_code_and_without(agent, code):
    def weather(city: str) -> str:
        """Tell the weather."""
        return f"Drizzle in {city}."

    llm, emulator = agent([[CODE, CALL] if code else [CALL], "Drizzle."], code=code, tools=[weather])
    assert (await llm.run("How is the weather?")).output == "Drizzle."
    tools = {"codeExecution", "functionDeclarations"} if code else {"functionDeclarations"}
    emulator.assert_requested(times=2, tools=tools, functions=["weather"])
    emulator.assert_requested(text="Drizzle in Utrecht")


async def test_errors(agent):
    llm, emulator = agent([EmulatedError(429, message="Slow down."), "Fine."])
    with pytest.raises(pydantic_ai.ModelHTTPError, match="Slow down") as caught:
        await llm.run("Go")
    assert caught.value.status_code == 429
    emulator.faults.add("quota")
    with pytest.raises(pydantic_ai.ModelHTTPError, match="RESOURCE_EXHAUSTED"):
        await llm.run("Go")
    assert (await llm.run("Go")).output == "Fine."


async def test_a_streamed_answer_is_good_history(agent):
    llm, emulator = agent([["I add. ", CODE, "It is 55."], "You are welcome."])
    async with llm.run_stream("Sum to ten") as result:
        text = "".join([piece async for piece in result.stream_text(delta=True)])
    assert text.endswith("It is 55.")
    assert emulator.requests[0].streamed
    assert (await llm.run("Thanks", message_history=result.all_messages())).output == "You are welcome."
    sent_back = [next(iter(part)) for part in emulator.requests[1].contents[1]["parts"]]
    assert sent_back[:3] == ["text", "executableCode", "codeExecutionResult"]
