"""Sandboxes of Agent Engine: programs run in them, and they keep their state."""

from __future__ import annotations

import base64
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

ENGINES = "/v1beta1/projects/p/locations/us-central1/reasoningEngines"
SPEC = {"codeExecutionEnvironment": {}}


class Sandboxes:
    """A client without a library."""

    def __init__(self, client: Any) -> None:
        self.http, self.emulator = client.http, client.emulator
        self.engine = self.done(self.http.post(ENGINES, json={"displayName": "engine"}))["name"]

    def done(self, response: Any) -> dict[str, Any]:
        operation = good(response)
        assert "done" not in operation
        return good(self.http.get(f"/v1beta1/{operation['name']}"))["response"]

    def create(self, **fields: Any) -> str:
        path = f"/v1beta1/{self.engine}/sandboxEnvironments"
        return self.done(self.http.post(path, json={"displayName": "s", "spec": SPEC, **fields}))["name"]

    def execute(self, sandbox: str, *inputs: Any) -> Any:
        return self.http.post(f"/v1beta1/{sandbox}:execute", json={"inputs": inputs})

    def run(self, sandbox: str, code: str) -> dict[str, Any]:
        (output,) = good(self.execute(sandbox, program(code)))["outputs"]
        return json.loads(base64.b64decode(output["data"]))


def good(response: Any) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    return response.json()


def chunk(data: Any, mime_type: str = "application/json", **metadata: Any) -> dict[str, Any]:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return {"data": base64.b64encode(raw).decode(), "mimeType": mime_type, **metadata}


def program(code: str) -> dict[str, Any]:
    return chunk({"code": code})


@pytest.fixture
def sandboxes(start):
    return Sandboxes(start(["Hi."]))


def test_several_at_once_know_nothing_of_each_other(sandboxes):
    names = [sandboxes.create() for _ in range(3)]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda name: sandboxes.run(name, f"x = {name[-4:]!r}"), names))
        seen = list(pool.map(lambda name: sandboxes.run(name, "print(x, end='')")["msg_out"], names))
    assert seen == [name[-4:] for name in names]
    path = f"/v1beta1/{sandboxes.engine}/sandboxEnvironments"
    first = good(sandboxes.http.get(path, params={"pageSize": 2}))
    rest = good(sandboxes.http.get(path, params={"pageToken": first["nextPageToken"]}))
    listed = [*first["sandboxEnvironments"], *rest["sandboxEnvironments"]]
    assert [one["name"] for one in listed] == names


def test_figures_come_back_where_they_are_saved(sandboxes):
    code = "import matplotlib.pyplot as plt\nplt.plot([1])\nplt.savefig('a.png')\nplt.figure()\nplt.show()"
    _, figure = good(sandboxes.execute(sandboxes.create(), program(code)))["outputs"]
    assert base64.b64decode(figure["metadata"]["attributes"]["file_name"]) == b"a.png"
    assert base64.b64decode(figure["data"]).startswith(b"\x89PNG")


class Watched:
    """An executor that says when a session begins, which waits for the word, and when the last one has ended."""

    def __init__(self, executor: Any) -> None:
        self._executor = executor
        self.began, self.go, self.ended = (threading.Event() for _ in range(3))

    @contextmanager
    def session(self) -> Any:
        self.began.set()
        assert self.go.wait(60)
        with self._executor.session() as session:
            yield session
        self.ended.set()


def delete(sandboxes: Sandboxes, sandbox: str) -> None:
    sandboxes.done(sandboxes.http.delete(f"/v1beta1/{sandbox}"))


def stop(sandboxes: Sandboxes, sandbox: str) -> None:
    sandboxes.emulator.stop()


@pytest.mark.parametrize("end", [delete, stop])
def test_a_sandbox_ends_with_all_it_holds(start, shared_executor, end):
    executor = Watched(shared_executor)
    executor.go.set()
    sandboxes = Sandboxes(start(["Hi."], executor=executor))
    sandbox = sandboxes.create()
    assert sandboxes.run(sandbox, "print(7)")["msg_out"] == "7\n"
    end(sandboxes, sandbox)
    assert executor.ended.wait(60)


def test_no_program_begins_in_a_sandbox_that_is_deleted(start, shared_executor):
    executor = Watched(shared_executor)
    sandboxes = Sandboxes(start(["Hi."], executor=executor))
    sandbox = sandboxes.create()
    with ThreadPoolExecutor() as pool:
        run = pool.submit(sandboxes.execute, sandbox, program("import time\ntime.sleep(600)"))
        assert executor.began.wait(60)
        delete(sandboxes, sandbox)
        executor.go.set()
        assert run.result().status_code == 500


def test_a_sandbox_ends_when_its_time_is_over(sandboxes):
    sandbox = sandboxes.create(ttl="0.000001s")
    for response in (sandboxes.http.get(f"/v1beta1/{sandbox}"), sandboxes.execute(sandbox, program("1"))):
        assert response.status_code == 404


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ([chunk(b"1", "text/csv")], "files with a file_name"),
        ([chunk({"source": "1"})], "files with a file_name"),
        ([program("1"), program("2")], "files with a file_name"),
        ([{"data": "?", "mimeType": "application/json"}], "Base64 decoding failed"),
        ([chunk(b"1", metadata={"attributes": {"file_name": "Li4veA=="}}), program("1")], "cannot be run"),
    ],
)
def test_what_is_no_program_is_refused(sandboxes, inputs, words):
    refused = sandboxes.execute(sandboxes.create(), *inputs)
    assert (refused.status_code, words in refused.json()["error"]["message"]) == (400, True)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"spec": {"computerUseEnvironment": {}}}, "no computerUseEnvironment"),
        ({"sandboxEnvironmentTemplate": "t"}, "no sandboxEnvironmentTemplate"),
        ({"spec": {"codeExecutionEnvironment": {"codeLanguage": "LANGUAGE_JAVASCRIPT"}}}, "no JavaScript"),
        ({"spec": {"codeExecutionEnvironment": {"codeLanguage": "RUBY"}}}, "CodeLanguage"),
        ({"ttl": "soon"}, "Invalid value at 'sandbox_environment.ttl'"),
    ],
)
def test_what_is_no_sandbox_is_refused(sandboxes, fields, words):
    path = f"/v1beta1/{sandboxes.engine}/sandboxEnvironments"
    refused = sandboxes.http.post(path, json={"spec": SPEC, **fields})
    assert (refused.status_code, words in refused.json()["error"]["message"]) == (400, True)
    assert good(sandboxes.http.get(path)) == {}


def test_there_is_room_for_so_many(sandboxes, monkeypatch):
    monkeypatch.setattr("langchain_codeexec.emulator.sandboxes._MOST", 1)
    sandbox = sandboxes.create()
    path = f"/v1beta1/{sandboxes.engine}/sandboxEnvironments"
    assert sandboxes.http.post(path, json={}).status_code == 429
    delete(sandboxes, sandbox)
    sandboxes.create()


def test_other_refusals(sandboxes):
    path = f"/v1beta1/{sandboxes.engine}/sandboxEnvironments"
    sandboxes.emulator.faults.add("503:method=execute", "quota:method=POST")
    for response, status in (
        (sandboxes.http.post(ENGINES, json={"spec": {"packageSpec": {}}}), 429),
        (sandboxes.http.post(ENGINES, json={"spec": {"packageSpec": {}}}), 400),
        (sandboxes.http.post(f"{ENGINES}/1/sandboxEnvironments", json={}), 404),
        (sandboxes.http.get(path, params={"filter": "x"}), 400),
        (sandboxes.http.get(f"/v1beta1/{sandboxes.engine}/operations/1"), 404),
        (sandboxes.execute(sandboxes.create(), program("1")), 503),
    ):
        assert response.status_code == status, response.text
