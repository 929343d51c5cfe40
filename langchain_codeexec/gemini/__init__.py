"""The generateContent protocol, without LangChain in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec._lazy import lazy_exports

if TYPE_CHECKING:
    from langchain_codeexec.gemini.genai import GenAITransport
    from langchain_codeexec.gemini.rest import RestTransport

__all__ = ["GenAITransport", "RestTransport"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "genai": ["GenAITransport"],
        "rest": ["RestTransport"],
    },
)
