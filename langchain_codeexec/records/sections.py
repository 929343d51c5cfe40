"""What a message tells, section by section: the one reading that every form of a record shares.

A record as one JSON object, for other programs.
"""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from langchain_codeexec.data.outputs import describe_file, saved_outputs
from langchain_codeexec.data.sinks import place_of
from langchain_codeexec.executions import Outcome, executions_from_artifact
from langchain_codeexec.messages.code_blocks import BlockReader, CodeCall, code_executions
from langchain_codeexec.messages.media import inline_file, inline_image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from langchain_core.messages import BaseMessage

    from langchain_codeexec.executions import CodeExecution, InlineFile
    from langchain_codeexec.messages.code_blocks import Half

__all__ = [
    "Kind",
    "Section",
    "SectionReader",
    "closing_sections",
    "json_record",
    "placed",
    "places_of",
    "plan_section",
    "sections_of",
    "sections_of_execution",
    "verification_section",
]

Json: TypeAlias = "dict[str, Any]"

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
_SPOKEN: Final = frozenset({"model", "answer"})
_RUN: Final = frozenset({"code", "output"})


@dataclass(frozen=True, slots=True)
class Section:
    """One thing a message tells.

    Attributes:
        kind: What it is.
        text: Its text, as it came.
        label: What else its heading says: a language, an outcome, a function's name.
        failed: Whether it tells of a failure.
        file: The image it shows, or the file it tells of.
        place: Where that is saved: a path, or a URL.
        run: The id that links code and what it printed, where the message has one.
    """

    kind: Kind
    text: str
    label: str = ""
    failed: bool = False
    file: InlineFile | None = None
    place: str = ""
    run: str | None = None


class SectionReader:
    """Reads the blocks of one message in order, whichever provider made them, whole or as they stream in.

    Args:
        provider: `response_metadata["model_provider"]` of the message, or empty.
    """

    def __init__(self, provider: str = "") -> None:
        self._runs = BlockReader(provider)
        self._has_run = False

    def sections(self, block: object) -> Iterator[Section]:
        """What a block tells. Never raises; a block that tells a reader nothing gives nothing."""
        halves = self._runs.halves(block)
        if halves:
            self._has_run = True
            for half in halves:
                yield from _half(half)
            return
        image = inline_image(block)
        if image is not None:
            yield _image(image)
            return
        if isinstance(block, str):
            block = {"type": "text", "text": block}
        if isinstance(block, dict):
            for section in _BY_TYPE.get(str(block.get("type")), _nothing)(block):
                yield replace(section, kind="answer") if self._is_late(section) else section

    def _is_late(self, section: Section) -> bool:
        return self._has_run and section.kind == "model"


def sections_of(message: BaseMessage) -> list[Section]:
    """What a message of any role tells."""
    return placed(_BY_ROLE.get(message.type, _answer)(message), message)


def placed(sections: Iterable[Section], message: BaseMessage) -> list[Section]:
    """Sections that say where their files are saved, as far as the message knows."""
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
    """What the record of one run tells."""
    sections = [Section("code", execution.code, execution.language.lower())] if execution.code else []
    if execution.outcome is not None:
        sections.append(_output(execution.outcome, execution.output or ""))
    if execution.tried:
        sections.append(Section("notice", f"Tried before: {', '.join(execution.tried)}"))
    return [*sections, *map(_image, execution.images)]


# -- roles ---------------------------------------------------------------------------------------------


def _answer(message: BaseMessage) -> list[Section]:
    metadata = message.response_metadata
    reader = SectionReader(str(metadata.get("model_provider", "")))
    told = [section for block in _blocks(message) for section in reader.sections(block)]
    last_run = max((place for place, section in enumerate(told) if section.kind in _RUN), default=-1)
    spoken = [
        replace(section, kind="model" if place < last_run else "answer")
        if section.kind in _SPOKEN
        else section
        for place, section in enumerate(told)
    ]
    return [*_plan(message), *spoken, *closing_sections(message)]


def _question(message: BaseMessage) -> list[Section]:
    reader = SectionReader()
    told = [section for block in _blocks(message) for section in reader.sections(block)]
    return [replace(section, kind="question") if section.kind == "model" else section for section in told]


def _reply(message: BaseMessage) -> list[Section]:
    """The runs that the tool made, what it said, and what it showed."""
    failed = getattr(message, "status", "success") == "error"
    runs = executions_from_artifact(getattr(message, "artifact", None))
    reader = SectionReader()
    shown = [section for block in _blocks(message) for section in reader.sections(block) if section.file]
    return [
        *(section for run in runs for section in sections_of_execution(run)),
        Section("reply", str(message.text), message.name or "", failed),
        *shown,
        *closing_sections(message),
    ]


_BY_ROLE: Final[Mapping[str, Callable[[BaseMessage], list[Section]]]] = {
    "human": _question,
    "system": _question,
    "tool": _reply,
}


def closing_sections(message: BaseMessage) -> list[Section]:
    """What a message tells beside its blocks, known once it is complete: how it ended and what it cost."""
    metadata = message.response_metadata
    notice = metadata.get("finish_message")
    sections = [Section("notice", str(notice), failed=True)] if notice else []
    failures = dict.fromkeys(str(entry["error"]) for entry in saved_outputs(message) if entry.get("error"))
    sections += [Section("notice", failure, failed=True) for failure in failures]
    if (verified := verification_section(message)) is not None:
        sections.append(verified)
    usage = getattr(message, "usage_metadata", None)
    if usage:
        sections.append(Section("usage", _usage(usage), str(metadata.get("model_name", ""))))
    return sections


def _blocks(message: BaseMessage) -> list[Any]:
    content: Any = message.content
    return content if isinstance(content, list) else [content]


def plan_section(message: BaseMessage) -> Section | None:
    """What a model call got and why; `None` for a message that does not say."""
    plan = message.response_metadata.get("plan")
    if not isinstance(plan, dict):
        return None
    functions = map(str, plan.get("functions") or [])
    sides = ", ".join([*(["code execution"] if plan.get("code_execution") else []), *functions])
    reason = plan.get("reason") or "no reason given"
    return Section("plan", f"{sides or 'no tools'}: {reason}", str(plan.get("way", "")))


def verification_section(message: BaseMessage) -> Section | None:
    """What running a message's code again gave; `None` for a message that does not say."""
    verification = message.response_metadata.get("verification")
    if not isinstance(verification, dict):
        return None
    verdict, reason = str(verification.get("verdict")), verification.get("reason")
    told = f"Verification: {verdict.replace('_', ' ')}{f'; {reason}' if reason else ''}"
    return Section("notice", told, failed=verdict == "mismatch")


def _plan(message: BaseMessage) -> list[Section]:
    """The plan where there was something to choose."""
    section = plan_section(message)
    if section is None or (
        section.label == "native" and not message.response_metadata["plan"].get("functions")
    ):
        return []
    return [section]


def _usage(usage: Mapping[str, Any]) -> str:
    spent = usage.get("input_token_details") or {}
    made = usage.get("output_token_details") or {}
    counts = [
        f"{usage.get('input_tokens', 0)} in{_part(spent, 'tool_use', 'from its runs')}",
        f"{usage.get('output_tokens', 0)} out{_part(made, 'reasoning', 'thinking')}",
    ]
    return f"{usage.get('total_tokens', 0)} tokens: {', '.join(counts)}"


def _part(details: Mapping[str, Any], key: str, name: str) -> str:
    return f" ({details[key]} {name})" if details.get(key) else ""


# -- blocks --------------------------------------------------------------------------------------------


def _half(half: Half) -> Iterator[Section]:
    if isinstance(half, CodeCall):
        yield Section("code", half.code, half.language.lower(), run=half.id)
        return
    yield replace(_output(half.outcome, half.output), run=half.id)
    yield from map(_image, half.images)


def _output(outcome: Outcome, output: str) -> Section:
    return Section("output", output, _OUTCOMES[outcome], failed=outcome is not Outcome.OK)


def _image(image: InlineFile) -> Section:
    return Section("image", describe_file(image), file=image)


def _text(block: Json) -> Iterator[Section]:
    if text := block.get("text"):
        yield Section("model", str(text))


def _reasoning(block: Json) -> Iterator[Section]:
    if text := block.get("reasoning"):
        yield Section("thoughts", str(text))


def _call(block: Json) -> Iterator[Section]:
    yield Section("call", _written(block.get("args") or {}), str(block.get("name", "")))


def _server_result(block: Json) -> Iterator[Section]:
    yield Section("reply", _written(block.get("output", "")), failed=block.get("status") == "error")


def _file(block: Json) -> Iterator[Section]:
    told = str(block.get("mime_type") or block.get("url") or "of unknown type")
    yield Section("file", told, file=inline_file(block))


def _nothing(_block: Json) -> Iterator[Section]:
    return iter(())


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


_BY_TYPE: Final[Mapping[str, Callable[[Json], Iterator[Section]]]] = {
    "text": _text,
    "reasoning": _reasoning,
    "tool_call": _call,
    "tool_call_chunk": _call,  # Gemini streams a call in one piece
    "server_tool_call": _call,
    "server_tool_result": _server_result,
    "file": _file,
    "audio": _file,
    "video": _file,
    "image": _file,
}


_BESIDES: Final = ("finish_message", "plan", "outputs", "verification")


def json_record(message: BaseMessage) -> dict[str, Any]:
    """What an answer tells, in values of JSON.

    Args:
        message: The model's message.

    Returns:
        `answer` (the text after the last run), `executions` in order, `usage` in tokens, `finish_reason` and
        `model`; `tool_calls`, `finish_message`, `plan`, `outputs` (what is saved where) and `verification` where
        the message has them. An image that is saved is given by `path`, a path or URL, any other by value, in
        `base64`.
    """
    metadata = message.response_metadata
    places = places_of(message)
    record: dict[str, Any] = {
        "answer": "".join(section.text for section in sections_of(message) if section.kind == "answer"),
        "executions": [_execution(run, places) for run in code_executions(message)],
        "usage": getattr(message, "usage_metadata", None),
        "finish_reason": metadata.get("finish_reason"),
        "model": metadata.get("model_name"),
    }
    if calls := getattr(message, "tool_calls", None):
        record["tool_calls"] = [{"name": call["name"], "args": call["args"]} for call in calls]
    return record | {key: metadata[key] for key in _BESIDES if metadata.get(key)}


def _execution(execution: CodeExecution, places: dict[str, str]) -> dict[str, Any]:
    return {
        "code": execution.code,
        "language": execution.language,
        "outcome": execution.outcome,
        "output": execution.output,
        "images": [_image_json_record(image, places) for image in execution.images],
        "origin": execution.origin,
        **({"tried": list(execution.tried)} if execution.tried else {}),
    }


def _image_json_record(image: InlineFile, places: dict[str, str]) -> dict[str, str]:
    place = places.get(sha256(image.data).hexdigest())
    held = {"path": place} if place else {"base64": b64encode(image.data).decode()}
    return {"mime_type": image.mime_type, **held}
