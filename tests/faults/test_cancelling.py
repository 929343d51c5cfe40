"""Calls that are cancelled at any moment, by asyncio and by anyio, leave no task, thread or descriptor behind."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain.agents import create_agent

from langchain_codeexec import ChatGeminiCodeExecution, CodeExecutionMiddleware, CodeExecutionTool
from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain
from tests.services import NEW, OLD

CODE = {"executableCode": {"language": "PYTHON", "code": "print(1)"}}


async def invoking(llm: Any) -> None:
    await llm.ainvoke("q")


async def streaming(llm: Any) -> None:
    async for _ in llm.astream("q"):
        await asyncio.sleep(0)


async def batching(llm: Any) -> None:
    await llm.abatch(["q"] * 3)


async def with_tool(llm: Any) -> None:
    await CodeExecutionTool(llm=llm).ainvoke({"task": "q"})


async def with_middleware(llm: Any) -> None:
    agent = create_agent(llm, [], middleware=[CodeExecutionMiddleware()])
    await agent.ainvoke({"messages": [("user", "q")]})


async def delegating(llm: Any) -> None:
    def f(x: int) -> int:
        """A function."""
        return x

    await llm.bind_tools([f]).ainvoke("q", model=OLD)


STYLES = [invoking, streaming, batching, with_tool, with_middleware, delegating]


@pytest.fixture(scope="module")
def url():
    with GeminiEmulator(
        ScriptedBrain(lambda prompt: ["One two three four five six.", CODE, "Done."])
    ) as emulator:
        yield emulator.url


DESCRIPTORS = Path("/proc/self/fd")


def descriptors() -> int:
    return len(list(DESCRIPTORS.iterdir())) if DESCRIPTORS.is_dir() else 0


async def cancelled_by_task(work: Any, steps: int) -> None:
    task = asyncio.ensure_future(work)
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def cancelled_by_scope(work: Any, steps: int) -> None:
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:

            async def cancel() -> None:
                for _ in range(steps):
                    await asyncio.sleep(0)
                scope.cancel()

            group.start_soon(cancel)
            await work


async def cancelled_by_time(work: Any, steps: int) -> None:
    with anyio.move_on_after(steps / 10_000):
        await work


@settings(max_examples=8)
@given(
    calls=st.lists(
        st.tuples(
            st.sampled_from(STYLES),
            st.sampled_from([cancelled_by_task, cancelled_by_scope, cancelled_by_time]),
            st.integers(0, 60) | st.integers(0, 600),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_a_cancelled_call_leaves_nothing_behind(url, calls):
    async def run() -> None:
        llm = ChatGeminiCodeExecution(model=NEW, api_key="k", base_url=url, max_retries=0)
        await llm.ainvoke("q")  # opens what all calls share
        await llm.aclose()
        before = descriptors()
        for style, cancelled, steps in calls:
            await cancelled(style(llm), steps)
        if tasks := asyncio.all_tasks() - {asyncio.current_task()}:  # LangChain's, which tell callbacks
            assert not (await asyncio.wait(tasks, timeout=30))[1]
        await llm.aclose()
        await asyncio.wait_for(back_to(before), 30)
        assert (await llm.ainvoke("q")).text.endswith("Done.")
        await llm.aclose()

    asyncio.run(run())
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("codeexec")]


async def back_to(before: int) -> None:
    """Wait until the emulator, which lives in this process, has closed its ends too."""
    while descriptors() > before:
        await asyncio.sleep(0)
        await asyncio.to_thread(os.sched_yield)


@pytest.mark.parametrize("style", [invoking, streaming])
def test_calls_cancelled_by_anyio_use_one_connection_again(style, url):
    """Without closing: what a cancelled call held is given back, or closed, at once."""

    async def run() -> None:
        llm = ChatGeminiCodeExecution(model=NEW, api_key="k", base_url=url, max_retries=0)
        await llm.ainvoke("q")
        before = descriptors()
        for steps in range(0, 200, 5):
            await cancelled_by_scope(style(llm), steps)
        await asyncio.wait_for(back_to(before + 4), 30)
        await llm.aclose()

    asyncio.run(run())
