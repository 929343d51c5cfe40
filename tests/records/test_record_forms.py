"""What is shown of a message, on a console and as JSON."""

import io
import json
import re
from html import unescape

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from rich.console import Console

from langchain_codeexec.data import FolderSink, save_outputs
from langchain_codeexec.executions import (
    CodeExecution,
    FunctionCall,
    Outcome,
    artifact_from_executions,
)
from langchain_codeexec.messages.code_blocks import CodeReader
from langchain_codeexec.records.html import html_page
from langchain_codeexec.records.json_form import json_record
from langchain_codeexec.records.notebook import notebook_from_messages, show
from langchain_codeexec.records.sections import sections_of, sections_of_block, sections_of_execution
from langchain_codeexec.records.terminal import render
from tests.records.blocks import PIXEL, PIXEL_FACTS, code, image, result, text

MARKUP = "\x1b[2J[red]x[/red]"


def ran(source: str, output: str, outcome: str = "OUTCOME_OK") -> list[dict]:
    return [code(source), result(output, outcome=outcome)]


def plan(code_execution: bool, functions: list[str], way: str, reason: str = "") -> dict:
    return {"code_execution": code_execution, "functions": functions, "way": way, "reason": reason}


def answer(*content, **fields) -> AIMessage:
    return AIMessage(content=list(content), **fields)


def shown(renderable, **settings) -> str:
    console = Console(file=io.StringIO(), width=40, **settings)
    console.print(renderable, crop=False)
    return console.file.getvalue()


def contents_of(sections) -> list[tuple]:
    return [(section.kind, section.label, section.text) for section in sections]


@pytest.mark.parametrize(
    ("message", "sections"),
    [
        (HumanMessage("Hello?"), [("question", "", "Hello?")]),
        (SystemMessage("Be brief."), [("system", "", "Be brief.")]),
        (
            HumanMessage([text("Which?"), {"type": "file", "base64": "YQ==", "mime_type": "text/csv"}]),
            [("question", "", "Which?"), ("file", "", "text/csv, 1 bytes")],
        ),
        (ToolMessage("1280", tool_call_id="c", name="stock"), [("reply", "stock", "1280")]),
        (AIMessage("Hello."), [("answer", "", "Hello.")]),
        (AIMessage(""), []),
        (
            answer(text("First,"), *ran("a", "1"), text("then"), *ran("b", "2"), text("done.")),
            [
                ("model", "", "First,"), ("code", "python", "a"), ("output", "ok", "1"),
                ("model", "", "then"), ("code", "python", "b"), ("output", "ok", "2"),
                ("answer", "", "done."),
            ],
        ),
        (
            answer({"type": "reasoning", "reasoning": "Hm."}, text("Yes.")),
            [("thoughts", "", "Hm."), ("answer", "", "Yes.")],
        ),
        (
            answer({"type": "tool_call", "id": "c", "name": "stock", "args": {"article": "bölt"}}),
            [("call", "stock", '{"article": "bölt"}')],
        ),
        (
            answer(
                {"type": "server_tool_call", "id": "c", "name": "google_search", "args": {"q": "x"}},
                {"type": "server_tool_result", "tool_call_id": "c", "status": "success", "output": {"hits": 2}},
            ),
            [("call", "google_search", '{"q": "x"}'), ("reply", "", '{"hits": 2}')],
        ),
        (
            answer(*ran("plot()", ""), image()),
            [("code", "python", "plot()"), ("output", "ok", ""), ("image", "", PIXEL_FACTS)],
        ),
        (answer({"type": "image", "url": "https://example.org/a.png"}), [("file", "", "https://example.org/a.png")]),
        (answer({"type": "file"}), [("file", "", "of unknown type")]),
        (answer({"type": "non_standard", "value": {"new": 1}}, text(""), {"type": "reasoning"}), []),
        (
            answer(text("Yes."), response_metadata={"plan": plan(True, ["stock"], "delegated", "both are needed")}),
            [("plan", "delegated", "code execution, stock: both are needed"), ("answer", "", "Yes.")],
        ),
        (
            answer(response_metadata={"plan": {**plan(True, ["stock"], "native", "so"), "callable_from_code": ["stock"]}}),
            [("plan", "native", "code execution (can call stock), stock: so")],
        ),
        (
            answer(response_metadata={"plan": plan(False, [], "one_sided")}),
            [("plan", "one_sided", "no tools: no reason given")],
        ),
        (answer(response_metadata={"plan": plan(True, [], "native", "no functions are declared")}), []),
        (answer(response_metadata={"plan": "of another kind"}), []),
        (answer(response_metadata={"finish_message": "Cut off."}), [("notice", "", "Cut off.")]),
        (
            answer(
                usage_metadata={
                    "input_tokens": 30, "output_tokens": 12, "total_tokens": 42,
                    "input_token_details": {"tool_use": 10}, "output_token_details": {"reasoning": 5},
                },
                response_metadata={"model_name": "gemini-x"},
            ),
            [("usage", "gemini-x", "42 tokens: 30 in (10 from its runs), 12 out (5 thinking)")],
        ),
        (answer(response_metadata={"model_name": "gemini-x"}), [("usage", "gemini-x", "tokens not counted")]),
    ],
)  # fmt: skip
def test_what_a_message_tells(message, sections):
    assert contents_of(sections_of(message)) == sections


@pytest.mark.parametrize("block", [None, 7, [], {}, {"type": None}, {"type": "server_tool_call"}])
def test_a_malformed_block_tells_nothing_or_little_and_raises_nothing(block):
    assert {section.text for section in sections_of_block(block, CodeReader().read(block))} <= {"{}"}


def test_messages_of_other_providers_are_read_too():
    run = {
        "type": "code_interpreter_call", "id": "ci_1", "code": "print(1)", "status": "completed",
        "outputs": [{"type": "logs", "logs": "1\n"}],
    }  # fmt: skip
    for openai in (
        AIMessage([run, text("One.")]),
        AIMessage("One.", additional_kwargs={"tool_outputs": [run]}),
    ):
        assert contents_of(sections_of(openai)) == [
            ("code", "python", "print(1)"), ("output", "ok", "1\n"), ("answer", "", "One."),
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("outcome", "label"),
    [
        (Outcome.OK, "ok"),
        (Outcome.FAILED, "failed"),
        (Outcome.DEADLINE_EXCEEDED, "out of time"),
        (Outcome.UNSPECIFIED, "outcome unknown"),
    ],
)
def test_every_outcome_has_its_words(outcome, label):
    [code, output] = sections_of_execution(CodeExecution("x", outcome=outcome, output="y"))
    assert (code.kind, code.text, output.label) == ("code", "x", label)
    assert output.failed == (outcome != Outcome.OK)


def test_a_piped_record_is_plain_and_breaks_no_line():
    long = "x" * 100
    message = answer(text(f"**{long}**"), *ran(f"print('{long}')", f"{long}\n"), text("a\nb"))
    assert shown(render(message)).splitlines() == [
        "model ──────────────────────────────────",
        f"**{long}**",
        "",
        "code · python ──────────────────────────",
        f"print('{long}')",
        "",
        "output · ok ────────────────────────────",
        long,
        "",
        "answer ─────────────────────────────────",
        "a",
        "b",
        "",
    ]


def test_at_a_terminal_prose_is_markdown_that_keeps_its_line_ends():
    screen = shown(render(AIMessage("It is **42**:\n`6 * 7`")), force_terminal=True, no_color=True)
    assert "\x1b[1m42\x1b[0m" in screen
    assert "**" not in screen
    assert [line for line in screen.splitlines() if "6 * 7" in line and "42" in line] == []


def test_code_is_highlighted_and_failures_are_red():
    message = answer(*ran("import os", "boom", "OUTCOME_FAILED"))
    screen = shown(render(message), force_terminal=True, color_system="standard")
    assert "import\x1b[0m" in screen
    assert "\x1b[1;31moutput\x1b[0m" in screen
    assert "\x1b[31mboom\x1b[0m" in screen


def test_a_run_in_a_language_nobody_knows_is_shown_as_it_is():
    screen = shown(render(CodeExecution("10 PRINT", "KLINGON", Outcome.OK, output="\n")))
    assert "10 PRINT" in screen
    assert "(it printed nothing)" in screen


def test_thoughts_notice_and_tokens_are_shown():
    message = answer(
        {"type": "reasoning", "reasoning": "Hm."},
        response_metadata={"finish_message": "Cut off."},
        usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
    )
    screen = shown(render(message))
    assert "thoughts ─" in screen
    assert "Cut off.\n" in screen
    assert "3 tokens: 1 in, 2 out\n" in screen


def test_where_an_image_is_saved_is_shown(tmp_path):
    message = answer(*ran("plot()", ""), image())
    [saved] = save_outputs(message, FolderSink(tmp_path))
    assert f"{tmp_path / saved.name}\n" in shown(render(message))


@pytest.mark.parametrize(
    "block", [text(MARKUP), *ran(MARKUP, MARKUP), {"type": "reasoning", "reasoning": MARKUP}]
)
def test_nothing_in_a_message_steers_the_terminal(block):
    assert "␛[2J[red]x[/red]" in shown(render(answer(block)))


def test_json_record_tells_everything():
    message = answer(
        text("I compute."), *ran("print(42)", "42\n"), image(), text("It is 42."),
        usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
        response_metadata={"finish_reason": "STOP", "model_name": "gemini-x", "plan": {"way": "native"}},
    )  # fmt: skip
    record = json_record(message)
    assert json.loads(json.dumps(record)) == {
        "answer": "It is 42.",
        "executions": [
            {
                "code": "print(42)",
                "language": "PYTHON",
                "outcome": "OUTCOME_OK",
                "output": "42\n",
                "images": [{"mime_type": "image/png", "base64": PIXEL}],
                "origin": "gemini",
            }
        ],
        "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
        "finish_reason": "STOP",
        "model": "gemini-x",
        "plan": {"way": "native"},
    }
    empty = {"usage": None, "finish_reason": None, "model": None}
    assert json_record(AIMessage("")) == {"answer": "", "executions": [], **empty}


@pytest.fixture
def scene(scenes) -> AIMessage:
    return scenes.chat().invoke("What is the sum of the first 10 positive integers?")


@pytest.mark.parametrize(
    "form",
    [
        lambda message: shown(render(message)),
        lambda message: json.dumps(json_record(message)),
        html_page,
        lambda message: json.dumps(notebook_from_messages(message)),
        lambda message: repr(show(message)),
        lambda message: json.dumps(json_record(message.model_copy(update={"usage_metadata": None}))),
        lambda message: html_page(message.model_copy(update={"usage_metadata": None})),
    ],
    ids=["terminal", "json", "page", "notebook", "cell", "json without usage", "page without usage"],
)
def test_every_form_says_that_a_stand_in_answered(scene, form):
    assert "total = 55" in form(scene)
    assert "gemini-3-flash-preview (offline stand-in)" in form(scene)


CALLS = (
    FunctionCall("get_price", {"item": "a"}, 19.99, line=3, seconds=0.012),
    FunctionCall("get_price", {"item": "b" * 300}, 5.0, line=3, seconds=1),
    FunctionCall("refund", {"order": 7}, error="not <b>\x1b[31mnow", line=4),
    *(FunctionCall("tick", line=5) for _ in range(22)),
    FunctionCall("late", {}, {"ok": True}, seconds=2),
)


def test_calls_stand_below_the_lines_that_made_them():
    source = "\n\nprices = [get_price(x) for x in items]\nif refund(\n    7): [tick() for _ in range(22)]\nprint(1)\n"
    run = CodeExecution(source, outcome=Outcome.OK, output="1\n", calls=CALLS)
    message = ToolMessage("1", tool_call_id="1", artifact=artifact_from_executions([run]))
    [cell, *_] = notebook_from_messages(message)["cells"]
    terminal = shown(render(message))
    page = unescape(re.sub("<[^>]+>", "", html_page(message)))
    rows = [
        "get_price(item='a') = 19.99 \u00b7 12 ms",
        "get_price(item='bbbbb",
        "refund(order=7) failed: not <b>\u241b[31mnow \u00b7 0 ms",
        *["tick() = None \u00b7 0 ms"] * 20,
        "and 2 more",
        "late() = {'ok': True} \u00b7 2 s",
    ]
    for form in (terminal, page, cell["outputs"][0]["text"]):
        end = 0
        for row in rows:
            end = form.index(row, end) + len(row)
        assert "b" * 200 not in form
    lines = terminal.splitlines()
    assert lines[1:3] == ["prices = [get_price(x) for x in items]", f"#   {rows[0]}"]
    assert lines[4:6] == ["if refund(", f"#   {rows[2]}"]
    compile(terminal[terminal.index("prices") : terminal.index("\n\noutput")], "shown", "exec")
    assert cell["source"] == source.strip("\n")
    assert json_record(message)["executions"][0]["calls"][0]["result"] == 19.99
