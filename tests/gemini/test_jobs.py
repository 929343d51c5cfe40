"""Batch jobs on the wire: what is sent again after a failure and what is not, lists, and answers that break off."""

import io

import fsspec
import pytest

from langchain_codeexec.errors import GeminiConnectionError, ResponseFormatError, ServerError
from langchain_codeexec.gemini.endpoints import Endpoint
from langchain_codeexec.gemini.jobs import batch_jobs
from langchain_codeexec.gemini.rest import RestTransport

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
        jobs.create("m", "two", jobs.source("two", lines(jobs)))
    server.answer(status=503)
    server.answer(JOB)
    assert jobs.create("m", "two", jobs.source("two", lines(jobs))) == JOB
    server.raw(CUT)
    server.answer(b'{"name": ')
    server.answer(JOB)
    assert jobs.state(jobs.get("batches/1")) == "PENDING"
    seen = [f"{request.method} {request.path}" for request in server.requests]
    assert seen == ["POST /v1beta/models/m:batchGenerateContent"] * 3 + ["GET /v1beta/batches/1"] * 3
    assert server.requests[0].body == {
        "batch": {
            "displayName": "two",
            "inputConfig": {
                "requests": {"requests": [{"request": {"contents": []}, "metadata": {"key": "k"}}]}
            },
        }
    }


def test_a_piece_of_an_upload_is_sent_once(server, jobs, monkeypatch):
    monkeypatch.setattr("langchain_codeexec.gemini.jobs._MOST_INLINE", 0)
    server.answer({})
    server.raw(CUT)
    with pytest.raises(GeminiConnectionError):
        jobs.source("two", lines(jobs))
    assert len(server.requests) == 2


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
    inline = {"response": {"inlinedResponses": {"inlinedResponses": [{"key": "\ud83d", "n": float("inf")}]}}}
    jobs.save_answers(inline, half := io.BytesIO())
    assert half.getvalue() == b'{"key": "\\ud83d", "n": Infinity}\n'
    for _ in range(3):
        server.answer(status=500)
    with pytest.raises(ServerError):
        jobs.save_answers(job, file)
    jobs.save_answers({"error": {"code": 1, "message": "Cancelled."}, "done": True}, empty := io.BytesIO())
    assert empty.getvalue() == b""


@pytest.mark.parametrize("body", [b"<html>", b"[]"])
def test_what_is_no_job_is_an_error(server, jobs, body):
    server.answer(body)
    with pytest.raises(ResponseFormatError, match=r"the answer of \S+batches/1 is") as error:
        jobs.get("batches/1")
    assert error.value.body == body.decode()


@pytest.mark.parametrize("ended", ["SUCCEEDED", "PARTIALLY_SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"])
def test_states_have_one_name_at_both_services(jobs, ended):
    vertex = batch_jobs(RestTransport(Endpoint("vertex", project="p")), "memory://")
    for service, name in ((jobs, f"BATCH_STATE_{ended}"), (vertex, f"JOB_STATE_{ended}")):
        job = {"state": name, "metadata": {"state": name}}
        assert (service.state(job), service.has_ended(job)) == (ended, True)
    assert not vertex.has_ended({"state": "JOB_STATE_PAUSED"})


def test_requests_and_answers_lie_in_any_storage(server):
    jobs = batch_jobs(RestTransport(Endpoint("vertex", server.url, "p", "l")), "memory://folder/")
    source = jobs.source("two", io.BytesIO(jobs.line("k", {"contents": [], "labels": {"team": "a"}})))
    jobs.create("m", "two", source)
    [request] = server.requests
    assert request.path == "/v1beta1/projects/p/locations/l/batchPredictionJobs"
    assert request.body == {
        "displayName": "two",
        "model": "publishers/google/models/m",
        "inputConfig": {
            "instancesFormat": "jsonl",
            "gcsSource": {"uris": ["memory://folder/two/requests.jsonl"]},
        },
        "outputConfig": {
            "predictionsFormat": "jsonl",
            "gcsDestination": {"outputUriPrefix": "memory://folder/two/answers"},
        },
    }
    memory = fsspec.filesystem("memory")
    written = b'{"request":{"contents":[],"labels":{"team":"a","batch_row":"k"}}}\n'
    assert memory.cat("/folder/two/requests.jsonl") == written
    jobs.save_answers(request.body, none := io.BytesIO())  # of a job that expired, say
    memory.pipe("/folder/two/answers/x/predictions.jsonl", b"{}")
    jobs.save_answers(request.body, answers := io.BytesIO())
    assert (none.getvalue(), answers.getvalue()) == (b"", b"{}\n")
