"""A LangChain model behind the emulator."""

from __future__ import annotations

import json
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import Field

from langchain_codeexec.emulator import LangChainBrain

TOOL = {"tools": [{"codeExecution": {}}]}
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


class Scripted(BaseChatModel):
    """Says what it was told to, and keeps what it was asked."""

    says: list[Any]
    takes_tools: bool = True
    prompts: list[Any] = Field(default_factory=list)
    settings: list[Any] = Field(default_factory=list)

    @property
    def _llm_type(self):
        return "scripted"

    def bind_tools(self, tools, **kwargs):
        if not self.takes_tools:
            raise NotImplementedError
        return self.bind(tools=tools, **kwargs)

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        self.prompts.append(list(messages))
        self.settings.append({**kwargs, **({"stop": stop} if stop else {})})
        reply = self.says.pop(0)
        message = AIMessage(reply) if isinstance(reply, str) else reply
        return ChatResult(generations=[ChatGeneration(message=message)])


def ask(*turns, **more):
    contents = [
        {"role": "user", "parts": [{"text": turn}]} if isinstance(turn, str) else turn
        for turn in turns or ["Go"]
    ]
    return {"contents": contents, **more}


def code(text):
    return f"```python\n{text}\n```"


def kinds(parts):
    return [next(iter(part)) for part in parts]


def test_code_is_run_and_what_came_out_is_told(start):
    llm = Scripted(says=["I compute.\n" + code("print(6 * 7)") + "\nIt prints 41.", "It is 42."])
    text, call, result, last = start(LangChainBrain(llm)).parts(ask(**TOOL))
    assert text == {"text": "I compute.\n"}
    assert call == {"executableCode": {"language": "PYTHON", "code": "print(6 * 7)\n"}}
    assert result == {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "42\n"}}
    assert last == {"text": "It is 42."}
    system, user = llm.prompts[0]
    assert isinstance(system, SystemMessage)
    assert "```python" in system.text
    assert user == HumanMessage("Go")
    assert llm.prompts[1][2:] == [
        AIMessage("I compute.\n\n```python\nprint(6 * 7)\n```"),
        HumanMessage("The program ran and printed:\n```output\n42\n```"),
    ]


def test_variables_stay_and_an_open_block_is_code_as_well(start):
    llm = Scripted(says=[code("x = 6"), "```py\nprint(x * 7)", "Done."])
    parts = start(LangChainBrain(llm)).parts(ask(**TOOL))
    assert [part["codeExecutionResult"].get("output") for part in parts[1::2]] == [None, "42\n"]
    assert "(nothing)" in llm.prompts[1][-1].text


def test_failing_code_may_be_mended_five_times(start):
    attempts = [code(f"raise ValueError({number})") for number in range(6)]
    llm = Scripted(says=[*attempts, "I give up: " + code("print(1)")])
    parts = start(LangChainBrain(llm)).parts(ask(**TOOL))
    outcomes = [part["codeExecutionResult"]["outcome"] for part in parts if "codeExecutionResult" in part]
    assert outcomes == ["OUTCOME_FAILED"] * 6
    assert parts[-1] == {"text": "I give up: " + code("print(1)")}
    assert "ValueError: 0" in llm.prompts[1][-1].text
    assert ["No more programs" in prompts[-1].text for prompts in llm.prompts] == [False] * 6 + [True]


def test_a_success_begins_the_count_anew(start):
    bad, good = code("1 / 0"), code("print(1)")
    llm = Scripted(says=[bad, good, bad, good, "Done."])
    parts = start(LangChainBrain(llm, max_retries=1)).parts(ask(**TOOL))
    assert len(parts) == 9
    llm = Scripted(says=[bad, bad, bad])
    assert kinds(start(LangChainBrain(llm, max_retries=1)).parts(ask(**TOOL)))[-1] == "text"


def test_it_does_not_run_for_ever(start):
    llm = Scripted(says=[code("print(1)")] * 21)
    parts = start(LangChainBrain(llm)).parts(ask(**TOOL))
    assert len(parts) == 41
    assert parts[-1] == {"text": code("print(1)")}


@pytest.mark.parametrize(
    ("label", "tools"), [("text", TOOL), ("json", TOOL), ("", TOOL), ("bash", TOOL), ("python", {})]
)
def test_only_python_is_run_and_only_with_the_tool(start, label, tools):
    reply = f"```{label}\nprint(1)\n```"
    llm = Scripted(says=[reply])
    assert start(LangChainBrain(llm)).parts(ask(**tools)) == [{"text": reply}]
    assert llm.prompts[0][-1] == HumanMessage("Go")
    assert len(llm.prompts[0]) == (2 if tools else 1)


def test_own_instructions(start):
    llm = Scripted(says=["Hi."])
    body = ask(**TOOL, systemInstruction={"parts": [{"text": "Be "}, {"text": "brief."}]})
    start(LangChainBrain(llm, instructions="Write code.")).parts(body)
    assert llm.prompts[0][0] == SystemMessage("Be brief.\n\nWrite code.")


def test_plots_come_along(start):
    drawing = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
    llm = Scripted(says=[code(drawing), "There."])
    parts = start(LangChainBrain(llm)).parts(ask(**TOOL))
    assert kinds(parts) == ["executableCode", "codeExecutionResult", "inlineData", "text"]
    assert "drew 1 image" in llm.prompts[1][-1].text


# -- functions -----------------------------------------------------------------------------------------

SCHEMA = {
    "type": "OBJECT",
    "properties": {
        "city": {"type": "STRING", "nullable": True},
        "days": {"type": "ARRAY", "items": {"type": "INTEGER"}},
        "unit": {"anyOf": [{"type": "STRING"}, {"type": "NULL"}]},
        "kind": {"type": "STRING", "nullable": True, "enum": ["a"]},
    },
    "propertyOrdering": ["city"],
}
PLAIN = {
    "type": "object",
    "properties": {
        "city": {"type": ["string", "null"]},
        "days": {"type": "array", "items": {"type": "integer"}},
        "unit": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "kind": {"type": ["string", "null"], "enum": ["a"]},
    },
}
WEATHER = {
    "functionDeclarations": [
        {"name": "weather", "description": "Tells it.", "parameters": SCHEMA},
        {"name": "other"},
    ]
}


def calling(name="weather", **arguments):
    return AIMessage("", tool_calls=[{"name": name, "args": arguments, "id": "call_x"}])


def test_functions_are_bound_as_tools(start):
    llm = Scripted(says=[calling(city="Utrecht")])
    (part,) = start(LangChainBrain(llm)).parts(ask(tools=[WEATHER]), endpoint="vertex")
    assert part["functionCall"] == {"name": "weather", "args": {"city": "Utrecht"}}
    weather, second = (tool["function"] for tool in llm.settings[0]["tools"])
    assert weather == {"name": "weather", "description": "Tells it.", "parameters": PLAIN}
    assert second["parameters"] == {"type": "object", "properties": {}}


@pytest.mark.parametrize(
    ("config", "names", "choice"),
    [
        ({"mode": "ANY"}, ["weather", "other"], "any"),
        ({"mode": "ANY", "allowedFunctionNames": ["other"]}, ["other"], "any"),
        ({"mode": "AUTO"}, ["weather", "other"], None),
        ({"mode": "NONE"}, [], None),
    ],
)
def test_which_functions_may_be_called(start, config, names, choice):
    llm = Scripted(says=["Fine."])
    start(LangChainBrain(llm)).parts(ask(tools=[WEATHER], toolConfig={"functionCallingConfig": config}))
    settings = llm.settings[0]
    assert [tool["function"]["name"] for tool in settings.get("tools", [])] == names
    assert settings.get("tool_choice") == choice


def test_a_function_round_with_ids_and_without(start):
    calls = [{"functionCall": {"name": "weather", "args": {"city": city}}} for city in ("Utrecht", "Oslo")]
    replies = [{"functionResponse": {"name": "weather", "response": {"t": t}}} for t in (1, 2)]
    old = ask("Go", {"role": "model", "parts": calls}, {"role": "user", "parts": replies}, tools=[WEATHER])
    llm = Scripted(says=["Cold.", "Cold."])
    client = start(LangChainBrain(llm))
    assert [part["text"] for part in client.parts(old)] == ["Cold."]
    _, model, first, second = llm.prompts[0]
    assert [call["id"] for call in model.tool_calls] == ["call_1", "call_2"]
    assert first == ToolMessage('{"t": 1}', tool_call_id="call_1", name="weather")
    assert second == ToolMessage('{"t": 2}', tool_call_id="call_2", name="weather")

    for index, (call, reply) in enumerate(zip(calls, replies, strict=True)):
        call["functionCall"]["id"] = f"id{index}"
        reply["functionResponse"]["id"] = f"id{1 - index}"
    calls[0]["thoughtSignature"] = "c2ln"
    client.parts(old, model="gemini-3-flash-preview")
    assert [message.tool_call_id for message in llm.prompts[1][2:]] == ["id1", "id0"]


def test_a_model_without_tools_says_so(start):
    client = start(LangChainBrain(Scripted(says=[], takes_tools=False)))
    response = client.ask(ask(tools=[WEATHER]))
    assert response.status_code == 400
    assert "Scripted, the model behind the emulator, takes no tools" in response.text


def test_code_and_a_call_in_one_message(start):
    message = AIMessage(code("print(1)"), tool_calls=[{"name": "weather", "args": {}, "id": "x"}])
    tools = [{"codeExecution": {}}, WEATHER]
    body = ask(tools=tools)
    parts = start(LangChainBrain(Scripted(says=[message]))).parts(
        body, model="gemini-3-flash-preview", endpoint="vertex"
    )
    assert kinds(parts) == ["executableCode", "codeExecutionResult", "functionCall"]


def test_a_call_that_cannot_be_read(start):
    message = AIMessage("", invalid_tool_calls=[{"name": "weather", "args": "{", "id": "x", "error": "no"}])
    answer = start(LangChainBrain(Scripted(says=[message]))).ask(ask(tools=[WEATHER])).json()
    assert answer["candidates"][0] == {
        "index": 0,
        "finishReason": "MALFORMED_FUNCTION_CALL",
        "finishMessage": "Malformed function call: weather({)",
    }


# -- what else a request holds -------------------------------------------------------------------------


def test_history_is_told_as_it_went(start):
    model = {
        "role": "model",
        "parts": [
            {"text": "Hm", "thought": True},
            {"text": "I compute."},
            {"executableCode": {"language": "PYTHON", "code": "print(1)"}},
            {"codeExecutionResult": {"outcome": "OUTCOME_FAILED", "output": "boom"}},
            {"text": "No."},
        ],
    }
    llm = Scripted(says=["Fine."])
    start(LangChainBrain(llm, instructions="")).parts(ask("Go", model, "And?", **TOOL))
    assert llm.prompts[0] == [
        HumanMessage("Go"),
        AIMessage("I compute.\n```python\nprint(1)\n```"),
        HumanMessage("The program failed:\n```output\nboom\n```"),
        AIMessage("No."),
        HumanMessage("And?"),
    ]


def test_files_are_shown_and_lie_in_the_working_directory(start):
    parts = [
        {"text": "Look:"},
        {"inlineData": {"mimeType": "text/csv", "data": "YSxiCjEsMg=="}},
        {"inlineData": {"mimeType": "image/png", "data": PNG}},
        {"inlineData": {"mimeType": "application/pdf", "data": ""}},
        {"fileData": {"mimeType": "text/csv", "fileUri": "gs://b/x.csv"}},
    ]
    llm = Scripted(says=[code("print(open('input_file_0.csv').read())"), "Seen."])
    answer = start(LangChainBrain(llm)).parts(ask({"role": "user", "parts": parts}, **TOOL))
    assert answer[1]["codeExecutionResult"]["output"] == "a,b\n1,2\n"
    blocks = llm.prompts[0][1].content
    assert [block.get("text") for block in blocks] == [
        "Look:",
        "(the file input_file_0.csv, text/csv)",
        "a,b\n1,2",
        "(the file input_file_1.png, image/png)",
        None,
        "(the file input_file_2.pdf, application/pdf)",
        "(a file at gs://b/x.csv)",
    ]
    assert blocks[4]["type"] == "image"
    assert (blocks[4]["base64"], blocks[4]["mime_type"]) == (PNG, "image/png")


@pytest.mark.parametrize("reply", ['{"n": 1}', '```json\n{"n": 1}\n```', '```\n{"n": 1}\n```'])
def test_json_is_asked_for_and_given_bare(start, reply):
    llm = Scripted(says=[reply])
    config = {"responseMimeType": "application/json", "responseSchema": {"type": "OBJECT"}}
    (part,) = start(LangChainBrain(llm)).parts(ask(generationConfig=config))
    assert json.loads(part["text"]) == {"n": 1}
    assert "fits this schema" in llm.prompts[0][0].text


def test_thoughts_are_given_where_they_are_asked_for_and_stop_sequences_passed_on(start):
    message = AIMessage(
        [{"type": "reasoning", "reasoning": "Hm."}, {"type": "text", "text": "Yes."}],
        response_metadata={"output_version": "v1"},
    )
    llm = Scripted(says=[message, message])
    client = start(LangChainBrain(llm))
    assert client.parts(ask()) == [{"text": "Yes."}]
    config = {"thinkingConfig": {"includeThoughts": True}, "stopSequences": ["END"]}
    assert client.parts(ask(generationConfig=config)) == [{"text": "Hm.", "thought": True}, {"text": "Yes."}]
    assert llm.settings == [{}, {"stop": ["END"]}]


def test_a_model_that_fails_is_a_500_that_says_why(start):
    response = start(LangChainBrain(Scripted(says=[]))).ask(ask())
    assert response.status_code == 500
    assert "IndexError" in response.text
