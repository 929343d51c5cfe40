"""Scripts written as YAML.

```yaml
- Hello.                                  # a text
- - Let me compute.                       # a list of parts; code is really run
  - code: print(6 * 7)
  - It is 42.
- when: {text: weather, model: gemini-2.5-flash}
  reply:
    - {call: weather, args: {city: Utrecht}}
- when: {regex: "primes?$"}
  reply: {candidates: [{finishReason: SAFETY}]}   # a whole response
- - candidates: [{content: {parts: [{text: "One, "}]}, continuationToken: c1}]   # chunks of a stream
  - candidates: [{content: {parts: [{text: two.}]}, finishReason: STOP}]
- {error: {status_code: 429, retry_after: 2}, times: 2}
```

A step without `when` is for any request. Parts may also be spelled as they are on the wire.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from langchain_codeexec.emulator.brain import RESPONSE_FIELDS, Step, When
from langchain_codeexec.emulator.service_errors import EmulatedError, retry_info
from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.gemini.wire import Part

__all__ = ["read_script"]

_ENTRY = frozenset({"when", "reply", "error", "times"})
_CONDITIONS = frozenset({"text", "regex", "model"})
_PART = frozenset(Part.__annotations__)


def read_script(source: str | Path) -> list[Step | When]:
    """Read the steps of a script.

    Args:
        source: The YAML itself, or where it is: a `Path`, or a name that ends in `.yaml` or `.yml`.
    """
    name, text = _text_of(source)
    yaml = import_module("yaml")  # comes with langchain-core; has no types
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{name} is no YAML: {error}") from error
    entries = document.get("steps") if isinstance(document, dict) else document
    if not isinstance(entries, list):
        raise ConfigurationError(f"{name} holds no list of steps; begin each of them with a dash")
    steps: list[Step | When] = []
    for number, entry in enumerate(entries, 1):
        try:
            steps += _steps(entry)
        except ConfigurationError as error:
            raise ConfigurationError(f"step {number} of {name}: {error}") from error
    return steps


def _text_of(source: str | Path) -> tuple[str, str]:
    if isinstance(source, str) and ("\n" in source or not source.endswith((".yaml", ".yml"))):
        return "the script", source
    try:
        return str(source), Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise ConfigurationError(f"the script {source} cannot be read: {reason}") from error


def _steps(entry: Any) -> list[Step | When]:
    if not isinstance(entry, dict) or not entry.keys() & _ENTRY:
        return [_step(entry)]
    if alien := entry.keys() - _ENTRY:
        raise ConfigurationError(f"there is no {_listed(alien)} beside {_listed(_ENTRY)}")
    if ("reply" in entry) == ("error" in entry):
        raise ConfigurationError("give it either a reply or an error")
    step = _error(entry) if "error" in entry else _step(entry["reply"])
    times = entry.get("times", 1)
    if not isinstance(times, int) or isinstance(times, bool) or times < 1:
        raise ConfigurationError(f"times is {times!r}, not a number from 1 on")
    return [_conditional(step, entry["when"]) if "when" in entry else step] * times


def _conditional(step: Step, when: Any) -> When:
    good = isinstance(when, dict) and when.keys() <= _CONDITIONS
    if not good or not all(isinstance(value, str) for value in when.values()):
        raise ConfigurationError(f"when is {when!r}; give it texts for any of {_listed(_CONDITIONS)}")
    return When(reply=step, **when)


def _step(value: Any) -> Step:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return [_item(item) for item in value]
    if isinstance(value, dict) and value.keys() <= RESPONSE_FIELDS:
        return value  # type: ignore[return-value]  # its keys are a response's; what they hold goes out as written
    raise ConfigurationError(
        f"{value!r} is no step; give a text (in quotes where it looks like a number), a list of parts, or a "
        f"response with any of {_listed(RESPONSE_FIELDS)}"
    )


def _item(item: Any) -> str | Part | EmulatedError:
    if isinstance(item, str):
        return item
    if isinstance(item, dict):
        for key, made in _SHORTHANDS.items():
            if key in item:
                return made(item)
        if item and (item.keys() <= _PART or item.keys() <= RESPONSE_FIELDS):
            return item  # type: ignore[return-value]  # its keys are a part's or a chunk's; it goes out as written
    raise ConfigurationError(
        f"{item!r} is no part; give a text or a mapping with any of {_listed(_SHORTHANDS)}, {_listed(_PART)}, or "
        f"a chunk with any of {_listed(RESPONSE_FIELDS)}"
    )


def _only(item: Mapping[str, Any], *, keys: set[str], types: Mapping[str, type]) -> None:
    if alien := item.keys() - keys:
        raise ConfigurationError(f"{item!r} has {_listed(alien)}; it may have {_listed(keys)}")
    for key, kind in types.items():
        if key in item and not isinstance(item[key], kind):
            raise ConfigurationError(f"{key} in {item!r} is no {_KINDS[kind]}")


_KINDS: Mapping[type, str] = {str: "text", dict: "mapping", int: "whole number"}


def _code(item: Mapping[str, Any]) -> Part:
    _only(item, keys={"code"}, types={"code": str})
    return {"executableCode": {"language": "PYTHON", "code": item["code"]}}


def _call(item: Mapping[str, Any]) -> Part:
    _only(item, keys={"call", "args"}, types={"call": str, "args": dict})
    return {"functionCall": {"name": item["call"], "args": item.get("args", {})}}


def _error(item: Mapping[str, Any]) -> EmulatedError:
    error = item["error"]
    if not isinstance(error, dict) or "status_code" not in error:
        raise ConfigurationError(f"error is {error!r}; give it a status_code, a message, a retry_after")
    _only(
        error,
        keys={"status_code", "status", "message", "retry_after"},
        types={"status_code": int, "status": str, "message": str},
    )
    seconds = error.get("retry_after")
    headers = {} if seconds is None else {"Retry-After": str(seconds)}
    details = [retry_info(seconds)] if isinstance(seconds, int | float) else []
    status, message = error.get("status", ""), error.get("message", "")
    try:
        return EmulatedError(error["status_code"], status, message, details=details, headers=headers)
    except ValueError as unknown:
        raise ConfigurationError(f"there is no HTTP status {error['status_code']}") from unknown


_SHORTHANDS: Mapping[str, Callable[[Mapping[str, Any]], Part | EmulatedError]] = {
    "code": _code,
    "call": _call,
    "error": _error,
}


def _listed(names: Any) -> str:
    return ", ".join(sorted(names))
