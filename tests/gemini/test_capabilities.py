"""What is known of models, and what refusals teach."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from langchain_codeexec.gemini.capabilities import Destination, generation


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
    known = Destination(model, endpoint).accepts
    assert (known.code_with_functions, known.server_side_flag, known.call_ids) == (combines, flag, ids)


CODE, FUNCTIONS, SEARCH = (
    {"codeExecution": {}},
    {"functionDeclarations": [{"name": "f"}]},
    {"googleSearch": {}},
)
BOTH = {"tools": [FUNCTIONS, CODE]}
FLAGGED = {**BOTH, "toolConfig": {"includeServerSideToolInvocations": True}}
JSON = {"tools": [CODE], "generationConfig": {"responseMimeType": "application/json"}}
TOGETHER = [
    "Multiple tools are supported only when they are all search tools.",
    "Tool use with function calling is unsupported",
    "At most one tool is supported.",
    "Built-in tools and Function Calling cannot be combined in the same request",
    "Tool call context circulation is not enabled for models/gemini-3-pro",
]
ENABLE = "Please enable tool_config.include_server_side_tool_invocations to use Built-in tools with Function calling."
UNKNOWN = (
    "Invalid JSON. Unknown name \"includeServerSideToolInvocations\" at 'tool_config': Cannot find field."
)
NOT_ENABLED = "Code execution is not enabled for models/gemini-3-pro"
CONTROLLED = "controlled generation is not supported with Code Execution tool"
MIME_TYPE = "Tool use with a response mime type: 'application/json' is unsupported"


@pytest.fixture
def fresh(request: pytest.FixtureRequest) -> Callable[[str], Destination]:
    """A destination of this test's own: what is learned there stays there."""
    return lambda endpoint: Destination("gemini-3-pro", endpoint, f"https://{request.node.name}.test")


@pytest.mark.parametrize(
    ("refusal", "request_", "endpoint", "fact"),
    [
        *((refusal, BOTH, "vertex", "code_with_functions") for refusal in TOGETHER),
        *((TOGETHER[i], {"tools": [CODE, SEARCH]}, "vertex", "code_with_built_ins") for i in (0, 2)),
        (ENABLE, BOTH, "vertex", "server_side_flag"),
        (UNKNOWN, FLAGGED, "developer", "server_side_flag"),
        (NOT_ENABLED, JSON, "developer", "code_execution"),
        (CONTROLLED, JSON, "developer", "tools_with_schema"),
        (MIME_TYPE, JSON, "developer", "tools_with_schema"),
    ],
)
def test_refusals_teach(fresh: Any, refusal: str, request_: dict, endpoint: str, fact: str) -> None:
    destination = fresh(endpoint)
    before = destination.accepts
    destination.learn(refusal, request_)
    assert destination.accepts == replace(before, **{fact: not getattr(before, fact)})
    elsewhere = [
        replace(destination, address="https://gateway.test"),
        replace(destination, model="gemini-3-flash"),
        replace(destination, endpoint="vertex" if endpoint == "developer" else "developer"),
    ]
    assert all(one.accepts == Destination(one.model, one.endpoint).accepts for one in elsewhere)


@pytest.mark.parametrize(
    ("refusal", "request_"),
    [
        *((TOGETHER[i], {"tools": [CODE, SEARCH]}) for i in (1, 3, 4)),
        *((refusal, {"tools": [FUNCTIONS]}) for refusal in TOGETHER),
        (TOGETHER[0], {"tools": [FUNCTIONS, CODE, SEARCH]}),
        (ENABLE, FLAGGED),
        (UNKNOWN, BOTH),
        (NOT_ENABLED, {"tools": [FUNCTIONS]}),
        (CONTROLLED, BOTH),
        ("temperature must be at most 2", BOTH),
    ],
)
def test_a_refusal_of_something_else_teaches_nothing(fresh: Any, refusal: str, request_: dict) -> None:
    destination = fresh("developer")
    before = destination.accepts
    destination.learn(refusal, request_)
    assert destination.accepts == before
