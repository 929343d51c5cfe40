"""Connections are few, go back in time, and whoever waits for one learns why."""

import asyncio
import gc
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest

from langchain_codeexec.errors import ConfigurationError, GeminiConnectionError, GeminiTimeoutError
from langchain_codeexec.gemini import clients
from langchain_codeexec.gemini.endpoints import Endpoint
from langchain_codeexec.gemini.rest import RestTransport
from tests.faults.servers import HANG, raw_server
from tests.gemini.conftest import CHUNK

OPEN = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"%x\r\n%s\r\n" % (len(CHUNK), CHUNK)


def wait_until(condition) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


async def wait_on_loop_until(condition) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        await asyncio.sleep(0.01)


@pytest.fixture
def quick_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "_IDLE_SECONDS", 0.05)
    monkeypatch.setattr(clients, "_SWEEP_SECONDS", 0.01)


def test_a_burst_of_tasks_waits_and_gives_back(server, make_transport, quick_sweeps) -> None:
    transport = make_transport(max_connections=5)

    async def use() -> None:
        await asyncio.gather(*(transport.agenerate("m", {}) for _ in range(40)))
        pool = await transport._clients.of_loop()
        await wait_on_loop_until(lambda: len(pool._clients) <= 2 and not pool._closing)
        await transport.agenerate("m", {})
        await transport.aclose()

    asyncio.run(use())
    assert (server.connections, len(server.requests)) == (5, 41)


def test_a_burst_of_threads_waits_and_gives_back(server, make_transport, quick_sweeps) -> None:
    transport = make_transport(max_connections=5)
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: transport.generate("m", {}), range(40)))
    assert server.connections <= 5
    wait_until(lambda: len(transport._clients.of_threads()._clients) <= 2)
    assert transport.generate("m", {}) == {}


def test_who_holds_all_connections_is_told() -> None:
    with raw_server((OPEN, HANG)) as raw:
        transport = RestTransport(
            Endpoint("developer", raw.url), max_connections=1, timeout=0.2, max_retries=0
        )
        held = transport.stream("m", {})
        next(held)
        with pytest.raises(GeminiTimeoutError, match="max_connections=…"):
            transport.generate("m", {})
        with pytest.raises(GeminiTimeoutError, match=r"a free connection.*deadline=…"):
            transport.generate("m", {}, timeout=9, deadline=0.1)
        held.close()

        async def use() -> None:
            held = transport.astream("m", {})
            await anext(held)
            with pytest.raises(GeminiTimeoutError, match="max_connections=…"):
                await transport.agenerate("m", {})
            with pytest.raises(GeminiTimeoutError, match=r"a free connection.*deadline=…"):
                await transport.agenerate("m", {}, timeout=9, deadline=0.1)
            await held.aclose()

        asyncio.run(use())
        transport.close()


def test_waiting_goes_on_while_connections_come_back(server, make_transport) -> None:
    """A limit shorter than the queue, longer than each call."""
    transport = make_transport(max_connections=1, timeout=1)
    events = [threading.Event() for _ in range(4)]
    for event in events:
        server.answer(after=event)

    async def release() -> None:
        for number, event in enumerate(events, start=1):
            await asyncio.to_thread(server.wait_for_requests, number)
            await asyncio.sleep(0.4)
            event.set()

    async def use() -> None:
        await asyncio.gather(release(), *(transport.agenerate("m", {}) for _ in events))

    asyncio.run(use())
    assert server.connections == 1


@pytest.mark.parametrize("streams", [True, False])
def test_cancelling_by_anyio_gives_the_connection_back(streams: bool) -> None:
    with raw_server((OPEN, HANG)) as raw:

        async def use() -> None:
            transport = RestTransport(Endpoint("developer", raw.url))
            for _ in range(5):
                with anyio.move_on_after(0.05):
                    if streams:
                        async for _ in transport.astream("m", {}):
                            pass
                    else:
                        await transport.agenerate("m", {})
            pool = await transport._clients.of_loop()
            await wait_on_loop_until(lambda: not (pool._clients or pool._closing))
            assert pool._permits._value == 100
            await transport.aclose()

        asyncio.run(use())


ENDING = """
import asyncio, sys
from langchain_codeexec import ChatGeminiCodeExecution
kept = []

async def use():
    llm = ChatGeminiCodeExecution(model="m", api_key="k", base_url=sys.argv[1])
    for _ in range(3):
        kept.append(llm.astream("q"))
        await anext(kept[-1])

asyncio.run(use())
"""


def test_streams_still_referenced_when_their_loop_ends_print_nothing() -> None:
    event = b'data: {"candidates":[{"content":{"parts":[{"text":"x"}]}}]}\n\n'
    opened = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"%x\r\n%s\r\n" % (len(event), event)
    with raw_server((opened, HANG)) as raw:
        ran = subprocess.run(
            [sys.executable, "-W", "error", "-c", ENDING, raw.url],
            capture_output=True,
            check=False,
            timeout=120,
        )
    assert (ran.returncode, ran.stderr) == (0, b"")


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "5"])
def test_max_connections_that_cannot_be_used(value) -> None:
    with pytest.raises(ConfigurationError, match="max_connections"):
        RestTransport(Endpoint("developer"), max_connections=value)


def test_a_proxy_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch, generate) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://x")
    transport = RestTransport(Endpoint("developer", "https://nowhere.invalid"), max_connections=1)
    for _ in range(2):  # the permit was given back
        with pytest.raises(ConfigurationError, match="HTTPS_PROXY"):
            generate(transport, "m", {})


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://127.0.0.1:9", "nothing listens there"),
        ("https://no-such-host.invalid", "no such host"),
    ],
)
def test_what_does_not_heal_has_a_remedy(url: str, says: str, generate) -> None:
    with pytest.raises(GeminiConnectionError, match=says):
        generate(RestTransport(Endpoint("developer", url), max_retries=1), "m", {})


def test_streams_of_a_loop_closed_by_hand_end_silently(monkeypatch) -> None:
    ignored: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda info: ignored.append(info.exc_value))
    with (
        raw_server((OPEN, HANG)) as server,
        warnings.catch_warnings(action="ignore", category=ResourceWarning),
    ):
        transport = RestTransport(Endpoint("developer", server.url))
        loop = asyncio.new_event_loop()
        stream = transport.astream("m", {})
        loop.run_until_complete(anext(stream))
        loop.close()
        del stream
        gc.collect()
        transport.close()
        del transport, loop
        gc.collect()
    assert not ignored
