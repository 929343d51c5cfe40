"""What the page shows of an exchange: a line in the list, and all of it."""

from __future__ import annotations

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
