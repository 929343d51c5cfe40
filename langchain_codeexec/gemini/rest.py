"""The protocol over httpx: Google's REST endpoints without Google's client libraries."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import aclosing, closing
from functools import lru_cache, partial
from io import BytesIO
from typing import Any, Final, Unpack, cast

import httpx
from pydantic import SecretStr

from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.gemini.clients import Clients
from langchain_codeexec.gemini.credentials import (
    ApiKeyCredentials,
    CredentialSource,
    LocalCredentials,
    RequestCredentials,
    default_credentials,
    oauth_credentials,
)
from langchain_codeexec.gemini.endpoints import Endpoint, Method, count_tokens_body, resolve_endpoint
from langchain_codeexec.gemini.exchange import Call, Exchange, decoded, encoded, json_object, request_headers
from langchain_codeexec.gemini.limits import DEFAULT_TIMEOUT, MAX_CONNECTIONS, Deadline, checked_seconds
from langchain_codeexec.gemini.retries import RetryPolicy
from langchain_codeexec.gemini.sse import Completeness, StreamDecoder
from langchain_codeexec.gemini.wire import (
    CountTokensResponse,
    EndpointKind,
    GenerateContentRequest,
    GenerateContentResponse,
    InteractionRequest,
    Limits,
    ResourceRequest,
    ResourceResponse,
)

__all__ = ["RestTransport", "rest_transport"]

_CONNECT_TIMEOUT: Final = 10.0

API_REVISION: Final = "2026-05-20"
"""The shape of interactions that this package is written for; google-genai 3.6 asks for the same."""


class RestTransport:
    """Carries requests to one endpoint over pooled connections. Implements `Transport`.

    Instances may be shared between threads and event loops, and used again after closing. A copy or an
    unpickled instance opens connections of its own. One that is dropped closes its connections.

    A request is repeated as long as the caller has received nothing of the answer:

    | failure | repeated |
    |---|---|
    | 408, 429, 5xx, whatever became of their body | up to `max_retries` times |
    | a connection that broke, an answer or a stream that ended too early | up to `max_retries` times |
    | unknown host, closed port, untrusted certificate, proxy, no connection within 10 s | once |
    | 429 for the quota of a day, `Retry-After` above a minute or past the deadline, 501, 505, 511 | never |
    | other 4xx, redirects, silence for `timeout` seconds, an answer that is not JSON | never |
    | 401 with an OAuth token | once, with a new token |

    Waits double up to a minute, drawn at random; `Retry-After` and google.rpc.RetryInfo are kept instead.

    Args:
        endpoint: Where requests go.
        credentials: What authenticates them; nothing by default.
        timeout: Seconds without a byte from the service, or without a token or a free connection; 600 by
            default. Reaching the server may take 10 of them. An `httpx.Timeout` sets every limit itself.
        deadline: Seconds a call may take as a whole: attempts, waits between them, tokens, and an answer that
            trickles in. No limit by default.
        max_retries: Attempts after the first one; 6 by default.
        max_connections: Connections that threads may have at a time, and each event loop as well. Calls
            beyond them wait until one is given back.
        headers: Headers of every request. They override those this class would send.
        client: httpx client to use for blocking calls; it is not closed here.
        async_client: httpx client to use for coroutines; it is not closed here.
        client_args: Arguments of the httpx clients that are opened here.
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
        deadline: float | None = None,
        max_retries: int | None = None,
        max_connections: int = MAX_CONNECTIONS,
        headers: Mapping[str, str] | None = None,
        client: httpx.Client | None = None,
        async_client: httpx.AsyncClient | None = None,
        client_args: Mapping[str, Any] | None = None,
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        if retry_policy is not None and max_retries is not None:
            raise ConfigurationError("max_retries and retry_policy exclude each other: give one of them")
        self._endpoint = endpoint
        self._credentials = credentials or RequestCredentials()
        if type(max_connections) is not int or max_connections < 1:
            raise ConfigurationError(f"max_connections={max_connections!r} must be a whole number above 0")
        self._limits = _limits(DEFAULT_TIMEOUT if timeout is None else timeout)
        self._deadline = None if deadline is None else checked_seconds("deadline", deadline)
        self._retry = retry_policy or (RetryPolicy() if max_retries is None else RetryPolicy(max_retries))
        self._clients = Clients(
            client,
            async_client,
            trust_env=not endpoint.is_local,
            max_connections=max_connections,
            client_args=client_args,
        )
        self._exchange = Exchange(self._clients, self._credentials, request_headers(headers or {}))
        self._settings: dict[str, Any] = {
            "timeout": timeout,
            "deadline": deadline,
            "max_connections": max_connections,
            "headers": headers,
            "client": client,
            "async_client": async_client,
            "client_args": client_args,
            "retry_policy": self._retry,
        }

    def __repr__(self) -> str:
        return f"RestTransport({self._endpoint!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), **self._settings), (self._endpoint, self._credentials)

    def __deepcopy__(self, memo: dict[int, Any]) -> RestTransport:
        # Given credentials and clients are shared: that is safe, and they may refuse to be copied.
        return type(self)(self._endpoint, self._credentials, **self._settings)

    @property
    def endpoint(self) -> EndpointKind:
        """Which of the two services answers."""
        return self._endpoint.kind

    @property
    def service(self) -> Endpoint:
        """Where requests go, as the settings say."""
        return self._endpoint

    @property
    def deadline(self) -> float | None:
        """Seconds a call may take as a whole where it sets no limit of its own."""
        return self._deadline

    @property
    def retry_policy(self) -> RetryPolicy:
        """How attempts are paced."""
        return self._retry

    @property
    def address(self) -> str:
        """Scheme, host, port and prefix that requests go to; see `Transport`."""
        return self._endpoint.root

    def generate(
        self, model: str, request: GenerateContentRequest, **limits: Unpack[Limits]
    ) -> GenerateContentResponse:
        """Call generateContent; see `Transport`."""
        call = self._call(model, "generateContent", request, limits)
        return cast("GenerateContentResponse", self._retry.repeat(partial(self._object, call), call.deadline))

    async def agenerate(
        self, model: str, request: GenerateContentRequest, **limits: Unpack[Limits]
    ) -> GenerateContentResponse:
        """Call generateContent without blocking the event loop; see `Transport`."""
        call = self._call(model, "generateContent", request, limits)
        attempts = self._retry.arepeat(partial(self._aobject, call), call.deadline)
        return cast("GenerateContentResponse", await call.deadline.limit(attempts))

    def stream(
        self, model: str, request: GenerateContentRequest, **limits: Unpack[Limits]
    ) -> Generator[GenerateContentResponse, None, None]:
        """Call streamGenerateContent; see `Transport`. Closing the iterator gives up the connection."""
        return self._stream(self._call(model, "streamGenerateContent", request, limits))

    def astream(
        self, model: str, request: GenerateContentRequest, **limits: Unpack[Limits]
    ) -> AsyncGenerator[GenerateContentResponse, None]:
        """Call streamGenerateContent without blocking the event loop; see `Transport`."""
        return self._astream(self._call(model, "streamGenerateContent", request, limits))

    def count_tokens(
        self, model: str, request: GenerateContentRequest, **limits: Unpack[Limits]
    ) -> CountTokensResponse:
        """Call countTokens; see `Transport`."""
        body = count_tokens_body(self._endpoint.kind, model, request)
        call = self._call(model, "countTokens", body, limits)
        return cast("CountTokensResponse", self._retry.repeat(partial(self._object, call), call.deadline))

    def interaction(self, request: InteractionRequest, **limits: Unpack[Limits]) -> dict[str, Any]:
        """Ask for an interaction; see `InteractionCarrier`."""
        call = self._interaction_call(request, limits)
        return self._retry.repeat(partial(self._object, call), call.deadline)

    async def ainteraction(self, request: InteractionRequest, **limits: Unpack[Limits]) -> dict[str, Any]:
        """Do the same without blocking the event loop; see `InteractionCarrier`."""
        call = self._interaction_call(request, limits)
        attempts = self._retry.arepeat(partial(self._aobject, call), call.deadline)
        return await call.deadline.limit(attempts)

    def interaction_events(
        self, request: InteractionRequest, **limits: Unpack[Limits]
    ) -> Generator[dict[str, Any], None, None]:
        """Ask for the events of an interaction; see `InteractionCarrier`."""
        events: Any = self._stream(self._interaction_call(request, limits))
        return cast("Generator[dict[str, Any], None, None]", events)

    def ainteraction_events(
        self, request: InteractionRequest, **limits: Unpack[Limits]
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Do the same without blocking the event loop; see `InteractionCarrier`."""
        events: Any = self._astream(self._interaction_call(request, limits))
        return cast("AsyncGenerator[dict[str, Any], None]", events)

    def resource(self, request: ResourceRequest, **limits: Unpack[Limits]) -> ResourceResponse:
        """Make a request about a job or a file, which raises what `Transport` raises."""
        call = self._resource_call(request, limits)
        return self._retry.repeat(
            partial(self._resource, call, request), call.deadline, request.repeated_after
        )

    async def aresource(self, request: ResourceRequest, **limits: Unpack[Limits]) -> ResourceResponse:
        """Do the same without blocking the event loop, but for `into`, where nothing is written."""
        call = self._resource_call(request, limits)
        attempts = self._retry.arepeat(
            partial(self._aresource, call, request), call.deadline, request.repeated_after
        )
        return await call.deadline.limit(attempts)

    def close(self) -> None:
        """Close the connections of blocking calls. The transport may be used again."""
        self._clients.close()

    async def aclose(self) -> None:
        """Close them and those of the running event loop. The transport may be used again."""
        await self._clients.aclose()

    def _call(self, model: str, method: Method, body: Mapping[str, Any], limits: Limits) -> Call:
        url = self._endpoint.url(model, method)
        silence, until = self._patience(limits)
        return Call(_parsed(url), url.partition("?")[0], encoded(body), silence, until)

    def _interaction_call(self, request: InteractionRequest, limits: Limits) -> Call:
        url = self._endpoint.interactions_url(request.id, "cancel" if request.cancels else "")
        silence, until = self._patience(limits)
        query = {"stream": "true"} if request.is_streamed and request.id else {}
        if request.last_event_id:
            query["last_event_id"] = request.last_event_id
        return Call(
            httpx.URL(url, params=query) if query else httpx.URL(url),
            url,
            b"" if request.body is None else encoded(request.body),
            silence,
            until,
            method="GET" if request.id and not request.cancels else "POST",
            headers={"api-revision": API_REVISION},
            ends_with_reason=False,
        )

    def _resource_call(self, request: ResourceRequest, limits: Limits) -> Call:
        url = self._endpoint.resource_url(request.path, uploads=request.uploads)
        silence, until = self._patience(limits)
        return Call(
            httpx.URL(url),
            url.partition("?")[0],
            request.body,
            silence,
            until,
            method=request.method,
            headers=request.headers,
        )

    def _patience(self, limits: Limits) -> tuple[httpx.Timeout, Deadline]:
        timeout, deadline = limits.get("timeout"), limits.get("deadline")
        until = Deadline(self._deadline if deadline is None else checked_seconds("deadline", deadline))
        return self._limits if timeout is None else _limits(timeout), until

    def _stream(self, call: Call) -> Generator[GenerateContentResponse, None, None]:
        first, chunks = self._retry.repeat(partial(self._begun, call), call.deadline)
        with closing(chunks):
            yield first
            yield from chunks

    async def _astream(self, call: Call) -> AsyncGenerator[GenerateContentResponse, None]:
        attempts = self._retry.arepeat(partial(self._abegun, call), call.deadline)
        chunk, chunks = await call.deadline.limit(attempts)
        async with aclosing(chunks):
            while chunk is not None:
                yield chunk
                chunk = await call.deadline.limit(anext(chunks, None))

    def _object(self, call: Call) -> dict[str, Any]:
        body = bytearray()
        with self._exchange.lease(call) as lease:
            for data in self._exchange.send(call, lease).iter_bytes():
                call.deadline.check()
                body += data
        call.deadline.check()
        return decoded(bytes(body), call.address)

    async def _aobject(self, call: Call) -> dict[str, Any]:
        with await self._exchange.alease(call) as lease:
            body = await (await self._exchange.asend(call, lease)).aread()
        return decoded(body, call.address)

    def _resource(self, call: Call, request: ResourceRequest) -> ResourceResponse:
        body = request.into or BytesIO()
        body.seek(0)
        body.truncate()
        with self._exchange.lease(call) as lease:
            response = self._exchange.send(call, lease)
            for data in response.iter_bytes():
                call.deadline.check()
                body.write(data)
        body.seek(0)
        return _resource_response(request, call, response, b"" if request.into else body.read())

    async def _aresource(self, call: Call, request: ResourceRequest) -> ResourceResponse:
        with await self._exchange.alease(call) as lease:
            response = await self._exchange.asend(call, lease)
            return _resource_response(request, call, response, await response.aread())

    def _begun(
        self, call: Call
    ) -> tuple[GenerateContentResponse, Generator[GenerateContentResponse, None, None]]:
        """The first chunk, up to which a stream may be repeated, and the others."""
        chunks = self._chunks(call)
        return next(chunks), chunks

    async def _abegun(
        self, call: Call
    ) -> tuple[GenerateContentResponse | None, AsyncGenerator[GenerateContentResponse, None]]:
        chunks = self._achunks(call)
        return await anext(chunks), chunks

    def _chunks(self, call: Call) -> Generator[GenerateContentResponse, None, None]:
        decoder, completeness = StreamDecoder(call.address), Completeness(call.address)
        with self._exchange.lease(call) as lease:
            for data in self._exchange.send(call, lease).iter_bytes():
                call.deadline.check()
                yield from completeness.counted(decoder.feed(data))
            call.deadline.check()
            yield from completeness.counted(decoder.end())
            if call.ends_with_reason:
                completeness.check()

    async def _achunks(self, call: Call) -> AsyncGenerator[GenerateContentResponse, None]:
        decoder, completeness = StreamDecoder(call.address), Completeness(call.address)
        with await self._exchange.alease(call) as lease:
            response = await self._exchange.asend(call, lease)
            async for data in response.aiter_bytes():
                for chunk in completeness.counted(decoder.feed(data)):
                    yield chunk
            for chunk in completeness.counted(decoder.end()):
                yield chunk
            if call.ends_with_reason:
                completeness.check()


def rest_transport(  # noqa: PLR0913 -- one keyword for each setting of a chat model
    *,
    vertexai: bool | None = None,
    project: str | None = None,
    location: str | None = None,
    api_key: str | SecretStr | None = None,
    credentials: CredentialSource | None = None,
    base_url: str | None = None,
    api_version: str | None = None,
    **settings: Any,
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
        **settings: Those of `RestTransport`.

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
    )
    authentication: RequestCredentials | None = oauth if resolved.needs_credentials else None
    if resolved.api_key is not None:
        authentication = ApiKeyCredentials(resolved.api_key)
    elif authentication is None and resolved.endpoint.project and resolved.endpoint.is_unsigned:
        authentication = LocalCredentials()
    return RestTransport(resolved.endpoint, authentication, **settings)


def _resource_response(
    request: ResourceRequest, call: Call, response: httpx.Response, body: bytes
) -> ResourceResponse:
    is_empty = request.into or (request.uploads and not body)
    return ResourceResponse(response.headers, {} if is_empty else json_object(body, call.address))


@lru_cache(maxsize=256)
def _parsed(url: str) -> httpx.URL:
    return httpx.URL(url)


def _limits(timeout: float | httpx.Timeout) -> httpx.Timeout:
    if isinstance(timeout, httpx.Timeout):
        return timeout
    checked_seconds("timeout", timeout)
    return httpx.Timeout(timeout, connect=min(timeout, _CONNECT_TIMEOUT))
