"""JSON bodies on the way out and in, and httpx's failures as this package's errors."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from langchain_codeexec.errors import (
    GeminiConnectionError,
    GeminiError,
    GeminiTimeoutError,
    MessageError,
    ResponseFormatError,
)
from langchain_codeexec.gemini.api_errors import api_error, error_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpx

__all__ = ["decoded", "encoded", "translated_failures"]

_EXCERPT = 500
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def encoded(request: Mapping[str, Any]) -> bytes:
    """Compact UTF-8 JSON of a request.

    Raises:
        MessageError: Something in it has no JSON form.
    """
    try:
        return _ENCODER.encode(request).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise MessageError(
            f"the request cannot be written as JSON: {error}. Convert such values to numbers, text, lists or "
            "mappings before they go into a message or setting."
        ) from error


def decoded(body: bytes, url: str) -> dict[str, Any]:
    """The JSON object a successful answer consists of, verbatim.

    Raises:
        ResponseFormatError: It is something else, or cut off.
        GeminiAPIError: It is an error envelope (some gateways answer errors with 200).
    """
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ResponseFormatError(
            f"the answer of {url} is not complete JSON: {error or type(error).__name__}", body=_excerpt(body)
        ) from error
    if error_in(payload) is not None:
        raise api_error(payload, url=url)
    if not isinstance(payload, dict):
        raise ResponseFormatError(
            f"the answer of {url} is JSON but not an object: {type(payload).__name__}", body=_excerpt(body)
        )
    return payload


@contextmanager
def translated_failures(url: str) -> Iterator[None]:
    """Raise httpx's exceptions as `GeminiError`, with the original as the cause."""
    import httpx  # noqa: PLC0415 -- importing this module must stay cheap

    try:
        yield
    except httpx.HTTPError as error:
        raise _failure(error, url) from error


def _failure(error: httpx.HTTPError, url: str) -> GeminiError:
    import httpx  # noqa: PLC0415 -- as above

    what = f"{type(error).__name__} {error}".strip()
    match error:
        case httpx.PoolTimeout():
            return GeminiTimeoutError(
                f"no connection to {url} became free in time ({what}): send less at once"
            )
        case httpx.TimeoutException():
            return GeminiTimeoutError(f"no answer from {url} in time ({what}): allow more with timeout=…")
        case httpx.DecodingError():
            return ResponseFormatError(f"the answer of {url} is compressed wrongly: {what}")
        case _:
            return GeminiConnectionError(f"the connection to {url} failed: {what}")


def _excerpt(body: bytes) -> str:
    return body[:_EXCERPT].decode("utf-8", "replace")
