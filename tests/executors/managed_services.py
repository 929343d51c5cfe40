"""Sandboxes of Runloop and Vercel on the loopback, which are this machine: for the clients that these services publish."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

SANDBOX = {
    **dict(
        zip(
            ("id", "cwd", "region", "runtime", "status"),
            ("sbx", "/tmp", "iad1", "python3.13", "running"),
            strict=True,
        )
    ),
    **dict.fromkeys(("memory", "vcpus", "timeout", "requestedAt", "createdAt", "updatedAt"), 1),
}


class _Services(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    finished: subprocess.CompletedProcess[str]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        kind = self.headers["content-type"]
        self._serve(json.loads(body) if kind == "application/json" else body)

    def do_GET(self) -> None:
        self._serve(None)

    def _serve(self, body: Any) -> None:
        path = self.path.partition("?")[0]
        status, answer = next(route(self, body) for end, route in ROUTES.items() if path.endswith(end))
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args: Any) -> None:
        pass

    def execute(self, body: Any) -> tuple[int, bytes]:
        done = self._shell(body["command"])
        ending = {"exit_status": done.returncode, "stdout": done.stdout, "stderr": done.stderr}
        return _json(devbox_id="dbx", execution_id="1", status="completed", **ending)

    def upload(self, body: bytes) -> tuple[int, bytes]:
        boundary = self.headers["content-type"].partition("boundary=")[2].encode()
        parts = [part[2:-2].partition(b"\r\n\r\n") for part in body.split(b"--" + boundary)[1:-1]]
        contents = {b"file" if b"filename=" in head else b"path": content for head, _, content in parts}
        Path(contents[b"path"].decode()).write_bytes(contents[b"file"])
        return _json()

    def read(self, body: Any) -> tuple[int, bytes]:
        path = Path(body["path"])
        return (200, path.read_bytes()) if path.exists() else _json(404, message="No such file")

    def write(self, body: bytes) -> tuple[int, bytes]:
        with tarfile.open(fileobj=io.BytesIO(body)) as archive:
            archive.extractall(self.headers["x-cwd"], filter="data")
        return _json()

    def begin(self, body: Any) -> tuple[int, bytes]:
        type(self).finished = self._shell(body["args"][-1])
        return self.end(None)

    def end(self, _: Any) -> tuple[int, bytes]:
        known = {"id": "cmd", "name": "bash", "args": [], "cwd": "/tmp", "sandboxId": "sbx", "startedAt": 1}
        return _json(command={**known, "exitCode": self.finished.returncode})

    def logs(self, _: Any) -> tuple[int, bytes]:
        lines = {"stdout": self.finished.stdout, "stderr": self.finished.stderr}
        return 200, b"".join(json.dumps({"stream": k, "data": v}).encode() + b"\n" for k, v in lines.items())

    def _shell(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)


def _json(code: int = 200, /, **answer: Any) -> tuple[int, bytes]:
    return code, json.dumps(answer).encode()


ROUTES = {
    "/execute_async": _Services.execute,
    "/upload_file": _Services.upload,
    "/download_file": _Services.read,
    "/fs/write": _Services.write,
    "/fs/read": _Services.read,
    "/cmd/cmd": _Services.end,
    "/cmd": _Services.begin,
    "/logs": _Services.logs,
}


@contextmanager
def services() -> Iterator[dict[str, Any]]:
    """The backends of both, by their names."""
    from langchain_runloop import RunloopSandbox
    from langchain_vercel_sandbox import VercelSandbox
    from runloop_api_client import Runloop
    from runloop_api_client.sdk.devbox import Devbox
    from vercel._internal.sandbox.core import SyncSandboxOpsClient
    from vercel._internal.sandbox.models import Sandbox as Description
    from vercel.sandbox import Sandbox

    with ThreadingHTTPServer(("127.0.0.1", 0), _Services) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        with (
            Runloop(bearer_token="key", base_url=url, max_retries=0) as runloop,
            SyncSandboxOpsClient(host=url, team_id="team", token="key") as vercel,
        ):
            sandbox = Sandbox(vercel, Description.model_validate(SANDBOX), [])
            yield {
                "RunloopSandbox": RunloopSandbox(devbox=Devbox(runloop, "dbx")),
                "VercelSandbox": VercelSandbox(sandbox=sandbox),
            }
        server.shutdown()
        thread.join()
