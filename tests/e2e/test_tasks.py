"""Agents finish everyday tasks by default, on models that take both sides and on models that refuse to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from google.oauth2.credentials import Credentials
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, ToolMessage
from langchain_google_genai import ChatGoogleGenerativeAI

from langchain_codeexec import ChatGeminiCodeExecution, CodeExecutionMiddleware, code_executions
from tests.e2e.tasks import TASKS, TOOLS, AbleModel, Task
from tests.services import NEW, OLD

if TYPE_CHECKING:
    from tests.services import Gemini

# langchain-google-genai warns of every answer that holds code.
pytestmark = [
    pytest.mark.filterwarnings(r"ignore:\s*Warning. Output may vary each run:UserWarning"),
]

DEVELOPER: dict[str, Any] = {"api_key": "any"}
VERTEX: dict[str, Any] = {
    "vertexai": True,
    "project": "p",
    "location": "us-central1",
    "credentials": Credentials("token"),
}


def own(url: str, model: str, where: dict[str, Any]) -> Any:
    return create_agent(ChatGeminiCodeExecution(model=model, base_url=url, **where), TOOLS)


def genai(url: str, model: str, where: dict[str, Any]) -> Any:
    llm = ChatGoogleGenerativeAI(model=model, base_url=url, max_retries=1, **where)
    return create_agent(llm, TOOLS, middleware=[CodeExecutionMiddleware()])


WAYS = {
    f"{build.__name__}, {endpoint}, {model}": (build, model, where)
    for build in (own, genai)
    for endpoint, where in (("developer", DEVELOPER), ("vertex", VERTEX))
    for model in (OLD, NEW)
}


# The four ways of a task pair each package, endpoint and generation with each other.
@pytest.mark.parametrize(
    ("task", "way"),
    [
        pytest.param(task, way, id=f"{task.name}, {way}")
        for turn, task in enumerate(TASKS)
        for place, way in enumerate(WAYS)
        if (place.bit_count() + turn) % 2
    ],
)
def test_the_task_is_finished(task: Task, way: str, gemini: Gemini) -> None:
    build, model, where = WAYS[way]
    brain = AbleModel(task)
    gemini.says(brain.respond)
    agent = build(gemini.url, model, where)
    messages = agent.invoke({"messages": [("user", task.question)]})["messages"]
    assert not brain.stuck
    assert {request.status for request in gemini.requests} == {200}
    runs = [run for message in messages for run in code_executions(message)]
    assert len(runs) == len(task.outputs)
    assert all(expected in (run.output or "") for run, expected in zip(runs, task.outputs, strict=True))
    assert sum(len(run.images) for run in runs) == task.drawn
    called = [message.name for message in messages if isinstance(message, ToolMessage)]
    assert [name for name in called if name != "code_execution"] == list(task.called)
    answers = [message for message in messages if isinstance(message, AIMessage)]
    assert answers[-1].text.endswith(getattr(task.steps[-1], "text", ""))
    assert all(answer.response_metadata["plan"]["reason"] for answer in answers)
    for request in gemini.requests:
        declared = set(request.functions)
        assert not declared or {tool.name for tool in TOOLS} <= declared
