"""What a message holds, section by section: the one reading that every form of a record shares, and its JSON form.

The other forms are `terminal`, `html` and `notebook`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any, Final, Literal, TypeAlias

from langchain_core.messages import BaseMessage

from langchain_codeexec.data.data_file import NOTICES_KEY
from langchain_codeexec.data.outputs import describe_file, saved_outputs
from langchain_codeexec.data.sinks import place_of
from langchain_codeexec.executions import (
    CodeExecution,
    FunctionCall,
    InlineFile,
    Outcome,
    executions_from_artifact,
)
from langchain_codeexec.messages.code_blocks import CodeBlock, CodeCall, CodeReader, as_text, code_executions
from langchain_codeexec.messages.from_wire import failure_of
from langchain_codeexec.messages.media import inline_file, inline_image

__all__ = [
    "Kind",
    "Section",
    "SectionReader",
    "call_rows",
    "closing_sections",
    "json_record",
    "notices_of",
    "placed",
    "plan_section",
    "sections_in",
    "sections_of",
    "sections_of_execution",
    "verification_section",
    "visible",
]

Json: TypeAlias = dict[str, Any]

Kind: TypeAlias = Literal[
    "question", "plan", "thoughts", "model", "code", "output", "image", "file", "call", "reply", "answer",
    "notice", "usage",
]  # fmt: skip
"""`model` is what the model says on the way, `answer` what it says after its last run."""

_OUTCOMES: Final[Mapping[Outcome, str]] = {
    Outcome.OK: "ok",
    Outcome.FAILED: "failed",
    Outcome.DEADLINE_EXCEEDED: "out of time",
    Outcome.UNSPECIFIED: "outcome unknown",
}
_PROSE: Final = frozenset({"model", "answer"})
_RUN: Final = frozenset({"code", "output"})

_MOST_ROWS, _LONGEST_ROW = 20, 160
"""Calls of one line of code that are shown, and characters of each."""

_CONTROL_PICTURES: Final = 0x2400
_BIDIRECTIONAL: Final = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_VISIBLE: Final = str.maketrans(
    {chr(code): chr(_CONTROL_PICTURES + code) for code in range(0x20) if chr(code) not in "\n\t"}
    | {"\x7f": "\N{SYMBOL FOR DELETE}"}
    | {chr(code): f"\\x{code:02x}" for code in range(0x80, 0xA0)}
    | {sign: f"\\u{ord(sign):04x}" for sign in _BIDIRECTIONAL}
    | {chr(code): "\N{REPLACEMENT CHARACTER}" for code in range(0xD800, 0xE000)}
)


def visible(text: str) -> str:
    """Replace what would steer a terminal or reorder a line by signs for it, so that what is read is what ran.

    Control characters (escape sequences among them) become their pictures, marks of direction become escapes,
    line ends of any system become newlines.
    """
    return text.replace("\r\n", "\n").translate(_VISIBLE)


@dataclass(frozen=True, slots=True)
class Section:
    """One section of a record."""

    kind: Kind  # what it is
    text: str  # its text, as it came
    label: str = ""  # what else its heading says: a language, an outcome, a function's name, a model's name
    failed: bool = False  # whether it is about a failure
    file: InlineFile | None = None  # the image or file it is about
    place: str = ""  # where that is saved: a path, or a URL
    run: str | None = None  # the id that links code and what it printed, where the message has one
    calls: tuple[FunctionCall, ...] = ()  # what code called on its host


class SectionReader:
    """Reads the blocks of one message in order, whichever provider made them, whole or as they stream in."""

    def __init__(self, provider: str = "") -> None:
        self._runs = CodeReader(provider)
        self._has_run = False

    def sections(self, block: object) -> Iterator[Section]:
        """The sections of a block; none where it holds nothing for a reader. Never raises."""
        codes = self._runs.read(block)
        if codes:
            self._has_run = True
            for code in codes:
                yield from _code(code)
            return
        image = inline_image(block)
        if image is not None:
            yield _image(image)
            return
        if isinstance(block, str):
            block = {"type": "text", "text": block}
        if not isinstance(block, dict):
            return
        read = _BY_TYPE.get(str(block.get("type")))
        section = read(block) if read else None
        if section is not None:
            late = self._has_run and section.kind == "model"
            yield replace(section, kind="answer") if late else section


def sections_of(message: BaseMessage) -> list[Section]:
    """The sections of a message of any role."""
    return placed(_BY_ROLE.get(message.type, _answer)(message), message)


def sections_in(messages: BaseMessage | Sequence[BaseMessage]) -> Iterator[Section]:
    """The sections of a message, or of a conversation."""
    for message in [messages] if isinstance(messages, BaseMessage) else messages:
        yield from sections_of(message)


def placed(sections: Iterable[Section], message: BaseMessage) -> list[Section]:
    """Sections with the places of their files, as far as the message has them."""
    places = places_of(message)
    return [
        replace(section, place=places.get(sha256(section.file.data).hexdigest(), ""))
        if places and section.file
        else section
        for section in sections
    ]


def places_of(message: BaseMessage) -> dict[str, str]:
    """Where the outputs of a message are saved: a path or URL for each SHA-256."""
    return {
        str(entry.get("sha256")): place_of(str(entry["url"]))
        for entry in saved_outputs(message)
        if entry.get("url")
    }


def sections_of_execution(execution: CodeExecution) -> list[Section]:
    """The sections of one run."""
    code = Section("code", execution.code, execution.language.lower(), calls=execution.calls)
    sections = [code] if execution.code else []
    if execution.outcome is not None:
        sections.append(_output(execution.outcome, execution.output or ""))
    if execution.tried:
        sections.append(Section("notice", f"Tried before: {', '.join(execution.tried)}"))
    return [*sections, *map(_image, execution.images)]


def call_rows(section: Section, lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The calls of a section of code, as comments to stand below the lines that made them.

    Yields: The index of a line, and a row for it; calls whose line is not known come with the last one.
    """
    text = visible(section.text)
    before = len(text) - len(text.lstrip("\n"))
    made: dict[int, list[FunctionCall]] = {}
    for call in section.calls:
        line = call.line - before
        made.setdefault(line if 0 < line <= len(lines) else len(lines), []).append(call)
    for line, calls in made.items():
        code = lines[line - 1]
        indentation = code[: len(code) - len(code.lstrip())]
        rows = [_call_row(call) for call in calls[:_MOST_ROWS]]
        if len(calls) > _MOST_ROWS:
            rows.append(f"and {len(calls) - _MOST_ROWS} more")
        for row in rows:
            yield line - 1, f"{indentation}#   {row}"


def _call_row(call: FunctionCall) -> str:
    arguments = ", ".join(f"{name}={value!r}" for name, value in call.args.items())
    result = repr(call.result) if call.error is None else call.error
    row = f"{call.name}({arguments}) {'=' if call.error is None else 'failed:'} {result}"
    whole = " ".join(visible(row).split())
    shown = whole if len(whole) <= _LONGEST_ROW else f"{whole[:_LONGEST_ROW]}\N{HORIZONTAL ELLIPSIS}"
    return f"{shown} \N{MIDDLE DOT} {call.seconds * 1e3:.0f} ms"


# -- roles ---------------------------------------------------------------------------------------------


def _answer(message: BaseMessage) -> list[Section]:
    sections = _content(message)
    last_run = max((place for place, section in enumerate(sections) if section.kind in _RUN), default=-1)
    prose = [
        replace(section, kind="model" if place < last_run else "answer")
        if section.kind in _PROSE
        else section
        for place, section in enumerate(sections)
    ]
    return [*_plan(message), *prose, *closing_sections(message)]


def _question(message: BaseMessage) -> list[Section]:
    sections = [
        replace(section, kind="question") if section.kind in _PROSE else section
        for section in _content(message)
    ]
    return sections + notices_of(message)


def notices_of(message: BaseMessage) -> list[Section]:
    """What the one who asks should know of the data that a question carries."""
    notices = message.additional_kwargs.get(NOTICES_KEY)
    return [Section("notice", str(notice)) for notice in notices] if isinstance(notices, list) else []


def _reply(message: BaseMessage) -> list[Section]:
    """The runs of a tool, its text, and its files."""
    failed = getattr(message, "status", "success") == "error"
    runs = executions_from_artifact(getattr(message, "artifact", None))
    return [
        *(section for run in runs for section in sections_of_execution(run)),
        Section("reply", str(message.text), message.name or "", failed),
        *(section for section in _content(message) if section.file),
        *closing_sections(message),
    ]


def _content(message: BaseMessage) -> list[Section]:
    reader = SectionReader(str(message.response_metadata.get("model_provider", "")))
    content: Any = message.content
    blocks = content if isinstance(content, list) else [content]
    return [section for block in blocks for section in reader.sections(block)]


_BY_ROLE: Final[Mapping[str, Callable[[BaseMessage], list[Section]]]] = {
    "human": _question,
    "system": _question,
    "tool": _reply,
}


def closing_sections(message: BaseMessage) -> list[Section]:
    """What a message holds beside its blocks, once it is complete: how it ended, who answered, what it cost."""
    metadata = message.response_metadata
    notice = failure_of(message)
    sections = [Section("notice", notice, failed=True)] if notice else []
    failures = dict.fromkeys(str(entry["error"]) for entry in saved_outputs(message) if entry.get("error"))
    sections += [Section("notice", failure, failed=True) for failure in failures]
    if (verification := verification_section(message)) is not None:
        sections.append(verification)
    usage, model = getattr(message, "usage_metadata", None), str(metadata.get("model_name") or "")
    if environment := metadata.get("environment_id"):
        model = f"{model} in environment {environment}"
    if usage or model:
        sections.append(Section("usage", _usage(usage) if usage else "tokens not counted", model))
    return sections


def plan_section(message: BaseMessage) -> Section | None:
    """What a model call was offered and why; `None` for a message without a plan."""
    plan = message.response_metadata.get("plan")
    if not isinstance(plan, dict):
        return None
    functions = map(str, plan.get("functions") or [])
    callable_functions = ", ".join(map(str, plan.get("callable_from_code") or []))
    code = f"code execution (can call {callable_functions})" if callable_functions else "code execution"
    sides = ", ".join([*([code] if plan.get("code_execution") else []), *functions])
    reason = plan.get("reason") or "no reason given"
    return Section("plan", f"{sides or 'no tools'}: {reason}", str(plan.get("way", "")))


def verification_section(message: BaseMessage) -> Section | None:
    """The result of running a message's code again; `None` for a message without one."""
    verification = message.response_metadata.get("verification")
    if not isinstance(verification, dict):
        return None
    verdict, reason = str(verification.get("verdict")), verification.get("reason")
    text = f"Verification: {verdict.replace('_', ' ')}{f'; {reason}' if reason else ''}"
    kind: Kind = "usage" if verdict == "confirmed" else "notice"  # what is as it should be is no warning
    return Section(kind, text, failed=verdict == "mismatch")


def _plan(message: BaseMessage) -> list[Section]:
    """The plan where there was something to choose."""
    section = plan_section(message)
    chosen = section and (section.label != "native" or message.response_metadata["plan"].get("functions"))
    return [section] if section and chosen else []


def _usage(usage: Mapping[str, Any]) -> str:
    read, written = usage.get("input_token_details") or {}, usage.get("output_token_details") or {}
    counts = [
        f"{usage.get('input_tokens', 0)} in{_share(read, 'tool_use', 'from its runs')}",
        f"{usage.get('output_tokens', 0)} out{_share(written, 'reasoning', 'thinking')}",
    ]
    return f"{usage.get('total_tokens', 0)} tokens: {', '.join(counts)}"


def _share(details: Mapping[str, Any], key: str, name: str) -> str:
    return f" ({details[key]} {name})" if details.get(key) else ""


# -- blocks --------------------------------------------------------------------------------------------


def _code(code: CodeBlock) -> Iterator[Section]:
    if isinstance(code, CodeCall):
        yield Section("code", code.code, code.language.lower(), run=code.id)
        return
    yield replace(_output(code.outcome, code.output), run=code.id)
    yield from map(_image, code.images)


def _output(outcome: Outcome, output: str) -> Section:
    return Section("output", output, _OUTCOMES[outcome], failed=outcome is not Outcome.OK)


def _image(image: InlineFile) -> Section:
    return Section("image", describe_file(image), file=image)


def _file(block: Json) -> Section:
    file = inline_file(block)
    description = str(block.get("mime_type") or block.get("url") or "of unknown type")
    return Section("file", describe_file(file) if file else description, file=file)


_BY_TYPE: Final[Mapping[str, Callable[[Json], Section | None]]] = {
    "text": lambda block: Section("model", str(block["text"])) if block.get("text") else None,
    "reasoning": lambda block: (
        Section("thoughts", str(block["reasoning"])) if block.get("reasoning") else None
    ),
    **dict.fromkeys(
        ("tool_call", "tool_call_chunk", "server_tool_call"),
        lambda block: Section("call", as_text(block.get("args") or {}), str(block.get("name", ""))),
    ),
    "server_tool_result": lambda block: Section(
        "reply", as_text(block.get("output")), failed=block.get("status") == "error"
    ),
    **dict.fromkeys(("file", "audio", "video", "image"), _file),
}


# -- the JSON form --------------------------------------------------------------------------------------

_METADATA: Final = ("plan", "outputs", "verification", "environment", "environment_id")


def json_record(message: BaseMessage) -> Json:
    """A model's message in values of JSON.

    Args:
        message: The model's message.

    Returns:
        `answer` (the text after the last run), `executions` in order, `usage` in tokens, `finish_reason` and
        `model`; `tool_calls`, `finish_message` (why it is no whole answer), `plan`, `outputs` (what is saved
        where), `verification` and `environment` where the message has them. An image that is saved is given by
        `path`, a path or URL, any other by value, in `base64`.
    """
    metadata = message.response_metadata
    places = places_of(message)
    record: Json = {
        "answer": "".join(section.text for section in sections_of(message) if section.kind == "answer"),
        "executions": [_json_execution(run, places) for run in code_executions(message)],
        "usage": getattr(message, "usage_metadata", None),
        "finish_reason": metadata.get("finish_reason"),
        "model": metadata.get("model_name"),
    }
    if calls := getattr(message, "tool_calls", None):
        record["tool_calls"] = [{"name": call["name"], "args": call["args"]} for call in calls]
    if notice := failure_of(message):
        record["finish_message"] = notice
    return record | {key: metadata[key] for key in _METADATA if metadata.get(key)}


def _json_execution(execution: CodeExecution, places: Mapping[str, str]) -> Json:
    return {
        "code": execution.code,
        "language": execution.language,
        "outcome": execution.outcome,
        "output": execution.output,
        "images": [_json_image(image, places) for image in execution.images],
        "origin": execution.origin,
        **({"tried": list(execution.tried)} if execution.tried else {}),
        **({"calls": [asdict(call) for call in execution.calls]} if execution.calls else {}),
    }


def _json_image(image: InlineFile, places: Mapping[str, str]) -> dict[str, str]:
    place = places.get(sha256(image.data).hexdigest())
    value = {"path": place} if place else {"base64": image.base64}
    return {"mime_type": image.mime_type, **value}
