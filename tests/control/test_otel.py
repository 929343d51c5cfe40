"""Spans and metrics by the conventions for generative AI, in threads and tasks, kept in memory and sent by OTLP."""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.runnables import RunnableLambda, RunnableParallel
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from langchain_codeexec import PythonTool
from langchain_codeexec.control import OpenTelemetryHandler
from langchain_codeexec.errors import GeminiError, MissingDependencyError
from tests.tools.calling import QUESTION, THREAD, agent_of, get_price, refund

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_codeexec import LocalSandbox
    from tests.services import Gemini

ANSWER = [{"executableCode": {"code": "print(6 * 7)"}}, "It is 42."]


class Observed:
    """A handler, and what it has given to an exporter and a reader in memory."""

    def __init__(self, **settings: Any) -> None:
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        tracer_provider = TracerProvider()
        tracer_provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = tracer_provider.get_tracer("test")
        self.handler = OpenTelemetryHandler(tracer_provider, MeterProvider([self._reader]), **settings)
        self.config: Any = {"callbacks": [self.handler], **THREAD}

    @property
    def spans(self) -> list[Any]:
        return list(self._exporter.get_finished_spans())

    @property
    def tree(self) -> list[tuple[str, str]]:
        """The spans by name, each with the one it is below."""
        names = {span.context.span_id: span.name for span in self.spans}
        return sorted((span.name, names[span.parent.span_id] if span.parent else "") for span in self.spans)

    @property
    def points(self) -> dict[str, list[Any]]:
        metrics = self._reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
        return {metric.name: list(metric.data.data_points) for metric in metrics}


@pytest.fixture
def observed() -> Observed:
    return Observed()


CHAT, RUN = "chat gemini-3-flash-preview", "execute_tool code_interpreter"


def test_a_call_has_a_span_its_executions_have_spans_below_and_tokens_are_counted(
    gemini: Gemini, observed: Observed
):
    gemini.says(ANSWER)
    answer = gemini.chat(temperature=0.5).invoke("q", {**observed.config, "metadata": {"thread_id": "7"}})
    execution, chat = observed.spans
    assert observed.tree == [(CHAT, ""), (RUN, CHAT)]
    usage = answer.usage_metadata
    model = answer.response_metadata["model_name"]
    common = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "gcp.gemini",
        "gen_ai.request.model": model,
    }
    assert dict(chat.attributes) == {
        **common,
        "gen_ai.conversation.id": "7",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.response.id": answer.response_metadata["response_id"],
        "gen_ai.response.model": model,
        "gen_ai.response.finish_reasons": ("STOP",),
        "gen_ai.usage.input_tokens": usage["input_tokens"],
        "gen_ai.usage.output_tokens": usage["output_tokens"],
        "gen_ai.usage.reasoning.output_tokens": usage["output_token_details"]["reasoning"],
    }
    assert chat.kind.name == "CLIENT"
    assert {key: value for key, value in execution.attributes.items() if "description" not in key} == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "code_interpreter",
        "gen_ai.tool.type": "extension",
        "gen_ai.tool.call.id": answer.content[0]["id"],
        "gen_ai.conversation.id": "7",
        "langchain_codeexec.origin": "gemini",
        "langchain_codeexec.plan": "native",
        "langchain_codeexec.outcome": "OUTCOME_OK",
    }
    for point in observed.points["gen_ai.client.token.usage"]:
        kind = point.attributes["gen_ai.token.type"]
        assert dict(point.attributes) == {**common, "gen_ai.response.model": model, "gen_ai.token.type": kind}
        assert (point.sum, point.explicit_bounds[-1]) == (usage[f"{kind}_tokens"], 67_108_864)
    [duration] = observed.points["gen_ai.client.operation.duration"]
    assert (duration.count, duration.explicit_bounds[0], round(duration.explicit_bounds[-1], 2)) == (
        1,
        0.01,
        81.92,
    )


@pytest.mark.parametrize("is_async", [False, True])
async def test_an_agents_runs_are_one_trace(sandbox: LocalSandbox, observed: Observed, is_async: bool):
    agent = agent_of([PythonTool(sandbox, tools=[get_price])], "get_price('A'); 1 / 0")
    with observed.tracer.start_as_current_span("mine"):
        await agent.ainvoke(QUESTION, observed.config) if is_async else agent.invoke(
            QUESTION, observed.config
        )
    root = next(span.name for span in observed.spans if span.name.startswith("invoke_"))
    assert observed.tree == sorted(
        [("mine", ""), (root, "mine"), ("chat", root), ("chat", root), ("execute_tool python", root),
         (RUN, "execute_tool python"), ("execute_tool get_price", "execute_tool python")]
    )  # fmt: skip
    [run] = [span for span in observed.spans if span.name == RUN]
    assert (run.status.status_code, run.attributes["error.type"]) == (StatusCode.ERROR, "OUTCOME_FAILED")
    assert run.attributes["gen_ai.tool.type"] == "function"
    assert not observed.handler._runs


async def test_a_graph_that_stops_for_an_answer_has_no_error(sandbox: LocalSandbox, observed: Observed):
    agent = agent_of([PythonTool(sandbox, tools=[refund])], "refund('7')")
    agent.invoke(QUESTION, observed.config)
    assert {span.status.status_code for span in observed.spans} == {StatusCode.UNSET}
    assert not observed.handler._runs


def test_a_call_that_fails_is_an_error(gemini: Gemini, observed: Observed):
    with pytest.raises(GeminiError):
        gemini.chat().invoke("q", observed.config)
    [chat] = observed.spans
    assert (chat.attributes["error.type"], chat.status.description) == ("ServerError", None)
    [duration] = observed.points["gen_ai.client.operation.duration"]
    assert duration.attributes["error.type"] == "ServerError"


async def test_threads_and_tasks_keep_to_their_parents(gemini: Gemini, observed: Observed):
    gemini.says(ANSWER)
    llm = gemini.chat()

    def ask(name: str) -> None:
        with observed.tracer.start_as_current_span(name):
            both = RunnableParallel(a=llm, b=RunnableLambda(lambda question: llm.invoke(question).text))
            both.with_config(run_name=f"run {name}").invoke("q", observed.config)

    async def aask(name: str) -> None:
        with observed.tracer.start_as_current_span(name):
            async for _ in llm.astream("q", observed.config):
                pass

    with ThreadPoolExecutor() as pool:
        list(pool.map(ask, ["t0", "t1", "t2"]))
    await asyncio.gather(*map(aask, ["c0", "c1", "c2"]))
    await llm.aclose()
    spans = {span.context.span_id: span for span in observed.spans}
    for span in spans.values():
        parent = spans[span.parent.span_id].name if span.parent else ""
        above = {"chat": ("invoke_workflow", "c"), "execute_tool": ("chat",), "invoke_workflow": ("t",)}
        assert parent.startswith(above.get(span.name.partition(" ")[0], ("",)))
        assert span.parent is None or span.context.trace_id == span.parent.trace_id
    names = [span.name for span in spans.values()]
    assert (names.count(CHAT), names.count(RUN), len({span.context.trace_id for span in spans.values()})) == (
        9,
        9,
        6,
    )


@pytest.mark.parametrize("captures", [False, True])
def test_content_is_held_only_where_that_is_asked_for(sandbox: LocalSandbox, captures: bool):
    observed = Observed(capture_content=captures)
    agent = agent_of([PythonTool(sandbox)], "print('se' + 'cret')")
    agent.invoke(QUESTION, observed.config)
    held = {key: value for span in observed.spans for key, value in span.attributes.items()}
    assert ("secret" in str(held)) is captures
    if captures:
        roles = [message["role"] for message in json.loads(held["gen_ai.input.messages"])]
        assert roles == ["user", "assistant", "tool"]
        assert json.loads(held["gen_ai.output.messages"])[0]["parts"][0]["type"] == "text"


class Collector:
    """What a collector is sent, decoded."""

    def __init__(self) -> None:
        self.received: dict[str, Any] = {
            "/v1/traces": ExportTraceServiceRequest(),
            "/v1/metrics": ExportMetricsServiceRequest(),
        }
        self.url = ""


@pytest.fixture
def collector() -> Iterator[Collector]:
    collected = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            collected.received[self.path].MergeFromString(body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collected.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield collected
        server.shutdown()
        thread.join()


def test_a_collector_is_sent_all_of_it(gemini: Gemini, collector: Collector):
    gemini.says(ANSWER)
    spans = TracerProvider()
    spans.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{collector.url}/v1/traces")))
    metrics = MeterProvider(
        [PeriodicExportingMetricReader(OTLPMetricExporter(f"{collector.url}/v1/metrics"))]
    )
    gemini.chat().invoke("q", {"callbacks": [OpenTelemetryHandler(spans, metrics)]})
    spans.shutdown()
    metrics.shutdown()
    traces, measured = collector.received.values()
    received = [span for each in traces.resource_spans for scope in each.scope_spans for span in scope.spans]
    run, chat = received
    assert (run.name, chat.name, run.parent_span_id) == (RUN, CHAT, chat.span_id)
    names = {
        metric.name
        for each in measured.resource_metrics
        for scope in each.scope_metrics
        for metric in scope.metrics
    }
    assert names == {"gen_ai.client.token.usage", "gen_ai.client.operation.duration"}


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(sys.modules, "langchain_codeexec.control.otel")
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(MissingDependencyError, match=r"langchain-codeexec\[otel\]"):
        __import__("langchain_codeexec.control.otel")
