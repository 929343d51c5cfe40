"""Function calls that arrive in pieces: the whole call, and the JSON text of its arguments as it grows.

Vertex streams the arguments of a call as `partialArgs` by JSON path, the last piece being the one without
`willContinue`; some gateways send the name with empty arguments first, and the arguments in pieces without one.
The Interactions API streams their JSON text, here `argsText`.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Final, TypeAlias, TypeGuard

from langchain_codeexec.errors import ResponseFormatError

__all__ = ["CallPieces", "StreamedCall", "whole_calls"]

Json = dict[str, Any]
_Path: TypeAlias = tuple[str | int, ...]

_FIELDS: Final = {"name": str, "id": str, "args": dict, "partialArgs": list, "argsText": str}
_MARKS: Final = frozenset({"partialArgs", "argsText", "willContinue"})
"""Keys of a piece that a whole call does not have."""

_NOTHING: Final = {"text": ""}
_STEP: Final = re.compile(
    r"""\.(?P<name>[^.\[\]]+)|\[(?P<index>\d{1,9})\]|\[(?P<quote>['"])(?P<quoted>(?:[^\\]|\\.)*?)(?P=quote)\]"""
)
"""A step of a path to one value. Source: RFC 9535, "normalized paths" and the shorthand for names."""

_WIDEST_GAP: Final = 1000
"""Elements of a list that may be named before those in front of them; more would be a way to fill memory."""


class CallPieces:
    """Puts the calls of one answer together, from its parts in order."""

    def __init__(self) -> None:
        self._calls: list[StreamedCall] = []

    def add(self, part: Json) -> StreamedCall | None:
        """The call that a part begins or goes on with; `None` for a part that is no call.

        Whatever else comes ends the calls that were not said to go on, but for an empty text.
        """
        piece = part.get("functionCall")
        call = self._of(part, piece) if _is_call(piece) else None
        if part != _NOTHING:
            for other in self._calls:
                other.is_ended |= not other.is_open and other is not call
        return call

    def _of(self, part: Json, piece: Json) -> StreamedCall:
        call = self._begun(piece)
        if call is None:
            call = StreamedCall(part)
            self._calls.append(call)
        else:
            call.add(part)
        return call

    def _begun(self, piece: Json) -> StreamedCall | None:
        """The call that a piece goes on with: the one of its id, else the last; a name must be the open call's."""
        name, call_id = piece.get("name"), piece.get("id")
        same = [
            call for call in self._calls if not call.is_ended and (not call_id or call.id in {"", call_id})
        ]
        if not same:
            return None
        last = same[-1]
        begins = piece.get("willContinue") is True and not (piece.get("args") or piece.get("partialArgs"))
        return last if not name or (last.is_open and name == last.name and not begins) else None


class StreamedCall:
    """One call as far as it came.

    Args:
        part: Its first piece.

    Attributes:
        part: The part that stands for the whole call.
        is_open: Whether its last piece said that more follow.
        is_ended: Whether no more can follow.
    """

    def __init__(self, part: Json) -> None:
        piece = part["functionCall"]
        self.part = part
        self.is_open = self.is_ended = False
        self._arguments = _GrowingObject()
        if _MARKS.isdisjoint(piece):
            self._take(piece)
        else:
            self.part = {**part, "functionCall": _without_marks(piece)}
            self.add(part)

    @property
    def name(self) -> str:
        """The function's name."""
        return self.part["functionCall"].get("name") or ""

    @property
    def id(self) -> str:
        """The wire's id; empty without one."""
        return self.part["functionCall"].get("id") or ""

    def add(self, part: Json) -> None:
        """Go on with another piece; what it says beside the arguments is kept where nothing was said before."""
        piece = part["functionCall"]
        self._take(piece)
        call = {**_without_marks(piece), **self.part["functionCall"], "args": self._arguments.value}
        self.part = {**part, **self.part, "functionCall": call}

    def take_text(self) -> str:
        """The JSON text of the arguments that was not taken yet."""
        return self._arguments.take_text()

    def close(self) -> None:
        """End the text, so that all of it is valid JSON."""
        self._arguments.close()

    def _take(self, piece: Json) -> None:
        was_open, self.is_open = self.is_open, piece.get("willContinue") is True
        self.is_ended = was_open and not self.is_open
        for key, value in (piece.get("args") or {}).items():
            self._arguments.set((key,), value)
        for partial in piece.get("partialArgs") or ():
            if isinstance(partial, dict):
                self._take_partial(partial)
        self._arguments.read(piece.get("argsText") or "", is_whole=not self.is_open)

    def _take_partial(self, partial: Json) -> None:
        path = _path(str(partial.get("jsonPath", "")))
        for key in ("stringValue", "numberValue", "boolValue"):
            if partial.get(key) is not None:
                value = partial[key]
                if key == "stringValue" and isinstance(value, str):
                    self._arguments.extend(path, value)
                else:
                    self._arguments.set(path, value)
                return
        if "nullValue" in partial:
            self._arguments.set(path, None)


def _is_call(piece: Any) -> TypeGuard[Json]:
    return isinstance(piece, dict) and all(
        piece.get(key) is None or isinstance(piece[key], kind) for key, kind in _FIELDS.items()
    )


def whole_calls(parts: list[Json]) -> list[Json]:
    """The parts of an answer, with one part for each call that came in pieces."""
    if not any("functionCall" in part for part in parts):
        return parts
    pieces = CallPieces()
    whole: list[Json | StreamedCall] = []
    for part in parts:
        item = pieces.add(part) or part
        if not (isinstance(item, StreamedCall) and any(item is each for each in whole)):
            whole.append(item)
    return [item.part if isinstance(item, StreamedCall) else item for item in whole]


def _json(value: Any) -> str:
    try:
        return json.dumps(value, default=str)
    except (ValueError, RecursionError) as error:
        raise ResponseFormatError(f"the arguments of a call cannot be written as JSON: {error}") from error


def _without_marks(piece: Json) -> Json:
    return {key: value for key, value in piece.items() if key not in _MARKS}


def _path(text: str) -> _Path:
    """The steps of a JSON path; one that is none is taken for a name, so that its value is kept."""
    steps: list[str | int] = []
    end = text.startswith("$")
    position = int(end)
    while step := _STEP.match(text, position):
        position = step.end()
        if step["index"]:
            steps.append(int(step["index"]))
        else:
            steps.append(step["name"] or re.sub(r"\\(.)", r"\1", step["quoted"] or ""))
    if position < len(text) or not steps:
        return (text,)
    return (str(steps[0]), *steps[1:])


@dataclass(slots=True)
class _Level:
    """A container whose text is not closed yet."""

    key: str | int
    end: str
    is_filled: bool = False


class _GrowingObject:
    """An object and its JSON text, both written value by value.

    Text that was given away cannot be changed. What comes later than its place is therefore written once more at
    the end, under the same top-level key: parsers take the last one.
    """

    def __init__(self) -> None:
        self.value: Json = {}
        self._text: list[str] = []
        self._levels: list[_Level] = []
        self._string: _Path = ()
        self._late: dict[str | int, None] = {}
        self._read: list[str] = []

    def read(self, text: str, *, is_whole: bool) -> None:
        """Go on with JSON text that comes written."""
        if text:
            self._read.append(text)
            self._text.append(text)
        if self._read and is_whole:
            with suppress(ValueError, RecursionError):
                value = json.loads("".join(self._read))
                self.value = value if isinstance(value, dict) else {}

    def set(self, path: _Path, value: Any) -> None:
        """Set the value at a path."""
        if self._write(path, value):
            self._end_string()

    def extend(self, path: _Path, text: str) -> None:
        """Go on with the text at a path."""
        if path == self._string:
            _assign(self.value, path, _at(self.value, path) + text)
            self._text.append(_json(text)[1:-1])
            return
        before = _at(self.value, path)
        self._write(path, before + text if isinstance(before, str) else text)

    def take_text(self) -> str:
        text = "".join(self._text)
        self._text.clear()
        return text

    def close(self) -> None:
        if self._read:
            return
        self._open()
        self._end_string()
        self._close_levels(1)
        for key in self._late:
            self._text.append(f"{self._separator()}{_json(key)}: {_json(self.value[str(key)])}")
        self._text.append("}")

    def _write(self, path: _Path, value: Any) -> bool:
        """Set a value and write it, a text without its closing quote; whether it was written."""
        made = _assign(self.value, path, value)
        shared = sum(
            1
            for _ in takewhile(
                lambda pair: pair[0].key == pair[1], zip(self._levels[1:], path[:-1], strict=False)
            )
        )
        if made != len(path) - 1 - shared:
            self._late[path[0]] = None
            return False
        self._open()
        self._end_string()
        self._close_levels(1 + shared)
        for key, following in zip(path[shared:], [*path[shared + 1 :], None], strict=True):
            name = f"{_json(key)}: " if isinstance(key, str) else ""
            self._text.append(self._separator() + name)
            if following is not None:
                begin, end = "[]" if isinstance(following, int) else "{}"
                self._text.append(begin)
                self._levels.append(_Level(key, end))
        text = _json(value)
        if isinstance(value, str):
            self._string = path
            text = text[:-1]
        self._text.append(text)
        return True

    def _open(self) -> None:
        if not self._levels:
            self._levels.append(_Level("", "}"))
            self._text.append("{")

    def _separator(self) -> str:
        separator = ", " if self._levels[-1].is_filled else ""
        self._levels[-1].is_filled = True
        return separator

    def _end_string(self) -> None:
        if self._string:
            self._string = ()
            self._text.append('"')

    def _close_levels(self, kept: int) -> None:
        while len(self._levels) > kept:
            self._text.append(self._levels.pop().end)


def _at(value: Any, path: _Path) -> Any:
    """The value at a path; `None` if there is none."""
    for key in path:
        if not _has(value, key):
            return None
        value = value[key]
    return value


def _has(container: Any, key: str | int) -> bool:
    if isinstance(container, list):
        return isinstance(key, int) and key < len(container)
    return isinstance(container, dict) and key in container


def _assign(root: Json, path: _Path, value: Any) -> int | None:
    """Set the value at a path.

    Returns:
        How many containers were made for it; `None` if it does not follow what was there.
    """
    container: Any = root
    made, follows = 0, True
    for key, following in zip(path, [*path[1:], None], strict=True):
        is_there = _has(container, key)
        if isinstance(container, list):
            follows &= is_there or key == len(container)
            gap = min(int(key), len(container) + _WIDEST_GAP) - len(container)
            container.extend([None] * (gap + 1))
        place: Any = min(int(key), len(container) - 1) if isinstance(container, list) else key
        if following is None:
            container[place] = value
            return made if follows and not is_there else None
        inner: Any = [] if isinstance(following, int) else {}
        if not isinstance(container[place] if is_there else None, type(inner)):
            follows &= not is_there
            container[place] = inner
            made += 1
        container = container[place]
    return None
