"""An exchange as a pytest test: a script that gives the recorded answer, and a call that asks the same."""

from __future__ import annotations

import json
import pprint
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from langchain_codeexec.emulator.page.reading import read

if TYPE_CHECKING:
    from langchain_codeexec.emulator.page.exchange import Exchange
    from langchain_codeexec.emulator.page.reading import Reading

__all__ = ["pytest_of"]

_WIDTH = 100
_MOST_PRETTY = 200_000
_REPRODUCED_BY_SCRIPT = frozenset({"latency", "none", "empty", "no_candidates", "malformed_call"})
_REFUSED = frozenset({"API_KEY_INVALID", "ACCESS_TOKEN_TYPE_UNSUPPORTED"})
_HEADERS = MappingProxyType(
    {
        "": "",
        "key": "        headers={{'x-goog-api-key': '{key}'}},\n",
        "bearer": "        headers={{'authorization': 'Bearer {key}'}},\n",
    }
)
_JOINED = '''

def joined(chunks):
    """The parts of a stream, adjacent pieces of text as one."""
    whole = []
    for chunk in chunks:
        for part in chunk["candidates"][0].get("content", {}).get("parts", []):
            last = whole[-1] if whole else {}
            texts = {*last, *part} <= {"text", "thought", "thoughtSignature"}
            if last and texts and "thoughtSignature" not in last and last.get("thought") == part.get("thought"):
                whole[-1] = {**last, **part, "text": last["text"] + part["text"]}
            else:
                whole.append(part)
    return whole
'''
_CHUNKS = """    events = response.text.split("\\r\\n\\r\\n")[:-1]
    chunks = [json.loads(event.removeprefix("data: ")) for event in events]
"""
_ARRAY = "    chunks = response.json()\n"


class _Script(NamedTuple):
    """What the emulator of the test is told, and what its answer is compared with.

    Attributes:
        steps: Source of the script; `None` leaves the answer to the rules.
        answer: The value of `ANSWER`; `None` where there is none.
        checks: Source of the assertions on `response`.
        extra: Source that they need.
    """

    steps: str | None
    answer: Any
    checks: str
    extra: str = ""


def pytest_of(exchange: Exchange) -> str:
    """The source of a test module that asks what was asked and gets what was answered.

    Faults that hit the request hit it there, too; then the status alone is compared, or that the connection
    breaks. It needs the pytest plugin that comes with this package.
    """
    reading = read(exchange)
    faults = [
        {name: value for name, value in fault.as_json().items() if name not in ("rate", "seed")}
        for fault in exchange.faults
        if fault.kind not in _REPRODUCED_BY_SCRIPT
    ]
    script = _script(exchange, reading, disturbed=bool(faults))
    arguments = [] if script.steps is None else [script.steps]
    if faults:
        arguments = [script.steps or "[]", f"faults={faults!r}"]
    marker = f"@pytest.mark.gemini_script({', '.join(arguments)})\n" if arguments else ""
    call = _call(exchange, reading)
    if faults and not exchange.complete:
        body = f"    with pytest.raises(httpx.TransportError):\n{_indented(call)}"
    else:
        body = f"    response = {call.lstrip()}{_status(exchange)}{script.checks}"
    source = f"{marker}def test_request_{exchange.number}(gemini_emulator):\n{body}"
    constants = _request(exchange, reading)
    if script.answer is not None and "ANSWER" in source:
        constants += f"\nANSWER = {_literal(script.answer)}\n"
    imports = "".join(
        f"{line}\n" for name, line in _IMPORTS.items() if f"{name}" in f"{script.extra}{source}"
    )
    when = exchange.received.strftime("%Y-%m-%d %H:%M:%S UTC")
    head = f'"""Request {exchange.number} of the Gemini emulator, {when}, copied from its page."""\n\n'
    return f"{head}{imports}\n{constants}{script.extra}\n\n{source}".replace("\n\n\n\n", "\n\n\n")


_IMPORTS = MappingProxyType(
    {
        "json.loads": "import json\n",
        "httpx": "import httpx",
        "pytest": "import pytest",
        "EmulatedError": "\nfrom langchain_codeexec.emulator import EmulatedError",
    }
)


def _script(exchange: Exchange, reading: Reading, *, disturbed: bool) -> _Script:
    if exchange.asked_at is None:
        return _unasked(reading, disturbed=disturbed)
    if reading.error is not None:
        return _failed(exchange, reading)
    if exchange.method == "streamGenerateContent":
        return _streamed(exchange, reading, disturbed=disturbed)
    answer = reading.bodies[0] if reading.bodies else {"candidates": []}
    return _Script("[ANSWER]", answer, "" if disturbed else "    assert response.json() == ANSWER\n")


def _unasked(reading: Reading, *, disturbed: bool) -> _Script:
    """The emulator answers this by itself."""
    answer = reading.chunks[0].body if len(reading.chunks) == 1 else None
    checks = "    assert response.json() == ANSWER\n" if isinstance(answer, dict | list) else ""
    return _Script("[]" if disturbed else None, answer, checks)


def _failed(exchange: Exchange, reading: Reading) -> _Script:
    """What was said before an error in a stream is told as far as it is text: code would run."""
    said = [part for part in reading.candidate["parts"] if isinstance(part, dict) and "text" in part]
    error = reading.error if isinstance(reading.error, dict) else {}
    code, status = error.get("code", 500), error.get("status", "")
    details = f", details={error['details']!r}" if error.get("details") else ""
    failure = f"EmulatedError({code!r}, {status!r}, {error.get('message', '')!r}{details})"
    steps = f"[{[*said]!r} + [{failure}]]" if said else f"[{failure}]"
    return (
        _Script(steps, None, f"    assert {error.get('message', '')!r} in response.text\n")
        if not (
            exchange.status >= 400 and isinstance(reading.chunks[0].body, dict)  # noqa: PLR2004 -- an error status
        )
        else _Script(steps, reading.chunks[0].body, "    assert response.json() == ANSWER\n")
    )


def _streamed(exchange: Exchange, reading: Reading, *, disturbed: bool) -> _Script:
    last = reading.bodies[-1] if reading.bodies else {}
    candidate = {**reading.candidate}
    parts = candidate.pop("parts")
    if parts:
        candidate["content"] = {"parts": parts, "role": "model"}
    answer = {**last, "candidates": [candidate]} if candidate else last
    if disturbed or not parts:
        return _Script("[ANSWER]", answer, "")
    chunks = _CHUNKS if exchange.content_type.startswith("text/event-stream") else _ARRAY
    checks = f"{chunks}    assert joined(chunks) == ANSWER['candidates'][0]['content']['parts']\n"
    if "usageMetadata" in last:
        checks += "    assert chunks[-1]['usageMetadata'] == ANSWER['usageMetadata']\n"
    return _Script("[ANSWER]", answer, checks, _JOINED)


def _status(exchange: Exchange) -> str:
    return f"    assert response.status_code == {exchange.status}\n"


def _call(exchange: Exchange, reading: Reading) -> str:
    key = "invalid" if _REFUSED & _reasons(reading.error) else "any"
    path = exchange.path.replace("{", "{{").replace("}", "}}")
    lines = [
        f"    httpx.request(\n        {exchange.http_method!r},\n",
        f"        f{'{gemini_emulator.url}' + path!r},\n",
        f"        params={dict(exchange.query)!r},\n" if exchange.query else "",
        _HEADERS[exchange.credential].format(key=key),
        f"        {_keyword(reading)}=REQUEST,\n" if exchange.question else "",
        "        timeout=60,\n    )\n",
    ]
    return "".join(lines)


def _reasons(error: Any) -> set[str]:
    details = error.get("details") if isinstance(error, dict) else None
    return {detail.get("reason", "") for detail in details or [] if isinstance(detail, dict)}


def _keyword(reading: Reading) -> str:
    """`json` where httpx can send the request so, else `content`."""
    try:
        json.dumps(reading.sent, allow_nan=False, ensure_ascii=False).encode("utf-8")
    except ValueError:
        return "content"
    return "content" if reading.sent is None else "json"


def _request(exchange: Exchange, reading: Reading) -> str:
    if not exchange.question:
        return ""
    value = reading.sent if _keyword(reading) == "json" else exchange.question
    return f"\nREQUEST = {_literal(value)}\n"


def _literal(value: Any) -> str:
    written = repr(value)
    return written if len(written) > _MOST_PRETTY else pprint.pformat(value, width=_WIDTH, sort_dicts=False)


def _indented(source: str) -> str:
    return "".join(f"    {line}\n" for line in source.splitlines())
