"""What the bytes of an exchange say, and documents made small enough to look at.

Long texts are cut and binary data is left out; both can be fetched by their place.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from langchain_codeexec.emulator.continuing import append_part
from langchain_codeexec.emulator.interactions.reading import answer_from, prompt_from
from langchain_codeexec.emulator.page.journal import Exchange
from langchain_codeexec.emulator.parsing import declared_functions, parse_json, parse_message
from langchain_codeexec.emulator.schema import REQUESTS
from langchain_codeexec.emulator.service_errors import EmulatedError
from langchain_codeexec.emulator.targets import Target

__all__ = ["Chunk", "ParsedExchange", "cut", "parse_exchange", "text_at", "texts"]

_LONGEST = 20_000
_DEEPEST = 100
_SIGNATURES = frozenset({"thoughtSignature", "thought_signature"})


def cut(document: Any) -> tuple[Any, dict[str, dict[str, Any]]]:
    """Cut what is long.

    Returns:
        The document, fit for any JSON reader; and by JSON pointer (RFC 6901) what was cut: its `length` in
        characters, and of base64 the `mimeType` and the `bytes` it stands for.
    """
    cuts: dict[str, dict[str, Any]] = {}
    return _cut(document, "", cuts, 0), cuts


def _cut(value: Any, pointer: str, cuts: dict[str, dict[str, Any]], depth: int) -> Any:
    if depth > _DEEPEST:
        return "…"
    if isinstance(value, str) and len(value) > _LONGEST:
        cuts[pointer] = {"length": len(value)}
        return value[:_LONGEST]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list):
        return [_cut(item, f"{pointer}/{index}", cuts, depth + 1) for index, item in enumerate(value)]
    if isinstance(value, dict):
        cut_items = {name: _cut(item, _below(pointer, name), cuts, depth + 1) for name, item in value.items()}
        if mime_type := _mime_type(value):
            data = value["data"]
            size = len(data.rstrip("=")) * 3 // 4
            cuts[_below(pointer, "data")] = {"length": len(data), "bytes": size, "mimeType": mime_type}
            cut_items["data"] = ""
        return cut_items
    return value


def _mime_type(value: dict[str, Any]) -> str:
    """The type of an inline blob; empty for what is none."""
    mime_type = value.get("mimeType") or value.get("mime_type")
    return mime_type if isinstance(mime_type, str) and isinstance(value.get("data"), str) else ""


def _below(pointer: str, name: str) -> str:
    return f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"


def text_at(document: Any, pointer: str) -> tuple[str, str]:
    """A text of a document that was not cut yet, and its MIME type where it is base64."""
    parent, value = None, document
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        parent = value
        value = _child(value, name)
    if not isinstance(value, str):
        raise LookupError(pointer)  # noqa: TRY004 -- nothing is of a wrong type: the text is not there
    is_blob = isinstance(parent, dict) and pointer.endswith("/data")
    return value, _mime_type(parent) if is_blob and isinstance(parent, dict) else ""


def _child(value: Any, name: str) -> Any:
    if isinstance(value, dict) and name in value:
        return value[name]
    if isinstance(value, list) and name.isdecimal() and int(name) < len(value):
        return value[int(name)]
    raise LookupError(name)


def texts(document: Any) -> Iterator[str]:
    """All texts in a document, names included, but no base64; in order."""
    left = [document]
    while left:
        value = left.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            left.extend(reversed(value))
        elif isinstance(value, dict):
            binary = {"data"} if _mime_type(value) else set()
            pairs = [(name, item) for name, item in value.items() if name not in binary | _SIGNATURES]
            left.extend(text for pair in reversed(pairs) for text in reversed(pair))


@dataclass(frozen=True, slots=True)
class Chunk:
    """A body, or one chunk of a streamed one: its JSON, or as `text` what was sent instead, and when."""

    at: float
    body: Any = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class ParsedExchange:
    """An exchange, taken apart: the JSON that was sent or else the text, and as the service reads it."""

    sent: Any = None
    sent_text: str | None = None
    request: Mapping[str, Any] = field(default_factory=dict)
    chunks: Sequence[Chunk] = ()
    target: Target | None = None

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The chunks that are JSON objects."""
        return [chunk.body for chunk in self.chunks if isinstance(chunk.body, dict)]

    @property
    def responses(self) -> list[dict[str, Any]]:
        """The chunks as responses of generating content; those of an interaction are one."""
        answer = answer_from(self.bodies, self.target) if self.target is not None else None
        return self.bodies if answer is None else [answer]

    @property
    def candidate(self) -> dict[str, Any]:
        """The first candidate: its parts of all chunks, joined, and what came last of the rest."""
        whole: dict[str, Any] = {}
        parts: list[Any] = []
        for body in self.responses:
            candidates = body.get("candidates")
            if not isinstance(candidates, list) or not candidates or not isinstance(candidates[0], dict):
                continue
            whole |= {name: value for name, value in candidates[0].items() if name != "content"}
            content = candidates[0].get("content")
            listed = content.get("parts") if isinstance(content, dict) else None
            for part in listed if isinstance(listed, list) else ():
                append_part(parts, part)
        return {**whole, "parts": parts}

    @property
    def usage(self) -> dict[str, Any]:
        """The last token counts."""
        counts = (body.get("usageMetadata") for body in reversed(self.responses))
        return next((count for count in counts if isinstance(count, dict)), {})

    @property
    def error(self) -> Any:
        """The error, where the answer is or ends in one."""
        return next((body["error"] for body in reversed(self.bodies) if "error" in body), None)

    @property
    def functions(self) -> list[str]:
        """The names of the declared functions."""
        return [one.get("name", "") for one in declared_functions(self.request)]


def parse_exchange(exchange: Exchange) -> ParsedExchange:
    """Take the bytes of an exchange apart; what makes no sense is text."""
    chunks = tuple(_chunks(exchange))
    if not exchange.request_body:
        return ParsedExchange(chunks=chunks, target=exchange.target)
    try:
        sent = parse_json(exchange.request_body)
    except EmulatedError:
        return ParsedExchange(sent_text=exchange.request_body.decode("utf-8", "replace"), chunks=chunks)
    return ParsedExchange(sent=sent, request=_request(exchange, sent), chunks=chunks, target=exchange.target)


def _request(exchange: Exchange, sent: Any) -> Mapping[str, Any]:
    message = REQUESTS.get(exchange.method)
    with suppress(EmulatedError):  # refused for that, and shown as it was sent
        if exchange.target is not None and exchange.method == "createInteraction":
            return prompt_from(sent, exchange.target)
        if exchange.target is not None and message:
            request = parse_message(message, sent, exchange.target)
            nested: dict[str, Any] | None = request.get("generateContentRequest")
            return nested or request
    return {}


def _chunks(exchange: Exchange) -> Iterator[Chunk]:
    """Streams send every chunk in a piece of its own, in the framing of events or of an array."""
    if exchange.content_type.startswith("text/event-stream"):
        for at, piece in exchange.pieces:
            yield _chunk(at, piece.partition(b"data: ")[2].rstrip(b"\r\n"))
    elif exchange.method == "streamGenerateContent":
        for at, piece in exchange.pieces:
            if text := piece.strip(b"[],\r\n"):
                yield _chunk(at, text)
    elif exchange.pieces:
        yield _chunk(exchange.pieces[-1][0], exchange.response_body)


def _chunk(at: float, raw: bytes) -> Chunk:
    try:
        return Chunk(at, json.loads(raw))
    except (ValueError, RecursionError):
        return Chunk(at, text=raw.decode("utf-8", "replace"))
