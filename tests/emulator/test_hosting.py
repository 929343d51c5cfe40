"""Ending while something is under way."""

from __future__ import annotations

import json
import socket
import threading

import httpx
import pytest

from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain
from tests.emulator.conftest import run_python

HELLO = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
MODEL = "/v1beta/models/gemini-2.5-flash"


class Blocked:
    """A brain that says a word and then nothing until it is let."""

    def __init__(self, words=1) -> None:
        self.words = words
        self.started = threading.Event()
        self.go = threading.Event()

    def respond(self, prompt):
        for number in range(self.words):
            yield {"text": f"word {number}"}
        self.started.set()
        assert self.go.wait(30)


def test_stopped_before_it_has_begun_it_gives_its_port_back():
    for _ in range(10):
        emulator = GeminiEmulator().start()
        emulator.stop()
        with socket.create_server(("127.0.0.1", int(emulator.url.rpartition(":")[2]))):
            pass  # the port is free again


@pytest.mark.parametrize("action", ["generateContent", "streamGenerateContent?alt=sse"])
def test_a_blocked_brain_is_cut_off_without_a_traceback(action, caplog):
    brain = Blocked()
    emulator = GeminiEmulator(brain, grace=0).start()
    broken = []

    def ask() -> None:
        try:
            httpx.post(f"{emulator.url}{MODEL}:{action}", params={"key": "k"}, json=HELLO, timeout=60)
        except httpx.TransportError as error:
            broken.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    assert brain.started.wait(30)
    emulator.stop()
    asking.join(30)
    brain.go.set()
    assert len(broken) == 1
    assert caplog.records == []


def test_what_is_under_way_may_finish_in_the_time_of_grace(caplog):
    brain = Blocked()
    emulator = GeminiEmulator(brain, grace=60).start()
    answers = []
    asking = threading.Thread(
        target=lambda: answers.append(
            httpx.post(f"{emulator.url}{MODEL}:generateContent?key=k", json=HELLO, timeout=60)
        )
    )
    asking.start()
    assert brain.started.wait(30)
    stopping = threading.Thread(target=emulator.stop)
    stopping.start()
    brain.go.set()
    stopping.join(60)
    asking.join(60)
    assert [answer.status_code for answer in answers] == [200]
    assert caplog.records == []


def test_a_client_that_does_not_read_is_not_waited_for():
    emulator = GeminiEmulator(ScriptedBrain(["words " * 4_000_000]), grace=0).start()
    host, port = emulator.url.removeprefix("http://").split(":")
    body = json.dumps(HELLO).encode()
    head = (
        f"POST {MODEL}:generateContent?key=k HTTP/1.1\r\nhost: {host}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode() + body)
        assert connection.recv(1) == b"H"  # the rest is more than the buffers on the way take
        emulator.stop()


def test_a_second_interrupt_ends_the_time_of_grace():
    program = (
        "import httpx, os, signal, socket, threading\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a background job ignores it
        "from langchain_codeexec.emulator import GeminiEmulator\n"
        "class Stuck:\n"
        "    def respond(self, prompt):\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        try:\n"
        "            while True:\n"  # until the first is heeded: nothing listens any more
        "                socket.create_connection(place).close()\n"
        "        except OSError:\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "        threading.Event().wait()\n"
        "        yield\n"
        "def ask(url):\n"
        "    global place\n"
        "    place = httpx.URL(url).host, httpx.URL(url).port\n"
        "    try:\n"
        f"        httpx.post(url + '{MODEL}:generateContent?key=k', json={json.dumps(HELLO)}, timeout=60)\n"
        "    except httpx.TransportError:\n"
        "        print('cut', flush=True)\n"
        "try:\n"
        "    GeminiEmulator(Stuck(), grace=600).serve(lambda url: threading.Thread(target=ask, args=[url]).start())\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
    )
    run = run_python(program)
    assert run.returncode == 0, run.stderr
    assert "cut" in run.stdout  # two threads print, perhaps on one line
    assert "interrupted" in run.stdout


def test_a_brain_that_never_ends_does_not_keep_the_interpreter():
    program = (
        "import httpx, threading\n"
        "from langchain_codeexec.emulator import GeminiEmulator\n"
        "class Stuck:\n"
        "    started = threading.Event()\n"
        "    def respond(self, prompt):\n"
        "        self.started.set()\n"
        "        threading.Event().wait()\n"
        "        yield\n"
        "def ask():\n"
        "    try:\n"
        f"        httpx.post(e.url + '{MODEL}:generateContent?key=k', json={json.dumps(HELLO)}, timeout=60)\n"
        "    except httpx.TransportError:\n"
        "        print('cut')\n"
        "with GeminiEmulator(Stuck(), grace=0) as e:\n"
        "    threading.Thread(target=ask).start()\n"
        "    assert Stuck.started.wait(30)\n"
    )
    run = run_python(program, "-W", "error")
    assert run.stdout.split() == ["cut"], run.stderr
    assert run.stderr == ""


def test_a_body_that_says_it_is_too_large_is_not_read():
    with GeminiEmulator(ScriptedBrain([]), max_body_bytes=100) as emulator:
        url = f"{emulator.url}{MODEL}:generateContent?key=k"
        declared = httpx.post(url, content=b"x" * 101)
        streamed = httpx.post(url, content=iter([b"x" * 60] * 2))
    for response in (declared, streamed):
        assert response.status_code == 400
        assert "exceeds the limit: 100 bytes" in response.text
