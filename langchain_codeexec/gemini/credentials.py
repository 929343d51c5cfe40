"""What pays for a request: an API key, google-auth credentials, or nothing."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Protocol

from langchain_codeexec.errors import CredentialsError, GeminiConnectionError
from langchain_codeexec.gemini.fork import renew_after_fork
from langchain_codeexec.gemini.token_requests import TokenRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from google.auth.credentials import Credentials

__all__ = ["AnonymousCredentials", "ApiKeyCredentials", "OAuthCredentials", "RequestCredentials"]


class RequestCredentials(Protocol):
    """Gives each request the headers that authenticate it, names in lower case."""

    def headers(self) -> Mapping[str, str]:
        """Headers of a request; may wait for a token.

        Raises:
            CredentialsError: There are no usable credentials.
            GeminiConnectionError: The token server could not be reached.
        """
        ...

    async def aheaders(self) -> Mapping[str, str]:
        """Do the same without blocking the event loop."""
        ...

    def refuse(self, headers: Mapping[str, str]) -> bool:
        """Take note that the service refused these headers.

        Returns:
            Whether `headers()` will now try to give others.
        """
        ...


class AnonymousCredentials:
    """Nothing: the server does not ask, or a gateway is told by headers of its own."""

    def headers(self) -> Mapping[str, str]:
        """No headers."""
        return {}

    async def aheaders(self) -> Mapping[str, str]:
        """No headers."""
        return {}

    def refuse(self, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 -- there is nothing to renew
        """Never."""
        return False


class ApiKeyCredentials:
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

    def headers(self) -> Mapping[str, str]:
        """The header of the key."""
        return self._headers

    async def aheaders(self) -> Mapping[str, str]:
        """The header of the key."""
        return self._headers

    def refuse(self, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 -- a key does not renew itself
        """Never."""
        return False


class OAuthCredentials:
    """google-auth credentials; one refresh serves every thread and task that waits for it.

    A token is refreshed when google-auth calls it stale, some minutes before it expires. Instances can be
    pickled and forked; a pickled one loads its credentials anew.

    Args:
        load: Gives the credentials and the project they name, if any. Called once, when first needed.
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
        self._refresh: Future[None] | None = None

    def __repr__(self) -> str:
        return "OAuthCredentials(…)"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._load,)

    @property
    def project(self) -> str | None:
        """Project the credentials name, if any.

        Raises:
            CredentialsError: There are no credentials, or they are malformed.
        """
        return self._credentials_and_project()[1]

    def headers(self) -> Mapping[str, str]:
        """Token and quota project, after a refresh if one is due.

        Raises:
            CredentialsError: The credentials are missing or cannot be refreshed.
            GeminiConnectionError: The token server could not be reached.
        """
        headers = self._fresh_headers()
        if headers is not None:
            return headers
        refresh, is_mine = self._join_refresh()
        if is_mine:
            self._run(refresh)
        refresh.result()
        return self._any_headers()

    async def aheaders(self) -> Mapping[str, str]:
        """Do the same without blocking the event loop.

        The refresh runs in a thread of its own: in the loop's executor it could wait behind other work, and a
        task cancelled meanwhile would take the refresh away from those that wait for it.
        """
        headers = self._fresh_headers()
        if headers is not None:
            return headers
        refresh, is_mine = self._join_refresh()
        if is_mine:
            threading.Thread(target=self._run, args=(refresh,), daemon=True).start()
        await asyncio.wrap_future(refresh)
        return self._any_headers()

    def refuse(self, headers: Mapping[str, str]) -> bool:
        """Take note that the service refused the token in these headers."""
        self._refused = headers.get("authorization")
        return self._refused is not None

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

    def _join_refresh(self) -> tuple[Future[None], bool]:
        """The refresh in progress or a new one, and whether the caller has to run it."""
        with self._joining:
            if self._refresh is not None:
                return self._refresh, False
            refresh: Future[None] = Future()
            # Once it is running, a cancelled task that waits for it cannot cancel it for the others.
            refresh.set_running_or_notify_cancel()
            if self._fresh_headers() is None:
                self._refresh = refresh
                return refresh, True
            refresh.set_result(None)  # another refresh ended since the caller looked
            return refresh, False

    def _run(self, refresh: Future[None]) -> None:
        error: BaseException | None = None
        try:
            self._renew_token()
        except BaseException as raised:  # noqa: BLE001 -- whatever it is, those who wait must get it
            error = raised
        with self._joining:
            self._refresh = None
        if error is None:
            refresh.set_result(None)
        else:
            refresh.set_exception(error)

    def _renew_token(self) -> None:
        from google.auth import exceptions  # noqa: PLC0415 -- importing this module must stay cheap

        credentials, _ = self._credentials_and_project()
        if credentials.valid and self._refused is None:
            return
        try:
            credentials.refresh(TokenRequest())  # type: ignore[no-untyped-call]  # google-auth annotates little
        except exceptions.GoogleAuthError as error:
            # The first argument is the reason; others may quote the token server's whole answer.
            reason = error.args[0] if error.args else type(error).__name__
            if isinstance(error, exceptions.TransportError) or error.retryable:
                raise GeminiConnectionError(
                    f"the token server could not be asked for a token: {reason}"
                ) from error
            raise CredentialsError(
                f"the credentials could not be refreshed: {reason}\nRemedy: sign in again with `gcloud auth "
                "application-default login`, or check that the service account and its key still exist."
            ) from error
        self._refused = None

    def _credentials_and_project(self) -> tuple[Credentials, str | None]:
        if self._loaded is None:
            with self._loading:
                if self._loaded is None:
                    self._loaded = self._load()
        return self._loaded
