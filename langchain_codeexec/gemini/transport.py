"""What carries a request to Gemini and its answer back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from langchain_codeexec.gemini.wire import (
        CountTokensResponse,
        GenerateContentRequest,
        GenerateContentResponse,
    )

__all__ = ["EndpointKind", "Transport"]

EndpointKind: TypeAlias = Literal["vertex", "developer"]
"""The two services that speak the protocol. They accept different tool configurations and do not
accept each other's thought signatures."""


class Transport(Protocol):
    """Carries requests. Instances may be shared between threads, event loops and chat models.

    `model` is a bare name (`gemini-2.5-flash`) or a resource name with slashes. `timeout` is in seconds
    and overrides the transport's own for one request.

    All methods but the closing ones raise `GeminiError` and its subclasses, and `CredentialsError`.
    """

    @property
    def endpoint(self) -> EndpointKind:
        """Which of the two services answers."""
        ...

    def generate(
        self, model: str, request: GenerateContentRequest, *, timeout: float | None = None
    ) -> GenerateContentResponse:
        """Call generateContent."""
        ...

    async def agenerate(
        self, model: str, request: GenerateContentRequest, *, timeout: float | None = None
    ) -> GenerateContentResponse:
        """Call generateContent without blocking the event loop."""
        ...

    def stream(
        self, model: str, request: GenerateContentRequest, *, timeout: float | None = None
    ) -> Generator[GenerateContentResponse, None, None]:
        """Call streamGenerateContent; an error in mid-stream is raised after what came before it."""
        ...

    def astream(
        self, model: str, request: GenerateContentRequest, *, timeout: float | None = None
    ) -> AsyncGenerator[GenerateContentResponse, None]:
        """Call streamGenerateContent without blocking the event loop."""
        ...

    def count_tokens(
        self, model: str, request: GenerateContentRequest, *, timeout: float | None = None
    ) -> CountTokensResponse:
        """Call countTokens for the contents of `request`."""
        ...

    def close(self) -> None:
        """Close what the transport opened itself; it may be called twice."""
        ...

    async def aclose(self) -> None:
        """Close what the transport opened itself on the running event loop as well."""
        ...
