"""Where google-auth credentials come from: an object, a key file, its content, or the environment."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from langchain_codeexec.errors import CredentialsError
from langchain_codeexec.gemini.credentials import OAuthCredentials
from langchain_codeexec.gemini.token_requests import TokenRequest

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

__all__ = ["CredentialSource", "default_credentials", "oauth_credentials"]

CredentialSource: TypeAlias = "Credentials | Mapping[str, Any] | str | os.PathLike[str]"
"""google-auth credentials, the content of a key file, or its path."""

_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_REMEDY = (
    "Remedy: run `gcloud auth application-default login`, set GOOGLE_APPLICATION_CREDENTIALS to a key file, "
    "pass credentials=…, or use an API key (api_key=… or GOOGLE_API_KEY)."
)


def default_credentials() -> OAuthCredentials:
    """The application default credentials of the machine, looked up when first needed."""
    return OAuthCredentials(_load_default)


def oauth_credentials(source: CredentialSource) -> OAuthCredentials:
    """The given credentials, with the scope Gemini asks for where they have none yet.

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


def _load_given(credentials: Credentials) -> tuple[Credentials, str | None]:
    from google.auth.credentials import with_scopes_if_required  # noqa: PLC0415 -- as above

    scoped: Credentials = with_scopes_if_required(credentials, _SCOPES)  # type: ignore[no-untyped-call]  # google-auth annotates little
    project = getattr(scoped, "project_id", None)
    return scoped, project if isinstance(project, str) else None


def _load_file(path: str) -> tuple[Credentials, str | None]:
    try:
        text = Path(path).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
        raise CredentialsError(
            f"the credentials file {path!r} cannot be read: {reason}\n{_REMEDY}"
        ) from error
    return _load_info(_parsed(text, f"the credentials file {path!r}"), f"the credentials file {path!r}")


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


def _load_default() -> tuple[Credentials, str | None]:
    import google.auth  # noqa: PLC0415 -- as above
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 -- as above

    try:
        return google.auth.default(scopes=_SCOPES, request=cast("Any", TokenRequest()))
    except (GoogleAuthError, OSError) as error:
        raise CredentialsError(f"no application default credentials: {error}\n{_REMEDY}") from error
