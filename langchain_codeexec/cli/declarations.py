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
        ConfigurationError: The file cannot be read or is not JSON.
    """
    try:
        declared = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"cannot read function declarations from {path}: {error}") from error
    return declared if isinstance(declared, list) else [declared]
