"""Recorded traffic in a file: one entry for each request and its answer, without secrets.

The file is YAML with sorted keys; texts of several lines, code above all, stand as blocks, so that a change
shows where it is in a diff. Headers are not kept but for the few that mean something to a client; keys, tokens and
the names of projects are replaced by stand-ins. (vcrpy patches the client's HTTP library; this one records as a
proxy and replays as a server, for clients in any language.)
"""

from __future__ import annotations

import difflib
import json
import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from langchain_codeexec.emulator.parsing import bytes_from_base64
from langchain_codeexec.errors import ConfigurationError

__all__ = [
    "SECRET_QUERY",
    "Interaction",
    "RecordedRequest",
    "RecordedResponse",
    "Scrubber",
    "dump_cassette",
    "nearest",
    "read_cassette",
    "write_cassette",
]

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
        learned = {secret: _SECRET for secret in given if len(secret) >= _SHORTEST_SECRET}
        projects = [headers.get("x-goog-user-project", ""), *_IN_PATH.findall(path)]
        learned |= {
            name: _PROJECT for name in projects if len(name) >= _SHORTEST_PROJECT and name != _PROJECT
        }
        self._known.update(learned)

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


_VERSION = 1
_EXOTIC_BREAKS = frozenset("\r\x85\u2028\u2029")  # YAML folds these unless they are escaped
_MAPS = frozenset({"query", "headers"})
_COMPARED = 20_000
_DIFF_LINES = 60


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request, without its secrets.

    Attributes:
        method: HTTP method.
        path: URL path without the query.
        query: Query parameters.
        body: The JSON body; a text where it was no JSON, `None` where there was none.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None

    def matches(self, request: RecordedRequest) -> bool:
        """Whether both ask for the same; the alphabet of base64 does not matter."""
        return _comparable(self) == _comparable(request)


@dataclass(frozen=True, slots=True)
class RecordedResponse:
    """A response, without its secrets. It has one of `body`, `chunks` and `text`.

    Attributes:
        status: HTTP status.
        headers: Those that mean something to a client, names in lower case.
        body: The JSON body.
        chunks: The data of server-sent events; a text is an event that was no JSON.
        text: A body that was no JSON.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    chunks: Sequence[Any] | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Interaction:
    """One request and its answer."""

    request: RecordedRequest
    response: RecordedResponse


def read_cassette(path: str | Path) -> list[Interaction]:
    """Read the interactions of a file, in order.

    Raises:
        ConfigurationError: The file cannot be read or is no cassette.
    """
    yaml = import_module("yaml")  # comes with langchain-core; has no types
    try:
        document = _loaded(Path(path).read_text(encoding="utf-8"))
        version = document["version"]
        if version != _VERSION:
            raise ConfigurationError(
                f"the cassette {path} is of version {version}, not {_VERSION}; record it anew"
            )
        return [
            Interaction(RecordedRequest(**entry["request"]), RecordedResponse(**entry["response"]))
            for entry in document["interactions"]
        ]
    except (OSError, UnicodeDecodeError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise ConfigurationError(f"the cassette {path} cannot be read: {reason}") from error
    except (yaml.YAMLError, TypeError, KeyError) as error:
        raise ConfigurationError(f"{path} is no cassette: {error!r}; record it anew") from error


def dump_cassette(interactions: Iterable[Interaction]) -> str:
    """The text of a cassette."""
    entries = [{"request": _fields(one.request), "response": _fields(one.response)} for one in interactions]
    return _dumped({"interactions": entries, "version": _VERSION})


def write_cassette(path: str | Path, interactions: Iterable[Interaction]) -> None:
    """Write a file in one go, so that whoever reads it meanwhile sees the old one or the new one.

    Raises:
        OSError: It cannot be written.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    text = dump_cassette(interactions)
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def nearest(request: RecordedRequest, recorded: Iterable[RecordedRequest]) -> str:
    """The recorded request most like this one, as a difference to it; empty where there is none."""
    text = _text_of(request)
    matcher = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2(text.splitlines())
    best, likeness = "", -1.0
    for candidate in map(_text_of, recorded):
        matcher.set_seq1(candidate.splitlines())
        if (ratio := matcher.ratio()) > likeness:
            best, likeness = candidate, ratio
    difference = difflib.unified_diff(
        best.splitlines(), text.splitlines(), "nearest recorded request", "this request", lineterm="", n=1
    )
    return "\n".join(list(difference)[:_DIFF_LINES]) if likeness >= 0 else ""


def _text_of(request: RecordedRequest) -> str:
    return _dumped(_comparable(request))[:_COMPARED]


def _comparable(request: RecordedRequest) -> dict[str, Any]:
    return {**_fields(request), "body": _same_base64(request.body)}


def _same_base64(value: Any) -> Any:
    if isinstance(value, list):
        return [_same_base64(item) for item in value]
    if isinstance(value, dict):
        return {
            name: _digits(item) if name in _BASE64 else _same_base64(item) for name, item in value.items()
        }
    return value


def _digits(value: Any) -> Any:
    try:
        return bytes_from_base64(value).hex()
    except (ValueError, AttributeError):
        return value


def _fields(recorded: RecordedRequest | RecordedResponse) -> dict[str, Any]:
    """What is set."""
    every = {name: getattr(recorded, name) for name in recorded.__slots__}
    return {
        name: value for name, value in every.items() if value is not None and (value or name not in _MAPS)
    }


def _dumped(document: Any) -> str:
    yaml = import_module("yaml")
    plain = json.loads(json.dumps(document, default=dict))
    text: str = yaml.dump(
        plain,
        Dumper=_block_dumper(),
        sort_keys=True,
        allow_unicode=True,
        width=2**20,
        default_flow_style=False,
    )
    return text


def _loaded(text: str) -> Any:
    """Read with the loader in C where there is one; that in Python alone takes half of a surrogate pair."""
    yaml = import_module("yaml")
    if hasattr(yaml, "CSafeLoader"):
        with suppress(yaml.YAMLError):
            return yaml.load(text, yaml.CSafeLoader)
    return yaml.load(text, yaml.SafeLoader)


@cache
def _block_dumper() -> Any:
    """YAML's safe dumper, with texts of several lines as blocks and nothing as a reference."""
    yaml = import_module("yaml")

    def text(dumper: Any, value: str) -> Any:
        style = '"' if _EXOTIC_BREAKS & set(value) else "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    dumper: Any = type("BlockDumper", (yaml.SafeDumper,), {"ignore_aliases": lambda self, data: True})  # noqa: ARG005 -- PyYAML's signature
    dumper.add_representer(str, text)
    return dumper
