"""The wire's parts to LangChain's content blocks and back; pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec._lazy import lazy_exports

if TYPE_CHECKING:
    from langchain_codeexec.messages.code_blocks import code_executions

__all__ = ["code_executions"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "code_blocks": ["code_executions"],
    },
)
