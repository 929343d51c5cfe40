"""What `GET models` says."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from langchain_codeexec.emulator.families import LISTED_MODELS
from langchain_codeexec.emulator.paging import page_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from langchain_codeexec.emulator.targets import Target

__all__ = ["describe_model", "list_models"]

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
