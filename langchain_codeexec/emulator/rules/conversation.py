"""What a request says, as the rules need it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

from langchain_codeexec.emulator.answering import input_files
from langchain_codeexec.emulator.rules.functions.schemas import resolved
from langchain_codeexec.emulator.rules.question import Attachment, Question

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from langchain_codeexec.gemini.wire import (
        Content,
        FunctionCall,
        FunctionResponse,
        GenerateContentRequest,
        Part,
    )

__all__ = ["Conversation", "Declaration", "Exchange"]

_NEVER_CALL, _MUST_CALL = "NONE", "ANY"


@dataclass(frozen=True, slots=True)
class Declaration:
    """A declared function; `parameters` is JSON Schema without references, types in lower case."""

    name: str
    description: str
    parameters: Mapping[str, Any]

    @property
    def properties(self) -> Mapping[str, Any]:
        """Its parameters' schemas by name."""
        found = self.parameters.get("properties")
        return found if isinstance(found, dict) else {}

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the parameters it must be given."""
        return tuple(name for name in self.parameters.get("required") or () if name in self.properties)


@dataclass(frozen=True, slots=True)
class Exchange:
    """An earlier question, and what the model's code printed and the model said about it."""

    question: str
    output: str
    reply: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """A request as the rules read it.

    Attributes:
        question: The last text of the user, with all files of the conversation.
        earlier: The exchanges before it, oldest first.
        calls: Function calls the model made since then.
        responses: Their answers.
        declarations: The functions that may be called; empty where calling is forbidden.
        must_call: Whether the answer has to be a function call.
        can_run: Whether code execution is declared.
        answer_schema: JSON Schema of the answer; `None` for an answer in text.
        enumerates: Whether the answer is one bare value of `answer_schema`'s enum.
        shows_thoughts: Whether thought summaries are wanted.
    """

    question: Question
    earlier: tuple[Exchange, ...]
    calls: tuple[FunctionCall, ...]
    responses: tuple[FunctionResponse, ...]
    declarations: tuple[Declaration, ...]
    must_call: bool
    can_run: bool
    answer_schema: Mapping[str, Any] | None
    enumerates: bool
    shows_thoughts: bool

    @classmethod
    def of(cls, request: GenerateContentRequest) -> Conversation:
        """Read a request."""
        contents = request.get("contents") or []
        asked = _last_question(contents)
        current = contents[asked:]
        mode, allowed = _calling(request)
        config = request.get("generationConfig") or {}
        text = _text(contents[asked]) if asked < len(contents) else ""
        declared = () if mode == _NEVER_CALL else tuple(_declarations(request, allowed))
        return cls(
            question=Question.of(text, tuple(_attachments(request))),
            earlier=tuple(_exchanges(contents[:asked])),
            calls=tuple(_found(current, "functionCall")),
            responses=tuple(_found(current, "functionResponse")),
            declarations=declared,
            must_call=mode == _MUST_CALL and bool(declared),
            can_run=any("codeExecution" in tool for tool in request.get("tools") or []),
            answer_schema=_answer_schema(config),
            enumerates=config.get("responseMimeType") == "text/x.enum",
            shows_thoughts=bool((config.get("thinkingConfig") or {}).get("includeThoughts")),
        )


def _parts(content: Content) -> list[Part]:
    return content.get("parts") or []


def _text(content: Content) -> str:
    texts = (part.get("text") for part in _parts(content) if not part.get("thought"))
    return "\n".join(text for text in texts if text)


def _is_users(content: Content) -> bool:
    return content.get("role", "user") != "model"


def _last_question(contents: Sequence[Content]) -> int:
    """Index of the user's last content with text, else of the last with anything but function responses."""
    indices = [index for index, content in enumerate(contents) if _is_users(content)]
    with_text = [index for index in indices if _text(contents[index]).strip()]
    with_files = [
        index
        for index in indices
        if any("inlineData" in part or "fileData" in part for part in _parts(contents[index]))
    ]
    return max([*with_text, *with_files], default=len(contents))


def _found(contents: Sequence[Content], key: str) -> Iterator[Any]:
    parts = [cast("dict[str, Any]", part) for content in contents for part in _parts(content)]
    return (part[key] for part in parts if part.get(key))


def _exchanges(contents: Sequence[Content]) -> Iterator[Exchange]:
    """One exchange for each run of contents that begins with a text of the user."""
    starts = [
        index for index, content in enumerate(contents) if _is_users(content) and _text(content).strip()
    ]
    for start, end in pairwise([*starts, len(contents)]):
        answers = [content for content in contents[start:end] if not _is_users(content)]
        results = [result.get("output") or "" for result in _found(answers, "codeExecutionResult")]
        yield Exchange(_text(contents[start]), "".join(results), "\n".join(filter(None, map(_text, answers))))


def _attachments(request: GenerateContentRequest) -> Iterator[Attachment]:
    """Inline files under the names that the sandbox gives them, then files by reference."""
    for file in input_files(request):
        yield Attachment(file.mime_type, file.data, file.name)
    for content in filter(_is_users, request.get("contents") or []):
        for part in _parts(content):
            if referred := part.get("fileData"):
                yield Attachment(referred.get("mimeType", ""), b"", referred.get("fileUri", ""))


def _calling(request: GenerateContentRequest) -> tuple[str, frozenset[str]]:
    config = (request.get("toolConfig") or {}).get("functionCallingConfig") or {}
    return config.get("mode") or "AUTO", frozenset(config.get("allowedFunctionNames") or ())


def _declarations(request: GenerateContentRequest, allowed: frozenset[str]) -> Iterator[Declaration]:
    for tool in request.get("tools") or []:
        for declared in tool.get("functionDeclarations") or []:
            name = declared.get("name", "")
            schema = declared.get("parametersJsonSchema") or declared.get("parameters") or {}
            if name in allowed or not allowed:
                yield Declaration(name, declared.get("description") or "", resolved(schema))


def _answer_schema(config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if config.get("responseMimeType") not in {"application/json", "text/x.enum"}:
        return None
    schema = config.get("responseJsonSchema") or config.get("responseSchema") or {}
    return resolved(schema)
