"""What must not get into a cassette: keys, tokens and the names of projects."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["SECRET_QUERY", "Scrubber"]

SECRET_QUERY = frozenset({"key", "access_token", "upload_id"})
"""Query parameters that are left out altogether."""

_SECRET, _PROJECT = "SECRET", "PROJECT"
_PATTERNS = tuple(
    (re.compile(pattern, re.DOTALL), stand_in)
    for pattern, stand_in in (
        (r"AIza[\w-]{30,}", _SECRET),
        (r"\bAQ\.[\w-]{20,}", _SECRET),
        (r"\bya29\.[\w.-]+", _SECRET),
        (r"(?<=Bearer )(?!SECRET)[\w.~+/=-]{8,}", _SECRET),
        (r"(?<=[?&]key=)[^&\s\"']+", _SECRET),
        (r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", _SECRET),
        (r"[\w.-]+@[\w.-]+\.gserviceaccount\.com", _SECRET),
        (r"(?<=\bprojects/)[\w:.-]+", _PROJECT),
        (r"(?<=\bproject_number:)\d+", _PROJECT),
    )
)
_IN_PATH = re.compile(r"/projects/([^/]+)/")
_BASE64 = frozenset({"data", "thoughtSignature", "thought_signature"})
_SHORTEST_SECRET = 8
_SHORTEST_PROJECT = 6  # Google's own lower limit


class Scrubber:
    """Replaces secrets by stand-ins, the same everywhere.

    It knows the forms of Google's keys and tokens, and learns from every request the key, the token and the
    project it came with. What is shorter than any real one is left alone, lest words of the text be lost.

    Args:
        secrets: Further texts to replace.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known = dict.fromkeys(filter(None, secrets), _SECRET)

    def learn(self, path: str, query: str, headers: Mapping[str, str]) -> None:
        """Learn the secrets of one request."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        given = [token.strip() or scheme, headers.get("x-goog-api-key", "")]
        given += [value for name, value in parse_qsl(query) if name in SECRET_QUERY]
        found = {secret: _SECRET for secret in given if len(secret) >= _SHORTEST_SECRET}
        projects = [headers.get("x-goog-user-project", ""), *_IN_PATH.findall(path)]
        found |= {name: _PROJECT for name in projects if len(name) >= _SHORTEST_PROJECT and name != _PROJECT}
        self._known.update(found)

    def text(self, text: str) -> str:
        """A text without secrets."""
        for secret in sorted(self._known, key=len, reverse=True):
            text = text.replace(secret, self._known[secret])
        for pattern, stand_in in _PATTERNS:
            text = pattern.sub(stand_in, text)
        return text

    def value(self, value: Any) -> Any:
        """A JSON value without secrets; base64 is left alone."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {
                name: item if name in _BASE64 and isinstance(item, str) else self.value(item)
                for name, item in value.items()
            }
        return value
