"""Given programs on Gemini's side: what is sent, what counts as having run, and what comes back."""

import asyncio
import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from threading import Event
from typing import Any

import pytest

from langchain_codeexec import ChatGeminiCodeExecution, ExecutionRequest, LocalSandbox
from langchain_codeexec.emulator import EmulatedError, GeminiEmulator, Prompt, ScriptedBrain
from langchain_codeexec.errors import (
    ConfigurationError,
    ExecutionRequestError,
    ExecutorError,
    GeminiTimeoutError,
    RateLimitError,
)
from langchain_codeexec.executions import ExecutionResult, InlineFile, Outcome
from langchain_codeexec.executors.base import AsyncExecutorSession, CodeExecutor
from langchain_codeexec.executors.gemini import GeminiExecutor
from tests.executors.conftest import asked_code, code_part, faithful

PNG = b"\x89PNG\r\n\x1a\n drawn"
CSV = InlineFile(b"a,b\n1,2\n", "text/csv", "sales.csv")


def result_part(outcome: str, output: str = "") -> dict[str, Any]:
    return {"codeExecutionResult": {"outcome": outcome, "output": output}}


class Model:
    """A model whose behaviour each test sets."""

    def __init__(self) -> None:
        self.reply: Callable[[Prompt], Any] = faithful
        self.prompts: list[Prompt] = []

    def __call__(self, prompt: Prompt) -> Any:
        self.prompts.append(prompt)
        return self.reply(prompt)

    def text(self, index: int = -1) -> str:
        return self.prompts[index].request["contents"][-1]["parts"][-1]["text"]


@pytest.fixture(scope="module")
def service(sandbox: LocalSandbox) -> Iterator[tuple[Model, GeminiEmulator]]:
    model = Model()
    with GeminiEmulator(ScriptedBrain(model), sandbox) as emulator:
        yield model, emulator


@pytest.fixture
def model(service: tuple[Model, GeminiEmulator]) -> Model:
    model, _ = service
    model.reply, model.prompts = faithful, []
    return model


@pytest.fixture
def executor(service: tuple[Model, GeminiEmulator], model: Model) -> GeminiExecutor:
    return GeminiExecutor.from_chat_model(chat_model(service[1]))


def chat_model(emulator: GeminiEmulator, **settings: Any) -> ChatGeminiCodeExecution:
    defaults = {"model": "gemini-2.5-flash", "vertexai": False, "api_key": "any", "max_retries": 0}
    return ChatGeminiCodeExecution(**{**defaults, "base_url": emulator.url, **settings})


# -- programs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("print(6 * 7)", "42\n"),
        ("\n\nprint(1)\n\n", "1\n"),
        ("print('größer ≥ 1')\n", "größer ≥ 1\n"),
        ('text = """\n```python\n   \nx\n````\n"""\nprint(text)', "\n```python\n   \nx\n````\n\n"),
        ("from __future__ import annotations\nx: Undefined = 1\nprint(x)", "1\n"),
        ("print('a')\r\nprint('b')\r\n", "a\nb\n"),
        ("import sys\nprint('warned', file=sys.stderr)", ""),
        ("# nothing but a remark", ""),
        ("x = '{program}'\nprint(x)", "{program}\n"),
        ("\n    \nif True:\n    print('indented')", "indented\n"),
        (f"# {'long ' * 2000}\nprint('end')", "end\n"),
    ],
)
async def test_a_program_runs_as_it_stands(executor: GeminiExecutor, model: Model, code: str, printed: str):
    for result in (executor.run(code), await executor.arun(code)):
        assert (result.outcome, result.stdout, result.stderr, result.detail) == (Outcome.OK, printed, "", "")
        assert result.wall_time > 0
    assert len(model.prompts) == 2


def test_one_request_asks_for_code_execution_alone(executor: GeminiExecutor, model: Model):
    executor.run(ExecutionRequest("print(1)"))
    [prompt] = model.prompts
    assert prompt.request["tools"] == [{"codeExecution": {}}]
    assert prompt.request["generationConfig"] == {"temperature": 0}
    assert prompt.model == "gemini-2.5-flash"


@pytest.mark.parametrize("code", ["", " \n\t"])
def test_nothing_needs_no_request(executor: GeminiExecutor, model: Model, code: str):
    assert executor.run(ExecutionRequest(code)).outcome is Outcome.OK
    assert model.prompts == []


def test_another_language_is_a_failure(executor: GeminiExecutor, model: Model):
    result = executor.run(ExecutionRequest("puts 1", language="RUBY"))
    assert (result.outcome, result.detail) == (Outcome.FAILED, "'RUBY' does not run here: only PYTHON")
    assert model.prompts == []


def test_code_that_is_no_text_is_refused(executor: GeminiExecutor):
    with pytest.raises(ExecutionRequestError, match="not valid Unicode"):
        executor.run(ExecutionRequest("x = '\ud800'"))


@pytest.mark.parametrize(
    ("result", "images", "expected"),
    [
        (
            result_part("OUTCOME_FAILED", "Traceback\nNameError: x"),
            [],
            ExecutionResult(Outcome.FAILED, stderr="Traceback\nNameError: x"),
        ),
        (
            result_part("OUTCOME_DEADLINE_EXCEEDED", "too long"),
            [],
            ExecutionResult(Outcome.DEADLINE_EXCEEDED, stderr="too long"),
        ),
        (result_part("OUTCOME_NEW"), [], ExecutionResult(Outcome.UNSPECIFIED)),
        (
            result_part("OUTCOME_OK", "drawn\n"),
            [PNG, PNG],
            ExecutionResult(
                Outcome.OK,
                "drawn\n",
                images=(
                    InlineFile(PNG, "image/png", "image_0.png"),
                    InlineFile(PNG, "image/png", "image_1.png"),
                ),
            ),
        ),
    ],
)
def test_outcomes_are_the_wires(
    executor: GeminiExecutor, model: Model, result: Any, images: list[bytes], expected: ExecutionResult
):
    drawn = [{"inlineData": {"mimeType": "image/png", "data": b64encode(image).decode()}} for image in images]
    model.reply = lambda prompt: ["Running.", code_part(asked_code(prompt)), result, *drawn]
    found = executor.run(ExecutionRequest("draw()"))
    assert (found.outcome, found.stdout, found.stderr) == (expected.outcome, expected.stdout, expected.stderr)
    assert found.images == expected.images


# -- what really ran -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rewritten",
    ["value=1   # as asked\nprint( value )", "value = 1\n\n\nprint(value)", "value = (1)\nprint(value)\n"],
)
def test_layout_and_comments_do_not_matter(executor: GeminiExecutor, model: Model, rewritten: str):
    model.reply = lambda prompt: [code_part(rewritten)]
    assert executor.run(ExecutionRequest("value = 1  # one\nprint(value)")).stdout == "1\n"
    assert len(model.prompts) == 1


def test_code_that_is_no_python_is_compared_by_its_lines(executor: GeminiExecutor, model: Model):
    result = executor.run(ExecutionRequest("print(1\n"))
    assert result.outcome is Outcome.FAILED
    assert "SyntaxError" in result.stderr
    model.reply = lambda prompt: [code_part("print(1)")]
    with pytest.raises(ExecutorError, match=r"ran other code than it was given: 'print\(1\)'"):
        executor.run(ExecutionRequest("print(1\n"))


async def test_a_model_that_ran_other_code_is_asked_once_more(executor: GeminiExecutor, model: Model):
    def improving(prompt: Prompt) -> Any:
        return [code_part("print('better')")] if len(model.prompts) % 2 else faithful(prompt)

    model.reply = improving
    for result in (
        executor.run(ExecutionRequest("print(1)")),
        await executor.arun(ExecutionRequest("print(1)")),
    ):
        assert result.stdout == "1\n"
    assert "exactly as it stands" in model.text(0)
    assert "character by character" in model.text(1)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ([code_part("print(2)")], r"gemini-2.5-flash ran other code than it was given: 'print\(2\)'"),
        (["It would print 1."], "answered without code execution, and said: 'It would print 1.'"),
        (
            {"candidates": [{"content": {"parts": [{"text": "pri"}]}, "finishReason": "MAX_TOKENS"}]},
            r"answered without code execution \(it ended with MAX_TOKENS\), and said: 'pri'",
        ),
        (
            {"candidates": None, "promptFeedback": {"blockReason": "SAFETY"}},
            r"answered without code execution \(it ended with SAFETY\)$",
        ),
        (
            {
                "candidates": [
                    {"content": {"parts": [code_part("print(1)")]}, "finishReason": "TOO_MANY_TOOL_CALLS"}
                ]
            },
            r"gave no result of the program \(it ended with TOO_MANY_TOOL_CALLS\)",
        ),
    ],
)
async def test_a_model_that_does_not_run_it_is_an_error(
    executor: GeminiExecutor, model: Model, reply: Any, words: str
):
    model.reply = lambda prompt: reply
    with pytest.raises(ExecutorError, match=words):
        executor.run(ExecutionRequest("print(1)"))
    with pytest.raises(ExecutorError, match=words):
        await executor.arun(ExecutionRequest("print(1)"))
    assert len(model.prompts) == 4


def test_what_the_model_runs_afterwards_is_none_of_the_programs_results(
    executor: GeminiExecutor, model: Model
):
    model.reply = lambda prompt: [code_part(asked_code(prompt)), code_part("print('mended')")]
    result = executor.run(ExecutionRequest("1 / 0"))
    assert result.outcome is Outcome.FAILED
    assert "ZeroDivisionError" in result.stderr
    assert "mended" not in result.output


# -- files -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "code", "printed"),
    [
        ((InlineFile(b"1,2", "text/csv"),), "print(open('input_file_0.csv').read())", "1,2\n"),
        ((CSV,), "from __future__ import annotations\nprint(len(open('sales.csv').read()))", "8\n"),
        (
            (InlineFile(b"one", "text/csv", "input_file_1.csv"), InlineFile(b"two", "text/csv", "b.csv")),
            "print(open('input_file_1.csv').read(), open('b.csv').read())",
            "one two\n",
        ),
        (
            (
                InlineFile(b"zero", "text/csv", "input_file_1.csv"),
                InlineFile(b"one", "text/csv", "input_file_0.csv"),
            ),
            "print(open('input_file_0.csv').read(), open('input_file_1.csv').read())",
            "one zero\n",
        ),
        ((InlineFile(PNG, "", "it's.JPG"),), "print(open(\"it's.JPG\", 'rb').read()[1:4])", "b'PNG'\n"),
        (
            (InlineFile(b"x = 1", "text/x-python; charset=utf-8", "tool.py"),),
            "print(open('tool.py').read())",
            "x = 1\n",
        ),
    ],
)
def test_a_program_finds_its_files_under_their_names(
    executor: GeminiExecutor, files: tuple[InlineFile, ...], code: str, printed: str
):
    result = executor.run(ExecutionRequest(code, files=files))
    assert (result.outcome, result.output) == (Outcome.OK, printed)


def test_the_services_own_names_need_no_lines_in_front(executor: GeminiExecutor, model: Model):
    files = (
        InlineFile(b"1", "text/csv", "input_file_0.csv"),
        InlineFile(b"2", "application/xml", "input_file_1.xml"),
    )
    executor.run(ExecutionRequest("print(1)", files=files))
    assert asked_code(model.prompts[0]) == "print(1)\n"
    sent = [part["inlineData"]["mimeType"] for part in model.prompts[0].request["contents"][0]["parts"][:-1]]
    assert sent == ["text/csv", "text/xml"]


@pytest.mark.parametrize(
    "file",
    [
        InlineFile(b"PK", "application/zip", "all.zip"),
        InlineFile(b"{}", "application/json", "data.json"),
        InlineFile(b"?", "", ""),
        InlineFile(b"1", "text/csv", "../up.csv"),
    ],
)
def test_files_that_cannot_be_sent_are_refused(executor: GeminiExecutor, model: Model, file: InlineFile):
    with pytest.raises(ExecutionRequestError, match="file"):
        executor.run(ExecutionRequest("print(1)", files=(file,)))
    assert model.prompts == []


# -- time, failures, cancelling --------------------------------------------------------------------------


@pytest.fixture
def slow(model: Model) -> Iterator[Event]:
    """A model that has been reached when the event is set, and answers when the test is over."""
    reached, over = Event(), Event()

    def waiting(prompt: Prompt) -> Any:
        reached.set()
        over.wait(30)
        return "late"

    model.reply = waiting
    yield reached
    over.set()


async def test_a_time_out_of_the_request_is_an_outcome(executor: GeminiExecutor, slow: Event):
    request = ExecutionRequest("print(1)", timeout=0.05)
    for result in (executor.run(request), await executor.arun(request)):
        assert (result.outcome, result.detail) == (
            Outcome.DEADLINE_EXCEEDED,
            "the service gave no result within 0.05 s",
        )


async def test_a_time_out_of_the_executor_is_an_error(service: Any, slow: Event):
    executor = GeminiExecutor.from_chat_model(chat_model(service[1]), timeout=0.05)
    with pytest.raises(GeminiTimeoutError):
        executor.run(ExecutionRequest("print(1)"))
    with pytest.raises(GeminiTimeoutError):
        await executor.arun(ExecutionRequest("print(1)"))


async def test_cancelling_gives_the_request_up(executor: GeminiExecutor, model: Model, slow: Event):
    task = asyncio.create_task(executor.arun(ExecutionRequest("print(1)")))
    assert await asyncio.to_thread(slow.wait, 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    model.reply = faithful
    assert (await executor.arun(ExecutionRequest("print(1)"))).stdout == "1\n"


def test_errors_of_the_service_are_raised(executor: GeminiExecutor, model: Model):
    model.reply = lambda prompt: EmulatedError(429)
    with pytest.raises(RateLimitError):
        executor.run(ExecutionRequest("print(1)"))


# -- how it is made --------------------------------------------------------------------------------------


def test_settings(service: Any, model: Model):
    llm = chat_model(service[1], model="gemini-3-flash-preview")
    executor = GeminiExecutor(
        llm.connection, "gemini-3-pro-preview", generation_config={"thinkingConfig": {"thinkingBudget": 0}}
    )
    assert isinstance(executor, CodeExecutor)
    assert (executor.name, executor.run(ExecutionRequest("print(1)")).stdout) == ("gemini", "1\n")
    [prompt] = model.prompts
    assert prompt.model == "gemini-3-pro-preview"
    assert prompt.request["generationConfig"] == {"temperature": 0, "thinkingConfig": {"thinkingBudget": 0}}


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), "5"])
def test_time_outs_that_are_none(executor: GeminiExecutor, timeout: Any):
    with pytest.raises(ConfigurationError, match="timeout must be a positive number"):
        GeminiExecutor(executor.transport, "gemini-2.5-flash", timeout=timeout)
    with pytest.raises(ExecutionRequestError, match="timeout must be a positive number"):
        executor.run(ExecutionRequest("print(1)", timeout=timeout))


def test_other_chat_models_are_to_be_taken_over():
    with pytest.raises(ConfigurationError, match="object is no ChatGeminiCodeExecution; take it over"):
        GeminiExecutor.from_chat_model(object())


# -- sessions --------------------------------------------------------------------------------------------


async def test_a_session_repeats_what_ran_before(executor: GeminiExecutor, model: Model):
    programs = [
        ("from __future__ import annotations\nx = 20\nprint('x')", "x\n"),
        ("from __future__ import annotations; y: Missing = x + 1; print(y, end='')", "21"),
        ("", ""),
        ("print(x * y)", "420\n"),
    ]
    with executor.session() as session, executor.session() as other:
        assert isinstance(session, AsyncExecutorSession)
        for code, printed in programs:
            assert session.run(ExecutionRequest(code)).stdout == printed
            assert (await other.arun(ExecutionRequest(code))).stdout == printed
    assert len(model.prompts) == 6
    assert "x = 20" in asked_code(model.prompts[-1])


def test_a_program_that_fails_leaves_nothing_but_its_files(executor: GeminiExecutor):
    with executor.session() as session:
        failed = session.run(ExecutionRequest("z = 1\n1 / 0", files=(CSV,)))
        assert failed.detail == "nothing of this program is kept for the next one of the session"
        after = session.run(ExecutionRequest("print('z' in globals(), open('sales.csv').read()[:3])"))
        assert (after.stdout, after.detail) == ("False a,b\n", "")
        newer = InlineFile(b"new", "text/csv", "sales.csv")
        again = session.run(ExecutionRequest("print(open('sales.csv').read())", files=(newer,)))
        assert (again.stdout, again.detail) == ("new\n", "")


def test_a_session_says_where_a_repetition_went_otherwise(executor: GeminiExecutor):
    with executor.session() as session:
        session.run(ExecutionRequest("import time; now = time.time_ns(); print(now)"))
        result = session.run(ExecutionRequest("print('next')"))
    assert result.stdout == "next\n"
    assert "printed something else than before" in result.detail


def test_a_session_whose_marker_is_not_printed_gives_all_and_says_so(executor: GeminiExecutor, model: Model):
    with executor.session() as session:
        session.run(ExecutionRequest("import io, sys; sys.stdout = io.StringIO()"))
        model.reply = lambda prompt: [code_part(asked_code(prompt)), result_part("OUTCOME_OK", "1\n")]
        result = session.run(ExecutionRequest("print(1, file=sys.__stdout__)"))
    assert result.stdout == "1\n"
    assert "printed something else than before" in result.detail


def test_a_session_gives_only_new_images(executor: GeminiExecutor, model: Model):
    image = {"inlineData": {"mimeType": "image/png", "data": b64encode(PNG).decode()}}

    def drawing(prompt: Prompt) -> Any:
        code = asked_code(prompt)
        marker = "".join(f"{line}\n" for line in re.findall(r"print\('(---.*---)'\)", code))
        return [code_part(code), result_part("OUTCOME_OK", marker), *[image] * code.count("draw()")]

    model.reply = drawing
    with executor.session() as session:
        for _ in range(3):
            result = session.run(ExecutionRequest("draw()"))
            assert ([drawn.data for drawn in result.images], result.detail) == ([PNG], "")
