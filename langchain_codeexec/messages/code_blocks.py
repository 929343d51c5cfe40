"""The halves of runs, code and result, in the content blocks of every provider: one row per shape.

Shapes known: LangChain's standard `server_tool_call` and `server_tool_result`; the blocks of
langchain-google-genai and langchain-google-vertexai; OpenAI's code interpreter (Responses API);
Anthropic's code execution, Python, shell and file editor; Gemini's parts as they travel.

Reading runs out of a message, whichever provider's model made it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from langchain_codeexec.executions import CodeExecution, InlineFile, Outcome, executions_from_artifact
from langchain_codeexec.messages.media import inline_image, inline_image_from_uri

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from langchain_core.messages import BaseMessage

__all__ = [
    "BlockReader",
    "CodeCall",
    "CodeResult",
    "Half",
    "Run",
    "blocks_with_halves",
    "code_executions",
    "runs",
    "signature_of",
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
    """What running it gave.

    Attributes:
        outcome: How it ended.
        output: What it printed, or why it failed.
        images: What it drew, where the block itself holds that.
        id: The id that links it to its code, if it has one.
        origin: Who ran it.
        signature: Gemini's thought signature, if it has one.
    """

    outcome: Outcome
    output: str
    images: tuple[InlineFile, ...]
    id: str | None
    origin: str
    signature: str | None = None


Half = CodeCall | CodeResult


class BlockReader:
    """Reads the blocks of one message, in order.

    Args:
        provider: `response_metadata["model_provider"]` of the message, or empty.
    """

    def __init__(self, provider: str = "") -> None:
        self._provider = provider
        self._ids: set[str] = set()

    def halves(self, block: object) -> list[Half]:
        """The halves that a block holds: none, one, or code with its result. Never raises."""
        if not isinstance(block, dict):
            return []
        kind = block.get("type")
        if kind == "non_standard":
            return self.halves(block.get("value"))
        read = _BY_TYPE.get(kind, _no_halves) if isinstance(kind, str) else _raw_halves
        return list(read(self, block))

    def origin(self, call_id: str | None) -> str:
        """Who ran a block of LangChain's standard shape, which all providers share."""
        by_id = next(
            (who for prefix, who in _ID_PREFIXES.items() if (call_id or "").startswith(prefix)), None
        )
        return _ORIGINS.get(self._provider) or by_id or "gemini"

    def remember(self, call_id: str | None) -> None:
        """Note that an id belongs to code."""
        if call_id:
            self._ids.add(call_id)

    def knows(self, call_id: str | None) -> bool:
        """Whether an id belongs to code."""
        return call_id in self._ids


# -- LangChain's standard blocks -----------------------------------------------------------------------


def _standard_call(reader: BlockReader, block: Json) -> Iterator[Half]:
    name = _text(block.get("name"))
    if name not in _CODE_TOOLS:
        return
    call_id = _word(block.get("id"))
    reader.remember(call_id)
    code, language = _source(name, _object(block.get("args")))
    yield CodeCall(code, language, call_id, reader.origin(call_id), signature_of(block))


def _standard_result(reader: BlockReader, block: Json) -> Iterator[Half]:
    extras = _object(block.get("extras"))
    call_id = _word(block.get("tool_call_id"))
    if not (reader.knows(call_id) or "outcome" in extras or _text(extras.get("block_type")) in _CODE_RESULTS):
        return
    outcome = _STATUSES.get(_text(block.get("status")))
    output, images, found = _payload(block.get("output"))
    if "outcome" in extras:
        outcome = _outcome(extras["outcome"])
    elif found is not None:
        outcome = found
    elif outcome is None and "output" not in block:  # a call that is still running
        return
    yield CodeResult(
        outcome or Outcome.UNSPECIFIED, output, images, call_id, reader.origin(call_id), signature_of(block)
    )


# -- Google's packages and Gemini's parts ----------------------------------------------------------------


def _google_call(_reader: BlockReader, block: Json) -> Iterator[Half]:
    code = block.get("executable_code")
    if isinstance(code, dict):
        yield from _part_call(block, code)
    else:
        language = _language(block.get("language"))
        yield CodeCall(_text(code), language, _word(block.get("id")), "gemini", signature_of(block))


def _google_result(_reader: BlockReader, block: Json) -> Iterator[Half]:
    result = block.get("code_execution_result")
    if isinstance(result, dict):
        yield from _part_result(block, result)
    else:
        outcome = _outcome(block.get("outcome", 1))  # releases that kept none kept only what had gone well
        call_id = _word(block.get("tool_call_id"))
        yield CodeResult(outcome, _text(result), (), call_id, "gemini", signature_of(block))


def _raw_halves(_reader: BlockReader, part: Json) -> Iterator[Half]:
    for key, convert in _BY_WIRE_KEY.items():
        if isinstance(part.get(key), dict):
            yield from convert(part, part[key])
            return


def _part_call(part: Json, code: Json) -> Iterator[Half]:
    language = _language(code.get("language"))
    yield CodeCall(_text(code.get("code")), language, _word(code.get("id")), "gemini", signature_of(part))


def _part_result(part: Json, result: Json) -> Iterator[Half]:
    outcome, output = _outcome(result.get("outcome")), _text(result.get("output"))
    yield CodeResult(outcome, output, (), _word(result.get("id")), "gemini", signature_of(part))


# -- OpenAI ------------------------------------------------------------------------------------------------


def _openai_run(reader: BlockReader, block: Json) -> Iterator[Half]:
    call_id = _word(block.get("id"))
    if reader.knows(call_id):  # kept twice: in the content and beside it
        return
    reader.remember(call_id)
    yield CodeCall(_text(block.get("code")), "PYTHON", call_id, "openai")
    outcome = _STATUSES.get(_text(block.get("status")))
    if outcome is not None or block.get("outputs"):
        output, images, _ = _payload(block.get("outputs"))
        yield CodeResult(outcome or Outcome.UNSPECIFIED, output, images, call_id, "openai")


# -- Anthropic ---------------------------------------------------------------------------------------------


def _anthropic_call(reader: BlockReader, block: Json) -> Iterator[Half]:
    name = _text(block.get("name"))
    if name not in _CODE_TOOLS:
        return
    call_id = _word(block.get("id"))
    reader.remember(call_id)
    arguments = _object(block.get("input")) or _object(block.get("partial_json"))  # streamed in pieces
    code, language = _source(name, arguments)
    yield CodeCall(code, language, call_id, "anthropic")


def _anthropic_result(_reader: BlockReader, block: Json) -> Iterator[Half]:
    output, images, outcome = _payload(block.get("content"))
    call_id = _word(block.get("tool_use_id"))
    yield CodeResult(outcome or Outcome.UNSPECIFIED, output, images, call_id, "anthropic")


def _anthropic_payload(content: Json) -> tuple[str, tuple[InlineFile, ...], Outcome]:
    error = _word(content.get("error_code"))
    if error:
        return error, (), _ERRORS.get(error, Outcome.FAILED)
    failed = content.get("return_code") not in (0, None)
    stdout, stderr = _text(content.get("stdout")), _text(content.get("stderr"))
    printed = (stderr or stdout) if failed else stdout
    shown = content.get("content")  # the file editor's
    lines = content.get("lines")
    edited = "\n".join(map(_text, lines)) if isinstance(lines, list) else ""
    text = printed or (shown if isinstance(shown, str) else edited)
    return text, (), Outcome.FAILED if failed else Outcome.OK


# -- common ------------------------------------------------------------------------------------------------


def _no_halves(_reader: BlockReader, _block: Json) -> Iterator[Half]:
    return iter(())


def _payload(output: object) -> tuple[str, tuple[InlineFile, ...], Outcome | None]:
    """Text, images and, where the shape tells it, the outcome of a result."""
    if isinstance(output, dict):
        return _anthropic_payload(output)
    if not isinstance(output, list):
        return _text(output), (), None
    items = [item for item in output if isinstance(item, dict)]
    images = [inline_image_from_uri(item.get("url")) for item in items if item.get("type") == "image"]
    texts = [_text(item.get("logs") or _link(item)) for item in items]
    return "".join(texts), tuple(filter(None, images)), None


def _link(item: Json) -> str:
    """The address of an image that is not carried by value."""
    url = _text(item.get("url"))
    return "" if url.startswith("data:") else url


def _source(tool: str, arguments: Json) -> tuple[str, str]:
    """Code and language out of a call's arguments."""
    if tool == "text_editor_code_execution":
        return _text(arguments), "TEXT_EDITOR"
    if "code" not in arguments and "command" in arguments:
        return _text(arguments["command"]), "BASH"
    return _text(arguments.get("code")), _language(arguments.get("language"))


def _object(value: object) -> Json:
    """An object, given as such or as JSON text."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, default=str, skipkeys=True)


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _language(value: object) -> str:
    if isinstance(value, str) and value:
        return value.upper()
    return "LANGUAGE_UNSPECIFIED" if value == 0 else "PYTHON"  # the wire's numbers; it has only these


def _outcome(value: object) -> Outcome:
    return _OUTCOMES.get(value, Outcome.UNSPECIFIED) if isinstance(value, int) else Outcome(_text(value))


def signature_of(block: Json) -> str | None:
    """Gemini's thought signature of a block, wherever a package keeps it."""
    if block.get("type") == "non_standard":
        block = _object(block.get("value"))
    found = _object(block.get("extras")).get("signature")
    return _word(found) or _word(block.get("thought_signature")) or _word(block.get("thoughtSignature"))


_CODE_TOOLS: Final = frozenset(
    {"code_interpreter", "code_execution", "bash_code_execution", "text_editor_code_execution"}
)
_ANTHROPIC_RESULTS: Final = (
    "code_execution_tool_result",
    "bash_code_execution_tool_result",
    "text_editor_code_execution_tool_result",
)
_CODE_RESULTS: Final = frozenset({"code_execution_result", *_ANTHROPIC_RESULTS})
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
    "completed": Outcome.OK,
    "error": Outcome.FAILED,
    "failed": Outcome.FAILED,
    "incomplete": Outcome.FAILED,
}
_ERRORS: Final = {"execution_time_exceeded": Outcome.DEADLINE_EXCEEDED}

_BY_TYPE: Final[Mapping[str, Callable[[BlockReader, Json], Iterator[Half]]]] = {
    "server_tool_call": _standard_call,
    "server_tool_call_chunk": _standard_call,
    "server_tool_result": _standard_result,
    "executable_code": _google_call,
    "code_execution_result": _google_result,
    "code_interpreter_call": _openai_run,
    "server_tool_use": _anthropic_call,
    **dict.fromkeys(_ANTHROPIC_RESULTS, _anthropic_result),
}

_BY_WIRE_KEY: Final[Mapping[str, Callable[[Json, Json], Iterator[Half]]]] = {
    "executableCode": _part_call,
    "executable_code": _part_call,
    "codeExecutionResult": _part_result,
    "code_execution_result": _part_result,
}


@dataclass(slots=True)
class Run:
    """One run in the making: code, result or both, and what was drawn after the result."""

    call: CodeCall | None = None
    result: CodeResult | None = None
    drawn: tuple[InlineFile, ...] = ()

    @property
    def record(self) -> CodeExecution:
        """The run as a record."""
        call, result = self.call, self.result
        known = call or result
        return CodeExecution(
            code=call.code if call else "",
            language=call.language if call else "PYTHON",
            outcome=result.outcome if result else None,
            output=result.output if result else None,
            images=(*result.images, *self.drawn) if result else (),
            id=(call.id if call else None) or (result.id if result else None),
            origin=known.origin if known else "gemini",
        )


def code_executions(message: BaseMessage) -> list[CodeExecution]:
    """The runs that a message tells of, in order.

    Reads what Gemini, OpenAI's code interpreter and Anthropic's code execution ran, in the shapes that the
    LangChain packages of these providers give it and in LangChain's standard one. Halves are linked by id,
    else by order. Code without a result has the outcome `None`, a result without code has the code `""`.
    A tool's message gives those its artifact holds. What is malformed is passed over; nothing is raised.

    Args:
        message: Any message, the sum of streamed chunks included.
    """
    kept = executions_from_artifact(getattr(message, "artifact", None))
    return kept or [run.record for run in runs(blocks_with_halves(message))]


def blocks_with_halves(message: BaseMessage) -> Iterator[tuple[Any, list[Half]]]:
    """The blocks of a message in order, each with the halves of runs that it holds."""
    reader = BlockReader(str(message.response_metadata.get("model_provider", "")))
    for block in _blocks(message):
        yield block, reader.halves(block)


def runs(blocks: Iterable[tuple[Any, list[Half]]]) -> list[Run]:
    """Link the halves to runs."""
    found: list[Run] = []
    drawing: Run | None = None
    for block, halves in blocks:
        for half in halves:
            if isinstance(half, CodeCall):
                found.append(Run(call=half))
                drawing = None
            else:
                drawing = _open_run(found, half)
                drawing.result = half
        if drawing is not None and not halves:
            image = inline_image(block)
            if image is not None:
                drawing.drawn += (image,)
            elif _says_something(block):
                drawing = None
    return found


def _open_run(found: list[Run], result: CodeResult) -> Run:
    """The run that a result belongs to: the one of its id, else the last without a result, else a new one."""
    waiting = [run for run in found if run.call is not None and run.result is None]
    if result.id is not None:
        waiting = [run for run in waiting if run.call is not None and run.call.id == result.id]
    if waiting:
        return waiting[-1]
    found.append(Run())
    return found[-1]


def _blocks(message: BaseMessage) -> Iterator[Any]:
    """All blocks; those that older releases of langchain-openai keep beside the content come first."""
    outputs = message.additional_kwargs.get("tool_outputs")
    if isinstance(outputs, list):
        yield from outputs
    content: Any = message.content
    yield from content if isinstance(content, list) else [content]


def _says_something(block: Any) -> bool:
    """Whether a block ends the row of images that belong to a result; an empty text does not."""
    if isinstance(block, str):
        return bool(block.strip())
    return not (isinstance(block, dict) and block.get("type") == "text" and not block.get("text"))
