"""A batch on a real Ray cluster of two nodes, of which one is killed: a stage of CI, run by its name."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from contextlib import suppress
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import SystemMessage
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.runnables import RunnableLambda

from langchain_codeexec import ChatGeminiCodeExecution
from langchain_codeexec.batch import run_batch
from langchain_codeexec.errors import BatchError, ConfigurationError
from tests.batch.conftest import asked, read
from tests.services import NEW

ray = pytest.importorskip("ray", reason="needs Ray")
pytestmark = pytest.mark.enable_socket  # Ray looks for the machine's own address

MANY = [f"Question {number}?" for number in range(1, 41)]
SECRET = "a-key-that-nobody-logs"


@pytest.fixture(scope="module")
def cluster(_gemini):
    """A head without CPUs, where drivers are, and two nodes of one CPU."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    for _ in range(2):
        cluster.add_node(num_cpus=1)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def model_on_node(url: str) -> Any:
    """A model that says on which node it is, and in which process."""
    place = SystemMessage(f"{ray.get_runtime_context().get_node_id()} {os.getpid()}")
    llm = ChatGeminiCodeExecution(model=NEW, api_key="any", base_url=url, max_retries=0)
    return RunnableLambda(lambda messages: [place, *messages]) | llm


def test_rows_go_to_all_nodes_and_the_key_is_in_none_of_its_files(cluster, gemini, rows, tmp_path):
    report = run_batch(
        rows(*MANY), gemini.chat(api_key=SECRET), tmp_path / "a.jsonl", ray=cluster.address, ordered=True
    )
    written = read(tmp_path / "a.jsonl")
    assert [row["id"] for row in written] == list(range(1, 41))
    assert all(row["answer"] == f"re: {row['question']}" for row in written)
    assert (report.answered, report.repeated) == (40, 0)
    assert not ray.is_initialized()
    session = Path(cluster.head_node.get_session_dir_path())
    files = [path for path in session.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]


def test_whatever_ends_the_driver_the_next_one_goes_on(cluster, gemini, rows, tmp_path):
    started: list[Any] = []
    seen: list[str] = []

    def answer(prompt: Any) -> str:
        seen.append(asked(prompt))
        if len(seen) == 20:
            started[0].kill()
        return "Yes."

    gemini.says(answer)
    rows(*MANY)
    command = ["batch", "questions.jsonl", "-o", "a.jsonl", "--live", "-c", "4", "--ray", cluster.address]
    environment = {**os.environ, "GOOGLE_API_KEY": SECRET, "GOOGLE_GEMINI_BASE_URL": gemini.url}
    begin = partial(
        subprocess.Popen, [sys.executable, "-m", "langchain_codeexec", *command],
        cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with begin() as process:
        started.append(process)
        process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    before = len(read(tmp_path / "a.jsonl"))
    assert 15 <= before <= 20
    with begin() as process:
        stderr = process.communicate(timeout=60)[1]
    assert process.returncode == 0, stderr
    assert f"{40 - before} answered; {before} were there already" in stderr
    assert sorted(row["id"] for row in read(tmp_path / "a.jsonl")) == list(range(1, 41))
    assert len(seen) - 40 <= 4


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            ChatGeminiCodeExecution(model="m", api_key="k", rate_limiter=InMemoryRateLimiter()),
            "cannot be sent to Ray's workers: .*lock.* Give the batch a function that makes it",
        ),
        (lambda: 1 / 0, "no Ray worker is left, and none can be started: division by zero"),
    ],
)
def test_a_model_that_workers_cannot_have_is_named(cluster, rows, tmp_path, model, message):
    with pytest.raises((BatchError, ConfigurationError), match=message):
        run_batch(rows(*MANY), model, tmp_path / "a.jsonl", ray=cluster.address)


def test_no_cluster_is_named(rows, tmp_path):
    with pytest.raises(ConfigurationError, match="no Ray cluster can be used at 'nowhere': Invalid address"):
        run_batch(rows(*MANY), RunnableLambda(str), tmp_path / "a.jsonl", ray="nowhere")


def test_a_row_that_ends_its_worker_is_asked_twice_and_the_rest_goes_on(cluster, rows, tmp_path):
    @RunnableLambda
    def model(messages: Any) -> Any:
        if "3?" in messages[-1].content:
            os._exit(1)
        return messages[-1]

    report = run_batch(rows(*MANY[:9]), model, tmp_path / "a.jsonl", ray=cluster.address, concurrency=1)
    assert (report.answered, report.failed, report.repeated) == (8, 1, 1)
    [failed] = [row for row in read(tmp_path / "a.jsonl") if row["error"]]
    assert failed["id"] == 3
    assert "the Ray worker that asked was lost, and so was the next one" in failed["error"]


def test_rows_of_a_node_that_is_killed_are_asked_once_more_and_no_others(cluster, gemini, tmp_path):
    """All that is under way is held until it is known where, and one of these nodes is no more."""
    places: dict[str, list[str]] = defaultdict(list)  # where a question was asked
    held: dict[str, str] = {}
    full, killed = threading.Barrier(5), threading.Event()

    def answer(prompt: Any) -> str:
        question, place = asked(prompt), prompt.request["systemInstruction"]["parts"][0]["text"]
        places[question].append(place)
        if question.startswith("held") and not killed.is_set():
            held[question] = place
            full.wait(60)
            assert killed.wait(60)
        return "Yes."

    def questions() -> Any:
        early = count()
        while len({*chain(*places.values())}) < 2:
            yield {"question": f"early {(number := next(early))}"}
            assert number < 1000, "one node alone was asked"
        yield from ({"question": f"held {number}"} for number in range(4))
        yield from ({"question": f"late {number}"} for number in range(20))

    def kill() -> None:
        full.wait(60)
        node_id, process = held["held 0"].split()
        [node] = [node for node in cluster.worker_nodes if node.node_id == node_id]
        cluster.remove_node(node, allow_graceful=False)
        with suppress(ProcessLookupError):  # it notices before long that its node is gone
            os.kill(int(process), signal.SIGKILL)
        killed.set()

    gemini.says(answer)
    killer = threading.Thread(target=kill)
    killer.start()
    report = run_batch(
        questions(), partial(model_on_node, gemini.url), tmp_path / "a.jsonl",
        ray=cluster.address, concurrency=4,
    )  # fmt: skip
    killer.join()
    written = read(tmp_path / "a.jsonl")
    assert sorted(row["id"] for row in written) == list(range(1, len(places) + 1))
    lost = {question for question, place in held.items() if place == held["held 0"]}
    assert 1 <= len(lost) < 4
    assert {question: len(asked) for question, asked in places.items() if len(asked) > 1} == dict.fromkeys(
        lost, 2
    )
    assert (report.repeated, report.answered, report.failed) == (len(lost), len(places), 0)
