"""A chat model with tools bound, to which more can be bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.language_models.base import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableBinding

from langchain_codeexec.translation.choice import tool_config
from langchain_codeexec.translation.declarations import wire_tools

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.runnables import Runnable

__all__ = ["ToolBinding"]


class ToolBinding(RunnableBinding[LanguageModelInput, AIMessage]):
    """What `bind_tools` returns. LangChain's own binding would forget its tools at the next `bind_tools`."""

    @classmethod
    def lc_id(cls) -> list[str]:
        """Saved as the binding it is to everybody else."""
        return [*cls.get_lc_namespace(), "RunnableBinding"]

    def bind_tools(self, tools: Sequence[Any], *, tool_choice: Any = None, **kwargs: Any) -> ToolBinding:
        """Declare more tools.

        Args:
            tools: Added to those bound before; in any form the chat model's `bind_tools` takes.
            tool_choice: Replaces the choice made before.
            **kwargs: Settings for each call.

        Raises:
            ToolDeclarationError: As for the chat model's `bind_tools`.
        """
        bound = {**self.kwargs, **kwargs, "tools": wire_tools([*self.kwargs.get("tools", ()), *tools])}
        if tool_choice is not None:
            bound["tool_choice"] = tool_choice
        tool_config(bound.get("tool_choice"), bound["tools"])
        return self.__class__(bound=self.bound, kwargs=bound, config=self.config)

    def with_structured_output(self, schema: Any = None, **kwargs: Any) -> Runnable[LanguageModelInput, Any]:
        """Answer with an object of a schema, the tools bound so far still declared.

        Args:
            schema: As for the chat model's `with_structured_output`.
            **kwargs: Likewise; `tools` declares further tools.

        Raises:
            ConfigurationError: As for the chat model's `with_structured_output`.
        """
        tools = [*self.kwargs.get("tools", ()), *kwargs.pop("tools", ())]
        model: Any = self.bound
        structured: Runnable[LanguageModelInput, Any] = model.with_structured_output(
            schema, **{**self.kwargs, **kwargs, "tools": tools}
        )
        return structured.with_config(self.config)
