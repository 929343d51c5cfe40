"""What a message or a run holds, section by section: the reading that terminal, web page and notebook share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final, Literal, TypeAlias

from langchain_core.messages import BaseMessage

from langchain_codeexec.control.limits import ReachedLimit
from langchain_codeexec.control.prices import Prices
from langchain_codeexec.control.usage import ExecutionUsage
from langchain_codeexec.data.data_file import NOTICES_KEY
from langchain_codeexec.data.outputs import describe_file, saved_outputs
from langchain_codeexec.data.sinks import place_of
from langchain_codeexec.executions import (
    CodeExecution,
    ExecutionResult,
    FunctionCall,
    InlineFile,
    Outcome,
    executions_from_artifact,
    files_from_artifact,
)
from langchain_codeexec.messages.code_blocks import CodeBlock, CodeCall, as_text, blocks_with_code
from langchain_codeexec.messages.from_wire import failure_of
from langchain_codeexec.messages.media import inline_file, inline_image
from langchain_codeexec.records.texts import duration, joined, one_line, usage_text, visible
from langchain_codeexec.tools.report import Report

__all__ = [
    "Kind",
    "Section",
    "call_rows",
    "call_section",
    "closing_sections",
    "limit_of",
    "notices_of",
    "placed",
    "places_of",
    "plan_section",
    "sections_of",
    "sections_of_block",
    "sections_of_execution",
    "sections_of_result",
    "verification_section",
    "visible",
]

Json: TypeAlias = dict[str, Any]

Kind: TypeAlias = Literal[
    "system", "question", "plan", "thoughts", "model", "review", "code", "output", "image", "file", "call",
    "reply", "answer", "notice", "usage",
]  # fmt: skip
"""`model` is what the model says on the way, `answer` what it says after its last run."""

_OUTCOMES: Final[Mapping[Outcome, str]] = {
    Outcome.OK: "ok",
    Outcome.FAILED: "failed",
    Outcome.DEADLINE_EXCEEDED: "out of time",
    Outcome.UNSPECIFIED: "outcome unknown",
}
_REFUSED: Final = frozenset({"reject", "deny"})
_PROSE: Final = frozenset({"model", "answer"})
_RUN: Final = frozenset({"code", "output"})

_MOST_ROWS: Final = 20
"""Calls of one line of code that are shown."""


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
    written: str = ""  # the program that the model wrote, where somebody edited it

    @property
    def heading(self) -> str:
        """Its kind and label, in one line."""
        return joined(self.kind, one_line(self.label))


def sections_of(message: BaseMessage, prices: Prices | None = None) -> list[Section]:
    """The sections of a message of any role, with what its tokens cost where that is known."""
    sections = _BY_ROLE.get(message.type, _answer)(message)
    return placed([*sections, *closing_sections(message, prices)], message)


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
    """The sections of one run: what was decided of it, its code, what it printed and drew."""
    code = Section("code", execution.code, execution.language.lower(), calls=execution.calls)
    review = execution.review
    # Else nobody was to decide.
    is_decided = review and (review.get("decision") != "allow" or review.get("rules"))
    sections = [_review(review)] if is_decided else []
    sections += [code] if execution.code else []
    if execution.outcome is not None:
        label = _ending(execution.outcome, execution.seconds)
        sections.append(Section("output", execution.output or "", label, failed=not execution.ok))
    return [*sections, *_tried(execution.tried), *map(_image, execution.images)]


def sections_of_result(result: ExecutionResult) -> list[Section]:
    """The sections of what an executor gives back."""
    ok = result.outcome is Outcome.OK
    label = joined(_ending(result.outcome, result.wall_time), result.executor)
    return [
        Section("output", result.output, label, failed=not ok),
        *([Section("output", result.stderr, "stderr")] if ok and result.stderr else ()),
        *([Section("output", result.value, "value")] if result.value is not None else ()),
        *([Section("notice", "The output is longer than the executor keeps")] if result.truncated else ()),
        *_tried(result.tried),
        *map(_image, result.images),
        *map(_file, result.files),
    ]


def _ending(outcome: Outcome, seconds: float) -> str:
    return joined(_OUTCOMES[outcome], duration(seconds) if seconds else "")


def _review(review: Mapping[str, Any]) -> Section:
    decision = str(review.get("decision", ""))
    rules = review.get("rules")
    named = ", ".join(map(str, rules)) if isinstance(rules, list | tuple) else as_text(rules)
    reason = str(review.get("reason") or "")
    text = ": ".join(filter(None, (named, reason))) or "no reason given"
    return Section("review", text, decision, failed=decision in _REFUSED)


def _tried(tried: Sequence[str]) -> list[Section]:
    return [Section("notice", f"Tried before: {', '.join(tried)}")] if tried else []


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
    return joined(one_line(row), duration(call.seconds), one_line(call.remark))


# -- roles ---------------------------------------------------------------------------------------------


def _answer(message: BaseMessage) -> list[Section]:
    sections = _content(message)
    named = {section.run for section in sections if section.kind == "call"}
    calls = getattr(message, "tool_calls", ())  # which not every provider has among its content
    sections += [call_section(call) for call in calls if call["id"] not in named]
    last_run = max((place for place, section in enumerate(sections) if section.kind in _RUN), default=0)
    return [
        *_plan(message),
        *_with_prose("model", sections[:last_run]),
        *_with_prose("answer", sections[last_run:]),
    ]


def _question(message: BaseMessage) -> list[Section]:
    kind: Kind = "system" if message.type == "system" else "question"
    return [*_with_prose(kind, _content(message)), *notices_of(message)]


def _with_prose(kind: Kind, sections: Iterable[Section]) -> list[Section]:
    return [replace(section, kind=kind) if section.kind in _PROSE else section for section in sections]


def notices_of(message: BaseMessage) -> list[Section]:
    """What the one who asks should know of the data that a question carries."""
    notices = message.additional_kwargs.get(NOTICES_KEY)
    return [Section("notice", str(notice)) for notice in notices] if isinstance(notices, list) else []


def _reply(message: BaseMessage) -> list[Section]:
    """The runs of a tool, its files, and its text where that says more than the runs do."""
    artifact = _artifact(message)
    runs, files = executions_from_artifact(artifact), files_from_artifact(artifact)
    text = Section(
        "reply", str(message.text), message.name or "", getattr(message, "status", "success") == "error"
    )
    repeats = runs and Report(tuple(runs), files=tuple(files)).content == text.text
    return [
        *(section for run in runs for section in sections_of_execution(run)),
        *map(_file, files),
        *([] if repeats else [text]),
        *(section for section in _content(message) if section.file),
    ]


def _content(message: BaseMessage) -> list[Section]:
    return [
        section for block, codes in blocks_with_code(message) for section in sections_of_block(block, codes)
    ]


_BY_ROLE: Final[Mapping[str, Callable[[BaseMessage], list[Section]]]] = {
    "human": _question,
    "system": _question,
    "tool": _reply,
}


def closing_sections(message: BaseMessage, prices: Prices | None = None) -> list[Section]:
    """What a message holds beside its blocks, once it is complete: how it ended, who answered, what it cost."""
    metadata = message.response_metadata
    notice = failure_of(message)
    sections = [Section("notice", notice, failed=True)] if notice else []
    limit = _limit(limit_of(message))
    if limit and limit not in (notice or str(message.text)):
        sections.append(Section("notice", limit))
    failures = dict.fromkeys(str(entry["error"]) for entry in saved_outputs(message) if entry.get("error"))
    sections += [Section("notice", failure, failed=True) for failure in failures]
    if (verification := verification_section(message)) is not None:
        sections.append(verification)
    # Its runs are in sight.
    usage = replace(ExecutionUsage.of(message, prices), executions=0, seconds=0, images=0)
    model = str(metadata.get("model_name") or _artifact(message).get("model_name") or "")
    if environment := metadata.get("environment_id"):
        model = f"{model} in environment {environment}"
    if usage.tokens.total or model:
        sections.append(Section("usage", usage_text(usage, prices) or "tokens not counted", model))
    return sections


def limit_of(message: BaseMessage) -> Json:
    """The limit that a message says was reached; empty where it says none."""
    limit = message.response_metadata.get("limit") or _artifact(message).get("limit")
    return limit if isinstance(limit, dict) else {}


def _artifact(message: BaseMessage) -> Json:
    artifact = getattr(message, "artifact", None)
    return artifact if isinstance(artifact, dict) else {}


def _limit(limit: Json) -> str:
    try:
        return ReachedLimit(**limit).text if limit else ""
    except (AttributeError, TypeError, ValueError):  # of another program's making
        return f"A limit is reached: {as_text(limit)}"


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


# -- blocks --------------------------------------------------------------------------------------------


def sections_of_block(block: Any, codes: Sequence[CodeBlock]) -> list[Section]:
    """The sections of a block of an answer; none where it holds nothing for a reader. Never raises.

    Args:
        block: Of any provider, whole or as it streams in.
        codes: What `CodeReader` reads in it.
    """
    if codes:
        return [section for code in codes for section in _code(code)]
    if image := inline_image(block):
        return [_image(image)]
    block = {"type": "text", "text": block} if isinstance(block, str) else block
    read = _BY_TYPE.get(str(block.get("type"))) if isinstance(block, dict) else None
    section = read(block) if read else None
    return [section] if section else []


def _code(code: CodeBlock) -> Iterator[Section]:
    if isinstance(code, CodeCall):
        yield Section("code", code.code, code.language.lower(), run=code.id)
        return
    label, failed = _OUTCOMES[code.outcome], code.outcome is not Outcome.OK
    yield Section("output", code.output, label, failed, run=code.id)
    yield from map(_image, code.images)


def _image(image: InlineFile) -> Section:
    return Section("image", describe_file(image), file=image)


def _file(file: InlineFile) -> Section:
    return Section("file", describe_file(file), file.name, file=file)


def _media(block: Json) -> Section:
    file = inline_file(block)
    description = str(block.get("mime_type") or block.get("url") or "of unknown type")
    return _file(file) if file else Section("file", description)


def call_section(block: Mapping[str, Any]) -> Section:
    """A function call. A program among its arguments stands in lines of its own, not in an escaped string."""
    args = block.get("args") or {}
    lines = isinstance(args, dict) and any("\n" in value for value in args.values() if isinstance(value, str))
    text = "\n".join(f"{name} = {as_text(value)}" for name, value in args.items()) if lines else as_text(args)
    return Section("call", text, str(block.get("name", "")), run=block.get("id"))


_BY_TYPE: Final[Mapping[str, Callable[[Json], Section | None]]] = {
    "text": lambda block: Section("model", str(block["text"])) if block.get("text") else None,
    "reasoning": lambda block: (
        Section("thoughts", str(block["reasoning"])) if block.get("reasoning") else None
    ),
    **dict.fromkeys(("tool_call", "tool_call_chunk", "server_tool_call"), call_section),
    "server_tool_result": lambda block: Section(
        "reply", as_text(block.get("output")), failed=block.get("status") == "error"
    ),
    **dict.fromkeys(("file", "audio", "video", "image"), _media),
}
