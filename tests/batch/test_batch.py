"""A batch as its callers see it: what goes out, what is written, what is counted, what stops it."""

import sys
import threading
from contextlib import closing
from functools import partial

import pytest
from langchain_core.output_parsers import StrOutputParser
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.runnables import RunnableLambda

from langchain_codeexec.batch import arun_batch, run_batch
from langchain_codeexec.emulator import EmulatedError, GeminiEmulator, ScriptedBrain
from langchain_codeexec.errors import BatchError, ConfigurationError, MissingDependencyError
from tests.batch.conftest import asked, read
from tests.services import Models

MANY = [f"Question {number}?" for number in range(1, 41)]


def test_each_row_keeps_its_fields_and_gets_its_answer(gemini, rows, tmp_path):
    code = {"executableCode": {"language": "PYTHON", "code": "print(6 * 7)"}}
    gemini.says([code, "It is 42."])
    report = run_batch(
        rows({"id": "six", "question": "6 * 7?", "level": 1, "answer": "42"}),
        gemini.chat(),
        tmp_path / "a.jsonl",
    )
    [row] = read(tmp_path / "a.jsonl")
    assert {key: row[key] for key in ("id", "question", "level", "input_answer", "answer", "error")} == {
        "id": "six", "question": "6 * 7?", "level": 1, "input_answer": "42", "answer": "It is 42.", "error": None,
    }  # fmt: skip
    assert [(run["code"], run["output"]) for run in row["runs"]] == [("print(6 * 7)", "42\n")]
    assert row["plan"]["way"] == "native"
    assert (report.answered, report.total, report.failed, report.bad) == (1, 1, 0, 0)
    assert (report.input_tokens, report.output_tokens) == (
        row["usage"]["input_tokens"],
        row["usage"]["output_tokens"],
    )


def test_all_rows_are_written_once_and_none_is_read_before_it_can_be_asked(gemini, tmp_path):
    pulled = answered = 0

    def source():
        nonlocal pulled
        for question in MANY:
            pulled += 1
            assert pulled - answered <= 3 + 1
            yield {"question": question}

    def count(report):
        nonlocal answered
        answered = report.written

    report = run_batch(source(), gemini.chat(), tmp_path / "a.jsonl", concurrency=3, on_progress=count)
    written = read(tmp_path / "a.jsonl")
    assert sorted(row["id"] for row in written) == list(range(1, 41))
    assert all(row["answer"] == f"re: {row['question']}" for row in written)
    assert (report.answered, report.total) == (40, None)


@pytest.mark.parametrize("ordered", [False, True])
def test_order_is_kept_on_demand(gemini, rows, tmp_path, ordered):
    """The first row is not answered before the fourth is asked."""
    fourth = threading.Event()

    def answer(prompt):
        if "4?" in asked(prompt):
            fourth.set()
        if "1?" in asked(prompt):
            assert fourth.wait(60)
        return "Yes."

    gemini.says(answer)
    run_batch(rows(*MANY[:6]), gemini.chat(), tmp_path / "a.jsonl", concurrency=2, ordered=ordered)
    ids = [row["id"] for row in read(tmp_path / "a.jsonl")]
    assert sorted(ids) == [1, 2, 3, 4, 5, 6]
    assert (ids == sorted(ids)) is ordered


def test_what_is_done_is_not_asked_again(gemini, rows, tmp_path):
    llm, output = gemini.chat(), tmp_path / "a.jsonl"
    run_batch(rows(*MANY[:5]), llm, output)
    before, asked_before = output.read_bytes(), len(gemini.requests)
    assert run_batch(rows(*MANY[:5]), llm, output).earlier == 5
    assert (output.read_bytes(), len(gemini.requests)) == (before, asked_before)
    report = run_batch(rows(*MANY[:7]), llm, output)
    assert (report.earlier, report.answered, report.unknown) == (5, 2, 0)
    assert output.read_bytes().startswith(before)
    assert run_batch(rows(*MANY[:3]), llm, output).unknown == 4


def test_a_failed_row_says_why_and_is_asked_again_on_demand(gemini, rows, tmp_path):
    broken = True

    def answer(prompt):
        if broken and "3?" in asked(prompt):
            return EmulatedError(400, message="I do not like the number 3.")
        return "Fine."

    gemini.says(answer)
    llm, output, questions = gemini.chat(), tmp_path / "a.jsonl", rows(*MANY[:4])
    report = run_batch(questions, llm, output)
    [failed] = [row for row in read(output) if row["error"]]
    assert failed["id"] == 3
    assert failed["question"] == "Question 3?"
    assert failed["answer"] is None
    assert failed["error"].startswith("InvalidRequestError: 400")
    assert "I do not like the number 3." in failed["error"]
    assert (report.answered, report.failed) == (3, 1)
    broken = False
    again = run_batch(questions, llm, output)
    assert (again.earlier, again.earlier_failed, again.answered) == (4, 1, 0)
    again = run_batch(questions, llm, output, retry_failed=True)
    assert (again.earlier, again.earlier_failed, again.answered) == (3, 0, 1)
    assert [(row["id"], row["error"]) for row in sorted(read(output), key=lambda row: row["id"])] == [
        (number, None) for number in (1, 2, 3, 4)
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "questions.jsonl"]


def test_an_answer_that_did_not_come_out_is_a_failure_with_what_there_is(gemini, rows, tmp_path):
    gemini.says({"candidates": [{"finishReason": "MAX_TOKENS", "content": {"parts": [{"text": "The"}]}}]})
    assert run_batch(rows("Why?"), gemini.chat(), tmp_path / "a.jsonl").failed == 1
    [row] = read(tmp_path / "a.jsonl")
    assert row["answer"] == "The"
    assert "cut off" in row["error"]
    assert row["usage"]["total_tokens"]


def test_errors_that_need_not_be_the_rows_stop_the_batch_and_cost_no_row(gemini, rows, tmp_path):
    last = 12

    def answer(prompt):
        number = int(asked(prompt).strip("Question ?"))
        return "Yes." if number <= last else EmulatedError(401, message="API key not valid.")

    gemini.says(answer)
    llm, output, questions = gemini.chat(), tmp_path / "a.jsonl", rows(*MANY)
    with pytest.raises(
        BatchError, match=r"(?s)10 rows failed one after the other.*API key not valid"
    ) as stopped:
        run_batch(questions, llm, output, concurrency=2)
    assert f"{output} keeps the 12 rows that this run wrote" in str(stopped.value)
    assert "begin the same batch again" in stopped.value.remedy
    assert len(read(output)) == 12
    last = 40
    assert run_batch(questions, llm, output).earlier == 12
    assert sorted(row["id"] for row in read(output)) == list(range(1, 41))
    assert all(row["error"] is None for row in read(output))


def test_a_row_of_its_own_faults_neither_stops_nor_clears_the_service(gemini, rows, tmp_path):
    """Files that are missing say nothing of a service that is down; order is kept all the same."""
    down = True
    gemini.says(lambda prompt: EmulatedError(503, message="Down.") if down else "Yes.")
    llm, output = gemini.chat(), tmp_path / "a.jsonl"
    missing = [{"question": "Gone?", "files": "gone.csv"}] * 12
    questions = rows(*missing, "One?", *missing, "Two?", "Three?")
    with pytest.raises(BatchError, match="3 rows failed one after the other"):
        run_batch(questions, llm, output, patience=3, ordered=True)
    assert [row["id"] for row in read(output)] == list(range(1, 13))
    down = False
    report = run_batch(questions, llm, output, patience=3, ordered=True)
    assert (report.earlier, report.answered, report.failed) == (12, 3, 12)
    assert [row["id"] for row in read(output)] == list(range(1, 28))


def test_single_failures_of_the_service_are_the_rows(gemini, rows, tmp_path):
    gemini.says(
        lambda prompt: EmulatedError(500, message="Oh.") if "7?" in asked(prompt) else "Yes."
    )  # rows 7, 17, 27, 37
    report = run_batch(rows(*MANY), gemini.chat(), tmp_path / "a.jsonl")
    assert (report.answered, report.failed) == (36, 4)
    assert {row["id"] for row in read(tmp_path / "a.jsonl") if row["error"]} == {7, 17, 27, 37}


def test_a_service_that_is_not_there_is_named(rows, tmp_path, gemini):
    llm = gemini.chat(base_url="http://127.0.0.1:9")
    with pytest.raises(BatchError, match="GeminiConnectionError"):
        run_batch(rows(*MANY), llm, tmp_path / "a.jsonl")
    assert read(tmp_path / "a.jsonl") == []


def test_a_service_that_goes_away_in_the_middle_and_comes_back_answers_each_row_once(rows, tmp_path):
    questions, output = rows(*MANY), tmp_path / "a.jsonl"
    serve = partial(GeminiEmulator, ScriptedBrain(lambda prompt: "Yes."), grace=0)
    with serve() as emulator, closing(Models(emulator.url)) as models:
        llm = models.chat()
        with pytest.raises(BatchError, match="rows failed one after the other, the last one with GeminiConn"):
            run_batch(
                questions, llm, output, on_progress=lambda report: report.written == 5 and emulator.stop()
            )
        before = len(read(output))
        assert 5 <= before < 40
        with serve(port=int(emulator.url.rpartition(":")[2])):
            report = run_batch(questions, llm, output)
    assert (report.earlier, report.answered, report.failed) == (before, 40 - before, 0)
    assert sorted(row["id"] for row in read(output)) == list(range(1, 41))


def test_messages_system_and_files_go_along(gemini, tmp_path, rows):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "sales.csv").write_text("month,units\nJan,10\n")
    history = [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hi."}]
    questions = rows(
        {"question": "Sum?", "files": "data/sales.csv", "system": "Be brief."},
        {"messages": [*history, {"role": "user", "content": "Mean?"}], "files": ["data/sales.csv"]},
        {"question": "Gone?", "files": ["data/none.csv"]},
    )
    report = run_batch(questions, gemini.chat(), tmp_path / "a.jsonl", concurrency=1)
    first, second = gemini.bodies
    assert first["systemInstruction"]["parts"] == [{"text": "Be brief."}]
    text, file = first["contents"][0]["parts"]
    assert text["text"].startswith(
        "Sum?\n\nFiles in the working directory:\n- input_file_0.csv: sales.csv; 1 row"
    )
    assert file["inlineData"]["mimeType"] == "text/csv"
    assert [turn["role"] for turn in second["contents"]] == ["user", "model", "user"]
    assert second["contents"][2]["parts"][1] == file
    assert (report.answered, report.failed) == (2, 1)
    assert "No such file" in read(tmp_path / "a.jsonl")[2]["error"]


async def test_it_runs_in_an_event_loop_and_waits_for_a_rate_limiter(gemini, rows, tmp_path):
    limiter = InMemoryRateLimiter(requests_per_second=1000, check_every_n_seconds=0.001)
    waits = 0

    async def acquire(*, blocking: bool = True) -> bool:
        nonlocal waits
        waits += 1
        return await type(limiter).aacquire(limiter, blocking=blocking)

    limiter.aacquire = acquire
    questions = rows(*MANY[:4])
    with pytest.raises(ConfigurationError, match="await arun_batch"):
        run_batch(questions, gemini.chat(), tmp_path / "a.jsonl")
    report = await arun_batch(questions, gemini.chat(), tmp_path / "a.jsonl", rate_limiter=limiter)
    assert (report.answered, waits) == (4, 4)


def test_a_parser_behind_the_model_is_named(gemini, rows, tmp_path):
    with pytest.raises(BatchError, match="leave parsers away"):
        run_batch(rows(*MANY), gemini.chat() | StrOutputParser(), tmp_path / "a.jsonl")


def test_an_interrupt_of_any_kind_ends_what_is_under_way_and_keeps_what_is_written(gemini, rows, tmp_path):
    """What the caller's own function raises stands for it."""

    def stop(report):
        if report.written == 3:
            raise KeyboardInterrupt

    output = tmp_path / "a.jsonl"
    with pytest.raises(KeyboardInterrupt):
        run_batch(rows(*MANY), gemini.chat(), output, on_progress=stop)
    assert len(read(output)) == 3
    assert run_batch(rows(*MANY), gemini.chat(), output).answered == 37
    assert sorted(row["id"] for row in read(output)) == list(range(1, 41))


def test_the_extra_for_ray_is_named(gemini, rows, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingDependencyError, match=r"langchain-codeexec\[ray\]"):
        run_batch(rows("Why?"), gemini.chat(), tmp_path / "a.jsonl", ray="auto")
    assert not (tmp_path / "a.jsonl").exists()


def test_a_function_may_make_the_model(gemini, rows, tmp_path):
    assert run_batch(rows("Why?"), gemini.chat, tmp_path / "a.jsonl").answered == 1


def test_what_is_no_model_is_refused(rows, tmp_path):
    with pytest.raises(ConfigurationError, match="llm is a chat model"):
        run_batch(rows("A?"), "gemini-3-flash-preview", tmp_path / "a.jsonl")


@pytest.mark.parametrize("name", ["concurrency", "patience"])
@pytest.mark.parametrize("number", [0, -1, 1.5])
def test_a_number_that_is_none_is_refused(rows, tmp_path, name, number):
    with pytest.raises(ConfigurationError, match=f"{name}="):
        run_batch(rows("Why?"), RunnableLambda(str), tmp_path / "a.jsonl", **{name: number})
    assert not (tmp_path / "a.jsonl").exists()
