"""Where requests go: hosts, resource names and URLs of the two services, and what chooses between them.

Source of the hosts and resource names: the public REST references of the Gemini API and of Vertex AI.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import quote, urlsplit

from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.gemini.wire import EndpointKind

__all__ = [
    "BASE_URL_VARIABLES",
    "FLAG_VARIABLES",
    "KEY_VARIABLES",
    "Endpoint",
    "Method",
    "ResolvedEndpoint",
    "count_tokens_body",
    "method_path",
    "resolve_endpoint",
    "resource_name",
]

Method: TypeAlias = Literal["generateContent", "streamGenerateContent", "countTokens"]

_API_VERSIONS: Final[dict[str, str]] = {"vertex": "v1beta1", "developer": "v1beta"}
_METHODS: Final[dict[Method, str]] = {
    "generateContent": ":generateContent",
    "streamGenerateContent": ":streamGenerateContent?alt=sse",
    "countTokens": ":countTokens",
}
_COLLECTIONS: Final[dict[str, frozenset[str]]] = {
    "vertex": frozenset({"publishers", "endpoints", "projects", "tunedModels"}),
    "developer": frozenset({"models", "tunedModels", "projects"}),
}
"""First segments that already say which collection a model belongs to."""
_COUNTED: Final = ("contents", "systemInstruction", "tools", "generationConfig")

_API_VERSION: Final = re.compile(r"(?<![:/])/+(v[0-9]+(?:(?:alpha|beta)[0-9]*)?)$")
"""An API version at the end of an address that is more than a host."""
_UNSAFE_IN_PATH: Final = re.compile(r"[\s?#\x00-\x1f\x7f]|\.\.|//|^/|/$|(^|/)\.(/|$)")
_PATTERNS: Final = {
    "base_url": re.compile(r".*", re.DOTALL),  # checked as a whole below
    "project": re.compile(r"(?!.*\.\.)[A-Za-z0-9._:-]*"),
    "location": re.compile(r"[a-z0-9-]+"),
    "api_version": re.compile(r"(?!.*\.\.)[A-Za-z0-9._-]*"),
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One of the two services at one address.

    Attributes:
        kind: Which service.
        base_url: `https://host[:port][/prefix]` of a gateway or a local server; empty means Google's own
            host. A bare host gets `https://`, on this machine `http://`, which is for loopback hosts only. An
            API version at the end (`…/v1beta`) is taken as such, unless `api_version` names another.
        project: Google Cloud project of Vertex AI; empty in express mode (an API key alone) and on the
            Developer API.
        location: Google Cloud location of Vertex AI (`global`, `us-central1`, `eu`, …).
        api_version: First segment of the path; empty means the one this package is written for
            (`v1beta1` on Vertex AI, `v1beta` on the Developer API).

    Raises:
        ConfigurationError: A value cannot be part of a URL, or `base_url` is plain http to another machine.
    """

    kind: EndpointKind
    base_url: str = ""
    project: str = ""
    location: str = "global"
    api_version: str = ""

    def __post_init__(self) -> None:
        if self.kind not in _API_VERSIONS:
            raise ConfigurationError(f"kind must be 'vertex' or 'developer', not {self.kind!r}")
        for name, pattern in _PATTERNS.items():
            value = getattr(self, name)
            if not isinstance(value, str) or not pattern.fullmatch(value):
                raise ConfigurationError(f"{name}={value!r} cannot be part of a URL")
        base_url = _checked_base_url(self.base_url)
        if (ending := _API_VERSION.search(base_url)) and self.api_version in ("", ending[1]):
            object.__setattr__(self, "api_version", ending[1])
            base_url = base_url[: ending.start()]
        object.__setattr__(self, "base_url", base_url)
        object.__setattr__(self, "api_version", self.api_version or _API_VERSIONS[self.kind])

    @property
    def root(self) -> str:
        """Scheme and host requests go to, and the gateway's prefix if it has one."""
        return self.base_url or f"https://{_host(self.kind, self.location)}"

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine."""
        return _is_loopback(urlsplit(self.root).hostname or "")

    @property
    def is_unsigned(self) -> bool:
        """Whether the server is reached over plain http, so on this machine: no default credentials go there."""
        return self.root.startswith("http://")

    def url(self, model: str, method: Method) -> str:
        """URL of one method of one model.

        Args:
            model: A bare name, or a resource name with slashes: `models/x`, `publishers/p/models/x`,
                `tunedModels/x`, `endpoints/1`, `projects/…/locations/…/endpoints/1`. A full name goes to the
                host of the location it names.
            method: Name of the REST method.

        Raises:
            ConfigurationError: The name would change the URL around it.
        """
        path, root = method_path(self.kind, model, method), self.root
        if self.kind == "vertex":
            if self.project and not path.startswith("projects/"):
                path = f"projects/{self.project}/locations/{self.location}/{path}"
            elif not self.base_url and (place := re.match(r"projects/[^/]+/locations/([a-z0-9-]+)/", path)):
                root = f"https://{_host(self.kind, place[1])}"
        return f"{root}/{self.api_version}/{path}"

    def interactions_url(self, interaction_id: str = "", action: str = "") -> str:
        """URL of the interactions, of one of them, or of what is done to it.

        Source: google-genai 3.6, which reaches the Interactions API on both services.
        """
        path = "/".join(quote(each, safe="") for each in (interaction_id, action) if each)
        return self.resource_url(f"interactions{path and '/'}{path}")

    def resource_url(self, path: str, *, uploads: bool = False) -> str:
        """URL of a resource that is no model: interactions, jobs, files.

        Args:
            path: Its path, with its query; a full name (`projects/…`) stays as it is.
            uploads: Whether it is where bytes are sent to.
        """
        is_full = not self.project or path.startswith("projects/")
        place = "" if is_full else f"projects/{self.project}/locations/{self.location}/"
        return f"{self.root}/{'upload/' if uploads else ''}{self.api_version}/{place}{path}"


def method_path(kind: EndpointKind, model: str, method: Method) -> str:
    """Path of one method of one model, without project and location; see `resource_name`."""
    return f"{resource_name(kind, model)}{_METHODS[method]}"


def resource_name(kind: EndpointKind, model: str) -> str:
    """Resource name of a model as the service's paths write it, percent-encoded.

    Every name is accepted that cannot break out of its place in the path; whether a model of that name
    exists is for the service to say.

    Raises:
        ConfigurationError: `model` is empty, or holds `..`, `?`, `#`, white space or an empty segment.
    """
    if not isinstance(model, str) or not model or _UNSAFE_IN_PATH.search(model):
        raise ConfigurationError(
            f"model={model!r} is not a model name. Give a bare name such as 'gemini-2.5-flash' or a resource "
            "name, without spaces, '..', '?', '#' or empty segments."
        )
    name = quote(model, safe="/-._~@")
    first, _, rest = name.partition("/")
    if rest and first in _COLLECTIONS[kind]:
        return name
    if kind == "developer":
        return f"models/{name.removeprefix('publishers/google/models/')}"
    if not rest or first == "models":
        return f"publishers/google/models/{rest or name}"
    return f"publishers/{first}/models/{rest}"


def count_tokens_body(kind: EndpointKind, model: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Body of countTokens for a generateContent request.

    Vertex AI takes the fields that count side by side and knows no others; the Developer API takes either
    contents alone or a whole request that names its model.
    """
    if kind == "vertex":
        return {key: request[key] for key in _COUNTED if key in request}
    if request.keys() <= {"contents"}:
        return dict(request)
    return {"generateContentRequest": {"model": resource_name(kind, model), **request}}


def _host(kind: EndpointKind, location: str) -> str:
    if kind == "developer":
        return "generativelanguage.googleapis.com"
    if location == "global":
        return "aiplatform.googleapis.com"
    if location in ("us", "eu"):  # the multi-regions
        return f"aiplatform.{location}.rep.googleapis.com"
    return f"{location}-aiplatform.googleapis.com"


def _checked_base_url(base_url: str) -> str:
    if not base_url:
        return ""
    address = base_url if "://" in base_url else f"https://{base_url}"
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
        if address != base_url and _is_loopback(host or ""):
            address = f"http://{base_url}"
    except ValueError as error:
        raise ConfigurationError(f"base_url is not a URL: {error}") from None
    # The value is not quoted until it is known to hold no password.
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError(
            f"base_url of {host!r} holds a user name or password: pass them in headers instead"
        )
    if not host or parts.query or parts.fragment or re.search(r"[\s\x00-\x1f]", base_url):
        shown = re.split(r"[?#]", base_url)[0]  # what follows may be a key
        raise ConfigurationError(
            f"base_url={shown!r} must be scheme, host and perhaps port and path, with no query and no fragment"
        )
    if parts.scheme == "http" and not _is_loopback(host):
        raise ConfigurationError(
            f"base_url={base_url!r} is plain http to another machine, which would send credentials and "
            "prompts in the clear. Use https; http is allowed for 127.0.0.0/8, ::1 and localhost only."
        )
    if parts.scheme not in ("http", "https"):
        raise ConfigurationError(
            f"base_url={base_url!r} must start with https:// (or http:// for a loopback host)"
        )
    return address.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


FLAG_VARIABLES: Final = ("GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_GENAI_USE_VERTEXAI")
KEY_VARIABLES: Final = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
BASE_URL_VARIABLES: Final[Mapping[EndpointKind, str]] = {
    "vertex": "GOOGLE_VERTEX_BASE_URL",
    "developer": "GOOGLE_GEMINI_BASE_URL",
}
_TRUTH: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@dataclass(frozen=True, slots=True)
class ResolvedEndpoint:
    """An endpoint and what authenticates requests to it."""

    endpoint: Endpoint  # where requests go
    api_key: str | None = field(repr=False)  # `None` means OAuth credentials, or nothing at all
    needs_credentials: bool  # OAuth ones: those given, or else the default ones


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
    3. credentials or `project` are given: Vertex AI;
    4. no API key is to be found and `GOOGLE_CLOUD_PROJECT` is set: Vertex AI (those packages stop here with
       an error);
    5. the Developer API, which knows neither `project` nor `location`.

    On Vertex AI an API key and a project exclude each other unless both are given explicitly; explicit beats
    environment, and within the environment `GOOGLE_CLOUD_PROJECT` or `GOOGLE_CLOUD_LOCATION` beats a key.
    A key alone is express mode. The project that given credentials name beats `GOOGLE_CLOUD_PROJECT`; the one
    that the application default credentials name is the last resort.

    The API key is `api_key`, `GOOGLE_API_KEY` or `GEMINI_API_KEY`, in this order. The location is
    `location`, `GOOGLE_CLOUD_LOCATION` or `global`. The base URL is `base_url`, `GOOGLE_VERTEX_BASE_URL` or
    `GOOGLE_GEMINI_BASE_URL` according to the service. Behind a base URL that is not Google's neither key
    nor project is demanded (a gateway may know its callers otherwise). Application default credentials are
    never looked up for a server that is reached over plain http: it is sent `PLACEHOLDER` in their place where a
    project is named.

    Args:
        vertexai: Explicit choice of the service.
        project: Google Cloud project.
        location: Google Cloud location.
        api_key: API key of either service.
        has_credentials: Whether google-auth credentials are given.
        base_url: Address of a gateway or local server.
        api_version: API version in the path; else `GOOGLE_GENAI_API_VERSION`.
        default_project: Gives the project of the credentials; called when nothing else names one.
        environ: The environment; that of the process by default.

    Raises:
        ConfigurationError: Settings contradict each other, or one is missing; the message names the remedy.
        CredentialsError: Raised by `default_project`.
    """
    env = os.environ if environ is None else environ
    if api_key and has_credentials:
        raise ConfigurationError("api_key and credentials exclude each other: give one of them")
    env_key = next((env[name] for name in KEY_VARIABLES if env.get(name)), None)
    env_project, env_location = (env.get(f"GOOGLE_CLOUD_{name}") for name in ("PROJECT", "LOCATION"))

    is_vertex = vertexai if vertexai is not None else _flag(env)
    if is_vertex is None:
        is_vertex = bool(has_credentials or project or (env_project and not (api_key or env_key)))
    kind: EndpointKind = "vertex" if is_vertex else "developer"
    base_url = base_url or env.get(BASE_URL_VARIABLES[kind]) or ""
    api_version = api_version or env.get("GOOGLE_GENAI_API_VERSION") or ""

    if kind == "developer":
        key = api_key or (None if has_credentials else env_key)
        endpoint = Endpoint("developer", base_url, api_version=api_version)
        if not (key or has_credentials or endpoint.base_url):
            raise ConfigurationError(
                "no API key for the Gemini Developer API. Set GOOGLE_API_KEY or pass api_key=… (keys: "
                "https://aistudio.google.com/apikey); or, for Vertex AI, pass project=… or set "
                "GOOGLE_CLOUD_PROJECT and GOOGLE_GENAI_USE_VERTEXAI=true."
            )
        return ResolvedEndpoint(endpoint, key, needs_credentials=has_credentials)

    if api_key and not (project or location):
        env_project = env_location = None
    location = location or env_location
    key = api_key or (None if has_credentials or project or env_project or location else env_key)
    if has_credentials:
        project = project or default_project()
    endpoint = Endpoint("vertex", base_url, project or env_project or "", location or "global", api_version)
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
    return bool(endpoint.base_url) and (not endpoint.project or endpoint.is_unsigned)


def _flag(env: Mapping[str, str]) -> bool | None:
    for name in FLAG_VARIABLES:
        if text := env.get(name, "").strip().lower():
            if text not in _TRUTH:
                raise ConfigurationError(f"{name}={env[name]!r} must be one of {', '.join(_TRUTH)}")
            return _TRUTH[text]
    return None
