"""From a JSON body to a request with known fields only, as the service's protobuf parser reads it.

Keys may be spelled in camelCase or snake_case; what comes out is camelCase. Free-form places (arguments,
function responses, JSON Schema, labels, property names) stay as they are. Where a list is expected a single
element will do, and `null` is an absent field.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from langchain_codeexec.emulator.schema import ENUMS, PART_DATA, field_table, snake_case
from langchain_codeexec.emulator.service_errors import invalid
from langchain_codeexec.emulator.targets import Target
from langchain_codeexec.gemini.wire import FunctionDeclaration

__all__ = [
    "bytes_from_base64",
    "callable_functions",
    "calling_config",
    "declared_functions",
    "parse_json",
    "parse_message",
    "tool_kinds",
]


def bytes_from_base64(text: str) -> bytes:
    """Decode the standard or the URL-safe alphabet, padded or not."""
    bare = text.replace("-", "+").replace("_", "/").rstrip("=")
    return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)


_LENIENT = re.compile(
    r"""("(?:\\.|[^"\\])*")|'((?:\\.|[^'\\])*)'|([A-Za-z_$][\w$]*)(?=\s*:)|,(?=\s*[}\]])""", re.DOTALL
)
_QUOTES = re.compile(r"""\\(.)|(")""", re.DOTALL)


def parse_json(raw: bytes) -> Any:
    """Read a body as the service does: bare keys, single quotes, trailing commas and line breaks in strings pass.

    Nothing is an empty object.
    """
    try:
        text = raw.decode("utf-8-sig")
        try:
            return json.loads(text, strict=False) if text.strip() else {}
        except json.JSONDecodeError:
            return json.loads(_LENIENT.sub(_strict_json, text), strict=False)
    except (ValueError, RecursionError) as error:
        raise invalid(f"Invalid JSON payload received. Unexpected token.\n{error}") from error


def _strict_json(match: re.Match[str]) -> str:
    double, single, bare = match.groups()
    if single is None:
        return f'"{bare}"' if bare else double or ""
    quoted = _QUOTES.sub(lambda found: "'" if found[1] == "'" else f"\\{found[1] or found[2]}", single)
    return f'"{quoted}"'


def tool_kinds(request: Mapping[str, Any]) -> list[str]:
    """The kind of every tool of a request, one for each entry and key, in order."""
    return [kind for tool in request.get("tools") or [] for kind in tool]


def declared_functions(request: Mapping[str, Any]) -> list[FunctionDeclaration]:
    """The function declarations of a request."""
    return [one for tool in request.get("tools") or [] for one in tool.get("functionDeclarations") or []]


def calling_config(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """How functions are to be called."""
    config: Mapping[str, Any] = (request.get("toolConfig") or {}).get("functionCallingConfig") or {}
    return config


def callable_functions(request: Mapping[str, Any]) -> list[FunctionDeclaration]:
    """The functions that may be called."""
    config = calling_config(request)
    allowed = config.get("allowedFunctionNames") or ()
    declared = declared_functions(request) if config.get("mode") != "NONE" else []
    return [one for one in declared if not allowed or one.get("name") in allowed]


def parse_message(message: str, body: Any, target: Target) -> dict[str, Any]:
    """Check a body against a message's fields and spell its keys in camelCase.

    Args:
        message: Name of the message, a key of `schema.MESSAGES`.
        body: The JSON value that came in.
        target: Where it goes; fields differ between the services.
    """
    if not isinstance(body, dict):
        raise invalid('Invalid JSON payload received. Unknown name "": Root element must be a message.')
    parser = _Parser(target)
    try:
        parsed = parser.message(message, body, "")
    except RecursionError as error:
        raise invalid("Invalid JSON payload received. Message too deep.") from error
    if not parser.violations:
        return parsed
    detail = {
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": parser.violations,
    }
    raise invalid("\n".join(violation["description"] for violation in parser.violations), details=[detail])


class _Parser:
    """One pass over one body; goes on after a violation so that all of them are named."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.violations: list[dict[str, str]] = []

    def message(self, kind: str, value: dict[str, Any], path: str) -> dict[str, Any]:
        fields = field_table(kind, self.target)
        parsed: dict[str, Any] = {}
        for spelled, item in value.items():
            if spelled not in fields:
                self._unknown(spelled, path, "Cannot find field.")
                continue
            name, field_kind = fields[spelled]
            if item is None:
                continue
            if isinstance(item, list) and not field_kind.startswith("[") and field_kind != "value":
                self._unknown(spelled, path, "Proto field is not repeating, cannot start list.")
                continue
            if kind == "Part" and name in PART_DATA and PART_DATA & parsed.keys():
                why = f"oneof field 'data' is already set. Cannot set '{spelled}'"
                self._wrong(path, "oneof", item, why)
            parsed[name] = self._field(field_kind, item, f"{path}.{snake_case(name)}".lstrip("."))
        return parsed

    def _field(self, kind: str, value: Any, path: str) -> Any:
        if kind.startswith("["):
            return self._list(kind[1:-1], value, path)
        if kind.startswith("{"):
            return self._map(kind[1:-1], value, path)
        return self._single(kind, value, path)

    def _list(self, kind: str, value: Any, path: str) -> list[Any]:
        if not isinstance(value, list):
            return [self._single(kind, value, path)]
        return [self._single(kind, item, f"{path}[{index}]") for index, item in enumerate(value)]

    def _map(self, kind: str, value: Any, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            self._wrong(path, "Map", value)
            return {}
        return {
            key: self._single(kind, item, f"{path}[{index}].value")
            for index, (key, item) in enumerate(value.items())
        }

    def _single(self, kind: str, value: Any, path: str) -> Any:
        if kind in ENUMS:
            return self._enum(kind, value, path)
        if kind in _SCALARS:
            try:
                return _SCALARS[kind](value)
            except ValueError as error:
                self._wrong(path, f"TYPE_{kind.upper()}", value, str(error))
                return None
        if not isinstance(value, dict):
            self._wrong(path, f"type.googleapis.com/{self.target.package}.{kind}", value)
            return {}
        return self.message(kind, value, path)

    def _enum(self, kind: str, value: Any, path: str) -> Any:
        names = ENUMS.get(f"{kind}@{self.target.endpoint}") or ENUMS[kind]
        if isinstance(value, str) and value.upper() in names:
            return value.upper()
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(names):
            return names[value]
        self._wrong(path, f"type.googleapis.com/{self.target.package}.{kind}", value)
        return None

    def _unknown(self, name: str, path: str, why: str) -> None:
        at = f" at '{path}'" if path else ""
        text = f'Invalid JSON payload received. Unknown name "{name}"{at}: {why}'
        self._violation(path, text)

    def _wrong(self, path: str, expected: str, value: Any, why: str = "") -> None:
        reason = why or json.dumps(value, ensure_ascii=False)
        self._violation(path, f"Invalid value at '{path}' ({expected}), {reason}")

    def _violation(self, path: str, text: str) -> None:
        self.violations.append({**({"field": path} if path else {}), "description": text})


def _string(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise ValueError


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError


def _double(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    try:
        return float(_string(value))
    except ValueError:
        raise ValueError from None


def _int32(value: Any) -> int:
    number = _double(value)
    if isinstance(number, float) and not number.is_integer():
        raise ValueError
    return int(number)


def _bytes(value: Any) -> str:
    text = _string(value)
    try:
        bytes_from_base64(text)
    except ValueError:
        raise ValueError(f"Base64 decoding failed for {json.dumps(text[:100])}") from None
    return text


def _struct(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise ValueError


_SCALARS: Mapping[str, Callable[[Any], Any]] = {
    "string": _string,
    "bool": _bool,
    "int32": _int32,
    "double": _double,
    "bytes": _bytes,
    "struct": _struct,
    "value": lambda value: value,
}
"""Each takes a JSON value or raises ValueError, with a text where the service has a special one."""
