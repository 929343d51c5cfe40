"""Function declarations out of a file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from langchain_codeexec.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["declared_functions"]


def declared_functions(path: Path) -> list[Any]:
    """The declarations in a JSON file: a list of them, or a single one, in any form that `bind_tools` takes.

    Raises:
        ConfigurationError: The file cannot be read, is not JSON, or holds something else.
    """
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigurationError(f"cannot read function declarations from {path}: {reason}") from error
    declared = read if isinstance(read, list) else [read]
    if not declared or not all(isinstance(one, dict) for one in declared):
        raise ConfigurationError(
            f"{path} holds something else than function declarations; give it an object with name, description "
            "and parameters (a JSON schema), or a list of such objects"
        )
    return declared
