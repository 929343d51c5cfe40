"""What a URL addresses: a service, one of its models, a method; who may come in, and which models there are."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_codeexec.emulator.service_errors import RPC, VERTEX_WORDS, EmulatedError, invalid, retry_info
from langchain_codeexec.gemini.wire import EndpointKind

__all__ = [
    "GENERATING",
    "INPUT_LIMIT",
    "Target",
    "check_credentials",
    "describe_model",
    "is_known",
    "list_models",
    "model_not_found",
    "page_of",
    "permission_denied",
    "quota_exceeded",
]

_QUOTAS = "https://ai.google.dev/gemini-api/docs/rate-limits"

_LISTED_MODELS = (
    "gemini-2.5-flash",
    "gemini-2.5-pro",
    "gemini-3-flash-preview",
    "gemini-3-pro-preview",
    "gemini-flash-latest",
    "gemini-embedding-001",
    "gemini-embedding-2",
)
"""The models `GET models` lists; every other name of those families is answered as well."""

_WORDS = (
    "preview|exp|experimental|latest|lite|8b|image|generation|tts|live|native|audio|dialog|thinking|vision|"
    "computer|use|customtools|embedding|ultra|pro|flash|nano"
)
_KNOWN = re.compile(
    rf"gemini(?:-live)?(?:-(?:1(?:\.[05])?|2(?:\.[05])?|3(?:\.\d)?))?-(?:pro|flash|ultra|nano|exp|embedding|computer)"
    rf"(?:-(?:{_WORDS}|\d+))*"
    rf"|gemini-robotics-er-\d(?:\.\d)?(?:-(?:{_WORDS}|\d+))*"
    r"|gemini-[4-9](?:\.\d)?(?:-[a-z0-9.]+)+|gemma-\dn?(?:-[a-z0-9]+)+|learnlm-\d\.\d(?:-[a-z0-9]+)+"
)
"""Families and what their names may add; of generations still to come, any tier."""
GENERATING = frozenset({"generateContent", "streamGenerateContent", "createInteraction"})
"""The methods that generate content."""
_NUMBERED = re.compile(r"gemini-(\d+)")
_NEWEST = 3
_EARLY = re.compile(r"gemini-(?:1|2\.0(?!.*thinking)|2-)")
_WITHOUT_THOUGHTS = re.compile(r"lite|gemini-2.*image|tts|gemma")
_WITHOUT_CODE = re.compile(r"image|tts|embedding|gemma|gemini-2\.0-.*exp")


def is_known(model: str, also: Collection[str] = (), action: str = "") -> bool:
    """Whether the service would know the name, and the method for it: embedding models generate nothing."""
    generates = "embedding" not in model or action not in GENERATING
    return model in also or (generates and _KNOWN.fullmatch(model) is not None)


@dataclass(frozen=True, slots=True)
class Target:
    """The service, model and method a request is for.

    Attributes:
        endpoint: Which of the two services.
        version: API version as the path spells it, `v1beta` for example.
        model: Bare model name; empty where the path names none.
        action: Method name, `generateContent` for example; empty for a GET.
        parent: `projects/…/locations/…/` on Vertex, empty in express mode and on the Developer API.
        stand_in: What answers in the model's place, where it says so; else empty.
    """

    endpoint: EndpointKind
    version: str
    model: str = ""
    action: str = ""
    parent: str = ""
    stand_in: str = ""

    @property
    def model_version(self) -> str:
        """What an answer gives as the name of its model."""
        return f"{self.model} ({self.stand_in})" if self.stand_in else self.model

    @property
    def generation(self) -> int:
        """Major version of the family: names without a number follow the newest, Gemma the rules of Gemini 2."""
        if numbered := _NUMBERED.match(self.model):
            return int(numbered[1])
        return 2 if self.model.startswith("gemma-") else _NEWEST

    @property
    def signs(self) -> bool:
        """Whether the model links code and result by ids and signs its thoughts: Gemini 3 and later."""
        return self.generation >= 3  # noqa: PLR2004 -- the generation named in the line above

    @property
    def is_early(self) -> bool:
        """Whether the model came before Gemini 2.5."""
        return _EARLY.match(self.model) is not None

    @property
    def draws(self) -> bool:
        """Whether the model makes images."""
        return "image" in self.model

    @property
    def is_scored(self) -> bool:
        """Whether whole answers say how probable they were: on Vertex, and before Gemini 2.5."""
        return (self.endpoint == "vertex" or self.is_early) and not self.draws

    @property
    def thinks(self) -> bool:
        """Whether the model thinks unless told otherwise."""
        return not self.is_early and _WITHOUT_THOUGHTS.search(self.model) is None

    @property
    def runs_code(self) -> bool:
        """Whether code execution is enabled for the model."""
        return _WITHOUT_CODE.search(self.model) is None

    @property
    def resource(self) -> str:
        """Resource name of the model."""
        if self.endpoint == "vertex":
            return f"{self.parent}publishers/google/models/{self.model}"
        return f"models/{self.model}"

    @property
    def package(self) -> str:
        """Protobuf package of the service, as its error texts name it."""
        if self.endpoint == "vertex":
            return f"google.cloud.aiplatform.{self.version}"
        return f"google.ai.generativelanguage.{self.version}"

    @property
    def host(self) -> str:
        """Host of the real service, as its error details name it."""
        return (
            "aiplatform.googleapis.com" if self.endpoint == "vertex" else "generativelanguage.googleapis.com"
        )


_OAUTH = (
    "Expected OAuth 2 access token, login cookie or other valid authentication credential. "
    "See https://developers.google.com/identity/sign-in/web/devconsole-project."
)


def check_credentials(
    target: Target,
    headers: Mapping[str, str],
    query: Mapping[str, str],
    accept_key: Callable[[str], bool],
) -> None:
    """Refuse a request without credentials, or with ones that are not accepted.

    The Developer API takes an API key, Vertex a bearer token or an API key.
    """
    if key := headers.get("x-goog-api-key") or query.get("key"):
        if not accept_key(key):
            raise _refused_key(target)
        return
    scheme, _, token = headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    if target.endpoint == "developer":
        raise EmulatedError(
            403,
            message="Method doesn't allow unregistered callers (callers without established identity). "
            "Please use API Key or other form of API consumer identity to call this API.",
        )
    if not bearer:
        message = f"Request is missing required authentication credential. {_OAUTH}"
        raise EmulatedError(401, message=message, details=[_reason(target, "CREDENTIALS_MISSING")])
    if not accept_key(bearer):
        message = f"Request had invalid authentication credentials. {_OAUTH}"
        raise EmulatedError(401, message=message, details=[_reason(target, "ACCESS_TOKEN_TYPE_UNSUPPORTED")])


def _refused_key(target: Target) -> EmulatedError:
    message = "API key not valid. Please pass a valid API key."
    localized = {
        "@type": "type.googleapis.com/google.rpc.LocalizedMessage",
        "locale": "en-US",
        "message": message,
    }
    return EmulatedError(400, message=message, details=[_reason(target, "API_KEY_INVALID"), localized])


def _reason(target: Target, reason: str) -> dict[str, Any]:
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": {"service": target.host},
    }


# -- the models of a service -------------------------------------------------------------------------------

_PAGE, _LARGEST = 50, 1000


def page_of(
    key: str, items: Sequence[Any], query: Mapping[str, str], size: int = _PAGE, largest: int = _LARGEST
) -> dict[str, Any]:
    """The part of a list that `pageSize` and `pageToken` ask for, and the token of the next.

    Args:
        key: The field of the answer that holds the items; it is left out where there are none.
        items: The whole list.
        query: The query parameters.
        size: How many items a page has by default.
        largest: How many it may have.
    """
    size = _number(query, "pageSize", "page_size") or size
    start = _number(query, "pageToken", "page_token")
    if start and start >= len(items):
        raise invalid("Invalid page token.")
    end = start + min(size, largest)
    page = {key: list(items[start:end])} if items else {}
    return {**page, "nextPageToken": str(end)} if end < len(items) else page


def _number(query: Mapping[str, str], *spellings: str) -> int:
    text = next((query[name] for name in spellings if query.get(name)), "0")
    if not (text.isascii() and text.isdecimal()):
        raise invalid(f"Invalid value at '{spellings[-1]}', \"{text}\"")
    return int(text[:9])


INPUT_LIMIT = 1_048_576
_LIMITS = {
    "inputTokenLimit": INPUT_LIMIT,
    "outputTokenLimit": 65_536,
    "supportedGenerationMethods": [
        "generateContent",
        "countTokens",
        "createCachedContent",
        "batchGenerateContent",
    ],
    "temperature": 1,
    "topP": 0.95,
    "topK": 64,
    "maxTemperature": 2,
    "thinking": True,
}
"""Those of the Gemini family."""
_EMBEDDING_LIMITS = {
    "inputTokenLimit": 2048,
    "outputTokenLimit": 1,
    "supportedGenerationMethods": [
        "embedContent",
        "countTextTokens",
        "countTokens",
        "asyncBatchEmbedContent",
    ],
}


def describe_model(model: str, target: Target) -> dict[str, Any]:
    """One model as the service describes it; all that generate have the same limits, and all that embed."""
    if target.endpoint == "vertex":
        name = f"publishers/google/models/{model}"
        return {
            "name": name,
            "versionId": "default",
            "openSourceCategory": "PROPRIETARY",
            "launchStage": "PUBLIC_PREVIEW" if "preview" in model else "GA",
            "publisherModelTemplate": f"projects/{{project}}/locations/{{location}}/{name}",
        }
    title = model.replace("-", " ").title()
    return {
        "name": f"models/{model}",
        "version": "001",
        "displayName": title,
        "description": f"{title}, played by an emulator.",
        **(_EMBEDDING_LIMITS if "embedding" in model else _LIMITS),
    }


def list_models(target: Target, query: Mapping[str, str], also: Collection[str] = ()) -> dict[str, Any]:
    """A page of the listed models, and of those known besides, in the service's envelope."""
    key = "publisherModels" if target.endpoint == "vertex" else "models"
    names = dict.fromkeys((*_LISTED_MODELS, *also))
    return page_of(key, [describe_model(name, target) for name in names], query)


def model_not_found(target: Target) -> EmulatedError:
    """The answer for a model the service does not know, worded as each service does."""
    if target.endpoint == "vertex":
        message = (
            f"Publisher Model `{target.resource}` was not found or your project does not have access to it. "
            "Please ensure you are using a valid model version. For more information, see: "
            "https://cloud.google.com/vertex-ai/generative-ai/docs/learn/model-versions"
        )
    else:
        listing = "ModelService.ListModels" if target.action in GENERATING else "ListModels"
        message = (
            f"{target.resource} is not found for API version {target.version}, or is not supported for "
            f"{target.action}. Call {listing} to see the list of available models and their supported methods."
        )
    return EmulatedError(404, message=message)


def quota_exceeded(target: Target, retry_after: float | None = None) -> EmulatedError:
    """The answer where a quota is used up; only the Developer API says which, and when to come back.

    Vertex would say that in a header, the Developer API does in the details and in the text.
    """
    if target.endpoint == "vertex":
        headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
        return EmulatedError(429, message=VERTEX_WORDS[429], headers=headers)
    metric = f"{target.host}/generate_content_free_tier_requests"
    message = (
        "You exceeded your current quota, please check your plan and billing details. For more information "
        f"on this error, head to: {_QUOTAS}. To monitor your current "
        "usage, head to: https://ai.dev/rate-limit. \n"
        f"* Quota exceeded for metric: {metric}, limit: 10, model: {target.model}"
    )
    violation = {
        "quotaMetric": metric,
        "quotaId": "GenerateRequestsPerMinutePerProjectPerModel-FreeTier",
        "quotaDimensions": {"location": "global", "model": target.model},
        "quotaValue": "10",
    }
    link = {"description": "Learn more about Gemini API quotas", "url": _QUOTAS}
    details: list[dict[str, Any]] = [
        {"@type": f"{RPC}.Help", "links": [link]},
        {"@type": f"{RPC}.QuotaFailure", "violations": [violation]},
    ]
    if retry_after is not None:
        message += f"\nPlease retry in {retry_after:g}s."
        details.append(retry_info(retry_after))
    return EmulatedError(429, message=message, details=details)


def permission_denied(target: Target) -> EmulatedError:
    """The answer where the credentials are valid and not enough."""
    if target.endpoint == "developer":
        return EmulatedError(403)
    permission = "aiplatform.endpoints.predict"
    resource = f"//{target.host}/{target.resource}"
    message = f"Permission '{permission}' denied on resource '{resource}' (or it may not exist)."
    detail = {
        "@type": f"{RPC}.ErrorInfo",
        "reason": "IAM_PERMISSION_DENIED",
        "domain": target.host,
        "metadata": {"permission": permission, "resource": target.resource},
    }
    return EmulatedError(403, message=message, details=[detail])
