"""Limits, approval, audit, redaction and tracing at once, in one agent: whoever counts comes to the same figures."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import create_agent
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from langchain_codeexec import CodeExecutionMiddleware, CodeExecutionTool, PythonTool, code_executions
from langchain_codeexec.control import (
    AuditLog,
    ExecutionLimits,
    ExecutionPolicy,
    ExecutionUsage,
    OpenTelemetryHandler,
)
from langchain_codeexec.errors import ExecutionLimitError
from langchain_codeexec.middleware import ExecutionLimitsMiddleware, ExecutionPolicyMiddleware
from tests.calls import call
from tests.control.runs import executions
from tests.middleware.agent_shop import parts_of
from tests.tools.calling import get_price

if TYPE_CHECKING:
    from pathlib import Path

    from langchain_codeexec import LocalSandbox
    from langchain_codeexec.emulator import Prompt
    from tests.services import Gemini


def native(code: str) -> dict[str, Any]:
    return {"executableCode": {"language": "PYTHON", "code": code}}


def python(code: str) -> dict[str, Any]:
    return call("python", code=code)


def edited(code: str) -> dict[str, Any]:
    return {"type": "edit", "edited_action": {"name": "python", "args": {"code": code}}}


APPROVE, REJECT = {"type": "approve"}, {"type": "reject", "message": "No."}
ASKED, DENIED, PRICES = "import os\nprint(2)", "import subprocess", "print(get_price('A'), get_price('B'))"
TURNS: dict[str, tuple[list[Any], list[Any], tuple[int, int, int]]] = {
    "at Gemini's": ([native("print(6 * 7)"), "42.", native("1 / 0"), "No."], [], (2, 0, 0)),
    "here": ([python("print(1)")], [], (1, 0, 0)),
    "failing": ([python("1 / 0")], [], (1, 0, 0)),
    "denied": ([python(DENIED)], [], (0, 0, 1)),
    "approved": ([python(ASKED)], [APPROVE], (1, 0, 0)),
    "edited": ([python(ASKED)], [edited("print(3)")], (1, 0, 0)),
    "edited to be denied": ([python(ASKED)], [edited(DENIED)], (0, 0, 1)),
    "rejected": ([python(ASKED)], [REJECT], (0, 0, 1)),
    "responded to": ([python(ASKED)], [{"type": "respond", "message": "2"}], (0, 0, 1)),
    "calls approved": ([python(PRICES)], [APPROVE, APPROVE], (1, 2, 0)),
    "call rejected": ([python(PRICES)], [REJECT], (1, 1, 0)),
    "beside each other": ([python("print(5)"), python(ASKED), python(DENIED)], [APPROVE], (2, 0, 1)),
    "failed there, runs here": ([native(f"x = 1\n{PRICES}"), "No."], [APPROVE, APPROVE], (2, 2, 0)),
    "by a tool at Gemini's": ([call("code_execution", task="at Gemini's")], [], (2, 0, 0)),
    "over a limit": ([native("print(1)"), "1."] * 6, [], (5, 0, 0)),
}
"""What the model answers, what reviewers do, and what comes of it: programs that are run to their end, those that
stop for an answer, those refused."""


def answer(prompt: Prompt) -> Any:
    latest = {"contents": prompt.request["contents"][-1:]}
    text = "".join(parts_of(latest, "text")).rpartition("\n\n")[2]
    return TURNS[text][0] if text in TURNS and not parts_of(latest, "functionResponse") else "Done."


@pytest.mark.parametrize(("is_async", "at_limit"), [(False, "message"), (True, "error")])
async def test_all_that_count_agree(
    gemini: Gemini, sandbox: LocalSandbox, tmp_path: Path, is_async: bool, at_limit: Any
) -> None:
    gemini.says(answer)
    spans, metrics, collected = InMemorySpanExporter(), InMemoryMetricReader(), RunCollectorCallbackHandler()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    otel, audit = OpenTelemetryHandler(provider, MeterProvider([metrics])), AuditLog(tmp_path / "audit.jsonl")
    limits = ExecutionLimits(per_turn={"executions": 4}, per_run={"tokens": 10**7}, at_limit=at_limit)
    llm = gemini.chat(limits=limits)
    python_tool = PythonTool(sandbox, limits=limits)
    settings: Any = {"callable_from_code": ["get_price"], "interrupt_on": {"get_price": True}}
    agent = create_agent(
        llm,
        [get_price, CodeExecutionTool(llm)],
        middleware=[
            ExecutionLimitsMiddleware(limits),
            CodeExecutionMiddleware(tool=python_tool, run_failed_code_here=True, **settings),
            ExecutionPolicyMiddleware(ExecutionPolicy(names={"os": "ask", "subprocess": "deny"})),
        ],
        checkpointer=InMemorySaver(),
    )
    messages: list[Any] = []
    for thread, (question, (_, decisions, _)) in enumerate(TURNS.items()):
        config: Any = {"callbacks": [collected, otel, audit], "configurable": {"thread_id": str(thread)}}
        given: Any = {"messages": [("user", question)]}
        try:
            for decision in [*decisions, None]:
                state = await agent.ainvoke(given, config) if is_async else agent.invoke(given, config)
                stops = state.get("__interrupt__", ())
                assert bool(stops) == bool(decision)
                given = Command(resume={stop.id: decision for stop in stops})
        except ExecutionLimitError as error:
            state = {"messages": error.messages}
        messages.append(state["messages"])
    await llm.aclose()

    records = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_bytes().splitlines()]
    kinds = ("execution", "unfinished", "refused")
    by_thread = Counter((record["thread"], record["kind"]) for record in records)
    counts = [tuple(by_thread[str(number), kind] for kind in kinds) for number in range(len(TURNS))]
    assert dict(zip(TURNS, counts, strict=True)) == {name: turn[2] for name, turn in TURNS.items()}
    ended = [record for record in records if record["kind"] == "execution"]
    kept = [run for each in messages for run in code_executions(each)]
    ran = [run for run in kept if not run.was_refused]
    runs = [run for _, run in executions(collected.traced_runs)]
    named = [span for span in spans.get_finished_spans() if span.name == "execute_tool code_interpreter"]
    outputs = [run.outputs["output"] for run in runs if run.outputs]
    assert len(runs) == len(named) == len(ended) + sum(record["kind"] == "unfinished" for record in records)
    of_runs = Counter((run.outcome and run.outcome.value, run.output, str(run.review or None)) for run in ran)
    for each in (ended, outputs):
        assert of_runs == Counter(
            (one["outcome"], one["output"], str(one.get("review") or None)) for one in each
        )
    outcomes = Counter(span.attributes.get("langchain_codeexec.outcome") for span in named)
    assert outcomes == Counter([run.outcome or "OUTCOME_UNSPECIFIED" for run in ran] + [None] * (len(runs) - len(ran)))  # fmt: skip
    refused = [record for record in records if record["kind"] == "refused"]
    assert Counter((run.code, str(run.review)) for run in kept if run.was_refused) == Counter(
        (record["code"], str(record["review"])) for record in refused
    )
    check_amounts(messages, records, metrics)
    assert not otel._runs
    assert not audit._started


def check_amounts(messages: list[Any], records: list[dict[str, Any]], metrics: InMemoryMetricReader) -> None:
    """Tokens, seconds, bytes and images are the same in messages, audit and metrics."""
    ended = [record for record in records if record["kind"] == "execution"]
    usage = sum(map(ExecutionUsage.of, messages), ExecutionUsage())
    assert (usage.executions, usage.images) == (len(ended), sum(record["images"] for record in ended))
    assert usage.output_bytes == sum(len((record["output"] or "").encode()) for record in ended)
    assert usage.seconds == pytest.approx(sum(record["seconds"] or 0 for record in ended))
    answers = [record for record in records if record["kind"] == "answer"]
    assert {record["answer"] for record in ended} <= {
        record[name] for record in answers for name in ("run_id", "message_id")
    }
    tokens = sum(record["tokens"]["total_tokens"] for record in answers)
    [counted] = [
        metric
        for metric in metrics.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
        if metric.name == "gen_ai.client.token.usage"
    ]
    assert usage.tokens.total == tokens == sum(point.sum for point in counted.data.data_points)
