"""Answers and errors nobody planned for: a message that holds all of it, or a typed error."""

from functools import reduce
from operator import add
from typing import Any

import pytest
from langchain_core.exceptions import LangChainException

from langchain_codeexec import ChatGeminiCodeExecution, errors
from langchain_codeexec.emulator import EmulatedError
from tests.calls import ALL_WAYS, WAYS, response

# -- answers -----------------------------------------------------------------------------------------------

CALL = {"functionCall": {"name": "f", "args": None, "id": "a"}}


@WAYS
@pytest.mark.parametrize(
    ("part", "block"),
    [
        *(
            (part, {"type": "non_standard", "value": part})
            for part in (
                {},
                {"text": 5},
                {"hologram": 1},
                {"functionCall": None},
                {"functionCall": {"name": 1}},
                {"executableCode": "x"},
                {"inlineData": {"data": 5}},
            )
        ),
        (
            {"text": "a", "thoughtSignature": 5},
            {"type": "text", "text": "a", "extras": {"part": {"thoughtSignature": 5}}},
        ),
        (
            {"codeExecutionResult": {"outcome": "OUTCOME_TO_COME", "output": "x", "id": "a"}},
            {
                "type": "server_tool_result",
                "tool_call_id": "a",
                "status": "error",
                "output": "x",
                "extras": {"block_type": "code_execution_result", "outcome": "OUTCOME_TO_COME"},
            },
        ),
        (
            CALL,
            {"type": "tool_call", "id": "a", "name": "f", "args": {}, "extras": {"part": {"raw": CALL}}},
        ),
    ],
)
def test_odd_parts_are_kept(wire: Any, ask: Any, part: Any, block: dict[str, Any]) -> None:
    wire.says(response(part))
    answer = ask(wire.chat())
    [received] = answer.content
    assert {key: value for key, value in received.items() if key != "index"} == block
    assert len(answer.tool_calls) == (block["type"] == "tool_call")
    assert not answer.invalid_tool_calls


@WAYS
def test_calls_without_ids_get_some_of_their_own(wire: Any, ask: Any) -> None:
    wire.says(response({"functionCall": {"name": "f"}}, {"functionCall": {"name": "f", "args": {"x": 1}}}))
    answer = ask(wire.chat())
    assert [call["args"] for call in answer.tool_calls] == [{}, {"x": 1}]
    assert len({call["id"] for call in answer.tool_calls}) == 2


@WAYS
@pytest.mark.parametrize(
    "body",
    [
        {"candidates": {}},
        {"candidates": [None]},
        {"candidates": "x"},
        {"candidates": [{"content": "x"}]},
        {"candidates": [{"content": []}]},
        {"candidates": [{"content": {"parts": "x"}}]},
        {"candidates": [{"content": {"parts": {}}}]},
        {"candidates": [{"content": {"parts": [5]}}]},
        "text",
        5,
        b"",
        b"no json",
        b'{"candidates": [{"content": {"parts": [{"te',
        b"<html><title>Sign in</title></html>",
        b"\xff\xfe",
    ],
    ids=repr,
)
def test_what_is_no_answer_is_a_typed_error(wire: Any, ask: Any, body: Any) -> None:
    wire.says(body)
    with pytest.raises(errors.ResponseFormatError):
        ask(wire.chat())


# -- errors --------------------------------------------------------------------------------------------------


@ALL_WAYS
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, errors.InvalidRequestError),
        (401, errors.AuthenticationError),
        (403, errors.PermissionDeniedError),
        (404, errors.NotFoundError),
        (429, errors.RateLimitError),
        (499, errors.RequestCancelledError),
        (500, errors.ServerError),
        (503, errors.ServerError),
        (504, errors.ServerError),
        (418, errors.GeminiAPIError),
    ],
)
def test_errors_of_the_service(
    gemini: Any, ask: Any, status: int, error: type[errors.GeminiAPIError]
) -> None:
    gemini.says(EmulatedError(status, message="no luck"))
    with pytest.raises(error, match="no luck") as caught:
        ask(gemini.chat())
    assert type(caught.value) is error
    assert caught.value.status_code == status
    assert isinstance(caught.value, LangChainException) or status in {499, 418}


def test_an_error_in_mid_stream_comes_after_the_text_before_it(gemini: Any) -> None:
    gemini.says(["One two three four five six.", EmulatedError(503, message="overloaded")])
    texts = []
    with pytest.raises(errors.ServerError, match="overloaded"):
        texts.extend(chunk.text for chunk in gemini.chat().stream("q"))
    assert "".join(texts) == "One two three four five six."


@pytest.mark.parametrize(
    ("settings", "overrides", "error", "words"),
    [
        ({"model": "grok-9"}, {}, errors.NotFoundError, "grok-9 is not found"),
        ({"api_key": "invalid"}, {}, errors.AuthenticationError, "API key not valid"),
        ({}, {"temperature": "hot"}, errors.InvalidRequestError, "temperature"),
        ({"safety_settings": [{"category": "HARM_X", "threshold": "OFF"}]}, {}, errors.InvalidRequestError, "category"),
        ({"generation_config": {"noSuchSetting": 1}}, {}, errors.InvalidRequestError, "noSuchSetting"),
    ],
)  # fmt: skip
def test_mistakes_the_service_finds(
    gemini: Any, settings: Any, overrides: Any, error: type[Exception], words: str
) -> None:
    gemini.says("Fine.")
    with pytest.raises(error, match=words) as caught:
        gemini.chat(**settings).invoke("q", **overrides)
    assert "Remedy: " in str(caught.value)


def test_mistakes_vertex_finds(gemini: Any) -> None:
    with pytest.raises(errors.NotFoundError, match=r"projects/p/locations/europe-west4/.*was not found"):
        gemini.vertex(model="grok-9").invoke("q")


def test_nobody_listens() -> None:
    llm = ChatGeminiCodeExecution(model="m", api_key="k", base_url="http://127.0.0.1:9", max_retries=0)
    with pytest.raises(errors.GeminiConnectionError, match=r"127\.0\.0\.1:9"):
        llm.invoke("q")


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3-flash-preview"])
@pytest.mark.parametrize(
    "parts",
    [
        pytest.param(["a", {"executableCode": {"language": "PYTHON", "code": "print(1)"}}], id="code"),
        pytest.param(["a", {"inlineData": {"mimeType": "image/png", "data": "aGk="}}], id="image"),
        pytest.param([{"functionCall": {"name": "f", "args": {}}}], id="call"),
    ],
)
def test_a_stream_ends_without_a_block_that_only_streams_have(
    gemini: Any, model: str, parts: list[Any]
) -> None:
    def f() -> None:
        """Do it."""

    gemini.says(parts)
    llm = gemini.chat(model=model).bind_tools([f])
    whole, streamed = llm.invoke("q"), reduce(add, llm.stream("q"))
    assert [block["type"] for block in streamed.content_blocks] == [
        block["type"] for block in whole.content_blocks
    ]
