"""Which settings and files go together with which model.

Seen in answers of the services are the refusals of JSON beside tools, of a schema without JSON and of MIME
types. The wordings for numbers out of their range are made after them.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from langchain_codeexec.emulator.schema import snake_case
from langchain_codeexec.emulator.service_errors import invalid, unable
from langchain_codeexec.emulator.tool_rules import declares

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from langchain_codeexec.emulator.targets import Target
    from langchain_codeexec.gemini.transport import EndpointKind

__all__ = ["check_files", "check_form", "check_ranges"]

_FAMILIES = ("text/", "audio/", "video/")
_IMAGES = ("image/png", "image/jpeg", "image/webp", "image/heic", "image/heif")
_DOCUMENTS = ("application/pdf", "application/rtf", "application/xml", "application/javascript")
_READABLE: Mapping[EndpointKind, frozenset[str]] = MappingProxyType(
    {
        "vertex": frozenset((*_IMAGES, *_DOCUMENTS)),
        "developer": frozenset(
            (
                *_IMAGES,
                *_DOCUMENTS,
                "application/json",
                "application/x-javascript",
                "application/x-python-code",
                "application/x-typescript",
                "application/typescript",
            )
        ),
    }
)
"""MIME types a model reads besides whole families. Archives, spreadsheets and text documents are none of them."""


def check_files(request: Mapping[str, Any], target: Target) -> None:
    """Refuse files of a type that no model reads."""
    for content in request.get("contents") or []:
        for part in content.get("parts") or []:
            for kind in ("inlineData", "fileData"):
                if kind in part:
                    _check_type(part[kind].get("mimeType", ""), kind, target)


def _check_type(mime_type: str, kind: str, target: Target) -> None:
    bare = mime_type.partition(";")[0].strip().lower()
    if bare.startswith(_FAMILIES) or bare in _READABLE[target.endpoint]:
        return
    if target.endpoint == "developer":
        if bare or kind == "inlineData":  # of a file it stores itself the service knows the type
            raise invalid(f"Unsupported MIME type: {mime_type}")
        return
    if not bare:
        raise unable(
            f"it has an empty mimeType parameter in {kind}. Add a value to the parameter and try again."
        )
    raise unable(
        f"it has a mimeType parameter with value {mime_type}, which is not supported. "
        "Update the mimeType and try again."
    )


def check_form(request: Mapping[str, Any], target: Target) -> None:
    """Refuse a schema for an answer that is no JSON, and before Gemini 3 JSON beside tools."""
    config = request.get("generationConfig") or {}
    form = config.get("responseMimeType") or "text/plain"
    if form == "text/plain":
        if "responseSchema" in config or "responseJsonSchema" in config:
            raise invalid(f"Response_schema with a response mime type: '{form}' is unsupported")
        return
    if target.signs:
        return
    if target.endpoint == "vertex":
        if declares(request, "codeExecution"):
            raise unable("controlled generation is not supported with Code Execution tool.")
        return
    for kind in ("functionDeclarations", "codeExecution"):
        if declares(request, kind):
            use = "Function calling" if kind == "functionDeclarations" else "Tool use"
            raise invalid(f"{use} with a response mime type: '{form}' is unsupported")


class _Range(NamedTuple):
    lowest: float
    highest: float = float("inf")

    def __str__(self) -> str:
        if self.highest == float("inf"):
            return f"from {self.lowest:g} (inclusive)"
        return f"from {self.lowest:g} (inclusive) to {self.highest:g} (inclusive)"


_RANGES: Mapping[str, _Range] = MappingProxyType(
    {
        "temperature": _Range(0, 2),
        "topP": _Range(0, 1),
        "topK": _Range(1),
        "candidateCount": _Range(1, 8),
        "maxOutputTokens": _Range(0),
    }
)


def check_ranges(request: Mapping[str, Any], target: Target) -> None:
    """Refuse numbers no model takes."""
    for name, value, allowed in _out_of_range(request.get("generationConfig") or {}):
        if target.endpoint == "developer":
            field = snake_case(name)
            place = f"GenerateContentRequest.generation_config.{field}"
            raise invalid(f"* {place}: {field} must be in the range {allowed}.\n")
        raise unable(
            f"it has a {name} value of {value:g} but the supported range is {allowed}. "
            "Update the value and try again."
        )


def _out_of_range(config: Mapping[str, Any]) -> Iterator[tuple[str, float, _Range]]:
    for name, allowed in _RANGES.items():
        value = config.get(name)
        if value is not None and not allowed.lowest <= value <= allowed.highest:
            yield name, value, allowed
