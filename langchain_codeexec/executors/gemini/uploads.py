"""Files on their way into Gemini's sandbox: which it takes, and what it calls them.

Source of the list: the documentation of code execution, "supported file types". The service names uploads by
their order in the request, `input_file_0.csv` and so on.
"""

from __future__ import annotations

from base64 import b64encode
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from langchain_codeexec.errors import ExecutionRequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_codeexec.executions import InlineFile
    from langchain_codeexec.gemini.wire import Part

__all__ = ["part_from_file", "service_name"]

_SENT_AS: Final[Mapping[str, str]] = {
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
"""MIME types by the suffixes that the service takes."""

_SUFFIXES: Final[Mapping[str, str]] = {
    **{mime_type: suffix for suffix, mime_type in _SENT_AS.items()},
    "application/csv": ".csv",
    "application/javascript": ".js",
    "application/typescript": ".ts",
    "application/xml": ".xml",
    "image/jpg": ".jpeg",
    "text/x-c++": ".cpp",
    "text/x-java-source": ".java",
}
_SPELLINGS: Final[Mapping[str, str]] = {".jpg": ".jpeg"}


def service_name(index: int, file: InlineFile) -> str:
    """What the service calls a file.

    Args:
        index: Its place among the request's files.
        file: The file; its MIME type decides, else the suffix of its name.

    Raises:
        ExecutionRequestError: The service takes no such file.
    """
    return f"input_file_{index}{_suffix(file)}"


def part_from_file(file: InlineFile) -> Part:
    """The part that carries a file.

    Raises:
        ExecutionRequestError: The service takes no such file.
    """
    mime_type = _SENT_AS[_suffix(file)]
    return {"inlineData": {"mimeType": mime_type, "data": b64encode(file.data).decode("ascii")}}


def _suffix(file: InlineFile) -> str:
    by_type = _SUFFIXES.get(file.mime_type.partition(";")[0].strip().lower())
    ending = PurePath(file.name).suffix.lower()
    suffix = by_type or _SPELLINGS.get(ending, ending)
    if suffix not in _SENT_AS:
        raise ExecutionRequestError(
            f"Gemini's sandbox takes no file like {file.name or 'this'} ({file.mime_type or 'no MIME type'}), "
            f"only {', '.join(_SENT_AS)}: convert it, or run the program in another executor"
        )
    return suffix
