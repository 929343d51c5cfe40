"""Recorded traffic in a file: one entry for each request and its answer, without secrets.

The file is YAML with sorted keys; texts of several lines, code above all, stand as blocks, so that a change
shows where it is in a diff. Headers are not kept but for the few that mean something to a client; keys, tokens and
the names of projects are replaced by stand-ins. (vcrpy patches the client's HTTP library; this one records as a
proxy and replays as a server, for clients in any language.)
"""

from __future__ import annotations

import difflib
import errno
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from itertools import islice
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
    "append_to_cassette",
    "dump_cassette",
    "fingerprint",
    "nearest",
    "read_cassette",
    "write_cassette",
]

SECRET_QUERY = frozenset({"key", "api_key", "access_token", "oauth_token", "token", "upload_id"})
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
        (
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:(?!-----).)*+-----END [A-Z ]*PRIVATE KEY-----",
            _SECRET,
        ),
        (r"(?<![\w.-])[\w.-]++@[\w.-]+\.gserviceaccount\.com", _SECRET),
        (r"(?<=\bprojects/)[\w:.-]+", _PROJECT),
        (r"(?<=\bproject_number:)\d+", _PROJECT),
    )
)
"""What secrets look like. None looks at a character more than a few times, whatever a text repeats."""
_IN_PATH = re.compile(r"/projects/([^/]+)/")
_BASE64 = frozenset({"data", "thoughtSignature", "thought_signature"})
_NAMES_OF_SECRETS = ("auth", "cookie", "key", "secret", "token")
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
        self._known: dict[str, str] = {}
        self._add(dict.fromkeys(filter(None, secrets), _SECRET))

    def learn(self, path: str, query: str, headers: Mapping[str, str]) -> None:
        """Learn the secrets of one request."""
        secret_headers = (
            value
            for name, value in headers.items()
            if any(word in name.lower() for word in _NAMES_OF_SECRETS)
        )
        given = [text.rpartition(" ")[2] for value in secret_headers for text in value.split("; ")]
        given += [value for name, value in parse_qsl(query) if name in SECRET_QUERY]
        learned = {secret: _SECRET for secret in given if len(secret) >= _SHORTEST_SECRET}
        projects = [headers.get("x-goog-user-project", ""), *_IN_PATH.findall(path)]
        learned |= {
            name: _PROJECT for name in projects if len(name) >= _SHORTEST_PROJECT and name != _PROJECT
        }
        self._add(learned)

    def _add(self, secrets: Mapping[str, str]) -> None:
        """Longer ones first: one may be part of another."""
        if not secrets.keys() <= self._known.keys():
            known = {**self._known, **secrets}
            self._known = {secret: known[secret] for secret in sorted(known, key=len, reverse=True)}

    def text(self, text: str) -> str:
        """A text without secrets."""
        for secret, stand_in in self._known.items():
            text = text.replace(secret, stand_in)
        for pattern, stand_in in _PATTERNS:
            text = pattern.sub(stand_in, text)
        return text

    def value(self, value: Any) -> Any:
        """A JSON value without secrets; base64 is left alone."""
        return _mapped(value, text=self.text)


def _mapped(value: Any, *, text: Callable[[str], str] = str, base64: Callable[[str], str] = str) -> Any:
    """A JSON value with its texts, and what is base64 in it, made others."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list):
        return [_mapped(item, text=text, base64=base64) for item in value]
    if isinstance(value, dict):
        return {
            name: base64(item)
            if name in _BASE64 and isinstance(item, str)
            else _mapped(item, text=text, base64=base64)
            for name, item in value.items()
        }
    return value


_VERSION = 1
_EXOTIC_BREAKS = frozenset("\r\x85\u2028\u2029")  # YAML folds these unless they are escaped
_MAPS = frozenset({"query", "headers"})
_COMPARED = 100
"""Requests that are compared to find the nearest."""
_COMPARED_TEXT = 1000
_COMPARED_LINES = 400
_DIFF_LINES = 60


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request, without its secrets; its body is JSON, or a text where it was none."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


@dataclass(frozen=True, slots=True)
class RecordedResponse:
    """A response, without its secrets. It has one of `body` (JSON), `chunks`, `text` and `data` (base64).

    `headers` are those that mean something to a client; a chunk that is a text is an event that was no JSON.
    `timing` says how long the answer took, in whole milliseconds: of chunks each one since the one before.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    chunks: Sequence[Any] | None = None
    text: str | None = None
    data: str | None = None
    timing: str | None = None


@dataclass(frozen=True, slots=True)
class Interaction:
    """A request and its answer; `order` requests came before it, the file has the order of the answers."""

    request: RecordedRequest
    response: RecordedResponse
    order: int = 0


def read_cassette(path: str | Path) -> list[Interaction]:
    """Read the interactions of a file, in the order in which they were asked."""
    yaml = import_module("yaml")  # comes with langchain-core; has no types
    try:
        document = _loaded(Path(path).read_text(encoding="utf-8"))
        version = document["version"]
        if version != _VERSION:
            raise ConfigurationError(
                f"the cassette {path} is of version {version}, not {_VERSION}; record it anew"
            )
        interactions = [
            Interaction(
                RecordedRequest(**entry["request"]),
                RecordedResponse(**entry["response"]),
                entry.get("order", 0),
            )
            for entry in document["interactions"] or ()
        ]
        return sorted(interactions, key=lambda one: one.order)
    except (OSError, UnicodeDecodeError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise ConfigurationError(f"the cassette {path} cannot be read: {reason}") from error
    except (yaml.YAMLError, TypeError, KeyError) as error:
        raise ConfigurationError(f"{path} is no cassette that was recorded; record it anew") from error


def dump_cassette(interactions: Iterable[Interaction]) -> str:
    """The text of a cassette."""
    return f"version: {_VERSION}\ninteractions:\n" + "".join(map(_entry, interactions))


_END = re.compile(r"\n\.\.\.\n\Z")
"""The end of a document, which PyYAML writes after texts that end in empty lines."""


def _entry(interaction: Interaction) -> str:
    order = {"order": interaction.order} if interaction.order else {}
    entry = {**order, "request": _fields(interaction.request), "response": _fields(interaction.response)}
    return _END.sub("\n", _dumped([entry]))


def write_cassette(path: str | Path, interactions: Iterable[Interaction]) -> None:
    """Write a file in one go, so that whoever reads it meanwhile sees the old one or the new one."""
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


def append_to_cassette(path: str | Path, interaction: Interaction) -> None:
    """Add an interaction to a file; where there is no room for it, the file stays as it was."""
    entry = _entry(interaction).encode()
    with Path(path).open("r+b", buffering=0) as file:
        end = file.seek(0, os.SEEK_END)
        try:
            if file.write(entry) < len(entry):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # noqa: TRY301 -- undone like any other
        except BaseException:
            with suppress(OSError):  # what is no file of its own cannot be cut
                file.truncate(end)
            raise


def fingerprint(request: RecordedRequest) -> str:
    """A text that two requests share which ask for the same; the alphabet of base64 does not matter."""
    return json.dumps(_comparable(request), sort_keys=True)


def nearest(request: RecordedRequest, recorded: Iterable[RecordedRequest]) -> str:
    """The recorded request most like this one, as a difference to it; empty where there is none."""
    lines = _lines_of(request)
    matcher = difflib.SequenceMatcher(b=lines)
    best: list[str] = []
    likeness = -1.0
    for candidate in map(_lines_of, islice(recorded, _COMPARED)):
        matcher.set_seq1(candidate)
        if (ratio := matcher.ratio()) > likeness:
            best, likeness = candidate, ratio
    difference = difflib.unified_diff(
        best, lines, "nearest recorded request", "this request", lineterm="", n=1
    )
    return "\n".join(islice(difference, _DIFF_LINES)) if likeness >= 0 else ""


def _lines_of(request: RecordedRequest) -> list[str]:
    """How a request begins, as lines of a cassette."""
    return _dumped(_shortened(_comparable(request))).splitlines()[:_COMPARED_LINES]


def _shortened(value: Any) -> Any:
    if isinstance(value, str):
        return value[:_COMPARED_TEXT]
    if isinstance(value, list):
        return [_shortened(item) for item in value[:_COMPARED_LINES]]
    if isinstance(value, dict):
        return {name: _shortened(item) for name, item in islice(value.items(), _COMPARED_LINES)}
    return value


def _comparable(request: RecordedRequest) -> dict[str, Any]:
    return {**_fields(request), "body": _mapped(request.body, base64=_digits)}


def _digits(text: str) -> str:
    try:
        return bytes_from_base64(text).hex()
    except ValueError:
        return text


def _fields(recorded: RecordedRequest | RecordedResponse) -> dict[str, Any]:
    """What is set."""
    every = {name: getattr(recorded, name) for name in recorded.__slots__}
    return {
        name: value for name, value in every.items() if value is not None and (value or name not in _MAPS)
    }


def _dumped(document: Any) -> str:
    yaml = import_module("yaml")
    plain = json.loads(json.dumps(document, default=dict))
    layout = {"sort_keys": True, "allow_unicode": True, "width": 2**20, "default_flow_style": False}
    text: str
    try:
        text = yaml.dump(plain, Dumper=_block_dumper("CSafeDumper"), **layout)
    except (AttributeError, UnicodeEncodeError):
        text = yaml.dump(plain, Dumper=_block_dumper("SafeDumper"), **layout)
    return text


def _loaded(text: str) -> Any:
    """Read in C where that is to be had, as texts are written; only Python takes half of a surrogate pair."""
    yaml = import_module("yaml")
    if hasattr(yaml, "CSafeLoader"):
        with suppress(yaml.YAMLError):
            return yaml.load(text, yaml.CSafeLoader)
    return yaml.load(text, yaml.SafeLoader)


@cache
def _block_dumper(base: str) -> Any:
    """One of YAML's safe dumpers, with texts of several lines as blocks and nothing as a reference."""
    yaml = import_module("yaml")

    def text(dumper: Any, value: str) -> Any:
        style = '"' if _EXOTIC_BREAKS & set(value) else "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    dumper: Any = type("BlockDumper", (getattr(yaml, base),), {"ignore_aliases": lambda self, data: True})  # noqa: ARG005 -- PyYAML's signature
    dumper.add_representer(str, text)
    return dumper
