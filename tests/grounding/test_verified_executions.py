"""Answers verified in the real sandbox: what is confirmed, what is wrong, what nobody can check."""

import json
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from langchain_codeexec import LocalSandbox
from langchain_codeexec.errors import ExecutorError
from langchain_codeexec.executions import CodeExecution, InlineFile, Outcome, artifact_from_executions
from langchain_codeexec.grounding import (
    Verdict,
    Verification,
    averify_executions,
    documents_as_data,
    verify_executions,
)
from langchain_codeexec.grounding.attribution import attributed

OK, FAILED, LATE = "OUTCOME_OK", "OUTCOME_FAILED", "OUTCOME_DEADLINE_EXCEEDED"


def message(*runs: tuple[str, str] | tuple[str, str, str], text: str = "", before: str = "") -> AIMessage:
    """An answer that ran code, each given with its output and outcome."""
    blocks: list[Any] = [{"type": "text", "text": before}] if before else []
    for number, (code, output, *outcome) in enumerate(runs):
        ended = outcome[0] if outcome else OK
        blocks += [
            {
                "type": "server_tool_call",
                "id": f"c{number}",
                "name": "code_interpreter",
                "args": {"code": code},
            },
            {
                "type": "server_tool_result",
                "tool_call_id": f"c{number}",
                "status": "success" if ended == OK else "error",
                "output": output,
                "extras": {"outcome": ended},
            },
        ]
    return AIMessage([*blocks, {"type": "text", "text": text}])


CONFIRMED = {
    "the same": ("print(6 * 7)", "42\n"),
    "white space": ("print('a  \\nb')", "a\nb"),
    "nothing": ("x = 1", ""),
    "noise of a float": ("print(0.1 + 0.2)", "0.3\n"),
    "padding": ("print('x', 1e-17)", "x    0.0"),
    "an address": ("print('<at 0x7f0000000001>')", "<at 0x7fffffffffff>\n"),
    "the same error": ("1 / 0", "Traceback ...\nZeroDivisionError: division by zero", FAILED),
    "an error in other words": ("1 / 0", "it failed", FAILED),
    "seeded chance": ("import random\nrandom.seed(7)\nprint(random.randint(1, 10**6))", "339564\n"),
    "chance that does not show": ("import random\nrandom.random()\nprint(42)", "42\n"),
}


@pytest.mark.parametrize("run", CONFIRMED.values(), ids=CONFIRMED)
def test_what_comes_out_again_is_confirmed(run: tuple[str, str], sandbox: LocalSandbox) -> None:
    verification = verify_executions(message(run), sandbox)
    assert (verification.verdict, verification.reason, verification.executor) == (
        Verdict.CONFIRMED,
        "",
        "sandbox",
    )
    assert verification.runs[0].output == ""


OTHER = {
    "another number": ("print(6 * 7)", "43\n", Verdict.MISMATCH, "prints something else"),
    "a digit more": ("print(0.25)", "0.26", Verdict.MISMATCH, "prints something else"),
    "a large integer": ("print(10**20)", f"{10**20 + 1}", Verdict.MISMATCH, "prints something else"),
    "another order": ("print([1, 2])", "[2, 1]", Verdict.MISMATCH, "prints something else"),
    "a list for a number": ("print('[1,234]')", "[1234]", Verdict.MISMATCH, "prints something else"),
    "another unit": ("print('1.5 km')", "1.5 kg", Verdict.MISMATCH, "prints something else"),
    "a variable called time": ("time = 5\nprint(time)", "6", Verdict.MISMATCH, "prints something else"),
    "nothing printed": ("x = 1", "1", Verdict.MISMATCH, "prints something else"),
    "it does not fail": ("print(1)", "ZeroDivisionError: x", Verdict.MISMATCH, "failed there"),
    "it fails": ("1 / 0", "1", Verdict.MISMATCH, "ZeroDivisionError"),
    "another error": ("1 / 0", "NameError: x", Verdict.MISMATCH, "ZeroDivisionError"),
    "seeded, and yet": (
        "import random\nrandom.seed(7)\nprint(random.random())",
        "0.5",
        Verdict.MISMATCH,
        "else",
    ),
    "chance": ("import random\nprint(random.random())", "0.5", Verdict.NOT_REPRODUCIBLE, "chance"),
    "chance renamed": (
        "from random import random as r\nprint(r())",
        "0.5",
        Verdict.NOT_REPRODUCIBLE,
        "chance",
    ),
    "the time": ("import time\nprint(time.time())", "1.5", Verdict.NOT_REPRODUCIBLE, "the time"),
    "the date": (
        "from datetime import date\nprint(date.today())",
        "2020-01-01",
        Verdict.NOT_REPRODUCIBLE,
        "the time",
    ),
    "a set": (
        "print(set('abcdefghijkl'))",
        str(list("lkjihgfedcba")).translate({ord("["): "{", ord("]"): "}"}),
        Verdict.NOT_REPRODUCIBLE,
        "order of sets",
    ),
    "files": (
        "import os\nprint(*sorted(os.listdir()), 'a', 'b')",
        "b a",
        Verdict.NOT_REPRODUCIBLE,
        "order of files",
    ),
    "a set with another member": ("print({1, 2})", "{1, 3}", Verdict.MISMATCH, "prints something else"),
    "an object": ("print(hash('a'))", "5", Verdict.NOT_REPRODUCIBLE, "the machine"),
    "unseen chance": (
        "print(int.from_bytes(open('/dev/urandom', 'rb').read(8)))",
        "5",
        Verdict.NOT_REPRODUCIBLE,
        "each time",
    ),
    "no program": ("print(", "1", Verdict.MISMATCH, "SyntaxError"),
    "no such library": ("import no_such_library", "1", Verdict.NOT_CHECKED, "no_such_library"),
    "no such library there": ("print(1)", "ImportError: chess", Verdict.NOT_CHECKED, "there"),
    "no such file": ("open('input_file_9.csv')", "1", Verdict.NOT_CHECKED, "input_file_9.csv"),
    "no such file, no such name": ("open('x')", "NameError: x", Verdict.NOT_CHECKED, "cannot be run here"),
    "too much": ("print('x' * 10**7)", "y", Verdict.NOT_CHECKED, "more than is kept"),
    "too late there": ("print(1)", "", Verdict.NOT_CHECKED, "ran out of time"),
    "no code": ("", "1", Verdict.NOT_CHECKED, "does not hold its code"),
}


@pytest.mark.parametrize(("code", "output", "verdict", "words"), OTHER.values(), ids=OTHER)
def test_what_comes_out_differently_is_judged(
    code: str, output: str, verdict: Verdict, words: str, sandbox: LocalSandbox
) -> None:
    outcome = FAILED if "Error" in output else LATE if words == "ran out of time" else OK
    verification = verify_executions(message((code, output, outcome)), sandbox)
    assert verification.verdict is verdict
    assert words in verification.reason


def test_time_is_limited(sandbox: LocalSandbox) -> None:
    verification = verify_executions(message(("while True: pass", "done")), sandbox, timeout=0.2)
    assert (verification.verdict, verification.runs[0].outcome) == (Verdict.NOT_CHECKED, LATE)


def test_runs_of_a_message_share_their_state(sandbox: LocalSandbox) -> None:
    verification = verify_executions(
        message(("x = 5", ""), ("print(x)", "5"), ("print(x + 1)", "7")), sandbox
    )
    assert [run.verdict for run in verification.runs] == [
        Verdict.CONFIRMED,
        Verdict.CONFIRMED,
        Verdict.MISMATCH,
    ]
    assert verification.reason == "run 3: it prints something else here"
    assert verification.runs[2].output == "6\n"


def test_a_run_that_builds_on_one_that_was_not_repeated_is_not_wrong(sandbox: LocalSandbox) -> None:
    late = ("x = 5", "", LATE)
    verification = verify_executions(message(late, ("print(x)", "5")), sandbox)
    assert [run.verdict for run in verification.runs] == [Verdict.NOT_CHECKED] * 2
    assert "could not be repeated" in verification.runs[1].reason


def test_another_language_and_half_a_run_are_not_checked(sandbox: LocalSandbox) -> None:
    runs = [
        CodeExecution("ls", language="BASH", outcome=Outcome.OK, output="x"),
        CodeExecution("print(1)"),
        CodeExecution("print(1)", outcome=Outcome.OK, output="1"),
    ]
    reply = ToolMessage("1", tool_call_id="1", artifact=artifact_from_executions(runs))
    verification = verify_executions(reply, sandbox)
    assert [run.verdict for run in verification.runs] == [
        Verdict.NOT_CHECKED,
        Verdict.NOT_CHECKED,
        Verdict.CONFIRMED,
    ]
    assert "BASH" in verification.reason


CSV = b"a\n1\n2\n"
READ = ("print(sum(int(line) for line in open('input_file_0.csv').read().split()[1:]))", "3")


def test_files_are_those_of_the_conversation(sandbox: LocalSandbox) -> None:
    block = {"type": "file", "base64": "YQoxCjIK", "mime_type": "text/csv"}
    history = [HumanMessage([{"type": "text", "text": "Sum?"}, block])]
    assert verify_executions(message(READ), sandbox, history=history).verdict is Verdict.CONFIRMED
    files = [InlineFile(CSV, "text/csv", "input_file_0.csv")]
    assert verify_executions(message(READ), sandbox, files).verdict is Verdict.CONFIRMED
    assert verify_executions(message(READ), sandbox).verdict is Verdict.NOT_CHECKED


def test_files_of_documents_can_be_given(sandbox: LocalSandbox) -> None:
    data = documents_as_data(Document("|a|\n|---|\n|1|\n|2|\n\nIt weighs 70 kg."))
    code = "import csv\nprint(sum(int(row['a']) for row in csv.DictReader(open('input_file_0.csv'))))"
    reply = message((code, "3"), text="It is 3 [1], and 70 kg, of 9.")
    answer = attributed(reply, "Of 9?", data)
    files = [file.inline_file for file in data.files]
    assert verify_executions(answer.message, sandbox, files).verdict is Verdict.CONFIRMED
    assert verify_executions(reply, sandbox, files).unsupported == ("70 kg", "9")


@pytest.mark.parametrize(
    ("text", "unsupported"),
    [
        ("It is 42.", ()),
        ("It is about 42.0 and you asked for 17.", ()),
        ("It is 43, not 44, and 43 again.", ("43", "44")),
        ("The factors are [2, 3].", ("2", "3")),
        ("It was computed in 2020, see [1].", ()),
        ("A tool said 19.99.", ()),
        ("An earlier run printed 77.", ()),
        ("I said 66.", ("66",)),
        ("A refuted run printed 55.", ("55",)),
        ("A middleware said 88.", ("88",)),
        ("", ()),
    ],
)
def test_figures_of_the_answer_have_to_be_somewhere(
    text: str, unsupported: tuple[str, ...], sandbox: LocalSandbox
) -> None:
    refuted = verify_executions(message(("print(1)", "55")), sandbox).beside(message(("print(1)", "55")))
    history = [
        HumanMessage("17 of them?"),
        message(("print(77)", "77"), text="It may be 66."),
        ToolMessage("19.99", tool_call_id="1"),
        refuted,
        HumanMessage("88", additional_kwargs={"lc_source": "verification"}),
    ]
    reply = message(("print(42)", "42"), text=text, before="I will try up to 1000.")
    verification = verify_executions(reply, sandbox, history=history)
    assert verification.unsupported == unsupported
    assert verification.verdict is (Verdict.MISMATCH if unsupported else Verdict.CONFIRMED)


@pytest.mark.parametrize(
    ("printed", "text", "verdict"),
    [
        ("12500000", "Das sind 12,5 Mio. EUR.", Verdict.CONFIRMED),
        ("12500001", "Das sind 12,50 Mio. EUR.", Verdict.CONFIRMED),
        ("0.032", "Das sind 3,2 %.", Verdict.CONFIRMED),
        ("49.75", "Er kostet 49,75 €.", Verdict.CONFIRMED),
        ("49", "Er kostet 49,75 €.", Verdict.MISMATCH),
        ("1234500000", "Cela fait 1 234,5 millions.", Verdict.CONFIRMED),
        ("3400", "Es sind 3.400 Stück.", Verdict.NOT_CHECKED),
        ("3.4", "Es sind 3.400 Stück.", Verdict.NOT_CHECKED),
        ("35", "Es sind 3.400 Stück.", Verdict.MISMATCH),
    ],
)
def test_figures_are_judged_in_any_notation(
    printed: str, text: str, verdict: Verdict, sandbox: LocalSandbox
) -> None:
    reply = message((f"print({printed})", printed), text=text)
    verification = verify_executions(reply, sandbox, history=[HumanMessage("?")])
    assert verification.verdict is verdict
    assert ("several ways" in verification.reason) == (verdict is Verdict.NOT_CHECKED)
    assert Verification.from_message(verification.beside(reply)) == verification


def tool_reply(code: str, output: str, *, says: str = "", origin: str = "sandbox") -> ToolMessage:
    run = CodeExecution(code, outcome=Outcome.OK, output=output, origin=origin)
    return ToolMessage(
        f"{says}\n{output}", tool_call_id="1", artifact=artifact_from_executions([run], answer=says)
    )


@pytest.mark.parametrize(
    ("reply", "text", "verdict", "runs"),
    [
        (tool_reply("print(42)", "42\n"), "It is 42.", Verdict.CONFIRMED, 1),
        (tool_reply("print(42)", "42\n"), "It is 43.", Verdict.MISMATCH, 1),
        (tool_reply("print(42)", "42\n", says="It is 43."), "It is 43.", Verdict.MISMATCH, 1),
        (tool_reply("print(42)", "43\n", origin="gemini"), "It is 43.", Verdict.MISMATCH, 1),
        (tool_reply("print(look_up())", "43\n"), "It is 43.", Verdict.NOT_CHECKED, 1),
        (ToolMessage("42", tool_call_id="1"), "It is 42.", Verdict.NOT_CHECKED, 0),
    ],
)
def test_runs_of_tools_in_the_same_turn_are_verified(
    reply: ToolMessage, text: str, verdict: Verdict, runs: int, sandbox: LocalSandbox
) -> None:
    call = AIMessage("", tool_calls=[{"name": "python", "args": {}, "id": "1"}])
    before = [HumanMessage("Earlier?"), tool_reply("print(1)", "2"), AIMessage("2"), HumanMessage("Now?")]
    verification = verify_executions(AIMessage(text), sandbox, history=[*before, call, reply])
    assert (verification.verdict, len(verification.runs)) == (verdict, runs)


def test_without_a_history_the_numbers_of_the_code_are_the_questions(sandbox: LocalSandbox) -> None:
    reply = message(("print(sum(range(51)))", "1275"), text="The sum up to 51 is 1,275.")
    assert verify_executions(reply, sandbox).verdict is Verdict.CONFIRMED
    assert verify_executions(reply, sandbox, history=[HumanMessage("Sum up.")]).unsupported == ("51",)


def test_a_failed_run_bears_nothing_out(sandbox: LocalSandbox) -> None:
    failed = ("raise ValueError(3 + 4)", "ValueError: 7", FAILED)
    assert verify_executions(message(failed, text="It is 7."), sandbox).unsupported == ("7",)


def test_without_runs_there_is_nothing_to_verify() -> None:
    verification = verify_executions(AIMessage("It is 43."))
    assert (verification.verdict, verification.reason) == (Verdict.NOT_CHECKED, "the answer holds no runs")


class Broken:
    """A sandbox that cannot open a session."""

    name = "broken"

    def session(self) -> Any:
        raise ExecutorError("the disk is full\nRemedy: free some")


def test_a_broken_sandbox_is_a_reason() -> None:
    verification = verify_executions(message(("print(1)", "1"), text="It is 1."), Broken())  # type: ignore[arg-type]
    assert (verification.verdict, verification.reason) == (
        Verdict.NOT_CHECKED,
        "run 1: the sandbox failed: the disk is full",
    )


async def test_it_is_the_same_asynchronously(sandbox: LocalSandbox) -> None:
    reply = message(("print(6 * 7)", "43"), text="It is 43.")
    assert await averify_executions(reply, sandbox) == verify_executions(reply, sandbox)


async def test_cancelling_ends_the_run(sandbox: LocalSandbox) -> None:
    import asyncio

    slow = message(("import time\ntime.sleep(60)", ""), ("print(1)", "1"))
    task = asyncio.ensure_future(averify_executions(slow, sandbox))
    for _ in range(3):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


COPIES = {
    "JSON": lambda message: AIMessage(**json.loads(message.model_dump_json())),
    "checkpoint": lambda message: JsonPlusSerializer().loads_typed(JsonPlusSerializer().dumps_typed(message)),
}


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_the_verdict_lies_beside_the_answer_and_survives(copied: Any, sandbox: LocalSandbox) -> None:
    reply = message(("print(6 * 7)", "43"), text="It is 43, or 44.")
    verification = verify_executions(reply, sandbox)
    beside = copied(verification.beside(reply))
    assert Verification.from_message(beside) == verification
    assert beside.content == reply.content
    assert beside.response_metadata["verification"]["verdict"] == "mismatch"
    assert Verification.from_message(reply) is None


@pytest.mark.parametrize(
    "record",
    [None, [], {}, {"runs": [{}]}, {"runs": [{"verdict": "perhaps"}], "unsupported": [], "executor": ""}],
)
def test_a_message_without_a_verification_has_none(record: Any) -> None:
    reply = AIMessage("42", response_metadata={"verification": record})
    assert Verification.from_message(reply) is None
