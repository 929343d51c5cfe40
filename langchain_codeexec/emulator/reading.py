"""What a client sends, up to a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

from langchain_codeexec.emulator.service_errors import EmulatedError, invalid

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["read_body"]


async def read_body(request: Request, limit: int) -> bytes:
    """Read a body; what is over the limit is refused as soon as that is known.

    Raises:
        EmulatedError: It is larger than `limit` bytes, or the client went away.
    """
    raw = bytearray()
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise _too_large(limit)
    try:
        async for piece in request.stream():
            raw += piece
            if len(raw) > limit:
                raise _too_large(limit)
    except ClientDisconnect:
        raise EmulatedError(499, message="The client went away.") from None
    return bytes(raw)


def _too_large(limit: int) -> EmulatedError:
    return invalid(f"Request payload size exceeds the limit: {limit} bytes.")
