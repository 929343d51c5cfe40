"""Lists, a page at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_codeexec.emulator.service_errors import invalid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["page_of"]

_PAGE, _LARGEST = 50, 1000


def page_of(key: str, items: Sequence[Any], query: Mapping[str, str]) -> dict[str, Any]:
    """The part of a list that `pageSize` and `pageToken` ask for, and the token of the next.

    Args:
        key: The field of the answer that holds the items; it is left out where there are none.
        items: The whole list.
        query: The query parameters, in either spelling.

    Raises:
        EmulatedError: They are not what this list gave out.
    """
    size = _number(query, "pageSize", "page_size") or _PAGE
    start = _number(query, "pageToken", "page_token")
    if start and start >= len(items):
        raise invalid("Invalid page token.")
    end = start + min(size, _LARGEST)
    page = {key: list(items[start:end])} if items else {}
    return {**page, "nextPageToken": str(end)} if end < len(items) else page


def _number(query: Mapping[str, str], *spellings: str) -> int:
    said = next((query[name] for name in spellings if query.get(name)), "0")
    if not (said.isascii() and said.isdecimal()):
        raise invalid(f"Invalid value at '{spellings[-1]}', \"{said}\"")
    return int(said[:9])
