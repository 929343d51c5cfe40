"""The command line as a process of its own: its entry point, signals and terminals."""

import os
import re
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

FULL = Path("/dev/full")
RUN = [sys.executable, "-m", "langchain_codeexec"]


@contextmanager
def started(*args: str, **settings: object) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([*RUN, *args], text=True, **settings) as process:
        try:
            yield process
        finally:
            process.kill()


def test_ask_answers_also_at_a_terminal_that_knows_only_ascii(tmp_path: Path) -> None:
    command, environment = [*RUN, "ask", "What is 6 * 7?"], {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True, env=environment)
    assert "result = 42\n" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize("library", ["typer", "rich"])
def test_without_its_libraries_it_says_how_to_install_them(library: str) -> None:
    program = f"import sys; sys.modules[{library!r}] = None; from langchain_codeexec.__main__ import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"needs {library}, which is not installed" in done.stderr
    assert "pip install 'langchain-codeexec[cli]'" in done.stderr


def test_an_import_error_of_another_kind_is_not_hidden() -> None:
    program = "import sys; sys.modules['json'] = None; from langchain_codeexec.__main__ import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_help_imports_neither_messages_nor_a_server() -> None:
    program = (
        "import sys; from langchain_codeexec.cli.app import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        "print({'httpx', 'langchain_core.messages', 'langsmith', 'starlette', 'uvicorn'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("set()\n")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [(("ask", "-"), 2, "there is nothing in it to answer"), (("chat",), 0, "Offline.")],
)
def test_without_an_input_there_is_nothing_to_answer(arguments, code, message) -> None:
    with started(*arguments, stderr=subprocess.PIPE, preexec_fn=lambda: os.close(0)) as process:
        stderr = process.communicate()[1]
    assert process.returncode == code
    assert message in stderr
    assert "Traceback" not in stderr


def test_serve_answers_until_interrupted() -> None:
    with started("serve", "--port", "0", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        announced = process.stdout.readline()
        url = re.search(r"http://127\.0\.0\.1:\d+", announced)
        assert url, announced
        body = {
            "contents": [{"parts": [{"text": "What is the sum of the first 50 primes?"}]}],
            "tools": [{"codeExecution": {}}],
        }
        path = "/v1beta/models/gemini-3-flash-preview:generateContent"
        answer = httpx.post(url[0] + path, json=body, headers={"x-goog-api-key": "any"}, timeout=60)
        assert "5117" in answer.json()["candidates"][0]["content"]["parts"][-1]["text"]
        process.send_signal(signal.SIGINT)
        hints, stopped = process.stdout.read(), process.stderr.read()
        assert process.wait(timeout=60) == 0
    assert stopped == "Stopped.\n"
    assert "which is no language model" in hints
    assert f"{url[0]}/__emulator__/\n" in hints
    assert f'genai.Client(api_key="any", http_options={{"base_url": "{url[0]}"}})' in hints
    assert f"  {url[0]}{path}\n" in hints
    assert f'base_url="{url[0]}",' in hints


def test_serve_names_a_port_in_use(refusal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        stderr = refusal("serve", "--port", str(port))
    assert f"cannot listen on 127.0.0.1, port {port}: Address already in use" in stderr
    assert "--port" in stderr


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX's")
def test_at_a_terminal_it_is_coloured_and_an_interrupt_ends_only_the_answer(gemini, tmp_path: Path) -> None:
    import pty

    program = {"executableCode": {"language": "PYTHON", "code": "import time; time.sleep(20)"}}
    gemini.says(["Let me see.", program], "Two.")
    screen, terminal = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | {
        "TERM": "xterm"
    }
    streams = {"stdin": terminal, "stdout": terminal, "stderr": terminal}
    with started("chat", "--live", **streams, cwd=tmp_path, env=environment) as process:
        os.close(terminal)
        _read(screen, until=b"you> ")
        os.write(screen, b"What time is it?\n")
        answer = _read(screen, until=b"sleep")  # the code is shown, and what shows it is loaded
        process.send_signal(signal.SIGINT)
        rest = _read(screen, until=b"you> ")
        os.write(screen, b"Are you there?\n")
        rest += _read(screen, until=b"you> ")
        # An interrupt between the prompt and the wait for a key is noticed by Python with the next one.
        rest += _read(screen, again=lambda: process.send_signal(signal.SIGINT))
        assert process.wait(timeout=60) == 0
    os.close(screen)
    assert b"\x1b[1;34mmodel" in answer
    assert b"this question is forgotten" in rest
    assert b"Two." in rest
    assert b"Traceback" not in rest
    assert len(gemini.body["contents"]) == 1


@pytest.mark.skipif(not FULL.exists(), reason="no full device here")
@pytest.mark.parametrize("command", [["--help"], ["ask", "What is 6 * 7?"], ["serve", "--port", "0"]])
def test_a_full_disk_is_a_sentence(tmp_path: Path, command: list[str]) -> None:
    with FULL.open("w") as full:
        done = subprocess.run(
            [*RUN, *command], stdout=full, stderr=subprocess.PIPE, text=True, cwd=tmp_path, check=False
        )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "The output cannot be written: No space left on device."
    assert "Traceback" not in done.stderr


def _read(screen: int, *, until: bytes | None = None, again: Callable[[], object] | None = None) -> bytes:
    """What a terminal shows up to some text, or until its last user has left; `again` is done until it shows some."""
    shown, looks = b"", 0
    while looks < 60:  # a second each
        if again and not shown:
            again()
        if not select.select([screen], [], [], 1)[0]:
            looks += 1
            continue
        try:
            piece = os.read(screen, 4096)
        except OSError:  # how Linux says that nobody is left
            piece = b""
        shown += piece
        if until is not None and until in shown:
            return shown
        if not piece:
            assert until is None, shown
            return shown
    raise AssertionError(shown)
