"""Any LangChain chat model behind the emulator, so that it gains code execution as Gemini has it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage

from langchain_codeexec.emulator.answering import MENDING_ATTEMPTS
from langchain_codeexec.emulator.langchain_messages import (
    code_block,
    messages_from_request,
    result_text,
    tools_from_request,
)
from langchain_codeexec.emulator.service_errors import EmulatedError
from langchain_codeexec.emulator.tool_rules import declares
from langchain_codeexec.executions import Outcome

if TYPE_CHECKING:
    from collections.abc import Generator

    from langchain_core.language_models import BaseChatModel

    from langchain_codeexec.emulator.brain import Prompt
    from langchain_codeexec.executions import ExecutionResult
    from langchain_codeexec.gemini.wire import GenerateContentRequest, GenerateContentResponse, Part

__all__ = ["PROTOCOL", "LangChainBrain"]

PROTOCOL = """\
You can run Python. To run a program, write it in a block that begins with ```python and ends with ```, and end \
your message right after it. The program is run at once, and the next message tells you what it printed. Print \
what you need to know; never write down an output yourself. Variables and files stay from one program to the \
next. There is no network, nothing can be installed, and a program may take 30 seconds. These libraries are \
there: altair, chess, cv2, matplotlib, mpmath, numpy, pandas, pdfminer, reportlab, seaborn, sklearn, statsmodels, \
striprtf, sympy, tabulate. What matplotlib draws is shown to the user. The user's files lie in the working \
directory. Where a program fails, mend it and run it again. Run programs for whatever needs computing, and when \
you know the answer, give it without such a block."""
"""What a model is told when the request has the code execution tool."""

_NO_MORE = "\nNo more programs are run now. Answer as well as you can without one."
_CODE = re.compile(
    r"^[ \t]*```(?:python3?|py|tool_code)[ \t]*\n(.*?)(?:^[ \t]*```|\Z)", re.DOTALL | re.MULTILINE
)
_JSON_BLOCK = re.compile(r"\s*```(?:json)?\s*\n(.*?)```\s*", re.DOTALL)
_MAX_RUNS = 20


class LangChainBrain:
    """Lets a chat model answer, and runs the code it writes.

    The model is told how to ask for a run; what it writes after a program is dropped, because the output it
    makes up there is not what came out. Functions are bound as tools. Of the generation settings it gets the
    stop sequences; set temperature and the like on the model.

    Args:
        llm: Any LangChain chat model.
        instructions: What the model is told about running code.
        max_retries: How often in a row it may mend a program that failed; the service allows no more than five.
    """

    def __init__(
        self, llm: BaseChatModel, *, instructions: str = PROTOCOL, max_retries: int = MENDING_ATTEMPTS
    ) -> None:
        self._llm = llm
        self._instructions = instructions
        self._max_retries = max_retries

    def respond(
        self, prompt: Prompt
    ) -> Generator[Part | list[Part], ExecutionResult | None, GenerateContentResponse | None]:
        """Ask the model, run what it writes and tell it, until it answers.

        Raises:
            EmulatedError: The request has functions and the model takes no tools (501).
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
            said = "".join(part.get("text", "") for part in answer.parts if not part.get("thought"))
            told = result_text(result.outcome.value, result.output, len(result.images))
            conversation += [
                AIMessage(f"{said}\n{code_block(answer.code)}".strip()),
                HumanMessage(told if may_run else told + _NO_MORE),
            ]

    def _with_tools(self, request: GenerateContentRequest) -> Any:
        tools = tools_from_request(request)
        if not tools:
            return self._llm
        mode = ((request.get("toolConfig") or {}).get("functionCallingConfig") or {}).get("mode")
        try:
            return self._llm.bind_tools(tools, **({"tool_choice": "any"} if mode == "ANY" else {}))
        except NotImplementedError as error:
            name = type(self._llm).__name__
            raise EmulatedError(
                501,
                message=f"{name}, the model behind the emulator, takes no tools, so it can call no functions.",
            ) from error

    def _conversation(self, request: GenerateContentRequest) -> list[AnyMessage]:
        parts = (request.get("systemInstruction") or {}).get("parts") or []
        told = ["".join(part.get("text", "") for part in parts)]
        if declares(request, "codeExecution"):
            told.append(self._instructions)
        told.append(_form(request))
        system = "\n\n".join(filter(None, told))
        return [*([SystemMessage(system)] if system else []), *messages_from_request(request)]


class _Answer(NamedTuple):
    """What a message says, up to the code it wants to run and without it."""

    parts: list[Part]
    code: str | None


def _read(message: AIMessage, request: GenerateContentRequest, *, may_run: bool) -> _Answer:
    text = message.text
    found = _CODE.search(text) if may_run else None
    said = text[: found.start()] if found else text
    if _form(request) and (block := _JSON_BLOCK.fullmatch(said)):
        said = block[1].strip()
    parts = _thoughts(message, request)
    if said.strip():
        parts.append({"text": said})
    if found:
        return _Answer(parts, found[1])
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
    told = f"Malformed function call: {broken['name']}({broken['args']})"
    return {"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL", "finishMessage": told}]}


def _form(request: GenerateContentRequest) -> str:
    """What the model is told about the form of the answer."""
    config = request.get("generationConfig") or {}
    if config.get("responseMimeType") != "application/json":
        return ""
    schema = config.get("responseJsonSchema") or config.get("responseSchema")
    fitting = f" that fits this schema: {json.dumps(schema, ensure_ascii=False)}" if schema else ""
    return f"Give the answer as JSON{fitting}, and nothing else."
