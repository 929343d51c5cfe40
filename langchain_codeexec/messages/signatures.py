"""Thought signatures of the other endpoint: the Developer API and Vertex reject each other's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from langchain_core.messages import AIMessage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from langchain_core.messages import AnyMessage

    from langchain_codeexec.gemini.wire import EndpointKind

__all__ = ["ENDPOINT_KEY", "with_valid_signatures"]

ENDPOINT_KEY: Final = "gemini_endpoint"
"""Where in `response_metadata` the middleware notes which service answered; Google's packages do not say."""

_SIGNATURES: Final = frozenset({"signature", "thought_signature", "thoughtSignature"})
_CALL_SIGNATURES: Final = "__gemini_function_call_thought_signatures__"  # of both Google packages
_STAND_IN: Final = "skip/thought/signature/validator"
"""The stand-in that the Gemini API documents for calls without a signature of their own. It is base64 in the
URL-safe alphabet, `skip_thought_signature_validator`; Google's packages decode only the standard one."""


def with_valid_signatures(messages: Iterable[AnyMessage], endpoint: EndpointKind) -> list[AnyMessage]:
    """The messages without signatures that the endpoint did not make; a call gets the documented stand-in."""
    return [_made_valid(message, endpoint) for message in messages]


def _made_valid(message: AnyMessage, endpoint: EndpointKind) -> AnyMessage:
    made_by = message.response_metadata.get("endpoint") or message.response_metadata.get(ENDPOINT_KEY)
    if made_by in (None, endpoint) or not isinstance(message, AIMessage):
        return message
    kwargs = {key: value for key, value in message.additional_kwargs.items() if key != _CALL_SIGNATURES}
    if message.tool_calls:
        kwargs[_CALL_SIGNATURES] = {message.tool_calls[0]["id"]: _STAND_IN}
    return message.model_copy(update={"content": _stripped(message.content), "additional_kwargs": kwargs})


def _stripped(content: Any) -> Any:
    if isinstance(content, str):
        return content
    return [_unsigned(block) for block in content if not _is_only_signature(block)]


def _unsigned(block: Any) -> Any:
    """A block without its signature, which is one of its own keys or one of its extras."""
    if not isinstance(block, dict):
        return block
    kept = {key: value for key, value in block.items() if key not in _SIGNATURES}
    return {**kept, "extras": _unsigned(kept["extras"])} if "extras" in kept else kept


def _is_only_signature(block: Any) -> bool:
    return isinstance(block, dict) and block.get("type") == "function_call_signature"
