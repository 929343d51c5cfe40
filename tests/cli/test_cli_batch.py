"""`batch`: what it prints and how it ends, killed, interrupted and on a full disk among the ways."""

import json
import os
import resource
import signal
import subprocess
import sys

import pytest

from langchain_codeexec.batch import BatchJob
from tests.cli.conftest import words

COMMAND = ["batch", "questions.jsonl", "-o", "answers.jsonl", "--live"]
RUN = [sys.executable, "-m", "langchain_codeexec", *COMMAND]
QUESTIONS = [{"question": f"What is {number} * 7?"} for number in range(1, 13)]


@pytest.fixture
def questions(tmp_path):
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in QUESTIONS))
    return path


def ids(path):
    return sorted(json.loads(line)["id"] for line in path.read_text().splitlines())


def test_it_asks_every_row_and_says_what_came_of_it(cli, tmp_path, questions):
    with questions.open("a") as file:
        file.write("oops\n")
    result = cli("batch", "questions.jsonl", "-o", "answers.jsonl", "--ordered", "--price", "1000000,0")
    assert result.exit_code == 1
    stderr = words(result.stderr)
    assert "12 answered; 1 set aside in answers.bad.jsonl. 84 tokens in," in stderr
    assert "84.0000 spent. answers.jsonl" in stderr
    rows = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text().splitlines()]
    assert [row["runs"][0]["output"] for row in rows] == [f"result = {7 * n}\n" for n in range(1, 13)]
    again = cli("batch", "questions.jsonl", "-o", "answers.jsonl")
    assert "0 answered; 1 set aside in answers.bad.jsonl; 12 were there already" in words(again.stderr)


def test_when_all_is_answered_its_exit_code_is_0(cli, tmp_path, questions):
    assert cli("batch", "questions.jsonl", "-o", "a.csv", "--per-minute", "60000").exit_code == 0
    assert (tmp_path / "a.csv").read_text().startswith("id,question,answer,runs,plan,usage,error")


def test_a_row_that_fails_is_counted_and_asked_again(cli, gemini, questions):
    gemini.says({"promptFeedback": {"blockReason": "SAFETY"}, "candidates": None}, "Yes.")
    result = cli(*COMMAND, "-c", "1")
    assert result.exit_code == 1
    assert "11 answered; 1 failed (their `error` says why; --retry-failed" in words(result.stderr)
    result = cli(*COMMAND)
    assert result.exit_code == 1
    assert "12 were there already, 1 of them failed" in words(result.stderr)
    assert cli(*COMMAND, "--retry-failed").exit_code == 0


def test_a_job_is_submitted_by_one_call_and_fetched_by_the_next(cli, gemini, tmp_path, questions):
    gemini.says("Yes.")
    with questions.open("a") as file:
        file.write("oops\n")
    submitted = cli(*COMMAND, "--job")
    assert submitted.exit_code == 0
    assert "Submitted 12 rows as batches/" in words(submitted.stderr)
    assert "is a batch job of the service for the same output" in words(cli(*COMMAND).stderr)
    BatchJob.load(tmp_path / "answers.jsonl", gemini.chat()).wait(0.01)
    fetched = cli(*COMMAND, "--job")
    assert ": SUCCEEDED 12 answered; 1 set aside in answers.bad.jsonl." in words(fetched.stderr)
    assert ids(tmp_path / "answers.jsonl") == list(range(1, 13))
    assert "12 were there already" in words(cli(*COMMAND).stderr)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.jsonl", "-o", "a.jsonl"], "missing.jsonl cannot be read: there is no such file"),
        (["questions.jsonl", "-o", "/dev/full"], "'/dev/full' cannot be written: it is no regular file"),
        (["questions.jsonl", "-o", "questions.jsonl"], "is to be read, and would be written"),
        (["questions.jsonl", "-o", "a.jsonl", "--price", "1"], "write two numbers, such as 0.50,3.00"),
        (["questions.jsonl"], "Missing option"),
        (["questions.jsonl", "-o", "a.jsonl", "--job"], "a job outlives the command; give --live as well"),
    ],
)
@pytest.mark.usefixtures("questions")
def test_what_cannot_be_done_is_named(refusal, arguments, message):
    assert message in refusal("batch", *arguments)


def finish(cli, tmp_path):
    """Begin it once more, and to the end; returns how many rows were there before."""
    before = ids(tmp_path / "answers.jsonl")
    result = cli(*COMMAND)
    assert result.exit_code == 0
    assert f"{12 - len(before)} answered; {len(before)} were there already" in words(result.stderr)
    assert ids(tmp_path / "answers.jsonl") == list(range(1, 13))
    return len(before)


@pytest.mark.parametrize(("end", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
@pytest.mark.usefixtures("questions")
def test_whatever_ends_it_every_row_is_written_once(cli, gemini, tmp_path, end, code):
    """The service ends the command while it asks; what is under way then is asked again."""
    started: list[subprocess.Popen] = []
    left = 7

    def answer(prompt):
        nonlocal left
        left -= 1
        if left == 0:
            started[0].send_signal(end)
        return "Yes."

    gemini.says(answer)
    with subprocess.Popen([*RUN, "-c", "3"], cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        started.append(process)
        stderr = process.communicate(timeout=120)[1]
    assert process.returncode == code
    assert 4 <= finish(cli, tmp_path) <= 7
    if end == signal.SIGINT:
        assert "Interrupted. " in stderr
        assert "The same command goes on where it stopped." in stderr
        assert "Traceback" not in stderr


@pytest.mark.usefixtures("questions")
def test_on_a_full_disk_what_is_written_is_whole_and_the_rest_is_asked_later(cli, gemini, tmp_path):
    gemini.says("Yes.")
    full = subprocess.run(
        RUN,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500)),
    )
    assert full.returncode == 1
    reason = "answers.jsonl cannot be written: File too large. What was written before is whole."
    assert reason in words(full.stderr)
    assert "make room and begin the same batch again" in words(full.stderr)
    assert finish(cli, tmp_path) > 0
