"""Batch jobs of the service as their callers see them: what is submitted, how it is followed, what comes of it."""

import asyncio
import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pytest
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem
from langchain_core.messages import AIMessage

from langchain_codeexec.batch import BatchJob, arun_batch, asubmit_batch, run_batch, submit_batch
from langchain_codeexec.emulator import EmulatedError, GeminiEmulator, ScriptedBrain
from langchain_codeexec.errors import BatchError, CodeExecError, ConfigurationError, NotFoundError
from tests.batch.conftest import asked, read
from tests.services import OLD, Gemini

CODE = {"executableCode": {"language": "PYTHON", "code": "print(6 * 7)"}}
STORAGE = "gs://bucket/jobs"


class Buckets(DirFileSystem):
    """The folder that stands for Cloud Storage, to fsspec."""

    protocol = "gs"
    folder: ClassVar[Path]

    def __init__(self, **_: Any) -> None:
        super().__init__(str(self.folder), LocalFileSystem(auto_mkdir=True))


@dataclass
class Service(Gemini):
    """One of the two services, with its own way of jobs."""

    endpoint: str
    folder: Path

    def llm(self, **settings):
        return self.on(self.endpoint, **settings)

    def submit(self, rows, output, llm=None, **settings):
        storage = STORAGE if self.endpoint == "vertex" else ""
        return submit_batch(rows, llm or self.llm(), output, storage=storage, **settings)

    def answers(self):
        """The file of answers on Vertex AI."""
        [path] = self.folder.glob("bucket/jobs/*/answers/*/*.jsonl")
        return path


@pytest.fixture(scope="module")
def _emulator(tmp_path_factory):
    folder = tmp_path_factory.mktemp("buckets")
    Buckets.folder = folder
    fsspec.register_implementation("gs", Buckets, clobber=True)
    (folder / "bucket").mkdir()
    script: list[Any] = []
    with GeminiEmulator(ScriptedBrain(lambda prompt: script[0](prompt)), buckets=folder) as emulator:
        yield emulator, script, folder


@pytest.fixture
def jobs(_emulator, endpoint):
    emulator, script, folder = _emulator
    for path in (folder / "bucket").glob("jobs/*"):
        path.rename(folder / path.name)
    service = Service(endpoint, folder)
    Gemini.__init__(service, emulator, script)
    service.begin()
    service.says(lambda prompt: f"re: {asked(prompt)}")
    yield service
    service.close()


def by_id(path):
    return {row["id"]: row for row in read(path)}


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_job_gives_the_rows_that_calls_give(jobs, rows, tmp_path):
    """Questions, conversations, files and settings; code, calls and what failed."""
    answers = {
        "6 * 7?": [CODE, "It is 42."],
        "Price?": [{"functionCall": {"name": "price", "args": {"item": "tea"}}}],
        "Long?": {"candidates": [{"finishReason": "MAX_TOKENS", "content": {"parts": [{"text": "The"}]}}]},
        "Bad?": EmulatedError(400, message="I do not like this."),
    }
    jobs.says(lambda prompt: answers.get(asked(prompt), f"re: {asked(prompt)}"))
    (tmp_path / "data.csv").write_text("a,b\n1,2\n")
    chat = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}, {"role": "user", "content": "Bye"}]
    path = rows(
        {"id": "code", "question": "6 * 7?", "answer": "42"},
        {"id": "file", "question": "What is it?", "files": ["data.csv"], "system": "Be brief."},
        {"id": "chat", "messages": chat},
        *(each for each in answers if each != "6 * 7?"),
    )
    tool = {"name": "price", "description": "p", "parameters": {"type": "object", "properties": {"item": {"type": "string"}}}}
    llm = jobs.llm(temperature=0.5).bind_tools([tool])
    job = jobs.submit(path, tmp_path / "job.jsonl", llm)
    assert (len(job), job.has_ended) == (6, False)
    assert job.wait(0.01).state == "SUCCEEDED"
    report = job.results()
    live = run_batch(path, llm, tmp_path / "live.jsonl")
    job_rows, live_rows = read(tmp_path / "job.jsonl"), by_id(tmp_path / "live.jsonl")
    assert [row["id"] for row in job_rows] == ["code", "file", "chat", 4, 5, 6]
    for row in job_rows:
        expected = live_rows[row["id"]]
        if row["id"] == 6:  # an error names no URL of a request that was not made
            assert "I do not like this." in row.pop("error")
            assert "I do not like this." in expected.pop("error")
        assert row == expected
    assert (report.answered, report.failed, report.total) == (live.answered, live.failed, 6) == (4, 2, 6)
    assert not list(tmp_path.glob("*.job.json"))


def test_another_process_goes_on_with_it_and_what_ends_it_costs_no_row(jobs, rows, tmp_path):
    path, output = rows("A?", "B?", "C?"), tmp_path / "a.csv"
    name = jobs.submit(path, output).name
    job = BatchJob.load(output, jobs.llm())
    assert job.name == name

    def stop(report):
        if report.written == 2:
            raise KeyboardInterrupt

    job.wait(0.01)
    with pytest.raises(KeyboardInterrupt):
        job.results(stop)
    report = BatchJob.load(output, jobs.llm()).results()
    assert (report.earlier, report.answered) == (2, 1)
    assert output.read_text().count("re: ") == 3


def test_it_is_awaited_and_gives_messages(jobs, tmp_path):
    rows = [{"question": "A?"}, {"question": "B?"}, {"question": " "}]

    async def run():
        storage = STORAGE if jobs.endpoint == "vertex" else ""
        job = await asubmit_batch(rows, jobs.llm(), tmp_path / "a.jsonl", storage=storage)
        states = []
        await job.await_end(0.01, lambda job: states.append(job.state))
        await job
        messages = [(row.id, message.text) for row, message in job if isinstance(message, AIMessage)]
        return states[-1], messages, await job.aresults()

    state, messages, report = asyncio.run(run())
    assert (state, messages) == ("SUCCEEDED", [(1, "re: A?"), (2, "re: B?")])
    assert (report.answered, report.bad) == (2, 1)


@pytest.mark.parametrize("endpoint", ["developer"])
def test_what_is_too_large_for_a_request_goes_by_file(jobs, rows, tmp_path):
    """Two rows have more tokens than the model takes: each is an error of its own."""
    path, output = rows("x " * 4_600_000, "A?", "y " * 4_600_000), tmp_path / "a.jsonl"
    jobs.submit(path, output).wait(0.01).results()
    assert jobs.requests[-1].path.endswith(":download")
    first, second, third = read(output)
    assert second["answer"] == "re: A?"
    for row in (first, third):
        assert row["error"].startswith("ContextOverflowError: 400 INVALID_ARGUMENT: The input token count")


@pytest.mark.parametrize("endpoint", ["vertex"])
def test_answers_are_matched_by_their_keys_and_nothing_is_lost(jobs, rows, tmp_path):
    output = tmp_path / "a.jsonl"
    job = jobs.submit(rows(*"ABCDEFGH"), output).wait(0.01)
    first, *others = lines_of(jobs.answers())
    names = dict(zip("BCDEFGH", others, strict=True))
    whole = {"content": {"parts": [{"text": "So far"}]}}
    names["B"]["response"] = {"candidates": [{**whole, "finishReason": "CONTINUATION", "continuationToken": "t"}]}
    names["C"]["response"] = {"candidates": [{"finishReason": "STOP"}]}
    names["D"] |= {"response": {}, "status": "Too Many Requests: " + json.dumps({"error": {"code": 429, "message": "Quota."}})}
    names["E"] |= {"response": {}, "status": "Internal error encountered."}
    names["F"]["response"] = {}
    again = {**names["H"], "response": {"candidates": [whole]}}
    foreign = {"request": {"contents": []}, "response": {"candidates": [whole]}}
    kept = [names[name] for name in "HFEDCB"]
    lines = [*map(json.dumps, [*kept, again, foreign, first]), '{"request": {"conte']
    jobs.answers().write_text("\n".join(lines))
    report = job.results()
    results = [(row["answer"], row["error"]) for row in read(output)]
    errors = [
        None,
        "The answer is not whole",
        "The model ended its turn without an answer; ask again.",
        "RateLimitError: 429: Quota.",
        "ServerError: 500: Internal error encountered.",
        "ResponseFormatError: the answer has neither a response nor an error",
        f"BatchError: {job.name} ended as SUCCEEDED, without an answer to this row",
        None,
    ]
    assert [answer for answer, _ in results] == ["re: A", "So far", "", None, None, None, None, "re: H"]
    for (_, error), expected in zip(results, errors, strict=True):
        assert (error or "").startswith(expected or "") and (error is None) is (expected is None)
    aside = [(row["reason"].partition(": ")[2], row["input"]) for row in read(tmp_path / "a.bad.jsonl")]
    assert aside == [
        ("it answers a request again", again),
        ("it answers no request of the job", foreign),
        ("it answers no request of the job", '{"request": {"conte'),
    ]
    assert (report.answered, report.failed, report.bad) == (2, 6, 3)


def test_a_job_that_is_cancelled_keeps_what_the_service_keeps_and_the_rest_is_asked_again(jobs, rows, tmp_path):
    second, end = threading.Event(), threading.Event()

    def answer(prompt):
        if asked(prompt) == "B?":
            second.set()
            end.wait(60)
        return f"re: {asked(prompt)}"

    jobs.says(answer)
    path, output = rows("A?", "B?", "C?"), tmp_path / "a.jsonl"
    job = jobs.submit(path, output)
    assert second.wait(60)
    job.refresh()
    with pytest.raises(BatchError, match=r"has not ended, it is RUNNING\nRemedy: wait for it"):
        job.results()
    job.cancel()
    end.set()
    report = job.wait(0.01).results()
    assert job.state == "CANCELLED"
    answered = 1 if jobs.endpoint == "vertex" else 0  # Vertex AI writes each answer as it comes
    assert (report.answered, report.failed) == (answered, 3 - answered)
    assert re_error(output, 3).startswith(f"BatchError: {job.name} ended as CANCELLED (")
    assert run_batch(path, jobs.llm(), output, retry_failed=True).answered == 3 - answered
    assert {row["answer"] for row in read(output)} == {"re: A?", "re: B?", "re: C?"}


def re_error(output, number):
    return by_id(output)[number]["error"]


def test_a_row_that_takes_several_requests_is_none_of_a_jobs(jobs, rows, tmp_path):
    tool = {"name": "price", "description": "p", "parameters": {"type": "object", "properties": {}}}
    output, path = tmp_path / "a.jsonl", rows("A?", {"question": "B?", "files": ["none.csv"]})
    llm = jobs.llm(model=OLD)
    with pytest.raises(ConfigurationError, match="lacks no row that could be submitted"):
        jobs.submit(path, output, llm.bind_tools([tool]))
    assert "goes to gemini-2.5-flash in several requests" in re_error(output, 1)
    assert "one_sided" in re_error(output, 1)
    assert re_error(output, 2).startswith("DataError")
    one_sided = jobs.llm(model=OLD, combination="one_sided").bind_tools([tool], tool_choice="none")
    jobs.submit(path, output, one_sided, retry_failed=True).wait(0.01).results()
    assert by_id(output)[1]["answer"] == "re: A?"
    assert by_id(output)[1]["plan"]["way"] == "one_sided"


def test_an_answer_goes_to_no_changed_row(jobs, rows, tmp_path):
    output = tmp_path / "a.jsonl"
    job = jobs.submit(rows("A?", "B?"), output).wait(0.01)
    rows("A?", "Z?", "C?")
    assert job.results().answered == 1
    [aside] = read(tmp_path / "a.bad.jsonl")
    assert "nobody asks for what it answers any more" in aside["reason"]
    assert "re: B?" in json.dumps(aside["input"])
    assert jobs.submit(tmp_path / "questions.jsonl", output).wait(0.01).results().answered == 2


def test_a_job_whose_name_was_not_heard_is_found(jobs, rows, tmp_path):
    output, saved = tmp_path / "a.jsonl", tmp_path / "a.job.json"
    name = jobs.submit(rows("A?"), output).name
    record = json.loads(saved.read_text())
    saved.write_text(json.dumps({**record, "name": ""}))
    job = BatchJob.load(output, jobs.llm()).wait(0.01)
    assert (job.name, job.results().answered) == (name, 1)
    for lost in ({"name": f"{name}0"}, {"name": "", "display_name": "none"}):
        saved.write_text(json.dumps(record | lost))
        with pytest.raises(BatchError, match=r"(?s)the service has no job.*delete .*a.job.json and submit"):
            BatchJob.load(output, jobs.llm()).refresh()


def test_a_job_that_the_service_refuses_is_none(jobs, rows, tmp_path):
    with pytest.raises(NotFoundError):
        jobs.submit(rows("A?"), tmp_path / "a.jsonl", jobs.llm(model="no-such-model"))
    assert not (tmp_path / "a.job.json").exists()


@pytest.mark.parametrize("endpoint", ["developer"])
def test_what_cannot_be_submitted_or_loaded_is_named(jobs, rows, tmp_path):
    path, output = rows("A?"), tmp_path / "a.jsonl"
    job = jobs.submit([{"question": "A?"}], output)
    key = jobs.chat(vertexai=True, api_key="key")
    cases = {
        "is a job whose answers are not fetched yet": lambda: jobs.submit(path, output),
        "give a list of them": lambda: jobs.submit(iter([{"question": "A?"}]), tmp_path / "b.jsonl"),
        "give storage='gs": lambda: submit_batch(path, jobs.vertex(), tmp_path / "b.jsonl"),
        "in a project only": lambda: submit_batch(path, key, tmp_path / "b.jsonl", storage=STORAGE),
        "set api='generate_content'": lambda: jobs.submit(path, tmp_path / "b.jsonl", jobs.chat(api="interactions")),
        "a job goes with a ChatGeminiCodeExecution": lambda: jobs.submit(path, tmp_path / "b.jsonl", jobs.chat() | str),
        "Submit a job first": lambda: BatchJob.load(tmp_path / "b.jsonl", jobs.chat()),
        "give them again, rows=": lambda: BatchJob.load(output, jobs.chat()),
        "is a job of the service 'developer'": lambda: BatchJob.load(output, jobs.vertex(), rows=path),
        "is no saved job": lambda: BatchJob.load(tmp_path / "c.jsonl", jobs.chat()),
    }
    (tmp_path / "c.job.json").write_text("{}")
    for message, attempt in cases.items():
        with pytest.raises(ConfigurationError, match=message):
            attempt()
    assert not (tmp_path / "b.job.json").exists()
    loaded = BatchJob.load(output, jobs.chat(), rows=path).wait(0.01)
    assert (loaded.name, loaded.results().answered) == (job.name, 1)
    with pytest.raises(BatchError, match="cannot be read or written: FileNotFoundError|cannot be read or written"):
        submit_batch(path, jobs.vertex(), tmp_path / "d.jsonl", storage="none://bucket")
    assert issubclass(BatchError, CodeExecError)
    assert arun_batch
