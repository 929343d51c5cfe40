"""Calls of our own chat model, which plans by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_codeexec.chat_models import ChatGeminiCodeExecution
from langchain_codeexec.middleware.calls import called_model, without_tool
from langchain_codeexec.middleware.signatures import with_valid_signatures

if TYPE_CHECKING:
    from langchain.agents.middleware.types import ModelRequest

    from langchain_codeexec.middleware.calls import Options

__all__ = ["is_own", "own_request"]


def is_own(request: ModelRequest[Any]) -> bool:
    """Whether the model that is called plans by itself."""
    return isinstance(called_model(request), ChatGeminiCodeExecution)


def own_request(request: ModelRequest[Any], options: Options) -> ModelRequest[Any]:
    """The request with the middleware's settings; the tool that stands in for code execution is not needed."""
    wanted = {"planner": options.planner, "combination": options.combination}
    settings = {name: value for name, value in wanted.items() if value is not None}
    return request.override(
        messages=with_valid_signatures(request.messages, called_model(request).endpoint),
        tools=without_tool(request.tools, options.tool),
        model_settings={**request.model_settings, **settings},
    )
