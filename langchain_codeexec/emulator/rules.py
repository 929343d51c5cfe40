"""Which tools a request may combine, and how they may be configured.

| endpoint | model | functions together with a built-in tool |
|---|---|---|
| Developer API | Gemini 3 and later | needs `toolConfig.includeServerSideToolInvocations` |
| Vertex | Gemini 3 and later | allowed; the flag is an unknown name |
| both | Gemini 2 and earlier | refused |

On Vertex, Gemini 2 takes a second tool only where all of them search.

Which settings and files go together with which model.

Seen in answers of the services are the refusals of JSON beside tools, of a schema without JSON and of MIME
types. The wordings for numbers out of their range are made after them.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from langchain_codeexec.emulator.schema import snake_case
from langchain_codeexec.emulator.service_errors import invalid, unable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from langchain_codeexec.emulator.targets import Target
    from langchain_codeexec.gemini.wire import EndpointKind

__all__ = ["check_files", "check_form", "check_ranges", "check_tool_config", "check_tools", "declares"]

_FUNCTIONS = "functionDeclarations"
_FLAG = "includeServerSideToolInvocations"
_SEARCH_TOOLS = frozenset(
    {
        "googleSearch",
        "googleSearchRetrieval",
        "enterpriseWebSearch",
        "retrieval",
        "urlContext",
        "googleMaps",
        "parallelAiSearch",
        "exaAiSearch",
    }
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")


def _kinds(request: Mapping[str, Any]) -> list[str]:
    """The kind of every tool, one for each entry and key, in order."""
    return [kind for tool in request.get("tools") or [] for kind in tool]


def declares(request: Mapping[str, Any], kind: str) -> bool:
    """Whether the request declares a tool of that kind."""
    return kind in _kinds(request)


def _declarations(request: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for index, tool in enumerate(request.get("tools") or []):
        for position, declaration in enumerate(tool.get(_FUNCTIONS) or []):
            yield f"tools[{index}].function_declarations[{position}]", declaration


def check_tools(request: Mapping[str, Any], target: Target) -> None:
    """Refuse function names that are no names, names declared twice, and forbidden combinations."""
    seen: set[str] = set()
    for place, declaration in _declarations(request):
        name = declaration.get("name", "")
        if not _NAME.fullmatch(name):
            raise invalid(
                f"* GenerateContentRequest.{place}.name: Invalid function name. Must start with a letter "
                "or an underscore. Must be alphameric (a-z, A-Z, 0-9), underscores (_), dots (.), "
                "colons (:), or dashes (-), with a maximum length of 64.\n"
            )
        if name in seen:
            raise invalid(f"Duplicate function declaration found: {name}")
        seen.add(name)
    rule = _COMBINATIONS[target.endpoint, target.signs]
    if text := rule(request, target):
        raise invalid(text)


def _mixes(request: Mapping[str, Any]) -> bool:
    kinds = set(_kinds(request))
    return _FUNCTIONS in kinds and len(kinds) > 1


def _flagged(request: Mapping[str, Any]) -> bool:
    return bool((request.get("toolConfig") or {}).get(_FLAG))


def _developer(request: Mapping[str, Any], target: Target) -> str:  # noqa: ARG001 -- a rule's signature
    if not _mixes(request) or _flagged(request):
        return ""
    return (
        "Please enable tool_config.include_server_side_tool_invocations "
        "to use Built-in tools with Function calling."
    )


def _developer_older(request: Mapping[str, Any], target: Target) -> str:
    if _flagged(request):
        return f"Tool call context circulation is not enabled for {target.resource}"
    return "Tool use with function calling is unsupported" if _mixes(request) else ""


def _vertex(request: Mapping[str, Any], target: Target) -> str:  # noqa: ARG001 -- a rule's signature
    return ""


def _vertex_older(request: Mapping[str, Any], target: Target) -> str:  # noqa: ARG001 -- a rule's signature
    kinds = _kinds(request)
    if len(kinds) > 1 and not set(kinds) <= _SEARCH_TOOLS:
        return "Multiple tools are supported only when they are all search tools."
    return ""


_COMBINATIONS: Mapping[tuple[EndpointKind, bool], Callable[[Mapping[str, Any], Target], str]] = (
    MappingProxyType(
        {
            ("developer", True): _developer,
            ("developer", False): _developer_older,
            ("vertex", True): _vertex,
            ("vertex", False): _vertex_older,
        }
    )
)
"""By endpoint and whether the model is of Gemini 3 or later: the refusal, or nothing."""


def check_tool_config(request: Mapping[str, Any], target: Target) -> None:  # noqa: ARG001 -- a check's signature
    """Refuse a function calling configuration without functions."""
    configured = "functionCallingConfig" in (request.get("toolConfig") or {})
    if configured and not any(_declarations(request)):
        raise invalid("Function calling config is set without function_declarations.")


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
