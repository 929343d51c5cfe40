"""Uploads go through the recorder, and are played."""

from __future__ import annotations

import httpx
import pytest

from langchain_codeexec.emulator import (
    CassettePlayer,
    GeminiEmulator,
    RecordingProxy,
    ScriptedBrain,
)
from langchain_codeexec.emulator.server import LocalServer

KEY = "AIza" + "Sy0123456789abcdefghijklmnopqrstuvw"
DEVELOPER = "/v1beta/models/gemini-3-flash-preview"


def ask(text="Go"):
    return {"contents": [{"role": "user", "parts": [{"text": text}]}], "tools": [{"codeExecution": {}}]}


def post(url, path=f"{DEVELOPER}:generateContent", body=None, **more):
    headers = {"x-goog-api-key": KEY} if "headers" not in more else more.pop("headers")
    return httpx.post(url + path, json=ask() if body is None else body, headers=headers, timeout=60, **more)


def upload(url, data, **metadata):
    """A resumable upload in two pieces; the URL it went to, and the file."""
    headers = {"x-goog-api-key": KEY, "x-goog-upload-protocol": "resumable"}
    begun = httpx.post(
        f"{url}/upload/v1beta/files",
        headers={
            **headers,
            "x-goog-upload-command": "start",
            "x-goog-upload-header-content-type": "text/csv",
        },
        json={"file": metadata},
    )
    place = begun.headers["x-goog-upload-url"]
    granularity = int(begun.headers["x-goog-upload-chunk-granularity"])
    going = httpx.post(
        place, content=data[:granularity], headers={"x-goog-upload-command": "upload"}, timeout=60
    )
    assert going.headers["x-goog-upload-status"] == "active"
    done = httpx.post(
        place,
        content=data[granularity:],
        headers={"x-goog-upload-command": "upload, finalize", "x-goog-upload-offset": str(granularity)},
    )
    assert done.headers["x-goog-upload-status"] == "final"
    return place, done.json()["file"]


@pytest.mark.parametrize("first", [b"\xff", b"\n"])
def test_uploads_go_through_the_recorder_and_are_played(tmp_path, first):
    path, data = tmp_path / "c.yaml", first * (8 << 20) + b"a,b\r\n1,2\n"

    def talk(url):
        place, file = upload(url, data, displayName="t.csv")
        assert place.startswith(f"{url}/upload/v1beta/files?")
        part = {"fileData": {"fileUri": file["uri"], "mimeType": "text/csv"}}
        return file, post(url, body={"contents": [{"role": "user", "parts": [part]}]}).json()

    with GeminiEmulator(ScriptedBrain(["Seen."])) as emulator, RecordingProxy(emulator.url, path) as proxy:
        recorded = talk(proxy.url)
        assert [request.path for request in emulator.requests][:3] == ["/upload/v1beta/files"] * 3
    assert recorded[0]["sizeBytes"] == str(len(data))
    text = path.read_text(encoding="utf-8")
    assert "upload_id" not in text
    assert "http://" not in text.replace(recorded[0]["uri"], "")
    assert "8388608 bytes, sha256 " in text
    with CassettePlayer(path) as player:
        assert talk(player.url) == recorded
        player.assert_finished()


def test_an_upload_elsewhere_than_the_service_goes_there(tmp_path):
    async def service(scope, receive, send):
        here = dict(scope["headers"])[b"host"]
        elsewhere = (
            b"http://" + here.replace(b"127.0.0.1", b"localhost") + b"/gone/on?upload_id=1234567890&x=%2F"
        )
        body = b"\xff\x00" if scope["path"] == "/gone/on" else b"%s%s" % (scope["path"].encode(), here)
        headers = [(b"content-type", b"image/png"), (b"x-goog-upload-url", elsewhere)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    path = tmp_path / "c.yaml"

    def talk(url):
        place = post(url, "/upload/v1beta/files").headers["x-goog-upload-url"]
        assert place.startswith(f"{url}/gone/on?")
        return post(place, "").content

    with LocalServer(service) as elsewhere, RecordingProxy(f"{elsewhere.url}/gateway", path) as proxy:
        assert talk(proxy.url) == b"\xff\x00"
    assert "1234567890" not in path.read_text(encoding="utf-8")
    with CassettePlayer(path) as player:
        assert talk(player.url) == b"\xff\x00"
