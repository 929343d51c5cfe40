"""Lists, a page at a time.

What `GET models` says.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from langchain_codeexec.emulator.service_errors import invalid
from langchain_codeexec.emulator.targets import LISTED_MODELS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from langchain_codeexec.emulator.targets import Target

__all__ = ["describe_model", "list_models", "page_of"]

_PAGE, _LARGEST = 50, 1000


def page_of(key: str, items: Sequence[Any], query: Mapping[str, str]) -> dict[str, Any]:
    """The part of a list that `pageSize` and `pageToken` ask for, and the token of the next.

    Args:
        key: The field of the answer that holds the items; it is left out where there are none.
        items: The whole list.
        query: The query parameters, in either spelling.

    Raises:
        EmulatedError: They are not what this list gave out.
    """
    size = _number(query, "pageSize", "page_size") or _PAGE
    start = _number(query, "pageToken", "page_token")
    if start and start >= len(items):
        raise invalid("Invalid page token.")
    end = start + min(size, _LARGEST)
    page = {key: list(items[start:end])} if items else {}
    return {**page, "nextPageToken": str(end)} if end < len(items) else page


def _number(query: Mapping[str, str], *spellings: str) -> int:
    said = next((query[name] for name in spellings if query.get(name)), "0")
    if not (said.isascii() and said.isdecimal()):
        raise invalid(f"Invalid value at '{spellings[-1]}', \"{said}\"")
    return int(said[:9])


_LIMITS = MappingProxyType(
    {
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": ["generateContent", "countTokens", "createCachedContent"],
        "temperature": 1,
        "topP": 0.95,
        "topK": 64,
        "maxTemperature": 2,
        "thinking": True,
    }
)
"""Those of the Gemini family."""


def describe_model(model: str, target: Target) -> dict[str, Any]:
    """One model as the service describes it; all have the same limits."""
    if target.endpoint == "vertex":
        name = f"publishers/google/models/{model}"
        return {
            "name": name,
            "versionId": "default",
            "openSourceCategory": "PROPRIETARY",
            "launchStage": "PUBLIC_PREVIEW" if "preview" in model else "GA",
            "publisherModelTemplate": f"projects/{{project}}/locations/{{location}}/{name}",
        }
    shown = model.replace("-", " ").title()
    return {
        "name": f"models/{model}",
        "version": "001",
        "displayName": shown,
        "description": f"{shown}, played by an emulator.",
        **_LIMITS,
    }


def list_models(target: Target, query: Mapping[str, str], also: Collection[str] = ()) -> dict[str, Any]:
    """A page of the listed models in the service's envelope.

    Args:
        target: Whose models.
        query: `pageSize` and `pageToken`.
        also: Names known besides.

    Raises:
        EmulatedError: The query is none.
    """
    key = "publisherModels" if target.endpoint == "vertex" else "models"
    names = dict.fromkeys((*LISTED_MODELS, *also))
    return page_of(key, [describe_model(name, target) for name in names], query)
