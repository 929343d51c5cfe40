"""Batch jobs of the service as their callers see them: what is submitted, how it is followed, what comes of it."""

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pytest
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem
from langchain_core.messages import AIMessage

from langchain_codeexec.batch import BatchJob, asubmit_batch, run_batch, submit_batch
from langchain_codeexec.emulator import EmulatedError, GeminiEmulator, ScriptedBrain
from langchain_codeexec.errors import BatchError, ConfigurationError, InvalidRequestError, NotFoundError
from langchain_codeexec.gemini import GenAITransport
from tests.batch.conftest import asked, read
from tests.services import OLD, Gemini

CODE = {"executableCode": {"language": "PYTHON", "code": "print(6 * 7)"}}
TOOL = {
    "name": "price",
    "description": "The price of an item",
    "parameters": {"type": "object", "properties": {"item": {"type": "string"}}},
}


class Buckets(DirFileSystem):
    """The folder that stands for Cloud Storage, as fsspec knows it."""

    protocol = "gs"
    folder: ClassVar[str]

    def __init__(self, **_: Any) -> None:
        super().__init__(self.folder, LocalFileSystem(auto_mkdir=True))


class Service(Gemini):
    """One of the two services, with a storage where it needs one."""

    def __init__(self, emulator: GeminiEmulator, script: list[Any], endpoint: str, storage: str) -> None:
        super().__init__(emulator, script)
        self.endpoint = endpoint
        self.storage = storage if endpoint == "vertex" else ""

    def llm(self, **settings):
        return self.on(self.endpoint, **settings)

    def submit(self, rows, output, llm=None, **settings):
        return submit_batch(rows, llm or self.llm(), output, storage=self.storage, **settings)

    def answers(self):
        """The file of answers on Vertex AI."""
        [path] = Path(Buckets.folder).glob(f"{self.storage.removeprefix('gs://')}/*/answers/*/*.jsonl")
        return path


@pytest.fixture(scope="module")
def _emulator(tmp_path_factory):
    folder = tmp_path_factory.mktemp("buckets")
    (folder / "bucket").mkdir()
    Buckets.folder = str(folder)
    fsspec.register_implementation("gs", Buckets, clobber=True)
    script: list[Any] = []

    def answer(prompt):
        return script[-1](prompt)

    with GeminiEmulator(ScriptedBrain(answer), buckets=folder) as emulator:
        yield emulator, script


@pytest.fixture
def jobs(_emulator, endpoint, tmp_path):
    service = Service(*_emulator, endpoint, f"gs://bucket/{tmp_path.name}")
    service.begin()
    service.says(lambda prompt: f"re: {asked(prompt)}")
    yield service
    service.close()


def by_id(path):
    return {row["id"]: row for row in read(path)}


def test_a_job_gives_the_rows_that_calls_give(jobs, rows, tmp_path):
    answers = {
        "6 * 7?": [CODE, "It is 42."],
        "Price?": [{"functionCall": {"name": "price", "args": {"item": "tea"}}}],
        "Long?": {"candidates": [{"finishReason": "MAX_TOKENS", "content": {"parts": [{"text": "The"}]}}]},
    }
    jobs.says(lambda prompt: answers.get(asked(prompt), f"re: {asked(prompt)}"))
    (tmp_path / "data.csv").write_text("a,b\n1,2\n")
    turns = [{"role": role, "content": role} for role in ("user", "assistant", "user")]
    path = rows(
        {"id": "code", "question": "6 * 7?", "answer": "42"},
        {"id": "file", "question": "What is it?", "files": ["data.csv"], "system": "Be brief."},
        {"id": "chat", "messages": turns},
        *("Price?", "Long?"),
    )
    llm = jobs.llm(temperature=0.5).bind_tools([TOOL])
    job = jobs.submit(path, tmp_path / "job.jsonl", llm)
    assert (len(job), job.has_ended) == (5, False)
    (tmp_path / "data.csv").rename(tmp_path / "away")
    assert job.wait(0.01).state == "SUCCEEDED"
    report = job.results()
    (tmp_path / "away").rename(tmp_path / "data.csv")
    live = run_batch(path, llm, tmp_path / "live.jsonl")
    assert [row["id"] for row in read(tmp_path / "job.jsonl")] == ["code", "file", "chat", 4, 5]
    assert by_id(tmp_path / "job.jsonl") == by_id(tmp_path / "live.jsonl")
    assert (report.answered, report.failed, report.total) == (live.answered, live.failed, 5) == (4, 1, 5)
    assert not list(tmp_path.glob("*.job.json"))


def test_an_error_of_the_service_is_one_of_its_row(jobs, rows, tmp_path):
    errors = {"A?": EmulatedError(400, message="I do not like A."), "C?": EmulatedError(503, message="Busy.")}
    jobs.says(lambda prompt: errors.get(asked(prompt), "Yes."))
    report = jobs.submit(rows("A?", "B?", "C?"), tmp_path / "a.jsonl").wait(0.01).results()
    first, second, third = read(tmp_path / "a.jsonl")
    assert first["error"].startswith("InvalidRequestError: 400 INVALID_ARGUMENT: I do not like A.\nRemedy: ")
    assert (second["answer"], second["error"]) == ("Yes.", None)
    assert third["error"].startswith("ServerError: 503 UNAVAILABLE: Busy.\nRemedy: ")
    assert (report.answered, report.failed) == (1, 2)


def test_another_process_goes_on_with_it_and_what_ends_it_costs_no_row(jobs, rows, tmp_path):
    output = tmp_path / "a.csv"
    name = jobs.submit(rows("A?", "B?", "C?"), output).name
    job = BatchJob.load(output, jobs.llm()).wait(0.01)
    assert job.name == name

    def stop(report):
        if report.written == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        job.results(stop)
    report = BatchJob.load(output, jobs.llm()).results()
    assert (report.earlier, report.answered) == (2, 1)
    assert output.read_text().count("re: ") == 3


def test_it_is_awaited_and_gives_messages(jobs, tmp_path):
    rows = [{"question": "A?"}, {"question": "B?"}, {"question": " "}]
    states = []

    async def run():
        job = await asubmit_batch(rows, jobs.llm(), tmp_path / "a.jsonl", storage=jobs.storage)
        await job.await_end(0.01, lambda job: states.append(job.state))
        assert await job is job
        messages = [(row.id, message.text) for row, message in job if isinstance(message, AIMessage)]
        return messages, await job.aresults()

    messages, report = asyncio.run(run())
    assert (states[-1], messages) == ("SUCCEEDED", [(1, "re: A?"), (2, "re: B?")])
    assert (report.answered, report.bad) == (2, 1)


@pytest.mark.parametrize("endpoint", ["developer"])
def test_what_is_too_large_for_a_body_goes_by_file(jobs, rows, tmp_path, monkeypatch):
    """One of the rows has more tokens than the model takes, and needs two pieces of an upload."""
    monkeypatch.setattr("langchain_codeexec.gemini.jobs._MOST_INLINE", 1_000_000)
    output = tmp_path / "a.jsonl"
    jobs.submit(rows("x " * 4_600_000, "A?"), output).wait(0.01).results()
    assert ":download" in jobs.requests[-1].path
    first, second = read(output)
    assert first["error"].startswith("ContextOverflowError: 400 INVALID_ARGUMENT: The input token count")
    assert second["answer"] == "re: A?"


@pytest.mark.parametrize("endpoint", ["vertex"])
def test_answers_are_matched_by_their_keys_and_nothing_is_lost(jobs, rows, tmp_path):
    output = tmp_path / "a.jsonl"
    job = jobs.submit(rows(*"ABCDEFGH"), output).wait(0.01)
    lines = dict(zip("ABCDEFGH", read(jobs.answers()), strict=True))
    part = {"content": {"parts": [{"text": "So far"}]}}
    quota = json.dumps({"error": {"code": 429, "message": "Quota."}})
    responses = {
        "B": {"candidates": [{**part, "finishReason": "CONTINUATION", "continuationToken": "t"}]},
        "C": {"candidates": [{"finishReason": "STOP"}]},
        **{name: {} for name in "DEF"},
    }
    lines = {
        name: {**line, "response": responses.get(name, line["response"])} for name, line in lines.items()
    }
    lines["D"]["status"] = f"Too Many Requests: {quota}"
    lines["E"]["status"] = "Internal error encountered."
    again, foreign = {**lines["H"], "response": {"candidates": [part]}}, {"request": {}, "response": part}
    kept = [lines[name] for name in "HFEDCB"]  # that of G is missing
    path = jobs.answers()
    path.write_text("\n".join([*map(json.dumps, [*kept, again, foreign, lines["A"]]), '{"req']))
    away = path.rename(tmp_path / "away")
    with pytest.raises(BatchError, match="there is no answer where it was to write them"):
        job.results()
    away.rename(path)
    report = job.results()
    expected = {
        "re: A": "",
        "So far": "The answer is not whole",
        "": "The model ended its turn without an answer; ask again.",
        "D": "RateLimitError: 429: Quota.",
        "E": "ServerError: 500: Internal error encountered.",
        "F": "ResponseFormatError: the answer has neither a response nor an error",
        "G": f"BatchError: {job.name} ended as SUCCEEDED, without an answer to this row",
        "re: H": "",
    }
    for row, (answer, error) in zip(read(output), expected.items(), strict=True):
        assert row["answer"] == (None if answer == row["question"] else answer)
        assert (row["error"] or "").startswith(error)
        assert (row["error"] is None) is (error == "")
    aside = [(row["reason"].partition(": ")[2], row["input"]) for row in read(tmp_path / "a.bad.jsonl")]
    assert aside == [
        ("it answers a request again", again),
        ("it answers no request of the job", foreign),
        ("it answers no request of the job", '{"req'),
    ]
    assert (report.answered, report.failed, report.bad) == (2, 6, 3)


def test_a_cancelled_job_keeps_what_the_service_keeps_and_the_rest_is_asked_again(jobs, rows, tmp_path):
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
    with pytest.raises(BatchError, match=r"has not ended, it is RUNNING\nRemedy: wait for it"):
        job.results()
    asyncio.run(job.acancel())
    end.set()
    report = job.wait(0.01).results()
    answered = 1 if jobs.endpoint == "vertex" else 0  # there each answer is written as it comes
    assert (job.state, report.answered, report.failed) == ("CANCELLED", answered, 3 - answered)
    assert by_id(output)[3]["error"].startswith(f"BatchError: {job.name} ended as CANCELLED (")
    assert run_batch(path, jobs.llm(), output, retry_failed=True).answered == 3 - answered
    assert {row["answer"] for row in read(output)} == {"re: A?", "re: B?", "re: C?"}


def test_a_row_that_takes_several_requests_is_none_of_a_jobs(jobs, rows, tmp_path):
    output, path = tmp_path / "a.jsonl", rows("A?", {"question": "B?", "files": ["none.csv"]})
    with pytest.raises(ConfigurationError, match="that could be submitted: 0 were there already, 2 failed"):
        jobs.submit(path, output, jobs.llm(model=OLD).bind_tools([TOOL]))
    first, second = read(output)
    assert "goes to gemini-2.5-flash in several requests" in first["error"]
    assert "set combination='one_sided'" in first["error"]
    assert second["error"].startswith("DataError")
    llm = jobs.llm(model=OLD, combination="one_sided").bind_tools([TOOL], tool_choice="none")
    jobs.submit(path, output, llm, retry_failed=True).wait(0.01).results()
    assert (by_id(output)[1]["answer"], by_id(output)[1]["plan"]["way"]) == ("re: A?", "one_sided")


def test_a_storage_that_the_service_does_not_use_is_refused(gemini, rows, tmp_path):
    with pytest.raises(ConfigurationError, match="is for jobs on Vertex AI"):
        submit_batch(rows("A?"), gemini.chat(), tmp_path / "a.jsonl", storage="gs://bucket")


def test_an_answer_goes_to_no_changed_row(jobs, rows, tmp_path):
    output = tmp_path / "a b?.jsonl"
    job = jobs.submit(rows("A?", "B?"), output).wait(0.01)
    changed = rows("A?", "Z?", "C?")
    assert job.results().answered == 1
    [aside] = read(tmp_path / "a b?.bad.jsonl")
    assert "nobody asks for what it answers any more" in aside["reason"]
    assert "re: B?" in json.dumps(aside["input"])
    assert jobs.submit(changed, output).wait(0.01).results().answered == 2


def test_of_two_that_submit_at_once_one_does(jobs, rows, tmp_path):
    path, output, barrier = rows(*"ABCDEFGH"), tmp_path / "a.jsonl", threading.Barrier(2)

    def submit():
        barrier.wait()
        try:
            return jobs.submit(path, output).name
        except ConfigurationError as error:
            return str(error)

    with ThreadPoolExecutor(2) as threads:
        results = sorted(future.result() for future in [threads.submit(submit) for _ in range(2)])
    [job] = [result for result in results if str(tmp_path) not in result]
    assert BatchJob.load(output, jobs.llm()).name == job


def test_answers_that_others_have_fetched_are_kept_from_a_later_job(jobs, rows, tmp_path):
    path, output = rows("A?", "B?"), tmp_path / "a.jsonl"
    job = jobs.submit(path, output).wait(0.01)
    assert BatchJob.load(output, jobs.llm()).results().answered == 2
    assert job.results().earlier == 2
    output.write_text(output.read_text().partition("\n")[0] + "\n")
    later = jobs.submit(path, output)
    with pytest.raises(ConfigurationError, match=f"is another job by now, .* after {job.name} was fetched"):
        job.results()
    assert BatchJob.load(output, jobs.llm()).wait(0.01).name == later.name
    assert jobs.submit(path, tmp_path / "a.csv").wait(0.01).results().answered == 2
    assert later.wait(0.01).results().answered == 1


def test_a_job_whose_name_was_not_heard_is_found(jobs, rows, tmp_path):
    output, saved = tmp_path / "a.jsonl", tmp_path / "a.jsonl.job.json"
    name = jobs.submit(rows("A?"), output).name
    record = json.loads(saved.read_text())
    for lost in ({"name": f"{name}0"}, {"name": "", "display_name": "none"}):
        saved.write_text(json.dumps(record | lost))
        with pytest.raises(
            BatchError, match=r"(?s)the service has no job.*delete .*a.jsonl.job.json and submit"
        ):
            asyncio.run(BatchJob.load(output, jobs.llm()).arefresh())
    saved.write_text(json.dumps(record | {"name": ""}))
    with suppress(InvalidRequestError):  # it may be over by now
        BatchJob.load(output, jobs.llm()).cancel()
    job = BatchJob.load(output, jobs.llm()).wait(0.01)
    assert (job.name, job.results().total) == (name, 1)


def test_a_full_disk_is_named_and_costs_no_job(jobs, rows, tmp_path, monkeypatch):
    path, output = rows("A?"), tmp_path / "a.jsonl"
    with monkeypatch.context() as patch:
        patch.setattr("langchain_codeexec.batch.jobs.TemporaryFile", partial(Path("/dev/full").open, "w+b"))
        with pytest.raises(BatchError, match="has no room for a job's requests or answers"):
            jobs.submit(path, output)
    job = jobs.submit(path, output).wait(0.01)
    with monkeypatch.context() as patch:
        patch.setattr("langchain_codeexec.batch.jobs.TemporaryFile", partial(Path("/dev/full").open, "w+b"))
        with pytest.raises(BatchError, match="No space left on device"):
            job.results()
    assert job.results().answered == 1


def test_a_job_that_the_service_refuses_is_none(jobs, rows, tmp_path):
    with pytest.raises(NotFoundError):
        jobs.submit(rows("A?"), tmp_path / "a.jsonl", jobs.llm(model="no-such-model"))
    assert not (tmp_path / "a.jsonl.job.json").exists()


@pytest.mark.parametrize("endpoint", ["developer"])
def test_what_cannot_be_submitted_or_loaded_is_named(jobs, rows, tmp_path):
    path, output, other = rows("A?"), tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    name = jobs.submit([{"question": "A?"}], output).name
    (tmp_path / "c.jsonl.job.json").write_text("{}")
    vertex, express = jobs.vertex(), jobs.chat(vertexai=True, api_key="key")
    genai = GenAITransport(jobs.chat().client)
    for message, attempt in {
        "is a batch job of the service for the same output": lambda: jobs.submit(path, output),
        "give a list of them, or a file": lambda: jobs.submit(iter([{"question": "A?"}]), other),
        "give storage='gs://bucket/folder'": lambda: submit_batch(path, vertex, other),
        "in a project only": lambda: submit_batch(path, express, other, storage="gs://bucket"),
        "set api='generate_content'": lambda: jobs.submit(path, other, jobs.chat(api="interactions")),
        "go with a RestTransport, not GenAI": lambda: jobs.submit(path, other, jobs.chat(transport=genai)),
        "goes with a ChatGeminiCodeExecution": lambda: jobs.submit(path, other, jobs.chat() | str),
        "Submit a job first": lambda: BatchJob.load(other, jobs.chat()),
        "give them again, rows=": lambda: BatchJob.load(output, jobs.chat()),
        "is a job of the service 'developer'": lambda: BatchJob.load(output, vertex, rows=path),
        "rows are read again": lambda: BatchJob.load(output, jobs.chat(), rows=iter([{"question": "A?"}])),
        "is no saved job": lambda: BatchJob.load(tmp_path / "c.jsonl", jobs.chat()),
    }.items():
        with pytest.raises(ConfigurationError, match=message):
            attempt()
    with pytest.raises(
        BatchError, match=r"none://b/\S+ cannot be read or written: .*\nRemedy: check the folder"
    ):
        submit_batch(path, vertex, other, storage="none://b")
    assert not (tmp_path / "b.jsonl.job.json").exists()
    loaded = BatchJob.load(output, jobs.chat(), rows=path).wait(0.01)
    assert (loaded.name, loaded.results().answered) == (name, 1)
