"""What a call of the tool tells while it runs: the code that was written, and the result that arrived."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from langchain_core.callbacks.manager import adispatch_custom_event, dispatch_custom_event

from langchain_codeexec.executions.halves import CodeCall

if TYPE_CHECKING:
    from langchain_codeexec.executions.halves import Half

__all__ = ["PROGRESS_EVENT", "Progress", "step_from_half"]

PROGRESS_EVENT: Final = "code_execution_progress"
"""Name of the custom event; its data is a step with the tool's name."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Progress:
    """Tells LangChain's callback handlers and, in a graph, those who stream it with `stream_mode="custom"`.

    Attributes:
        tool: Name of the tool.
    """

    tool: str

    def tell(self, step: Json) -> None:
        """Tell a step."""
        event = self._event(step)
        _write(event)
        with suppress(RuntimeError):  # nobody called who could be told
            dispatch_custom_event(PROGRESS_EVENT, event)

    async def atell(self, step: Json) -> None:
        """Tell a step without blocking the event loop."""
        event = self._event(step)
        _write(event)
        with suppress(RuntimeError):
            await adispatch_custom_event(PROGRESS_EVENT, event)

    def _event(self, step: Json) -> Json:
        return {"type": PROGRESS_EVENT, "tool": self.tool, **step}


def step_from_half(half: Half) -> Json:
    """A step: `code` and `language` of what was written, or `outcome` and `output` of what came of it."""
    if isinstance(half, CodeCall):
        return {"step": "code", "code": half.code, "language": half.language}
    return {"step": "result", "outcome": half.outcome.value, "output": half.output}


def _write(event: Json) -> None:
    """Write to the stream of the graph that runs; where LangGraph is not loaded, none does."""
    config = sys.modules.get("langgraph.config")
    if config is None:
        return
    with suppress(RuntimeError, KeyError):
        config.get_stream_writer()(event)
