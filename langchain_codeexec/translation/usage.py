"""Token counts of the wire as LangChain's usage metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_core.messages.ai import UsageMetadata

__all__ = ["usage_from_wire"]


def usage_from_wire(usage: Mapping[str, Any] | None) -> UsageMetadata | None:
    """Translate `usageMetadata`.

    Input is prompt plus tool use (what executed code printed is fed back to the model), output is candidates
    plus thoughts; the total is their sum, as LangChain defines it.

    Args:
        usage: The wire's counts; keys may be absent.

    Returns:
        Counts in tokens, with tool use, cache, thinking and sound in the details; `None` without any.
    """
    if not isinstance(usage, dict) or not usage:
        return None
    prompt, tool_use = _count(usage, "promptTokenCount"), _count(usage, "toolUsePromptTokenCount")
    candidates, thoughts = _count(usage, "candidatesTokenCount"), _count(usage, "thoughtsTokenCount")
    translated: dict[str, Any] = {
        "input_tokens": prompt + tool_use,
        "output_tokens": candidates + thoughts,
        "total_tokens": prompt + tool_use + candidates + thoughts,
    }
    input_details = {
        "cache_read": _count(usage, "cachedContentTokenCount"),
        "tool_use": tool_use,
        "audio": _of_modality(usage, "promptTokensDetails", "AUDIO"),
    }
    output_details = {
        "reasoning": thoughts,
        "audio": _of_modality(usage, "candidatesTokensDetails", "AUDIO"),
    }
    if told := {key: count for key, count in input_details.items() if count}:
        translated["input_token_details"] = told
    if told := {key: count for key, count in output_details.items() if count}:
        translated["output_token_details"] = told
    return cast("UsageMetadata", translated)


def _count(usage: Mapping[str, Any], key: str) -> int:
    value = usage.get(key)
    return value if isinstance(value, int) else 0


def _of_modality(usage: Mapping[str, Any], key: str, modality: str) -> int:
    details = usage.get(key)
    if not isinstance(details, list):
        return 0
    return sum(
        _count(entry, "tokenCount")
        for entry in details
        if isinstance(entry, dict) and entry.get("modality") == modality
    )
