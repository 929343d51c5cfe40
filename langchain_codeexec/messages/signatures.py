"""Thought signatures in messages: where they stand, and leaving out those that the other service made.

The Developer API and Vertex reject each other's signatures.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from langchain_core.messages import AIMessage, AnyMessage

from langchain_codeexec.gemini.wire import EndpointKind

__all__ = [
    "CALL_SIGNATURES_KEY",
    "ENDPOINT_KEY",
    "call_signatures",
    "signature_of",
    "with_valid_signatures",
    "without_signatures",
]

Json = dict[str, Any]

ENDPOINT_KEY: Final = "gemini_endpoint"
"""Where in `response_metadata` the middleware notes which service answered; Google's packages do not say."""

CALL_SIGNATURES_KEY: Final = "__gemini_function_call_thought_signatures__"
"""Where in `additional_kwargs` both of Google's packages keep the signatures of function calls."""

_STANDARD: Final = {ord("-"): "+", ord("_"): "/"}
_KEYS: Final = ("thought_signature", "thoughtSignature", "signature")
_TEXT_KEYS: Final = frozenset({"type", "text", "thought", "index", "extras"})
_STAND_IN: Final = "skip/thought/signature/validator"
"""The stand-in that the Gemini API documents for calls without a signature of their own. It is base64 in the
URL-safe alphabet, `skip_thought_signature_validator`; Google's packages decode only the standard one."""


def signature_of(block: Json) -> str | None:
    """Gemini's thought signature of a block or part, wherever a package keeps it."""
    value = block.get("value")
    if block.get("type") == "non_standard" and isinstance(value, dict):
        block = value
    extras = block.get("extras")
    fields = {**block, **extras} if isinstance(extras, dict) else block
    return next((value for key in _KEYS if isinstance(value := fields.get(key), str) and value), None)


def call_signatures(blocks: Iterable[Json]) -> Json:
    """The `additional_kwargs` in which Google's packages look for signatures of calls, in standard base64."""
    signatures = {block["id"]: signature_of(block) for block in blocks}
    standard = {key: value.translate(_STANDARD) for key, value in signatures.items() if value}
    return {CALL_SIGNATURES_KEY: standard} if standard else {}


def without_signatures(items: Iterable[Any]) -> list[Any]:
    """Blocks or parts without their signatures; those that held nothing else are left out."""
    return [unsigned for item in items if (unsigned := _unsigned(item)) is not None]


def with_valid_signatures(
    messages: Iterable[AnyMessage], endpoint: EndpointKind, *, required: bool = False
) -> list[AnyMessage]:
    """The messages without signatures that the endpoint did not make; a call gets the documented stand-in.

    Args:
        messages: A conversation.
        endpoint: Where it goes.
        required: Whether calls that never had a signature, as those of older models, get the stand-in, too.
    """
    return [_with_valid_signatures(message, endpoint, required=required) for message in messages]


def _with_valid_signatures(message: AnyMessage, endpoint: EndpointKind, *, required: bool) -> AnyMessage:
    if not isinstance(message, AIMessage):
        return message
    metadata = message.response_metadata
    is_valid = (metadata.get("endpoint") or metadata.get(ENDPOINT_KEY)) in {None, endpoint}
    is_valid &= metadata.get("api") is None  # signatures of interactions are valid there alone
    if is_valid and not (required and CALL_SIGNATURES_KEY not in message.additional_kwargs):
        return message
    blocks = message.content if isinstance(message.content, list) else []
    kwargs = {key: value for key, value in message.additional_kwargs.items() if key != CALL_SIGNATURES_KEY}
    if message.tool_calls:
        signatures = {block.get("id"): signature_of(block) for block in blocks if isinstance(block, dict)}
        first = message.tool_calls[0]["id"]
        kwargs[CALL_SIGNATURES_KEY] = {first: (is_valid and signatures.get(first)) or _STAND_IN}
    content = message.content if is_valid or not blocks else without_signatures(blocks)
    return message.model_copy(update={"content": content, "additional_kwargs": kwargs})


def _unsigned(item: Any) -> Any:
    """A block or part without its signature; `None` if it was nothing else."""
    if not isinstance(item, dict):
        return item
    extras = item.get("extras")
    unsigned = {key: value for key, value in item.items() if key not in _KEYS}
    if isinstance(extras, dict):
        unsigned["extras"] = {key: value for key, value in extras.items() if key not in _KEYS}
    if item.get("type") == "function_call_signature":
        return None
    is_empty = unsigned.get("text") == "" and unsigned.keys() <= _TEXT_KEYS and not unsigned.get("extras")
    return None if is_empty and unsigned != item else unsigned
