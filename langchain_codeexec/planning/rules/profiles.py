"""What a declared function is about, worked out once for each declaration."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from langchain_codeexec.planning.rules.words import content_stems, name_words, stem, text_words, weight

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Parameter", "Profile", "profile"]

_SENTENCE: Final = re.compile(r"(?<=[a-z\d)'\"]{2}[.!?])\s")
_KINDS: Final = {
    "date": "date day days year years month months week weeks deadline birthday season timeframe",
    "time": "time hour hours timestamp duration",
    "place": "location city place address origin destination where town from to departure arrival",
    "region": "country state region province area",
    "currency": "currency currencies",
    "email": "email mail recipient",
    "link": "url uri link website host domain ip",
    "path": "path file filename directory folder",
    "text": "query text prompt message question keyword keywords content sentence search description",
}
_KIND_OF: Final = {word: kind for kind, words in _KINDS.items() for word in words.split()}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A required parameter.

    Attributes:
        name: As declared, in lower case.
        kind: What its value looks like: a JSON type, or for strings a finer kind.
        stems: Stems of its name.
        choices: Stems of each of the values it may take, if they are few.
    """

    name: str
    kind: str
    stems: frozenset[str]
    choices: tuple[frozenset[str], ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """What a function is about.

    Attributes:
        name: As declared.
        title: Stems of its name, weighed; a namespace before a dot weighs half.
        head: Stem of the noun its name turns on: the last one, or the last before a preposition.
        summary: Stems of the first sentence of its description, weighed.
        stems: All stems: name, description, parameters and their values.
        required: Its required parameters.
        searches: Whether it looks up whatever it is asked, as a search engine does.
    """

    name: str
    title: dict[str, float]
    head: str
    summary: dict[str, float]
    stems: frozenset[str]
    required: tuple[Parameter, ...]
    searches: bool


_MOST: Final = 1024
_known: dict[str, tuple[Any, Profile]] = {}


def profile(declaration: Mapping[str, Any]) -> Profile:
    """The profile of a declaration, remembered as long as the declaration stays the same."""
    name = str(declaration.get("name", ""))
    known = _known.get(name)
    if known is not None and known[0] == declaration:
        return known[1]
    made = _profile(name, declaration)
    if len(_known) >= _MOST:
        _known.clear()
    _known[name] = (copy.deepcopy(declaration), made)
    return made


def _profile(name: str, declaration: Mapping[str, Any]) -> Profile:
    description = str(declaration.get("description") or "")
    schema = _mapping(declaration.get("parametersJsonSchema") or declaration.get("parameters"))
    properties = _mapping(schema.get("properties"))
    listed = schema.get("required")
    required = [
        key
        for key in (listed if isinstance(listed, list) else ())
        if isinstance(key, str) and "default" not in _mapping(properties.get(key, {"default": None}))
    ]
    namespace, _, own = name.rpartition(".")
    title = content_stems(name_words(own))
    for word, heavy in content_stems(name_words(namespace)).items():
        title.setdefault(word, heavy / 2)
    summary = content_stems(text_words(_SENTENCE.split(description, 1)[0]))
    stems = {*title, *content_stems(text_words(description))}
    for key, value in properties.items():
        stems.update(content_stems(name_words(str(key))))
        stems.update(content_stems(text_words(str(_mapping(value).get("description") or ""))))
        for choice in _choices(_mapping(value)):
            stems.update(choice)
    parameters = tuple(_parameter(str(key), _mapping(properties[key])) for key in required)
    return Profile(
        name=name,
        title=title,
        head=_head(name_words(own)) or _head(name_words(namespace)),
        summary=summary,
        stems=frozenset(stems),
        required=parameters,
        searches=[parameter.kind for parameter in parameters] == ["text"] and _searches(name, description),
    )


def _searches(name: str, description: str) -> bool:
    stems = {stem(word) for word in (*name_words(name), *text_words(description))}
    return bool(stems & _SEARCHING) and bool(stems & _EVERYTHING)


_SEARCHING: Final = frozenset(map(stem, ("search", "searches", "query", "lookup", "ask")))
_EVERYTHING: Final = frozenset(
    map(
        stem,
        (
            "web",
            "internet",
            "online",
            "engine",
            "google",
            "bing",
            "wikipedia",
            "wiki",
            "encyclopedia",
            "news",
            "knowledge",
        ),
    )
)


def _head(words: list[str]) -> str:
    for position, word in enumerate(words):
        if position and word in _PREPOSITIONS:
            words = words[:position]
            break
    telling = [word for word in words if weight(word) == 1]
    return stem(telling[-1]) if telling else ""


_PREPOSITIONS: Final = frozenset(
    ["in", "of", "by", "for", "from", "to", "with", "on", "at", "during", "per", "and", "based", "near"]
)


def _parameter(name: str, schema: Mapping[str, Any]) -> Parameter:
    words = name_words(name)
    choices = _choices(schema)
    return Parameter(name.lower(), _kind(words, schema, choices), frozenset(map(stem, words)), choices)


def _kind(words: list[str], schema: Mapping[str, Any], choices: tuple[frozenset[str], ...]) -> str:
    declared = schema.get("type")
    if choices:
        return "choice"
    if declared in ("array", "list", "tuple"):
        return "array"
    if declared in ("integer", "number", "float"):
        return "date" if "year" in words else "number"
    if declared in ("boolean", "object", "dict"):
        return "boolean" if declared == "boolean" else "object"
    told = [*reversed(words)]
    if _BOUNDS.intersection(words):
        told += name_words(str(schema.get("description") or ""))
    return next((_KIND_OF[word] for word in told if word in _KIND_OF), "string")


_BOUNDS: Final = frozenset(("start", "end", "begin", "source", "target"))
"""What these words bound, a time or a way, stands in the description."""


def _choices(schema: Mapping[str, Any]) -> tuple[frozenset[str], ...]:
    listed = schema.get("enum")
    if not isinstance(listed, list):
        return ()
    found = (frozenset(map(stem, name_words(str(value)))) for value in listed if value is not None)
    return tuple(stems for stems in found if stems)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
