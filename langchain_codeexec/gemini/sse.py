"""The body of a streamed answer, cut into JSON objects as its bytes come in.

The service sends server-sent events whose data is one JSON object each; without `alt=sse`, and through some
gateways, it sends one JSON array. An error may arrive as bare JSON between events. All three forms, in any
order, are read by one parser. Source of the event rules: the WHATWG HTML standard, "Server-sent events".
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, cast

from langchain_codeexec.errors import ResponseFormatError
from langchain_codeexec.gemini.errors import api_error, error_in

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from langchain_codeexec.gemini.wire import GenerateContentResponse

__all__ = ["EventParser", "StreamDecoder"]

_BOM = b"\xef\xbb\xbf"
_EXCERPT = 500
_OUTSIDE_STRING = re.compile(rb'["{}]')
_INSIDE_STRING = re.compile(rb'["\\]')
_BETWEEN_OBJECTS = re.compile(rb"[ \t\r\n,]*")


class StreamDecoder:
    """Bytes in, response objects out.

    Args:
        url: Where the stream comes from, for the errors in it.
    """

    def __init__(self, url: str = "") -> None:
        self._url = url
        self._parser = EventParser()
        self._is_empty = True

    def feed(self, data: bytes) -> Iterator[GenerateContentResponse]:
        """Yield the objects that `data` completes.

        Raises:
            GeminiAPIError: One of them is an error; those before it have been yielded.
            ResponseFormatError: One of them is not a JSON object.
        """
        for document in self._parser.feed(data):
            yield from self._objects(document)

    def end(self) -> Iterator[GenerateContentResponse]:
        """Yield an object that only lacked the blank line after it.

        Raises:
            GeminiAPIError: It is an error.
            ResponseFormatError: The stream ended within an event, or had none.
        """
        for document in self._parser.end():
            yield from self._objects(document)
        if self._is_empty:
            raise ResponseFormatError(f"the stream ended without an event{self._from}")

    def _objects(self, document: bytes) -> Iterator[GenerateContentResponse]:
        self._is_empty = False
        try:
            payload = json.loads(document)
        except (ValueError, RecursionError) as error:
            raise ResponseFormatError(
                f"the stream{self._from} holds or ends with broken JSON: {error}", body=_excerpt(document)
            ) from error
        for item in payload if isinstance(payload, list) else [payload]:
            if error_in(item) is not None:
                raise api_error(item, url=self._url)
            if not isinstance(item, dict):
                raise ResponseFormatError(
                    f"the stream{self._from} holds JSON that is not an object", body=_excerpt(document)
                )
            yield cast("GenerateContentResponse", item)

    @property
    def _from(self) -> str:
        return f" from {self._url.partition('?')[0]}" if self._url else ""


class EventParser:
    """Bytes in, JSON documents out: the data of each event, and bare objects.

    Where the bytes are cut makes no difference. Comments and fields other than `data` are skipped.
    """

    def __init__(self) -> None:
        self._head: bytes | None = (
            b""  # the first bytes, until it is known whether they are a byte order mark
        )
        self._line = bytearray()
        self._after_cr = False
        self._data: list[bytes] = []
        self._json: _ObjectCutter | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the documents that `data` completes."""
        if self._head is not None:
            data = self._head + data
            if len(data) < len(_BOM) and _BOM.startswith(data):
                self._head = data
                return
            self._head = None
            data = data.removeprefix(_BOM)
        yield from self._read(data)

    def end(self) -> Iterator[bytes]:
        """Yield what the end of the stream completes or cuts off, as it is."""
        if self._head:
            self._line += self._head
        if self._line:
            yield from self._take_line(bytes(self._line))
        yield from self._dispatch()
        if self._json is not None and (rest := self._json.rest()):
            yield rest

    def _read(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._json is None:
                data = yield from self._read_lines(data)
            else:
                data = yield from self._json.feed(data)
                if self._json.is_done:
                    self._json = None

    def _read_lines(self, data: bytes) -> Generator[bytes, None, bytes]:
        """Take lines up to one that starts bare JSON; return the bytes from there on."""
        position = 0
        if self._after_cr and data.startswith(b"\n"):
            position = 1
        self._after_cr = data.endswith(b"\r")
        for line in data[position:].splitlines(keepends=True):
            if not self._line and line.startswith((b"{", b"[")):
                yield from self._dispatch()
                self._json = _ObjectCutter()
                self._after_cr = False
                return data[position:]
            position += len(line)
            self._line += line
            if line.endswith((b"\n", b"\r")):
                complete = bytes(self._line).rstrip(b"\r\n")
                self._line.clear()
                yield from self._take_line(complete)
        return b""

    def _take_line(self, line: bytes) -> Iterator[bytes]:
        if not line:
            yield from self._dispatch()
            return
        field, _, value = line.partition(b":")
        if field == b"data":
            self._data.append(value.removeprefix(b" "))

    def _dispatch(self) -> Iterator[bytes]:
        if self._data:
            data = b"\n".join(self._data)
            self._data.clear()
            if data:
                yield data


class _ObjectCutter:
    """Cuts `{…}`, or each object of `[{…}, {…}]`, out of the bytes by counting braces outside strings."""

    def __init__(self) -> None:
        self.is_done = False
        self._is_array = False
        self._depth = 0
        self._in_string = False
        self._is_escaped = False
        self._pending = bytearray()

    def feed(self, data: bytes) -> Generator[bytes, None, bytes]:
        """Yield the objects that `data` completes; return what follows the last one of all."""
        position = 0
        while position < len(data) and not self.is_done:
            if self._depth == 0:
                position = self._between(data, position)
                continue
            start = position
            while position < len(data) and self._depth:
                position = self._within(data, position)
            self._pending += data[start:position]
            if not self._depth:
                document = bytes(self._pending)
                self._pending.clear()
                self.is_done = not self._is_array
                yield document
        return data[position:]

    def rest(self) -> bytes:
        """What cannot be completed any more."""
        return bytes(self._pending) or b"["

    def _between(self, data: bytes, position: int) -> int:
        """Step over what separates objects, onto the next one or past the end of the array."""
        position = _BETWEEN_OBJECTS.match(data, position).end()  # type: ignore[union-attr]  # matches even nothing
        match data[position : position + 1]:
            case b"":
                return position
            case b"{":
                self._depth = 1
                self._pending += b"{"
            case b"[" if not self._is_array:
                self._is_array = True
            case b"]":
                self.is_done = True
            case _:
                raise ResponseFormatError(
                    "the stream is a JSON array that holds something other than objects",
                    body=_excerpt(data[position:]),
                )
        return position + 1

    def _within(self, data: bytes, position: int) -> int:
        """Step to behind the next byte that matters inside an object, or to the end."""
        if self._is_escaped:
            self._is_escaped = False
            return position + 1
        found = (_INSIDE_STRING if self._in_string else _OUTSIDE_STRING).search(data, position)
        if found is None:
            return len(data)
        match found[0]:
            case b'"':
                self._in_string = not self._in_string
            case b"\\":
                self._is_escaped = True
            case b"{":
                self._depth += 1
            case b"}":
                self._depth -= 1
        return found.end()


def _excerpt(document: bytes) -> str:
    return document[:_EXCERPT].decode("utf-8", "replace")
