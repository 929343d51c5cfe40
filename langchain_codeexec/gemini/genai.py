"""The protocol over a `google.genai.Client` that the user has set up."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Generator, Iterator, Mapping
from contextlib import aclosing, closing, contextmanager, suppress
from functools import partial
from http import HTTPStatus
from importlib.metadata import version
from math import ceil
from typing import Any, Final, TypeAlias, Unpack, cast

from google.oauth2.credentials import Credentials

from langchain_codeexec.errors import (
    CodeExecError,
    ConfigurationError,
    CredentialsError,
    GeminiAPIError,
    GeminiConnectionError,
    GeminiTimeoutError,
    MissingDependencyError,
    ResponseFormatError,
    TruncatedResponseError,
)
from langchain_codeexec.gemini.credentials import PLACEHOLDER, oauth_credentials
from langchain_codeexec.gemini.endpoints import Endpoint, Method, count_tokens_body, method_path
from langchain_codeexec.gemini.errors import LONGEST_EXCERPT, api_error, error_in
from langchain_codeexec.gemini.exchange import decoded, encoded, is_cut
from langchain_codeexec.gemini.limits import DEFAULT_TIMEOUT, Deadline
from langchain_codeexec.gemini.retries import RetryPolicy
from langchain_codeexec.gemini.sse import Completeness
from langchain_codeexec.gemini.wire import (
    CountTokensResponse,
    EndpointKind,
    GenerateContentRequest,
    GenerateContentResponse,
    InteractionRequest,
    Limits,
)

__all__ = ["GenAITransport", "genai_client"]

try:
    from google.genai import Client
except ImportError as error:
    raise MissingDependencyError("google-genai", "genai") from error

_HTTPX: Final = {"httpx", "httpx2"}  # google-genai 3 sends with the latter
_FIRST_WITH_STEPS: Final = 3
_POLICY: Final = RetryPolicy()
_UNREADABLE: Final = "google.UnknownApiResponseError"
_FAILURES: Final[dict[str, type[CodeExecError]]] = {
    "builtins.TimeoutError": GeminiTimeoutError,
    "httpx.TimeoutException": GeminiTimeoutError,
    "httpx2.TimeoutException": GeminiTimeoutError,
    "google.APITimeoutError": GeminiTimeoutError,
    "google.APIConnectionError": GeminiConnectionError,
    "google.APIResponseValidationError": ResponseFormatError,
    "requests.Timeout": GeminiTimeoutError,
    "aiohttp.ServerTimeoutError": GeminiTimeoutError,
    "google.RefreshError": CredentialsError,
    "google.DefaultCredentialsError": CredentialsError,
    "google.TransportError": GeminiConnectionError,
    _UNREADABLE: ResponseFormatError,
    "aiohttp.ClientError": GeminiConnectionError,
    "httpx.DecodingError": ResponseFormatError,
    "httpx2.DecodingError": ResponseFormatError,
    "httpx.TransportError": GeminiConnectionError,
    "httpx2.TransportError": GeminiConnectionError,
    "builtins.OSError": GeminiConnectionError,
    # What the client's own reading of an answer runs into that it did not expect.
    **dict.fromkeys(
        (
            f"builtins.{name}"
            for name in ("AttributeError", "LookupError", "RecursionError", "TypeError", "ValueError")
        ),
        ResponseFormatError,
    ),
}
"""Exceptions of the libraries the client may send with, by the first part of their module's name and
theirs: which libraries are installed differs, and none is imported to find out."""

_INTERRUPTED: Final = "google.ContinuationInterruptedError"
_STATELESS: Final = (
    "google.APITimeoutError",
    "google.APIConnectionError",
    "google.APIResponseValidationError",
)
"""Failures of interactions that are errors of the service to google-genai, and bring no answer of it."""

_Arguments: TypeAlias = tuple[str, str, dict[str, Any], dict[str, Any] | None]


class GenAITransport:
    """Carries requests through a `google.genai.Client`. Implements `Transport`.

    Authentication, HTTP options and retries are the client's; a stream that was cut off before it gave
    anything is asked for again. Its typed models are passed by, since they drop
    fields they do not know: requests leave and answers come back as they are on the wire.

    Args:
        client: The client. It is not closed here, and the event loops it can be used on are its user's concern.

    Raises:
        ConfigurationError: `client` is something else.
    """

    def __init__(self, client: Client) -> None:
        if not isinstance(client, Client):
            raise ConfigurationError(
                f"client must be a google.genai.Client, not {type(client).__name__}; of a client's .aio or "
                ".models, give the client itself"
            )
        self._client = client
        # The layer below the typed models: untyped and without a public name, the same since 1.0.
        self._api: Any = client._api_client  # noqa: SLF001 -- see above

    follows_hops: Final = True
    """The client asks for the rest of long interactions itself."""

    def __repr__(self) -> str:
        return f"GenAITransport({self.endpoint})"

    def __deepcopy__(self, memo: dict[int, Any]) -> GenAITransport:
        return type(self)(self._client)  # a client holds connections and cannot be copied

    @property
    def client(self) -> Client:
        """The client given."""
        return self._client

    @property
    def endpoint(self) -> EndpointKind:
        """Which of the two services answers."""
        return "vertex" if self._api.vertexai else "developer"

    @property
    def address(self) -> str:
        """Scheme, host, port and prefix of the client's base URL; see `Transport`."""
        return str(self._api.get_read_only_http_options()["base_url"]).rstrip("/")

    def generate(
        self, model: str, request: GenerateContentRequest, **limits: Unpack[Limits]
    ) -> GenerateContentResponse:
        """Call generateContent; see `Transport`."""
        return cast("GenerateContentResponse", self._unary(model, "generateContent", request, limits))

    async def agenerate(
        self, model: str, request: GenerateContentRequest, **limits: Unpack[Limits]
    ) -> GenerateContentResponse:
        """Call generateContent without blocking the event loop; see `Transport`."""
        arguments, deadline = self._arguments(model, "generateContent", request, limits)
        with _translated_failures():
            response = await deadline.limit(self._api.async_request(*arguments))
        return cast("GenerateContentResponse", _decoded(response, arguments[1]))

    def stream(
        self, model: str, request: GenerateContentRequest, **limits: Unpack[Limits]
    ) -> Generator[GenerateContentResponse, None, None]:
        """Call streamGenerateContent; see `Transport`."""
        arguments, deadline = self._arguments(model, "streamGenerateContent", request, limits)

        def begun() -> tuple[Any, Any]:
            chunks = self._chunks(arguments, deadline)
            return next(chunks), chunks

        first, chunks = _POLICY.repeat(begun, deadline, (TruncatedResponseError,))
        with closing(chunks):
            yield first
            yield from chunks

    async def astream(
        self, model: str, request: GenerateContentRequest, **limits: Unpack[Limits]
    ) -> AsyncGenerator[GenerateContentResponse, None]:
        """Call streamGenerateContent without blocking the event loop; see `Transport`."""
        arguments, deadline = self._arguments(model, "streamGenerateContent", request, limits)

        async def begun() -> tuple[Any, Any]:
            chunks = self._achunks(arguments)
            return await anext(chunks), chunks

        attempts = _POLICY.arepeat(begun, deadline, (TruncatedResponseError,))
        chunk, chunks = await deadline.limit(attempts)
        async with aclosing(chunks):
            while chunk is not None:
                yield chunk
                chunk = await deadline.limit(anext(chunks, None))

    def count_tokens(
        self, model: str, request: GenerateContentRequest, **limits: Unpack[Limits]
    ) -> CountTokensResponse:
        """Call countTokens; see `Transport`."""
        body = count_tokens_body(self.endpoint, model, request)
        return cast("CountTokensResponse", self._unary(model, "countTokens", body, limits))

    def check_interactions(self) -> None:
        """Raise `ConfigurationError` if the client's release does not speak interactions as they are now."""
        release = version("google-genai")
        if int(release.partition(".")[0]) < _FIRST_WITH_STEPS:
            raise ConfigurationError(
                f"google-genai {release} does not know the Interactions API as it is now: install "
                "'google-genai>=3', or leave the transport to the settings of the chat model"
            )

    def interaction(self, request: InteractionRequest, **limits: Unpack[Limits]) -> dict[str, Any]:
        """Ask for an interaction, over as many hops as the client makes; see `InteractionCarrier`."""
        arguments, deadline = _interaction_arguments(request, limits)
        with _translated_failures():
            return _dumped(deadline.run(partial(_asked(self._client.interactions, request), **arguments)))

    async def ainteraction(self, request: InteractionRequest, **limits: Unpack[Limits]) -> dict[str, Any]:
        """Do the same without blocking the event loop; see `InteractionCarrier`."""
        arguments, deadline = _interaction_arguments(request, limits)
        with _translated_failures():
            return _dumped(await deadline.limit(_asked(self._client.aio.interactions, request)(**arguments)))

    def interaction_events(
        self, request: InteractionRequest, **limits: Unpack[Limits]
    ) -> Generator[dict[str, Any], None, None]:
        """Ask for the events of an interaction, of all hops that the client makes; see `InteractionCarrier`."""
        arguments, deadline = _interaction_arguments(request, limits)
        with _translated_failures():
            events = deadline.run(partial(_asked(self._client.interactions, request), **arguments))
            with closing(events):
                iterator = iter(events)
                while (event := deadline.run(partial(next, iterator, None))) is not None:
                    yield _dumped(event)

    async def ainteraction_events(
        self, request: InteractionRequest, **limits: Unpack[Limits]
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Do the same without blocking the event loop; see `InteractionCarrier`."""
        arguments, deadline = _interaction_arguments(request, limits)
        with _translated_failures():
            events = await deadline.limit(_asked(self._client.aio.interactions, request)(**arguments))
            try:
                iterator = aiter(events)
                while (event := await deadline.limit(anext(iterator, None))) is not None:
                    yield _dumped(event)
            finally:
                await events.close()

    def close(self) -> None:
        """Do nothing: the client is the user's."""

    async def aclose(self) -> None:
        """Do nothing: the client is the user's."""

    def _unary(self, model: str, method: Method, body: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
        arguments, deadline = self._arguments(model, method, body, limits)
        with _translated_failures():
            response = deadline.run(partial(self._api.request, *arguments))
        return _decoded(response, arguments[1])

    def _chunks(self, arguments: _Arguments, deadline: Deadline) -> Generator[Any, None, None]:
        completeness = Completeness(arguments[1])
        with _translated_failures(ends_when_done=True):
            responses = self._api.request_streamed(*arguments)
            try:
                while (response := deadline.run(partial(next, responses, None))) is not None:
                    yield from completeness.counted(_chunks_in(response, arguments[1]))
            finally:
                with suppress(ValueError):  # the deadline has come, and another thread still waits in it
                    responses.close()
        completeness.check()

    async def _achunks(self, arguments: _Arguments) -> AsyncGenerator[Any, None]:
        completeness = Completeness(arguments[1])
        with _translated_failures(ends_when_done=True):
            async with aclosing(await self._api.async_request_streamed(*arguments)) as responses:
                async for response in responses:
                    for chunk in completeness.counted(_chunks_in(response, arguments[1])):
                        yield chunk
        completeness.check()

    def _arguments(
        self, model: str, method: Method, body: Mapping[str, Any], limits: Limits
    ) -> tuple[_Arguments, Deadline]:
        """HTTP method, path below the API version, body, and options, whose timeout is in milliseconds."""
        deadline = Deadline(limits.get("deadline"))
        given = limits.get("timeout")
        timeout = deadline.least(given)
        if timeout is not None and timeout != given:
            timeout += 1  # the deadline ends the call, and the client's thread soon after
        options: dict[str, Any] | None = None
        if timeout is not None:
            options = {"timeout": max(1, round(timeout * 1000))}
            if method == "streamGenerateContent":  # the service takes it for the time of the whole
                options["headers"] = {"X-Server-Timeout": str(ceil(max(timeout, DEFAULT_TIMEOUT)))}
        # A copy, because the client merges its `extra_body` into what it is given; by way of JSON, because
        # that is fast and refuses what could not be sent anyway.
        copied = json.loads(encoded(body))
        return ("post", method_path(self.endpoint, model, method), copied, options), deadline


def _asked(interactions: Any, request: InteractionRequest) -> Any:
    """The client's method for a request."""
    if request.cancels:
        return interactions.cancel
    return interactions.create if request.body is not None else interactions.get


def _interaction_arguments(request: InteractionRequest, limits: Limits) -> tuple[dict[str, Any], Deadline]:
    """The arguments of that method, whose timeout is in seconds."""
    deadline = Deadline(limits.get("deadline"))
    timeout = deadline.least(limits.get("timeout"))
    arguments: dict[str, Any] = {} if timeout is None else {"timeout": timeout}
    if request.body is not None:
        return {**arguments, **json.loads(encoded(request.body))}, deadline
    arguments["id"] = request.id
    if request.is_streamed:
        arguments |= {
            "stream": True,
            **({"last_event_id": request.last_event_id} if request.last_event_id else {}),
        }
    return arguments, deadline


def _dumped(model: Any) -> dict[str, Any]:
    """One of the client's typed models as it came over the wire: they keep what they do not know."""
    return cast("dict[str, Any]", model.model_dump(mode="json", by_alias=True, exclude_unset=True))


def _chunks_in(response: Any, path: str) -> list[GenerateContentResponse]:
    """The chunk of an event; none if it says nothing, as some gateways send."""
    is_empty = (response.body or "").strip() == "null"
    return [] if is_empty else [cast("GenerateContentResponse", _decoded(response, path))]


def _decoded(response: Any, path: str) -> dict[str, Any]:
    return decoded((response.body or "").encode(), path)


@contextmanager
def _translated_failures(*, ends_when_done: bool = False) -> Iterator[None]:
    """Raise what the client raises as this package's errors, with the original as the cause.

    With `ends_when_done`, the last event of some gateways, `[DONE]`, is no failure, though it is to the client.
    """
    try:
        yield
    except CodeExecError:
        raise
    except Exception as error:
        names = [f"{cls.__module__.partition('.')[0]}.{cls.__name__}" for cls in type(error).__mro__]
        if ends_when_done and names[0] == _UNREADABLE and str(error).endswith("[DONE]"):
            return
        if names[0] == _INTERRUPTED and isinstance(error.__cause__, Exception):
            with _interrupted(error), _translated_failures():
                raise error.__cause__ from None
        if "google.APIError" in names and not any(name in names for name in _STATELESS):
            if getattr(error, "status_code", HTTPStatus.BAD_REQUEST) == HTTPStatus.OK:
                raise ResponseFormatError(f"google-genai: {error}"[:LONGEST_EXCERPT]) from error
            raise _api_error(error) from error
        document = getattr(error.__cause__, "doc", None)
        if isinstance(document, str) and is_cut(document.encode(), cast("Exception", error.__cause__)):
            raise TruncatedResponseError(
                "google-genai: the answer ended too early", body=document[:LONGEST_EXCERPT]
            ) from error
        failure = next((_FAILURES[name] for name in names if name in _FAILURES), None)
        if failure is None:
            raise
        raise failure(f"google-genai: {type(error).__name__} {error}".strip()) from error


@contextmanager
def _interrupted(error: Any) -> Iterator[None]:
    """Keep what came of an answer, which the client followed over several hops, with the error that ended it."""
    try:
        yield
    except CodeExecError as failure:
        partial_answer = error.partial_interaction
        known = {
            "continuation_token": error.continuation_token,
            "interaction_id": error.interaction_id,
            "steps": (_dumped(partial_answer) if partial_answer else {}).get("steps", []),
        }
        failure.add_note(f"the answer up to here: {json.dumps(known, ensure_ascii=False)}")
        raise


def _api_error(error: Any) -> GeminiAPIError:
    if hasattr(error, "body"):  # of an interaction
        error.details, error.code = error.body, error.status_code
    response = getattr(
        error, "response", None
    )  # of whatever library the client sent with: httpx, requests or aiohttp
    headers = {name.lower(): value for name, value in (getattr(response, "headers", None) or {}).items()}
    return api_error(
        error.details if error_in(error.details) is not None else error.message or "",
        status_code=error.code or 0,
        url=str(getattr(response, "url", "")),
        headers=headers,
        response=response if type(response).__module__.partition(".")[0] in _HTTPX else None,
    )


def genai_client(settings: Mapping[str, Any], endpoint: Endpoint) -> Client | None:
    """A client with a chat model's connection.

    Args:
        settings: The settings that make its connection.
        endpoint: Where they lead to.

    Returns:
        The client; `None` where it takes no such settings, a gateway that demands nothing say.
    """
    credentials, api_key = settings["credentials"], settings["api_key"]
    if credentials is not None:
        credentials = oauth_credentials(credentials).credentials
    elif endpoint.project and endpoint.is_unsigned and api_key is None:
        credentials = Credentials(PLACEHOLDER)  # type: ignore[no-untyped-call]  # google-auth annotates little
    timeout, client_args = settings["timeout"], settings["client_args"]
    options = {
        "base_url": endpoint.root,
        "api_version": settings["api_version"],
        "headers": settings["additional_headers"],
        "timeout": None if timeout is None else ceil(timeout * 1000),
        "client_args": client_args,
        "async_client_args": client_args,
        "retry_options": {"attempts": settings["max_retries"] + 1},
    }
    try:
        return Client(
            vertexai=endpoint.kind == "vertex",
            api_key=api_key and api_key.get_secret_value(),
            project=endpoint.project or None,
            location=endpoint.location if endpoint.project else None,
            credentials=credentials,
            http_options=cast("Any", {key: value for key, value in options.items() if value is not None}),
        )
    except ValueError:
        return None
