"""A tool choice in every form of the ecosystem."""

from __future__ import annotations

from typing import Any

import pytest
from google.genai import types

from langchain_codeexec.errors import ToolDeclarationError
from langchain_codeexec.messages.tools import tool_config

TOOLS: Any = [{"functionDeclarations": [{"name": "f"}, {"name": "g"}]}, {"codeExecution": {}}]
OWN = types.FunctionCallingConfig(mode=types.FunctionCallingConfigMode.ANY, allowed_function_names=["f"])


@pytest.mark.parametrize(
    ("choice", "mode", "names"),
    [
        (True, "ANY", None),
        ("auto", "AUTO", None),
        ("any", "ANY", None),
        ("required", "ANY", None),
        ("ANY", "ANY", None),
        ("none", "NONE", None),
        ("validated", "VALIDATED", None),
        ("code_execution", "NONE", None),
        ("f", "ANY", ["f"]),
        (["f"], "ANY", ["f"]),
        (("g", "f"), "ANY", ["g", "f"]),
        ({"type": "function", "function": {"name": "f"}}, "ANY", ["f"]),
        ({"type": "function", "name": "f"}, "ANY", ["f"]),
        ({"type": "tool", "name": "f"}, "ANY", ["f"]),
        ({"type": "auto"}, "AUTO", None),
        ({"type": "any", "disable_parallel_tool_use": True}, "ANY", None),
        ({"type": "none"}, "NONE", None),
        ({"type": "code_interpreter"}, "NONE", None),
        ({"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}}, "ANY", ["f"]),
        ({"function_calling_config": {"mode": "ANY", "allowed_function_names": ["f"]}}, "ANY", ["f"]),
        (types.ToolConfig(function_calling_config=OWN), "ANY", ["f"]),
        (OWN, "ANY", ["f"]),
        ({"mode": "any", "allowed_function_names": ["f"]}, "ANY", ["f"]),
        (types.FunctionCallingConfigMode.NONE, "NONE", None),
    ],
)
def test_every_form(choice: Any, mode: str, names: list[str] | None) -> None:
    config = {"mode": mode, **({"allowedFunctionNames": names} if names else {})}

    assert tool_config(choice, TOOLS) == {"functionCallingConfig": config}


def test_a_function_of_that_name_is_meant() -> None:
    tools: Any = [{"functionDeclarations": [{"name": "code_execution"}]}, {"codeExecution": {}}]
    calling = {"mode": "ANY", "allowedFunctionNames": ["code_execution"]}
    assert tool_config("code_execution", tools) == {"functionCallingConfig": calling}


@pytest.mark.parametrize("choice", [None, False, "auto", "any", True, "code_execution", {"type": "auto"}])
def test_without_functions_there_is_nothing_to_choose(choice: Any) -> None:
    assert tool_config(choice, [{"codeExecution": {}}]) == {}
    assert bool(tool_config(choice, TOOLS)) == (choice not in (None, False))


def test_other_keys_of_gemini_s_own_form_are_kept() -> None:
    assert tool_config({"retrieval_config": {"languageCode": "de"}}, []) == {
        "retrievalConfig": {"languageCode": "de"}
    }


@pytest.mark.parametrize("choice", ["h", ["f", "h"], {"type": "tool", "name": "h"}, {"type": "function"}])
def test_a_name_that_is_not_declared_is_refused(choice: Any) -> None:
    with pytest.raises(ToolDeclarationError, match="declared functions: f, g"):
        tool_config(choice, TOOLS)


def test_a_name_is_refused_where_nothing_is_declared() -> None:
    with pytest.raises(ToolDeclarationError, match="'f', the declared functions: none"):
        tool_config("f", [])


@pytest.mark.parametrize("choice", [5, [], {}, [5], object(), {"mode": "ANY", "f": 1}, len])
def test_what_is_no_choice_is_refused(choice: Any) -> None:
    with pytest.raises(ToolDeclarationError, match="of no known form; use a mode"):
        tool_config(choice, TOOLS)
