"""An exchange as something to paste: a curl command, JSON, a cassette, a pytest test.

The test is a script that gives the recorded answer, and a call that asks the same.
"""

from __future__ import annotations

import ast
import json
import pprint
import re
import shlex
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from langchain_codeexec.emulator.cassettes import (
    Interaction,
    RecordedRequest,
    RecordedResponse,
    Scrubber,
    dump_cassette,
)
from langchain_codeexec.emulator.page.exchanges import ParsedExchange, parse_exchange
from langchain_codeexec.emulator.page.journal import Exchange

__all__ = ["cassette_of", "curl_of", "json_of", "pytest_of"]

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


_WIDTH = 100
_MOST_PRETTY = 200_000
_LOWEST_ERROR = 400
_SCRIPTABLE = frozenset({"latency", "none", "empty", "no_candidates", "malformed_call"})
"""Faults whose answer a script can give, or that only take time."""
_REFUSED = frozenset({"API_KEY_INVALID", "ACCESS_TOKEN_TYPE_UNSUPPORTED"})
_HEADERS = {"key": {"x-goog-api-key": "{key}"}, "bearer": {"authorization": "Bearer {key}"}, "": {}}
_IMPORTS = {
    "json.loads": "import json\n\n",
    "httpx.": "import httpx\n",
    "pytest.": "import pytest\n",
    "EmulatedError(": "\nfrom langchain_codeexec.emulator import EmulatedError\n",
}
"""What to import for what the source uses."""
_SAME_EVENTS = """\
    events = response.text.split("\\r\\n\\r\\n")[:-1]
    assert [json.loads(event.removeprefix("data: ")) for event in events] == ANSWER
"""
_SAME_JSON = "    assert response.json() == ANSWER\n"


class _Script(NamedTuple):
    """The source of the step (`None` where no brain answers), what it answers, and the checks."""

    steps: str | None
    answer: Any = None
    checks: str = ""


def pytest_of(exchange: Exchange) -> str:
    """The source of a test module that sends the request again and expects the same answer.

    Faults that hit the request hit it there, too; then no more than the status is compared, or that the
    connection breaks. It needs the pytest plugin that comes with this package.
    """
    parsed = parse_exchange(exchange)
    faults = _faults(exchange)
    script = _script(exchange, parsed)
    call = _call(exchange, parsed)
    if faults and not exchange.complete:
        indented = call.replace("\n", "\n    ")
        body = f"    with pytest.raises(httpx.TransportError):\n        {indented}\n"
    else:
        checks = script.checks if not faults or exchange.brain_at is None else ""
        body = f"    response = {call}\n    assert response.status_code == {exchange.status}\n{checks}"
    test = f"{_marker(script, faults)}def test_request_{exchange.number}(gemini_emulator):\n{body}"
    source = "".join(
        [
            *([f"\nREQUEST = {_literal(_sent(parsed, exchange))}\n"] if exchange.request_body else []),
            *([f"\nANSWER = {_literal(script.answer)}\n"] if "ANSWER" in test else []),
            f"\n\n{test}",
        ]
    )
    imports = "".join(line for name, line in _IMPORTS.items() if name in source)
    when = exchange.received.strftime("%Y-%m-%d %H:%M:%S UTC")
    head = f'"""Request {exchange.number} of the Gemini emulator, {when}, copied from its page."""'
    return f"{head}\n\n{imports}{source}"


def _faults(exchange: Exchange) -> list[dict[str, Any]]:
    """The faults that hit the request, each to hit the next one."""
    return [
        {name: value for name, value in fault.as_json().items() if name not in ("rate", "seed")}
        for fault in exchange.faults
        if fault.kind not in _SCRIPTABLE
    ]


def _marker(script: _Script, faults: list[dict[str, Any]]) -> str:
    if script.steps is None and not faults:
        return ""
    also = f", faults={faults!r}" if faults else ""
    return f"@pytest.mark.gemini_script([{script.steps or ''}]{also})\n"


# -- the script ----------------------------------------------------------------------------------------


def _script(exchange: Exchange, parsed: ParsedExchange) -> _Script:
    if exchange.brain_at is None or exchange.status >= _LOWEST_ERROR:
        return _refused(exchange, parsed)
    if exchange.method == "streamGenerateContent":
        steps = "ANSWER" if parsed.error is None else f"[*ANSWER[:-1], {_error(parsed.error)}]"
        is_sse = exchange.content_type.startswith("text/event-stream")
        return _Script(steps, parsed.bodies, _SAME_EVENTS if is_sse else _SAME_JSON)
    answer = parsed.bodies[0] if parsed.bodies else {"candidates": []}
    return _Script("ANSWER", answer, _SAME_JSON)


def _refused(exchange: Exchange, parsed: ParsedExchange) -> _Script:
    """An answer in one piece that the emulator gives by itself, or an error that the brain raised."""
    answer = parsed.chunks[0].body if parsed.chunks else None
    if exchange.method == "streamGenerateContent" and exchange.query.get("alt") != "sse":
        answer = [answer]
    steps = None if exchange.brain_at is None else _error(parsed.error)
    return _Script(steps, answer, _SAME_JSON if parsed.chunks else "")


def _error(error: Any) -> str:
    known = error if isinstance(error, dict) else {}
    details = f", details={known['details']!r}" if known.get("details") else ""
    first = f"{known.get('code', 500)!r}, {known.get('status', '')!r}, {known.get('message', '')!r}"
    return f"EmulatedError({first}{details})"


# -- the call ------------------------------------------------------------------------------------------


def _call(exchange: Exchange, parsed: ParsedExchange) -> str:
    arguments = [f"{exchange.http_method!r}", f"gemini_emulator.url + {exchange.path!r}"]
    if exchange.query:
        arguments.append(f"params={dict(exchange.query)!r}")
    if headers := _HEADERS[exchange.credential]:
        key = "invalid" if _reasons(parsed.error) & _REFUSED else "any"
        arguments.append(f"headers={ ({name: value.format(key=key) for name, value in headers.items()})!r}")
    if exchange.request_body:
        keyword = "content" if isinstance(_sent(parsed, exchange), bytes) else "json"
        arguments.append(f"{keyword}=REQUEST")
    lines = "".join(f"        {argument},\n" for argument in [*arguments, "timeout=60"])
    return f"httpx.request(\n{lines}    )"


def _reasons(error: Any) -> set[Any]:
    details = error.get("details") if isinstance(error, dict) else None
    return {str(detail.get("reason")) for detail in details or [] if isinstance(detail, dict)}


def _sent(parsed: ParsedExchange, exchange: Exchange) -> Any:
    """The request's JSON, or its bytes where a test could not write it or httpx not send it."""
    if parsed.sent is None:
        return exchange.request_body
    try:
        json.dumps(parsed.sent, allow_nan=False, ensure_ascii=False).encode("utf-8")
        ast.literal_eval(repr(parsed.sent))
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return exchange.request_body
    return parsed.sent


def _literal(value: Any) -> str:
    written = repr(value)
    return written if len(written) > _MOST_PRETTY else pprint.pformat(value, width=_WIDTH, sort_dicts=False)
