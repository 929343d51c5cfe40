import asyncio
import gc
import os
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing

import httpx
import pytest

from langchain_codeexec.gemini.endpoints import Endpoint
from langchain_codeexec.gemini.rest import RestTransport
from tests.gemini.conftest import CHUNK

ONE = httpx.Limits(max_connections=1)


def test_one_connection_serves_one_request_after_another(server, make_transport) -> None:
    transport = make_transport()
    for _ in range(5):
        transport.generate("m", {})
    assert server.connections == 1

    async def use() -> None:
        for _ in range(5):
            await transport.agenerate("m", {})

    asyncio.run(use())
    assert server.connections == 2


@pytest.mark.parametrize("ending", ["close", "exhaust", "error"])
def test_streams_give_their_only_connection_back(server, make_transport, ending: str) -> None:
    server.stream(CHUNK, CHUNK)
    with httpx.Client(limits=ONE) as client:
        transport = make_transport(client=client, timeout=20)
        chunks = transport.stream("m", {})
        next(chunks)
        match ending:
            case "close":
                chunks.close()
            case "exhaust":
                list(chunks)
            case "error":
                with pytest.raises(RuntimeError):
                    chunks.throw(RuntimeError)
        assert transport.generate("m", {}) == {}


@pytest.mark.parametrize("closes", [True, False])
def test_asynchronous_streams_give_their_only_connection_back(server, make_transport, closes: bool) -> None:
    never = threading.Event()
    server.stream(CHUNK, never, CHUNK)

    async def use() -> dict:
        async with httpx.AsyncClient(limits=ONE) as client:
            transport = make_transport(async_client=client, timeout=20)
            chunks = transport.astream("m", {})
            if closes:
                async with aclosing(chunks):
                    await anext(chunks)
            else:
                reading = asyncio.create_task(_read_all(chunks))
                await asyncio.to_thread(server.wait_for_requests, 1)
                reading.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await reading
            return await transport.agenerate("m", {})

    assert asyncio.run(use()) == {}
    never.set()


async def _read_all(chunks) -> list:
    return [chunk async for chunk in chunks]


def test_a_loop_may_end_with_a_stream_still_open(server, make_transport) -> None:
    never = threading.Event()
    server.stream(CHUNK, never, CHUNK)
    open_streams = []

    async def use() -> None:
        open_streams.append(make_transport().astream("m", {}))
        await anext(open_streams[0])

    asyncio.run(use())
    never.set()
    gc.collect()


def test_event_loops_in_turn_are_forgotten(server, make_transport) -> None:
    transport = make_transport()
    loops = []

    async def use() -> None:
        loops.append(weakref.ref(asyncio.get_running_loop()))
        await asyncio.gather(*(transport.agenerate("m", {}) for _ in range(3)))

    for _ in range(4):
        asyncio.run(use())
    transport.close()
    gc.collect()
    assert [loop() for loop in loops] == [None] * 4
    assert len(server.requests) == 12


def test_a_loop_may_go_on_after_closing_its_generators(server, make_transport) -> None:
    async def use() -> None:
        transport = make_transport()
        await transport.agenerate("m", {})
        await asyncio.get_running_loop().shutdown_asyncgens()
        with pytest.warns(ResourceWarning, match="was scheduled after"):
            await transport.agenerate("m", {})
        await transport.aclose()

    asyncio.run(use())
    assert server.connections == 2


def test_event_loops_side_by_side(server, make_transport) -> None:
    transport = make_transport()
    barrier = threading.Barrier(4)

    async def use() -> dict:
        barrier.wait(20)
        return (await asyncio.gather(*(transport.agenerate("m", {}) for _ in range(5))))[0]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: asyncio.run(use()), range(4))) == [{}] * 4
    assert len(server.requests) == 20


def test_thirty_threads_keep_their_connections(server, make_transport) -> None:
    transport = make_transport()
    all_there = threading.Event()
    for number in range(30):
        server.answer({"n": number}, after=all_there)
    with ThreadPoolExecutor(30) as pool:
        answers = [pool.submit(transport.generate, "m", {}) for _ in range(30)]
        server.wait_for_requests(30)
        all_there.set()
        assert sorted(answer.result()["n"] for answer in answers) == list(range(30))
        list(pool.map(lambda _: transport.generate("m", {}), range(30)))
    assert server.connections == 30


def test_fifty_tasks_keep_their_connections(server, make_transport) -> None:
    transport = make_transport()
    all_there = threading.Event()
    for _ in range(50):
        server.answer(after=all_there)

    async def release() -> None:
        await asyncio.to_thread(server.wait_for_requests, 50)
        all_there.set()

    async def use() -> None:
        await asyncio.gather(release(), *(transport.agenerate("m", {}) for _ in range(50)))
        await asyncio.gather(*(transport.agenerate("m", {}) for _ in range(50)))

    asyncio.run(use())
    assert server.connections == 50


def test_closed_transports_open_again(server, make_transport) -> None:
    transport = make_transport()

    async def use() -> None:
        await transport.aclose()
        for _ in range(2):
            await transport.agenerate("m", {})
            await transport.aclose()
            await transport.aclose()

    transport.close()
    transport.generate("m", {})
    asyncio.run(use())
    transport.close()
    transport.close()
    assert transport.generate("m", {}) == {}
    assert server.connections == 4


def test_dropped_transports_close_their_connections(server) -> None:
    async def use() -> None:
        transport = RestTransport(Endpoint("developer", server.url))
        await transport.agenerate("m", {})
        del transport
        gc.collect()
        await asyncio.sleep(0)

    RestTransport(Endpoint("developer", server.url)).generate("m", {})
    gc.collect()
    asyncio.run(use())
    gc.collect()  # a socket left open would be an error here: warnings are


PROGRAM = """
import asyncio, logging, os, threading
import httpx
logging.getLogger("asyncio").setLevel(logging.ERROR)  # in development mode it tells of slow machines
from langchain_codeexec.gemini.endpoints import Endpoint
from langchain_codeexec.gemini.rest import RestTransport
transport = RestTransport(Endpoint("developer", {url!r}))
"""
USING = """
transport.generate("m", {})
asyncio.run(transport.agenerate("m", {}))
"""
FORKING = """
opening, forked = threading.Event(), threading.Event()
real = httpx.Client

def slow(**settings):
    opening.set()
    forked.wait(20)
    return real(**settings)

async def use():
    await transport.agenerate("m", {})
    httpx.Client = slow
    thread = threading.Thread(target=transport.generate, args=("m", {}))
    thread.start()
    opening.wait(20)
    child = os.fork()  # while another thread opens a client, which the child will never see finished
    httpx.Client = real
    forked.set()
    if child == 0:
        return True
    thread.join()
    assert os.waitpid(child, 0)[1] == 0
    transport.generate("m", {})
    await transport.agenerate("m", {})
    return False

if asyncio.run(use()):
    transport.generate("m", {})
    asyncio.run(transport.agenerate("m", {}))
    transport.close()
"""


def run(server, program: str, *options: str) -> None:
    code = PROGRAM.format(url=server.url) + program
    ran = subprocess.run([sys.executable, *options, "-c", code], capture_output=True, check=False, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, b"")


def test_the_interpreter_ends_without_warnings(server) -> None:
    run(server, USING, "-X", "dev", "-W", "error")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_opens_connections_of_its_own(server) -> None:
    run(server, FORKING, "-W", "error", "-W", "ignore:This process:DeprecationWarning")
    assert len(server.requests) == 6
    assert server.connections == 4
