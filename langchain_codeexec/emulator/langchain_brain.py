"""Any LangChain chat model as the emulator's brain, which gains code execution as Gemini has it.

The request becomes messages and tools that a model knows which knows nothing of Gemini, and what the model writes
becomes parts: its fenced Python blocks are run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage, ToolMessage

from langchain_codeexec.emulator.answering import MENDING_ATTEMPTS, input_files
from langchain_codeexec.emulator.brain import Parts, Prompt
from langchain_codeexec.emulator.parsing import bytes_from_base64, callable_functions, calling_config
from langchain_codeexec.emulator.service_errors import not_prepared
from langchain_codeexec.emulator.tool_rules import declares
from langchain_codeexec.executions import Outcome
from langchain_codeexec.gemini.wire import Content, GenerateContentRequest, GenerateContentResponse, Part

__all__ = ["PROTOCOL", "LangChainBrain"]

_OUTCOMES = {
    "OUTCOME_OK": "The program ran and printed:",
    "OUTCOME_FAILED": "The program failed:",
    "OUTCOME_DEADLINE_EXCEEDED": "The program took too long and was ended:",
}
_SHOWN_OF_A_FILE = 2000


def code_block(code: str) -> str:
    """A program as the model writes it when it wants to run it."""
    return f"```python\n{code.rstrip()}\n```"


def result_text(outcome: str, output: str, images: int = 0) -> str:
    """What a program did, as the model reads it."""
    drawing = f"\nIt drew {images} image(s), which the user sees." if images else ""
    opening = _OUTCOMES.get(outcome, "The program ended:")
    return f"{opening}\n```output\n{output.rstrip() or '(nothing)'}\n```{drawing}"


def tools_from_request(request: GenerateContentRequest) -> list[dict[str, Any]]:
    """The functions that may be called, in OpenAI's form, which every LangChain model that has tools takes."""
    return [{"type": "function", "function": _function(one)} for one in callable_functions(request)]


def _function(declaration: Mapping[str, Any]) -> dict[str, Any]:
    schema = declaration.get("parametersJsonSchema") or json_schema(declaration.get("parameters") or {})
    return {
        "name": declaration.get("name", ""),
        "description": declaration.get("description", ""),
        "parameters": schema or {"type": "object", "properties": {}},
    }


def json_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Gemini's schema as JSON Schema: type names in lower case, `nullable` as a type of its own."""
    plain = {name: _SCHEMA_PARTS.get(name, _as_it_is)(value) for name, value in schema.items()}
    plain.pop("propertyOrdering", None)
    if plain.pop("nullable", False) and isinstance(plain.get("type"), str):
        plain["type"] = [plain["type"], "null"]
    return plain


def _as_it_is(value: Any) -> Any:
    return value


_SCHEMA_PARTS: Mapping[str, Callable[[Any], Any]] = {
    "type": lambda value: value.lower() if isinstance(value, str) else value,
    "items": json_schema,
    "properties": lambda value: {name: json_schema(one) for name, one in value.items()},
    "anyOf": lambda value: [json_schema(one) for one in value],
}


def messages_from_request(request: GenerateContentRequest) -> list[AnyMessage]:
    """The contents as messages: code as fenced blocks, what it printed as the user's words."""
    reader = _Reader(request)
    return [message for content in request.get("contents") or [] for message in reader.messages(content)]


class _Reader:
    """Goes through the contents once, in order: files are numbered, responses find their calls."""

    def __init__(self, request: GenerateContentRequest) -> None:
        self._files = iter(input_files(request))
        self._open_calls: list[dict[str, Any]] = []
        self._calls = 0

    def messages(self, content: Content) -> Iterator[AnyMessage]:
        parts = content.get("parts") or []
        if content.get("role") == "model":
            yield from self._model_turn(parts)
            return
        for part in parts:
            if "functionResponse" in part:
                yield self._response(part["functionResponse"])
        blocks = [block for part in parts for block in self._user_blocks(part)]
        if all(block["type"] == "text" for block in blocks):
            if blocks:
                yield HumanMessage("\n".join(block["text"] for block in blocks))
        else:
            yield HumanMessage(content_blocks=blocks)

    def _model_turn(self, parts: list[Part]) -> Iterator[AnyMessage]:
        """One message up to every result, which the user's side gives."""
        texts: list[str] = []
        calls: list[dict[str, Any]] = []
        for part in parts:
            if part.get("thought"):
                continue
            if "text" in part:
                texts.append(part["text"])
            elif "executableCode" in part:
                texts.append(f"\n{code_block(part['executableCode'].get('code', ''))}\n")
            elif "codeExecutionResult" in part:
                yield AIMessage("".join(texts).strip())
                texts = []
                result = part["codeExecutionResult"]
                yield HumanMessage(result_text(result.get("outcome", ""), result.get("output", "")))
            elif "functionCall" in part:
                calls.append(self._call(part["functionCall"]))
        if texts or calls:
            yield AIMessage("".join(texts).strip(), tool_calls=calls)
        self._open_calls = calls

    def _call(self, call: Mapping[str, Any]) -> dict[str, Any]:
        self._calls += 1
        name, arguments = call.get("name", ""), call.get("args") or {}
        return {"name": name, "args": arguments, "id": call.get("id") or f"call_{self._calls}"}

    def _response(self, response: Mapping[str, Any]) -> ToolMessage:
        """Gemini 2 links a response to its call by name and order, Gemini 3 by id."""
        name = response.get("name", "")
        fitting = [call for call in self._open_calls if call["id"] == response.get("id")]
        fitting += [call for call in self._open_calls if call["name"] == name]
        call_id = fitting[0]["id"] if fitting else response.get("id") or name
        self._open_calls = [call for call in self._open_calls if call["id"] != call_id]
        text = json.dumps(response.get("response") or {}, ensure_ascii=False)
        return ToolMessage(text, tool_call_id=call_id, name=name)

    def _user_blocks(self, part: Part) -> Iterator[Any]:
        if "text" in part:
            yield {"type": "text", "text": part["text"]}
        elif "inlineData" in part:
            yield from self._file(part["inlineData"])
        elif "fileData" in part:
            yield {"type": "text", "text": f"(a file at {part['fileData'].get('fileUri', '')})"}

    def _file(self, blob: Mapping[str, Any]) -> Iterator[Any]:
        """An image is shown; of a text the beginning is; the rest has a name."""
        name, mime_type = next(self._files).name, blob.get("mimeType", "")
        yield {"type": "text", "text": f"(the file {name}, {mime_type})"}
        if mime_type.startswith("image/"):
            yield {"type": "image", "base64": blob.get("data", ""), "mime_type": mime_type}
        elif mime_type.startswith("text/"):
            text = bytes_from_base64(blob.get("data", "")).decode("utf-8", "replace")
            yield {"type": "text", "text": text[:_SHOWN_OF_A_FILE]}


PROTOCOL = """\
You can run Python. To run a program, write it in a block that begins with ```python and ends with ```, and end \
your message right after it. The program is run at once, and the next message tells you what it printed. Print \
what you need to know; never write down an output yourself. Variables and files stay from one program to the \
next. There is no network, nothing can be installed, and a program may take 30 seconds. These libraries are \
there: altair, chess, cv2, matplotlib, mpmath, numpy, pandas, pdfminer, reportlab, seaborn, sklearn, statsmodels, \
striprtf, sympy, tabulate. What matplotlib draws is shown to the user. The user's files lie in the working \
directory. Where a program fails, mend it and run it again. Run programs for whatever needs computing, and when \
you know the answer, give it without such a block."""
"""What a model reads first when the request has the code execution tool."""

_NO_MORE = "\nNo more programs are run now. Answer as well as you can without one."
_CODE = re.compile(
    r"^[ \t]*```(?:python3?|py|tool_code)[ \t]*\n(.*?)(?:^[ \t]*```|\Z)", re.DOTALL | re.MULTILINE
)
_JSON_BLOCK = re.compile(r"\s*```(?:json)?\s*\n(.*?)```\s*", re.DOTALL)
_MAX_RUNS = 20


class LangChainBrain:
    """Lets a chat model answer, and runs the code it writes.

    The model learns how to ask for a run; what it writes after a program is dropped, because the output it
    makes up there is not what came out. Functions are bound as tools. Of the generation settings it gets the
    stop sequences; set temperature and the like on the model.

    Args:
        llm: Any LangChain chat model.
        instructions: What the model learns about running code.
        max_retries: How often in a row it may mend a program that failed; the service allows no more than five.

    Attributes:
        stand_in: See `Brain`.
    """

    stand_in: str = ""

    def __init__(
        self, llm: BaseChatModel, *, instructions: str = PROTOCOL, max_retries: int = MENDING_ATTEMPTS
    ) -> None:
        self._llm = llm
        self._instructions = instructions
        self._max_retries = max_retries

    def respond(self, prompt: Prompt) -> Parts:
        """Ask the model, run what it writes and show it the result, until it answers.

        Raises:
            EmulatedError: The request has functions and the model takes no tools (400).
        """
        request = prompt.request
        model = self._with_tools(request)
        stop = (request.get("generationConfig") or {}).get("stopSequences") or None
        conversation = self._conversation(request)
        runs = failures = 0
        may_run = declares(request, "codeExecution")
        while True:
            message = model.invoke(conversation, stop=stop)
            answer = _read(message, request, may_run=may_run)
            yield from answer.parts
            if answer.code is None:
                return _fields(message)
            result = yield {"executableCode": {"language": "PYTHON", "code": answer.code}}
            if message.tool_calls:
                yield from _calls(message)
                return None
            assert result is not None  # noqa: S101 -- what code is answered with
            runs += 1
            failures = 0 if result.outcome is Outcome.OK else failures + 1
            may_run = failures <= self._max_retries and runs < _MAX_RUNS
            text = "".join(part.get("text", "") for part in answer.parts if not part.get("thought"))
            outcome = result_text(result.outcome.value, result.output, len(result.images))
            conversation += [
                AIMessage(f"{text}\n{code_block(answer.code)}".strip()),
                HumanMessage(outcome if may_run else outcome + _NO_MORE),
            ]

    def _with_tools(self, request: GenerateContentRequest) -> Any:
        tools = tools_from_request(request)
        if not tools:
            return self._llm
        choice = {"tool_choice": "any"} if calling_config(request).get("mode") == "ANY" else {}
        try:
            return self._llm.bind_tools(tools, **choice)
        except NotImplementedError as error:
            name = type(self._llm).__name__
            raise not_prepared(
                f"{name}, the model behind the emulator, takes no tools, so it can call no functions."
            ) from error

    def _conversation(self, request: GenerateContentRequest) -> list[AnyMessage]:
        parts = (request.get("systemInstruction") or {}).get("parts") or []
        instructions = ["".join(part.get("text", "") for part in parts)]
        if declares(request, "codeExecution"):
            instructions.append(self._instructions)
        instructions.append(_form(request))
        system = "\n\n".join(filter(None, instructions))
        return [*([SystemMessage(system)] if system else []), *messages_from_request(request)]


class _Answer(NamedTuple):
    """What a message says, up to the code it wants to run and without it."""

    parts: list[Part]
    code: str | None


def _read(message: AIMessage, request: GenerateContentRequest, *, may_run: bool) -> _Answer:
    text = message.text
    program = _CODE.search(text) if may_run else None
    prose = text[: program.start()] if program else text
    if _form(request) and (block := _JSON_BLOCK.fullmatch(prose)):
        prose = block[1].strip()
    parts = _thoughts(message, request)
    if prose.strip():
        parts.append({"text": prose})
    if program:
        return _Answer(parts, program[1])
    return _Answer([*parts, *_calls(message)], None)


def _calls(message: AIMessage) -> list[Part]:
    return [{"functionCall": {"name": call["name"], "args": call["args"]}} for call in message.tool_calls]


def _thoughts(message: AIMessage, request: GenerateContentRequest) -> list[Part]:
    config = (request.get("generationConfig") or {}).get("thinkingConfig") or {}
    if not config.get("includeThoughts"):
        return []
    return [
        {"text": thought, "thought": True}
        for block in message.content_blocks
        if block["type"] == "reasoning" and (thought := block.get("reasoning"))
    ]


def _fields(message: AIMessage) -> GenerateContentResponse | None:
    """A call that cannot be read ends the answer as it does with Gemini."""
    if not message.invalid_tool_calls:
        return None
    broken = message.invalid_tool_calls[0]
    finish_message = f"Malformed function call: {broken['name']}({broken['args']})"
    return {"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL", "finishMessage": finish_message}]}


def _form(request: GenerateContentRequest) -> str:
    """What the model reads about the form of the answer."""
    config = request.get("generationConfig") or {}
    if config.get("responseMimeType") != "application/json":
        return ""
    schema = config.get("responseJsonSchema") or config.get("responseSchema")
    fitting = f" that fits this schema: {json.dumps(schema, ensure_ascii=False)}" if schema else ""
    return f"Give the answer as JSON{fitting}, and nothing else."
