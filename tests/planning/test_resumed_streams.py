"""Streams that are cut behind a token, and resumed."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from langchain_codeexec import ChatGeminiCodeExecution
from langchain_codeexec.errors import (
    GeminiConnectionError,
    GeminiError,
    GeminiTimeoutError,
    RateLimitError,
    ResponseFormatError,
    ServerError,
)
from tests.calls import streamed
from tests.planning.long_answers import CODE, QUESTION, counted, get_price, text
from tests.services import NEW


class Streams:
    """A transport that plays streams: chunks, and what breaks them off."""

    endpoint = "developer"
    address = ""

    def __init__(self, *streams: list[Any]) -> None:
        self._streams = iter(streams)
        self.bodies: list[dict[str, Any]] = []

    def stream(self, model: str, request: Any, *, timeout: float | None = None) -> Iterator[Any]:
        self.bodies.append(request)
        for item in next(self._streams):
            if isinstance(item, Exception):
                raise item
            yield item

    def generate(self, model: str, request: Any, *, timeout: float | None = None) -> Any:
        raise AssertionError("only streams are played")

    async def astream(self, model: str, request: Any, *, timeout: float | None = None) -> AsyncIterator[Any]:
        for item in self.stream(model, request):
            yield item


def read(transport: Streams) -> list[str]:
    llm = ChatGeminiCodeExecution(model=NEW, transport=transport)
    return [chunk.text for chunk in llm.stream(QUESTION)]


def aread(transport: Streams) -> list[str]:
    async def texts() -> list[str]:
        llm = ChatGeminiCodeExecution(model=NEW, transport=transport)
        return [chunk.text async for chunk in llm.astream(QUESTION)]

    return asyncio.run(texts())


READERS = pytest.mark.parametrize("read", [read, aread])


def piece(said: str, token: str = "", **candidate: Any) -> dict[str, Any]:
    more = {"continuationToken": token} if token else {}
    return {"candidates": [{"content": {"parts": [text(said)]} if said else {}, **more, **candidate}]}


LOST = GeminiConnectionError("the connection broke")
END = piece("end", finishReason="STOP")
MID_STREAM = [
    LOST,
    GeminiTimeoutError("no answer in time"),
    ResponseFormatError("broken JSON"),
    ServerError("Overloaded.", status_code=503),
    RateLimitError("Slow down.", status_code=429),
]


@READERS
@pytest.mark.parametrize("failure", [*MID_STREAM, None], ids=lambda failure: type(failure).__name__)
def test_a_stream_that_is_cut_behind_a_token_is_resumed(read: Any, failure: Any) -> None:
    broken = [failure] if failure else []
    transport = Streams(
        [piece("a"), piece("b", "t1"), *broken], [piece("c", "t2"), piece("d"), *broken], [END]
    )
    assert "".join(read(transport)) == "abcdend"
    assert [body.get("continuationToken") for body in transport.bodies] == [None, "t1", "t2"]


@READERS
@pytest.mark.parametrize(
    ("streams", "shown", "requests"),
    [
        ([[piece("a"), LOST]], "a", 1),
        ([[piece("a", "t1"), LOST], *[[LOST]] * 9], "a", 4),
        ([[piece("a", "t1"), LOST], [RateLimitError("Slow down.", status_code=429)], [END]], "a", 2),
    ],
    ids=["without a token", "three times without progress", "refused"],
)
def test_what_cannot_be_resumed_is_raised_after_what_was_shown(
    read: Any, streams: list[Any], shown: str, requests: int
) -> None:
    transport = Streams(*streams)
    seen: list[str] = []
    llm = ChatGeminiCodeExecution(model=NEW, transport=transport)
    with pytest.raises(GeminiError):
        seen += [seen.append(chunk.text) or "" for chunk in llm.stream(QUESTION)]
    assert ("".join(seen), len(transport.bodies)) == (shown, requests)


@READERS
@pytest.mark.parametrize(
    "again",
    [
        [piece("bcd"), END],
        [piece("bc"), piece("dend", finishReason="STOP")],
        [piece("b"), piece("c"), piece("d", "t2"), END],
        [piece("b"), LOST],
        [piece("bcd", "t1"), LOST],
    ],
)
def test_what_was_shown_behind_a_token_is_shown_once(read: Any, again: list[Any]) -> None:
    transport = Streams([piece("a", "t1"), piece("b"), piece("cd"), LOST], again, [piece("bcd"), END])
    assert "".join(read(transport)) == "abcdend"


def test_code_that_was_shown_behind_a_token_is_shown_once() -> None:
    code = {"candidates": [{"content": {"parts": [CODE]}}]}
    transport = Streams([piece("a", "t1"), code, LOST], [code, END])
    llm = ChatGeminiCodeExecution(model=NEW, transport=transport)
    blocks = [block for chunk in llm.stream(QUESTION) for block in chunk.content]
    assert [block["type"] for block in blocks] == ["text", "server_tool_call", "text"]


@pytest.mark.parametrize("again", [["blue"], ["bl", "ue"], ["b", "lue"], ["blu", "e"]], ids="-".join)
def test_a_call_that_was_begun_behind_a_token_is_one_call(again: list[str]) -> None:
    def pieces(*texts: str) -> list[Any]:
        paths = [{"jsonPath": "$.item", "stringValue": each, "willContinue": True} for each in texts]
        parts = [{"name": "get_price", "willContinue": True}]
        parts += [{"partialArgs": [each], "willContinue": True} for each in paths]
        return [{"candidates": [{"content": {"parts": [{"functionCall": part}]}}]} for part in parts]

    end = {"candidates": [{"content": {"parts": [{"functionCall": {}}]}, "finishReason": "STOP"}]}
    transport = Streams([piece("a", "t1"), *pieces("bl"), LOST], [*pieces(*again), end])
    llm = ChatGeminiCodeExecution(model=NEW, transport=transport).bind_tools([get_price])
    [called] = streamed(llm).tool_calls
    assert called["args"] == {"item": "blue"}


@READERS
@pytest.mark.parametrize(
    "cut",
    [
        ["a\ud83d", "\ude00b"],
        ["a\ud83d", "\ude00", "b"],
        ["a", "\ud83d", "", "\ude00b"],
        ["a", "\ud83d", "\ude00b"],
    ],
)
def test_a_character_that_is_cut_in_half_is_whole(read: Any, cut: list[str]) -> None:
    assert "".join(read(Streams([*map(piece, cut), END]))) == "a😀bend"


@READERS
def test_progress_starts_the_count_anew(read: Any) -> None:
    cuts = [[LOST], [LOST], [piece("b", "t2"), LOST], [LOST], [LOST]]
    transport = Streams([piece("a", "t1"), LOST], *cuts, [END])
    assert "".join(read(transport)) == "abend"


def test_usage_of_a_cut_stream_counts() -> None:
    cut, end = (
        counted(piece("a", "t1"), 10, 1),
        counted(END, 10, 2),
    )
    llm = ChatGeminiCodeExecution(model=NEW, transport=Streams([cut, LOST], [end]))
    *_, last = llm.stream(QUESTION)
    assert last.usage_metadata["total_tokens"] == 23
