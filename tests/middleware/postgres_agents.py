"""Agents whose threads are in a real Postgres move between processes in mid-turn: a stage of CI, run by its name.

`python -m tests.middleware.postgres_agents DATABASE URL` is such a process: lines of JSON come in, a thread and what
it is given; lines go out, what it says.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langgraph.types import Command

from langchain_codeexec import ChatGeminiCodeExecution
from tests.middleware.test_killed_agents import (  # noqa: F401 -- with the database of this module
    test_no_call_that_had_a_result_is_made_again_after_a_kill,
)
from tests.services import NEW

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAMS = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)
RAN = [
    {
        "executableCode": {"language": "PYTHON", "code": "print('\\0', 2**70, 'x' * 1_000_000)", "id": "ran"},
        "thoughtSignature": "c2lnbmVk",
    },
    {
        "codeExecutionResult": {
            "outcome": "OUTCOME_OK",
            "output": f"\0 {2**70} {'x' * 1_000_000}\n",
            "id": "ran",
        }
    },
    {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
]


def work(database: str, url: str) -> None:
    from langgraph.checkpoint.postgres import PostgresSaver

    def refund(order: str) -> str:
        """Pay."""
        return f"paid {order}"

    llm = ChatGeminiCodeExecution(model=NEW, api_key="any", base_url=url, max_retries=0)
    review = HumanInTheLoopMiddleware({"refund": True}, interrupt_mode="per_call")
    with PostgresSaver.from_conn_string(database) as saver:
        agent: Any = create_agent(llm, [refund], middleware=[review], checkpointer=saver)
        for line in sys.stdin:
            thread, question = json.loads(line)
            given: Any = {"messages": question} if question else Command(resume={"type": "approve"})
            state = agent.invoke(given, {"configurable": {"thread_id": thread}})
            text = "waiting" if "__interrupt__" in state else state["messages"][-1].text
            sys.stdout.write(f"{json.dumps(text)}\n")
            sys.stdout.flush()


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """A server of its own, reached by a socket in its folder, which only its user may enter."""
    pytest.importorskip("langgraph.checkpoint.postgres", reason="needs langgraph-checkpoint-postgres")
    if PROGRAMS is None:
        pytest.skip("needs Debian's postgresql")
    from langgraph.checkpoint.postgres import PostgresSaver

    with TemporaryDirectory() as folder:
        user: Any = {"user": "postgres", "group": "postgres", "extra_groups": ()} if os.getuid() == 0 else {}
        if user:
            shutil.chown(folder, user["user"], user["group"])
        settings = f"-c listen_addresses='' -c fsync=off -k {folder}"
        server = str(PROGRAMS / "pg_ctl"), "--pgdata", f"{folder}/data", "--silent", "--wait"
        for arguments in (
            ["initdb", "-o", "--no-locale --encoding UTF8 --username postgres --auth trust"],
            ["start", "-o", settings, "--log", f"{folder}/log"],
        ):
            subprocess.run([*server, *arguments], cwd=folder, check=True, timeout=60, **user)
        try:
            address = f"postgresql://postgres@/postgres?host={folder}"
            with PostgresSaver.from_conn_string(address) as saver:
                saver.setup()
            yield address
        finally:
            subprocess.run(
                [*server, "stop", "--mode", "immediate"], cwd=folder, check=True, timeout=60, **user
            )


@contextmanager
def worker(database: str, url: str) -> Iterator[Any]:
    """A process, which is killed at the end."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.middleware.postgres_agents", database, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        stdin, stdout = process.stdin, process.stdout

        def give(thread: str, question: str = "") -> Any:
            stdin.write(f"{json.dumps([thread, question])}\n")
            stdin.flush()
            return json.loads(stdout.readline())

        yield give
        process.kill()


def test_conversations_with_executions_and_open_approvals_go_on_elsewhere(database, gemini):
    """What the model ran, its picture and its signatures are sent back as they came, by a process that never saw them."""

    def answer(prompt: Any) -> Any:
        last = prompt.request["contents"][-1]["parts"][-1]
        if "functionResponse" in last:
            return last["functionResponse"]["response"]["output"]
        if last["text"] == "Thanks.":
            return "You are welcome."
        call = {"name": "refund", "args": {"order": last["text"]}}
        return [*RAN, {"functionCall": call, "thoughtSignature": "Y2FsbA=="}]

    gemini.says(answer)
    threads = ["a", "b", "c"]
    with worker(database, gemini.url) as second:
        with worker(database, gemini.url) as first:
            assert [first(thread, f"order {thread}") for thread in threads] == ["waiting"] * 3
        assert [second(thread) for thread in threads] == [f"paid order {thread}" for thread in threads]
    with worker(database, gemini.url) as third:
        assert [third(thread, "Thanks.") for thread in threads] == ["You are welcome."] * 3
    first_turns, second_turns, third_turns = (gemini.bodies[start : start + 3] for start in (0, 3, 6))
    for asked, approved, thanked in zip(first_turns, second_turns, third_turns, strict=True):
        question, ran = approved["contents"][:2]
        assert [question] == asked["contents"]
        assert ran["parts"][:3] == RAN
        assert ran["parts"][3]["thoughtSignature"] == "Y2FsbA=="
        assert thanked["contents"][:3] == approved["contents"]
        assert len(thanked["contents"]) == 5


if __name__ == "__main__":
    work(*sys.argv[1:])
