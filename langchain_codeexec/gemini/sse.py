"""The body of a streamed response, cut into JSON objects as its bytes come in.

The service sends server-sent events whose data is one JSON object each; without `alt=sse`, and through some
gateways, it sends one JSON array, and an error may arrive as bare JSON between events. One parser reads all of
them in any order, which no library for server-sent events does. Source of the event rules: the WHATWG HTML
standard, "Server-sent events".
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterable, Iterator
from typing import Any, Final

from langchain_codeexec.errors import ResponseFormatError, TruncatedResponseError
from langchain_codeexec.gemini.errors import LONGEST_EXCERPT, api_error, error_in, excerpt
from langchain_codeexec.gemini.responses import canonical, index_of
from langchain_codeexec.gemini.wire import GenerateContentResponse

__all__ = ["Completeness", "StreamDecoder"]

_BOM: Final = b"\xef\xbb\xbf"
_EMPTY: Final = frozenset({b"", b"[DONE]", b"null"})  # events of some gateways that say nothing
_OTHER_FIELDS: Final = (b"", b"event", b"id", b"retry")
_LINE_END: Final = re.compile(rb"\r\n|\n|\r")
_BETWEEN_OBJECTS: Final = re.compile(rb"[^ \t\r\n,]")
_OUTSIDE_STRING: Final = re.compile(rb'["{}]')
_ANY: Final = re.compile(rb".", re.DOTALL)
_INSIDE_STRING: Final = re.compile(rb'["\\]')


class Completeness:
    """Whether a stream has said that it is over: by a finish reason, or by a block of the prompt.

    Args:
        url: Where the stream comes from, for the error.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._is_over = False
        self._last: GenerateContentResponse = {}
        self._reasons: dict[int, Any] = {}

    def counted(self, responses: Iterable[GenerateContentResponse]) -> Iterator[GenerateContentResponse]:
        """Some of its responses, taken into account.

        One that repeats the last, token counts included, is left out, and so is a `STOP` after another reason.
        """
        for response in responses:
            if self._is_over and response == self._last and "usageMetadata" in response:
                continue
            feedback: Any = response.get("promptFeedback")
            candidates: Any = response.get("candidates")
            ends = [feedback.get("blockReason")] if isinstance(feedback, dict) else []
            for position, candidate in enumerate(candidates if isinstance(candidates, list) else ()):
                if isinstance(candidate, dict) and (reason := candidate.get("finishReason")):
                    ends.append(reason)
                    number = index_of(candidate, position)
                    if reason == "STOP" != self._reasons.get(number, reason):
                        del candidate["finishReason"]
                    else:
                        self._reasons[number] = reason
            if any(ends):
                self._is_over, self._last = True, response
            yield response

    def check(self) -> None:
        """Raise `TruncatedResponseError` if the stream has ended before."""
        if not self._is_over:
            raise TruncatedResponseError(
                f"the stream from {self._url} was cut off: it ended without a finish reason"
            )


class StreamDecoder:
    """Bytes in, response objects out; where the bytes are cut makes no difference.

    Args:
        url: Where the stream comes from, for the errors in it.
    """

    def __init__(self, url: str = "") -> None:
        self._origin = f" from {url.partition('?')[0]}" if url else ""
        self._url = url
        self._is_empty = True
        self._other = b""  # the first line that belongs to no event
        self._line = bytearray()  # that has not ended yet
        self._data: list[bytes] = []  # of the event that has not ended yet
        self._json: _ObjectCutter | None = None
        self._has_ended = False

    def feed(self, data: bytes) -> Iterator[GenerateContentResponse]:
        """Yield the objects that `data` completes.

        Raises:
            GeminiAPIError: One of them is an error; those before it have been yielded.
            ResponseFormatError: One of them is not a JSON object.
        """
        for document in self._documents(data):
            yield from self._objects(document)

    def end(self) -> Iterator[GenerateContentResponse]:
        """Yield an object that only lacked the blank line after it.

        Raises:
            GeminiAPIError: It is an error.
            TruncatedResponseError: The stream ended within an event, or before the first one.
            ResponseFormatError: It is no stream of events.
        """
        self._has_ended = True
        yield from self.feed(b"\n\n")
        if self._json is not None:
            yield from self._objects(bytes(self._json.pending) or b"[")
        if self._is_empty and self._other:
            raise ResponseFormatError(
                f"the stream{self._origin} holds no events: check base_url, and sign in to the network if it asks "
                "for that (captive portal)",
                body=excerpt(self._other),
            )
        if self._is_empty:
            raise TruncatedResponseError(f"the stream{self._origin} was cut off before its first event")

    def _objects(self, document: bytes) -> Iterator[GenerateContentResponse]:
        self._is_empty = False
        try:
            payload = json.loads(document)
        except (ValueError, RecursionError) as error:
            if self._has_ended and isinstance(error, json.JSONDecodeError):
                raise TruncatedResponseError(
                    f"the stream{self._origin} was cut off within an event", body=excerpt(document)
                ) from error
            raise ResponseFormatError(
                f"the stream{self._origin} holds broken JSON: {error}", body=excerpt(document)
            ) from error
        for item in payload if isinstance(payload, list) else [payload]:
            if error_in(item) is not None:
                raise api_error(item, url=self._url)
            if not isinstance(item, dict):
                raise ResponseFormatError(
                    f"the stream{self._origin} holds JSON that is not an object", body=excerpt(document)
                )
            yield canonical(item, self._url)

    def _documents(self, data: bytes) -> Iterator[bytes]:
        if len(self._line) > len(_BOM) and not _LINE_END.search(data):
            self._line += data  # a long line is put together only once
            return
        data = bytes(self._line) + data
        self._line.clear()
        position = 0
        while position < len(data):
            if self._json is None:
                position = yield from self._read_lines(data, position)
            else:
                position = yield from self._json.feed(data, position)
                if self._json.is_done:
                    self._json = None

    def _read_lines(self, data: bytes, position: int) -> Generator[bytes, None, int]:
        """Take lines up to one that starts bare JSON; return where that begins, or the end."""
        while position < len(data):
            position += len(_BOM) if data.startswith(_BOM, position) else 0
            if data.startswith((b"{", b"["), position):
                yield from self._dispatch()
                self._json = _ObjectCutter()
                return position
            end = _LINE_END.search(data, position)
            # A carriage return at the end may be the first half of a line end.
            if end is None or (end[0] == b"\r" and end.end() == len(data)):
                self._line += data[position:]
                return len(data)
            name, colon, value = data[position : end.start()].partition(b":")
            position = end.end()
            if name == b"data":
                self._data.append(value.removeprefix(b" "))
            elif not (name or colon):
                yield from self._dispatch()
            elif name not in _OTHER_FIELDS:
                self._other = self._other or name
        return position

    def _dispatch(self) -> Iterator[bytes]:
        data = b"\n".join(self._data)
        self._data.clear()
        if data.strip() not in _EMPTY:
            yield data


class _ObjectCutter:
    """Cuts `{…}`, or each object of `[{…}, {…}]`, out of bytes by counting braces outside strings."""

    def __init__(self) -> None:
        self.is_done = False
        self.pending = bytearray()  # of the object that has not ended yet
        self._is_array = False
        self._depth = 0
        self._in_string = False
        self._is_escaped = False

    def feed(self, data: bytes, position: int) -> Generator[bytes, None, int]:
        """Yield the objects that `data` completes from a position on; return where the last one of all ends."""
        start = position
        while position < len(data) and not self.is_done:
            was_inside = self._depth > 0
            significant = self._pattern.search(data, position)
            if significant is None:
                position = len(data)
                break
            position = significant.end()
            if was_inside:
                self._take_inside(significant[0])
                if not self._depth:
                    yield bytes(self.pending) + data[start:position]
                    self.pending.clear()
            else:
                start = significant.start()
                self._take_between(data[start : start + LONGEST_EXCERPT])
        if self._depth:
            self.pending += data[start:position]
        return position

    @property
    def _pattern(self) -> re.Pattern[bytes]:
        """What finds the next byte that matters."""
        if not self._depth:
            return _BETWEEN_OBJECTS
        if self._is_escaped:
            return _ANY
        return _INSIDE_STRING if self._in_string else _OUTSIDE_STRING

    def _take_between(self, data: bytes) -> None:
        if data.startswith(b"{"):
            self._depth = 1
        elif data.startswith(b"[") and not self._is_array:
            self._is_array = True
        elif data.startswith(b"]"):
            self.is_done = True
        else:
            raise ResponseFormatError(
                "the stream is a JSON array that holds something other than objects", body=excerpt(data)
            )

    def _take_inside(self, byte: bytes) -> None:
        if self._is_escaped:
            self._is_escaped = False
        elif byte == b'"':
            self._in_string = not self._in_string
        elif byte == b"\\":
            self._is_escaped = True
        else:
            self._depth += 1 if byte == b"{" else -1
            self.is_done = not (self._depth or self._is_array)
