"""The protocol over httpx: Google's REST endpoints without Google's client libraries."""

from __future__ import annotations

from contextlib import aclosing, closing
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from langchain_codeexec.errors import ConfigurationError, GeminiError
from langchain_codeexec.gemini.clients import Clients
from langchain_codeexec.gemini.credentials import (
    AnonymousCredentials,
    ApiKeyCredentials,
    default_credentials,
    oauth_credentials,
)
from langchain_codeexec.gemini.endpoints import count_tokens_body, request_headers, resolve_endpoint
from langchain_codeexec.gemini.exchange import Attempts, Call, Exchange, RetryPolicy, decoded, encoded
from langchain_codeexec.gemini.sse import StreamDecoder

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Mapping

    import httpx
    from pydantic import SecretStr

    from langchain_codeexec.gemini.credentials import CredentialSource, RequestCredentials
    from langchain_codeexec.gemini.endpoints import Endpoint, Method
    from langchain_codeexec.gemini.wire import (
        CountTokensResponse,
        EndpointKind,
        GenerateContentRequest,
        GenerateContentResponse,
    )

__all__ = ["DEFAULT_TIMEOUT", "RestTransport", "rest_transport"]

DEFAULT_TIMEOUT = 600.0
"""Seconds without a byte of the answer: the service thinks, and runs code, before it sends the first one."""

_CONNECT_TIMEOUT = 10.0
_LONGEST_TIMEOUT = 2_000_000  # sockets count milliseconds in 31 bits


class RestTransport:
    """Carries requests to one endpoint over pooled connections. Implements `Transport`.

    Instances may be shared between threads and event loops, and used again after closing. A copy or an
    unpickled instance opens connections of its own. One that is dropped closes its connections.

    Requests are repeated after 408, 429, 5xx and broken or impossible connections, as long as the caller has
    received nothing of the answer; a refused OAuth token is renewed once.

    Args:
        endpoint: Where requests go.
        credentials: What authenticates them; nothing by default.
        timeout: Seconds each attempt may go without a byte of the answer; reaching the server may take 10 of
            them. An `httpx.Timeout` sets every limit itself.
        max_retries: Attempts after the first one.
        headers: Headers of every request. They override those this class would send.
        client: httpx client to use for blocking calls; it is not closed here.
        async_client: httpx client to use for coroutines; it is not closed here.
        retry_policy: How attempts are paced, instead of `max_retries`.

    Raises:
        ConfigurationError: A setting cannot be used.
    """

    def __init__(  # noqa: PLR0913 -- one keyword for each setting
        self,
        endpoint: Endpoint,
        credentials: RequestCredentials | None = None,
        *,
        timeout: float | httpx.Timeout | None = None,
        max_retries: int | None = None,
        headers: Mapping[str, str] | None = None,
        client: httpx.Client | None = None,
        async_client: httpx.AsyncClient | None = None,
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        if retry_policy is not None and max_retries is not None:
            raise ConfigurationError("max_retries and retry_policy exclude each other: give one of them")
        self._endpoint = endpoint
        self._credentials = credentials or AnonymousCredentials()
        self._timeout = DEFAULT_TIMEOUT if timeout is None else _checked_timeout(timeout)
        self._retry = retry_policy or (RetryPolicy() if max_retries is None else RetryPolicy(max_retries))
        self._headers = headers or {}
        self._given = (client, async_client)
        self._clients = Clients(client, async_client, trust_env=not endpoint.is_local)
        self._exchange = Exchange(
            self._clients, self._credentials, request_headers(self._headers), self._retry.clock
        )

    def __repr__(self) -> str:
        return f"RestTransport({self._endpoint!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (type(self), self._endpoint, self._credentials, self._settings())

    def __deepcopy__(self, memo: dict[int, Any]) -> RestTransport:
        # Given credentials and clients are shared: that is safe, and they may refuse to be copied.
        return type(self)(self._endpoint, self._credentials, **self._settings())

    def _settings(self) -> dict[str, Any]:
        client, async_client = self._given
        return {
            "timeout": self._timeout,
            "headers": self._headers,
            "client": client,
            "async_client": async_client,
            "retry_policy": self._retry,
        }

    @property
    def endpoint(self) -> EndpointKind:
        """Which of the two services answers."""
        return self._endpoint.kind

    @property
    def address(self) -> str:
        """Scheme, host, port and prefix that requests go to; see `Transport`."""
        return self._endpoint.root

    def generate(
        self, model: str, request: GenerateContentRequest, *, timeout: float | None = None
    ) -> GenerateContentResponse:
        """Call generateContent; see `Transport`."""
        return cast(
            "GenerateContentResponse", self._unary(self._call(model, "generateContent", request, timeout))
        )

    async def agenerate(
        self, model: str, request: GenerateContentRequest, *, timeout: float | None = None
    ) -> GenerateContentResponse:
        """Call generateContent without blocking the event loop; see `Transport`."""
        call = self._call(model, "generateContent", request, timeout)
        attempts = Attempts(self._retry)
        while True:
            try:
                async with self._exchange.aanswer(call) as response:
                    body = await response.aread()
                return cast("GenerateContentResponse", decoded(body, call.address))
            except GeminiError as error:
                wait = attempts.wait_after(error)
            await self._retry.asleep(wait)

    def stream(
        self, model: str, request: GenerateContentRequest, *, timeout: float | None = None
    ) -> Generator[GenerateContentResponse, None, None]:
        """Call streamGenerateContent; see `Transport`. Closing the iterator gives up the connection."""
        call = self._call(model, "streamGenerateContent", request, timeout)
        attempts = Attempts(self._retry)
        is_started = False
        while True:
            try:
                with closing(self._chunks(call)) as chunks:
                    for chunk in chunks:
                        is_started = True
                        yield chunk
            except GeminiError as error:
                if is_started:
                    raise
                wait = attempts.wait_after(error)
            else:
                return
            self._retry.sleep(wait)

    async def astream(
        self, model: str, request: GenerateContentRequest, *, timeout: float | None = None
    ) -> AsyncGenerator[GenerateContentResponse, None]:
        """Call streamGenerateContent without blocking the event loop; see `Transport`."""
        call = self._call(model, "streamGenerateContent", request, timeout)
        attempts = Attempts(self._retry)
        is_started = False
        while True:
            try:
                async with aclosing(self._achunks(call)) as chunks:
                    async for chunk in chunks:
                        is_started = True
                        yield chunk
            except GeminiError as error:
                if is_started:
                    raise
                wait = attempts.wait_after(error)
            else:
                return
            await self._retry.asleep(wait)

    def count_tokens(
        self, model: str, request: GenerateContentRequest, *, timeout: float | None = None
    ) -> CountTokensResponse:
        """Call countTokens; see `Transport`."""
        body = count_tokens_body(self._endpoint.kind, model, request)
        return cast("CountTokensResponse", self._unary(self._call(model, "countTokens", body, timeout)))

    def close(self) -> None:
        """Close the connections of blocking calls. The transport may be used again."""
        self._clients.close()

    async def aclose(self) -> None:
        """Close them and those of the running event loop. The transport may be used again."""
        await self._clients.aclose()

    def _call(self, model: str, method: Method, body: Mapping[str, Any], timeout: float | None) -> Call:
        url = self._endpoint.url(model, method)
        limits = _limits(self._timeout if timeout is None else _checked_timeout(timeout))
        return Call(_parsed(url), url.partition("?")[0], encoded(body), limits)

    def _unary(self, call: Call) -> dict[str, Any]:
        attempts = Attempts(self._retry)
        while True:
            try:
                with self._exchange.answer(call) as response:
                    body = response.read()
                return decoded(body, call.address)
            except GeminiError as error:
                wait = attempts.wait_after(error)
            self._retry.sleep(wait)

    def _chunks(self, call: Call) -> Generator[GenerateContentResponse, None, None]:
        decoder = StreamDecoder(call.address)
        with self._exchange.answer(call) as response:
            for data in response.iter_bytes():
                yield from decoder.feed(data)
            yield from decoder.end()

    async def _achunks(self, call: Call) -> AsyncGenerator[GenerateContentResponse, None]:
        decoder = StreamDecoder(call.address)
        async with self._exchange.aanswer(call) as response:
            async for data in response.aiter_bytes():
                for chunk in decoder.feed(data):
                    yield chunk
            for chunk in decoder.end():
                yield chunk


def rest_transport(  # noqa: PLR0913 -- one keyword for each setting of a chat model
    *,
    vertexai: bool | None = None,
    project: str | None = None,
    location: str | None = None,
    api_key: str | SecretStr | None = None,
    credentials: CredentialSource | None = None,
    base_url: str | None = None,
    api_version: str | None = None,
    quota_project: str | None = None,
    timeout: float | httpx.Timeout | None = None,
    max_retries: int | None = None,
    headers: Mapping[str, str] | None = None,
    client: httpx.Client | None = None,
    async_client: httpx.AsyncClient | None = None,
    retry_policy: RetryPolicy | None = None,
    environ: Mapping[str, str] | None = None,
) -> RestTransport:
    """Make a transport from a chat model's settings and the environment.

    `resolve_endpoint` documents how the service, the project and the kind of credentials are chosen. Nothing
    is sent and no token is fetched before the first request; only where no setting names a project are the
    application default credentials looked up at once.

    Args:
        vertexai: Vertex AI or the Developer API; `None` decides by the other settings.
        project: Google Cloud project.
        location: Google Cloud location.
        api_key: API key of either service.
        credentials: google-auth credentials, the path of a key file, or its content.
            `google.auth.credentials.AnonymousCredentials()` sends none, for a gateway that knows its callers.
        base_url: Address of a gateway or a local server; see `Endpoint`.
        api_version: API version in the path.
        quota_project: Project that quota and billing go to, instead of the one the credentials name.
        timeout: Seconds without a byte of the answer, for each attempt; 600 by default.
        max_retries: Attempts after the first one; 4 by default.
        headers: Headers of every request.
        client: httpx client to use for blocking calls, for proxies, certificates and the like.
        async_client: The same for coroutines.
        retry_policy: How attempts are paced, instead of `max_retries`.
        environ: The environment; that of the process by default.

    Raises:
        ConfigurationError: Settings are missing, wrong or contradict each other; the message names the
            remedy.
        CredentialsError: The credentials are of the wrong kind, or those that could name the project are
            missing.
    """
    reveal = getattr(api_key, "get_secret_value", None)
    key = reveal() if reveal is not None else api_key
    if not isinstance(key, str | None):
        raise ConfigurationError(f"api_key must be text, not {type(key).__name__}")
    oauth = default_credentials() if credentials is None else oauth_credentials(credentials)
    resolved = resolve_endpoint(
        vertexai=vertexai,
        project=project,
        location=location,
        api_key=key,
        has_credentials=credentials is not None,
        base_url=base_url,
        api_version=api_version,
        default_project=lambda: oauth.project,
        environ=environ,
    )
    payer: RequestCredentials = AnonymousCredentials()
    if resolved.api_key is not None:
        payer = ApiKeyCredentials(resolved.api_key)
    elif resolved.needs_credentials:
        payer = oauth
    return RestTransport(
        resolved.endpoint,
        payer,
        timeout=timeout,
        max_retries=max_retries,
        headers={"x-goog-user-project": quota_project, **(headers or {})} if quota_project else headers,
        client=client,
        async_client=async_client,
        retry_policy=retry_policy,
    )


def _rebuilt(
    cls: type[RestTransport], endpoint: Endpoint, credentials: RequestCredentials, settings: dict[str, Any]
) -> RestTransport:
    return cls(endpoint, credentials, **settings)


@lru_cache(maxsize=256)
def _parsed(url: str) -> httpx.URL:
    import httpx  # noqa: PLC0415 -- importing this module must stay cheap

    return httpx.URL(url)


def _limits(timeout: float | httpx.Timeout) -> httpx.Timeout:
    return _limits_of(timeout) if isinstance(timeout, int | float) else timeout


@lru_cache(maxsize=16)
def _limits_of(seconds: float) -> httpx.Timeout:
    import httpx  # noqa: PLC0415 -- as above

    return httpx.Timeout(seconds, connect=min(seconds, _CONNECT_TIMEOUT))


def _checked_timeout(timeout: float | httpx.Timeout) -> float | httpx.Timeout:
    if isinstance(timeout, int | float) and not isinstance(timeout, bool):
        if 0 < timeout <= _LONGEST_TIMEOUT:
            return timeout
    else:
        import httpx  # noqa: PLC0415 -- as above

        if isinstance(timeout, httpx.Timeout):
            return timeout
    raise ConfigurationError(
        f"timeout={timeout!r} must be a number of seconds above 0, at most {_LONGEST_TIMEOUT}; or an "
        "httpx.Timeout, which can also set no limit"
    )
