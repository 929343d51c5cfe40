"""Model profiles, by which LangChain's agents and middlewares choose: limits, modalities, structured output.

Families are known by words of the model's name; a name of no known family has the profile of the newest models.
Sources: the public model pages of the Gemini API and of Vertex AI. A function may return media to every model:
where they do not go into its response, they are sent beside it. Structured output goes with tools and code
execution everywhere, on the older models in a request of its own.
"""

from __future__ import annotations

import re
from typing import Any, Final, cast

from langchain_core.language_models.model_profile import ModelProfile

__all__ = ["model_profile"]

_NEWEST: Final[dict[str, Any]] = {
    "max_input_tokens": 1_048_576,
    "max_output_tokens": 65_536,
    "text_inputs": True,
    "image_inputs": True,
    "image_url_inputs": True,
    "pdf_inputs": True,
    "audio_inputs": True,
    "video_inputs": True,
    "image_tool_message": True,
    "pdf_tool_message": True,
    "text_outputs": True,
    "image_outputs": False,
    "audio_outputs": False,
    "video_outputs": False,
    "reasoning_output": True,
    "tool_calling": True,
    "tool_choice": True,
    "tool_call_streaming": True,
    "structured_output": True,
    "attachment": True,
    "temperature": True,
}
_NO_TOOLS: Final = {"tool_calling": False, "tool_choice": False, "tool_call_streaming": False}
_NO_MEDIA: Final = {
    f"{kind}_{place}": False
    for kind, place in (
        *((kind, "inputs") for kind in ("image", "image_url", "pdf", "audio", "video")),
        *((kind, "tool_message") for kind in ("image", "pdf")),
    )
}
_NO_SOUND: Final = {"audio_inputs": False, "video_inputs": False}


def _efforts(levels: str, default: str) -> dict[str, Any]:
    return {"reasoning_effort_levels": levels.split(), "reasoning_effort_default": default}


_ALL_EFFORTS: Final = "minimal low medium high"
_NO_EFFORTS: Final = {"reasoning_effort_levels": None, "reasoning_effort_default": None}


def _limits(most_input: int, most_output: int, **changes: bool) -> dict[str, Any]:
    return {"max_input_tokens": most_input, "max_output_tokens": most_output, **changes}


_FAMILIES: Final = (
    (r"gemini-3(\.\d+)?-flash", _efforts(_ALL_EFFORTS, "medium")),
    (r"gemini-3-flash", _efforts(_ALL_EFFORTS, "high")),
    (r"gemini-3(\.\d+)?-flash-lite", _efforts(_ALL_EFFORTS, "minimal")),
    (r"gemini-3-pro", _efforts("low high", "high")),
    (r"gemini-3\.\d+-pro", _efforts("low medium high", "high")),
    (r"gemini-4\b", {"max_output_tokens": 32_768, **_efforts("low medium high", "medium")}),
    (r"gemini-3\.(5-flash-lite|6-flash)", {"temperature": False}),
    (r"gemini-2\.0|gemini-1\.5", _limits(1_048_576, 8_192, reasoning_output=False)),
    (r"gemini-1\.5-pro", {"max_input_tokens": 2_097_152}),
    (r"gemma-", _limits(131_072, 8_192, reasoning_output=False, **_NO_SOUND)),
    (r"gemma-4", _limits(262_144, 32_768, reasoning_output=True)),
    (r"-computer-use", _limits(128_000, 64_000, structured_output=False, **_NO_SOUND)),
    (r"-image\b", _limits(65_536, 32_768, image_outputs=True, structured_output=False, **_NO_SOUND, **_NO_TOOLS)),
    (r"-image\b|-tts\b|-live\b", _NO_EFFORTS),
    (r"gemini-3\.1-flash-image", _efforts("minimal high", "minimal")),
    (r"gemini-2.*-image\b", _limits(32_768, 32_768, reasoning_output=False)),
    (
        r"-tts\b",
        {
            **_limits(8_192, 16_384, text_outputs=False, audio_outputs=True, reasoning_output=False),
            "structured_output": False,
            "attachment": False,
            **_NO_MEDIA,
            **_NO_TOOLS,
        },
    ),
)  # fmt: skip
"""What sets a family apart from the newest models; of several that fit, a later one has the last word."""


def model_profile(model: str) -> ModelProfile:
    """The profile of a model, as far as the installed langchain-core knows what is to be said of one.

    Examples:
        >>> model_profile("gemini-2.0-flash")["max_output_tokens"]
        8192
    """
    profile = dict(_NEWEST)
    for pattern, changes in _FAMILIES:
        if re.search(pattern, model.rpartition("/")[2]):
            profile.update(changes)
    known = ModelProfile.__annotations__
    stated = {key: value for key, value in profile.items() if key in known and value is not None}
    return cast("ModelProfile", stated)
