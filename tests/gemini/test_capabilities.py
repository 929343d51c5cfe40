"""What is known of models, and what refusals teach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from langchain_codeexec.gemini.capabilities import capabilities, forget, generation, learn_from

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _nothing_learned() -> Iterator[None]:
    forget()
    yield
    forget()


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gemini-1.5-pro", 1),
        ("gemini-2.0-flash-001", 2),
        ("gemini-2.5-flash-lite-preview-06-17", 2),
        ("gemini-3-flash-preview", 3),
        ("gemini-3.8-flash", 3),
        ("gemini-4-pro", 4),
        ("gemini-12-ultra", 12),
        ("gemini-flash-latest", 3),
        ("gemini-robotics-er-1.5-preview", 1),
        ("models/gemini-2.5-pro", 2),
        ("publishers/google/models/gemini-2.0-flash", 2),
        ("projects/p/locations/l/endpoints/123", 3),
        ("tunedModels/mine", 3),
        ("", 3),
    ],
)
def test_generations(model: str, expected: int) -> None:
    assert generation(model) == expected


@pytest.mark.parametrize(
    ("model", "endpoint", "combines", "flag", "ids"),
    [
        ("gemini-2.5-flash", "developer", False, False, True),
        ("gemini-2.5-flash", "vertex", False, False, False),
        ("gemini-3-flash-preview", "developer", True, True, True),
        ("gemini-3-flash-preview", "vertex", True, False, True),
        ("something-new", "developer", True, True, True),
    ],
)
def test_the_table(model: str, endpoint: str, combines: bool, flag: bool, ids: bool) -> None:
    known = capabilities(model, endpoint)
    assert (known.code_with_functions, known.server_side_flag, known.call_ids) == (combines, flag, ids)


@pytest.mark.parametrize(
    ("refusal", "fact", "value"),
    [
        ("Multiple tools are supported only when they are all search tools.", "code_with_functions", False),
        ("Tool use with function calling is unsupported", "code_with_functions", False),
        ("At most one tool is supported.", "code_with_functions", False),
        (
            "Built-in tools and Function Calling cannot be combined in the same request",
            "code_with_functions",
            False,
        ),
        (
            "Tool call context circulation is not enabled for models/gemini-3-pro",
            "code_with_functions",
            False,
        ),
        (
            "Please enable tool_config.include_server_side_tool_invocations to use Built-in tools with Function calling.",
            "server_side_flag",
            True,
        ),
        (
            "Invalid JSON payload received. Unknown name \"includeServerSideToolInvocations\" at 'tool_config': Cannot find field.",
            "server_side_flag",
            False,
        ),
        ("Tool use with a response mime type: 'application/json' is unsupported", "tools_with_schema", False),
        (
            "Function calling with a response mime type: 'application/json' is unsupported",
            "tools_with_schema",
            False,
        ),
    ],
)
def test_refusals_teach(refusal: str, fact: str, value: bool) -> None:
    endpoint = "vertex" if value else "developer"
    assert learn_from(refusal, "gemini-3-pro", endpoint)
    assert getattr(capabilities("gemini-3-pro", endpoint), fact) is value
    assert not learn_from(refusal, "gemini-3-pro", endpoint)


@pytest.mark.parametrize("refusal", ["", "Request contains an invalid argument.", "API key not valid"])
def test_other_refusals_teach_nothing(refusal: str) -> None:
    assert not learn_from(refusal, "gemini-3-pro", "vertex")


def test_what_is_learned_is_of_one_model_at_one_endpoint() -> None:
    learn_from("At most one tool is supported.", "gemini-3-pro", "vertex")
    assert capabilities("gemini-3-pro", "developer").code_with_functions
    assert capabilities("gemini-3-flash", "vertex").code_with_functions
