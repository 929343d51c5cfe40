"""What authenticates a request: an API key, google-auth credentials, or nothing."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias, cast

import httpx
from google.auth.credentials import Credentials

from langchain_codeexec._fork import renew_after_fork
from langchain_codeexec.errors import (
    CodeExecError,
    CredentialsError,
    GeminiConnectionError,
    GeminiTimeoutError,
)
from langchain_codeexec.gemini.errors import without_secrets

__all__ = [
    "PLACEHOLDER",
    "ApiKeyCredentials",
    "CredentialSource",
    "LocalCredentials",
    "OAuthCredentials",
    "RequestCredentials",
    "default_credentials",
    "oauth_credentials",
]


class RequestCredentials:
    """Gives each request the headers that authenticate it, names in lower case; this base class gives none."""

    def headers(self, limit: float | None = None) -> Mapping[str, str]:  # noqa: ARG002 -- for those that wait
        """Headers of a request; may wait for a token, up to `limit` seconds.

        Raises:
            CredentialsError: There are no usable credentials.
            GeminiConnectionError: The token server could not be reached.
            GeminiTimeoutError: No token came in time.
        """
        return {}

    async def aheaders(self, limit: float | None = None) -> Mapping[str, str]:
        """Do the same without blocking the event loop."""
        return self.headers(limit)

    def refuse(self, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 -- for credentials that can be renewed
        """Take note that the service refused these headers.

        Returns:
            Whether `headers()` will now try to give others.
        """
        return False


class ApiKeyCredentials(RequestCredentials):
    """An API key of the Developer API or of Vertex AI.

    Raises:
        CredentialsError: The key cannot be sent in a header; the message does not show it.
    """

    def __init__(self, api_key: str) -> None:
        key = api_key.strip()
        if not key or not key.isascii() or not key.isprintable():
            raise CredentialsError(
                "the API key is empty or holds characters that no key has. Copy it again from "
                "https://aistudio.google.com/apikey"
            )
        self._headers = {"x-goog-api-key": key}

    def __repr__(self) -> str:
        return "ApiKeyCredentials(…)"

    def headers(self, limit: float | None = None) -> Mapping[str, str]:  # noqa: ARG002 -- nothing to wait for
        """The header of the key."""
        return self._headers


PLACEHOLDER: Final = "local"
"""The bearer token for a server on this machine that is to need none; no secret, and refused by Google's."""


class LocalCredentials(RequestCredentials):
    """What goes to Vertex AI's stand-in on this machine, which as the service demands a token, but takes any."""

    def headers(self, limit: float | None = None) -> Mapping[str, str]:  # noqa: ARG002 -- nothing to wait for
        """The header of `PLACEHOLDER`."""
        return {"authorization": f"Bearer {PLACEHOLDER}"}


class OAuthCredentials(RequestCredentials):
    """google-auth credentials; one refresh serves every thread and task that waits for it.

    A token is refreshed when google-auth calls it stale, some minutes before it expires. Instances can be
    pickled and forked; a pickled one loads its credentials anew, as each does when it first needs them.
    """

    def __init__(self, load: Callable[[], tuple[Credentials, str | None]]) -> None:
        self._load = load
        self._loaded: tuple[Credentials, str | None] | None = None
        self._refused: str | None = None
        self.renew()
        renew_after_fork(self)

    def renew(self) -> None:
        """Start with new locks and no refresh in progress."""
        self._loading = threading.Lock()
        self._joining = threading.Lock()
        self._refresh: Future[CodeExecError | None] | None = None

    def __repr__(self) -> str:
        return "OAuthCredentials(…)"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._load,)

    @property
    def credentials(self) -> Credentials:
        """The credentials themselves.

        Raises:
            CredentialsError: There are none, or they are malformed.
        """
        return self._credentials_and_project()[0]

    @property
    def project(self) -> str | None:
        """Project the credentials name, if any; see `credentials` for what it raises."""
        return self._credentials_and_project()[1]

    def headers(self, limit: float | None = None) -> Mapping[str, str]:
        """Token and quota project, after a refresh if one is due; see the base class."""
        headers = self._fresh_headers()
        if headers is None:
            try:
                error = self._refresh_in_progress().result(limit)
            except TimeoutError:
                raise _no_token(limit) from None
            headers = self._headers_after(error)
        return headers

    async def aheaders(self, limit: float | None = None) -> Mapping[str, str]:
        """Do the same without blocking the event loop."""
        headers = self._fresh_headers()
        if headers is None:
            try:
                async with asyncio.timeout(limit):
                    error = await asyncio.wrap_future(self._refresh_in_progress())
            except TimeoutError:
                raise _no_token(limit) from None
            headers = self._headers_after(error)
        return headers

    def refuse(self, headers: Mapping[str, str]) -> bool:
        """Take note that the service refused the token in these headers."""
        self._refused = headers.get("authorization")
        return self._refused is not None

    def _headers_after(self, error: CodeExecError | None) -> dict[str, str]:
        """Headers after a refresh; each that waited for it raises an exception of its own if it failed."""
        if error is not None:
            raise type(error)(*error.args) from error.__cause__
        return self._any_headers()

    def _any_headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        credentials, _ = self._credentials_and_project()
        credentials.apply(headers)  # type: ignore[no-untyped-call]  # google-auth annotates little
        return headers

    def _fresh_headers(self) -> dict[str, str] | None:
        """Headers of the token at hand, or `None` if it is missing, stale or was refused."""
        if self._loaded is None or not self._loaded[0].valid:
            return None
        headers = self._any_headers()
        return None if self._refused and headers.get("authorization") == self._refused else headers

    def _refresh_in_progress(self) -> Future[CodeExecError | None]:
        """The refresh that runs already, or a new one.

        It runs in a thread of its own: in a loop's executor it could wait behind other work, and a task cancelled
        meanwhile would take the refresh away from those that wait for it.
        """
        with self._joining:
            if self._refresh is None:
                refresh: Future[CodeExecError | None] = Future()
                refresh.set_running_or_notify_cancel()  # so that no waiting task can cancel it
                threading.Thread(target=self._run, args=(refresh,), daemon=True).start()
                self._refresh = refresh
            return self._refresh

    def _run(self, refresh: Future[CodeExecError | None]) -> None:
        outcome: CodeExecError | None = CredentialsError("the refresh of the credentials was interrupted")
        try:
            outcome = self._renew_token()
        finally:
            with self._joining:
                self._refresh = None
            refresh.set_result(outcome)

    def _renew_token(self) -> CodeExecError | None:
        """Refresh the credentials; gives what is wrong if that fails."""
        from google.auth import exceptions  # noqa: PLC0415 -- importing this module must stay cheap

        try:
            credentials, _ = self._credentials_and_project()
            if self._fresh_headers() is not None:
                return None  # another refresh ended since the caller looked
            credentials.refresh(_request_token)  # type: ignore[no-untyped-call]  # google-auth annotates little
            if not (credentials.token or credentials.valid):
                return CredentialsError("the refresh of the credentials gave no token")
        except CodeExecError as error:
            return error
        except Exception as error:  # noqa: BLE001 -- credentials may be of any class
            # The first argument is the reason; others may quote the token server's whole answer.
            without_secrets(error).args = error.args[:1]
            reason = error.args[0] if error.args else type(error).__name__
            is_transient = isinstance(error, exceptions.TransportError | OSError) or getattr(
                error, "retryable", False
            )
            failure: CodeExecError
            if is_transient:
                failure = GeminiConnectionError(f"the token server could not be asked for a token: {reason}")
            else:
                failure = CredentialsError(
                    f"the credentials could not be refreshed: {reason}\nRemedy: sign in again with `gcloud auth "
                    "application-default login`, or check that the service account and its key still exist."
                )
            failure.__cause__ = error
            return failure
        self._refused = None
        return None

    def _credentials_and_project(self) -> tuple[Credentials, str | None]:
        if self._loaded is None:
            with self._loading:
                if self._loaded is None:
                    try:
                        self._loaded = self._load()
                    except CredentialsError as error:
                        raise without_secrets(error)  # noqa: B904 -- the same error
        return self._loaded


def _no_token(limit: float | None) -> GeminiTimeoutError:
    return GeminiTimeoutError(
        f"no token came for {limit:g} s: allow more with timeout=…, or check the token server"
    )


class _TokenResponse(NamedTuple):
    """What google-auth reads of a response (`google.auth.transport.Response`)."""

    status: int
    headers: Mapping[str, str]
    data: bytes


def _request_token(
    url: str,
    method: str = "GET",
    body: bytes | str | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float | None = None,
    **_: Any,
) -> _TokenResponse:
    """Make one request for google-auth (`google.auth.transport.Request`), whose own needs another library.

    A token lasts about an hour, so each request opens its own connection and leaves nothing behind to close.
    """
    from google.auth.exceptions import TransportError  # noqa: PLC0415 -- as above

    seconds = 60.0 if timeout is None else timeout
    try:
        response = httpx.request(method, url, content=body, headers=headers, timeout=seconds)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise TransportError(f"{type(error).__name__}: {error}") from error  # type: ignore[no-untyped-call]  # google-auth annotates little
    return _TokenResponse(response.status_code, response.headers, response.content)


CredentialSource: TypeAlias = Credentials | Mapping[str, Any] | str | os.PathLike[str]
"""google-auth credentials, the content of a key file, or its path."""

_SCOPES: Final = ("https://www.googleapis.com/auth/cloud-platform",)
_REMEDY: Final = (
    "Remedy: run `gcloud auth application-default login`, set GOOGLE_APPLICATION_CREDENTIALS to a key file, "
    "pass credentials=…, or use an API key (api_key=… or GOOGLE_API_KEY)."
)


def default_credentials() -> OAuthCredentials:
    """The application default credentials of the machine, looked up when first needed."""
    return OAuthCredentials(_load_default)


def oauth_credentials(source: CredentialSource) -> OAuthCredentials:
    """The given credentials, with the scope Gemini needs where they have none yet.

    A key file is read when first needed.

    Raises:
        CredentialsError: `source` is none of the kinds that can be used.
    """
    if isinstance(source, str) and source.lstrip().startswith("{"):
        source = _parsed(source, "the credentials text")
    if isinstance(source, Mapping):
        return OAuthCredentials(partial(_load_info, dict(source), "the credentials mapping"))
    if isinstance(source, str | os.PathLike):
        return OAuthCredentials(partial(_load_file, os.fspath(source)))

    from google.auth.credentials import Credentials  # noqa: PLC0415 -- importing this module must stay cheap

    if not isinstance(source, Credentials):
        raise CredentialsError(
            "credentials must be google-auth credentials, a key file's path or its content, not "
            f"{type(source).__name__}"
        )
    return OAuthCredentials(partial(_load_given, source))


def _load_default() -> tuple[Credentials, str | None]:
    import google.auth  # noqa: PLC0415 -- importing this module must stay cheap
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 -- as above

    try:
        return google.auth.default(scopes=_SCOPES, request=cast("Any", _request_token))
    except (GoogleAuthError, OSError) as error:
        raise CredentialsError(f"no application default credentials: {error}\n{_REMEDY}") from error


def _load_given(credentials: Credentials) -> tuple[Credentials, str | None]:
    from google.auth.credentials import with_scopes_if_required  # noqa: PLC0415 -- as above

    scoped: Credentials = with_scopes_if_required(credentials, _SCOPES)  # type: ignore[no-untyped-call]  # google-auth annotates little
    project = getattr(scoped, "project_id", None)
    return scoped, project if isinstance(project, str) else None


def _load_file(path: str) -> tuple[Credentials, str | None]:
    name = f"the credentials file {path!r}"
    try:
        text = Path(path).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
        raise CredentialsError(f"{name} cannot be read: {reason}\n{_REMEDY}") from error
    return _load_info(_parsed(text, name), name)


def _parsed(text: str, name: str) -> dict[str, Any]:
    try:
        info = json.loads(text)
    except ValueError:
        info = None
    if not isinstance(info, dict):
        raise CredentialsError(f"{name} is not a JSON object\n{_REMEDY}")
    return info


def _load_info(info: dict[str, Any], name: str) -> tuple[Credentials, str | None]:
    from google.oauth2 import credentials, service_account  # noqa: PLC0415 -- as above

    loaders: dict[Any, Any] = {
        "service_account": service_account.Credentials.from_service_account_info,
        "authorized_user": credentials.Credentials.from_authorized_user_info,
    }
    kind = info.get("type")
    if kind not in loaders:
        raise CredentialsError(
            f"{name} is of type {kind!r}; only {' and '.join(loaders)} can be read here. Load others with "
            "google-auth and pass the credentials object, or set GOOGLE_APPLICATION_CREDENTIALS."
        )
    try:
        loaded = loaders[kind](info, scopes=_SCOPES)
    except ValueError as error:
        raise CredentialsError(f"{name} is malformed: {error.args[0] if error.args else error}") from error
    return loaded, info.get("project_id")
