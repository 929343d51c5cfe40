"""What a model says, as HTML: its Markdown, without anything that acts or loads."""

from __future__ import annotations

from functools import lru_cache
from html import escape
from typing import Any

__all__ = ["html_from_markdown"]


def html_from_markdown(text: str) -> str:
    """Markdown as HTML. HTML in it is text, images in it are links: nothing is fetched to show a record.

    Without markdown-it-py (it comes with the extra `cli`) the text is shown as it was written.
    """
    parser = _parser()
    if parser is None:
        return f'<p class="verbatim">{escape(text.strip())}</p>'
    return str(parser.render(text)).strip()


@lru_cache(maxsize=1)
def _parser() -> Any:
    try:
        from markdown_it import MarkdownIt  # noqa: PLC0415 -- an optional library
    except ModuleNotFoundError:
        return None
    # Models mean the line ends they write.
    return MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("table").disable("image")
