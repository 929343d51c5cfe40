"""Documents made small enough to look at: long texts are cut, binary data is left out, both can be fetched."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["cut", "found", "texts"]

_LONGEST = 20_000
_DEEPEST = 100
_SIGNATURES = frozenset({"thoughtSignature", "thought_signature"})


def cut(document: Any) -> tuple[Any, dict[str, dict[str, Any]]]:
    """Cut what is long.

    Returns:
        The document, fit for any JSON reader; and by JSON pointer (RFC 6901) what was cut: its `length` in
        characters, and of base64 the `mimeType` and the `bytes` it stands for.
    """
    cuts: dict[str, dict[str, Any]] = {}
    return _cut(document, "", cuts, 0), cuts


def _cut(value: Any, pointer: str, cuts: dict[str, dict[str, Any]], depth: int) -> Any:
    if depth > _DEEPEST:
        return "…"
    if isinstance(value, str) and len(value) > _LONGEST:
        cuts[pointer] = {"length": len(value)}
        return value[:_LONGEST]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list):
        return [_cut(item, f"{pointer}/{index}", cuts, depth + 1) for index, item in enumerate(value)]
    if isinstance(value, dict):
        cut_items = {name: _cut(item, _below(pointer, name), cuts, depth + 1) for name, item in value.items()}
        if mime_type := _mime_type(value):
            data = value["data"]
            size = len(data.rstrip("=")) * 3 // 4
            cuts[_below(pointer, "data")] = {"length": len(data), "bytes": size, "mimeType": mime_type}
            cut_items["data"] = ""
        return cut_items
    return value


def _mime_type(value: dict[str, Any]) -> str:
    """The type of an inline blob; empty for what is none."""
    mime_type = value.get("mimeType") or value.get("mime_type")
    return mime_type if isinstance(mime_type, str) and isinstance(value.get("data"), str) else ""


def _below(pointer: str, name: str) -> str:
    return f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"


def found(document: Any, pointer: str) -> tuple[str, str]:
    """A text of a document, whole, and its MIME type where it is base64.

    Args:
        document: Before it was cut.
        pointer: Where the text is.

    Raises:
        LookupError: There is no text.
    """
    parent, value = None, document
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        parent = value
        value = _child(value, name)
    if not isinstance(value, str):
        raise LookupError(pointer)  # noqa: TRY004 -- nothing is of a wrong type: the text is not there
    is_blob = isinstance(parent, dict) and pointer.endswith("/data")
    return value, _mime_type(parent) if is_blob and isinstance(parent, dict) else ""


def _child(value: Any, name: str) -> Any:
    if isinstance(value, dict) and name in value:
        return value[name]
    if isinstance(value, list) and name.isdecimal() and int(name) < len(value):
        return value[int(name)]
    raise LookupError(name)


def texts(document: Any) -> Iterator[str]:
    """All texts in a document, names included, but no base64; in order."""
    left = [document]
    while left:
        value = left.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            left.extend(reversed(value))
        elif isinstance(value, dict):
            binary = {"data"} if _mime_type(value) else set()
            said = [(name, item) for name, item in value.items() if name not in binary | _SIGNATURES]
            left.extend(text for pair in reversed(said) for text in reversed(pair))
