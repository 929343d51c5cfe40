"""The Files API: what clients upload reaches the code, and what is refused."""

from __future__ import annotations

import asyncio
import base64
import gc
import hashlib
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google import genai
from google.genai import errors, types
from langchain_core.messages import HumanMessage
from langchain_google_genai import ChatGoogleGenerativeAI

from langchain_codeexec import ChatGeminiCodeExecution
from langchain_codeexec.emulator import EmulatedError, file_store
from langchain_codeexec.emulator.file_store import UploadedFiles
from langchain_codeexec.emulator.targets import Target

MODEL = "gemini-2.5-flash"
CSV = b"a,b\n1,2\n"
READ = {
    "executableCode": {"code": "import os\nfor name in sorted(os.listdir()): print(name, open(name).read())"}
}
READ_RESULT = "input_file_0.csv a,b\n1,2\n\ninput_file_1.py print()\n"
INLINE = {"inlineData": {"mimeType": "text/x-python", "data": base64.b64encode(b"print()").decode()}}
TOOLS = [{"codeExecution": {}}]
GRANULARITY = 8 << 20


@pytest.fixture
def reading(start):
    """An emulator whose model reads the files it was given."""
    return start(lambda prompt: [READ])


@pytest.fixture
def official(reading):
    with genai.Client(api_key="test", http_options={"base_url": reading.emulator.url}) as client:
        yield client


def put(client, data: bytes = CSV, mime_type: str = "text/csv", **headers: str) -> dict[str, Any]:
    headers = {"x-goog-upload-protocol": "raw", "content-type": mime_type, **headers}
    response = client.http.post("/upload/v1beta/files", content=data, headers=headers)
    assert response.headers["x-goog-upload-status"] == "final"
    return response.json()["file"]


def test_what_googles_client_uploads_reaches_the_code(reading, official):
    config = types.UploadFileConfig(mime_type="text/csv", display_name="numbers", name="my-numbers")
    file = official.files.upload(file=io.BytesIO(CSV), config=config)
    assert (file.name, file.display_name, file.mime_type, file.size_bytes) == (
        "files/my-numbers",
        "numbers",
        "text/csv",
        8,
    )
    assert base64.b64decode(file.sha256_hash) == hashlib.sha256(CSV).digest()
    assert (file.state.name, file.source.name) == ("ACTIVE", "UPLOADED")
    assert file.expiration_time - file.create_time == timedelta(hours=48)
    assert official.files.get(name=file.name) == file
    inline = types.Part.from_bytes(data=b"print()", mime_type="text/x-python")
    tool = types.Tool(code_execution=types.ToolCodeExecution())
    answer = official.models.generate_content(
        model=MODEL, contents=["read", file, inline], config=types.GenerateContentConfig(tools=[tool])
    )
    assert answer.code_execution_result == READ_RESULT
    assert answer.usage_metadata.prompt_token_count == 1 + 2 + 2
    assert file.uri in str(reading.emulator.requests[-1].body)
    with pytest.raises(errors.ClientError, match="Only generated files can be downloaded"):
        official.files.download(file=file.name)
    official.files.delete(name=file.name)
    with pytest.raises(
        errors.ClientError, match="do not have permission to access the File my-numbers or it may not"
    ):
        official.files.get(name=file.name)
    assert list(official.files.list()) == []


def test_googles_client_uploads_piece_by_piece_and_asynchronously(official):
    async def upload() -> types.File:
        big = io.BytesIO(bytes(GRANULARITY + 1))
        async with official.aio as client:
            return await client.files.upload(file=big, config={"mime_type": "text/plain"})

    file = asyncio.run(upload())
    assert file.size_bytes == GRANULARITY + 1
    assert official.models.count_tokens(model=MODEL, contents=[file]).total_tokens == GRANULARITY // 4 + 1


def test_lists_come_a_page_at_a_time(reading, official):
    names = [put(reading)["name"] for _ in range(12)]
    first = reading.http.get("/v1beta/files").json()
    assert ([file["name"] for file in first["files"]], "nextPageToken" in first) == (names[:10], True)
    assert [file.name for file in official.files.list(config={"page_size": 5})] == names


def command(client, url: str, what: str, data: bytes = b"", **headers: Any) -> Any:
    headers = {
        "x-goog-upload-command": what,
        **{f"x-goog-upload-{key}": str(value) for key, value in headers.items()},
    }
    response = client.http.post(url, content=data, headers=headers)
    return response, response.headers.get("x-goog-upload-status")


def begin(client, metadata: Any = None, **headers: Any) -> str:
    headers = {"protocol": "resumable", **headers}
    response, status = command(
        client, "/upload/v1beta/files", "start", b"" if metadata is None else metadata, **headers
    )
    assert (response.status_code, status, response.text) == (200, "active", "")
    return response.headers["x-goog-upload-url"]


def test_an_upload_is_gone_on_with_where_it_was(reading):
    url = begin(reading, b"{'file': {'display_name': 'numbers'}}", **{"header-content-type": "text/csv"})
    reading.http.headers.pop("x-goog-api-key")  # the URL is the credential
    assert command(reading, url, "upload", bytes(GRANULARITY), offset=0)[1] == "active"
    response, status = command(reading, url, "query")
    assert (response.headers["x-goog-upload-size-received"], status) == (str(GRANULARITY), "active")
    for what, offset, size in (("upload", 0, GRANULARITY), ("upload", GRANULARITY, 5), ("sleep", 0, 0)):
        response, status = command(reading, url, what, bytes(size), offset=offset)
        assert (response.status_code, status) == (400, "active")
    response, status = command(reading, url, "upload, finalize", b"end", offset=GRANULARITY)
    file = response.json()["file"]
    assert (file["sizeBytes"], file["displayName"], file["mimeType"], status) == (
        str(GRANULARITY + 3),
        "numbers",
        "text/csv",
        "final",
    )
    response, status = command(reading, url, "query")
    assert (response.status_code, status) == (404, "final")


def test_an_upload_can_be_cancelled(reading):
    url = begin(reading)
    assert command(reading, url, "cancel")[1] == "cancelled"
    assert command(reading, url, "finalize")[0].status_code == 404


def test_an_upload_that_was_announced_otherwise_is_none(reading):
    url = begin(reading, **{"header-content-length": 5})
    response, status = command(reading, url, "upload, finalize", b"123", offset=0)
    assert (response.status_code, status) == (400, "final")
    assert "3 bytes came, and 5 were announced" in response.text


def test_whole_uploads(reading):
    assert put(reading, mime_type="text/plain")["mimeType"] == "text/plain"
    body = (
        b'--x\r\nContent-Type: application/json\r\n\r\n{"file": {"name": "files/whole"}}\r\n'
        b"--x\r\nContent-Type: text/csv\r\n\r\n1\r\n\r\n--2\r\n\r\n--x--\r\n"
    )
    headers = {"x-goog-upload-protocol": "multipart", "content-type": "multipart/related; boundary=x"}
    file = reading.http.post("/upload/v1beta/files", content=body, headers=headers).json()["file"]
    assert (file["name"], file["mimeType"]) == ("files/whole", "text/csv")
    assert base64.b64decode(file["sha256Hash"]) == hashlib.sha256(b"1\r\n\r\n--2\r\n").digest()
    for wrong in ({"content-type": "multipart/related"}, {"x-goog-upload-protocol": "resumable"}):
        response = reading.http.post("/upload/v1beta/files", content=body, headers={**headers, **wrong})
        assert (response.status_code, response.headers["x-goog-upload-status"]) == (400, "final")


@pytest.mark.filterwarnings(r"ignore:\s*Warning. Output may vary each run:UserWarning")
@pytest.mark.parametrize("block", ["file_id", "url"])
@pytest.mark.parametrize("chat_model", [ChatGeminiCodeExecution, ChatGoogleGenerativeAI])
def test_a_file_block_of_a_chat_model_reaches_the_code(reading, chat_model, block):
    uri = put(reading)["uri"]
    model = chat_model(model=MODEL, api_key="test", base_url=reading.emulator.url)
    if chat_model is ChatGoogleGenerativeAI:
        model = model.bind(tools=[{"code_execution": {}}])
    file = {"type": "file", block: uri, "mime_type": "text/csv"}
    answer = model.invoke([HumanMessage([{"type": "text", "text": "read"}, file])])
    assert "input_file_0.csv a,b" in str(answer.content)


@pytest.mark.parametrize("uri", ["{uri}", "{name}", "{url}/v1beta/{name}"])
def test_a_file_is_named_by_any_of_its_names(reading, uri):
    file = put(reading)
    named = uri.format(**file, url=reading.emulator.url)
    parts = [{"fileData": {"fileUri": named}}, INLINE]
    answer = reading.parts({"contents": {"parts": parts}, "tools": TOOLS})
    assert answer[1]["codeExecutionResult"]["output"] == READ_RESULT


@pytest.mark.parametrize("uri", ["files/nope", "https://generativelanguage.googleapis.com/v1beta/files/nope"])
@pytest.mark.parametrize("action", ["generateContent", "streamGenerateContent", "countTokens"])
def test_a_file_that_is_not_there_is_refused_as_the_service_does(reading, uri, action):
    body = {"contents": {"parts": [{"text": "read"}, {"fileData": {"fileUri": uri, "mimeType": "text/csv"}}]}}
    error = reading.ask(body, action=f"{action}?alt=sse").json()["error"]
    assert (error["code"], error["status"]) == (403, "PERMISSION_DENIED")
    assert error["message"] == "You do not have permission to access the File nope or it may not exist."


@pytest.mark.parametrize(
    ("endpoint", "uri"),
    [("developer", "https://example.com/files/nope"), ("developer", "gs://b/f"), ("vertex", "files/nope")],
)
def test_what_is_no_file_of_the_service_is_left_alone(reading, endpoint, uri):
    body = {"contents": {"role": "user", "parts": {"fileData": {"fileUri": uri, "mimeType": "text/csv"}}}}
    assert reading.ask(body, action="countTokens", endpoint=endpoint).json()["totalTokens"] == 258


def test_a_cached_content_keeps_a_file_that_is_deleted(reading):
    file = put(reading, b"a,b\n" * 2000)
    content = {"role": "user", "parts": [{"fileData": {"fileUri": file["uri"]}}]}
    body = {"model": f"models/{MODEL}", "contents": [content], "tools": TOOLS}
    cache = reading.http.post("/v1beta/cachedContents", json=body).json()
    assert cache["usageMetadata"]["totalTokenCount"] == 2000
    reading.http.delete(f"/v1beta/{file['name']}")
    answer = reading.parts({"contents": {"parts": {"text": "read"}}, "cachedContent": cache["name"]})
    assert answer[1]["codeExecutionResult"]["output"].startswith("input_file_0.csv a,b\na,b")


def test_an_unreadable_type_is_refused_when_it_is_used(reading):
    file = put(reading, b"PK", "application/zip")
    response = reading.ask({"contents": {"parts": {"fileData": {"fileUri": file["uri"]}}}})
    assert (response.status_code, "Unsupported MIME type: application/zip" in response.text) == (400, True)


@pytest.mark.parametrize(
    ("metadata", "status", "text"),
    [
        ({"name": "files/taken"}, 409, "File files/taken already exists."),
        ({"name": "files/-x"}, 400, "lowercase letters"),
        ({"name": "x" * 41}, 400, "up to 40"),
        ({"displayName": "x" * 513}, 400, "at most 512 characters"),
        ({"colour": "red"}, 400, "Unknown name \"colour\" at 'file'"),
        ({"sizeBytes": 101 << 20}, 400, "up to 100 MiB"),
    ],
)
def test_what_no_file_can_be(reading, metadata, status, text):
    if metadata == {"name": "files/taken"}:
        urls = [begin(reading, b'{"file": {"name": "taken"}}') for _ in range(2)]
        answers = [command(reading, url, "finalize")[0].status_code for url in urls]
        assert answers == [200, 409]
    headers = {"x-goog-upload-protocol": "resumable", "x-goog-upload-command": "start"}
    headers["x-goog-upload-header-content-length"] = str(metadata.get("sizeBytes", 0))
    response = reading.http.post("/upload/v1beta/files", json={"file": metadata}, headers=headers)
    assert (response.status_code, text in response.json()["error"]["message"]) == (status, True)


def test_an_upload_needs_a_key(reading):
    reading.http.headers.pop("x-goog-api-key")
    assert reading.http.post("/upload/v1beta/files", content=CSV).status_code == 403
    assert reading.http.get("/v1beta/files").status_code == 403


def test_files_have_bounds_and_an_end(monkeypatch):
    monkeypatch.setattr(file_store, "LARGEST", 10)
    monkeypatch.setattr(file_store, "_ALL", 15)
    monkeypatch.setattr(file_store, "_MOST_UNFINISHED", 2)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    store = UploadedFiles(lambda: now)
    first, second, third = (store.begin({}, "text/csv", None) for _ in range(3))
    with pytest.raises(EmulatedError, match="unknown here"):
        store.append(first, b"1")
    store.append(second, b"1234567890")
    file = store.finish(second)["file"]
    with pytest.raises(EmulatedError, match="delete some, or upload less"):
        store.append(third, b"123456")
    assert store.get(file["name"]).read() == b"1234567890"
    now += timedelta(hours=48)
    assert store.list({}) == {}
    with pytest.raises(EmulatedError, match="may not exist"):
        store.delete(file["name"])


def test_the_bytes_go_with_the_store():
    store = UploadedFiles()
    upload = store.begin({}, "", None)
    store.append(upload, bytes(1 << 20))  # more than is kept in memory
    content = store.get(store.finish(upload)["file"]["name"]).content
    request = {"contents": [{"parts": [{"text": "x"}]}]}
    assert store.inlined(request, Target("developer", "v1beta")) is request
    del store
    gc.collect()
    assert content.closed
