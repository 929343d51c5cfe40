"""One call: what it sends, and where its answer comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.gemini.capabilities import capabilities
from langchain_codeexec.settings import CALL_SETTINGS
from langchain_codeexec.translation.choice import tool_config
from langchain_codeexec.translation.declarations import (
    CODE_EXECUTION,
    declares_code_execution,
    function_names,
    wire_tools,
    without_code_execution,
)
from langchain_codeexec.translation.messages import Destination, contents_from_messages
from langchain_codeexec.translation.requests import generation_config, safety_settings
from langchain_codeexec.translation.responses import Origin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_core.messages import BaseMessage

    from langchain_codeexec.gemini.transport import EndpointKind
    from langchain_codeexec.gemini.wire import GenerateContentRequest, Tool

__all__ = ["Call", "prepare"]

_FOR_OTHERS: Final = frozenset({"stream", "strict", "parallel_tool_calls"})
"""Passed around by LangChain for other providers; Gemini has nothing to set for them."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request ready to go.

    Attributes:
        model: The model's name.
        request: The body.
        origin: What its answer's messages will share.
        timeout: Seconds it may take; `None` leaves it to the transport.
    """

    model: str
    request: GenerateContentRequest
    origin: Origin
    timeout: float | None


def prepare(
    messages: Sequence[BaseMessage],
    defaults: Mapping[str, Any],
    overrides: Mapping[str, Any],
    endpoint: EndpointKind,
) -> Call:
    """Put a request together.

    Args:
        messages: The conversation.
        defaults: The model's settings by name.
        overrides: What this call sets differently, with its `tools` and `tool_choice`.
        endpoint: The service it goes to.

    Raises:
        ConfigurationError: An override is none that Gemini knows.
        MessageError: A message cannot be sent.
        ToolDeclarationError: A tool cannot be declared.
    """
    unknown = overrides.keys() - CALL_SETTINGS - _FOR_OTHERS - {"tools", "tool_choice"}
    if unknown:
        raise ConfigurationError(
            f"unknown setting {', '.join(sorted(map(repr, unknown)))}; what belongs into the request's "
            "generationConfig goes through generation_config={...}"
        )
    settings = {**defaults, **{name: value for name, value in overrides.items() if value is not None}}
    model = str(settings["model"])
    config = generation_config(settings)
    tools = _tools(settings, model, endpoint, with_schema="responseJsonSchema" in config)
    to = Destination(model, endpoint, native_code=declares_code_execution(tools))
    contents, system = contents_from_messages(messages, to)
    request: dict[str, Any] = {"contents": contents}
    if system:
        request["systemInstruction"] = system
    if tools:
        request["tools"] = tools
    if choice := _choice(settings.get("tool_choice"), tools, to):
        request["toolConfig"] = choice
    if config:
        request["generationConfig"] = config
    if settings.get("safety_settings"):
        request["safetySettings"] = safety_settings(settings["safety_settings"])
    if settings.get("cached_content"):
        request["cachedContent"] = settings["cached_content"]
    if settings.get("labels"):
        request["labels"] = settings["labels"]
    origin = Origin(endpoint, model, turn=str(len(contents)))
    return Call(model, cast("GenerateContentRequest", request), origin, settings.get("timeout"))


def _tools(
    settings: Mapping[str, Any], model: str, endpoint: EndpointKind, *, with_schema: bool
) -> list[Tool]:
    """The tools of a request: code execution is left out where the model refuses it beside the rest."""
    tools = wire_tools(settings.get("tools") or ())
    # A cache holds its own tools, and the service refuses a request that declares others beside it.
    if (
        settings["code_execution"]
        and not settings.get("cached_content")
        and not declares_code_execution(tools)
    ):
        tools.append(CODE_EXECUTION)
    accepts = capabilities(model, endpoint)
    refused = (function_names(tools) and not accepts.code_with_functions) or (
        with_schema and not accepts.tools_with_schema
    )
    return without_code_execution(tools) if refused else tools


def _choice(choice: Any, tools: list[Tool], to: Destination) -> dict[str, Any]:
    config = dict(tool_config(choice, tools))
    combined = function_names(tools) and declares_code_execution(tools)
    if combined and to.accepts.server_side_flag:
        config["includeServerSideToolInvocations"] = True
    return config
