"""An executor's files as parts of a request: their types in the service's spelling, others refused."""

from __future__ import annotations

from base64 import b64encode
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from langchain_codeexec.errors import ExecutionRequestError
from langchain_codeexec.gemini.input_files import CODE_INPUT_TYPES, input_file_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_codeexec.executions import InlineFile
    from langchain_codeexec.gemini.wire import Part

__all__ = ["part_from_file", "service_name"]

_SUFFIXES: Final[Mapping[str, str]] = {
    **{mime_type: suffix for suffix, mime_type in CODE_INPUT_TYPES.items()},
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
    return input_file_name(index, CODE_INPUT_TYPES[_suffix(file)])


def part_from_file(file: InlineFile) -> Part:
    """The part that carries a file.

    Raises:
        ExecutionRequestError: The service takes no such file.
    """
    mime_type = CODE_INPUT_TYPES[_suffix(file)]
    return {"inlineData": {"mimeType": mime_type, "data": b64encode(file.data).decode("ascii")}}


def _suffix(file: InlineFile) -> str:
    by_type = _SUFFIXES.get(file.mime_type.partition(";")[0].strip().lower())
    ending = PurePath(file.name).suffix.lower()
    suffix = by_type or _SPELLINGS.get(ending, ending)
    if suffix not in CODE_INPUT_TYPES:
        raise ExecutionRequestError(
            f"Gemini's sandbox takes no file like {file.name or 'this'} ({file.mime_type or 'no MIME type'}), "
            f"only {', '.join(CODE_INPUT_TYPES)}: convert it, or run the program in another executor"
        )
    return suffix
