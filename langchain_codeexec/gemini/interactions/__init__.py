"""The Interactions API as a transport: steps on its side, generateContent's requests and responses on this."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec._lazy import lazy_exports

if TYPE_CHECKING:
    from langchain_codeexec.gemini.interactions.transport import InteractionsTransport

__all__ = ["InteractionsTransport"]

__getattr__, __dir__ = lazy_exports(__name__, {"transport": ["InteractionsTransport"]})
