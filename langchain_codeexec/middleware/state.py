"""What the middleware adds to an agent's state."""

from __future__ import annotations

import operator
from typing import Annotated, Any, Generic, NotRequired

from langchain.agents.middleware.types import AgentState, OmitFromSchema, ResponseT

__all__ = ["CodeExecutionState"]


class CodeExecutionState(AgentState[ResponseT], Generic[ResponseT]):
    """An agent's state with the plans of its model calls."""

    code_execution_plans: NotRequired[
        Annotated[list[dict[str, Any]], OmitFromSchema(input=True, output=False), operator.add]
    ]
    """One for each model call, in order: `message_id` of the answer, and `code_execution`, `functions`, `way` and
    `reason` as in `Plan.to_dict()`."""
