"""Cached contents: the beginnings of prompts that a client leaves with the service and names later.

What is answered, and refused, is what the services were seen to answer and refuse. The least size is the one of
most models; some ask for more. Caches live as long as the emulator, and the oldest go first.
"""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias, cast

from langchain_codeexec.emulator.parsing import parse_message
from langchain_codeexec.emulator.responses import json_response
from langchain_codeexec.emulator.service_errors import EmulatedError, invalid, stamp
from langchain_codeexec.emulator.targets import Target, page_of
from langchain_codeexec.emulator.tokens import prompt_tokens
from langchain_codeexec.errors import MissingDependencyError
from langchain_codeexec.gemini.wire import EndpointKind, GenerateContentRequest

__all__ = ["CachedContents", "cache_routes", "expiry"]

try:
    from starlette.requests import Request
    from starlette.responses import Response
except ImportError as error:
    raise MissingDependencyError("starlette", "emulator") from error

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
Reply: TypeAlias = Callable[[Request, Target, Any], Awaitable[Response]]
Wrap: TypeAlias = Callable[[EndpointKind, Reply], Endpoint]

_LEAST_TOKENS = 1024
_DEFAULT_TTL = timedelta(hours=1)
_MOST = 1000
_KEPT = ("systemInstruction", "tools", "toolConfig")
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s")


@dataclass(frozen=True, slots=True)
class _Cache:
    """One cached content: what is said about it, what it stands for, and what that counts by modality."""

    name: str
    model: str
    about: Mapping[str, Any]
    prompt: GenerateContentRequest
    tokens: Counter[str]
    created: datetime
    updated: datetime
    expires: datetime

    def as_json(self) -> dict[str, Any]:
        times = {"createTime": self.created, "updateTime": self.updated, "expireTime": self.expires}
        return {"name": self.name, **self.about, **{key: stamp(time) for key, time in times.items()}}


class CachedContents:
    """All that were made. It belongs to the event loop's thread.

    Args:
        now: A clock that has a zone.
        inline: Puts the bytes of uploaded files into a request.
    """

    def __init__(
        self,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        inline: Callable[[dict[str, Any], Target], dict[str, Any]] = lambda request, _: request,
    ) -> None:
        self._now = now
        self._inline = inline
        self._caches: dict[str, _Cache] = {}

    def create(self, body: Any, target: Target) -> dict[str, Any]:
        """Keep a beginning."""
        parsed = parse_message("CachedContent", body, target)
        model = str(parsed.get("model", "")).rpartition("/")[2]
        if not model:
            raise invalid("* CreateCachedContentRequest.model: model is required.\n")
        kept = {name: parsed[name] for name in ("contents", *_KEPT) if name in parsed}
        prompt = cast("GenerateContentRequest", self._inline(kept, target))
        tokens = prompt_tokens(prompt)
        if tokens.total() < _LEAST_TOKENS:
            raise invalid(_too_small(tokens.total(), target))
        now = self._now()
        place = replace(target, model=model)
        about = {
            "model": place.resource,
            "displayName": parsed.get("displayName", ""),
            "usageMetadata": {"totalTokenCount": tokens.total()},
        }
        expires = expiry(parsed, now) or now + _DEFAULT_TTL
        cache = _Cache(_new_name(target), model, about, prompt, tokens, now, now, expires)
        self._caches[_key(cache.name)] = cache
        if len(self._caches) > _MOST:
            del self._caches[next(iter(self._caches))]
        return cache.as_json()

    def get(self, name: str, target: Target) -> dict[str, Any]:
        """Describe one; an error where there is none of that name."""
        return self._find(name, target).as_json()

    def list(self, target: Target, query: Mapping[str, str]) -> dict[str, Any]:
        """Describe all that have not expired, a page at a time."""
        alive = [cache for cache in self._caches.values() if cache.expires > self._now()]
        prefix = f"{target.parent}cachedContents/"
        listed = [cache.as_json() for cache in alive if cache.name.startswith(prefix)]
        return page_of("cachedContents", listed, query)

    def update(self, name: str, body: Any, target: Target) -> dict[str, Any]:
        """Let one live longer or shorter; nothing else of it can be changed."""
        cache = self._find(name, target)
        now = self._now()
        expires = expiry(parse_message("CachedContent", body, target), now)
        if expires is None:
            raise invalid("Only ttl and expire_time of a cached content can be updated.")
        renewed = replace(cache, updated=now, expires=expires)
        self._caches[_key(name)] = renewed
        return renewed.as_json()

    def delete(self, name: str, target: Target) -> dict[str, Any]:
        """Forget one; an error where there is none of that name."""
        self._find(name, target)
        del self._caches[_key(name)]
        return {}

    def complete(self, request: dict[str, Any], target: Target) -> dict[str, Any]:
        """A request with its files' bytes in it and what it names put in front."""
        request = self._inline(request, target)
        name = request.get("cachedContent")
        if not name:
            return request
        if any(field in request for field in _KEPT):
            raise invalid(_CACHE_ONLY_FIELDS[target.endpoint])
        cache = self._find(name, target)
        if cache.model != target.model:
            raise invalid(
                f"Model used by GenerateContent request ({target.resource}) and CachedContent "
                f"({cache.about['model']}) has to be the same."
            )
        contents = [*cache.prompt.get("contents", ()), *request.get("contents", ())]
        return {**request, **cache.prompt, "contents": contents}

    def tokens(self, request: Mapping[str, Any]) -> Counter[str]:
        """What the cached content that a completed request names counts, by modality."""
        cache = self._caches.get(_key(request.get("cachedContent", "")))
        return Counter() if cache is None else cache.tokens

    def _find(self, name: str, target: Target) -> _Cache:
        cache = self._caches.get(_key(name))
        if cache is not None and cache.expires > self._now():
            return cache
        if target.endpoint == "developer":
            raise EmulatedError(403, message="CachedContent not found (or permission denied)")
        if cache is not None:
            raise invalid(f"Cache content {_key(name)} is expired.")
        raise EmulatedError(404, message=f"Not found: cached content metadata for {_key(name)}.")


_CACHE_ONLY_FIELDS = {
    "developer": (
        "CachedContent can not be used with GenerateContent request setting system_instruction, tools or "
        "tool_config.\n\nProposed fix: move those values to CachedContent from GenerateContent request."
    ),
    "vertex": (
        "Tool config, tools and system instruction should not be set in the request when using cached content."
    ),
}


def _too_small(tokens: int, target: Target) -> str:
    if target.endpoint == "vertex":
        least = f"The minimum token count to start caching is {_LEAST_TOKENS}."
        return f"The cached content is of {tokens} tokens. {least}"
    return f"Cached content is too small. total_token_count={tokens}, min_total_token_count={_LEAST_TOKENS}"


def _key(name: str) -> str:
    """The last part of a name: a project has a number besides its name, and a cache can be called by both."""
    return name.rpartition("/")[2]


def _new_name(target: Target) -> str:
    is_vertex = target.endpoint == "vertex"
    number = str(secrets.randbelow(9 * 10**18) + 10**18) if is_vertex else secrets.token_hex(20)
    return f"{target.parent}cachedContents/{number}"


def expiry(parsed: Mapping[str, Any], now: datetime, kind: str = "cached_content") -> datetime | None:
    """When a resource ends that is to live for `ttl`, or until `expireTime`; `None` where it names neither."""
    if "ttl" in parsed:
        seconds = _DURATION.fullmatch(parsed["ttl"])
        if seconds is None:
            raise _not_a(f"{kind}.ttl", "Duration", parsed["ttl"])
        return now + timedelta(seconds=float(seconds[1]))
    if "expireTime" not in parsed:
        return None
    try:
        moment = datetime.fromisoformat(parsed["expireTime"])
    except ValueError:
        raise _not_a(f"{kind}.expire_time", "Timestamp", parsed["expireTime"]) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _not_a(place: str, kind: str, value: str) -> EmulatedError:
    return invalid(f"Invalid value at '{place}' (type.googleapis.com/google.protobuf.{kind}), \"{value}\"")


_COLLECTIONS: tuple[tuple[EndpointKind, str], ...] = (
    ("vertex", "/{version}/projects/{project}/locations/{location}/cachedContents"),
    ("developer", "/{version}/cachedContents"),
)


def cache_routes(
    caches: CachedContents, wrap: Wrap, check_model: Callable[[Target], None]
) -> list[tuple[list[str], str, Endpoint]]:
    """The HTTP methods, the path and the endpoint of collections and caches, on both services."""

    async def collection(request: Request, target: Target, body: Any) -> Response:
        if request.method != "POST":
            return json_response(caches.list(target, request.query_params))
        model = body.get("model") if isinstance(body, dict) else None
        if isinstance(model, str) and model:
            check_model(replace(target, model=model.rpartition("/")[2], action="createCachedContent"))
        return json_response(caches.create(body, target))

    async def cache(request: Request, target: Target, body: Any) -> Response:
        name = f"{target.parent}cachedContents/{request.path_params['cache']}"
        if request.method == "PATCH":
            return json_response(caches.update(name, body, target))
        return json_response((caches.delete if request.method == "DELETE" else caches.get)(name, target))

    return [
        (methods, f"{prefix}{path}", wrap(endpoint, reply))
        for endpoint, prefix in _COLLECTIONS
        for methods, path, reply in (
            (["GET", "POST"], "", collection),
            (["GET", "PATCH", "DELETE"], "/{cache}", cache),
        )
    ]
