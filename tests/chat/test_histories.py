"""Conversations nobody planned for: each is sent in a form the service takes, or refused with a remedy."""

from typing import Any

import pytest
from langchain_core.messages import (
    AIMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
    filter_messages,
    merge_message_runs,
    trim_messages,
)

from langchain_codeexec.errors import CodeExecError, MessageError
from langchain_codeexec.gemini.capabilities import Destination
from langchain_codeexec.messages.from_wire import Origin, messages_from_response

SIGNED = {"thoughtSignature": "c2lnbmF0dXJl"}
STAND_IN = {"thoughtSignature": "skip_thought_signature_validator"}
Q, NEXT = HumanMessage("q"), HumanMessage("next")


def own(*parts: dict[str, Any]) -> AIMessage:
    """An answer of our own model."""
    candidate = {"content": {"role": "model", "parts": list(parts)}, "finishReason": "STOP"}
    [answer] = messages_from_response(
        {"candidates": [candidate]}, Origin(Destination("gemini-3-flash-preview", "developer"))
    )
    return answer


def call_part(name: str, call_id: str = "", **args: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name, "args": args, **({"id": call_id} if call_id else {})}}


def call(call_id: str | None, name: str = "f", **args: Any) -> dict[str, Any]:
    return {"name": name, "args": args, "id": call_id}


F, G = call_part("f", "c1", x=1), call_part("g", "c2")
CALLS = own({**F, **SIGNED}, G)
RUN = (
    {"executableCode": {"language": "PYTHON", "code": "print(1)", "id": "a"}, **SIGNED},
    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n", "id": "a"}},
)
ONE, TWO = ToolMessage("one", tool_call_id="c1"), ToolMessage("two", tool_call_id="c2")
NOT_CARRIED_OUT = {"error": "This call was not carried out: the conversation holds no result of it."}


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "parts": [{"text": part} if isinstance(part, str) else part for part in parts]}


def model(*parts: Any) -> dict[str, Any]:
    return {**user(*parts), "role": "model"}


def response(name: str, call_id: str = "", **said: Any) -> dict[str, Any]:
    return {"functionResponse": {"name": name, "response": said, **({"id": call_id} if call_id else {})}}


def orphan(output: str, name: str = "The tool") -> dict[str, Any]:
    return {"text": f'{name} returned: {{"output": "{output}"}}'}


BOTH = [response("f", "c1", output="one"), response("g", "c2", output="two")]
ASKED_AND_CALLED = [user("q"), model({**F, **SIGNED}, G)]

SENT = {
    "two questions": ([Q, NEXT], [user("q"), user("next")]),
    "ends on an answer": ([Q, AIMessage("a")], [user("q"), model("a")]),
    "begins with an answer": ([AIMessage("Hello!"), Q], [model("Hello!"), user("q")]),
    "two answers": ([Q, AIMessage("a"), AIMessage("b"), NEXT], [user("q"), model("a", "b"), user("next")]),
    "empty answers": ([Q, AIMessage(""), AIMessage([]), NEXT], [user("q"), user("next")]),
    "questions without text": (
        [HumanMessage(""), AIMessage("a"), SystemMessage(""), HumanMessage(["", "next", ""])],
        [model("a"), user("next")],
    ),
    "nothing but an empty text": ([HumanMessage("")], [user("")]),
    "answer, then calls": (
        [Q, AIMessage("a"), CALLS, ONE, TWO],
        [user("q"), model("a", {**F, **SIGNED}, G), user(*BOTH)],
    ),
    "replies": ([Q, CALLS, ONE, TWO], [*ASKED_AND_CALLED, user(*BOTH)]),
    "replies out of order": ([Q, CALLS, TWO, ONE], [*ASKED_AND_CALLED, user(*BOTH)]),
    "a reply missing": (
        [Q, CALLS, TWO],
        [*ASKED_AND_CALLED, user(response("f", "c1", **NOT_CARRIED_OUT), BOTH[1])],
    ),
    "replies missing before a question": (
        [Q, CALLS, NEXT],
        [
            *ASKED_AND_CALLED,
            user(response("f", "c1", **NOT_CARRIED_OUT), response("g", "c2", **NOT_CARRIED_OUT)),
            user("next"),
        ],
    ),
    "ends on calls": (
        [Q, own({**F, **SIGNED})],
        [user("q"), model({**F, **SIGNED}), user(response("f", "c1", **NOT_CARRIED_OUT))],
    ),
    "a reply twice": ([Q, CALLS, ONE, ONE, TWO], [*ASKED_AND_CALLED, user(*BOTH, orphan("one"))]),
    "a reply too late": (
        [Q, CALLS, ONE, TWO, AIMessage("a"), ONE],
        [*ASKED_AND_CALLED, user(*BOTH), model("a"), user(orphan("one"))],
    ),
    "a reply to nothing": ([Q, ToolMessage("x", tool_call_id="?", name="f")], [user("q"), user(orphan("x", "f"))]),
    "begins with a reply": ([ONE, Q], [user(orphan("one")), user("q")]),
    "a failed reply": (
        [Q, own({**F, **SIGNED}), ToolMessage("no", tool_call_id="c1", status="error")],
        [user("q"), model({**F, **SIGNED}), user(response("f", "c1", error="no"))],
    ),
    "begins with calls": (
        [CALLS, ONE, TWO, NEXT],
        [user("The beginning of this conversation was left out."), ASKED_AND_CALLED[1], user(*BOTH), user("next")],
    ),
    "calls twice in a row": (
        [Q, own({**F, **SIGNED}), own({**G, **SIGNED}), TWO],
        [
            user("q"),
            model({**F, **SIGNED}),
            user(response("f", "c1", **NOT_CARRIED_OUT)),
            model({**G, **SIGNED}),
            user(BOTH[1]),
        ],
    ),
    "a call nobody signed": (
        [Q, AIMessage("", tool_calls=[call("x", a=1)]), ToolMessage("one", tool_call_id="x")],
        [user("q"), model({**call_part("f", a=1), **STAND_IN}), user(response("f", output="one"))],
    ),
    "a call without an id": (
        [Q, AIMessage("", tool_calls=[call(None)]), ToolMessage("one", tool_call_id="x")],
        [user("q"), model({**call_part("f"), **STAND_IN}), user(response("f", **NOT_CARRIED_OUT), orphan("one"))],
    ),
    "an invalid call": (
        [
            Q,
            AIMessage("", invalid_tool_calls=[{"name": "f", "args": "{", "id": "1", "error": "x"}]),
            ToolMessage("no", tool_call_id="1", status="error"),
        ],
        [user("q"), model('I called f with "{".'), user({"text": 'The tool returned: {"error": "no"}'})],
    ),
    "a function message": (
        [Q, AIMessage("", tool_calls=[call("x")]), FunctionMessage(name="f", content="one")],
        [user("q"), model({**call_part("f"), **STAND_IN}), user(response("f", output="one"))],
    ),
    "a call of OpenAI's functions": (
        [
            Q,
            AIMessage("", additional_kwargs={"function_call": {"name": "f", "arguments": '{"a": 1}'}}),
            FunctionMessage(name="f", content="one"),
        ],
        [user("q"), model({**call_part("f", a=1), **STAND_IN}), user(response("f", output="one"))],
    ),
    "a call taken out of Google's answer": (
        [
            Q,
            AIMessage(
                "a",
                additional_kwargs={"function_call": {"name": "f", "arguments": "{}"}},
                response_metadata={"model_provider": "google_genai"},
            ),
            NEXT,
        ],
        [user("q"), model("a"), user("next")],
    ),
    "system text before a reply": (
        [Q, CALLS, SystemMessage("s"), ONE, TWO],
        [*ASKED_AND_CALLED, user(*BOTH)],
    ),
    "a function message to nothing": (
        [Q, FunctionMessage(name="f", content="one")],
        [user("q"), user(orphan("one", "f"))],
    ),
    "chat messages": (
        [
            ChatMessage(role="developer", content="s"),
            ChatMessage(role="User", content="q"),
            ChatMessage(role="assistant", content="a"),
            ChatMessage(role="tool", content="one"),
            Q,
        ],
        [user("q"), model("a"), user(orphan("one")), user("q")],
    ),
    "a run taken apart": (
        [Q, own(*RUN).model_copy(update={"content": own(*RUN).content[1:]}), NEXT],
        [user("q"), model(RUN[1]), user("next")],
    ),
    "an answer replaced by text": (
        [Q, own(*RUN).model_copy(update={"content": "edited"}), NEXT],
        [user("q"), model("edited"), user("next")],
    ),
    "text put before an answer": (
        [Q, own(*RUN).model_copy(update={"content": ["so: ", *own(*RUN).content]}), NEXT],
        [user("q"), model("so: ", *RUN), user("next")],
    ),
    "merged runs": (
        merge_message_runs([Q, NEXT, own(*RUN), own({"text": "a"}), NEXT]),
        [user("q\nnext"), model(*RUN, "a"), user("next")],
    ),
    "merged calls": (
        merge_message_runs([Q, own({**F, **SIGNED}), own({**G, **SIGNED}), ONE, TWO]),
        [user("q"), model({**F, **SIGNED}, {**G, **SIGNED}), user(*BOTH)],
    ),
    "filtered": (
        filter_messages([Q, AIMessage("a", name="helper"), NEXT], exclude_names=["helper"]),
        [user("q"), user("next")],
    ),
    "trimmed": (
        trim_messages([Q, CALLS, ONE, TWO, AIMessage("a"), NEXT], max_tokens=4, token_counter=len),
        [user(orphan("one"), orphan("two")), model("a"), user("next")],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("messages", "contents"), SENT.values(), ids=SENT)
def test_what_is_sent(gemini: Any, messages: list[Any], contents: list[Any]) -> None:
    gemini.says("Fine.")
    assert gemini.chat().invoke(messages).text == "Fine."
    assert gemini.body["contents"] == contents


# -- people edit calls before they are carried out -------------------------------------------------------------

EDITED = {
    "arguments": ([call("c1", x=9), call("c2", "g")], [{**call_part("f", "c1", x=9), **SIGNED}, G]),
    "name": ([call("c1", "h", x=1), call("c2", "g")], [{**call_part("h", "c1", x=1), **SIGNED}, G]),
    "order": ([call("c2", "g"), call("c1", x=1)], [{**F, **SIGNED}, G]),
    "first one taken out": ([call("c2", "g")], [{**G, **STAND_IN}]),
    "last one taken out": ([call("c1", x=1)], [{**F, **SIGNED}]),
    "all taken out": ([], []),
    "one put in": ([*CALLS.tool_calls, call("new", "k")], [{**F, **SIGNED}, G, call_part("k")]),
    "replaced": ([call("new", "k")], [{**call_part("k"), **STAND_IN}]),
}


@pytest.mark.parametrize(("tool_calls", "parts"), EDITED.values(), ids=EDITED)
@pytest.mark.parametrize("with_run", [False, True])
def test_edited_calls_are_sent_as_edited(
    gemini: Any, tool_calls: list[Any], parts: list[Any], with_run: bool
) -> None:
    run = RUN if with_run else ()
    answer = own(*run, {**F, **SIGNED}, G).model_copy(update={"tool_calls": tool_calls})
    gemini.says("Fine.")
    replies = [ToolMessage("done", tool_call_id=one["id"]) for one in tool_calls]
    gemini.chat().invoke([Q, answer, *replies, NEXT])
    sent = [
        part for content in gemini.body["contents"] if content["role"] == "model" for part in content["parts"]
    ]
    assert sent == [*run, *parts]


def test_edited_arguments_replace_those_the_wire_left_out(gemini: Any) -> None:
    answer = own({"functionCall": {"name": "f", "id": "c1"}, **SIGNED})
    gemini.says("Fine.")
    gemini.chat().invoke([Q, answer.model_copy(update={"tool_calls": [call("c1", x=9)]}), ONE])
    assert gemini.body["contents"][1]["parts"] == [{**call_part("f", "c1", x=9), **SIGNED}]


# -- what a tool returned --------------------------------------------------------------------------------------

PNG = {"type": "image", "base64": "aGk=", "mime_type": "image/png"}
PNG_PART = {"inlineData": {"mimeType": "image/png", "data": "aGk="}}
DEEP = '{"a":' * 3000 + "1" + "}" * 3000


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("text", {"output": "text"}),
        ("", {"output": ""}),
        ('{"a": [1, null]}', {"a": [1, None]}),
        ("{}", {}),
        ("[1, 2]", {"output": "[1, 2]"}),
        ('{"a": NaN}', {"output": '{"a": NaN}'}),
        ('{"a": 1', {"output": '{"a": 1'}),
        (DEEP, {"output": DEEP}),
        ([], {"output": ""}),
        (["a", {"type": "text", "text": "b"}], {"output": "a\nb"}),
        (["a", {"rows": [1]}], {"output": ["a", {"rows": [1]}]}),
        ([{"type": "text-plain", "text": "t"}], {"output": [{"type": "text-plain", "text": "t"}]}),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_a_tool_returned(gemini: Any, content: Any, said: dict[str, Any]) -> None:
    gemini.says("Fine.")
    gemini.chat().invoke([Q, own({**F, **SIGNED}), ToolMessage(content, tool_call_id="c1")])
    assert gemini.body["contents"][-1]["parts"] == [response("f", "c1", **said)]


def test_images_of_a_tool_go_with_its_response_where_that_is_possible(gemini: Any) -> None:
    gemini.says("Fine.")
    messages = [Q, own({**F, **SIGNED}), ToolMessage(["look: ", PNG], tool_call_id="c1")]
    gemini.chat().invoke(messages)
    gemini.chat(model="gemini-2.5-flash", code_execution=False).bind_tools([{"name": "f"}]).invoke(messages)
    new, old = (body["contents"][-1]["parts"] for body in gemini.bodies)
    said = response("f", "c1", output="look: ")["functionResponse"]
    assert new == [{"functionResponse": {**said, "parts": [PNG_PART]}}]
    assert old == [{"functionResponse": said}, PNG_PART]


def test_images_of_a_reply_to_nothing_are_kept(gemini: Any) -> None:
    gemini.says("Fine.")
    gemini.chat().invoke([Q, ToolMessage(["look", PNG, {"x": b"1"}], tool_call_id="?")])
    text, image = gemini.body["contents"][-1]["parts"]
    assert "look" in text["text"]
    assert image == PNG_PART


# -- system text -----------------------------------------------------------------------------------------------


def test_system_text_is_collected(gemini: Any) -> None:
    gemini.says("Fine.")
    blocks = [{"type": "text", "text": "b", "cache_control": {}}, PNG]
    gemini.chat().invoke([SystemMessage("a"), Q, SystemMessage(blocks), NEXT])
    assert gemini.body["systemInstruction"] == {"parts": [{"text": "a"}, {"text": "b"}, PNG_PART]}
    assert gemini.body["contents"] == [user("q"), user("next")]


# -- what cannot be sent ---------------------------------------------------------------------------------------


def blocks_changed(index: int, **changes: Any) -> AIMessage:
    answer = own(*RUN)
    content = [dict(block) for block in answer.content]
    content[index] |= changes
    return answer.model_copy(update={"content": content})


@pytest.mark.parametrize(
    ("messages", "remedy"),
    [
        ([], "needs a HumanMessage"),
        ([SystemMessage("s")], "needs a HumanMessage"),
        ([HumanMessage([])], "needs a HumanMessage"),
        ([AIMessage("")], "needs a HumanMessage"),
        ([Q, RemoveMessage(id="1")], "use one of human, ai, tool, system, function, chat$"),
        ([ChatMessage(role="narrator", content="x")], "'narrator'; Gemini knows user"),
        ([Q, blocks_changed(0, extras="x"), NEXT], "leave the blocks as they came"),
        ([Q, blocks_changed(0, args="x"), NEXT], "leave the blocks as they came"),
        ([Q, blocks_changed(0, extras={"part": "x"}), NEXT], "leave the blocks as they came"),
        ([Q, AIMessage("", tool_calls=[call("1", x=float("nan"))])], "Convert such values"),
        ([Q, AIMessage("", tool_calls=[call("1", x=object())])], "Convert such values"),
        ([Q, own({**F, **SIGNED}), ToolMessage([{"x": b"1"}], tool_call_id="c1")], "Convert such values"),
        ([HumanMessage("\ud800")], "Convert such values"),
    ],
)
@pytest.mark.parametrize("call_way", ["invoke", "stream"])
def test_what_cannot_be_sent_is_refused_with_a_remedy(
    gemini: Any, messages: Any, remedy: str, call_way: str
) -> None:
    llm = gemini.chat()
    with pytest.raises(MessageError, match=remedy):
        list(getattr(llm, call_way)(messages))
    assert not gemini.requests


@pytest.mark.parametrize(
    "messages",
    [
        [AIMessage("a")],
        [Q, blocks_changed(1, output={"a": 1}), NEXT],
    ],
)
def test_what_the_service_refuses_is_told_as_it_says(gemini: Any, messages: Any) -> None:
    gemini.says("Fine.")
    with pytest.raises(CodeExecError, match="400 INVALID_ARGUMENT"):
        gemini.chat().invoke(messages)
