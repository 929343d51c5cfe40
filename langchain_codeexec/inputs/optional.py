"""Libraries that only some formats need."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from langchain_codeexec.errors import MissingDependencyError

__all__ = ["optional"]


def optional(module: str) -> Any:
    """Import a module that the extra `files` brings.

    Raises:
        MissingDependencyError: It is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingDependencyError(module.partition(".")[0], "files") from error
