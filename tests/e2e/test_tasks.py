"""Agents finish tasks of several steps on models that take both sides and on models that refuse to."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, ToolMessage

from langchain_codeexec import ChatGeminiCodeExecution, code_executions
from langchain_codeexec.emulator import GeminiEmulator

sys.path.insert(0, str(Path(__file__).parent))
from tasks import TASKS, TOOLS, AbleModel, Task

MODELS = ["gemini-2.5-flash", "gemini-3-flash-preview"]
ENDPOINTS: dict[str, dict[str, Any]] = {
    "developer": {"api_key": "any"},
    "vertex": {
        "vertexai": True,
        "project": "p",
        "credentials": AnonymousCredentials(),
        "additional_headers": {"authorization": "Bearer token"},
    },
}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_the_task_is_finished(task: Task, model: str, endpoint: str) -> None:
    brain = AbleModel(task)
    with GeminiEmulator(brain) as service:
        llm = ChatGeminiCodeExecution(model=model, base_url=service.url, **ENDPOINTS[endpoint])
        messages = create_agent(llm, TOOLS).invoke({"messages": [("user", task.question)]})["messages"]
    assert not brain.stuck
    assert [request.status for request in service.requests] == [200] * len(service.requests)
    answers = [message for message in messages if isinstance(message, AIMessage)]
    runs = [run for answer in answers for run in code_executions(answer)]
    assert len(runs) == len(task.outputs)
    assert all(expected in (run.output or "") for run, expected in zip(runs, task.outputs, strict=True))
    assert sum(len(run.images) for run in runs) == task.drawn
    assert [m.name for m in messages if isinstance(m, ToolMessage)] == list(task.called)
    assert answers[-1].text.endswith(task.steps[-1].text)
    assert all(answer.response_metadata["plan"]["reason"] for answer in answers)
