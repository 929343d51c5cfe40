"""What LangChain builds around a chat model: caches, limits, callbacks, configuration, storage, threads."""

import asyncio
import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from google.oauth2.credentials import Credentials
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.load import dumpd, dumps, load
from langchain_core.messages import HumanMessage
from langchain_core.rate_limiters import BaseRateLimiter
from langchain_core.runnables import ConfigurableField, RunnableBinding
from langchain_core.tracers.context import collect_runs

from langchain_codeexec import ChatGeminiCodeExecution, code_executions
from langchain_codeexec.errors import ConfigurationError
from tests.calls import ainvoked, astreamed, invoked, streamed
from tests.services import NEW, OLD

RUN = ["I run it. ", {"executableCode": {"code": "print(6 * 7)"}}, "The answer is forty two, of course."]


def weather(city: str) -> str:
    """Tell the weather."""
    return f"Sunny in {city}."


# -- caches ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ask", [invoked, ainvoked])
def test_a_cache_answers_the_same_question_once(gemini: Any, ask: Any) -> None:
    gemini.says(RUN)
    llm = gemini.chat(cache=InMemoryCache())
    first, second = ask(llm), ask(llm)
    assert len(gemini.requests) == 1
    assert second.content == first.content
    assert [run.output for run in code_executions(second)] == ["42\n"]


@pytest.mark.parametrize(
    "other",
    [
        lambda llm: llm.bind(temperature=1),
        lambda llm: llm.bind(code_execution=False),
        lambda llm: llm.bind_tools([weather]),
        lambda llm: llm.bind(stop=["x"]),
    ],
)
def test_a_cache_tells_other_settings_apart(gemini: Any, other: Any) -> None:
    gemini.says(RUN)
    llm = gemini.chat(cache=InMemoryCache())
    llm.invoke("q")
    other(llm).invoke("q")
    assert len(gemini.requests) == 2


# -- rate limits -----------------------------------------------------------------------------------------------


class Counting(BaseRateLimiter):
    """Lets everything pass and counts it."""

    def __init__(self) -> None:
        self.passed = 0

    def acquire(self, *, blocking: bool = True) -> bool:
        self.passed += 1
        return True

    async def aacquire(self, *, blocking: bool = True) -> bool:
        return self.acquire()


def test_a_rate_limiter_counts_every_call(gemini: Any) -> None:
    gemini.says("Fine.")
    llm = gemini.chat(rate_limiter=Counting())
    for ask in (invoked, streamed, ainvoked, astreamed):
        ask(llm)
    assert llm.rate_limiter.passed == 4


# -- callbacks -------------------------------------------------------------------------------------------------


class Recording(BaseCallbackHandler):
    """Notes what it hears."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.ends: list[Any] = []
        self.errors: list[BaseException] = []
        self.starts: list[dict[str, Any]] = []

    def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> None:
        self.starts.append({"serialized": serialized, **kwargs})

    def on_llm_new_token(self, token: Any, *, chunk: Any = None, **kwargs: Any) -> None:
        self.texts.append(chunk.text)

    def on_llm_end(self, response: Any, **kwargs: Any) -> None:
        self.ends.append(response.generations[0][0].message)

    def on_llm_error(self, error: BaseException, **kwargs: Any) -> None:
        self.errors.append(error)


def test_callbacks_hear_tokens_and_the_end(gemini: Any) -> None:
    gemini.says(RUN)
    handler = Recording()
    text = "".join(chunk.text for chunk in gemini.chat().stream("q", {"callbacks": [handler]}))
    assert "".join(handler.texts) == text
    [message] = handler.ends
    assert message.text == text
    assert code_executions(message)


def test_callbacks_hear_errors(gemini: Any) -> None:
    handler = Recording()
    with pytest.raises(ConfigurationError):
        gemini.chat().invoke("q", {"callbacks": [handler]}, mood="glad")
    assert isinstance(handler.errors[0], ConfigurationError)


def test_traces_know_the_model_and_no_secret(gemini: Any) -> None:
    gemini.says("Fine.")
    handler = Recording()
    llm = gemini.chat(api_key="very-secret", temperature=0.5, max_output_tokens=9)
    with collect_runs() as runs:
        llm.bind_tools([weather]).invoke("q", {"callbacks": [handler]}, stop=["x"], max_tokens=5)
    [start] = handler.starts
    expected = {
        "ls_model_name": NEW,
        "ls_provider": "google_genai",
        "ls_model_type": "chat",
        "ls_temperature": 0.5,
        "ls_stop": ["x"],
        "ls_max_tokens": 5,
    }
    assert not hasattr(llm, "_add_version") or "langchain-codeexec" in start["metadata"]["lc_versions"]
    assert {key: start["metadata"][key] for key in expected} == expected
    assert start["invocation_params"]["tools"][0]["function"]["name"] == "weather"
    assert "very-secret" not in f"{start!r}"
    assert "very-secret" not in runs.traced_runs[0].model_dump_json()


# -- configuration ---------------------------------------------------------------------------------------------


def test_fields_can_be_made_configurable(gemini: Any) -> None:
    gemini.says("Fine.")
    llm = gemini.chat(seed=1).configurable_fields(
        temperature=ConfigurableField(id="t"), model=ConfigurableField(id="m")
    )
    llm.with_config(configurable={"t": 0.25, "m": OLD}).invoke("q")
    llm.invoke("q")
    assert [request.model for request in gemini.requests] == [OLD, NEW]
    assert [body["generationConfig"] for body in gemini.bodies] == [
        {"seed": 1, "temperature": 0.25},
        {"seed": 1},
    ]


def test_a_configured_model_stays_with_its_service(wire: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", "k")
    llm = ChatGeminiCodeExecution(model="m", vertexai=True, project="p", base_url=wire.url)
    llm.configurable_fields(temperature=ConfigurableField(id="t")).invoke("q", {"configurable": {"t": 0}})
    assert "projects/p/" in wire.paths[-1]
    assert "x-goog-api-key" not in wire.headers[-1]


def test_settings_may_be_changed_later(gemini: Any) -> None:
    gemini.says("Fine.")
    llm = gemini.chat()
    llm.temperature = 1.0
    llm.api_key = None
    llm.vertexai, llm.project, llm.credentials = True, "p", gemini.vertex().credentials
    llm.invoke("q")
    assert gemini.requests[-1].endpoint == "vertex"
    assert gemini.body["generationConfig"] == {"temperature": 1.0}


# -- storage ---------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:.*is in beta")
def test_a_saved_model_holds_no_secrets(gemini: Any) -> None:
    service_account = {"type": "service_account", "private_key": "very-secret", "client_email": "a@b"}
    llm = gemini.chat(api_key="very-secret")
    for model in (llm, llm.model_copy(update={"credentials": service_account})):
        assert "very-secret" not in repr(model)
        assert "very-secret" not in dumps(model)


@pytest.mark.filterwarnings("ignore:.*is in beta")
def test_a_saved_model_is_revived_with_its_tools(gemini: Any) -> None:
    gemini.says("Fine.")
    bound = gemini.chat(temperature=0.5, stop=["x"]).bind_tools([weather], tool_choice="any")
    revived = load(
        dumpd(bound),
        secrets_map={"GOOGLE_API_KEY": "k"},
        allowed_objects=[ChatGeminiCodeExecution, RunnableBinding],
        valid_namespaces=["langchain_codeexec", "langchain"],
    )
    revived.invoke("q")
    assert revived.bound.api_key.get_secret_value() == "k"
    assert gemini.body["tools"][0]["functionDeclarations"][0]["name"] == "weather"
    assert gemini.body["generationConfig"] == {"temperature": 0.5, "stopSequences": ["x"]}


@pytest.mark.parametrize(
    "copied",
    [
        copy.copy,
        copy.deepcopy,
        pytest.param(lambda llm: pickle.loads(pickle.dumps(llm)), id="pickle"),
        pytest.param(lambda llm: llm.model_copy(update={"temperature": 1.0}), id="model_copy"),
        pytest.param(lambda llm: llm.model_copy(deep=True), id="model_copy deep"),
    ],
)
@pytest.mark.parametrize("used", [False, True])
def test_copies_work_and_leave_the_original_alone(
    gemini: Any, endpoint: str, copied: Any, used: bool
) -> None:
    gemini.says(RUN)
    credentials = {"credentials": Credentials("token")} if endpoint == "vertex" else {}
    llm = gemini.on(endpoint, seed=1, **credentials)
    if used:
        llm.invoke("q")
    other = copied(llm)
    answers = [other.invoke("q"), llm.invoke("q")]
    other.close()
    assert answers[0].text == answers[1].text
    assert type(other) is type(llm)
    assert other.seed == 1
    assert {request.endpoint for request in gemini.requests} == {endpoint}


# -- threads and event loops -----------------------------------------------------------------------------------


def repeat(prompt: Any) -> str:
    return prompt.request["contents"][0]["parts"][0]["text"]


def test_threads_share_a_model(gemini: Any) -> None:
    gemini.says(repeat)
    llm = gemini.chat()
    questions = [f"question {number}" for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(llm.invoke, questions))
    assert [answer.text for answer in answers] == questions


def test_event_loops_share_a_model(gemini: Any) -> None:
    gemini.says(repeat)
    llm = gemini.chat()

    async def ask(questions: list[str]) -> list[str]:
        answers = await llm.abatch(questions)
        await llm.aclose()
        return [answer.text for answer in answers]

    for number in range(3):
        questions = [f"question {number} {turn}" for turn in range(3)]
        assert asyncio.run(ask(questions)) == questions


# -- other transports ------------------------------------------------------------------------------------------


class Canned:
    """A transport that needs no network."""

    endpoint = "developer"
    closed = 0

    def generate(self, model: str, request: Any, *, timeout: float | None = None) -> dict[str, Any]:
        text = f"{model} {timeout} {request['contents'][0]['parts'][0]['text']}"
        return {"candidates": [{"content": {"parts": [{"text": text}]}, "finishReason": "STOP"}]}

    def close(self) -> None:
        self.closed += 1


def test_a_transport_of_ones_own() -> None:
    transport = Canned()
    llm = ChatGeminiCodeExecution(model="m", transport=transport, timeout=5)
    assert llm.invoke([HumanMessage("q")]).text == "m 5.0 q"
    assert llm.invoke("q", timeout=7).text == "m 7 q"
    llm.close()
    assert transport.closed == 1
