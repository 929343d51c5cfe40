"""Batch jobs on the wire: what is sent again after a failure and what is not, lists, and answers that break off."""

import io

import pytest

from langchain_codeexec.errors import GeminiConnectionError, ResponseFormatError, ServerError
from langchain_codeexec.gemini.jobs import batch_jobs

CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"
JOB = {"name": "batches/1", "metadata": {"state": "BATCH_STATE_PENDING", "displayName": "two"}}


@pytest.fixture
def jobs(make_transport):
    return batch_jobs(make_transport(max_retries=2))


def lines(jobs):
    return io.BytesIO(jobs.line("k", {"contents": []}))


def test_a_job_is_created_once_and_no_other_request_is_lost(server, jobs):
    server.raw(CUT)
    with pytest.raises(GeminiConnectionError):
        jobs.create("m", "two", lines(jobs))
    server.answer(status=503)
    server.answer(JOB)
    assert jobs.create("m", "two", lines(jobs)) == JOB
    server.raw(CUT)
    server.answer(JOB)
    assert jobs.state(jobs.get("batches/1")) == "PENDING"
    seen = [f"{request.method} {request.path}" for request in server.requests]
    assert seen == ["POST /v1beta/models/m:batchGenerateContent"] * 3 + ["GET /v1beta/batches/1"] * 2
    assert server.requests[0].body == {
        "batch": {
            "displayName": "two",
            "inputConfig": {
                "requests": {"requests": [{"request": {"contents": []}, "metadata": {"key": "k"}}]}
            },
        }
    }


def test_a_job_is_found_on_any_page_of_the_list(server, jobs):
    for _ in range(2):
        server.answer({"operations": [{"metadata": {"displayName": "one"}}], "nextPageToken": "a b"})
        server.answer({"operations": [JOB]})
    assert jobs.find("two") == JOB
    assert jobs.find("none") is None
    assert server.requests[1].path == "/v1beta/batches?pageSize=100&pageToken=a+b"


def test_answers_that_break_off_are_fetched_anew_and_whole(server, jobs):
    job = {"metadata": {"output": {"responsesFile": "files/batch-1"}}, "done": True}
    file = io.BytesIO()
    server.raw(CUT)
    server.answer(b'{"key": "k"}\n')
    jobs.save_answers(job, file)
    assert file.getvalue() == b'{"key": "k"}\n'
    assert jobs.has_ended(job)
    for _ in range(3):
        server.answer(status=500)
    with pytest.raises(ServerError):
        jobs.save_answers(job, file)
    jobs.save_answers({"error": {"code": 1, "message": "Cancelled."}, "done": True}, empty := io.BytesIO())
    assert empty.getvalue() == b""


@pytest.mark.parametrize("body", [b"<html>", b"[]"])
def test_what_is_no_job_is_an_error(server, jobs, body):
    server.answer(body)
    with pytest.raises(ResponseFormatError, match="the answer about batches/1 is no") as error:
        jobs.get("batches/1")
    assert error.value.body == body.decode()
