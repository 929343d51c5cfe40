"""Ids for calls that the wire left without one.

Gemini 2.x links a result to its code by order alone, LangChain by id. A synthetic id starts with LangChain's
own prefix for ids it makes up and never goes back to the wire.
"""

from __future__ import annotations

__all__ = ["CallIds", "is_synthetic"]

_PREFIX = "lc_"


def is_synthetic(call_id: object) -> bool:
    """Whether an id was made up on this side, so that the wire must not see it."""
    return not isinstance(call_id, str) or not call_id or call_id.startswith(_PREFIX)


class CallIds:
    """Gives each call of one response an id, and each result the id of its call.

    Args:
        seed: Distinguishes this response from all others; the same seed gives the same ids.
    """

    __slots__ = ("_count", "_open", "_seed")

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._count = 0
        self._open: str | None = None

    def call(self, wire_id: object) -> str:
        """The id of a call that the client is to answer."""
        if isinstance(wire_id, str) and wire_id:
            return wire_id
        self._count += 1
        return f"{_PREFIX}{self._seed}_{self._count}"

    def server_call(self, wire_id: object) -> str:
        """The id of a call that the server answers itself; the next result without an id is its own."""
        self._open = self.call(wire_id)
        return self._open

    def server_result(self, wire_id: object) -> str:
        """The id of the call that a result answers."""
        if isinstance(wire_id, str) and wire_id:
            return wire_id
        return self._open or self.call(None)
