"""Running programs on this machine, isolated from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec._lazy import lazy_exports

if TYPE_CHECKING:
    from langchain_codeexec.sandbox.local import LocalSandbox, LocalSession, SandboxWarning

__all__ = ["LocalSandbox", "LocalSession", "SandboxWarning"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "local": ["LocalSandbox", "LocalSession", "SandboxWarning"],
    },
)
