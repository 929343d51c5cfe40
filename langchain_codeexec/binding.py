"""What `bind_tools` returns: the chat model with tools, to which more can be bound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.language_models.base import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable, RunnableBinding

from langchain_codeexec.messages.tools import bound_tools, tool_config, wire_tools

__all__ = ["ToolBinding"]


class ToolBinding(RunnableBinding[LanguageModelInput, AIMessage]):
    """What `bind_tools` returns. LangChain's own binding would forget its tools at the next `bind_tools`."""

    @classmethod
    def lc_id(cls) -> list[str]:
        """Saved as the binding it is to everybody else."""
        return [*cls.get_lc_namespace(), "RunnableBinding"]

    def bind_tools(self, tools: Sequence[Any], *, tool_choice: Any = None, **kwargs: Any) -> ToolBinding:
        """Declare more tools, as the chat model's `bind_tools` does; a choice replaces the one made before."""
        declared = wire_tools([*self.kwargs.get("tools", ()), *tools])
        bound = {**self.kwargs, **kwargs, "tools": bound_tools(declared)}
        if tool_choice is not None:
            bound["tool_choice"] = tool_choice
        tool_config(bound.get("tool_choice"), declared)
        return self.__class__(bound=self.bound, kwargs=bound, config=self.config)

    def with_structured_output(self, schema: Any = None, **kwargs: Any) -> Runnable[LanguageModelInput, Any]:
        """Answer as with the chat model's `with_structured_output`, the tools bound so far still declared."""
        tools = [*self.kwargs.get("tools", ()), *kwargs.pop("tools", ())]
        model: Any = self.bound
        structured: Runnable[LanguageModelInput, Any] = model.with_structured_output(
            schema, **{**self.kwargs, **kwargs, "tools": tools}
        )
        return structured.with_config(self.config)
