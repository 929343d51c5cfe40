"""What ran is written down: one record for each execution, tokens with the answers, and no record cut unnoticed."""

from __future__ import annotations

import json
import logging
import resource
import subprocess
import sys
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import create_agent
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from langchain_codeexec import PythonTool, code_executions
from langchain_codeexec.control import AuditFile, AuditLog, OpenTelemetryHandler, Redactor
from langchain_codeexec.errors import AuditError, ConfigurationError
from tests.control.runs import executions
from tests.middleware.agent_shop import parts_of

if TYPE_CHECKING:
    from pathlib import Path

    from langchain_codeexec import LocalSandbox
    from langchain_codeexec.emulator import Prompt
    from tests.services import Gemini

TURNS = 6
NATIVE = {"executableCode": {"code": "print(6 * 7)"}}


def mixed(prompt: Prompt) -> Any:
    """A program for the tool, in every other turn two; then code that runs at Gemini's."""
    if parts_of({"contents": prompt.request["contents"][-1:]}, "functionResponse"):
        return [NATIVE, "Once more: ", NATIVE, "It is 42."]
    turn = len(parts_of(prompt.request, "text"))
    calls = [{"functionCall": {"name": "python", "args": {"code": code}}} for code in ("print(1)", "1 / 0")]
    return calls[: 1 + turn % 2]


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


@pytest.mark.parametrize("is_async", [False, True])
async def test_all_that_count_executions_and_tokens_agree(
    gemini: Gemini, sandbox: LocalSandbox, tmp_path: Path, is_async: bool
):
    gemini.says(mixed)
    spans, metrics, heard = InMemorySpanExporter(), InMemoryMetricReader(), RunCollectorCallbackHandler()
    tracer_provider = TracerProvider()
    tracer_provider.add_span_processor(SimpleSpanProcessor(spans))
    otel = OpenTelemetryHandler(tracer_provider, MeterProvider([metrics]))
    audit = AuditLog(tmp_path / "audit.jsonl")
    llm = gemini.chat()
    agent = create_agent(llm, [PythonTool(sandbox)])
    messages: list[Any] = []
    for turn in range(TURNS):
        config: Any = {"callbacks": [heard, otel, audit], "configurable": {"thread_id": str(turn % 3)}}
        question = {"messages": [("user", "q"), *[("user", "again")] * (turn % 2)]}
        state = await agent.ainvoke(question, config) if is_async else agent.invoke(question, config)
        messages += state["messages"]
    await llm.aclose()
    records = lines_of(tmp_path / "audit.jsonl")
    written = [record for record in records if record["kind"] == "execution"]
    ran = code_executions(messages)
    runs = [run for _, run in executions(heard.traced_runs)]
    named = [span for span in spans.get_finished_spans() if span.name == "execute_tool code_interpreter"]
    assert len(ran) == len(written) == len(runs) == len(named) > 3 * TURNS
    for each in (written, [run.outputs["output"] for run in runs]):
        assert sorted((one["outcome"], one["output"]) for one in each) == sorted(
            (run.outcome, run.output) for run in ran
        )
    answers = {record["message_id"]: record for record in records if record["kind"] == "answer"}
    used = [message.usage_metadata for message in messages if message.type == "ai"]
    assert sorted(map(str, used)) == sorted(str(record["tokens"]) for record in answers.values())
    [usage] = [
        metric
        for metric in metrics.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
        if metric.name == "gen_ai.client.token.usage"
    ]
    counted = {point.attributes["gen_ai.token.type"]: point.sum for point in usage.data.data_points}
    assert counted == {kind: sum(each[f"{kind}_tokens"] for each in used) for kind in ("input", "output")}
    ids = {name for answer in answers.values() for name in (answer["run_id"], answer["message_id"])}
    assert {record["answer"] for record in written} <= ids
    assert {record["thread"] for record in records} == {"0", "1", "2"}
    assert not otel._runs
    assert not audit._started


def test_a_record_says_what_ran_and_what_came_of_it(gemini: Gemini):
    gemini.says([NATIVE, "It is 42."])
    records: list[Any] = []
    answer = gemini.chat().invoke(
        "q", {"callbacks": [AuditLog(records.append)], "metadata": {"thread_id": "7"}}
    )
    execution, of_answer = records
    assert {key: execution.pop(key) for key in ("started", "at")}.keys() == {"started", "at"}
    assert execution.pop("parent_run_id") == execution.pop("answer") == of_answer["run_id"]
    assert execution.pop("run_id")
    code = NATIVE["executableCode"]["code"]
    assert execution == {
        "kind": "execution", "thread": "7", "model": "gemini-3-flash-preview", "plan": "native", "origin": "gemini",
        "language": "PYTHON", "code": code, "sha256": sha256(code.encode()).hexdigest(), "outcome": "OUTCOME_OK",
        "output": "42\n", "error": None, "images": 0, "seconds": None, "limits": [], "review": None, "tried": None,
        "calls": [], "redacted": [],
    }  # fmt: skip
    assert (of_answer["message_id"], of_answer["tokens"]) == (answer.id, answer.usage_metadata)


def test_secrets_are_replaced_before_they_are_written(gemini: Gemini, caplog: pytest.LogCaptureFixture):
    key = "AKIA" + "Q" * 16
    gemini.says([{"executableCode": {"code": f"print('{key}')"}}, "Done."])
    audit = AuditLog(logging.getLogger("audit"), redact=Redactor())
    with caplog.at_level(logging.INFO, "audit"):
        gemini.chat().invoke("q", {"callbacks": [audit]})
    record = caplog.records[0].audit  # type: ignore[attr-defined]
    assert (record["output"], record["redacted"]) == ("[REDACTED_AWS_ACCESS_KEY]\n", ["aws_access_key"])
    assert record["sha256"] == sha256(f"print('{key}')".encode()).hexdigest()
    assert json.loads(caplog.messages[0]) == record
    assert key not in caplog.text


@pytest.mark.parametrize("is_async", [False, True])
async def test_a_sink_that_fails_makes_the_run_fail(gemini: Gemini, sandbox: LocalSandbox, is_async: bool):
    def full(record: Any) -> None:
        raise AuditError("the disk is full")

    gemini.says([NATIVE, "It is 42."])
    llm = gemini.chat(callbacks=[AuditLog(full)])
    with pytest.raises(AuditError, match="the disk is full"):
        await llm.ainvoke("q") if is_async else llm.invoke("q")
    with pytest.raises(AuditError):
        [chunk async for chunk in llm.astream("q")] if is_async else list(llm.stream("q"))
    await llm.aclose()
    call: Any = ({"code": "print(1)"}, {"callbacks": [AuditLog(full)]})
    with pytest.raises(AuditError):
        await PythonTool(sandbox).ainvoke(*call) if is_async else PythonTool(sandbox).invoke(*call)


@pytest.mark.parametrize("sinks", [(), (7,), ("/",), ("/nowhere/audit.jsonl",), ("/dev/null",)])
def test_what_cannot_be_a_sink_is_refused(sinks: Any):
    with pytest.raises(ConfigurationError):
        AuditLog(*sinks)


# -- files -------------------------------------------------------------------------------------------------

FIRST, SECOND = {"kind": "execution", "code": "é"}, {"kind": "execution", "code": "\ud800" + "x" * 70_000}


def test_a_record_that_was_cut_off_is_kept_apart_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    path = tmp_path / "audit.jsonl"
    AuditFile(path)(FIRST)
    whole = path.read_bytes()
    AuditFile(path, fsync=True)(SECOND)
    line = path.read_bytes()[len(whole) :]
    for length in (1, 7, 65_536, len(line) - 2):
        path.write_bytes(whole + line[:length])
        caplog.clear()
        AuditFile(path)(SECOND)
        first, torn, said, after = path.read_bytes().splitlines(keepends=True)
        assert (first, torn, after) == (whole, line[:length] + b"\n", line)
        assert {**json.loads(said), "at": ""} == {
            "kind": "torn",
            "at": "",
            "offset": len(whole),
            "bytes": length,
        }
        assert [record.levelname for record in caplog.records] == ["WARNING"]
    path.write_bytes(whole + line[:-1])  # nothing but its end is missing
    AuditFile(path)
    assert path.read_bytes() == whole + line
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_full_disk_is_an_error_and_costs_one_record(tmp_path: Path):
    file = AuditFile(tmp_path / "audit.jsonl")
    file(FIRST)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(AuditError, match="What was written before stays"):
            file(SECOND)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    file(FIRST)
    first, torn, said, again = file.path.read_bytes().splitlines()
    assert (json.loads(first), json.loads(again)) == (FIRST, FIRST)
    assert (json.loads(said)["bytes"], len(first) + 1 + len(torn)) == (len(torn), 50_000)


WRITER = """
import sys
from langchain_codeexec.control import AuditFile
file = AuditFile(sys.argv[1])
for number in range(1_000):
    file({"kind": "execution", "writer": sys.argv[2], "number": number, "code": "x" * 20_000})
    print(number, flush=True)
input()
"""


def test_a_kill_loses_no_record_but_the_one_being_written(tmp_path: Path):
    path = tmp_path / "audit.jsonl"
    command = [sys.executable, "-c", WRITER, str(path)]
    writers = [
        subprocess.Popen([*command, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in "ab"
    ]
    said = [[writer.stdout.readline() for _ in range(5)] for writer in writers]
    for writer, lines in zip(writers, said, strict=True):
        with writer:
            writer.kill()
            lines.extend(writer.stdout.readlines())
    AuditFile(path)
    written: dict[str, list[int]] = {"a": [], "b": []}
    torn = 0
    for line in path.read_bytes().splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            torn += 1
            continue
        if record["kind"] == "torn":
            torn -= 1
        else:
            written[record["writer"]].append(record["number"])
    assert torn == 0
    for numbers, lines in zip(written.values(), said, strict=True):
        assert numbers == list(range(len(numbers)))
        assert len(numbers) - len(lines) in (0, 1)
