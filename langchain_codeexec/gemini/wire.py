"""The shapes of generateContent on the wire (JSON objects with camelCase keys), and what carries them.

Every key may be absent, and keys not listed here may be present; nothing in this package relies on
either. Source of the field names: the public REST reference of the Gemini API and of Vertex AI.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Generator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, Final, Literal, Protocol, TypeAlias, TypedDict, Unpack

from langchain_codeexec.errors import GeminiError

__all__ = [
    "ApiKind",
    "Blob",
    "Candidate",
    "CodeExecutionResult",
    "Content",
    "CountTokensResponse",
    "EndpointKind",
    "ExecutableCode",
    "FileData",
    "FunctionCall",
    "FunctionCallingConfig",
    "FunctionDeclaration",
    "FunctionResponse",
    "GenerateContentRequest",
    "GenerateContentResponse",
    "InteractionCarrier",
    "InteractionRequest",
    "Limits",
    "Part",
    "PromptFeedback",
    "ResourceRequest",
    "ResourceResponse",
    "Tool",
    "ToolConfig",
    "Transport",
    "UsageMetadata",
    "camel_case",
    "snake_case",
]


def camel_case(key: object) -> str:
    """A key as the wire spells it."""
    head, *rest = str(key).split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest)


def snake_case(key: object) -> str:
    """A key as Python spells it."""
    return _WORD.sub("_", str(key)).lower()


_WORD: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class ExecutableCode(TypedDict, total=False):
    """Code the model wrote for the server to run."""

    language: str
    code: str
    id: str


class CodeExecutionResult(TypedDict, total=False):
    """What running it gave; `output` is stdout when OK, else stderr or a description."""

    outcome: str
    output: str
    id: str


class Blob(TypedDict, total=False):
    """Bytes carried by value, base64."""

    mimeType: str
    data: str
    displayName: str


class FileData(TypedDict, total=False):
    """Bytes carried by reference."""

    mimeType: str
    fileUri: str
    displayName: str


class FunctionCall(TypedDict, total=False):
    """A call the client is to make."""

    id: str
    name: str
    args: dict[str, Any]


class FunctionResponse(TypedDict, total=False):
    """The client's response to a call."""

    id: str
    name: str
    response: dict[str, Any]
    parts: list[dict[str, Any]]


class Part(TypedDict, total=False):
    """One part of a content: exactly one data key, and keys that qualify it."""

    text: str
    inlineData: Blob
    fileData: FileData
    functionCall: FunctionCall
    functionResponse: FunctionResponse
    executableCode: ExecutableCode
    codeExecutionResult: CodeExecutionResult
    toolCall: dict[str, Any]
    toolResponse: dict[str, Any]
    thought: bool
    thoughtSignature: str
    videoMetadata: dict[str, Any]
    mediaResolution: dict[str, Any]
    partMetadata: dict[str, Any]


class Content(TypedDict, total=False):
    """One turn: `role` is `user` or `model`."""

    role: str
    parts: list[Part]


class FunctionDeclaration(TypedDict, total=False):
    """A function the model may call; `parametersJsonSchema` is plain JSON Schema."""

    name: str
    description: str
    parameters: dict[str, Any]
    parametersJsonSchema: Any
    response: dict[str, Any]
    responseJsonSchema: Any


class Tool(TypedDict, total=False):
    """One entry of `tools`: functions, or one of the service's built-in tools."""

    functionDeclarations: list[FunctionDeclaration]
    codeExecution: dict[str, Any]
    googleSearch: dict[str, Any]
    googleSearchRetrieval: dict[str, Any]
    urlContext: dict[str, Any]
    googleMaps: dict[str, Any]
    fileSearch: dict[str, Any]
    computerUse: dict[str, Any]
    retrieval: dict[str, Any]
    enterpriseWebSearch: dict[str, Any]


class FunctionCallingConfig(TypedDict, total=False):
    """`mode` is AUTO, ANY, NONE or VALIDATED."""

    mode: str
    allowedFunctionNames: list[str]


class ToolConfig(TypedDict, total=False):
    """How tools may be used. `includeServerSideToolInvocations` is unknown on Vertex."""

    functionCallingConfig: FunctionCallingConfig
    retrievalConfig: dict[str, Any]
    includeServerSideToolInvocations: bool


class GenerateContentRequest(TypedDict, total=False):
    """Body of generateContent and streamGenerateContent."""

    contents: list[Content]
    systemInstruction: Content
    tools: list[Tool]
    toolConfig: ToolConfig
    generationConfig: dict[str, Any]
    safetySettings: list[dict[str, Any]]
    cachedContent: str
    labels: dict[str, str]
    continuationToken: str


class UsageMetadata(TypedDict, total=False):
    """Token counts: total = prompt + candidates + toolUsePrompt + thoughts."""

    promptTokenCount: int
    candidatesTokenCount: int
    toolUsePromptTokenCount: int
    thoughtsTokenCount: int
    cachedContentTokenCount: int
    totalTokenCount: int
    promptTokensDetails: list[dict[str, Any]]
    candidatesTokensDetails: list[dict[str, Any]]
    toolUsePromptTokensDetails: list[dict[str, Any]]
    cacheTokensDetails: list[dict[str, Any]]
    trafficType: str


class Candidate(TypedDict, total=False):
    """One answer."""

    content: Content
    finishReason: str
    finishMessage: str
    continuationToken: str
    index: int
    safetyRatings: list[dict[str, Any]]
    citationMetadata: dict[str, Any]
    groundingMetadata: dict[str, Any]
    urlContextMetadata: dict[str, Any]
    avgLogprobs: float
    logprobsResult: dict[str, Any]


class PromptFeedback(TypedDict, total=False):
    """Why a prompt was refused."""

    blockReason: str
    blockReasonMessage: str
    safetyRatings: list[dict[str, Any]]


class GenerateContentResponse(TypedDict, total=False):
    """Answer of generateContent, or one chunk of streamGenerateContent."""

    candidates: list[Candidate]
    promptFeedback: PromptFeedback
    usageMetadata: UsageMetadata
    modelVersion: str
    responseId: str
    createTime: str


class CountTokensResponse(TypedDict, total=False):
    """Answer of countTokens."""

    totalTokens: int
    cachedContentTokenCount: int
    promptTokensDetails: list[dict[str, Any]]
    totalBillableCharacters: int


EndpointKind: TypeAlias = Literal["vertex", "developer"]
"""The two services that speak the protocol. They accept different tool configurations and do not
accept each other's thought signatures."""


ApiKind: TypeAlias = Literal["generate_content", "interactions"]
"""The two protocols of either service. They do not accept each other's thought signatures."""


class Limits(TypedDict, total=False):
    """Limits of one request in seconds; without one, that of the transport holds."""

    timeout: float | None
    """How long the service may be silent."""
    deadline: float | None
    """How long the request may take as a whole."""


@dataclass(frozen=True, slots=True)
class InteractionRequest:
    """A request of the Interactions API.

    Attributes:
        body: Of a new interaction; `None` for one that there is.
        id: Which interaction is asked for.
        cancels: Whether it is cancelled.
        is_streamed: Whether events are asked for.
        last_event_id: Behind which event they begin; empty for all.
    """

    body: dict[str, Any] | None = None
    id: str = ""
    cancels: bool = False
    is_streamed: bool = False
    last_event_id: str = ""


@dataclass(frozen=True, slots=True)
class ResourceRequest:
    """A request about a job or a file.

    Attributes:
        path: Path behind the API version, with its query.
        method: HTTP's method.
        body: What is sent.
        headers: Headers of this request alone.
        uploads: Whether it goes to where bytes are sent to.
        into: Where the body of the response is written, instead of into memory.
        repeated_after: What it may fail with to be sent again, if the transport repeats at all after such.
    """

    path: str
    method: str = "GET"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    uploads: bool = False
    into: IO[bytes] | None = None
    repeated_after: tuple[type[GeminiError], ...] = (GeminiError,)


@dataclass(frozen=True, slots=True)
class ResourceResponse:
    """The response to one.

    Attributes:
        headers: Its headers, names in lower case.
        json: Its object; empty where the body was written elsewhere, and where nothing came back of an upload.
    """

    headers: Mapping[str, str]
    json: dict[str, Any]


class InteractionCarrier(Protocol):
    """Carries requests of the Interactions API; the transports of this package do, besides `Transport`.

    Each method gives an interaction, or its events, as they are on the wire, and raises what `Transport` raises.
    """

    def interaction(self, request: InteractionRequest, **limits: Unpack[Limits]) -> dict[str, Any]:
        """Ask for an interaction as a whole."""
        ...

    async def ainteraction(self, request: InteractionRequest, **limits: Unpack[Limits]) -> dict[str, Any]:
        """Do the same without blocking the event loop."""
        ...

    def interaction_events(
        self, request: InteractionRequest, **limits: Unpack[Limits]
    ) -> Generator[dict[str, Any], None, None]:
        """Ask for its events."""
        ...

    def ainteraction_events(
        self, request: InteractionRequest, **limits: Unpack[Limits]
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Do the same without blocking the event loop."""
        ...


class Transport(Protocol):
    """Carries requests. Instances may be shared between threads, event loops and chat models.

    `model` is a bare name (`gemini-2.5-flash`) or a resource name with slashes. A transport of
    one's own need not know a limit that nobody sets.

    All methods but the closing ones raise `GeminiError` and its subclasses, and `CredentialsError`.
    """

    @property
    def endpoint(self) -> EndpointKind:
        """Which of the two services answers."""
        ...

    @property
    def address(self) -> str:
        """Scheme, host, port and prefix that requests go to, without API version and model.

        What an endpoint accepts is remembered for its address.
        """
        ...

    def generate(
        self, model: str, request: GenerateContentRequest, **limits: Unpack[Limits]
    ) -> GenerateContentResponse:
        """Call generateContent."""
        ...

    async def agenerate(
        self, model: str, request: GenerateContentRequest, **limits: Unpack[Limits]
    ) -> GenerateContentResponse:
        """Call generateContent without blocking the event loop."""
        ...

    def stream(
        self, model: str, request: GenerateContentRequest, **limits: Unpack[Limits]
    ) -> Generator[GenerateContentResponse, None, None]:
        """Call streamGenerateContent; an error in mid-stream is raised after what came before it."""
        ...

    def astream(
        self, model: str, request: GenerateContentRequest, **limits: Unpack[Limits]
    ) -> AsyncGenerator[GenerateContentResponse, None]:
        """Call streamGenerateContent without blocking the event loop."""
        ...

    def count_tokens(
        self, model: str, request: GenerateContentRequest, **limits: Unpack[Limits]
    ) -> CountTokensResponse:
        """Call countTokens for the contents of `request`."""
        ...

    def close(self) -> None:
        """Close what the transport opened itself; it may be called twice."""
        ...

    async def aclose(self) -> None:
        """Close what the transport opened itself on the running event loop as well."""
        ...
