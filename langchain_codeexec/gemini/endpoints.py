"""Where requests go: hosts, resource names and URLs of the two services.

Source of the hosts and resource names: the public REST references of the Gemini API and of Vertex AI.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import quote, urlsplit

from langchain_codeexec.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_codeexec.gemini.transport import EndpointKind

__all__ = ["Endpoint", "Method", "count_tokens_body", "method_path", "resource_name"]

Method: TypeAlias = Literal["generateContent", "streamGenerateContent", "countTokens"]

_API_VERSIONS: dict[str, str] = {"vertex": "v1beta1", "developer": "v1beta"}
_MULTI_REGIONS = ("us", "eu")
_METHODS: dict[Method, str] = {
    "generateContent": ":generateContent",
    "streamGenerateContent": ":streamGenerateContent?alt=sse",
    "countTokens": ":countTokens",
}

# First segments that already say which collection a model belongs to.
_COLLECTIONS: dict[str, frozenset[str]] = {
    "vertex": frozenset({"publishers", "endpoints", "projects", "tunedModels"}),
    "developer": frozenset({"models", "tunedModels", "projects"}),
}

_UNSAFE_IN_PATH = re.compile(r"[\s?#\x00-\x1f\x7f]|\.\.|//|^/|/$|(^|/)\.(/|$)")
_LOCATION = re.compile(r"[a-z0-9-]+")
_PROJECT = re.compile(r"(?!.*\.\.)[A-Za-z0-9._:-]*")
_VERSION = re.compile(r"(?!.*\.\.)[A-Za-z0-9._-]*")
_ANYTHING = re.compile(r".*", re.DOTALL)  # an address is checked apart


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One of the two services at one address.

    Attributes:
        kind: Which service.
        base_url: `https://host[:port][/prefix]` of a gateway or a local server; empty means Google's own
            host. A bare host gets `https://`. Plain `http://` is for loopback hosts only.
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
        for name, pattern, value in (
            ("base_url", _ANYTHING, self.base_url),
            ("project", _PROJECT, self.project),
            ("location", _LOCATION, self.location),
            ("api_version", _VERSION, self.api_version),
        ):
            if not isinstance(value, str) or not pattern.fullmatch(value):
                raise ConfigurationError(f"{name}={value!r} cannot be part of a URL")
        object.__setattr__(self, "base_url", _checked_base_url(self.base_url))
        object.__setattr__(self, "api_version", self.api_version or _API_VERSIONS[self.kind])

    @property
    def root(self) -> str:
        """Scheme and host requests go to, and the gateway's prefix if it has one."""
        return self.base_url or f"https://{_host(self.kind, self.location)}"

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine."""
        return _is_loopback(urlsplit(self.root).hostname or "")

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
        path = method_path(self.kind, model, method)
        root = self.root
        if self.kind == "vertex":
            if self.project and not path.startswith("projects/"):
                path = f"projects/{self.project}/locations/{self.location}/{path}"
            elif not self.base_url:
                root = f"https://{_host(self.kind, _location_in(path) or self.location)}"
        return f"{root}/{self.api_version}/{path}"


def method_path(kind: EndpointKind, model: str, method: Method) -> str:
    """Path of one method of one model, as far as it does not depend on project and location.

    Raises:
        ConfigurationError: The name would change the path around it.
    """
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
    `contents` alone or the whole request with its model.
    """
    if kind == "vertex":
        counted = ("contents", "systemInstruction", "tools", "generationConfig")
        return {key: request[key] for key in counted if key in request}
    if request.keys() <= {"contents"}:
        return dict(request)
    return {"generateContentRequest": {"model": resource_name(kind, model), **request}}


def _host(kind: EndpointKind, location: str) -> str:
    if kind == "developer":
        return "generativelanguage.googleapis.com"
    if location == "global":
        return "aiplatform.googleapis.com"
    if location in _MULTI_REGIONS:
        return f"aiplatform.{location}.rep.googleapis.com"
    return f"{location}-aiplatform.googleapis.com"


def _location_in(path: str) -> str:
    """Location that a full resource name carries, or nothing."""
    match = re.match(r"projects/[^/]+/locations/([a-z0-9-]+)/", path)
    return match[1] if match else ""


def _checked_base_url(base_url: str) -> str:
    if not base_url:
        return ""
    address = base_url if "://" in base_url else f"https://{base_url}"
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigurationError(f"base_url is not a URL: {error}") from None
    # The value is not quoted until it is known to hold no password.
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError(
            f"base_url of {host!r} holds a user name or password: pass them in headers instead"
        )
    if not host or parts.query or parts.fragment or re.search(r"[\s\x00-\x1f]", base_url):
        raise ConfigurationError(
            f"base_url={base_url!r} must be scheme, host and perhaps port and path, no more"
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
