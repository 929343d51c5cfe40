"""The answer as a document, in a file of its own."""

from __future__ import annotations

import json
from secrets import token_hex
from typing import TYPE_CHECKING

from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.records.html import html_page
from langchain_codeexec.records.notebook import notebook_from_messages

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from langchain_core.messages import BaseMessage

__all__ = ["write_documents"]


def write_documents(messages: Sequence[BaseMessage], *, html: Path | None, notebook: Path | None) -> None:
    """Write a conversation as a web page and as a notebook, where that is asked for.

    Raises:
        ConfigurationError: A file cannot be written; what it held before is still there.
    """
    if html is not None:
        _write(html, html_page(messages))
    if notebook is not None:
        _write(notebook, json.dumps(notebook_from_messages(messages), indent=1, ensure_ascii=False) + "\n")


def _write(path: Path, text: str) -> None:
    temporary = path.parent / f".{token_hex(8)}.part"
    try:
        try:
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"{str(path)!r} cannot be written: {error.strerror or error}. Choose another file."
        ) from error
