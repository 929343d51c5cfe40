"""Which service, which project and which kind of credentials: from settings and environment."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.gemini.endpoints import Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from langchain_codeexec.gemini.transport import EndpointKind

__all__ = ["ResolvedEndpoint", "resolve_endpoint"]

_FLAGS = ("GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_GENAI_USE_VERTEXAI")
_KEYS = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
_BASE_URLS: dict[EndpointKind, str] = {
    "vertex": "GOOGLE_VERTEX_BASE_URL",
    "developer": "GOOGLE_GEMINI_BASE_URL",
}
_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@dataclass(frozen=True, slots=True)
class ResolvedEndpoint:
    """An endpoint and what it is to be paid with.

    Attributes:
        endpoint: Where requests go.
        api_key: The API key to send; `None` means OAuth credentials, or nothing at all.
        needs_credentials: Whether OAuth credentials are needed: those given, or else the application
            default ones.
    """

    endpoint: Endpoint
    api_key: str | None = field(repr=False)
    needs_credentials: bool


def resolve_endpoint(  # noqa: PLR0913 -- one keyword for each setting that has a say
    *,
    vertexai: bool | None = None,
    project: str | None = None,
    location: str | None = None,
    api_key: str | None = None,
    has_credentials: bool = False,
    base_url: str | None = None,
    api_version: str | None = None,
    default_project: Callable[[], str | None] = lambda: None,
    environ: Mapping[str, str] | None = None,
) -> ResolvedEndpoint:
    """Decide between the services the way langchain-google-genai 4 and google-genai 2 do.

    Vertex AI or the Developer API, the first that applies:

    1. `vertexai`, if it is not `None`;
    2. the environment variable `GOOGLE_GENAI_USE_ENTERPRISE`, then its older name
       `GOOGLE_GENAI_USE_VERTEXAI` (`true`/`1`/`yes` or `false`/`0`/`no`);
    3. credentials are given: Vertex AI;
    4. `project` is given: Vertex AI;
    5. no API key is to be found and `GOOGLE_CLOUD_PROJECT` is set: Vertex AI (those packages stop here with
       an error);
    6. the Developer API.

    On the Developer API `project` and `location` have no meaning and are not used.

    On Vertex AI an API key and a project exclude each other unless both are given explicitly; explicit beats
    environment, and within the environment `GOOGLE_CLOUD_PROJECT` or `GOOGLE_CLOUD_LOCATION` beats a key.
    A key alone is express mode. The project that given credentials name beats `GOOGLE_CLOUD_PROJECT`; the one
    that the application default credentials name is the last resort.

    The API key is `api_key`, `GOOGLE_API_KEY` or `GEMINI_API_KEY`, in this order. The location is
    `location`, `GOOGLE_CLOUD_LOCATION` or `global`. The base URL is `base_url`, `GOOGLE_VERTEX_BASE_URL` or
    `GOOGLE_GEMINI_BASE_URL` according to the service. Behind a base URL that is not Google's neither key
    nor project is demanded (a gateway may know its callers otherwise). Application default credentials are
    never looked up for a server that is reached over plain http.

    Args:
        vertexai: Explicit choice of the service.
        project: Google Cloud project.
        location: Google Cloud location.
        api_key: API key of either service.
        has_credentials: Whether google-auth credentials are given.
        base_url: Address of a gateway or local server.
        api_version: API version in the path.
        default_project: Asked for the project of the credentials when nothing else names one.
        environ: The environment; that of the process by default.

    Raises:
        ConfigurationError: Settings contradict each other, or one is missing; the message names the remedy.
        CredentialsError: Raised by `default_project`.
    """
    env = os.environ if environ is None else environ
    if api_key and has_credentials:
        raise ConfigurationError("api_key and credentials exclude each other: give one of them")
    env_key = next((env[name] for name in _KEYS if env.get(name)), None)
    env_project = env.get("GOOGLE_CLOUD_PROJECT") or None
    env_location = env.get("GOOGLE_CLOUD_LOCATION") or None

    is_vertex = vertexai if vertexai is not None else _flag(env)
    if is_vertex is None:
        keyless = not (api_key or env_key)
        is_vertex = has_credentials or bool(project) or (keyless and env_project is not None)
    kind: EndpointKind = "vertex" if is_vertex else "developer"
    base_url = base_url or env.get(_BASE_URLS[kind]) or ""
    version = api_version or ""

    if kind == "developer":
        key = api_key or (None if has_credentials else env_key)
        endpoint = Endpoint("developer", base_url, api_version=version)
        if not (key or has_credentials or endpoint.base_url):
            raise ConfigurationError(
                "no API key for the Gemini Developer API. Set GOOGLE_API_KEY or pass api_key=… (keys: "
                "https://aistudio.google.com/apikey); or, for Vertex AI, pass project=… or set "
                "GOOGLE_CLOUD_PROJECT and GOOGLE_GENAI_USE_VERTEXAI=true."
            )
        return ResolvedEndpoint(endpoint, key, needs_credentials=has_credentials)

    if api_key and not (project or location):
        env_project = env_location = None
    is_placed = project or location or env_project or env_location
    key = api_key or (None if has_credentials or is_placed else env_key)
    if has_credentials:
        project = project or default_project()
    endpoint = Endpoint(
        "vertex", base_url, project or env_project or "", location or env_location or "global", version
    )
    uses_default = not (key or has_credentials or _does_without(endpoint))
    if uses_default and not endpoint.project:
        endpoint = replace(endpoint, project=default_project() or "")
    if not (endpoint.project or key or endpoint.base_url):
        raise ConfigurationError(
            "no project and no API key for Vertex AI, and the credentials name no project. Pass project=… or "
            "set GOOGLE_CLOUD_PROJECT; or, for express mode, pass api_key=… or set GOOGLE_API_KEY."
        )
    return ResolvedEndpoint(endpoint, key, needs_credentials=has_credentials or uses_default)


def _does_without(endpoint: Endpoint) -> bool:
    """Whether default credentials are out of place: a gateway without a project, or a plain http server."""
    return bool(endpoint.base_url) and (not endpoint.project or endpoint.root.startswith("http://"))


def _flag(env: Mapping[str, str]) -> bool | None:
    for name in _FLAGS:
        text = env.get(name, "").strip().lower()
        if text:
            if text not in _TRUTH:
                raise ConfigurationError(f"{name}={env[name]!r} must be one of {', '.join(_TRUTH)}")
            return _TRUTH[text]
    return None
