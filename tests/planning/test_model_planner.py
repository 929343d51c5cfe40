"""A model that chooses, and what happens when it does not."""

import json
from typing import Any

import pytest
from langchain_core.language_models import FakeListChatModel
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import RunnableLambda

from langchain_codeexec import ChatGeminiCodeExecution
from langchain_codeexec.emulator import EmulatedError
from langchain_codeexec.errors import GeminiTimeoutError
from langchain_codeexec.planning import ModelPlanner, Plan
from tests.calls import ainvoked, astreamed, invoked, streamed
from tests.faults.servers import HANG, raw_server
from tests.services import OLD


class Chooser(BaseChatModel):
    """Gives the answers it was made with, as structured output or by raising them."""

    answer: Any = None
    prompts: list[Any] = []  # noqa: RUF012 -- pydantic copies it

    @property
    def _llm_type(self):
        return "chooser"

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        return ChatResult(generations=[ChatGeneration(message=AIMessage("unused"))])

    def with_structured_output(self, schema, **kwargs):
        def give(prompt):
            self.prompts.append(prompt)
            if isinstance(self.answer, Exception):
                raise self.answer
            return schema(**self.answer) if isinstance(self.answer, Made) else self.answer

        return RunnableLambda(give)


class Made(dict):
    """An answer that is given as an object of the schema."""


@pytest.mark.parametrize(
    ("answer", "code_execution", "functions"),
    [
        (Made(code_execution=True, reason="a sum"), True, ()),
        (Made(code_execution=False, functions=["get_weather"], reason="a sum"), False, ("get_weather",)),
        (Made(code_execution=False, functions=["get_weather"] * 2, reason="a sum"), False, ("get_weather",)),
        ({"code_execution": False, "reason": "a sum", "confidence": 1}, False, ()),
        ({"code_execution": True, "functions": ["get_weather"], "reason": "a sum"}, True, ("get_weather",)),
    ],
)
async def test_the_model_chooses(request_for, answer, code_execution, functions):
    request = request_for("hello", way="delegated")
    chooser = ModelPlanner(Chooser(answer=answer))
    expected = Plan(code_execution, functions, "delegated", "the model chose: a sum")
    assert chooser.plan(request) == expected
    assert await chooser.aplan(request) == expected


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (ConnectionError("no route"), "no route"),
        (RuntimeError(), "RuntimeError"),
        (None, "no structured answer"),
        ("code", "malformed"),
        ({"functions": []}, "code_execution: Field required"),
        ({"code_execution": "perhaps"}, "code_execution: "),
        ({"code_execution": False, "functions": "get_weather"}, "functions: "),
        ({"code_execution": False, "functions": ["get_wether"]}, "unknown function 'get_wether'"),
        ({"code_execution": True, "functions": ["get_weather"]}, "only one can go"),
    ],
)
async def test_everything_is_offered_where_the_model_fails(request_for, answer, why):
    planner, request = ModelPlanner(Chooser(answer=answer)), request_for("hello", way="one_sided")
    plan = planner.plan(request)
    assert (plan.code_execution, plan.functions) == (True, request.function_names)
    assert "the planning model failed: " in plan.reason
    assert why in plan.reason
    assert await planner.aplan(request) == plan


def test_a_model_without_structured_output_withholds_nothing(request_for):
    planner = ModelPlanner(FakeListChatModel(responses=["no structured output here"]))
    request = request_for("What is the weather in Rome?")
    assert planner.plan(request).functions == request.function_names
    assert repr(planner) == "ModelPlanner(FakeListChatModel)"


FAILED_RUN = AIMessage(
    [
        {"type": "server_tool_call", "name": "code_interpreter", "id": "r", "args": {"code": "1/0"}},
        {
            "type": "server_tool_result",
            "tool_call_id": "r",
            "status": "error",
            "output": "ZeroDivisionError",
            "extras": {"outcome": "OUTCOME_FAILED"},
        },
    ],
    response_metadata={"output_version": "v1"},
)


def test_the_prompt_shows_declarations_and_the_end_of_the_conversation(request_for):
    llm = Chooser(answer={"code_execution": True})
    messages = [
        "This is too long ago.",
        *["Filler."] * 4,
        HumanMessage(
            [
                {"type": "text", "text": "Sum " + "x" * 5000 + " up"},
                {"type": "file", "mime_type": "text/csv", "base64": "YQ=="},
            ]
        ),
        AIMessage("", tool_calls=[{"name": "get_weather", "args": {"city": "Rome"}, "id": "1"}]),
        ToolMessage("12 degrees", tool_call_id="1"),
        FAILED_RUN,
        "What now?",
    ]
    plan = ModelPlanner(llm).plan(request_for(*messages, way="one_sided"))
    assert plan.reason == "the model chose so"
    rule, prompt = (message.text for message in llm.prompts[0])
    assert "never both" in rule
    for line in (
        "- get_weather(city): Get the current weather in a city.",
        "ai: [calls get_weather",
        "Rome",
        "human: [attached file]",
        "tool: 12 degrees",
        "[ran code: 1/0 -> OUTCOME_FAILED: ZeroDivisionError]",
        "human: What now?",
    ):
        assert line in prompt
    assert "too long ago" not in prompt
    assert len(prompt) < 5000


def test_the_prompt_tells_where_both_sides_can_be_had(request_for):
    llm = Chooser(answer={"code_execution": True})
    ModelPlanner(llm).plan(request_for("hello", way="native"))
    assert "Choose both only if" in llm.prompts[0][0].text


async def test_with_gemini_as_the_chooser(gemini, request_for):
    choice = {"code_execution": False, "functions": ["get_weather"], "reason": "weather is asked for"}
    gemini.says(json.dumps(choice), "no JSON at all", EmulatedError(400, message="no"), json.dumps(choice))
    llm = gemini.chat(model=OLD, code_execution=False)
    chooser, request = ModelPlanner(llm), request_for("What is the weather in Rome?")
    reasons = [chooser.plan(request).reason for _ in range(3)]
    assert reasons[0] == "the model chose: weather is asked for"
    assert all("planning model failed" in reason for reason in reasons[1:])
    assert (await chooser.aplan(request)).functions == ("get_weather",)
    await llm.aclose()


@pytest.mark.parametrize("ask", [invoked, streamed, ainvoked, astreamed])
def test_the_deadline_of_a_call_bounds_its_planner(ask):
    with raw_server((HANG,)) as silent:
        chooser = ChatGeminiCodeExecution(model=OLD, api_key="k", base_url=silent.url)
        llm = ChatGeminiCodeExecution(
            model=OLD, api_key="k", base_url=silent.url, planner=ModelPlanner(chooser), deadline=0.2
        )
        with pytest.raises(GeminiTimeoutError, match="planner: allow more with deadline="):
            ask(llm.bind_tools([get_weather]))


def get_weather(city: str) -> str:
    """Get the weather."""
    return city
