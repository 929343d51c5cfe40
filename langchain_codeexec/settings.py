"""What a user can set: connection and request, under the names that ChatGoogleGenerativeAI's users know."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr

from langchain_codeexec.planning.choosing import Combination  # noqa: TC001 -- pydantic reads it
from langchain_codeexec.translation.requests import GENERATION_SETTINGS

__all__ = ["CALL_SETTINGS", "CALL_SPELLINGS", "CONNECTION_SETTINGS", "GeminiSettings"]

CONNECTION_SETTINGS: Final = (
    "vertexai",
    "project",
    "location",
    "credentials",
    "api_key",
    "base_url",
    "api_version",
    "additional_headers",
    "timeout",
    "max_retries",
)
"""What makes the connection; a change of any of these opens another one."""

CALL_SETTINGS: Final = (
    *sorted(GENERATION_SETTINGS),
    "model",
    "code_execution",
    "combination",
    "planner",
    "repair_calls",
    "output_sink",
    "replay_images",
    "safety_settings",
    "cached_content",
    "labels",
    "timeout",
)
"""What a single call may override."""


class GeminiSettings(BaseModel):
    """Settings of a chat model; those left at `None` are the service's to choose."""

    model_config = ConfigDict(populate_by_name=True, arbitrary_types_allowed=True, extra="forbid")

    model: str = Field(validation_alias=AliasChoices("model", "model_name"))
    """Model name, bare or as a resource name; unknown ones are taken for the newest family."""
    code_execution: bool = True
    """Whether every request declares code execution."""
    combination: Combination = "auto"
    """How code execution and functions come together: in one request (`native`), functions with one that stands
    for code execution (`delegated`), one of the two (`one_sided`), or the first of these that works (`auto`)."""
    planner: Any = Field(default=None, exclude=True, repr=False)
    """A `Planner` that chooses between the two for each call; by default the model chooses where the service
    takes both, and `RulePlanner` where it does not."""
    repair_calls: bool = True
    """Whether function calls that the model wrote as code become function calls."""
    output_sink: Any = Field(default=None, exclude=True, repr=False)
    """Where what the code draws is saved: a folder, a URL that fsspec knows, or a `Sink`. Each message says in
    `response_metadata["outputs"]` where its files are, or why one could not be saved."""
    replay_images: Literal["all", "none"] | Annotated[int, Field(ge=0, strict=True)] = "all"
    """Which images that models and tools made in earlier turns go back to the service: all, none, or those of at
    most so many bytes. In place of the others the request says in a text what was there."""

    vertexai: bool | None = None
    """Which service: Vertex AI, the Developer API, or found out as described above."""
    project: str | None = None
    """Google Cloud project; else `GOOGLE_CLOUD_PROJECT`."""
    location: str | None = None
    """Google Cloud location; else `GOOGLE_CLOUD_LOCATION`, else `global`."""
    credentials: Any = Field(default=None, exclude=True, repr=False)
    """`google.auth` credentials, or path or dict of a service account's key; else the default ones."""
    api_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("api_key", "google_api_key"),
    )
    """API key; else `GOOGLE_API_KEY` or `GEMINI_API_KEY`."""
    base_url: str | None = None
    """Another host to send requests to (a gateway, an emulator)."""
    api_version: str | None = None
    """Another version in the URL than the service's newest."""
    additional_headers: dict[str, str] | None = Field(default=None, repr=False)
    """Headers sent with each request."""
    timeout: float | None = Field(default=None, validation_alias=AliasChoices("timeout", "request_timeout"))
    """Seconds a request may take."""
    max_retries: int = Field(default=6, ge=0, validation_alias=AliasChoices("max_retries", "retries"))
    """Further attempts after 408, 429, 5xx and broken connections."""
    transport: Any = Field(default=None, exclude=True, repr=False)
    """A `Transport` that carries the requests instead of one made from the settings above."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_output_tokens: int | None = Field(
        default=None, validation_alias=AliasChoices("max_output_tokens", "max_tokens")
    )
    n: int | None = Field(default=None, validation_alias=AliasChoices("n", "candidate_count"))
    stop: list[str] | None = Field(default=None, validation_alias=AliasChoices("stop", "stop_sequences"))
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logprobs: bool | int | None = None
    """`True` for the chosen tokens' log probabilities, a number for that many alternatives as well."""
    thinking_budget: int | None = None
    """Tokens the model may think for: 0 for none, -1 for as many as it likes (Gemini 2.5)."""
    thinking_level: str | None = Field(
        default=None, validation_alias=AliasChoices("thinking_level", "reasoning_effort")
    )
    """How hard the model thinks: `minimal`, `low`, `medium` or `high` (Gemini 3)."""
    include_thoughts: bool | None = None
    """Whether summaries of its thoughts arrive as `reasoning` blocks."""
    response_mime_type: str | None = None
    response_schema: dict[str, Any] | None = None
    """JSON Schema the answer's text must match."""
    response_modalities: list[Any] | None = None
    media_resolution: Any = None
    audio_timestamp: bool | None = None
    speech_config: dict[str, Any] | None = None
    image_config: dict[str, Any] | None = None
    generation_config: dict[str, Any] | None = None
    """Passed through into the request's `generationConfig`, and wins there."""
    safety_settings: Any = None
    """Thresholds by harm category, or the wire's list."""
    cached_content: str | None = None
    """Name of a cache that holds the beginning of the conversation, with its tools."""
    labels: dict[str, str] | None = None
    """Labels for billing (Vertex AI)."""
    streaming: bool | None = None
    """Whether `invoke` streams beneath."""


def _spellings(name: str) -> tuple[str, ...]:
    alias = GeminiSettings.model_fields[name].validation_alias
    return tuple(map(str, alias.choices)) if isinstance(alias, AliasChoices) else (name,)


CALL_SPELLINGS: Final = {spelling: name for name in CALL_SETTINGS for spelling in _spellings(name)}
"""The names a call may use, those of the constructor, and which setting each one means."""
