"""How a run is shown: as one JSON object, on a terminal, as a web page, in and as a Jupyter notebook.

`sections` reads a message, `conversation` several of them, the forms show their sections. `print_stream` prints,
the others only return something. Where images are saved they know from the message (see
`langchain_codeexec.data.save_outputs`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec._lazy import lazy_exports

if TYPE_CHECKING:
    from langchain_codeexec.records import sections as sections
    from langchain_codeexec.records import terminal as terminal
    from langchain_codeexec.records.conversation import messages_in
    from langchain_codeexec.records.html import html_fragment, html_page
    from langchain_codeexec.records.json_form import json_record
    from langchain_codeexec.records.live import aprint_stream, print_stream
    from langchain_codeexec.records.notebook import notebook_from_messages, show
    from langchain_codeexec.records.terminal import render

__all__ = [
    "aprint_stream",
    "html_fragment",
    "html_page",
    "json_record",
    "messages_in",
    "notebook_from_messages",
    "print_stream",
    "render",
    "show",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "conversation": ["messages_in"],
        "html": ["html_fragment", "html_page"],
        "json_form": ["json_record"],
        "live": ["aprint_stream", "print_stream"],
        "notebook": ["notebook_from_messages", "show"],
        "sections": [],
        "terminal": ["render"],
    },
)
