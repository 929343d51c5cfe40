"""What the environment says about the real service, without asking it and without telling any value."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.gemini.endpoints import ResolvedEndpoint, resolve_endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["VARIABLES", "Configuration", "read_configuration"]

VARIABLES: Final = (
    "GOOGLE_API_KEY",
    "GEMINI_API_KEY",
    "GOOGLE_GENAI_USE_ENTERPRISE",
    "GOOGLE_GENAI_USE_VERTEXAI",
    "GOOGLE_CLOUD_PROJECT",
    "GOOGLE_CLOUD_LOCATION",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_GEMINI_BASE_URL",
    "GOOGLE_VERTEX_BASE_URL",
)
"""All that has a say in which service is used and how it is paid."""

_FLAGS: Final = ("GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_GENAI_USE_VERTEXAI")
_KEYS: Final = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
_SERVICES: Final = {"vertex": "Vertex AI", "developer": "Gemini Developer API"}
_BASE_URLS: Final = {"vertex": "GOOGLE_VERTEX_BASE_URL", "developer": "GOOGLE_GEMINI_BASE_URL"}
_KINDS: Final = {
    "service_account": "service account key",
    "authorized_user": "gcloud sign-in",
    "external_account": "workload identity federation",
    "impersonated_service_account": "impersonated service account",
}
_SIGN_IN: Final = (
    "no credentials in the usual places; run `gcloud auth application-default login`, or set "
    "GOOGLE_API_KEY (a machine on Google Cloud may have credentials of its own)"
)


@dataclass(frozen=True, slots=True)
class Configuration:
    """What `--live` would use.

    Attributes:
        service: Name of the service; `None` if none is configured.
        why: Why this service, or why none.
        credentials: Kind of the credentials; `None` if there are none.
        ready: Whether a request could be sent.
        remedy: What is missing and how to get it; empty if nothing is.
    """

    service: str | None
    why: str
    credentials: str | None
    ready: bool
    remedy: str = ""


def read_configuration(environ: Mapping[str, str] | None = None) -> Configuration:
    """Find out what `--live` would use.

    Nothing is sent: whether the service accepts the credentials is not known, and the metadata server of a
    machine on Google Cloud is not asked.

    Args:
        environ: The environment; that of the process by default.
    """
    env = os.environ if environ is None else environ
    kind, project, trouble = _default_credentials(env)
    try:
        resolved = resolve_endpoint(environ=env, default_project=lambda: project or _gcloud_project(env))
    except ConfigurationError as error:
        return Configuration(None, "not configured", None, ready=False, remedy=_redacted(str(error), env))
    service, why = _SERVICES[resolved.endpoint.kind], _reason(resolved, env)
    if resolved.api_key is not None:
        name = next(name for name in _KEYS if env.get(name))
        return Configuration(service, why, f"API key ({name})", ready=True)
    if not resolved.needs_credentials:
        return Configuration(service, why, "none needed: the base URL is not Google's", ready=True)
    remedy = "" if kind else trouble or _SIGN_IN
    return Configuration(service, why, kind, ready=kind is not None, remedy=remedy)


def _reason(resolved: ResolvedEndpoint, env: Mapping[str, str]) -> str:
    flag = next((name for name in _FLAGS if env.get(name, "").strip()), None)
    kind = resolved.endpoint.kind
    if flag:
        why = f"{flag} says so"
    elif kind == "vertex":
        why = "GOOGLE_CLOUD_PROJECT is set and no API key"
    else:
        why = "an API key is set" if any(env.get(name) for name in _KEYS) else "the default"
    own = f", at {_BASE_URLS[kind]}" if env.get(_BASE_URLS[kind]) else ""
    return why + own


def _default_credentials(env: Mapping[str, str]) -> tuple[str | None, str | None, str]:
    """Kind and project of the application default credentials, or what is wrong with them."""
    named = env.get("GOOGLE_APPLICATION_CREDENTIALS")
    path = Path(named) if named else _gcloud_file(env)
    if not named and not path.is_file():
        return None, None, ""
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        content = None
    if not isinstance(content, dict) or not isinstance(content.get("type"), str):
        where = "the file GOOGLE_APPLICATION_CREDENTIALS names" if named else "gcloud's credentials file"
        return None, None, f"{where} cannot be read as credentials; sign in again or correct the variable"
    project = content.get("project_id")
    kind = _KINDS.get(content["type"], "credentials of another kind")
    return kind, project if isinstance(project, str) else None, ""


def _gcloud_project(env: Mapping[str, str]) -> str | None:
    """The project of gcloud's configuration, which google-auth takes where gcloud's own credentials name none."""
    if env.get("GOOGLE_APPLICATION_CREDENTIALS") or not _gcloud_file(env).is_file():
        return None
    from google.auth._cloud_sdk import get_project_id  # noqa: PLC0415 -- rarely needed; asks gcloud just as google-auth does

    project: str | None = get_project_id()  # type: ignore[no-untyped-call]  # google-auth annotates little
    return project


def _gcloud_file(env: Mapping[str, str]) -> Path:
    """Where gcloud keeps the application default credentials (source: google-auth's documentation)."""
    if configured := env.get("CLOUDSDK_CONFIG"):
        folder = Path(configured)
    elif roaming := env.get("APPDATA"):
        folder = Path(roaming) / "gcloud"
    else:
        folder = Path(env.get("HOME") or Path.home()) / ".config" / "gcloud"
    return folder / "application_default_credentials.json"


def _redacted(text: str, env: Mapping[str, str]) -> str:
    """An error's text without the values of the variables it may quote."""
    for name in VARIABLES:
        if value := env.get(name):
            text = text.replace(repr(value), f"${name}")
    return text
