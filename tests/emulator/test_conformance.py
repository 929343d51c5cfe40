"""The conformance cases against the emulator, and what they say of a server that is not right."""

from __future__ import annotations

import json
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest

from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain
from langchain_codeexec.errors import ConfigurationError
from tests.conformance import Case, Place, Report, Turn, Verdict, load_cases, run_cases
from tests.conformance.__main__ import main
from tests.conformance.cases import PLACES
from tests.conformance.laws import LAWS
from tests.conformance.patterns import mismatches

CASES = load_cases()


@pytest.fixture(scope="module")
def emulator():
    with GeminiEmulator() as running:
        yield running


@pytest.fixture
def run(capsys):
    def command(emulator, *options):
        code = main(["--url", emulator.url, "--key", "any", "--project", "p", *options])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return command


@pytest.mark.parametrize("place", PLACES)
def test_the_emulator_passes_everything(emulator, place):
    endpoint, generation = place.split("/")
    prefix = {
        "developer": "/v1beta/models",
        "vertex": "/v1beta1/projects/p/locations/l/publishers/google/models",
    }
    model = {"2": "gemini-2.5-flash", "3": "gemini-3-flash-preview"}[generation]
    report = run_cases(CASES, [Place(place, prefix[endpoint], model, {"x-goog-api-key": "k"})], emulator.url)
    assert report.failed == (), report.table()
    assert len(report.verdicts) > 20


def test_the_cases_are_sound():
    assert len({case.name for case in CASES}) == len(CASES)
    for case in CASES:
        assert set(case.places) <= set(PLACES)
        assert all(law in LAWS for turn in case.turns for law in turn.laws)


def test_the_command_prints_a_table(emulator, run):
    code, table, dots = run(emulator, "--only", "^a text|^no cred.* Dev", "--endpoint", "developer")
    assert code == 0
    assert table.splitlines() == [
        "                                                 developer/2  developer/3",
        "a text is answered with a text                   pass         pass",
        "no credentials are refused by the Developer API  pass         pass",
        "",
        "4 of 4 passed",
    ]
    assert dots == "...."


def test_a_server_that_is_not_right_fails(run):
    with GeminiEmulator(
        ScriptedBrain(lambda prompt: {"usageMetadata": {"totalTokenCount": 7, "promptTokenCount": 1}})
    ) as wrong:
        code, table, dots = run(wrong, "--only", "code runs and", "--newer", "", "--endpoint", "vertex")
        assert (code, dots) == (1, "F")
        assert "code runs and its result is told  FAIL" in table
        assert "\nvertex/2: code runs and its result is told\n  " in table
        assert "candidates is missing, not a list of 1" in table
        assert "usage adds up: totalTokenCount is 7, but its sides are [1, 0, 0, 0]" in table
        code, text, dots = run(wrong, "--only", "code runs and", "--json", "--older", "")
        report = json.loads(text)
        assert (code, dots, report["failed"], report["passed"]) == (1, "", 2, 0)
        assert report["verdicts"][0]["place"] == "developer/3"


def test_a_report_for_build_servers(emulator, run, tmp_path):
    path = tmp_path / "report.xml"
    assert run(emulator, "--only", "flag is", "--junit", str(path))[0] == 0
    suite = ET.fromstring(path.read_text(encoding="utf-8"))
    assert suite.attrib == {"name": "Gemini conformance", "tests": "2", "failures": "0"}
    assert [case.attrib["classname"] for case in suite] == ["vertex/3", "developer/2"]
    report = Report((Verdict("a", "developer/2"), Verdict("b", "vertex/3", ("one \x00<&\ud800", "two"))))
    (failure,) = ET.fromstring(report.as_junit()).iter("failure")
    assert (failure.attrib["message"], failure.text) == ("one \ufffd<&\ufffd", "one \ufffd<&\ufffd\ntwo")
    code, _, told = run(emulator, "--only", "flag is", "--junit", str(tmp_path / "no" / "report.xml"))
    assert code == 2
    assert "report.xml" in told


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("garbled", "the answer is no JSON"),
        ("503", "the status is 503, not 200"),
        ("cut", "RemoteProtocolError"),
        ("no_candidates", "candidates is missing"),
        ("empty", "candidates[0].content is missing"),
    ],
)
def test_what_goes_wrong_is_told(fault, told):
    cases = [
        Case(
            "a",
            [
                Turn(
                    {"contents": [{"parts": [{"text": "Hi"}]}]},
                    expect={"candidates": [{"content": {"$present": True}}]},
                )
            ]
            * 2,
        )
    ]
    with GeminiEmulator(ScriptedBrain(lambda prompt: "Hi."), faults=["none", fault]) as wrong:
        report = run_cases(
            cases,
            [Place("developer/2", "/v1beta/models", "gemini-2.5-flash", {"x-goog-api-key": "k"})],
            wrong.url,
        )
    assert report.table().startswith("   developer/2\na  FAIL\n\ndeveloper/2: a\n  turn 2: ")
    assert told in report.table()


@pytest.mark.parametrize(
    "options",
    [
        ["--url", "http://127.0.0.1:9"],
        ["--url", "ftp://127.0.0.1"],
        ["--url", "http://["],
        ["--url", "127.0.0.1:80"],
        ["--url", "http://127.0.0.1:9", "--only", "no such case"],
        ["--url", "http://127.0.0.1:9", "--only", "("],
        ["--url", "http://127.0.0.1:9", "--cases", "nowhere.yaml"],
    ],
)
def test_what_cannot_be_run_is_told(options, capsys):
    assert main(options) == 2
    assert options[1] in capsys.readouterr().err


def test_it_is_a_program(emulator):
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.conformance",
            "--url",
            emulator.url,
            "--token",
            "t",
            "--endpoint",
            "vertex",
            "--only",
            "counted",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.endswith("2 of 2 passed\n")


def test_own_cases(tmp_path, emulator, run):
    path = tmp_path / "own.yaml"
    path.write_text(
        "- {name: own, method: countTokens, request: {contents: [{role: user, parts: [{text: Hi}]}]}, expect: {totalTokens: 1}}"
    )
    assert run(emulator, "--cases", str(path))[0] == 0
    for broken in ("- {name: x, turns: [{}]}", "5", "- {request: {}}", "- ["):
        path.write_text(broken)
        with pytest.raises(ConfigurationError, match="holds no cases"):
            load_cases(path)


@pytest.mark.parametrize(
    ("value", "pattern", "good"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1}, {}, True),
        ([], {}, False),
        (True, 1, False),
        (1, 1, True),
        ([1, 2], [1, 2], True),
        ([1, 2], [1], False),
        ({}, {"a": {"$absent": True}}, True),
        ({"a": None}, {"a": {"$absent": True}}, False),
        ({"a": 0}, {"a": {"$present": True}}, True),
        ("Hello", {"$contains": "hell"}, True),
        (5, {"$contains": "5"}, False),
        ("Hello", {"$regex": "^H.*o$"}, True),
        ('{"a": 1}', {"$json": {"a": 1}}, True),
        ("{", {"$json": {}}, False),
        (None, {"$json": {}}, False),
        ([1, 2], {"$some": 2}, True),
        ([1, 2], {"$each": {"$above": 0}}, True),
        ([1, 2], {"$none": 2}, False),
        ([1, 2], {"$count": 2}, True),
        (1, {"$in": [1, 2]}, True),
        ("1", {"$above": 0}, False),
    ],
)
def test_patterns(value, pattern, good):
    problems = list(mismatches(value, pattern))
    assert (problems == []) is good
    assert all("is" in problem for problem in problems)


CODE = {"executableCode": {"code": "x", "id": "a"}, "thoughtSignature": "s"}
RESULT = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "id": "a"}}
BARE = {"executableCode": {"code": "x"}}
BARE_RESULT = {"codeExecutionResult": {"outcome": "OUTCOME_OK"}}
CALL = {"functionCall": {"name": "f"}}


@pytest.mark.parametrize(
    ("law", "parts", "generation", "told"),
    [
        ("results follow code", [CODE, RESULT, CODE, RESULT], 3, []),
        ("results follow code", [BARE, BARE_RESULT], 2, []),
        ("results follow code", [CODE, CODE, RESULT], 3, ["follows another"]),
        ("results follow code", [RESULT], 3, ["no code before it"]),
        ("results follow code", [CODE], 3, ["the last code has no result"]),
        ("results follow code", [CODE, BARE_RESULT], 3, ["code has the id 'a'", "generation 3 has the id None"]),
        ("results follow code", [CODE, RESULT], 2, ["generation 2 has the id 'a'"]),
        ("signed", [CODE, {**CALL, "thoughtSignature": "s"}, CALL], 3, []),
        ("signed", [BARE, CALL], 3, ["executableCode without", "functionCall without"]),
        ("signed", [CODE], 2, ["executableCode with a"]),
    ],
)  # fmt: skip
def test_laws_of_parts(law, parts, generation, told):
    bodies = [{"candidates": [{"content": {"parts": [part]}}]} for part in parts]
    problems = list(LAWS[law](bodies, generation))
    assert len(problems) == len(told)
    assert all(text in problem for text, problem in zip(told, problems, strict=True))


@pytest.mark.parametrize(
    ("law", "bodies", "good"),
    [
        ("finished", [{"candidates": [{}]}, {"candidates": [{"finishReason": "STOP"}]}], True),
        ("finished", [{"candidates": [{"finishReason": "STOP"}]}] * 2, False),
        ("finished", [{}], False),
        ("one identity", [{"responseId": "a", "modelVersion": "m"}] * 2, True),
        ("one identity", [{"responseId": "a", "modelVersion": "m"}, {"responseId": "b", "modelVersion": "m"}], False),
        ("one identity", [{}], False),
    ],
)  # fmt: skip
def test_laws_of_bodies(law, bodies, good):
    assert (list(LAWS[law](bodies, 3)) == []) is good
