"""What the user sees of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_codeexec.translation.parts import STAND_IN_SIGNATURE

if TYPE_CHECKING:
    from langchain_codeexec.planning.repair import Repair

__all__ = ["Showing"]

Json = dict[str, Any]


class Showing:
    """Shows the parts of one answer as they come, and remembers the calls among them.

    Attributes:
        delegated: Calls of the function that stands for code execution; they are not shown.
        called: Whether the user's own functions were called.

    Args:
        repair: Turns calls that were written as code into calls; `None` shows the code.
        delegate: Name of the function that stands for code execution.
        text_as_thought: Whether text is shown as a thought, because the answer proper is still to come.
    """

    def __init__(self, repair: Repair | None, *, delegate: str | None, text_as_thought: bool) -> None:
        self._repair = repair
        self._delegate = delegate
        self._text_as_thought = text_as_thought
        self._signature_hidden = False
        self.delegated: list[Json] = []
        self.called = False

    def __call__(self, parts: list[Json]) -> list[Json]:
        """The parts to be shown of those that came."""
        if self._repair:
            parts = self._repair.parts(parts)
        return [shown for part in parts if (shown := self._part(part)) is not None]

    def _part(self, part: Json) -> Json | None:
        if self._text_as_thought and "text" in part:
            return {**part, "thought": True}
        call = part.get("functionCall")
        if not isinstance(call, dict):
            return part
        if self._delegate and call.get("name") == self._delegate:
            self.delegated.append(call)
            self._signature_hidden |= "thoughtSignature" in part
            return None
        self.called = True
        if self._signature_hidden and "thoughtSignature" not in part:
            # Of parallel calls only the first is signed, and that one is hidden now.
            self._signature_hidden = False
            return {**part, "thoughtSignature": STAND_IN_SIGNATURE}
        return part
