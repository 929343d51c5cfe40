"""The tool by itself: what it gives, keeps, tells and does when something fails."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import ToolMessage
from langchain_core.tools import ToolException
from langchain_tests.integration_tests import ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from langchain_codeexec import ChatGeminiCodeExecution, CodeExecution, CodeExecutionTool, code_executions
from langchain_codeexec.emulator import EmulatedError, GeminiEmulator, ScriptedBrain
from langchain_codeexec.errors import ConfigurationError, ExecutorError
from langchain_codeexec.executions import ExecutionResult, InlineFile, Outcome, files_from_artifact
from langchain_codeexec.executors import ProcessExecutor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_codeexec import ExecutionRequest

PLOT = b"\x89PNG plot"


class Canned:
    """An executor that gives a result, or fails, without running anything."""

    name = "canned"

    def __init__(self, result: ExecutionResult | Exception) -> None:
        self.result = result
        self.requests: list[ExecutionRequest] = []

    def run(self, request: ExecutionRequest) -> ExecutionResult:
        self.requests.append(request)
        if isinstance(self.result, Exception):
            raise self.result
        return self.result

    async def arun(self, request: ExecutionRequest) -> ExecutionResult:
        return self.run(request)

    def session(self) -> Any:
        raise NotImplementedError


class TestUnitWithExecutor(ToolsUnitTests):
    @property
    def tool_constructor(self) -> type[CodeExecutionTool]:
        return CodeExecutionTool

    @property
    def tool_constructor_params(self) -> dict[str, Any]:
        return {"executor": ProcessExecutor()}

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"code": "print(6 * 7)"}


class TestIntegrationWithExecutor(ToolsIntegrationTests):
    @property
    def tool_constructor(self) -> CodeExecutionTool:
        return PythonTool(ProcessExecutor())

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"code": "print(6 * 7)"}


class TestUnitWithGemini(ToolsUnitTests):
    @property
    def tool_constructor(self) -> type[CodeExecutionTool]:
        return CodeExecutionTool

    @property
    def tool_constructor_params(self) -> dict[str, Any]:
        return {"model": "gemini-3-flash-preview", "api_key": "any", "vertexai": False}

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"task": "What is the sum of the first 10 positive integers?"}


class TestIntegrationWithGemini(ToolsIntegrationTests):
    @pytest.fixture(autouse=True)
    def _service(self, rules: GeminiEmulator) -> None:
        self.url = rules.url

    @property
    def tool_constructor(self) -> type[CodeExecutionTool]:
        return CodeExecutionTool

    @property
    def tool_constructor_params(self) -> dict[str, Any]:
        settings = {"model": "gemini-2.5-flash", "api_key": "any", "vertexai": False}
        return {**settings, "base_url": self.url}

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"task": "What is the mean of the column price?", "data": "name,price\na,3\nb,5\n"}


@pytest.fixture(scope="module")
def rules() -> Iterator[GeminiEmulator]:
    with GeminiEmulator() as emulator:
        yield emulator


def called(tool: CodeExecutionTool, **args: Any) -> ToolMessage:
    message = tool.invoke({"type": "tool_call", "name": tool.name, "id": "call-1", "args": args})
    assert isinstance(message, ToolMessage)
    return message


async def acalled(tool: CodeExecutionTool, **args: Any) -> ToolMessage:
    return await tool.ainvoke({"type": "tool_call", "name": tool.name, "id": "call-1", "args": args})


def gemini(emulator: GeminiEmulator, **settings: Any) -> ChatGeminiCodeExecution:
    defaults = {"model": "gemini-3-flash-preview", "vertexai": False, "api_key": "any", "max_retries": 0}
    return ChatGeminiCodeExecution(**{**defaults, "base_url": emulator.url, **settings})


# -- what it gives -----------------------------------------------------------------------------------------


async def test_gemini_answers_with_text_and_runs(rules: GeminiEmulator) -> None:
    tool = CodeExecutionTool(gemini(rules))
    task = "What is the sum of the first 50 prime numbers?"
    for message in (called(tool, task=task), await acalled(tool, task=task)):
        assert message.status == "success"
        assert "The sum of the first 50 prime numbers is 5117." in message.text
        assert "The code printed:\ntotal = 5117" in message.text
        [run] = code_executions(message)
        assert (run.outcome, run.output, run.origin) == (Outcome.OK, "total = 5117\n", "gemini")


def test_data_reaches_the_model(rules: GeminiEmulator) -> None:
    tool = CodeExecutionTool(gemini(rules))
    message = called(tool, task="What is the mean of the column price?", data="name,price\na,3\nb,5\n")
    assert "The mean of price is 4." in message.text


@pytest.mark.parametrize(
    ("result", "content"),
    [
        (ExecutionResult(Outcome.OK, "42\n"), "The code printed:\n42"),
        (ExecutionResult(Outcome.OK), "The code printed:\n(nothing)"),
        (
            ExecutionResult(Outcome.OK, "1\n", "careful\n"),
            "The code printed:\n1\n\nIt wrote to stderr:\ncareful",
        ),
        (
            ExecutionResult(Outcome.OK, value="42", detail="more files were left than are brought back"),
            (
                "The code printed:\n(nothing)\n\nThe value of its last expression:\n42\n\n"
                "Note: more files were left than are brought back."
            ),
        ),
        (
            ExecutionResult(Outcome.OK, "1\n", tried=("a: quota", "b: deadline"), executor="c"),
            "The code printed:\n1\n\nRun by c; tried before: a: quota, b: deadline.",
        ),
        (ExecutionResult(Outcome.FAILED, "", "NameError: x\n"), "The code failed:\nNameError: x"),
        (
            ExecutionResult(Outcome.DEADLINE_EXCEEDED, detail="killed at 30 s"),
            "The code ran out of time:\nkilled at 30 s",
        ),
        (ExecutionResult(Outcome.UNSPECIFIED), "The code ended in an unknown way:\n(nothing)"),
        (
            ExecutionResult(
                Outcome.OK,
                "done\n",
                images=(InlineFile(PLOT, "image/png"),),
                files=(InlineFile(b"a,b", "text/csv", "t.csv"),),
            ),
            (
                "The code printed:\ndone\n\nImages drawn and kept beside this text: 1.\n\n"
                "Files written and kept beside this text: t.csv."
            ),
        ),
        (
            ExecutionResult(Outcome.OK, "x" * 20_007),
            f"The code printed:\n{'x' * 20_000}\n[7 more characters were printed]",
        ),
    ],
)
async def test_content_says_what_came_of_the_code(result: ExecutionResult, content: str) -> None:
    tool = PythonTool(Canned(result))
    assert called(tool, code="pass").content == content
    assert (await acalled(tool, code="pass")).content == content


def test_code_given_as_plain_text_runs() -> None:
    assert PythonTool(ProcessExecutor()).invoke("print(6 * 7)") == "The code printed:\n42"


def test_a_failure_mended_by_the_model_is_kept_and_not_told() -> None:
    code = [
        {"executableCode": {"language": "PYTHON", "code": "1 / 0"}},
        {"executableCode": {"language": "PYTHON", "code": "print(7)"}},
        "It is 7.",
    ]
    with GeminiEmulator(ScriptedBrain([code])) as emulator:
        message = called(CodeExecutionTool(gemini(emulator)), task="What is it?")
    assert message.content == "It is 7.\n\nThe code printed:\n7"
    assert [run.outcome for run in code_executions(message)] == [Outcome.FAILED, Outcome.OK]


@pytest.mark.parametrize(
    ("step", "content"),
    [
        ("I think it is 7.", "I think it is 7.\n\nNo code was run for this answer."),
        (
            {"candidates": [{"content": {"parts": [{"text": "It"}]}, "finishReason": "MAX_TOKENS"}]},
            (
                "It\n\nThe answer was cut off at max_output_tokens; raise it, or lower the thinking budget. "
                "No code was run for this answer."
            ),
        ),
    ],
)
def test_content_says_what_an_answer_lacks(step: Any, content: str) -> None:
    with GeminiEmulator(ScriptedBrain([step])) as emulator:
        assert called(CodeExecutionTool(gemini(emulator)), task="What is it?").content == content


# -- what it keeps -----------------------------------------------------------------------------------------

ROUND_TRIPS = {
    "json": lambda message: ToolMessage.model_validate(json.loads(json.dumps(message.model_dump()))),
    "pickle": lambda message: pickle.loads(pickle.dumps(message)),
    "checkpoint": lambda message: (serde := JsonPlusSerializer(allowed_msgpack_modules=None)).loads_typed(
        serde.dumps_typed(message)
    ),
}


@pytest.mark.parametrize("round_trip", ROUND_TRIPS.values(), ids=ROUND_TRIPS)
def test_what_is_kept_survives(round_trip: Any) -> None:
    files = (InlineFile(b"a,b", "text/csv", "t.csv"),)
    result = ExecutionResult(Outcome.OK, "done\n", images=(InlineFile(PLOT, "image/png"),), files=files)
    message = round_trip(called(PythonTool(Canned(result)), code="draw()"))
    assert code_executions(message) == [
        CodeExecution(
            "draw()",
            outcome=Outcome.OK,
            output="done\n",
            images=(InlineFile(PLOT, "image/png"),),
            origin="canned",
        )
    ]
    assert files_from_artifact(message.artifact) == list(files)


@pytest.mark.parametrize(
    ("artifact", "count"),
    [
        (None, 0),
        ("text", 0),
        ({"executions": [{"code": "1"}]}, 0),
        ({"type": "code_executions"}, 0),
        ({"type": "code_executions", "executions": "no list"}, 0),
        ({"type": "code_executions", "executions": [None, {}, {"outcome": "OUTCOME_NEW", "images": [1]}]}, 2),
        ({"type": "code_executions", "executions": [{"images": [{"base64": "%"}, {"base64": 1}, {}]}]}, 1),
        (CodeExecution("1"), 1),
    ],
)
def test_malformed_artifacts_are_passed_over(artifact: Any, count: int) -> None:
    assert len(code_executions(ToolMessage("", tool_call_id="1", artifact=artifact))) == count


# -- what it does when something fails ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (EmulatedError(429), "This may pass"),
        (EmulatedError(503), "This may pass"),
        (EmulatedError(400, message="The input is too long."), "stated otherwise"),
        (EmulatedError(403), "Trying again will not help"),
    ],
)
async def test_service_errors_are_messages_the_agent_can_act_on(error: EmulatedError, said: str) -> None:
    with GeminiEmulator(ScriptedBrain(lambda prompt: error)) as emulator:
        tool = CodeExecutionTool(gemini(emulator))
        for message in (called(tool, task="x"), await acalled(tool, task="x")):
            assert message.status == "error"
            assert said in message.text


async def test_a_broken_sandbox_is_a_message() -> None:
    tool = PythonTool(Canned(ExecutorError("no interpreter")))
    for message in (called(tool, code="1"), await acalled(tool, code="1")):
        assert message.status == "error"
        assert message.content == (
            "The code was not run: no interpreter\nTrying again will not help: go on without it and say so."
        )


async def test_errors_can_be_left_to_the_caller() -> None:
    tool = PythonTool(Canned(ExecutorError("no interpreter")), handle_tool_error=False)
    with pytest.raises(ToolException, match="no interpreter"):
        called(tool, code="1")
    with pytest.raises(ToolException, match="no interpreter"):
        await acalled(tool, code="1")


# -- how it is made ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({}, "got none of them"),
        ({"llm": object(), "executor": object()}, "got llm and executor"),
        ({"executor": object(), "model": "gemini-3-pro"}, "got executor and settings of a model"),
    ],
)
def test_it_needs_exactly_one_place_to_run(settings: dict[str, Any], found: str) -> None:
    with pytest.raises(ConfigurationError, match=found):
        CodeExecutionTool(**settings)


def test_name_and_description_can_be_set() -> None:
    tool = CodeExecutionTool(
        executor=ProcessExecutor(), name="python", description="Runs.", return_direct=True
    )
    assert (tool.name, tool.description, tool.return_direct) == ("python", "Runs.", True)
    assert list(tool.args) == ["code"]


# -- what it tells while it runs ---------------------------------------------------------------------------


async def test_progress_is_a_custom_event(rules: GeminiEmulator) -> None:
    tool = CodeExecutionTool(gemini(rules))
    task = {"task": "What is the sum of the first 10 positive integers?"}
    events = [
        event["data"]
        async for event in tool.astream_events(task, version="v2")
        if event["event"] == "on_custom_event" and event["name"] == "code_execution_progress"
    ]
    assert [(event["tool"], event["step"]) for event in events] == [
        ("code_execution", "code"),
        ("code_execution", "result"),
    ]
    assert "55" in events[1]["output"]
