"""What people say around a question: greetings, whom it is from, whether one knows."""

from __future__ import annotations

from langchain_codeexec.emulator.rules.phrasing import phrase

__all__ = ["bare"]

_ASKS = (
    r"(?:how|what|what's|whats|which|who|who's|whose|when|where|by (?:how|what)|in (?:what|which)|at what)\b"
)
_GREETING = phrase(
    r"\A\W*(?:(?:hey|hi|hello|hallo|dear|there|so|ok|okay|well|now|please|quick question|just)\b[\s,.!:;-]*)+"
)
# A sentence about the asking itself: nothing that it says belongs to what is asked.
_LEAD = phrase(
    r"\A[^\d.?!]{0,80}?\b(?:ask(?:s|ed|ing)?|wonder(?:s|ed|ing)?|curious|know|tell|interested|question)\b"
    rf"(?:\s+(?:me|us|you|about|is|today))*[\s,.:;-]+(?={_ASKS})"
)
_TAIL = phrase(
    r"[\s,.;?!\u2013\u2014-]+(?:(?:do|can|could|would) you (?:happen to )?(?:know|say|tell(?: me)?|look it up)"
    r"|please|thanks|thank you)\b[\s.?!]*\Z"
)


def bare(text: str) -> str:
    """A question without courtesies."""
    for around in (_GREETING, _LEAD):
        text = around.sub("", text)
    return _TAIL.sub("?", text)
