"""An answer with its plan: in its own metadata and in the agent's state."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from langchain.agents.middleware.types import ExtendedModelResponse, ModelResponse, ResponseT
from langchain_core.messages import AIMessage
from langgraph.types import Command

from langchain_codeexec.middleware.signatures import ENDPOINT_KEY

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

    from langchain_codeexec.gemini.transport import EndpointKind
    from langchain_codeexec.planning.plan import Plan

__all__ = ["recorded"]


def recorded(
    response: ModelResponse[ResponseT], plan: Plan | None = None, endpoint: EndpointKind | None = None
) -> ExtendedModelResponse[ResponseT]:
    """The response with an update of the state.

    Args:
        response: What the model gave.
        plan: What the call got; `None` if the model itself has put that into its answer.
        endpoint: Which of Google's services answered, if one of them did.
    """
    result = [_noted(message, plan, endpoint) for message in response.result]
    plans = [
        {"message_id": message.id, **told}
        for message in result
        if isinstance(message, AIMessage) and (told := message.response_metadata.get("plan"))
    ]
    return ExtendedModelResponse(
        ModelResponse(result=result, structured_response=response.structured_response),
        Command(update={"code_execution_plans": plans}),
    )


def _noted(message: BaseMessage, plan: Plan | None, endpoint: EndpointKind | None) -> BaseMessage:
    if plan is None or not isinstance(message, AIMessage):
        return message
    metadata = {**message.response_metadata, "plan": plan.to_dict()}
    if endpoint:
        metadata[ENDPOINT_KEY] = endpoint
    return message.model_copy(
        update={"response_metadata": metadata, "content": _without_enums(message.content)}
    )


def _without_enums(value: Any) -> Any:
    """Google's packages leave enums of their clients in code blocks, which strict checkpointers drop."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, list):
        return [_without_enums(item) for item in value]
    return {key: _without_enums(item) for key, item in value.items()} if isinstance(value, dict) else value
