"""Running programs on this machine, isolated from it."""

from langchain_codeexec.executors.sandbox.local import LocalSandbox, LocalSession, SandboxWarning

__all__ = ["LocalSandbox", "LocalSession", "SandboxWarning"]
