"""Starting, stopping, and what is left behind."""

from __future__ import annotations

import gc
import io
import socket
import ssl
import threading

import httpx
import pytest
from google import genai

from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain
from langchain_codeexec.errors import ConfigurationError
from tests.emulator.conftest import run_python

CODE = {"executableCode": {"code": "print(6 * 7)"}}
HELLO = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
PATH = "/v1beta/models/gemini-2.5-flash:generateContent?key=k"


def test_answers_from_the_moment_it_started_and_leaves_nothing_behind():
    before = set(threading.enumerate())
    with GeminiEmulator(ScriptedBrain(["Hi."])) as emulator:
        url = emulator.url
        assert httpx.post(url + PATH, json=HELLO).status_code == 200
    assert set(threading.enumerate()) <= before
    with pytest.raises(httpx.ConnectError):
        httpx.post(url + PATH, json=HELLO)


async def test_async_context_manager():
    async with GeminiEmulator(ScriptedBrain(["Hi."])) as emulator, httpx.AsyncClient() as client:
        assert (await client.post(emulator.url + PATH, json=HELLO)).status_code == 200
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError):
            await client.post(emulator.url + PATH, json=HELLO)


def test_start_and_stop_may_be_repeated_and_it_may_start_again():
    emulator = GeminiEmulator(ScriptedBrain(["One.", "Two."]))
    emulator.stop()
    url = emulator.start().url
    assert emulator.start().url == url
    assert httpx.post(url + PATH, json=HELLO).status_code == 200
    emulator.stop()
    emulator.stop()
    with emulator:
        assert httpx.post(emulator.url + PATH, json=HELLO).status_code == 200


def test_several_at_once_do_not_mix():
    with GeminiEmulator(ScriptedBrain(["A"])) as a, GeminiEmulator(ScriptedBrain(["B"])) as b:
        texts = [
            httpx.post(e.url + PATH, json=HELLO).json()["candidates"][0]["content"]["parts"][0]["text"]
            for e in (b, a)
        ]
    assert texts == ["B", "A"]
    assert len(a.requests) == len(b.requests) == 1


def test_no_url_before_the_start():
    with pytest.raises(ConfigurationError, match="before it is started"):
        _ = GeminiEmulator(ScriptedBrain([])).url


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com", "::", ""])
def test_refuses_to_be_reached_from_elsewhere(host):
    with pytest.raises(ConfigurationError, match="allow_remote"):
        GeminiEmulator(ScriptedBrain([]), host=host)


@pytest.mark.parametrize(
    ("host", "allow_remote", "prefix"),
    [
        ("127.0.0.1", False, "http://127.0.0.1:"),
        ("localhost", False, "http://"),
        ("0.0.0.0", True, "http://127.0.0.1:"),
    ],
)
def test_listens_where_it_is_told(host, allow_remote, prefix):
    with GeminiEmulator(ScriptedBrain(["Hi."]), host=host, allow_remote=allow_remote) as emulator:
        assert emulator.url.startswith(prefix)
        assert httpx.post(emulator.url + PATH, json=HELLO).status_code == 200


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
def test_ipv6_loopback():
    try:
        emulator = GeminiEmulator(ScriptedBrain(["Hi."]), host="::1").start()
    except OSError:
        pytest.skip("no IPv6 loopback here")
    try:
        assert emulator.url.startswith("http://[::1]:")
        assert httpx.post(emulator.url + PATH, json=HELLO).status_code == 200
    finally:
        emulator.stop()


def test_a_taken_port_is_an_error_and_not_a_hang():
    with GeminiEmulator(ScriptedBrain([])) as first:
        port = int(first.url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            GeminiEmulator(ScriptedBrain([]), port=port).start()


def test_stop_ends_a_connection_that_is_kept_alive():
    emulator = GeminiEmulator(ScriptedBrain(["Hi."])).start()
    with httpx.Client() as client:
        assert client.post(emulator.url + PATH, json=HELLO).status_code == 200
        emulator.stop()


def test_serve_runs_in_the_calling_thread_until_interrupted():
    program = (
        "import httpx, os, signal, threading\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a background job ignores it
        "from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain\n"
        "def ask(url):\n"
        f"    print(httpx.post(url + {PATH!r}, json={HELLO!r}).status_code, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "def announce(url):\n"
        "    threading.Thread(target=ask, args=[url]).start()\n"
        "try:\n"
        "    GeminiEmulator(ScriptedBrain(['Hi.'])).serve(announce)\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
    )
    run = run_python(program, "-W", "error")
    assert (run.returncode, run.stdout.split()) == (0, ["200", "interrupted"]), run.stderr


def test_importing_the_room_imports_no_server():
    program = (
        "import sys\n"
        "from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain, EmulatedError\n"
        "sys.exit(any(name in sys.modules for name in ('starlette', 'uvicorn')))\n"
    )
    assert run_python(program).returncode == 0


@pytest.mark.parametrize("library", ["starlette", "uvicorn"])
def test_a_missing_library_is_named_with_its_extra(library):
    program = (
        "import sys\n"
        f"sys.modules[{library!r}] = None\n"
        "from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain\n"
        "from langchain_codeexec.errors import MissingDependencyError\n"
        "try:\n"
        "    GeminiEmulator(ScriptedBrain([]))\n"
        "except MissingDependencyError as error:\n"
        "    print(error.library, error.extra)\n"
    )
    run = run_python(program)
    assert run.stdout.split() == [library, "emulator"], run.stderr


@pytest.mark.parametrize("options", [{}, {"allow_unsafe_code": False}])
def test_without_a_sandbox_code_is_refused(no_sandbox, options):
    with GeminiEmulator(ScriptedBrain([[CODE], ["No code."]]), **options) as emulator:
        refused, answered = (httpx.post(emulator.url + PATH, json=HELLO) for _ in range(2))
    assert (refused.status_code, refused.json()["error"]["status"]) == (400, "FAILED_PRECONDITION")
    for words in (
        "no namespaces here",
        "doctor --sandbox",
        "allow_unsafe_code=True",
        "CODEEXEC_ALLOW_UNSAFE=1",
    ):
        assert words in refused.json()["error"]["message"]
    assert answered.status_code == 200


def test_without_a_sandbox_code_runs_where_it_is_allowed(no_sandbox):
    with GeminiEmulator(ScriptedBrain([[CODE]]), allow_unsafe_code=True) as emulator:
        parts = httpx.post(emulator.url + PATH, json=HELLO).json()["candidates"][0]["content"]["parts"]
    assert parts[1]["codeExecutionResult"] == {"outcome": "OUTCOME_OK", "output": "42\n"}


def test_https_with_a_certificate_of_its_own(monkeypatch):
    emulator = GeminiEmulator(ScriptedBrain(lambda prompt: "Fine."), tls=True)
    certificate = emulator.certificate
    assert [path.name for path in certificate.parent.iterdir()] == ["certificate.pem"]  # and no key
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    strict = ssl.create_default_context(cafile=certificate)
    strict.verify_flags |= ssl.VERIFY_X509_STRICT
    for _ in range(2):  # started again it serves again
        with emulator:
            assert emulator.url.startswith("https://127.0.0.1:")
            assert httpx.get(f"{emulator.url}/v1beta/models?key=k", verify=strict).status_code == 200
            with genai.Client(api_key="k", http_options={"base_url": emulator.url}) as client:
                stream = client.models.generate_content_stream(model="gemini-2.5-flash", contents="Hi")
                assert "".join(chunk.text or "" for chunk in stream) == "Fine."
                file = client.files.upload(file=io.BytesIO(b"x"), config={"mime_type": "text/plain"})
                assert file.size_bytes == 1
    with pytest.raises(ConfigurationError, match="serves plain HTTP"):
        GeminiEmulator().certificate  # noqa: B018 -- it raises
    del emulator
    gc.collect()
    assert not certificate.exists()
