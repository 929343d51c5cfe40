"""The files of a request as Gemini knows them: their types, and their names in the working directory of the code.

Source: the Gemini API's guides to code execution ("supported file types") and to file input. The service names
the files of a request by their order and type: `input_file_0.csv`, `input_file_1.png` and so on.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from typing import Final

__all__ = ["CODE_INPUT_TYPES", "INPUT_TYPES", "code_can_open", "input_file_name"]

CODE_INPUT_TYPES: Final[Mapping[str, str]] = {
    ".cpp": "text/x-c++src",
    ".csv": "text/csv",
    ".java": "text/x-java",
    ".jpeg": "image/jpeg",
    ".js": "text/javascript",
    ".png": "image/png",
    ".py": "text/x-python",
    ".ts": "text/x-typescript",
    ".xml": "text/xml",
}
"""MIME types of the files that code finds, by suffix."""

INPUT_TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css",
    ".htm": "text/html",
    ".html": "text/html",
    ".jpg": "image/jpeg",
    ".md": "text/markdown",
    ".pdf": "application/pdf",
    ".rtf": "text/rtf",
    ".svg": "text/xml",
    ".txt": "text/plain",
    ".wav": "audio/wav",
    ".webp": "image/webp",
    **CODE_INPUT_TYPES,
}
"""MIME types by suffix; a system's own table may know `.csv` as Excel and `.ts` as video."""

_SUFFIXES: Final[Mapping[str, str]] = {
    "application/xml": ".xml",
    **{mime_type: suffix for suffix, mime_type in INPUT_TYPES.items()},
}


def suffix_of(mime_type: str) -> str:
    """The suffix of a file in the working directory; empty for a type nobody knows."""
    bare = mime_type.partition(";")[0].strip().lower()
    return _SUFFIXES.get(bare) or mimetypes.guess_extension(bare) or ""


def input_file_name(index: int, mime_type: str) -> str:
    """What a file is called in the working directory.

    Args:
        index: Its place among the files of the request, from 0.
        mime_type: Its type.

    Examples:
        >>> input_file_name(0, "text/csv"), input_file_name(1, "image/jpeg")
        ('input_file_0.csv', 'input_file_1.jpeg')
    """
    return f"input_file_{index}{suffix_of(mime_type)}"


def code_can_open(mime_type: str) -> bool:
    """Whether the service puts a file of that type into the working directory."""
    return suffix_of(mime_type) in CODE_INPUT_TYPES
