"""Where a call of the tool comes from: the thread of conversation and the agent's state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_core.messages import BaseMessage, ToolMessage

from langchain_codeexec.executions.artifacts import ARTIFACT_TYPE

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

__all__ = ["IN_SESSION", "CallContext"]

IN_SESSION = "in_session"
"""Key of an artifact: whether the program left its state in a session, for those after it."""


@dataclass(frozen=True, slots=True)
class CallContext:
    """Where a call comes from.

    Attributes:
        tool: The tool's name.
        thread: Id of the conversation's thread; empty where it has none.
        state: The agent's state: a mapping, or an object with attributes; `None` outside of a graph.
    """

    tool: str
    thread: str = ""
    state: Any = None

    @classmethod
    def of(cls, tool: str, config: RunnableConfig | None, runtime: object) -> CallContext:
        """Read what LangChain hands to a tool.

        Args:
            tool: The tool's name.
            config: The configuration of the call.
            runtime: LangGraph's `ToolRuntime`; anything else is taken for none.
        """
        thread = ((config or {}).get("configurable") or {}).get("thread_id")
        return cls(tool, "" if thread is None else str(thread), getattr(runtime, "state", None))

    @property
    def messages(self) -> list[BaseMessage]:
        """The conversation so far."""
        found = self.of_state("messages")
        return [each for each in found if isinstance(each, BaseMessage)] if isinstance(found, list) else []

    @property
    def had_session(self) -> bool:
        """Whether the conversation holds a call that left its state in a session."""
        return any(
            isinstance(message, ToolMessage)
            and message.name == self.tool
            and isinstance(message.artifact, dict)
            and message.artifact.get("type") == ARTIFACT_TYPE
            and bool(message.artifact.get(IN_SESSION))
            for message in self.messages
        )

    def of_state(self, key: str) -> Any:
        """A value of the state; `None` where it has none."""
        return self.state.get(key) if isinstance(self.state, Mapping) else getattr(self.state, key, None)
