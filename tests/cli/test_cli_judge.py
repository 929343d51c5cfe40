"""`judge`: what is printed about a program, and with which exit code it ends."""

import json
import sys

import pytest

from langchain_codeexec.emulator import judging

PROGRAM = """
import os, urllib.request, urllib.error
url = os.environ["GOOGLE_GEMINI_BASE_URL"] + "/v1beta/models/gemini-2.5-flash:generateContent"
headers = {"x-goog-api-key": os.environ["GOOGLE_API_KEY"], "content-type": "application/json"}
for _ in range(TRIES):
    try:
        body = b'{"contents": [{"parts": [{"text": "Hi."}]}]}'
        answer = urllib.request.urlopen(urllib.request.Request(url, body, headers)).read().decode()
        assert "Hello." in answer, answer
        break
    except urllib.error.HTTPError as error:
        failure = error
else:
    raise failure
"""


@pytest.fixture(autouse=True)
def program(tmp_path, monkeypatch):
    """A program that asks one question, in the directory of the test."""
    monkeypatch.setattr(judging, "_CASES", [case for case in judging._CASES if case[1] == "503" or case[2]])
    (tmp_path / "agent.py").write_text(PROGRAM)
    (tmp_path / "script.yaml").write_text("- Hello.\n")


@pytest.mark.parametrize(("tries", "state"), [(1, "bad"), (2, "good")])
def test_a_program_is_judged(cli, tmp_path, tries, state):
    (tmp_path / "agent.py").write_text(PROGRAM.replace("TRIES", str(tries)))
    command = ["judge", "--script", "script.yaml", "--", sys.executable, "agent.py"]
    lines = cli(*command)
    first, second, *others = lines.stdout.splitlines()
    assert first == "good      succeeds without a fault: it does"
    assert second.startswith(f"{state:8}  asks again after a 503: it ")
    assert len(others) == 7
    assert all(line.startswith("not seen  ") for line in others)
    report = cli("judge", "--json", *command[1:])
    assert lines.exit_code == report.exit_code == (1 if state == "bad" else 0)
    assert [verdict["state"] for verdict in json.loads(report.stdout)] == ["good", state, *["not seen"] * 7]


def test_what_cannot_be_judged_is_named(refusal):
    assert "'no-such-program' cannot be run" in refusal("judge", "--", "no-such-program")
    assert "sent no request" in refusal("judge", "--", sys.executable, "-c", "")
    assert "missing.yaml" in refusal("judge", "--script", "missing.yaml", "--", sys.executable, "agent.py")
    assert "'PROGRAM...'" in refusal("judge")
