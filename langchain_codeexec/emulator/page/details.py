"""What the page shows of an exchange: a line in the list, all of it, and the way its request was made.

A client's plan stays with the client; what it offers to the model comes along. `delegated` and `one_sided` are
recognised by what the chat model of this package sends for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from langchain_codeexec.emulator.page.exchanges import ParsedExchange, cut, parse_exchange, texts
from langchain_codeexec.emulator.page.journal import Exchange
from langchain_codeexec.emulator.parsing import tool_kinds

__all__ = ["detail", "document", "search", "summary"]


_SNIPPET = 160
_BEFORE_HIT = 16
_MOST_FUNCTIONS = 50


def summary(exchange: Exchange) -> dict[str, Any]:
    """A line of the list; times are milliseconds, `null` where there is none yet."""
    if exchange.summary is not None:
        return exchange.summary
    is_over = exchange.ended_at is not None
    line = _summary(exchange, parse_exchange(exchange))
    exchange.summary = line if is_over else None
    return line


def _summary(exchange: Exchange, parsed: ParsedExchange) -> dict[str, Any]:
    candidate, error = parsed.candidate, parsed.error
    kinds = tool_kinds(parsed.request)
    return {
        "number": exchange.number,
        "revision": exchange.revision,
        "time": exchange.received.isoformat(timespec="milliseconds"),
        "httpMethod": exchange.http_method,
        "method": exchange.method,
        "path": exchange.path,
        "model": exchange.target.model if exchange.target else "",
        "endpoint": exchange.target.endpoint if exchange.target else "",
        "status": exchange.status,
        "state": _state(exchange),
        "duration": _milliseconds(exchange.ended_at),
        "tokens": _count(parsed),
        "codeExecution": "codeExecution" in kinds,
        "functions": parsed.functions[:_MOST_FUNCTIONS],
        "otherTools": [kind for kind in kinds if kind not in ("codeExecution", "functionDeclarations")],
        "text": _short(_last_text(parsed)),
        "outcomes": [
            part["codeExecutionResult"].get("outcome", "")
            for part in candidate["parts"]
            if isinstance(part, dict) and isinstance(part.get("codeExecutionResult"), dict)
        ],
        "finish": candidate.get("finishReason", ""),
        "problem": _short(str(error.get("message", ""))) if isinstance(error, dict) else "",
        "faults": [fault.kind for fault in exchange.faults],
    }


def _state(exchange: Exchange) -> str:
    if exchange.ended_at is None:
        return "open"
    return "complete" if exchange.complete else "cut"


def _count(parsed: ParsedExchange) -> int | None:
    counts = [parsed.usage.get("totalTokenCount"), *(body.get("totalTokens") for body in parsed.bodies)]
    return next((count for count in counts if isinstance(count, int)), None)


def _last_text(parsed: ParsedExchange) -> str:
    *_, last = parsed.request.get("contents") or [{}]
    return " ".join(texts([part.get("text") or _gist(part) for part in last.get("parts") or []]))


def _gist(part: dict[str, Any]) -> str:
    """A part that is no text, in a word or two."""
    if "functionResponse" in part:
        return f"{part['functionResponse'].get('name', '')} returned"
    return next(iter(part), "")


def _short(text: str) -> str:
    line = " ".join(text[: 4 * _SNIPPET].split())
    return line if len(line) <= _SNIPPET else f"{line[:_SNIPPET]}…"


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 2)


def document(parsed: ParsedExchange) -> dict[str, Any]:
    """All there is to show of the bodies, whole."""
    return {
        "request": parsed.sent,
        "requestText": parsed.sent_text,
        "parsed": None if parsed.request == parsed.sent else parsed.request or None,
        "answer": parsed.candidate,
        "chunks": [
            {"at": _milliseconds(chunk.at), "body": chunk.body}
            if chunk.text is None
            else {"at": _milliseconds(chunk.at), "text": chunk.text}
            for chunk in parsed.chunks
        ],
        "usage": parsed.usage,
        "error": parsed.error,
    }


def detail(exchange: Exchange) -> dict[str, Any]:
    """All there is to show, long texts cut: the line of the list, `document`, and what the bodies do not say."""
    parsed = parse_exchange(exchange)
    bodies, cuts = cut(document(parsed))
    return {
        **_summary(exchange, parsed),
        **bodies,
        "cuts": cuts,
        "plan": _plan(parsed) if parsed.request else None,
        "brain": exchange.brain,
        "notes": list(exchange.notes),
        "faultsHit": [fault.as_json() for fault in exchange.faults],
        "query": dict(exchange.query),
        "dropped": exchange.dropped,
        "timing": {
            "read": _milliseconds(exchange.read_at),
            "brain": _milliseconds(exchange.brain_at),
            "first": _milliseconds(exchange.first_at),
            "total": _milliseconds(exchange.ended_at),
            "runs": [
                {
                    "at": _milliseconds(run.began - exchange.began),
                    "seconds": _milliseconds(run.ended - run.began),
                    "outcome": run.outcome,
                    "cpu_time": run.cpu_time,
                    "peak_memory": run.peak_memory,
                }
                for run in exchange.runs
            ],
        },
    }


def search(exchange: Exchange, query: str) -> str | None:
    """Where an exchange says something; upper and lower case are the same.

    Returns:
        A snippet around the first place; `None` where it does not say it.
    """
    folded = query.casefold()
    for text in _searched(exchange):
        at = text.casefold().find(folded)
        if at >= 0:
            start = max(0, at - _BEFORE_HIT)
            return ("…" if start else "") + _short(text[start : start + 4 * _SNIPPET])
    return None


def _searched(exchange: Exchange) -> Iterator[str]:
    line = summary(exchange)
    yield f"{line['status']}"
    for name in ("model", "method", "endpoint", "path", "httpMethod"):
        yield line[name]
    parsed = parse_exchange(exchange)
    yield from texts([parsed.sent, parsed.sent_text, parsed.candidate, parsed.error, *exchange.notes])
    yield from texts([chunk.text for chunk in parsed.chunks])
    yield exchange.brain
    yield from line["faults"]


# -- the way a request was made ------------------------------------------------------------------------

_STAND_IN = re.compile(r"code_execution(?:_\d+)?|run_python")
_CODE_AS_TEXT = re.compile(r"I ran this code:\n```")
_CALL_AS_TEXT = re.compile(r"I called \S+ with \{|\S+ returned: [\[{]")


def _plan(parsed: ParsedExchange) -> dict[str, str]:
    """The way a request was made, and by what it is recognised.

    Returns:
        `way`: `native`, `delegated`, `one_sided`, `code_execution`, `functions` or `plain`; `why`: sentences.
    """
    code = "codeExecution" in tool_kinds(parsed.request)
    names = parsed.functions
    stand_in = next((name for name in names if not code and _STAND_IN.fullmatch(name)), None)
    functions = "1 function" if len(names) == 1 else f"{len(names)} functions"
    declared = f"{functions} {'is' if len(names) == 1 else 'are'} declared"
    rows = (
        (code and names, "native", f"Code execution and {functions} are declared; the model chooses."),
        (stand_in, "delegated", f"{declared}; {stand_in} stands for code execution."),
        (
            code and _has_text(parsed, _CALL_AS_TEXT),
            "one_sided",
            "Only code execution is declared; what functions did is in the text.",
        ),
        (
            names and _has_text(parsed, _CODE_AS_TEXT),
            "one_sided",
            f"{declared}, code execution is not; what code did is in the text.",
        ),
        (code, "code_execution", "Code execution is declared, no function is."),
        (names, "functions", f"{declared}, code execution is not."),
        (True, "plain", "Neither code execution nor a function is declared."),
    )
    return next({"way": way, "why": why} for holds, way, why in rows if holds)


def _has_text(parsed: ParsedExchange, pattern: re.Pattern[str]) -> bool:
    """Whether a text of the conversation begins so."""
    return any(
        pattern.match(part.get("text", ""))
        for content in parsed.request.get("contents") or []
        for part in content.get("parts") or []
    )
