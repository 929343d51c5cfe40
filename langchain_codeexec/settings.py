"""What a user can set, under the names that ChatGoogleGenerativeAI's users know.

The names of google-genai's `GenerateContentConfig` and OpenAI's `response_format` become ours in
`settings_by_name`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field, SecretStr, ValidationInfo

from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.gemini.limits import MAX_CONNECTIONS
from langchain_codeexec.gemini.retries import MAX_RETRIES
from langchain_codeexec.gemini.wire import camel_case, snake_case
from langchain_codeexec.messages.generation_config import GENERATION_SETTINGS, THINKING_SETTINGS
from langchain_codeexec.messages.tools import dumped, schema_of
from langchain_codeexec.planning.plan import Combination

__all__ = [
    "BODY_SETTINGS",
    "CALL_SETTINGS",
    "CONNECTION_SETTINGS",
    "GeminiSettings",
    "refuse_nesting",
    "settings_by_name",
]

CONNECTION_SETTINGS: Final = tuple(
    "vertexai project location credentials api_key base_url api_version additional_headers client_args timeout "
    "deadline max_retries max_connections api".split()
)
"""What makes the connection; a change of any of these opens another one."""

INTERACTIONS_SETTINGS: Final = ("store", "environment", "background")
"""What only the Interactions API knows."""

BODY_SETTINGS: Final = (
    *("cached_content", "labels", "service_tier", "model_armor_config"),
    *INTERACTIONS_SETTINGS,
)
"""What goes into the request's body as it is, beside `generationConfig` and the safety settings."""

CALL_SETTINGS: Final = (
    *sorted(GENERATION_SETTINGS),
    *"model code_execution combination planner repair_calls answer_retries output_sink replay_images".split(),
    *("redact", "safety_settings", *BODY_SETTINGS, "timeout", "deadline", "limits"),
)
"""What a single call may override, beside what makes the connection."""


_MOST_PENALTY: Final = 2.0


def _checked_penalty(value: float | None, info: ValidationInfo) -> float | None:
    if value is not None and abs(value) > _MOST_PENALTY:
        raise ValueError(f"{info.field_name} must be in the range from -2.0 to 2.0")
    return value


class GeminiSettings(BaseModel):
    """Settings of a chat model; those left at `None` are the service's to choose."""

    model_config = ConfigDict(
        populate_by_name=True,
        arbitrary_types_allowed=True,
        extra="forbid",
        hide_input_in_errors=True,
        protected_namespaces=(),
    )

    model: str = Field(validation_alias=AliasChoices("model", "model_name"))
    """Model name, bare or as a resource name; unknown ones are taken for the newest family."""
    code_execution: bool = True
    """Whether every request declares code execution."""
    combination: Combination = "auto"
    """How code execution and functions come together: in one request (`native`), functions with one that stands
    for code execution (`delegated`), one of the two (`one_sided`), or native where the model takes both, else
    delegated (`auto`)."""
    planner: Any = Field(default=None, exclude=True, repr=False)
    """A `Planner`, or a function of a `PlanRequest`, that narrows what a call is offered; by default nothing is
    withheld and the model chooses."""
    repair_calls: bool = True
    """Whether function calls that the model wrote as code become function calls."""
    answer_retries: int = Field(default=1, ge=0)
    """How often the model is asked again where its answer is empty, or ends with a call that cannot be read."""
    output_sink: Any = Field(default=None, exclude=True, repr=False)
    """Where what the code draws is saved: a folder, a URL that fsspec knows, or a `Sink`. Each message says in
    `response_metadata["outputs"]` where its files are, or why one could not be saved."""
    replay_images: Literal["all", "none"] | Annotated[int, Field(ge=0, strict=True)] = "all"
    """Which images that models and tools made in earlier turns go back to the service: all, none, or those of at
    most so many bytes. In place of the others the request says in a text what was there."""
    limits: Any = Field(default=None, exclude=True, repr=False)
    """`ExecutionLimits` of a turn and of the conversation, in which an answer is counted as it comes."""
    redact: Any = Field(default=None, exclude=True, repr=False)
    """Redacts code and results before callbacks, sinks and the caller see them, and so before they go back as
    history: a function of a text, such as `Redactor()`, that gives the text redacted and the kinds replaced."""

    api: Literal["generate_content", "interactions"] = "generate_content"
    """Which of the service's protocols: generateContent, or the Interactions API, where new features come first.
    A conversation may go on with either."""
    store: bool | None = None
    """Whether the service keeps each interaction, so that the next request sends only what is new, where the
    history shows that it may. By default each request holds the whole conversation."""
    environment: str | dict[str, Any] | None = None
    """Where the code of interactions runs: the id of an environment that lasts, or its sources and network."""
    background: bool | None = None
    """Whether interactions run in the background, with `store`: a long one outlives its connection. It is asked
    for until it is done or the `deadline` has come, and cancelled when the call is."""

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
    base_url: str | None = Field(default=None, repr=False)
    """Another host to send requests to (a gateway, an emulator)."""
    api_version: str | None = None
    """Another version in the URL than the service's newest."""
    additional_headers: dict[str, str] | None = Field(default=None, exclude=True, repr=False)
    """Headers sent with each request. They may be credentials: like those, saved models do not hold them."""
    client_args: dict[str, Any] | None = Field(default=None, exclude=True, repr=False)
    """Arguments of the `httpx.Client` and `AsyncClient` that are opened: `proxy`, `verify`, `cert` and so on."""
    timeout: float | None = Field(default=None, validation_alias=AliasChoices("request_timeout", "timeout"))
    """Seconds without a byte from the service, or without a token or a free connection; 600 by default. A long
    answer is not cut by it."""
    deadline: float | None = Field(default=None, gt=0)
    """Seconds a call may take as a whole: all its requests, attempts and the waits between them."""
    max_retries: int = Field(
        default=MAX_RETRIES, ge=0, validation_alias=AliasChoices("retries", "max_retries")
    )
    """Further attempts after 408, 429, 5xx and broken connections."""
    max_connections: int = Field(default=MAX_CONNECTIONS, ge=1)
    """Connections that threads may have at a time, and each event loop as well; calls beyond them wait."""
    transport: Any = Field(default=None, exclude=True, repr=False)
    """A `Transport` that carries the requests instead of one made from the settings above."""

    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    top_k: int | None = Field(default=None, gt=0)
    max_output_tokens: int | None = Field(
        default=None, validation_alias=AliasChoices("max_tokens", "max_output_tokens")
    )
    n: int | None = Field(default=None, validation_alias=AliasChoices("candidate_count", "n"))
    stop: list[str] | None = Field(default=None, validation_alias=AliasChoices("stop_sequences", "stop"))
    seed: int | None = None
    frequency_penalty: Annotated[float | None, AfterValidator(_checked_penalty)] = None
    presence_penalty: Annotated[float | None, AfterValidator(_checked_penalty)] = None
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
    response_schema: dict[str, Any] | None = Field(
        default=None, validation_alias=AliasChoices("response_schema", "response_json_schema")
    )
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
    service_tier: str | None = None
    """How urgent requests are, and what they cost: `standard`, `flex` or `priority`."""
    model_armor_config: dict[str, Any] | None = None
    """Model Armor's templates for prompts and answers (Vertex AI)."""
    streaming: bool | None = None
    """Whether `invoke` streams beneath."""

    @property
    def thinking_config(self) -> dict[str, Any] | None:
        """How the model thinks, as `ChatGoogleGenerativeAI` has it; `None` where it is left to the service."""
        settings = {name: getattr(self, name) for name in THINKING_SETTINGS}
        return {name: value for name, value in settings.items() if value is not None} or None

    @property
    def model_kwargs(self) -> dict[str, Any]:
        """What was set and is no setting here: nothing, for all that is not known is refused."""
        return {}

    @property
    def default_metadata(self) -> tuple[tuple[str, str], ...]:
        """The `additional_headers` as pairs."""
        return tuple((self.additional_headers or {}).items())

    def __getattr__(self, name: str) -> Any:
        """A setting by another of its names, `reasoning_effort` say."""
        if SPELLINGS.get(name, name) != name:
            return getattr(self, SPELLINGS[name])
        return super().__getattr__(name)  # type: ignore[misc]  # pydantic hides it from type checkers


Settings = dict[str, Any]


def refuse_nesting(settings: Mapping[str, Any]) -> None:
    """Raise `ConfigurationError` for a setting that holds itself or is nested too deeply to be written."""
    for name, setting in settings.items():
        level, depth = [setting], 0
        while level := [each for each in level if isinstance(each, _CONTAINERS)]:
            held = (each.values() if isinstance(each, Mapping) else each for each in level)
            level = list({id(each): each for inner in held for each in inner}.values())
            depth += 1
            if depth <= _DEEPEST:
                continue
            raise ConfigurationError(f"{name} holds itself, or is nested more than {_DEEPEST} deep")


_DEEPEST: Final = 100
_CONTAINERS: Final = (Mapping, list, tuple)


def _spellings(name: str) -> tuple[str, ...]:
    alias = GeminiSettings.model_fields[name].validation_alias
    return tuple(map(str, alias.choices)) if isinstance(alias, AliasChoices) else (name,)


SPELLINGS: Final = {spelling: name for name in GeminiSettings.model_fields for spelling in _spellings(name)}
"""The names a setting may be given by, and which one each means.

Where several are given the first one counts, which is the one that counts with `ChatGoogleGenerativeAI`.
"""
_PRECEDENCE: Final = {spelling: -number for number, spelling in enumerate(SPELLINGS)}


def settings_by_name(given: Mapping[str, Any]) -> Settings:
    """Settings of the constructor or of a call by our names, whatever package's names they came by.

    Args:
        given: Names to values. Beside our names those of `ChatGoogleGenerativeAI` and of google-genai's
            `GenerateContentConfig`, and OpenAI's `response_format`, in which LangChain's agents demand an object.

    Raises:
        ConfigurationError: A setting has no place here, and the message says what to write instead; or its value
            is of no known form.
    """
    settings: Settings = {}
    for name, value in given.items():
        if name in _ELSEWHERE and value:
            raise ConfigurationError(f"{name!r} is no setting here: {_ELSEWHERE[name]}")
        if name in _TRANSLATED and value is not None:
            _merge(settings, _TRANSLATED[name](value))
    given = {name: _PLAIN.get(SPELLINGS.get(name, name), _as_it_is)(value) for name, value in given.items()}
    for name, value in sorted(given.items(), key=lambda setting: _PRECEDENCE.get(setting[0], 1)):
        if name not in _TRANSLATED and name not in _ELSEWHERE:
            _merge(settings, {SPELLINGS.get(name, name): value})
    return settings


def _as_it_is(value: Any) -> Any:
    return value


def _plain(value: Any) -> Any:
    """An object of google.genai as a dict, anything else as it is."""
    return value if value is None or (fields := dumped(value)) is None else fields


def _merge(settings: Settings, more: Settings) -> None:
    for name, value in more.items():
        before = settings.get(name)
        if name in _MERGED and isinstance(before, dict) and isinstance(value, dict):
            settings[name] = {**before, **value}
        elif before is None or value is not None:
            settings[name] = value


def _fields(name: str, value: Any) -> Settings:
    """The fields of a dict or `google.genai` object, in snake_case."""
    fields = dumped(value)
    if fields is None:
        raise ConfigurationError(f"{name} is a dict or an object of google.genai, not {value!r:.100}")
    return {snake_case(key): field for key, field in fields.items() if field is not None}


def _thinking_settings(config: Any) -> Settings:
    fields = _fields("thinking_config", config)
    known = {name: fields.pop(name) for name in THINKING_SETTINGS if name in fields}
    rest = {camel_case(name): value for name, value in fields.items()}
    return {**known, **({"generation_config": {"thinkingConfig": rest}} if rest else {})}


def _connection_settings(options: Any) -> Settings:
    """Of google-genai's `HttpOptions`, which count in milliseconds, and the first attempt as one."""
    settings: Settings = {}
    for name, value in _fields("http_options", options).items():
        if name == "timeout":
            settings["timeout"] = value / 1000
        elif name == "retry_options" and (retries := _fields(name, value)).keys() == {"attempts"}:
            settings["max_retries"] = max(retries["attempts"] - 1, 0)
        elif name in _HTTP_OPTIONS:
            settings[_HTTP_OPTIONS[name]] = value
        else:
            raise ConfigurationError(f"http_options[{name!r}] has no place here: {_OWN_TRANSPORT}")
    return settings


def _client_options(options: Any) -> Settings:
    fields = _fields("client_options", options)
    address = fields.pop("api_endpoint", None)
    if fields:
        raise ConfigurationError(f"client_options[{min(fields)!r}] has no place here: {_OWN_TRANSPORT}")
    return {"base_url": address} if address else {}


def _response_format(response_format: Any) -> Settings:
    """Of OpenAI's `response_format`, with the schema where either of OpenAI's interfaces has it."""
    if not isinstance(response_format, dict):
        return {"response_schema": schema_of(response_format)}
    kind = response_format.get("type")
    if kind == "json_schema":
        described = response_format.get("json_schema") or response_format
        if isinstance(described, dict) and isinstance(schema := described.get("schema"), dict):
            return {"response_schema": schema}
    elif kind in {"json_object", "text"}:
        return {"response_mime_type": "application/json"} if kind == "json_object" else {}
    elif "properties" in response_format:
        return {"response_schema": response_format}
    raise ConfigurationError(
        f"response_format is of no known form: {response_format!r:.200}; use "
        "{'type': 'json_schema', 'json_schema': {'schema': …}}, a JSON Schema or a class"
    )


def _in_generation_config(name: str) -> Callable[[Any], Settings]:
    return lambda value: {"generation_config": {name: value}}


_MERGED: Final = frozenset({"generation_config", "additional_headers", "client_args"})
_OWN_TRANSPORT: Final = "pass transport=RestTransport(...) that is set up so"
_HTTP_OPTIONS: Final[Mapping[str, str]] = {
    "base_url": "base_url",
    "api_version": "api_version",
    "headers": "additional_headers",
    "client_args": "client_args",
}
_TRANSLATED: Final[Mapping[str, Callable[[Any], Settings]]] = {
    "model_kwargs": settings_by_name,
    "client_options": _client_options,
    "thinking_config": _thinking_settings,
    "http_options": _connection_settings,
    "response_format": _response_format,
    "response_logprobs": lambda value: {"logprobs": bool(value)},
    "routing_config": _in_generation_config("routingConfig"),
    "model_selection_config": _in_generation_config("modelConfig"),
    "enable_enhanced_civic_answers": _in_generation_config("enableEnhancedCivicAnswers"),
    "audio_transcription_config": _in_generation_config("audioTranscriptionConfig"),
}
_PLAIN: Final[Mapping[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(("generation_config", "speech_config", "image_config", "model_armor_config"), _plain),
    "response_schema": lambda schema: schema if schema is None else schema_of(schema),
    "stop": lambda stop: [stop] if isinstance(stop, str) else stop,
}
"""Settings that may come in another form than they are kept in."""

_ELSEWHERE: Final[Mapping[str, str]] = {
    "system_instruction": "begin the conversation with a SystemMessage",
    "automatic_function_calling": "functions are called by an agent, or by you from the answer's tool_calls",
    "client": "pass transport=GenAITransport(client)",
    "async_client": "pass transport=RestTransport(..., async_client=...)",
    **dict.fromkeys(("default_metadata", "default_metadata_input"), "pass additional_headers={...}"),
    "convert_system_message_to_human": "every current model takes system text",
}
