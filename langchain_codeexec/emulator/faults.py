"""What goes wrong on demand: faults as values, and the queue that says which request they hit."""

from __future__ import annotations

import asyncio
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from random import Random
from typing import Any, TypeAlias

from langchain_codeexec.emulator.targets import GENERATING
from langchain_codeexec.errors import ConfigurationError

__all__ = ["FAULTS_HEADER", "FAULT_SETTINGS", "Fault", "FaultLike", "Faults"]

FAULTS_HEADER = "x-emulator-faults"
"""The header with which a client asks for faults of its own; see `Faults.header`."""

FAULT_SETTINGS: Mapping[str, frozenset[str]] = {
    "none": frozenset(),
    "status": frozenset({"status_code", "message", "retry_after"}),
    "quota": frozenset({"retry_after"}),
    "permission": frozenset(),
    "latency": frozenset({"seconds", "after"}),
    "cut": frozenset({"after"}),
    "truncated": frozenset({"after"}),
    "unfinished": frozenset({"after"}),
    "garbled": frozenset({"after"}),
    "duplicate": frozenset({"after"}),
    "error": frozenset({"status_code", "message", "after"}),
    "empty": frozenset(),
    "no_candidates": frozenset(),
    "malformed_call": frozenset(),
    "continuation": frozenset({"after"}),
    "checkpoint": frozenset({"after"}),
    "done": frozenset(),
}
"""Kinds of faults, and the settings each of them has besides `rate`, `seed` and `method`."""

_OF_ANSWERS = frozenset(
    "unfinished duplicate empty no_candidates malformed_call continuation checkpoint done".split()
)
"""Those that can hit a request to generate content alone."""
_COMMON = frozenset({"kind", "rate", "seed", "method"})
_LOWEST_ERROR, _HIGHEST_ERROR = 400, 599


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong with one request, whatever its method.

    | kind | what happens |
    |---|---|
    | `none` | nothing: the request is answered as ever (to let one pass in a queue) |
    | `status` | an error status, `status_code` |
    | `quota` | 429 with the details of an exceeded quota |
    | `permission` | 403 with the details of a missing permission |
    | `latency` | `seconds` pass before the answer begins, or in a stream before chunk `after` |
    | `cut` | the connection closes: with no answer at all, or after `after` chunks of it |
    | `truncated` | the answer ends well in the middle of chunk `after` |
    | `unfinished` | a stream ends well after `after` chunks, without a finish reason |
    | `garbled` | chunk `after` is no JSON |
    | `duplicate` | chunk `after` of a stream comes twice |
    | `error` | a stream of status 200 ends with an error after `after` chunks; else the same as `status` |
    | `empty` | one candidate without content |
    | `no_candidates` | no candidate |
    | `malformed_call` | a candidate without content that ended with MALFORMED_FUNCTION_CALL |
    | `continuation` | the answer ends after `after` chunks, at least one, with a token that gets the rest |
    | `checkpoint` | a stream is cut after `after` chunks, at least one, the last of which has such a token |
    | `done` | a stream ends with the event `[DONE]`, as those of gateways do |

    Chunks count from zero. An answer that is no stream has two, its halves. Requests to generate content alone are
    hit by `unfinished`, `duplicate` and those from `empty` on.

    Attributes:
        kind: One of the above.
        status_code: HTTP status, 400 to 599.
        message: The service's words; empty takes the ones that belong to the status.
        retry_after: Seconds the client is to wait: in the details, and but for a 429 of the Developer API in the
            `Retry-After` header as well.
        seconds: How long the answer takes longer.
        after: How many chunks go out well first.
        rate: The share of requests it hits, 0 to 1, until it is removed; `None` hits the next one, once.
        seed: Makes the requests hit at a rate the same ones every time.
        method: The method of the requests it may hit, `embedContent` for example, or the HTTP method where the URL
            names none; empty for all. Rows of batch jobs are hit as requests of `generateContent`.

    Raises:
        ConfigurationError: The kind is unknown, or a setting is one of another kind or out of range.
    """

    kind: str
    status_code: int = 503
    message: str = ""
    retry_after: float | None = None
    seconds: float = 0.0
    after: int = 0
    rate: float | None = None
    seed: int = 0
    method: str = ""

    def __post_init__(self) -> None:
        if self.kind not in FAULT_SETTINGS:
            raise ConfigurationError(
                f"there is no fault {self.kind!r}; choose from {', '.join(FAULT_SETTINGS)}"
            )
        if alien := self._set() - FAULT_SETTINGS[self.kind] - _COMMON:
            settings = ", ".join(sorted(FAULT_SETTINGS[self.kind] | _COMMON - {"kind"}))
            raise ConfigurationError(
                f"the fault {self.kind!r} has no setting {', '.join(sorted(alien))}; it has {settings}"
            )
        for name, kind, good, expected in _SETTINGS:
            value = getattr(self, name)
            if not isinstance(value, kind) or isinstance(value, bool) or not good(value):
                raise ConfigurationError(f"{name} of the fault {self.kind!r} is {value!r}, not {expected}")

    def _set(self) -> set[str]:
        return {item.name for item in fields(self) if getattr(self, item.name) != item.default}

    def may_hit(self, method: str) -> bool:
        """Whether it can go wrong with requests of a method."""
        answers = method in GENERATING or method == "getInteraction"
        return self.method in ("", method) and (answers or self.kind not in _OF_ANSWERS)

    @classmethod
    def of(cls, value: FaultLike) -> Fault:
        """Read a fault in any of its spellings.

        Args:
            value: A fault; a mapping of its attributes; or a text, the kind and then settings:
                `quota`, `503`, `latency:seconds=2,rate=0.1,seed=7`.

        Raises:
            ConfigurationError: It is none.
        """
        if isinstance(value, Fault):
            return value
        settings = _settings_from_text(value) if isinstance(value, str) else value
        known = {item.name for item in fields(cls)}
        if not isinstance(settings, Mapping) or "kind" not in settings or not settings.keys() <= known:
            raise ConfigurationError(
                f"{value!r} is no fault; give a kind and any of {', '.join(sorted(known - {'kind'}))}, "
                "for example latency:seconds=2,rate=0.1"
            )
        return cls(**settings)

    def as_json(self) -> dict[str, Any]:
        """The kind and what was set."""
        chosen = self._set() | {"kind"}
        return {name: value for name, value in asdict(self).items() if name in chosen}


FaultLike: TypeAlias = Fault | str | Mapping[str, Any]
"""A fault in any of the spellings that `Fault.of` reads."""

_SETTINGS: tuple[tuple[str, Any, Callable[[Any], bool], str], ...] = (
    ("status_code", int, lambda code: _LOWEST_ERROR <= code <= _HIGHEST_ERROR, "a status from 400 to 599"),
    ("message", str, lambda _: True, "a text"),
    (
        "retry_after",
        float | int | None,
        lambda seconds: seconds is None or seconds >= 0,
        "a number of seconds",
    ),
    ("seconds", float | int, lambda seconds: seconds >= 0, "a number of seconds"),
    ("after", int, lambda count: count >= 0, "a number of chunks"),
    ("rate", float | int | None, lambda share: share is None or 0 <= share <= 1, "between 0 and 1"),
    ("seed", int, lambda _: True, "a whole number"),
    ("method", str, lambda _: True, "the name of a method"),
)
"""By name: the type of a setting, whether a value is good, and what is expected."""


def _settings_from_text(text: str) -> dict[str, Any]:
    kind, _, rest = text.strip().partition(":")
    if kind.isdecimal():
        kind, rest = "status", f"status_code={kind},{rest}".rstrip(",")
    settings: dict[str, Any] = {"kind": kind}
    for setting in filter(None, rest.split(",")):
        name, _, value = setting.partition("=")
        settings[name.strip()] = _number(value.strip())
    return settings


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


class Faults:
    """Says which faults hit which request. It is thread-safe.

    Every request takes the next fault of the queue that may hit it, and besides each of those at a rate that
    chances on it.
    Only requests that the service would have answered count. A request with a header of its own faults (see
    `header`) takes from those alone.

    Args:
        faults: To begin with.
        wait: How to let seconds pass.

    Raises:
        ConfigurationError: One of them is no fault.
    """

    def __init__(
        self, faults: Iterable[FaultLike] = (), *, wait: Callable[[float], Awaitable[object]] = asyncio.sleep
    ) -> None:
        self._lock = threading.Lock()
        self._left: list[tuple[Fault, Random]] = []
        self._by_header: OrderedDict[str, Faults] = OrderedDict()
        self.wait = wait
        self.add(*faults)

    @classmethod
    def of(cls, faults: Faults | Iterable[FaultLike]) -> Faults:
        """These faults, or new ones of these.

        Raises:
            ConfigurationError: One of them is no fault.
        """
        return faults if isinstance(faults, Faults) else cls(faults)

    def add(self, *faults: FaultLike) -> None:
        """Put faults behind those there are.

        Raises:
            ConfigurationError: One of them is no fault; then none was added.
        """
        self.change(add=faults)

    def replace(self, faults: Iterable[FaultLike]) -> None:
        """Put faults in the place of those there are.

        Raises:
            ConfigurationError: One of them is no fault; then all stay as they were.
        """
        left = _with_dice(faults)
        with self._lock:
            self._left = left

    def change(self, *, add: Iterable[FaultLike] = (), remove: Iterable[FaultLike] = ()) -> None:
        """Remove some faults and add others; of faults that are the same, the first goes.

        Raises:
            ConfigurationError: One of them is no fault, or not there to be removed; then all stay as they were.
        """
        added = _with_dice(add)
        gone = [Fault.of(fault) for fault in remove]
        with self._lock:
            left = list(self._left)
            for fault in gone:
                entry = next((entry for entry in left if entry[0] == fault), None)
                if entry is None:
                    raise ConfigurationError(
                        f"the fault {fault.as_json()} is not there; it may have hit already"
                    )
                left.remove(entry)
            self._left = [*left, *added]

    def clear(self) -> None:
        """Remove all faults."""
        self.replace(())

    @property
    def pending(self) -> tuple[Fault, ...]:
        """Those at a rate, and those of the queue that hit nothing yet, in their order."""
        with self._lock:
            return tuple(fault for fault, _ in self._left)

    @staticmethod
    def header(*faults: FaultLike) -> dict[str, str]:
        """A header for all requests of one client, whose faults hit no other's.

        The requests with the same header share a queue: the first of them takes the first fault, and so on. Its
        value spells the faults, between them `;`, and behind `#` any name that tells it from other headers:
        `x-emulator-faults: 503; cut:after=1 #test-17`. Clients in any language can write it themselves.

        Args:
            *faults: What goes wrong, first to last.

        Returns:
            The header, with a name of its own.

        Raises:
            ConfigurationError: One of them is no fault, or its message has one of `,;#` or is not plain ASCII.
        """
        read = [Fault.of(fault) for fault in faults]
        for message in (fault.message for fault in read):
            if not re.fullmatch(r"(?! )[ -~]*(?<! )", message) or {",", ";", "#"} & set(message):
                raise ConfigurationError(
                    f"the message {message!r} cannot be in a header: plain ASCII without ,;#"
                )
        value = f"{';'.join(map(_text_of, read))}#{secrets.token_hex(8)}"
        return {FAULTS_HEADER: value}

    def take(self, header: str = "", method: str = "generateContent") -> tuple[Fault, ...]:
        """The faults that hit the next request.

        Args:
            header: The value of its header of faults.
            method: Its method, or its HTTP method.

        Raises:
            ConfigurationError: The header has what is no fault.
        """
        if header:
            return self._of_header(header).take("", method)
        with self._lock:
            fitting = [entry for entry in self._left if entry[0].may_hit(method)]
            queued = [entry for entry in fitting if entry[0].rate is None][:1]
            for entry in queued:
                self._left.remove(entry)
            chanced = [
                (fault, dice)
                for fault, dice in fitting
                if fault.rate is not None and dice.random() < fault.rate
            ]
        return tuple(fault for fault, _ in (*queued, *chanced) if fault.kind != "none")

    def _of_header(self, header: str) -> Faults:
        with self._lock:
            if header not in self._by_header:
                self._by_header[header] = Faults(_faults_in_header(header))
            self._by_header.move_to_end(header)
            while len(self._by_header) > _HEADERS:
                self._by_header.popitem(last=False)
            return self._by_header[header]


_HEADERS = 1000
"""Headers that are remembered, the last ones."""


def _faults_in_header(header: str) -> list[Fault]:
    return [Fault.of(text) for text in header.partition("#")[0].split(";") if text.strip()]


def _text_of(fault: Fault) -> str:
    settings = ",".join(f"{name}={value}" for name, value in fault.as_json().items() if name != "kind")
    return f"{fault.kind}:{settings}"


def _with_dice(faults: Iterable[FaultLike]) -> list[tuple[Fault, Random]]:
    read = [Fault.of(fault) for fault in faults]
    return [(fault, Random(fault.seed)) for fault in read]  # noqa: S311 -- no secret
