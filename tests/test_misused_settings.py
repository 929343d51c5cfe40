"""What users mistake for each other: the error comes where the setting is made, and names it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from langchain.chat_models import init_chat_model
from langchain_core.documents import Document
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import AIMessage

from langchain_codeexec import (
    ChatGeminiCodeExecution,
    CodeExecutionMiddleware,
    CodeExecutionTool,
    DocumentCalculation,
    LocalSandbox,
    PythonTool,
    verify_executions,
)
from langchain_codeexec.data import DataLimits, data_files, save_outputs
from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain
from langchain_codeexec.errors import CodeExecError, ConfigurationError, DataError
from langchain_codeexec.executors import FailoverExecutor
from langchain_codeexec.middleware import VerificationMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable

LLM: Any = FakeListChatModel(responses=["It is 6."])
CLASS: Any = LocalSandbox
TOOL: Any = CodeExecutionTool(LLM)
GEMINI = ChatGeminiCodeExecution(model="gemini-flash-latest", vertexai=False, api_key="any")
LATER: Any = init_chat_model()
NAME: Any = "gemini-2.5-flash"
NUMBER: Any = 3
NOTHING: Any = None
DOCUMENTS = {"question": "How far?", "documents": [Document("It is 3 km.")]}

MISTAKES: dict[str, tuple[Callable[[], object], type[CodeExecError], str]] = {
    "a class for a tool": (lambda: PythonTool(CLASS), ConfigurationError, "executor"),
    "a tool for an executor": (
        lambda: PythonTool(TOOL),
        ConfigurationError,
        "LocalSandbox()",
    ),
    "a name for a model": (lambda: CodeExecutionTool(NAME), ConfigurationError, "model=..."),
    "a misspelt setting of a call": (
        lambda: GEMINI.invoke("q", temprature=1),
        ConfigurationError,
        "'temprature' (do you mean temperature?)",
    ),
    "a model that is chosen later": (
        lambda: ChatGeminiCodeExecution.from_chat_model(LATER),
        ConfigurationError,
        "nor what init_chat_model() leaves configurable",
    ),
    "a sandbox for a model": (
        lambda: CodeExecutionTool(LLM, executor=CLASS),
        ConfigurationError,
        "PythonTool",
    ),
    "a planner that is none": (
        lambda: CodeExecutionMiddleware(planner=LLM),
        ConfigurationError,
        "ModelPlanner",
    ),
    "a class for a middleware": (
        lambda: CodeExecutionMiddleware(executor=CLASS),
        ConfigurationError,
        "executor",
    ),
    "a way that is none": (
        lambda: CodeExecutionMiddleware(combination=NAME),
        ConfigurationError,
        "one_sided",
    ),
    "a class to verify in": (lambda: VerificationMiddleware(CLASS), ConfigurationError, "executor"),
    "a class to verify an answer in": (
        lambda: verify_executions(AIMessage("It is 6."), CLASS),
        ConfigurationError,
        "executor",
    ),
    "a class to fail over to": (lambda: FailoverExecutor(CLASS), ConfigurationError, "executor"),
    "a name to calculate with": (lambda: DocumentCalculation(NAME), ConfigurationError, "llm"),
    "no retriever": (lambda: DocumentCalculation(LLM, NUMBER), ConfigurationError, "retriever"),
    "a retriever of nothing": (
        lambda: DocumentCalculation(LLM, lambda _: NUMBER).invoke("How far?"),
        DataError,
        "3",
    ),
    "limits of a calculation": (
        lambda: DocumentCalculation(LLM, limits=NUMBER).invoke(DOCUMENTS),
        ConfigurationError,
        "DataLimits",
    ),
    "nowhere to save": (lambda: save_outputs(AIMessage("It is 6."), NOTHING), ConfigurationError, "folder"),
    "limits": (lambda: data_files([{"a": 1}], limits=NUMBER), ConfigurationError, "DataLimits"),
    "a limit in words": (lambda: DataLimits(files=NAME), ConfigurationError, "files"),
}


@pytest.mark.parametrize(("make", "error", "named"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named(make: Callable[[], object], error: type[CodeExecError], named: str) -> None:
    with pytest.raises(error) as raised:
        make()
    assert named in str(raised.value)


def test_one_name_is_enough_for_one_source() -> None:
    [file] = data_files([{"a": 1}], names="sales")
    assert file.source == "rows 'sales'"


EMULATED: list[tuple[str, Any]] = [
    *[(flag, "no") for flag in ("tls", "send_empty_output", "allow_unsafe_code", "record_page")],
    *[
        ("tls", 1),
        ("brain", ScriptedBrain),
        ("executor", CLASS),
        ("host", 3),
        ("accept_key", "secret"),
        ("log", ()),
    ],
    *[("port", value) for value in ("x", -1, 99_999)],
    *[("grace", "5"), ("grace", -1), ("max_body_bytes", "3"), ("max_body_bytes", 0)],
    *[("known_models", "gemini-x"), ("allow_origins", "http://localhost:1"), ("allow_remote", 3)],
    *[("libraries", "some"), ("librarys", "all")],
]


@pytest.mark.parametrize(("name", "value"), EMULATED)
def test_an_emulator_takes_no_setting_of_another_kind(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=name):
        GeminiEmulator(**{name: value})
