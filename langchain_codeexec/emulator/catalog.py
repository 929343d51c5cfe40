"""What `GET models` says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_codeexec.emulator.families import LISTED_MODELS

if TYPE_CHECKING:
    from collections.abc import Collection

    from langchain_codeexec.emulator.targets import Target

__all__ = ["describe_model", "list_models"]


def describe_model(model: str, target: Target) -> dict[str, Any]:
    """One model as the service describes it; limits are those of the Gemini family."""
    if target.endpoint == "vertex":
        name = f"publishers/google/models/{model}"
        template = f"projects/{{project}}/locations/{{location}}/{name}"
        return {
            "name": name,
            "versionId": "default",
            "launchStage": "GA",
            "publisherModelTemplate": template,
        }
    return {
        "name": f"models/{model}",
        "version": "001",
        "displayName": model,
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": ["generateContent", "countTokens"],
        "thinking": True,
    }


def list_models(target: Target, also: Collection[str] = ()) -> dict[str, Any]:
    """All listed models in the service's envelope."""
    key = "publisherModels" if target.endpoint == "vertex" else "models"
    names = dict.fromkeys((*LISTED_MODELS, *also))
    return {key: [describe_model(name, target) for name in names]}
