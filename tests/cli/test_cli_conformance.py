"""`conformance`: the cases against a server, and how the command says what came of them."""

from __future__ import annotations

import inspect
import json
from dataclasses import fields

import pytest

from langchain_codeexec.cli.conformance import conformance
from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain
from langchain_codeexec.emulator.conformance import Selection


@pytest.fixture(scope="module")
def emulator():
    with GeminiEmulator() as running:
        yield running


def test_all_that_can_be_selected_is_an_option():
    options = inspect.signature(conformance).parameters.keys() - {"as_json", "debug"}
    assert options == {field.name for field in fields(Selection)}


def test_a_server_that_is_right_passes(cli, emulator, tmp_path):
    options = ("--key", "any", "--only", "^a text", "--endpoint", "developer", "--junit", "report.xml")
    result = cli("conformance", emulator.url, *options)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.endswith("\n2 of 2 passed\n")
    assert "developer/2  developer/3" in result.stdout
    assert 'tests="2" failures="0"' in (tmp_path / "report.xml").read_text()


def test_a_server_that_is_not_right_fails(cli):
    with GeminiEmulator(ScriptedBrain(lambda prompt: {"candidates": [{"finishReason": "\x1b[2J"}]})) as wrong:
        options = ("conformance", wrong.url, "--key", "any", "--only", "^a text", "--newer", "")
        shown, written = cli(*options), cli(*options, "--json")
    assert (shown.exit_code, written.exit_code) == (1, 1)
    assert "FAIL" in shown.stdout
    assert "\x1b" not in shown.stdout
    assert json.loads(written.stdout)["failed"] == 2


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["http://127.0.0.1:9"], "the server cannot be reached"),
        (["localhost"], "the server's URL is no http or https URL"),
        (["http://127.0.0.1:9", "--only", "("], "'(' is no regular expression"),
        (["http://127.0.0.1:9", "--only", "no such case"], "no case has a name like"),
        (["http://127.0.0.1:9", "--newer", "", "--older", ""], "no case is left"),
        (["http://127.0.0.1:9", "--cases", "missing.yaml"], "missing.yaml holds no cases"),
        (["http://127.0.0.1:9", "--endpoint", "moon"], "'--endpoint'"),
        ([], "Missing argument"),
    ],
)
def test_what_cannot_be_run_is_told(cli, options, told):
    result = cli("conformance", *options)
    assert result.exit_code == 2
    assert told in " ".join(result.stderr.split())
