"""Which tools a request may combine, and how they may be configured.

| endpoint | model | functions together with a built-in tool |
|---|---|---|
| Developer API | Gemini 3 and later | needs `toolConfig.includeServerSideToolInvocations` |
| Vertex | Gemini 3 and later | allowed; the flag is an unknown name |
| both | Gemini 2 and earlier | refused |

On Vertex, Gemini 2 takes a second tool only where all of them search.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from langchain_codeexec.emulator.service_errors import invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from langchain_codeexec.emulator.targets import Target
    from langchain_codeexec.gemini.transport import EndpointKind

__all__ = ["check_tool_config", "check_tools", "declares"]

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
