"""Conversations and runs, wherever users have them: what is shown of all of it together."""

import io
import json
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_core.load import dumpd
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage, message_to_dict
from rich.console import Console

from langchain_codeexec.control import ExecutionUsage
from langchain_codeexec.errors import MessageError
from langchain_codeexec.executions import (
    CodeExecution,
    ExecutionResult,
    FunctionCall,
    InlineFile,
    Outcome,
    artifact_from_executions,
)
from langchain_codeexec.records import (
    html_page,
    json_record,
    messages_in,
    notebook_from_messages,
    render,
    show,
)
from langchain_codeexec.records.conversation import sections_in

RUN = CodeExecution("print(1)", outcome=Outcome.OK, output="1\n", seconds=1.5, origin="local")
EDIT = {"decision": "edit", "rules": ["imports: os", "size"], "reason": "no shell"}
LIMIT = {"limit": "executions", "most": 4.0, "used": 4.0, "per": "run"}
PLAN = {"code_execution": True, "functions": ["f"], "way": "native", "reason": "both"}
PRICES = {"gemini-x": {"prompt": 2, "candidates": 10}}


def answer(content: Any = "", *, code: str = "", tokens: int = 0, **metadata: Any) -> AIMessage:
    """An answer, with a call of `python` if there is code."""
    calls = [{"name": "python", "args": {"code": code}, "id": "c"}] if code else []
    usage = {"input_tokens": tokens, "output_tokens": tokens, "total_tokens": 2 * tokens} if tokens else None
    return AIMessage(content, tool_calls=calls, usage_metadata=usage, response_metadata=metadata)


def reply(*runs: CodeExecution, content: str = "The code printed:\n1", **fields: Any) -> ToolMessage:
    return ToolMessage(
        content, tool_call_id="c", name="python", artifact={**artifact_from_executions(runs), **fields}
    )


def told(source: Any, prices: Any = None) -> list[tuple[str, str, str]]:
    return [(section.kind, section.label, section.text) for section in sections_in(source, prices)]


CODE, OUTPUT = ("code", "python", "print(1)"), ("output", "ok \u00b7 1.5 s", "1\n")


@pytest.mark.parametrize(
    ("messages", "sections"),
    [
        # A program is shown once, where it ran, and a reply that only repeats its output not at all.
        ([answer(code="print(1)"), reply(RUN)], [CODE, OUTPUT]),
        ([answer(code="print(1)"), reply(RUN, content="Else.")], [CODE, OUTPUT, ("reply", "python", "Else.")]),
        ([answer(code="print(1)")], [("call", "python", '{"code": "print(1)"}')]),
        ([answer(code="a\nb")], [("call", "python", "code = a\nb")]),
        ([answer("First.", code="print(1)"), reply(RUN)], [("model", "", "First."), CODE, OUTPUT]),
        ([answer(code="print(1)"), ToolMessage("1", tool_call_id="c", name="f")],
         [("call", "python", '{"code": "print(1)"}'), ("reply", "f", "1")]),
        ([reply(replace(RUN, review=EDIT))], [("review", "edit", "imports: os, size: no shell"), CODE, OUTPUT]),
        ([reply(replace(RUN, review={"decision": "allow", "rules": [], "reason": ""}))], [CODE, OUTPUT]),
        ([reply(CodeExecution("x", review={"decision": "deny"}), content="No.")],
         [("review", "deny", "no reason given"), ("code", "python", "x"), ("reply", "python", "No.")]),
        ([answer("So far.", limit=LIMIT)],
         [("answer", "", "So far."), ("notice", "", "The limit of executions per run is reached: 4 of 4.")]),
        ([reply(content="Stopped.", limit=LIMIT)],
         [("reply", "python", "Stopped."), ("notice", "", "The limit of executions per run is reached: 4 of 4.")]),
        ([answer("x", limit={"limit": 1})], [("answer", "", "x"), ("notice", "", 'A limit is reached: {"limit": 1}')]),
        # Ids may come again.
        ([answer(code="print(1)"), reply(RUN), answer(code="2"), ToolMessage("2", tool_call_id="c", name="f")],
         [CODE, OUTPUT, ("call", "python", '{"code": "2"}'), ("reply", "f", "2")]),
        # A plan is shown where it changes.
        ([answer("a", plan=PLAN), answer("b", plan=PLAN), answer("c", plan={**PLAN, "way": "delegated"})],
         [("plan", "native", "code execution, f: both"), ("answer", "", "a"), ("answer", "", "b"),
          ("plan", "delegated", "code execution, f: both"), ("answer", "", "c")]),
        # What several answers took is summed up by turn, and in the end.
        ([SystemMessage("s"), HumanMessage("q"), answer(code="print(1)", tokens=500), reply(RUN), answer("1", tokens=500),
          HumanMessage("r"), answer("2", tokens=500)],
         [("system", "", "s"), ("question", "", "q"), ("usage", "", "1,000 tokens: 500 in, 500 out"), CODE, OUTPUT,
          ("answer", "", "1"), ("usage", "", "1,000 tokens: 500 in, 500 out"),
          ("usage", "turn", "1 run \u00b7 1.5 s \u00b7 2,000 tokens: 1,000 in, 1,000 out"),
          ("question", "", "r"), ("answer", "", "2"), ("usage", "", "1,000 tokens: 500 in, 500 out"),
          ("usage", "conversation", "1 run \u00b7 1.5 s \u00b7 3,000 tokens: 1,500 in, 1,500 out")]),
    ],
)  # fmt: skip
def test_what_a_conversation_tells(messages, sections):
    assert told(messages) == sections


def test_an_edited_program_stands_beside_the_one_that_the_model_wrote():
    messages = [answer(code="import os\nprint(1)"), reply(replace(RUN, review=EDIT))]
    [_, code, _] = sections_in(messages)
    assert (code.text, code.written) == ("print(1)", "import os\nprint(1)")
    assert "as the model wrote it" in html_page(messages)
    console = Console(file=io.StringIO(), width=60)
    console.print(render(messages))
    assert (
        "as the model wrote it:\nimport os\nprint(1)\nas it was edited:\nprint(1)\n"
        in console.file.getvalue()
    )
    assert "import os" in notebook_from_messages(messages)["cells"][1]["source"]


def test_answers_and_their_sums_have_a_cost_where_prices_are_known():
    messages = [
        answer("a", tokens=1000, model_name="gemini-x"),
        answer("b", tokens=1000, model_name="gemini-x"),
    ]
    assert [text for _, _, text in told(messages, PRICES)][1::2] == [
        "2,000 tokens: 1,000 in, 1,000 out \u00b7 cost 0.012000",
        "2,000 tokens: 1,000 in, 1,000 out \u00b7 cost 0.012000",
    ]
    assert told(messages, PRICES)[-1] == (
        "usage", "turn", "4,000 tokens: 2,000 in, 2,000 out \u00b7 cost 0.024000",
    )  # fmt: skip
    assert told(messages, {"other": PRICES["gemini-x"]})[-1][2].endswith(
        "out \u00b7 no price is known of gemini-x"
    )
    assert not any("price" in text or "cost" in text for _, _, text in told(messages))


MESSAGES = [HumanMessage("q", id="1"), answer(code="print(1)", tokens=5), reply(RUN), answer("one")]


@pytest.mark.parametrize(
    "source",
    [
        {"messages": MESSAGES},
        SimpleNamespace(messages=MESSAGES),
        SimpleNamespace(values={"messages": MESSAGES}, next=()),
        SimpleNamespace(checkpoint={"channel_values": {"messages": MESSAGES}}, config={}),
        {"values": {"messages": [message.model_dump() for message in MESSAGES]}},
        [message_to_dict(message) for message in MESSAGES],
        json.loads(json.dumps(dumpd(MESSAGES))),
    ],
    ids=["state", "model", "snapshot", "checkpoint", "service", "to_dict", "dumpd"],
)
def test_conversations_are_read_wherever_they_are_kept(source):
    assert messages_in(source) == MESSAGES


def test_messages_in_openais_form_are_read_too():
    assert told([{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]) == [
        ("question", "", "q"), ("answer", "", "a"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "source", [7, "text", None, {"a": 1}, [7], [{"lc": 1}], [{"type": "robot"}], {"messages": 7}]
)
def test_what_holds_no_messages_says_so(source):
    with pytest.raises(MessageError, match="Give "):
        messages_in(source)


FILE = InlineFile(b"12", "text/csv", "out.csv")
RESULT = ExecutionResult(
    Outcome.OK,
    "1\n",
    "careful",
    files=(FILE,),
    wall_time=0.02,
    truncated=True,
    value="7",
    executor="local",
    tried=("a: b",),
)


@pytest.mark.parametrize(
    ("source", "sections"),
    [
        (RUN, [CODE, OUTPUT]),
        (CodeExecution("x"), [("code", "python", "x")]),
        (CodeExecution("", outcome=Outcome.OK), [("output", "ok", "")]),
        (CodeExecution("ls", "BASH", Outcome.OK, "a", images=(InlineFile(b"12", "image/webp"),)),
         [("code", "bash", "ls"), ("output", "ok", "a"), ("image", "", "image/webp, 2 bytes")]),
        ([RUN, RUN], [CODE, OUTPUT] * 2),
        (RESULT, [("output", "ok \u00b7 20 ms \u00b7 local", "1\n"), ("output", "stderr", "careful"),
                  ("output", "value", "7"), ("notice", "", "The output is longer than the executor keeps"),
                  ("notice", "", "Tried before: a: b"), ("file", "out.csv", "text/csv, 2 bytes")]),
        (ExecutionResult(Outcome.FAILED, "1\n", "boom"), [("output", "failed", "boom")]),
        (ExecutionUsage.of(RUN), [("usage", "", "1 run \u00b7 1.5 s")]),
        (ExecutionUsage(cost=Decimal("0.5")), [("usage", "", "cost 0.500000")]),
        (ExecutionUsage(), [("usage", "", "nothing was run")]),
    ],
)  # fmt: skip
def test_runs_results_and_usage_show_themselves_in_notebooks(source, sections):
    assert told(source) == sections
    bundle = (show(source) if isinstance(source, list) else source)._repr_mimebundle_(
        include=None, exclude=None
    )
    assert 'class="codeexec"' in bundle["text/html"]
    assert bundle["text/plain"] == repr(show(source) if isinstance(source, list) else source)


def test_the_json_form_has_reviews_limits_times_and_calls():
    run = replace(RUN, review=EDIT, calls=(FunctionCall("f", {"x": 1}, 2, line=1),))
    record = json_record(reply(run, limit=LIMIT))
    [execution] = record["executions"]
    assert (execution["seconds"], execution["review"], record["limit"]) == (1.5, EDIT, LIMIT)
    assert json.loads(json.dumps(record)) == record
