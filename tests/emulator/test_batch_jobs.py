"""Batch jobs of both services: google-genai, unmodified, makes them, and each row is answered as if it came alone."""

from __future__ import annotations

import asyncio
import inspect
import io
import json
import threading
from typing import Any

import pytest
from google import genai
from google.genai import errors, types

from langchain_codeexec.emulator import EmulatedError
from langchain_codeexec.emulator.brain import last_text
from tests.emulator.conftest import Client, who

OLD = "gemini-2.5-flash"
CODE = {"executableCode": {"code": "print(6 * 7)"}}
TOOLS = [{"codeExecution": {}}]
JOBS = "/v1beta1/projects/p/locations/us-central1/batchPredictionJobs"
STATS = ("requestCount", "successfulRequestCount", "failedRequestCount", "pendingRequestCount")

pytestmark = pytest.mark.filterwarnings("ignore:batches.create_embeddings")


class Waiting:
    """A script that answers with code, from the second row on when it may."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        self.rows: list[str] = []

    def __call__(self, prompt: Any) -> Any:
        self.rows.append(last_text(prompt))
        if len(self.rows) > 1:
            self.begun.set()
            assert self.go.wait(60)
        if self.rows[-1] == "fail":
            return EmulatedError(429, message="Slow down.")
        return [CODE, "It is 42."]


@pytest.fixture
def brain():
    brain = Waiting()
    yield brain
    brain.go.set()


@pytest.fixture
def client(start, brain, tmp_path):
    (tmp_path / "bucket").mkdir()
    return start(brain, buckets=tmp_path)


@pytest.fixture
def connect(client):
    """The official client of a service."""
    clients: list[genai.Client] = []

    def made(endpoint: str = "developer") -> genai.Client:
        clients.append(genai.Client(**who(endpoint), http_options={"base_url": client.emulator.url}))
        return clients[-1]

    yield made
    for one in clients:
        one.close()


async def value(result: Any) -> Any:
    return await result if inspect.isawaitable(result) else result


def run(official: genai.Client, use: Any, *, is_async: bool) -> Any:
    """What is done with the batches of a client in one of its two ways."""

    async def used() -> Any:
        try:
            return await use((official.aio if is_async else official).batches)
        finally:
            if is_async:
                await official.aio.aclose()

    return asyncio.run(used())


async def over(batches: Any, job: types.BatchJob) -> types.BatchJob:
    while not job.done:
        job = await value(batches.get(name=job.name))
    return job


def ask(text: str, **fields: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": text}]}], "tools": TOOLS, **fields}


def lines(*rows: Any) -> bytes:
    return b"".join((row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n" for row in rows)


def metadata(client, job: types.BatchJob) -> dict[str, Any]:
    return client.http.get(f"/v1beta/{job.name}").json()["metadata"]


# -- the Gemini API ------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_inline_requests(connect, client, brain, is_async):
    official = connect()
    tool = types.Tool(code_execution=types.ToolCodeExecution())
    config = types.GenerateContentConfig(tools=[tool], system_instruction="Be brief.", max_output_tokens=100)
    rows = [
        types.InlinedRequest(contents=text, config=config, metadata={"key": text}) for text in ("one", "fail")
    ]

    async def use(batches: Any) -> types.BatchJob:
        job = await value(batches.create(model=OLD, src=rows, config={"display_name": "sums"}))
        assert (job.state.name, job.display_name, job.model) == ("JOB_STATE_PENDING", "sums", f"models/{OLD}")
        await asyncio.to_thread(brain.begun.wait, 60)
        assert (await value(batches.get(name=job.name))).state.name == "JOB_STATE_RUNNING"
        stats = metadata(client, job)["batchStats"]
        assert [stats.get(name) for name in STATS] == ["2", "1", None, "1"]
        brain.go.set()
        return await over(batches, job)

    job = run(official, use, is_async=is_async)
    assert job.state.name == "JOB_STATE_SUCCEEDED"
    good, bad = job.dest.inlined_responses
    assert (good.metadata, good.response.code_execution_result, good.response.text) == (
        {"key": "one"},
        "42\n",
        "It is 42.",
    )
    assert good.response.usage_metadata.total_token_count > 0
    assert (bad.metadata, bad.response) == ({"key": "fail"}, None)
    assert (bad.error.code, bad.error.message) == (8, "Slow down.")
    told = metadata(client, job)
    assert [told["batchStats"].get(name) for name in STATS] == ["2", "1", "1", None]
    operation = client.http.get(f"/v1beta/{job.name}").json()
    assert operation["response"].pop("@type").endswith("v1main.GenerateContentBatchOutput")
    assert (operation["done"], operation["response"]) == (True, told["output"])


def test_a_file_of_requests_becomes_one_of_responses(connect, client, brain):
    brain.go.set()
    official = connect()
    data = lines(
        {"key": "a", "request": ask("one")}, {"key": "b", "request": {}}, b"", b"{", b"[1]", {"key": "c"}
    )
    file = official.files.upload(file=io.BytesIO(data), config={"mime_type": "jsonl"})
    created = official.batches.create(model=OLD, src=file.name)
    job = asyncio.run(over(official.batches, created))
    downloaded = official.files.download(file=job.dest.file_name)
    assert downloaded == client.http.get(f"/download/v1beta/{job.dest.file_name}:download?alt=media").content
    first, *rest = map(json.loads, downloaded.splitlines())
    assert (first["key"], first["response"]["candidates"][0]["finishReason"]) == ("a", "STOP")
    assert [(row.get("key"), row["error"]["code"]) for row in rest] == [
        ("b", 3),
        (None, 3),
        (None, 3),
        ("c", 3),
    ]
    told = official.files.get(name=job.dest.file_name)
    assert (told.source.name, told.size_bytes) == ("GENERATED", len(downloaded))
    assert metadata(client, job)["inputConfig"] == {"fileName": file.name}


def test_embeddings(connect):
    official = connect()
    config = {"output_dimensionality": 8}
    source = {"inlined_requests": {"contents": ["one", "two"], "config": config}}
    created = official.batches.create_embeddings(model="gemini-embedding-001", src=source)
    job = asyncio.run(over(official.batches, created))
    alone = official.models.embed_content(model="gemini-embedding-001", contents="two", config=config)
    first, second = job.dest.inlined_embed_content_responses
    assert len(first.response.embedding.values) == 8
    assert second.response.embedding.values == alone.embeddings[0].values


def test_jobs_are_listed_cancelled_and_deleted(connect, client, brain):
    batches = connect().batches
    rows = [types.InlinedRequest(contents="one")] * 2
    jobs = [batches.create(model=OLD, src=rows) for _ in range(3)]
    assert brain.begun.wait(60)
    listed = batches.list(config={"page_size": 2})
    assert [job.name for job in listed] == [job.name for job in reversed(jobs)]
    batches.cancel(name=jobs[0].name)
    assert batches.get(name=jobs[0].name).state.name == "JOB_STATE_CANCELLED"
    operation = client.http.get(f"/v1beta/{jobs[0].name}").json()
    assert (operation["done"], operation["error"]["code"]) == (True, 1)
    assert "output" not in operation["metadata"]
    with pytest.raises(errors.ClientError, match="FAILED_PRECONDITION") as refused:
        batches.cancel(name=jobs[0].name)
    assert refused.value.code == 400
    batches.delete(name=jobs[1].name)
    for call in (batches.get, batches.cancel, batches.delete):
        with pytest.raises(errors.ClientError) as missing:
            call(name=jobs[1].name)
        assert missing.value.code == 404


def batch(*requests: Any, **source: Any) -> dict[str, Any]:
    rows = [{"request": request} for request in requests]
    return {"batch": {"inputConfig": {"requests": {"requests": rows}, **source}}}


PLACE = "'batch.input_config.requests.requests[0].request'"


@pytest.mark.parametrize(
    ("body", "model", "status", "words"),
    [
        ({}, OLD, 400, "either requests or file_name"),
        (batch(ask("one"), fileName="files/x"), OLD, 400, "either requests or file_name"),
        (batch({"promt": 1}), OLD, 400, f'Unknown name "promt" at {PLACE}'),
        (batch(fileName="files/x"), OLD, 403, "permission to access the File x"),
        (batch(ask("one")), "gpt-9", 404, "models/gpt-9 is not found"),
    ],
)
def test_what_is_no_batch_is_refused(answering, body, model, status, words):
    refused = answering.ask(body, model=model, action="batchGenerateContent")
    assert (refused.status_code, words in refused.json()["error"]["message"]) == (status, True)
    assert answering.http.get("/v1beta/batches").json() == {}


def test_faults_hit_the_request_or_its_rows(start):
    client = start(lambda prompt: "Fine.", faults=["503"])
    assert client.ask(batch(ask("one")), action="batchGenerateContent").status_code == 503
    assert client.http.get("/v1beta/batches").json() == {}
    for kind, code in (("cut", 14), ("quota", 8)):
        client.emulator.faults.replace([f"{kind}:method=generateContent"])
        job = client.ask(batch(ask("one")), action="batchGenerateContent").json()
        while not job.get("done"):
            job = client.http.get(f"/v1beta/{job['name']}").json()
        (row,) = job["response"]["inlinedResponses"]["inlinedResponses"]
        assert row["error"]["code"] == code


def test_jobs_end_with_the_emulator(client, brain):
    job = client.ask(batch(ask("one"), ask("two")), action="batchGenerateContent").json()
    assert brain.begun.wait(60)
    client.emulator.stop()
    client.emulator.start()
    with Client(client.emulator).http as http:
        assert http.get(f"/v1beta/{job['name']}").status_code == 404


# -- Vertex AI -----------------------------------------------------------------------------------------


@pytest.fixture
def bucket(tmp_path, client):
    return tmp_path / "bucket"


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_from_bucket_to_bucket(connect, client, brain, bucket, is_async):
    official = connect("vertex")
    rows = [
        {"request": ask("one"), "id": 1},
        {"key": "b", "request": ask("fail")},
        {"request": {"contents": []}},
    ]
    (bucket / "in").mkdir()
    (bucket / "in" / "rows.jsonl").write_bytes(lines(*rows))

    async def use(batches: Any) -> types.BatchJob:
        job = await value(batches.create(model=OLD, src="gs://bucket/in/rows.jsonl"))
        assert (job.state.name, job.dest.gcs_uri) == ("JOB_STATE_PENDING", "gs://bucket/in/rows/dest")
        await asyncio.to_thread(brain.begun.wait, 60)
        running = await value(batches.get(name=job.name))
        assert (running.state.name, running.completion_stats.incomplete_count) == ("JOB_STATE_RUNNING", 2)
        assert len(output(running, bucket)) == 1
        with pytest.raises(errors.ClientError, match="cancel it first"):
            await value(batches.delete(name=job.name))
        brain.go.set()
        return await over(batches, job)

    job = run(official, use, is_async=is_async)
    assert job.state.name == "JOB_STATE_SUCCEEDED"
    assert (job.completion_stats.successful_count, job.completion_stats.failed_count) == (1, 2)
    first, second, third = output(job, bucket)
    assert (first["status"], first["id"], first["request"]) == ("", 1, rows[0]["request"])
    answer = types.GenerateContentResponse.model_validate(first["response"])
    assert (answer.code_execution_result, answer.text) == ("42\n", "It is 42.")
    phrase, _, envelope = second["status"].partition(": ")
    assert (phrase, json.loads(envelope)["error"]["message"]) == ("Too Many Requests", "Slow down.")
    assert (second["key"], second["response"], third["status"][:11]) == ("b", {}, "Bad Request")
    told = client.http.get(f"/v1beta1/{job.name}").json()
    assert [failure["code"] for failure in told["partialFailures"]] == [8, 3]
    deleted = official.batches.delete(name=job.name)
    assert deleted.done
    assert list(official.batches.list()) == []


def output(job: types.BatchJob, bucket) -> list[dict[str, Any]]:
    path = bucket.parent / job.output_info.gcs_output_directory.removeprefix("gs://") / "predictions.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_what_was_answered_before_a_job_was_cancelled_stays(connect, brain, bucket):
    batches = connect("vertex").batches
    (bucket / "rows.jsonl").write_bytes(lines(*[{"request": ask("one")}] * 3))
    job = batches.create(model=OLD, src="gs://bucket/rows.jsonl", config={"dest": "gs://bucket"})
    assert brain.begun.wait(60)
    batches.cancel(name=job.name)
    job = batches.get(name=job.name)
    assert (job.state.name, job.error.code) == ("JOB_STATE_CANCELLED", 1)
    assert len(output(job, bucket)) == job.completion_stats.successful_count == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, "No such object: gs://bucket/rows.jsonl"),
        (lines({"request": {}}, {"prompt": "Hi"}), "line 2 of gs:"),
    ],
)
def test_without_input_a_job_fails(connect, bucket, data, words):
    if data is not None:
        (bucket / "rows.jsonl").write_bytes(data)
    batches = connect("vertex").batches
    job = asyncio.run(over(batches, batches.create(model=OLD, src="gs://bucket/rows.jsonl")))
    assert job.state.name == "JOB_STATE_FAILED"
    assert words in job.error.message
    assert not list(bucket.rglob("predictions.jsonl"))


def prediction(source: str = "gs://bucket/x", destination: str = "gs://bucket/out", **fields: Any) -> Any:
    return {
        "model": f"publishers/google/models/{OLD}",
        "inputConfig": {"instancesFormat": "jsonl", "gcsSource": {"uris": [source]}},
        "outputConfig": {"predictionsFormat": "jsonl", "gcsDestination": {"outputUriPrefix": destination}},
        **fields,
    }


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (prediction("gs://bucket/../../etc/passwd"), 400, "no URI of an object"),
        (prediction("gs://../x"), 400, "no URI of an object"),
        (prediction("gs://bucket/a\0b"), 400, "no URI of an object"),
        (prediction(f"gs://{'b' * 300}/x"), 400, "no URI of an object"),
        (prediction("gs:///etc/passwd"), 400, "no URI of an object"),
        (prediction("https://bucket/x"), 400, "no URI of an object"),
        (prediction(destination="gs://other/out"), 404, "bucket does not exist: other"),
        (prediction(inputConfig={"bigquerySource": {"inputUri": "bq://p.d.t"}}), 400, "Cloud Storage alone"),
        (prediction(model="publishers/google/models/gpt-9"), 404, "not found"),
        (prediction(inputs=1), 400, 'Unknown name "inputs"'),
    ],
)
def test_what_is_no_prediction_job_is_refused(client, body, status, words):
    refused = client.http.post(JOBS, json=body)
    assert (refused.status_code, words in refused.json()["error"]["message"]) == (status, True)
    assert client.http.get(JOBS).json() == {}


def test_what_needs_more_than_there_is_says_so(client, answering):
    filtered = client.http.get(JOBS, params={"filter": 'state="JOB_STATE_FAILED"'})
    unset = answering.http.post(JOBS, json=prediction())
    for refused, words in ((filtered, "does not know filters"), (unset, "no Cloud Storage")):
        assert (refused.status_code, words in refused.json()["error"]["message"]) == (400, True)
