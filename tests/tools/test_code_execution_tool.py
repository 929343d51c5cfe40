"""The tool that has Gemini do a task: what it gives, keeps, tells while it runs, and does when something fails."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from google.oauth2.credentials import Credentials
from langchain_core.messages import ToolMessage
from langchain_core.tools import ToolException
from langchain_tests.integration_tests import ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests

from langchain_codeexec import ChatGeminiCodeExecution, CodeExecution, CodeExecutionTool, code_executions
from langchain_codeexec.emulator import EmulatedError
from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.executions import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.services import Gemini

TASK = {"task": "What is the sum of the first 10 positive integers?"}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
CODE = [{"executableCode": {"language": "PYTHON", "code": "print(6 * 7)"}}, "It is 42."]


class TestUnit(ToolsUnitTests):
    @property
    def tool_constructor(self) -> type[CodeExecutionTool]:
        return CodeExecutionTool

    @property
    def tool_constructor_params(self) -> dict[str, Any]:
        return {"llm": ChatGeminiCodeExecution(model="gemini-3-flash-preview", api_key="any")}

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return TASK


class TestIntegration(ToolsIntegrationTests):
    @pytest.fixture(autouse=True)
    def _service(self, scenes: Gemini) -> None:
        self._llm = scenes.chat()

    @property
    def tool_constructor(self) -> type[CodeExecutionTool]:
        return CodeExecutionTool

    @property
    def tool_constructor_params(self) -> dict[str, Any]:
        return {"llm": self._llm}

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return TASK


async def replies(tool: CodeExecutionTool, **args: Any) -> list[ToolMessage]:
    """What a call gives, made with and without blocking."""
    call = {"type": "tool_call", "name": tool.name, "id": "1", "args": args}
    return [tool.invoke(call), await tool.ainvoke(call)]


async def test_gemini_answers_with_text_and_runs(scenes: Gemini) -> None:
    for message in await replies(CodeExecutionTool(scenes.chat()), **TASK):
        assert message.status == "success"
        assert "55" in message.text
        assert "The code printed:" in message.text
        [run] = code_executions(message)
        assert (run.outcome, run.origin) == (Outcome.OK, "gemini")
        assert run.output is not None
        assert "55" in run.output


def genai(url: str) -> Any:
    from langchain_google_genai import ChatGoogleGenerativeAI

    return ChatGoogleGenerativeAI(model="gemini-2.5-flash", api_key="any", base_url=url, max_retries=1)


def vertexai(url: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ChatVertexAI is deprecated
        from langchain_google_vertexai import ChatVertexAI

        where = {"project": "p", "location": "us-central1", "credentials": Credentials("token")}
        settings = {"api_endpoint": url, "api_transport": "rest", "max_retries": 0}
        return ChatVertexAI(model="gemini-2.5-flash", **where, **settings)


@pytest.fixture(params=["genai", "genai, bound", "vertexai"])
def google_llm(request: pytest.FixtureRequest, gemini: Gemini) -> Iterator[Any]:
    llm = (vertexai if request.param == "vertexai" else genai)(gemini.url)
    yield llm.bind(stop=["END"]) if "bound" in request.param else llm
    if request.param == "vertexai":
        llm.prediction_client.transport.close()
    else:
        llm.client.close()


@pytest.mark.filterwarnings(r"ignore:\s*Warning. Output may vary each run:UserWarning")
def test_a_model_of_googles_packages_gets_code_execution_bound(google_llm: Any, gemini: Gemini) -> None:
    gemini.says(["Let me see.\n\n", *CODE])
    message = CodeExecutionTool(google_llm).invoke(
        {"type": "tool_call", "name": "code_execution", "id": "1", "args": {"task": "6 * 7?"}}
    )
    assert [list(tool) for tool in gemini.body["tools"]] == [["codeExecution"]]
    assert message.text == "Let me see.\n\nIt is 42.\n\nThe code printed:\n42"
    assert [(run.code, run.output) for run in code_executions(message)] == [("print(6 * 7)", "42\n")]


@pytest.mark.filterwarnings(r"ignore:\s*Warning. Output may vary each run:UserWarning")
def test_what_a_model_of_googles_packages_draws_is_kept(google_llm: Any, gemini: Gemini) -> None:
    """They leave a result out that is empty, as that of code which only draws."""
    drawn = {"inlineData": {"mimeType": "image/png", "data": PIXEL}}
    gemini.says([CODE[0], {"codeExecutionResult": {"outcome": "OUTCOME_OK"}}, drawn, "Look."])
    message = CodeExecutionTool(google_llm).invoke(
        {"type": "tool_call", "name": "code_execution", "id": "1", "args": {"task": "Draw."}}
    )
    assert [len(run.images) for run in code_executions(message)] == [1]
    assert "What the code printed did not come along" in message.text
    assert "Images drawn and kept beside this text: 1." in message.text


def test_what_googles_packages_raise_is_a_message(google_llm: Any, gemini: Gemini) -> None:
    gemini.says(EmulatedError(403, message="No access."))
    message = CodeExecutionTool(google_llm).invoke(
        {"type": "tool_call", "name": "code_execution", "id": "1", "args": {"task": "6 * 7?"}}
    )
    assert message.status == "error"
    assert "No access." in message.text


async def test_task_and_data_reach_the_model(gemini: Gemini) -> None:
    gemini.says(CODE)
    await replies(
        CodeExecutionTool(gemini.chat()), task="What is the mean price?", data="name,price\na,3\nb,5\n"
    )
    for body in gemini.bodies:
        text = body["contents"][-1]["parts"][0]["text"]
        assert "What is the mean price?" in text
        assert text.endswith("name,price\na,3\nb,5\n")


CUT = {"candidates": [{"content": {"parts": [{"text": "It"}]}, "finishReason": "MAX_TOKENS"}]}


@pytest.mark.parametrize(
    ("step", "content", "outcomes"),
    [
        (CODE, "It is 42.\n\nThe code printed:\n42", [Outcome.OK]),
        (  # a failure that was mended is kept and not told
            [{"executableCode": {"language": "PYTHON", "code": "1 / 0"}}, *CODE],
            "It is 42.\n\nThe code printed:\n42",
            [Outcome.FAILED, Outcome.OK],
        ),
        ("I think it is 7.", "I think it is 7.\n\nNo code was run for this answer.", []),
        (
            CUT,
            (
                "It\n\nThe answer was cut off at max_output_tokens; raise it, or lower the thinking budget. "
                "No code was run for this answer."
            ),
            [],
        ),
    ],
    ids=["code", "mended", "no code", "cut"],
)
async def test_content_says_what_came_of_the_task(
    gemini: Gemini, step: Any, content: str, outcomes: list[Outcome]
) -> None:
    gemini.says(step)
    for message in await replies(CodeExecutionTool(gemini.chat()), task="What is it?"):
        assert message.content == content
        assert [run.outcome for run in code_executions(message)] == outcomes


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
    ("error", "advice"),
    [
        (EmulatedError(429), "This may pass"),
        (EmulatedError(503), "This may pass"),
        (EmulatedError(400, message="The input is too long."), "stated otherwise"),
        (EmulatedError(403), "Trying again will not help"),
    ],
)
async def test_service_errors_are_messages_the_agent_can_act_on(
    gemini: Gemini, error: EmulatedError, advice: str
) -> None:
    gemini.says(error)
    for message in await replies(CodeExecutionTool(gemini.chat()), task="x"):
        assert message.status == "error"
        assert advice in message.text
    with pytest.raises(ToolException, match="The code was not run"):
        CodeExecutionTool(gemini.chat(), handle_tool_error=False).invoke({"task": "x"})


# -- how it is made ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("llm", "settings", "named"),
    [
        (None, {}, "needs a chat model"),
        (object(), {}, "needs a chat model"),
        ("gemini-3-flash-preview", {}, r"ChatGeminiCodeExecution\(model=...\)"),
        (ChatGeminiCodeExecution(model="gemini-3-pro", api_key="any"), {"executor": 1}, "PythonTool"),
        (ChatGeminiCodeExecution(model="gemini-3-pro", api_key="any"), {"tiemout": 1}, "tiemout"),
    ],
)
def test_what_cannot_be_a_tool_is_refused(llm: Any, settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        CodeExecutionTool(llm, **settings)


def test_name_and_description_can_be_set(gemini: Gemini) -> None:
    tool = CodeExecutionTool(gemini.chat(), name="compute", description="Computes.", return_direct=True)
    assert (tool.name, tool.description, tool.return_direct) == ("compute", "Computes.", True)
    assert list(tool.args) == ["task", "data"]


def test_the_model_and_its_key_stay_out_of_its_dump(gemini: Gemini) -> None:
    tool = CodeExecutionTool(gemini.chat(api_key="secret"))
    assert "secret" not in repr(tool) + json.dumps(tool.model_dump(mode="json", exclude={"args_schema"}))


# -- what it tells while it runs ---------------------------------------------------------------------------


async def test_progress_is_a_custom_event_and_the_models_call_is_traced(gemini: Gemini) -> None:
    gemini.says(CODE)
    llm = gemini.chat()
    events = [
        event async for event in CodeExecutionTool(llm).astream_events({"task": "6 * 7?"}, version="v2")
    ]
    steps = [event["data"] for event in events if event.get("name") == "code_execution_progress"]
    about = {"type": "code_execution_progress", "tool": "code_execution"}
    assert steps == [
        {**about, "step": "code", "code": "print(6 * 7)", "language": "PYTHON"},
        {**about, "step": "result", "outcome": "OUTCOME_OK", "output": "42\n"},
    ]
    [call] = [event for event in events if event["event"] == "on_chat_model_end"]
    assert "nostream" in call["tags"]
