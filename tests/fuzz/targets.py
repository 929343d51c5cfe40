"""What is fuzzed: for each target the inputs, and what is done with one. It returns or raises a `CodeExecError`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import reduce
from operator import add
from typing import Any, NamedTuple

import httpx
from hypothesis import strategies as st
from langchain_core.language_models._utils import _normalize_messages
from langchain_core.messages import (
    AIMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    message_chunk_to_message,
)
from pydantic import ValidationError

from langchain_codeexec import ChatGeminiCodeExecution, code_executions, data_message
from langchain_codeexec.data import outputs_of, tables_in_text
from langchain_codeexec.emulator import ScriptedBrain, create_app
from langchain_codeexec.emulator.cassettes import dump_cassette, read_cassette
from langchain_codeexec.errors import CodeExecError
from langchain_codeexec.gemini.exchange import encoded
from langchain_codeexec.grounding.figures import printed_figures, stated_figures
from langchain_codeexec.records import html_page, json_record, notebook_from_messages, render
from langchain_codeexec.settings import GeminiSettings
from tests.services import NEW, OLD


class Target(NamedTuple):
    """One thing that takes what a user or a service hands in."""

    inputs: st.SearchStrategy[Any]
    run: Callable[[Any], object]


def circle() -> list[Any]:
    """A list that holds itself."""
    items: list[Any] = []
    items.append({"text": items})
    return items


def nest(depth: int) -> Any:
    """Lists in lists."""
    return reduce(lambda inner, _: [inner], range(depth), [])


SCALARS = st.sampled_from(
    [None, True, False, 0, -1, 1.5, float("nan"), float("inf"), 2**70]
) | st.sampled_from(["", "x", "\ud800", "\x00", "1e999", "a" * 300])
ODD = st.one_of(
    SCALARS, st.sampled_from([[], {}, [[]], {"": {}}, [None], {"text": None}, {"x": "\ud800"}, [1, "x"]])
)
FOREIGN = ODD | st.sampled_from([b"x", {1: 2}, (1,), {"x"}, object(), nest(150), circle()])
"""What JSON does not have, besides."""

PARTS = [
    {"text": "Hello 1,234.5.", "thoughtSignature": "c2ln"},
    {"text": "Hm.", "thought": True},
    {"executableCode": {"language": "PYTHON", "code": "print(1)", "id": "a"}},
    {"executableCode": {"language": "PYTHON", "code": "print(default_api.f(x=1))"}},
    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n", "id": "a"}},
    {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}},
    {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://b/o", "displayName": "o"}},
    {"functionCall": {"id": "f1", "name": "f", "args": {"x": 1}}, "thoughtSignature": "c2ln"},
    {
        "functionCall": {
            "name": "f",
            "willContinue": True,
            "partialArgs": [{"jsonPath": "$.x", "stringValue": "v"}],
        }
    },
    {"functionCall": {}},
    {"functionResponse": {"name": "f", "response": {"result": 1}}},
    {"toolCall": {"id": "t", "toolType": "GOOGLE_SEARCH_WEB", "args": {}}},
    {"toolResponse": {"id": "t", "toolType": "GOOGLE_SEARCH_WEB", "response": {}}},
    {"somethingNew": {"x": 1}},
]
CHUNK = {
    "candidates": [
        {
            "content": {"role": "model", "parts": []},
            "finishReason": "STOP",
            "finishMessage": "Malformed function call: print(default_api.f(x=1))",
            "index": 0,
            "safetyRatings": [
                {"category": "HARM_CATEGORY_HARASSMENT", "probability": "LOW", "blocked": False}
            ],
            "citationMetadata": {
                "citations": [{"startIndex": 0, "endIndex": 3, "uri": "https://x", "title": "t"}]
            },
            "groundingMetadata": {
                "webSearchQueries": ["q"],
                "groundingChunks": [{"web": {"uri": "https://x", "title": "t"}}],
                "groundingSupports": [
                    {"segment": {"startIndex": 0, "endIndex": 3}, "groundingChunkIndices": [0]}
                ],
            },
            "urlContextMetadata": {"urlMetadata": [{"retrievedUrl": "https://x"}]},
            "logprobsResult": {
                "chosenCandidates": [{"token": "x", "logProbability": -1}],
                "topCandidates": [],
            },
            "avgLogprobs": -1.0,
        }
    ],
    "promptFeedback": {},
    "usageMetadata": {
        "promptTokenCount": 1,
        "candidatesTokenCount": 2,
        "thoughtsTokenCount": 3,
        "toolUsePromptTokenCount": 4,
        "totalTokenCount": 10,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 1}],
    },
    "modelVersion": NEW,
    "responseId": "r",
    "createTime": "2026-01-01T00:00:00Z",
}


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in pairs for place in _places(item, (*path, key)))]


def _replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = _replaced(value[path[0]], path[1:], new)
    return copy


@st.composite
def broken(draw: st.DrawFn, whole: st.SearchStrategy[Any], odd: st.SearchStrategy[Any] = ODD) -> Any:
    """Something with up to three of its values replaced by odd ones."""
    value = draw(whole)
    places = _places(value)
    for _ in range(draw(st.integers(0, 3))):
        with suppress(LookupError, TypeError, AttributeError):  # a part of something that has gone already
            value = _replaced(value, draw(st.sampled_from(places)), draw(odd))
    return value


def _with_parts(parts: list[Any]) -> dict[str, Any]:
    candidate = {**CHUNK["candidates"][0], "content": {"role": "model", "parts": parts}}
    return {**CHUNK, "candidates": [candidate]}


CHUNKS = broken(
    st.lists(st.lists(st.sampled_from(PARTS), max_size=4).map(_with_parts), min_size=1, max_size=3)
)


class Answering:
    """A transport that answers with chunks, and looks whether the request could be sent."""

    address = "http://fuzz"

    def __init__(self, chunks: list[Any], endpoint: str = "developer") -> None:
        self.chunks = chunks
        self.endpoint = endpoint

    def generate(self, model: str, request: Any, **limits: Any) -> Any:
        encoded(request)
        return self.chunks[0]

    async def agenerate(self, model: str, request: Any, **limits: Any) -> Any:
        return self.generate(model, request)

    def stream(self, model: str, request: Any, **limits: Any) -> Any:
        encoded(request)
        yield from self.chunks

    async def astream(self, model: str, request: Any, **limits: Any) -> Any:
        for chunk in self.stream(model, request):
            yield chunk

    def count_tokens(self, model: str, request: Any, **limits: Any) -> Any:
        encoded(request)
        return {"totalTokens": 1}

    def close(self) -> None: ...

    async def aclose(self) -> None: ...


def chat(chunks: list[Any], model: str = NEW, **settings: Any) -> ChatGeminiCodeExecution:
    return ChatGeminiCodeExecution(model=model, transport=Answering(chunks), **settings)


FINE = [_with_parts([{"text": "Fine."}])]
FUNCTION = {
    "name": "f",
    "description": "d",
    "parameters": {"type": "object", "properties": {"x": {"type": "integer"}}},
}
WAYS = [
    chat,
    lambda chunks: chat(chunks).bind_tools([FUNCTION]),
    lambda chunks: chat(chunks, OLD).bind_tools([FUNCTION]),
    lambda chunks: chat(chunks, code_execution=False).bind_tools([FUNCTION]),
    lambda chunks: chat(chunks, OLD, combination="one_sided").bind_tools([FUNCTION]),
]


def use(message: Any) -> None:
    """Do with a message all that this package does with messages."""
    runs = code_executions(message)
    outputs_of(message)
    for run in runs:
        repr(run)
    json_record(message)
    html_page(message)
    notebook_from_messages(message)
    render(message)
    stated_figures(message.text)
    message.content_blocks  # noqa: B018 -- computed when read


def send(messages: list[Any]) -> None:
    for way in WAYS:
        with suppress(CodeExecError):
            way(FINE).invoke(messages)


def answers(chunks: Any) -> None:
    if not isinstance(chunks, list) or not chunks:
        return
    for way in WAYS:
        messages: list[Any] = []
        with suppress(CodeExecError):
            messages.append(way(chunks).invoke("q"))
        with suppress(CodeExecError):
            messages.append(message_chunk_to_message(reduce(add, way(chunks).stream("q"))))
        for message in messages:
            use(message)
            send([HumanMessage("q"), message, HumanMessage("and?")])


BLOCKS = [
    {"type": "text", "text": "Hello.", "annotations": [{"type": "citation", "url": "https://x", "start_index": 0}]},
    {"type": "reasoning", "reasoning": "Hm.", "extras": {"signature": "c2ln"}},
    {"type": "server_tool_call", "name": "code_interpreter", "id": "a", "args": {"code": "print(1)", "language": "python"}},
    {"type": "server_tool_result", "tool_call_id": "a", "status": "success", "output": "1", "extras": {"outcome": "OUTCOME_OK"}},
    {"type": "image", "base64": "iVBORw0KGgo=", "mime_type": "image/png"},
    {"type": "image", "url": "https://x/y.png"},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
    {"type": "audio", "base64": "AAAA", "mime_type": "audio/wav"},
    {"type": "file", "base64": "YSxiCjEsMgo=", "mime_type": "text/csv", "extras": {"name": "t.csv"}},
    {"type": "file", "source_type": "base64", "data": "AAAA", "mime_type": "application/pdf"},
    {"type": "media", "mime_type": "image/png", "data": "AAAA"},
    {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    {"type": "tool_call", "name": "f", "args": {"x": 1}, "id": "f1"},
    {"type": "tool_use", "name": "f", "input": {"x": 1}, "id": "f1"},
    {"type": "server_tool_use", "name": "code_execution", "id": "s", "input": {"code": "1"}},
    {"type": "code_execution_tool_result", "tool_use_id": "s", "content": {"type": "code_execution_result", "stdout": "1", "stderr": "", "return_code": 0}},
    {"type": "code_interpreter_call", "id": "c", "code": "1", "outputs": [{"type": "logs", "logs": "1"}]},
    {"type": "executable_code", "executable_code": "1", "language": 1},
    {"type": "code_execution_result", "code_execution_result": "1", "outcome": 1},
    {"type": "non_standard", "value": {"somethingNew": {}}},
    {"type": "json", "json": {"x": 1}},
    "text",
]  # fmt: skip
CALL = {"name": "f", "args": {"x": 1}, "id": "f1", "type": "tool_call"}
ARTIFACT = {
    "executions": [
        {"code": "1", "language": "PYTHON", "outcome": "OUTCOME_OK", "output": "1", "images": [], "files": []}
    ]
}
MESSAGES = broken(
    st.fixed_dictionaries(
        {
            "content": st.lists(st.sampled_from(BLOCKS), max_size=4) | st.just("text"),
            "additional_kwargs": st.sampled_from(
                [{}, {"function_call": {"name": "f", "arguments": "{"}}, {"executions": []}]
            ),
            "response_metadata": st.sampled_from(
                [
                    {},
                    {"output_version": "v1"},
                    {"model_provider": "google_genai"},
                    {"plan": {"way": "native"}},
                    {"outputs": [{}]},
                ]
            ),
            "tool_calls": st.sampled_from([[], [CALL], [CALL, CALL]]),
            "artifact": st.sampled_from([None, ARTIFACT]),
        }
    ),
    FOREIGN,
)


def made(fields: Any) -> Iterator[Any]:
    """A message of each type with these fields, as far as langchain-core makes one and reads it itself."""
    for kind in (AIMessage, HumanMessage, SystemMessage, ToolMessage):
        names = {"content", "additional_kwargs", "response_metadata"}
        names |= {"tool_calls"} if kind is AIMessage else {"artifact"} if kind is ToolMessage else set()
        more = {"tool_call_id": "f1"} if kind is ToolMessage else {}
        try:
            message = kind(**{name: fields[name] for name in names}, **more)
            message.content_blocks  # noqa: B018 -- langchain-core's own reading, which fails for some
            message.text  # noqa: B018 -- as above
            _normalize_messages([message])
        except Exception:  # noqa: BLE001 -- langchain-core makes no such message
            continue
        yield message


def history_of(message: Any) -> list[Any]:
    """A conversation that ends on a message."""
    call = [AIMessage("", tool_calls=[CALL])] if isinstance(message, ToolMessage) else []
    return [HumanMessage("q"), *call, message]


def messages(fields: Any) -> None:
    for message in made(fields):
        with suppress(CodeExecError):
            use(message)
        send([*history_of(message), HumanMessage("and?")])


TOOLS = broken(
    st.lists(
        st.sampled_from(
            [
                FUNCTION,
                {"type": "function", "function": FUNCTION},
                {"name": "g", "description": "", "input_schema": {"type": "object", "properties": {}}},
                {"function_declarations": [FUNCTION]},
                {"codeExecution": {}},
                {"google_search": {}},
                {"type": "code_interpreter", "container": {"type": "auto"}},
                {
                    "title": "S",
                    "type": "object",
                    "properties": {"a": {"$ref": "#/$defs/A"}},
                    "$defs": {"A": {"enum": [1]}},
                },
            ]
        ),
        max_size=3,
    ),
    FOREIGN,
)


def tools(declared: Any) -> None:
    for choice in (None, "any", "f", declared):
        with suppress(CodeExecError):
            chat(FINE).bind_tools(declared, tool_choice=choice).invoke("q")


SETTINGS = st.dictionaries(st.sampled_from([*GeminiSettings.model_fields, "odd"]), FOREIGN, max_size=3)


def settings(given: dict[str, Any]) -> None:
    fields = {"model": NEW, "api_key": "k", "transport": Answering(FINE), **given}
    with suppress(CodeExecError, ValidationError):
        ChatGeminiCodeExecution(**fields).invoke("q") if fields["transport"] == given.get(
            "transport", ...
        ) else (ChatGeminiCodeExecution(**fields))
    per_call = {name: value for name, value in given.items() if name != "transport"}
    with suppress(CodeExecError, ValidationError):
        chat(FINE).invoke("q", **per_call)


NAMES = [*"t.csv t.tsv t.json t.jsonl t.xlsx t.parquet t.html t.md t.txt t.png t.pdf t ../t.csv".split(), ""]
BYTES = st.binary(max_size=60) | st.sampled_from(
    [b"a,b\n1,2\n", b"\xff\xfea\x00", b"\xef\xbb\xbfa;b\n1;2", b'[{"a": 1}, {"b": [2]}]', b'{"a": NaN}', b"[" * 5000, b"PK\x03\x04",
     b"PAR1", b"<table><tr><td rowspan=99999999>1</table>", b"| a | b |\n|---|\n| 1 |", b'"a\n1', b"\x00" * 9, b"a,a,a\n,,\n"]
)  # fmt: skip


def files(given: tuple[bytes, str]) -> None:
    data, name = given
    with suppress(CodeExecError):
        data_message("q", data, names=[name])
    tables_in_text(data.decode("utf-8", "surrogateescape"))


FIGURES = "1 , . million % € ½ ² 10^ 1e9 ( ) - \u2212 ٣ two third".split()
TEXTS = st.text(max_size=60) | st.lists(st.sampled_from([*FIGURES, " ", "\n"]), max_size=12).map("".join)


def figures(text: str) -> None:
    for figure in (*stated_figures(text), *printed_figures(text)):
        repr(figure)


REQUEST = {
    "contents": [{"role": "user", "parts": [PARTS[0], PARTS[5]]}, {"role": "model", "parts": PARTS[2:5]}, {"role": "user", "parts": [{"text": "q"}]}],
    "systemInstruction": {"parts": [{"text": "s"}]},
    "tools": [{"codeExecution": {}}, {"functionDeclarations": [FUNCTION]}],
    "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}, "includeServerSideToolInvocations": True},
    "generationConfig": {"temperature": 1, "stopSequences": ["x"], "responseSchema": {"type": "OBJECT"}, "maxOutputTokens": 5},
    "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
    "labels": {"a": "b"},
    "cachedContent": "cachedContents/x",
}  # fmt: skip
PATHS = [
    f"/v1beta/models/{NEW}:generateContent",
    f"/v1beta/models/{OLD}:countTokens",
    f"/v1beta1/projects/p/locations/l/publishers/google/models/{NEW}:streamGenerateContent?alt=sse",
    "/v1beta/cachedContents",
    "/v1beta/interactions",
    "/__emulator__/faults",
]


def requests(body: Any) -> None:
    """The emulator answers whatever it is sent, and with no error of its own."""

    async def ask() -> None:
        transport = httpx.ASGITransport(
            create_app(ScriptedBrain(lambda prompt: "Hi.")), client=("127.0.0.1", 5)
        )
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            content = json.dumps(body).encode("utf-8", "surrogatepass")
            for path in PATHS:
                method = "PUT" if path.endswith("faults") else "POST"
                response = await http.request(method, path, content=content, headers={"x-goog-api-key": "k"})
                assert response.status_code < 500, (path, response.text)

    asyncio.run(ask())


CASSETTE = {
    "version": 1,
    "interactions": [
        {"order": 1, "request": {"method": "POST", "path": "/x", "query": {}, "body": {}}, "response": {"status": 200, "headers": {}, "body": {}}}
    ],
}  # fmt: skip
STEPS = [
    ["text", {"code": "print(1)"}, {"call": "f", "args": {}}],
    {"error": 429},
    {"finish": "STOP"},
    "text",
]


def scripts(document: Any) -> None:
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.yaml"
        path.write_text(json.dumps(document), encoding="utf-8")
        with suppress(CodeExecError):
            dump_cassette(read_cassette(path))
        with suppress(CodeExecError):
            ScriptedBrain.from_yaml(path)


TARGETS = {
    "answers": Target(CHUNKS, answers),
    "messages": Target(MESSAGES, messages),
    "tools": Target(TOOLS, tools),
    "settings": Target(SETTINGS, settings),
    "files": Target(st.tuples(BYTES, st.sampled_from(NAMES)), files),
    "figures": Target(TEXTS, figures),
    "requests": Target(broken(st.just(REQUEST)), requests),
    "scripts": Target(broken(st.sampled_from([CASSETTE, {"steps": STEPS}, STEPS])), scripts),
}
