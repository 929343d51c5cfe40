"""What a call costs over a raw httpx POST of the same request to the same server."""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from typing import TYPE_CHECKING, Any

import httpx
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from langchain_codeexec import ChatGeminiCodeExecution

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

MODEL = "gemini-3-flash-preview"
PATH = f"/v1beta/models/{MODEL}:generateContent"
HEADERS = {"x-goog-api-key": "key"}


class Bare(BaseChatModel):
    """The least a chat model on langchain-core can be: a raw POST and the text."""

    url: str
    client: Any
    aclient: Any

    @property
    def _llm_type(self) -> str:
        return "bare"

    def _body(self, messages: Sequence[Any]) -> dict[str, Any]:
        roles = {"human": "user", "ai": "model"}
        return {"contents": [{"role": roles[m.type], "parts": [{"text": m.text}]} for m in messages]}

    def _result(self, response: Any) -> ChatResult:
        text = response["candidates"][0]["content"]["parts"][-1]["text"]
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text))])

    def _generate(self, messages: list, stop: Any = None, run_manager: Any = None, **_: Any) -> ChatResult:
        return self._result(self.client.post(self.url, json=self._body(messages), headers=HEADERS).json())

    async def _agenerate(
        self, messages: list, stop: Any = None, run_manager: Any = None, **_: Any
    ) -> ChatResult:
        response = await self.aclient.post(self.url, json=self._body(messages), headers=HEADERS)
        return self._result(response.json())


def paired(calls: dict[str, Callable[[], Any]], rounds: int, repeat: int) -> dict[str, float]:
    """Median seconds of each call, the calls taking turns so that the machine's drift hits all alike."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        for _ in range(3):
            call()
    gc.collect()
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            for _ in range(repeat):
                call()
            times[name].append((time.perf_counter() - start) / repeat)
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def conversation(url: str, turns: int) -> list[Any]:
    """A code-execution history of `turns` answers, as our model gave them, ending on a question."""
    llm = ours(url)
    messages: list[Any] = [HumanMessage("What is the sum of the first 50 primes?")]
    answer = llm.invoke(messages)
    for _ in range(turns):
        messages += [answer, HumanMessage("And of the first 51?")]
    return messages


def ours(url: str) -> ChatGeminiCodeExecution:
    return ChatGeminiCodeExecution(model=MODEL, api_key="key", base_url=url)


def genai(url: str) -> BaseChatModel | None:
    try:
        from langchain_google_genai import ChatGoogleGenerativeAI
    except ImportError:
        return None
    return ChatGoogleGenerativeAI(model=MODEL, api_key="key", base_url=url)


def measure_invoke(url: str, turns: int, *, rounds: int, repeat: int) -> dict[str, float]:
    """Median seconds of one `invoke` with a history of `turns` answers."""
    from langchain_codeexec.gemini.capabilities import Destination
    from langchain_codeexec.messages.to_wire import contents_from_messages

    messages = conversation(url, turns)
    contents, _ = contents_from_messages(messages, Destination(MODEL, "developer"))
    body = {"contents": contents, "tools": [{"codeExecution": {}}]}
    client = httpx.Client()
    bare = Bare(url=url + PATH, client=client, aclient=None)
    llm = ours(url)
    calls = {
        "raw httpx": lambda: client.post(url + PATH, json=body, headers=HEADERS).json(),
        "bare chat model": lambda: bare.invoke(messages),
        "langchain-codeexec": lambda: llm.invoke(messages),
    }
    if peer := genai(url):
        tooled = peer.bind_tools([{"code_execution": {}}])
        own = _peer_history(tooled, turns)
        calls["langchain-google-genai"] = lambda: tooled.invoke(own)
    return paired(calls, rounds, repeat)


def _peer_history(llm: Any, turns: int) -> list[Any]:
    messages: list[Any] = [HumanMessage("What is the sum of the first 50 primes?")]
    answer = llm.invoke(messages)
    for _ in range(turns):
        messages += [answer, HumanMessage("And of the first 51?")]
    return messages


def measure_abatch(url: str, *, size: int, rounds: int, concurrency: int = 50) -> dict[str, float]:
    """Median seconds of `size` requests with at most `concurrency` at a time, on one event loop."""
    question = "What is the sum of the first 50 primes?"
    body = {"contents": [{"role": "user", "parts": [{"text": question}]}], "tools": [{"codeExecution": {}}]}
    limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    config = {"max_concurrency": concurrency}

    async def run() -> dict[str, float]:
        async with httpx.AsyncClient(limits=limits) as client:
            gate = asyncio.Semaphore(concurrency)

            async def post() -> Any:
                async with gate:
                    return (await client.post(url + PATH, json=body, headers=HEADERS)).json()

            bare = Bare(url=url + PATH, client=None, aclient=client)
            llm = ours(url)
            calls: dict[str, Callable[[], Awaitable[Any]]] = {
                "raw httpx": lambda: asyncio.gather(*(post() for _ in range(size))),
                "bare chat model": lambda: bare.abatch([question] * size, config),
                "langchain-codeexec": lambda: llm.abatch([question] * size, config),
            }
            if peer := genai(url):
                tooled = peer.bind_tools([{"code_execution": {}}])
                calls["langchain-google-genai"] = lambda: tooled.abatch([question] * size, config)
            times: dict[str, list[float]] = {name: [] for name in calls}
            for turn in range(rounds + 1):
                for name, call in calls.items():
                    start = time.perf_counter()
                    await call()
                    if turn:
                        times[name].append(time.perf_counter() - start)
            await llm.aclose()
            return {name: statistics.median(seconds) for name, seconds in times.items()}

    return asyncio.run(run())
