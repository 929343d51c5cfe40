"""Spans and metrics of OpenTelemetry, by its semantic conventions for generative AI.

Names are those of the conventions' own repository (github.com/open-telemetry/semantic-conventions-genai, as of
opentelemetry-semantic-conventions 0.66b2, which marks them as moved there); all are in development there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Final
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import LLMResult

from langchain_codeexec.control.tracing import is_execution_run
from langchain_codeexec.data.json_lines import plain
from langchain_codeexec.errors import MissingDependencyError
from langchain_codeexec.executions import Outcome

try:
    from opentelemetry import context, metrics, trace
    from opentelemetry.trace import SpanKind, StatusCode
except ImportError as missing:
    raise MissingDependencyError("opentelemetry-api", "otel") from missing

__all__ = ["OpenTelemetryHandler"]

Json = dict[str, Any]

_NAME: Final = "langchain_codeexec"
_TOKENS: Final = tuple(4**power for power in range(14))
_SECONDS: Final = tuple(0.01 * 2**power for power in range(14))
"""The boundaries of buckets that the conventions ask for."""

_PROVIDERS: Final = {
    "google_genai": "gcp.gemini",
    "google_vertexai": "gcp.vertex_ai",
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "amazon_bedrock": "aws.bedrock",
    "mistralai": "mistral_ai",
    "xai": "x_ai",
}
"""The conventions' names of providers by LangChain's, where these differ."""

_REQUEST: Final = {
    "ls_temperature": "gen_ai.request.temperature",
    "ls_max_tokens": "gen_ai.request.max_tokens",
    "ls_stop": "gen_ai.request.stop_sequences",
}


@dataclass(slots=True)
class _LiveRun:
    """A run that has begun: the context of what is below it, and the span if it has one of its own."""

    context: Any
    span: Any = None
    started: float = 0.0
    common: Json = field(default_factory=dict)


class OpenTelemetryHandler(BaseCallbackHandler):
    """A callback handler that gives runs their spans, and counts tokens and seconds.

    - `chat {model}` (kind client) for each call of a chat model, with its tokens, finish reason and conversation.
    - `execute_tool {name}` for each tool, and `execute_tool code_interpreter` for each execution of code, wherever
      it ran, with `langchain_codeexec.outcome`, `.origin` and `.plan`. What ran at a provider's is of the type
      `extension`. One that failed has the status error and its outcome as `error.type`.
    - `invoke_agent {name}` or `invoke_workflow {name}` for the run that all others are below.
    - The histograms `gen_ai.client.token.usage` and `gen_ai.client.operation.duration`.

    A run that is below none becomes a child of the span that is current where it begins; all others follow
    LangChain's runs, in whatever thread or task they are. No span is made current: handlers of asynchronous runs
    cannot do so.

    Args:
        tracer_provider: By default the global one.
        meter_provider: By default the global one.
        capture_content: Whether spans hold messages, arguments and results, which may be confidential. Redact them
            with `redact=` of the chat model and of the tools.

    Raises:
        MissingDependencyError: opentelemetry-api is not installed (extra `otel`).

    Examples:
        >>> agent.invoke(question, {"callbacks": [OpenTelemetryHandler()]})  # doctest: +SKIP
    """

    run_inline = True  # elsewhere the current span would not be known

    def __init__(
        self, tracer_provider: Any = None, meter_provider: Any = None, *, capture_content: bool = False
    ) -> None:
        self._tracer = trace.get_tracer(_NAME, tracer_provider=tracer_provider)
        meter = metrics.get_meter(_NAME, meter_provider=meter_provider)
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            description="Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )
        self._duration = meter.create_histogram(
            "gen_ai.client.operation.duration",
            unit="s",
            description="GenAI operation duration.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._captures = capture_content
        self._runs: dict[UUID, _LiveRun] = {}

    # -- chat models -------------------------------------------------------------------------------------------

    def on_chat_model_start(
        self,
        serialized: Json,  # noqa: ARG002 -- a handler's signature
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        **kwargs: Any,
    ) -> None:
        """Begin the span of a call of a chat model."""
        metadata = kwargs.get("metadata") or {}
        provider = str(metadata.get("ls_provider") or "_OTHER")
        model = metadata.get("ls_model_name")
        common = _present(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": _PROVIDERS.get(provider, provider),
                "gen_ai.request.model": model,
            }
        )
        attributes = {
            **common,
            **_of_conversation(metadata),
            **{name: metadata[key] for key, name in _REQUEST.items() if metadata.get(key) is not None},
        }
        if self._captures:
            attributes["gen_ai.input.messages"] = _json(
                _from_message(one) for each in messages for one in each
            )
        run = self._begin(run_id, kwargs, f"chat {model or ''}".strip(), attributes, SpanKind.CLIENT)
        run.common = common

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **_kwargs: Any) -> None:
        """End the span of a call of a chat model, and count its tokens."""
        if (run := self._runs.pop(run_id, None)) is None:
            return
        messages = [getattr(one, "message", None) for each in response.generations for one in each]
        answers = [message for message in messages if isinstance(message, AIMessage)]
        attributes: Json = {}
        if answers:
            attributes = _of_answers(answers)
            if self._captures:
                attributes["gen_ai.output.messages"] = _json(map(_from_message, answers))
            run.common |= _present({"gen_ai.response.model": attributes.get("gen_ai.response.model")})
            for kind in ("input", "output"):
                if (tokens := attributes.get(f"gen_ai.usage.{kind}_tokens")) is not None:
                    self._tokens.record(tokens, {**run.common, "gen_ai.token.type": kind})
        self._end_call(run, attributes)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **_kwargs: Any) -> None:
        """End the span of a call of a chat model that failed."""
        if run := self._runs.pop(run_id, None):
            run.common["error.type"] = type(error).__name__
            self._end_call(run, {}, error)

    def _end_call(self, run: _LiveRun, attributes: Json, error: BaseException | None = None) -> None:
        self._duration.record(perf_counter() - run.started, run.common, context=run.context)
        _end(run, attributes, type(error).__name__ if error else "")

    # -- tools and executions ----------------------------------------------------------------------------------

    def on_tool_start(self, serialized: Json, input_str: str, *, run_id: UUID, **kwargs: Any) -> None:
        """Begin the span of a tool or an execution."""
        metadata = kwargs.get("metadata") or {}
        name = str(kwargs.get("name") or (serialized or {}).get("name"))
        is_execution = is_execution_run(name, metadata)
        known: Json = {}
        if is_execution:
            known = {
                "gen_ai.tool.call.id": metadata.get("execution_id"),
                "langchain_codeexec.origin": metadata.get("origin"),
                "langchain_codeexec.plan": metadata.get("plan"),
            }
        is_remote = is_execution and metadata.get("origin") in _REMOTE
        attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": name,
            "gen_ai.tool.type": "extension" if is_remote else "function",
            "gen_ai.tool.call.id": kwargs.get("tool_call_id"),
            "gen_ai.tool.description": (serialized or {}).get("description"),
            **known,
            **_of_conversation(metadata),
        }
        if self._captures:
            inputs = kwargs.get("inputs")
            attributes["gen_ai.tool.call.arguments"] = _json(inputs) if inputs else input_str
        self._begin(run_id, kwargs, f"execute_tool {name}", _present(attributes))

    def on_tool_end(self, output: Any, *, run_id: UUID, **_kwargs: Any) -> None:
        """End the span of a tool or an execution."""
        if (run := self._runs.pop(run_id, None)) is None:
            return
        attributes: Json = {}
        outcome = output.get("outcome") if isinstance(output, dict) else None
        failed = ""
        if isinstance(outcome, str):
            attributes["langchain_codeexec.outcome"] = outcome
            failed = "" if outcome == Outcome.OK else outcome
        if isinstance(output, ToolMessage) and output.status == "error":
            failed = "_OTHER"
        if self._captures:
            result = output.content if isinstance(output, ToolMessage) else output
            attributes["gen_ai.tool.call.result"] = result if isinstance(result, str) else _json(result)
        _end(run, attributes, failed)

    # -- the run that all others are below ---------------------------------------------------------------------

    def on_chain_start(self, serialized: Json, *_args: Any, run_id: UUID, **kwargs: Any) -> None:
        """Begin the span of an agent or a chain; inner chains have none."""
        if (above := self._runs.get(kwargs.get("parent_run_id"))) is not None:  # type: ignore[arg-type]
            self._runs[run_id] = _LiveRun(above.context)
            return
        metadata = kwargs.get("metadata") or {}
        agent = metadata.get("lc_agent_name")
        name = agent or kwargs.get("name") or (serialized or {}).get("name") or ""
        kind = "agent" if agent else "workflow"
        attributes = {
            "gen_ai.operation.name": f"invoke_{kind}",
            f"gen_ai.{kind}.name": name,
            **_of_conversation(metadata),
        }
        self._begin(run_id, kwargs, f"invoke_{kind} {name}".strip(), attributes)

    def on_chain_end(self, *_args: Any, run_id: UUID, **_kwargs: Any) -> None:
        """End the span of an agent or a chain."""
        if run := self._runs.pop(run_id, None):
            _end(run)

    def _on_error(self, error: BaseException, *, run_id: UUID, **_kwargs: Any) -> None:
        """End a span with an error; a graph that stops for somebody's answer is none."""
        if run := self._runs.pop(run_id, None):
            stops = any(base.__name__ == "GraphBubbleUp" for base in type(error).__mro__)
            _end(run, {}, "" if stops else type(error).__name__)

    on_tool_error = on_chain_error = _on_error

    def _begin(
        self, run_id: UUID, kwargs: Json, name: str, attributes: Json, kind: SpanKind = SpanKind.INTERNAL
    ) -> _LiveRun:
        above = self._runs.get(kwargs["parent_run_id"]) if kwargs.get("parent_run_id") else None
        parent = above.context if above else context.get_current()
        span = self._tracer.start_span(name, parent, kind, attributes)
        run = self._runs[run_id] = _LiveRun(trace.set_span_in_context(span, parent), span, perf_counter())
        return run


_REMOTE: Final = frozenset({"gemini", "openai", "anthropic"})
"""Who runs code of their models on machines of their own."""


def _end(run: _LiveRun, attributes: Mapping[str, Any] | None = None, error: str = "") -> None:
    if run.span is None:
        return
    run.span.set_attributes(dict(attributes or {}))
    if error:
        run.span.set_attribute("error.type", error)
        run.span.set_status(StatusCode.ERROR)
    run.span.end()


def _of_conversation(metadata: Mapping[str, Any]) -> Json:
    thread = metadata.get("thread_id")
    return {} if thread is None else {"gen_ai.conversation.id": str(thread)}


def _of_answers(answers: list[AIMessage]) -> Json:
    """What a call gave. Each of several candidates has the tokens of all."""
    first = answers[0]
    reasons = [answer.response_metadata.get("finish_reason") for answer in answers]
    usage: Mapping[str, Any] = first.usage_metadata or {}
    return _present(
        {
            "gen_ai.response.id": first.response_metadata.get("response_id"),
            "gen_ai.response.model": first.response_metadata.get("model_name"),
            "gen_ai.response.finish_reasons": [str(reason) for reason in reasons if reason] or None,
            "gen_ai.usage.input_tokens": usage.get("input_tokens"),
            "gen_ai.usage.output_tokens": usage.get("output_tokens"),
            "gen_ai.usage.cache_read.input_tokens": usage.get("input_token_details", {}).get("cache_read"),
            "gen_ai.usage.reasoning.output_tokens": usage.get("output_token_details", {}).get("reasoning"),
        }
    )


def _from_message(message: BaseMessage) -> Json:
    """A message in the conventions' form: prose, calls and responses; executions have spans of their own."""
    text = {"type": "text", "content": message.text}
    if isinstance(message, ToolMessage):
        response = {"type": "tool_call_response", "id": message.tool_call_id, "response": message.text}
        return {"role": "tool", "parts": [response]}
    parts: list[Json] = [text] if message.text else []
    if isinstance(message, AIMessage):
        parts += [
            {"type": "tool_call", "id": call["id"], "name": call["name"], "arguments": call["args"]}
            for call in message.tool_calls
        ]
        reason = str(message.response_metadata.get("finish_reason", ""))
        return {"role": "assistant", "parts": parts, "finish_reason": reason.lower()}
    return {"role": {"human": "user"}.get(message.type, message.type), "parts": parts}


def _json(value: Any) -> str:
    whole = value if isinstance(value, dict | list) or not isinstance(value, Iterable) else list(value)
    return json.dumps(whole, ensure_ascii=False, default=plain)


def _present(attributes: Mapping[str, Any]) -> Json:
    return {name: value for name, value in attributes.items() if value is not None}
