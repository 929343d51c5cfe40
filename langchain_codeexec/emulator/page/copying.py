"""An exchange as something to paste: a curl command, JSON, a cassette."""

from __future__ import annotations

import json
import re
import shlex
from urllib.parse import quote, urlencode

from langchain_codeexec.emulator.cassettes import (
    Interaction,
    RecordedRequest,
    RecordedResponse,
    Scrubber,
    dump_cassette,
)
from langchain_codeexec.emulator.page.exchanges import parse_exchange
from langchain_codeexec.emulator.page.journal import Exchange

__all__ = ["cassette_of", "curl_of", "json_of"]

_CREDENTIALS = {
    "key": ['-H "x-goog-api-key: ${GEMINI_API_KEY:-any}"'],
    "bearer": ['-H "authorization: Bearer ${GEMINI_API_KEY:-any}"'],
}
_NOT_FOR_A_TERMINAL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def curl_of(exchange: Exchange, base_url: str) -> str:
    """A command for a POSIX shell that asks the same. The credential is `$GEMINI_API_KEY`, or `any`."""
    query = f"?{urlencode(exchange.query)}" if exchange.query else ""
    url = shlex.quote(f"{base_url}{quote(exchange.path, safe='/:@!$,;=~*+')}{query}")
    options = [f"curl -sS {url}", *_CREDENTIALS.get(exchange.credential, [])]
    if exchange.http_method not in ("GET", "POST"):
        options.append(f"-X {shlex.quote(exchange.http_method)}")
    has_body = exchange.http_method == "POST" or bool(exchange.request_body)
    if has_body:
        options += ["-H 'content-type: application/json'", "--data-binary @-"]
    command = " \\\n  ".join(options)
    if not has_body:
        return command
    try:
        text = exchange.request_body.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if _NOT_FOR_A_TERMINAL.search(text):
        octal = "".join(f"\\{byte:03o}" for byte in exchange.request_body)
        return f"printf '{octal}' | {command}"
    mark = "JSON"
    while mark in text.split("\n"):
        mark += "_"
    return f"{command} <<'{mark}'\n{text}\n{mark}"


def json_of(exchange: Exchange) -> str:
    """The request and the response as one JSON document; the response of a stream is a list of its chunks."""
    parsed = parse_exchange(exchange)
    chunks = [chunk.body if chunk.text is None else chunk.text for chunk in parsed.chunks]
    streamed = exchange.method == "streamGenerateContent"
    response = chunks if streamed or len(chunks) != 1 else chunks[0]
    request = parsed.sent if parsed.sent_text is None else parsed.sent_text
    return json.dumps({"request": request, "response": response}, indent=2)


def cassette_of(exchange: Exchange) -> str:
    """A cassette of this one exchange, without secrets: `CassettePlayer` answers with it."""
    parsed = parse_exchange(exchange)
    scrubber = Scrubber()
    scrubber.learn(exchange.path, "", {})
    request = RecordedRequest(
        exchange.http_method,
        scrubber.text(exchange.path),
        scrubber.value(dict(exchange.query)),
        scrubber.value(parsed.sent if parsed.sent_text is None else parsed.sent_text),
    )
    headers = {"content-type": exchange.content_type} if exchange.content_type else {}
    if exchange.content_type.startswith("text/event-stream"):
        chunks = [chunk.body if chunk.text is None else f"data: {chunk.text}" for chunk in parsed.chunks]
        response = RecordedResponse(exchange.status, headers, chunks=scrubber.value(chunks))
    elif len(parsed.chunks) == 1 and parsed.chunks[0].text is None:
        response = RecordedResponse(exchange.status, headers, body=scrubber.value(parsed.chunks[0].body))
    else:
        text = exchange.response_body.decode("utf-8", "replace")
        response = RecordedResponse(exchange.status, headers, text=scrubber.text(text))
    return dump_cassette([Interaction(request, response)])
