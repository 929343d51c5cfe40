"""Code and its results in the content blocks of every provider, and the runs that they make up.

What OpenAI's, Anthropic's and Google's packages give is translated by langchain-core into its standard blocks, and
those are read here. Read here directly is what langchain-core does not translate: Gemini's parts as they travel.
"""

from __future__ import annotations

import json
import reprlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Final, TypeAlias

from langchain_core.messages import AIMessage, BaseMessage
from pydantic import BaseModel

from langchain_codeexec.executions import CodeExecution, InlineFile, Outcome, executions_from_artifact
from langchain_codeexec.messages.media import inline_image
from langchain_codeexec.messages.signatures import signature_of

__all__ = [
    "CodeBlock",
    "CodeCall",
    "CodeReader",
    "CodeResult",
    "Run",
    "as_text",
    "blocks_with_code",
    "code_executions",
    "linked_runs",
    "messages_of",
]

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CodeCall:
    """Code that was run.

    Attributes:
        code: The source text.
        language: In upper case.
        id: The id that links it to its result, if it has one.
        origin: Who ran it.
        signature: Gemini's thought signature, if it has one.
    """

    code: str
    language: str
    id: str | None
    origin: str
    signature: str | None = None


@dataclass(frozen=True, slots=True)
class CodeResult:
    """What running code gave; `id`, `origin` and `signature` as in `CodeCall`.

    Attributes:
        outcome: How it ended.
        output: What it printed, or why it failed.
        images: What it drew, where the block itself holds that.
    """

    outcome: Outcome
    output: str
    images: tuple[InlineFile, ...]
    id: str | None
    origin: str
    signature: str | None = None


CodeBlock: TypeAlias = CodeCall | CodeResult


@dataclass(slots=True)
class Run:
    """One run: code, results or both, and what was drawn after them.

    Attributes:
        call: The code.
        result: What came of it, the last of several results.
        earlier: The results before that one.
        drawn: What was drawn in blocks of its own.
        is_over: Whether something else came after its result.
    """

    call: CodeCall | None = None
    result: CodeResult | None = None
    earlier: tuple[CodeResult, ...] = ()
    drawn: tuple[InlineFile, ...] = ()
    is_over: bool = False

    def add(self, result: CodeResult) -> None:
        """Add a result; some services give what a program printed in pieces."""
        if self.result is None:
            self.drawn = ()
        else:
            self.earlier += (self.result,)
        self.result = result

    def awaits(self, call: CodeCall) -> bool:
        """Whether its result came before this call, whose id it names."""
        return self.call is None and self.result is not None and self.result.id == call.id is not None

    @property
    def execution(self) -> CodeExecution:
        """The run as a record."""
        call, result = self.call, self.result
        known = call or result
        results = (*self.earlier, result) if result else ()
        return CodeExecution(
            code=call.code if call else "",
            language=call.language if call else "PYTHON",
            outcome=result.outcome if result else None,
            output="".join(each.output for each in results) if result else None,
            images=(*(image for each in results for image in each.images), *self.drawn),
            id=(call.id if call else None) or (result.id if result else None),
            origin=known.origin if known else "gemini",
        )


class CodeReader:
    """Reads the blocks of one message, in order.

    Args:
        provider: `response_metadata["model_provider"]` of the message, or empty.
    """

    def __init__(self, provider: str = "") -> None:
        self._provider = provider
        self._ids: set[str] = set()

    def read(self, block: object) -> list[CodeBlock]:
        """What a block holds: nothing, code, a result, or code with its result. Never raises."""
        if not isinstance(block, dict):
            return []
        block_type = block.get("type")
        if block_type == "non_standard":
            return self.read(block.get("value"))
        if isinstance(block_type, str) and block_type not in _CODE_TYPES:
            return []
        for key, read_part in _PARTS.items():
            if isinstance(block.get(key), dict):
                return [read_part(block[key], signature_of(block))]
        return self._read_typed(block, block_type) if isinstance(block_type, str) else []

    def _read_typed(self, block: Json, block_type: str) -> list[CodeBlock]:
        provider = _TRANSLATED.get(block_type)
        is_known = _id(block.get("id")) in self._ids
        if provider == "openai" and is_known:  # kept twice: in the content and beside it
            return []
        origin, signature = _ORIGINS.get(provider or self._provider, ""), signature_of(block)
        codes: list[CodeBlock | None] = []
        for standard in [block] if provider is None else _translated(block, provider):
            if standard.get("type") in _CALL_TYPES:
                codes.append(self._call(standard, origin, signature))
            elif provider is not None or self._is_of_code(standard):
                codes.append(_result(standard, origin, signature))
        return [code for code in codes if code is not None]

    def _call(self, block: Json, origin: str, signature: str | None) -> CodeCall | None:
        tool, call_id = as_text(block.get("name")), _id(block.get("id"))
        if tool not in _CODE_TOOLS:
            return None
        if call_id:
            self._ids.add(call_id)
        code, language = _source(tool, _object(block.get("args")))
        return CodeCall(code, language, call_id, origin or _origin_by_id(call_id), signature)

    def _is_of_code(self, result: Json) -> bool:
        extras = _object(result.get("extras"))
        is_of_code = "outcome" in extras or as_text(extras.get("block_type")) in _RESULT_TYPES
        return is_of_code or _id(result.get("tool_call_id")) in self._ids


def code_executions(
    message: BaseMessage | Sequence[BaseMessage] | Mapping[str, Any] | BaseModel,
) -> list[CodeExecution]:
    """The runs that messages hold, in order.

    Reads what Gemini, OpenAI's code interpreter and Anthropic's code execution ran, in the shapes that the
    LangChain packages of these providers give it and in LangChain's standard one. Code and result are linked by
    id, else by order. Code without a result has the outcome `None`, a result without code has the code `""`;
    several results of one code are one run.
    A tool's message gives those its artifact holds. What is malformed is passed over; nothing is raised.

    Args:
        message: A message, the sum of streamed chunks included; several; or a graph's state with `messages`.
    """
    if not isinstance(message, BaseMessage):
        return [run for each in messages_of(message) for run in code_executions(each)]
    kept = executions_from_artifact(getattr(message, "artifact", None))
    return kept or [run.execution for run in linked_runs(blocks_with_code(message))]


def messages_of(
    source: BaseMessage | Sequence[BaseMessage] | Mapping[str, Any] | BaseModel | None,
) -> list[BaseMessage]:
    """The messages that are given: one, several, or those of a graph's state."""
    state: Any = source
    if not isinstance(state, BaseMessage):
        state = state.get("messages") if isinstance(state, Mapping) else getattr(state, "messages", state)
    listed = state if isinstance(state, Sequence) else [state]
    return [each for each in listed if isinstance(each, BaseMessage)]


def blocks_with_code(message: BaseMessage) -> Iterator[tuple[Any, list[CodeBlock]]]:
    """The blocks of a message in order, each with the code and results that it holds."""
    reader = CodeReader(str(message.response_metadata.get("model_provider", "")))
    outputs = message.additional_kwargs.get("tool_outputs")  # where older langchain-openai keeps runs
    content: Any = message.content
    blocks = content if isinstance(content, list) else [content]
    for block in [*outputs, *blocks] if isinstance(outputs, list) else blocks:
        yield block, reader.read(block)


def linked_runs(blocks: Iterable[tuple[Any, list[CodeBlock]]]) -> list[Run]:
    """Link code, results and what was drawn after them to runs; Google's packages leave empty results out."""
    blocks = list(blocks)
    ahead = [code for _, codes in blocks for code in codes]
    runs: list[Run] = []
    drawing: Run | None = None
    for block, codes in blocks:
        for code in codes:
            if isinstance(code, CodeCall):
                drawing = next((run for run in runs if run.awaits(code)), None)
                if drawing is None:
                    drawing = Run()
                    runs.append(drawing)
                drawing.call = code
            else:
                drawing = _run_of(code, runs, drawing, sum(1 for _ in takewhile(_is_result, ahead)))
                drawing.add(code)
            ahead.pop(0)
        if drawing is not None and not codes and not _is_thought(block):
            image = inline_image(block)
            if image is not None:
                drawing.drawn += (image,)
            elif not _is_empty_text(block):
                drawing.is_over = drawing.result is not None
                drawing = None
    return runs


def _is_result(code: CodeBlock) -> bool:
    return isinstance(code, CodeResult)


def _run_of(result: CodeResult, runs: list[Run], last: Run | None, results: int) -> Run:
    """The run that a result belongs to.

    It is the one of its id. Without one it is the last without a result; where as many results follow each other,
    the first of these; where none waits, the one whose result came right before.
    """
    candidates = [run for run in runs if run.call is not None]
    if result.id is not None:
        candidates = [run for run in candidates if run.call is not None and run.call.id == result.id]
        last = candidates[-1] if candidates else None
    waiting = [run for run in candidates if run.result is None]
    if waiting:
        return waiting[-min(results, len(waiting))]
    if last is None or last.call is None:
        last = Run()
        runs.append(last)
    return last


def _is_thought(block: Any) -> bool:
    """Whether it is media of a thought, which no code drew; a thought in words is of a type of its own."""
    if not isinstance(block, dict):
        return False
    part = _object(_object(block.get("extras")).get("part"))
    return True in (block.get("thought"), part.get("thought"))


def _is_empty_text(block: Any) -> bool:
    if isinstance(block, str):
        return not block.strip()
    return isinstance(block, dict) and block.get("type") == "text" and not block.get("text")


def _translated(block: Json, provider: str) -> list[Any]:
    """The standard blocks of a provider's own one; none if it is malformed."""
    try:
        message = AIMessage([{"id": "", **block}], response_metadata={"model_provider": provider})
        return list(message.content_blocks)
    except (AttributeError, KeyError, TypeError, ValueError):
        return []


def _result(block: Json, origin: str, signature: str | None) -> CodeResult | None:
    """The result of a standard block; `None` while the call is still running."""
    extras, call_id = _object(block.get("extras")), _id(block.get("tool_call_id"))
    output, images, outcome = _payload(block.get("output"))
    if "outcome" in extras:
        outcome = _outcome(extras["outcome"])
    outcome = outcome or _STATUSES.get(as_text(block.get("status") or extras.get("status")))
    if outcome is None and not block.get("output"):
        return None
    outcome = outcome or Outcome.UNSPECIFIED
    return CodeResult(outcome, output, images, call_id, origin or _origin_by_id(call_id), signature)


def _call_from_part(code: Json, signature: str | None) -> CodeBlock:
    language = _language(code.get("language"))
    return CodeCall(as_text(code.get("code")), language, _id(code.get("id")), "gemini", signature)


def _result_from_part(result: Json, signature: str | None) -> CodeBlock:
    outcome, output = _outcome(result.get("outcome")), as_text(result.get("output"))
    return CodeResult(outcome, output, (), _id(result.get("id")), "gemini", signature)


def _payload(output: object) -> tuple[str, tuple[InlineFile, ...], Outcome | None]:
    """Text, images and, where the shape tells it, the outcome of a result."""
    if isinstance(output, dict):
        return _anthropic_payload(output)
    if not isinstance(output, list):
        return as_text(output), (), None
    items = [(item, inline_image(item)) for item in output if isinstance(item, dict)]  # OpenAI's
    texts = [as_text(item.get("logs") or _link(item)) for item, _ in items]
    return "".join(texts), tuple(image for _, image in items if image is not None), None


def _link(item: Json) -> str:
    """The address of an image that is not carried by value."""
    url = as_text(item.get("url"))
    return "" if url.startswith("data:") else url


def _anthropic_payload(content: Json) -> tuple[str, tuple[InlineFile, ...], Outcome]:
    error = as_text(content.get("error_code"))
    if error:
        timed_out = error == "execution_time_exceeded"
        return error, (), Outcome.DEADLINE_EXCEEDED if timed_out else Outcome.FAILED
    failed = content.get("return_code") not in (0, None)
    stdout, stderr = as_text(content.get("stdout")), as_text(content.get("stderr"))
    printed = (stderr or stdout) if failed else stdout
    shown, lines = content.get("content"), content.get("lines")  # the file editor's
    edited = "\n".join(map(as_text, lines)) if isinstance(lines, list) else ""
    text = printed or (shown if isinstance(shown, str) else edited)
    return text, (), Outcome.FAILED if failed else Outcome.OK


def _source(tool: str, arguments: Json) -> tuple[str, str]:
    """Code and language out of a call's arguments."""
    if tool == "text_editor_code_execution":
        return as_text(arguments), "TEXT_EDITOR"
    if "code" not in arguments and "command" in arguments:
        return as_text(arguments["command"]), "BASH"
    return as_text(arguments.get("code")), _language(arguments.get("language"))


def _object(value: object) -> Json:
    """An object, given as such or as JSON text."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def as_text(value: object) -> str:
    """A text as it is, nothing as an empty one, any other value as JSON where it has a form in it."""
    if isinstance(value, str):
        return value
    try:
        return "" if value is None else json.dumps(value, ensure_ascii=False, default=str, skipkeys=True)
    except (ValueError, RecursionError):  # it holds itself, or is nested too deeply
        return reprlib.repr(value)


def _id(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _origin_by_id(call_id: str | None) -> str:
    return next((who for prefix, who in _ID_PREFIXES.items() if (call_id or "").startswith(prefix)), "gemini")


def _language(value: object) -> str:
    if isinstance(value, str) and value:
        return value.upper()
    return "LANGUAGE_UNSPECIFIED" if value == 0 else "PYTHON"  # the wire's numbers; it has only these


def _outcome(value: object) -> Outcome:
    return _OUTCOMES.get(value, Outcome.UNSPECIFIED) if isinstance(value, int) else Outcome(as_text(value))


_PARTS: Final[Mapping[str, Callable[[Json, str | None], CodeBlock]]] = {
    "executableCode": _call_from_part,
    "executable_code": _call_from_part,
    "codeExecutionResult": _result_from_part,
    "code_execution_result": _result_from_part,
}
_CALL_TYPES: Final = frozenset({"server_tool_call", "server_tool_call_chunk"})
_CODE_TOOLS: Final = frozenset(
    {"code_interpreter", "code_execution", "bash_code_execution", "text_editor_code_execution"}
)
_ANTHROPIC_RESULTS: Final = (
    "code_execution_tool_result",
    "bash_code_execution_tool_result",
    "text_editor_code_execution_tool_result",
)
_RESULT_TYPES: Final = frozenset({"code_execution_result", *_ANTHROPIC_RESULTS})
_TRANSLATED: Final[Mapping[str, str]] = {
    "executable_code": "google_genai",
    "code_execution_result": "google_genai",
    "code_interpreter_call": "openai",
    **dict.fromkeys(("server_tool_use", *_ANTHROPIC_RESULTS), "anthropic"),
}
"""Types of blocks to the provider whose translator knows them; messages of older releases do not name theirs."""
_CODE_TYPES: Final = frozenset({*_CALL_TYPES, "server_tool_result", *_TRANSLATED})
_ORIGINS: Final = {
    "openai": "openai",
    "azure": "openai",
    "anthropic": "anthropic",
    "google_genai": "gemini",
    "google_vertexai": "gemini",
}
_ID_PREFIXES: Final = {"ci_": "openai", "srvtoolu_": "anthropic"}
_OUTCOMES: Final = dict(
    enumerate((Outcome.UNSPECIFIED, Outcome.OK, Outcome.FAILED, Outcome.DEADLINE_EXCEEDED))
)
_STATUSES: Final = {
    "success": Outcome.OK,
    "error": Outcome.FAILED,
    "incomplete": Outcome.FAILED,
}
