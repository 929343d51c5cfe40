"""An exchange as something to paste: a curl command, a cassette."""

from __future__ import annotations

import json
import re
import shlex
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from langchain_codeexec.emulator.cassettes import Interaction, RecordedAnswer, RecordedQuestion, dump_cassette
from langchain_codeexec.emulator.page.reading import read
from langchain_codeexec.emulator.scrubbing import Scrubber

if TYPE_CHECKING:
    from langchain_codeexec.emulator.page.exchange import Exchange

__all__ = ["cassette_of", "curl_of", "json_of"]

_CREDENTIALS = MappingProxyType(
    {
        "key": ['-H "x-goog-api-key: ${GEMINI_API_KEY:-any}"'],
        "bearer": ['-H "authorization: Bearer ${GEMINI_API_KEY:-any}"'],
    }
)
_NOT_FOR_A_TERMINAL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def curl_of(exchange: Exchange, base_url: str) -> str:
    """A command for a POSIX shell that asks the same. The credential is `$GEMINI_API_KEY`, or `any`.

    Args:
        exchange: What was asked.
        base_url: Where the service is.
    """
    query = f"?{urlencode(exchange.query)}" if exchange.query else ""
    url = shlex.quote(f"{base_url}{quote(exchange.path, safe='/:@!$,;=~*+')}{query}")
    options = [f"curl -sS {url}", *_CREDENTIALS.get(exchange.credential, [])]
    if exchange.http_method not in ("GET", "POST"):
        options.append(f"-X {shlex.quote(exchange.http_method)}")
    has_body = exchange.http_method == "POST" or bool(exchange.question)
    if has_body:
        options += ["-H 'content-type: application/json'", "--data-binary @-"]
    command = " \\\n  ".join(options)
    if not has_body:
        return command
    try:
        text = exchange.question.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if _NOT_FOR_A_TERMINAL.search(text):
        return f"printf '{_octal(exchange.question)}' | {command}"
    mark = "JSON"
    while mark in text.split("\n"):
        mark += "_"
    return f"{command} <<'{mark}'\n{text}\n{mark}"


def _octal(raw: bytes) -> str:
    return "".join(f"\\{byte:03o}" for byte in raw)


def json_of(exchange: Exchange) -> str:
    """The request and the response as one JSON document; the response of a stream is a list of its chunks."""
    reading = read(exchange)
    chunks = [chunk.body if chunk.text is None else chunk.text for chunk in reading.chunks]
    streamed = exchange.method == "streamGenerateContent"
    response = chunks if streamed or len(chunks) != 1 else chunks[0]
    request = reading.sent if reading.sent_text is None else reading.sent_text
    return json.dumps({"request": request, "response": response}, indent=2)


def cassette_of(exchange: Exchange) -> str:
    """A cassette of this one exchange, without secrets: `CassettePlayer` answers with it."""
    reading = read(exchange)
    scrubber = Scrubber()
    scrubber.learn(exchange.path, "", {})
    question = RecordedQuestion(
        exchange.http_method,
        scrubber.text(exchange.path),
        scrubber.value(dict(exchange.query)),
        scrubber.value(reading.sent if reading.sent_text is None else reading.sent_text),
    )
    headers = {"content-type": exchange.content_type} if exchange.content_type else {}
    if exchange.content_type.startswith("text/event-stream"):
        chunks = [chunk.body if chunk.text is None else f"data: {chunk.text}" for chunk in reading.chunks]
        answer = RecordedAnswer(exchange.status, headers, chunks=scrubber.value(chunks))
    elif len(reading.chunks) == 1 and reading.chunks[0].text is None:
        answer = RecordedAnswer(exchange.status, headers, body=scrubber.value(reading.chunks[0].body))
    else:
        text = exchange.answer.decode("utf-8", "replace")
        answer = RecordedAnswer(exchange.status, headers, text=scrubber.text(text))
    return dump_cassette([Interaction(question, answer)])
