"""How a run is shown: as one JSON object, on a terminal, as a web page, in and as a Jupyter notebook.

`sections` reads a message, the forms show its sections. None of them prints or writes anything. Where images are
saved they know from the message (see `langchain_codeexec.data.save_outputs`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec._lazy import lazy_exports

if TYPE_CHECKING:
    from langchain_codeexec.records import sections as sections
    from langchain_codeexec.records import terminal as terminal
    from langchain_codeexec.records.html import html_fragment, html_page
    from langchain_codeexec.records.notebook import notebook_from_messages, show
    from langchain_codeexec.records.sections import json_record
    from langchain_codeexec.records.terminal import render_execution, render_message

__all__ = [
    "html_fragment",
    "html_page",
    "json_record",
    "notebook_from_messages",
    "render_execution",
    "render_message",
    "show",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "html": ["html_fragment", "html_page"],
        "notebook": ["notebook_from_messages", "show"],
        "sections": ["json_record"],
        "terminal": ["render_execution", "render_message"],
    },
)
