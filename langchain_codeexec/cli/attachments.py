"""Files of the user's as content of a question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_codeexec.inputs import data_message

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["question_with_files"]


def question_with_files(question: str, files: Iterable[Path]) -> str | list[Any]:
    """Content of a user's message: the question, what its files are, and the files by value.

    Raises:
        DataError: A file cannot be read, is empty, too large or of an unknown type.
        MissingDependencyError: The library that reads a file's format is not installed.
    """
    return data_message(question, *files).content
