"""The pytest plugin, from within a test and from without."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from google.oauth2.credentials import Credentials

from langchain_codeexec import code_executions
from langchain_codeexec.emulator import EmulatedError, Fault, ScriptedBrain, When
from langchain_codeexec.errors import InvalidRequestError, ServerError

if TYPE_CHECKING:
    from pathlib import Path

CODE = {"executableCode": {"code": "print(6 * 7)"}}


def weather(city: str) -> str:
    """The weather in a city."""
    return f"Rain in {city}"


# -- within a test -------------------------------------------------------------------------------------


def test_rules_answer_by_default(gemini_code_model):
    answer = gemini_code_model.invoke("What is the sum of the first 50 prime numbers?")
    assert "5117" in answer.text


@pytest.mark.gemini_script([["Let me see.", CODE, "It is 42."]])
def test_a_script_answers(gemini_code_model, gemini_emulator):
    assert gemini_code_model.invoke("Six times seven?").text == "Let me see.It is 42."
    gemini_emulator.assert_requested(text="six TIMES", tools={"codeExecution"}, functions=[], times=1)
    (request,) = gemini_emulator.requests
    assert (request.model, request.status, request.streamed) == ("gemini-3-flash-preview", 200, False)
    assert request.contents == [{"role": "user", "parts": [{"text": "Six times seven?"}]}]


@pytest.mark.gemini_script(
    [
        When(text="weather", reply=[{"functionCall": {"name": "weather", "args": {"city": "Utrecht"}}}]),
        When(regex="Rain in Utrecht", reply="Take an umbrella."),
    ],
    model="gemini-3-pro-preview",
)
async def test_an_agent_loop(gemini_code_model, gemini_emulator):
    from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage

    model = gemini_code_model.bind_tools([weather])
    history = [SystemMessage("Be kind."), HumanMessage("How is the weather?")]
    first = await model.ainvoke(history)
    (call,) = first.tool_calls
    history += [first, ToolMessage(weather(**call["args"]), tool_call_id=call["id"])]
    chunks = [chunk.text async for chunk in model.astream(history)]
    assert "".join(chunks) == "Take an umbrella."
    first, last = gemini_emulator.requests
    assert first.functions == {"weather"}
    assert first.system == "Be kind."
    assert first.tools == {"codeExecution", "functionDeclarations"}
    assert not first.streamed
    assert last.streamed
    assert "Rain in Utrecht" in last.text
    gemini_emulator.assert_requested(times=2, model="gemini-3-pro-preview", functions=["weather"])
    with pytest.raises(AssertionError) as caught:
        gemini_emulator.assert_requested(text="snow", functions=["weather"])
    assert "0 requests fit {'text': 'snow', 'functions': ['weather']}, not at least one" in str(caught.value)
    assert "Received: gemini-3-pro-preview, tools" in str(caught.value)


@pytest.mark.gemini_script("- Þetta er svar.")
def test_a_script_in_yaml(gemini_code_model):
    assert gemini_code_model.invoke("Spurning").text == "Þetta er svar."


@pytest.mark.gemini_script(lambda prompt: prompt.model, model="gemini-2.5-pro", faults=["503"])
def test_a_function_and_faults(gemini_code_model, gemini_emulator):
    with pytest.raises(ServerError):
        gemini_code_model.invoke("Go")
    assert gemini_code_model.invoke("Go").text == "gemini-2.5-pro"
    gemini_emulator.faults.add(Fault("status"))
    with pytest.raises(ServerError):
        gemini_code_model.invoke("Go")


@pytest.mark.gemini_script(ScriptedBrain(lambda prompt: EmulatedError(503)))
class TestOwnSettings:
    @pytest.fixture
    def gemini_model_settings(self):
        return {
            "temperature": 0.5,
            "vertexai": True,
            "project": "p",
            "location": "global",
            "api_key": None,
            "credentials": Credentials("token"),
        }

    def test_settings_can_be_changed_and_a_brain_given(self, gemini_code_model, gemini_emulator):
        with pytest.raises(ServerError):
            gemini_code_model.invoke("Go")
        assert gemini_emulator.requests[0].body["generationConfig"]["temperature"] == 0.5
        assert gemini_emulator.requests[0].endpoint == "vertex"


def test_no_request_came(gemini_emulator):
    assert gemini_emulator.requests == ()
    gemini_emulator.assert_requested(times=0)
    with pytest.raises(AssertionError, match=r"No request came\."):
        gemini_emulator.assert_requested()


def test_a_request_that_was_refused_is_shown_as_it_came(gemini_emulator):
    import httpx

    url = f"{gemini_emulator.url}/v1beta/models/gemini-2.5-flash:generateContent?key=k"
    bodies = [
        {"contents": [{"parts": [{"text": "a"}]}], "generation_config": {"top_k": 1}},
        {"contents": [], "unknown": 1},
        {},
    ]
    for body in bodies:
        httpx.post(url, json=body)
    httpx.post(url, content=b"{")
    first, second, third, fourth = gemini_emulator.requests
    assert first.prompt.request["generationConfig"] == {"topK": 1}
    assert second.body == bodies[1]
    assert (third.text, third.contents, third.status) == ("", [], 400)
    assert (fourth.body, fourth.generates) == (None, False)


class Own:
    """A brain that is no script: it may write any code."""

    def respond(self, prompt):
        yield CODE


@pytest.mark.gemini_script([[CODE]])
def test_without_a_sandbox_the_code_of_a_script_runs(no_sandbox, gemini_code_model):
    (run,) = code_executions(gemini_code_model.invoke("Six times seven?"))
    assert run.output == "42\n"


@pytest.mark.gemini_script(Own())
def test_without_a_sandbox_the_code_of_another_brain_does_not(no_sandbox, gemini_code_model):
    with pytest.raises(InvalidRequestError, match=r"no namespaces here(.|\n)*CODEEXEC_ALLOW_UNSAFE=1"):
        gemini_code_model.invoke("Six times seven?")


# -- from without --------------------------------------------------------------------------------------


def run(directory: Path, source: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    (directory / "test_it.py").write_text(source, encoding="utf-8")
    (directory / "script.yaml").write_text("- From a file.\n", encoding="utf-8")
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "langchain_codeexec.pytest_plugin",
            "--strict-markers",
            "-q",
            "-p",
            "no:cacheprovider",
            *options,
        ],
        cwd=directory,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_script_that_is_not_used_up_is_an_error_unless_the_test_failed(tmp_path):
    source = (
        "import pytest\n"
        "pytestmark = pytest.mark.gemini_script(['Never asked for.'])\n"
        "def test_passes(gemini_emulator): pass\n"
        "def test_fails(gemini_emulator): assert False\n"
        "@pytest.mark.gemini_script('script.yaml')\n"
        "def test_file(gemini_code_model): assert gemini_code_model.invoke('Go').text == 'From a file.'\n"
        "@pytest.mark.gemini_script([], 2)\n"
        "def test_misused(gemini_emulator): pass\n"
        "@pytest.mark.gemini_script(modle='x')\n"
        "def test_misspelled(gemini_emulator): pass\n"
    )
    ran = run(tmp_path, source)
    assert "2 passed, 3 errors" in ran.stdout.replace("1 failed, ", ""), ran.stdout + ran.stderr
    assert "1 failed" in ran.stdout
    assert "Not used: 'Never asked for.'" in ran.stdout
    assert ran.stdout.count("@pytest.mark.gemini_script takes one script") >= 2


def test_the_marker_and_the_fixtures_say_what_they_are(tmp_path):
    assert "gemini_script(script, model=..., faults=...)" in run(tmp_path, "", "--markers").stdout
    assert "gemini_code_model" in run(tmp_path, "", "--fixtures").stdout


def test_without_the_extra_the_fixture_names_it(tmp_path):
    source = (
        "import sys\n"
        "sys.modules['starlette'] = None\n"
        "def test_unused(): pass\n"
        "def test_used(gemini_emulator): pass\n"
    )
    ran = run(tmp_path, source)
    assert "1 passed, 1 error" in ran.stdout, ran.stdout + ran.stderr
    assert "pip install 'langchain-codeexec[emulator]'" in ran.stdout


def test_unused_it_imports_next_to_nothing(tmp_path):
    source = (
        "import sys\n"
        "def test_unused():\n"
        "    heavy = ('langchain_core', 'pydantic', 'httpx', 'starlette', 'langchain_codeexec.emulator')\n"
        "    assert [name for name in heavy if name in sys.modules] == []\n"
    )
    ran = run(tmp_path, source)
    assert "1 passed" in ran.stdout, ran.stdout + ran.stderr
