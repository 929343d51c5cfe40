"""A record as a web page: complete in itself, without scripts, readable on light and dark, and by screen readers.

Every text is escaped, and characters that would steer a terminal or reorder a line are visible. A model's Markdown
is rendered without anything that acts or loads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from html import escape
from importlib import import_module
from typing import Any, Final

from langchain_codeexec.control.prices import Prices, PriceTable
from langchain_codeexec.records.conversation import Recorded, sections_in
from langchain_codeexec.records.sections import Kind, Section, call_rows
from langchain_codeexec.records.texts import LONGEST_MARKED, joined, shortened, visible

__all__ = ["html_fragment", "html_from_code", "html_page"]


def html_from_code(code: str, language: str) -> str:
    """Code, escaped, in `span` elements of the classes that Pygments has for tokens.

    Without Pygments (it comes with the extra `cli`), as in a language that it does not know, nothing is marked.
    """
    if len(code) > LONGEST_MARKED:
        return escape(code)
    try:
        pygments = import_module("pygments")
        lexer = import_module("pygments.lexers").get_lexer_by_name(language, stripnl=False)
        formatter = import_module("pygments.formatters").HtmlFormatter(nowrap=True)
    except (ModuleNotFoundError, ValueError):
        return escape(code)
    return str(pygments.highlight(code, lexer, formatter)).removesuffix("\n")


def html_from_markdown(text: str) -> str:
    """Markdown as HTML. HTML in it is text, images in it are links: nothing is fetched to show a record.

    Without markdown-it-py (it comes with the extra `cli`) the text is shown as it was written.
    """
    parser = _parser() if len(text) <= LONGEST_MARKED else None
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


_STYLE: Final = """
.codeexec { color-scheme: light dark; color: light-dark(#1c2024, #e4e8ec); background: light-dark(#fff, #15181c);
  font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; overflow-wrap: break-word;
  [data-jp-theme-light="true"] & { color-scheme: light; }
  [data-jp-theme-light="false"] & { color-scheme: dark; }
  h2 { font-size: .8rem; font-weight: 600; letter-spacing: .04em; margin: 1.25rem 0 .35rem; }
  h2, figcaption, .usage, .plan, .review, .thoughts { color: light-dark(#57606a, #a3adb8); }
  figcaption, .usage, .plan, .review, .thoughts { font-size: .875rem; }
  .question { border-top: 2px solid light-dark(#d0d7de, #3a424b); margin-top: 1.5rem; }
  section:first-of-type { border-top: 0; margin-top: 0; }
  p, ul, ol { margin: .35rem 0; }
  pre, .prose code { font: .875rem/1.45 ui-monospace, monospace; background: light-dark(#f3f5f7, #1f242a);
    border-radius: 6px; }
  pre { margin: 0; padding: .75rem 1rem; overflow: auto; max-height: 40rem; }
  .prose code { padding: .1rem .3rem; }
  .prose pre code { padding: 0; }
  .output pre { background: none; border-left: 3px solid light-dark(#2da44e, #3fb950); border-radius: 0; }
  .reply pre { white-space: pre-wrap; }
  .output.failed pre { border-color: light-dark(#b3261e, #ff8f86); }
  figure { margin: 0; }
  img { max-width: 100%; height: auto; background: #fff; border-radius: 6px; }
  .notice { font-weight: 600; }
  .notice, .host-call { color: light-dark(#8a5300, #f2b35c); }
  .failed h2, .notice.failed { color: light-dark(#b3261e, #ff8f86); }
  .pair { display: grid; gap: .5rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); }
  .verbatim { white-space: pre-wrap; }
  table { border-collapse: collapse; }
  th, td { border: 1px solid light-dark(#d0d7de, #3a424b); padding: .25rem .6rem; }
  a { color: light-dark(#0a58ca, #79b0ff); }
  span:is([class^="k"], .ow) { color: light-dark(#a3219b, #e08be0); }
  span[class^="s"] { color: light-dark(#0a6640, #7fd8a4); }
  span[class^="m"] { color: light-dark(#0a4fa8, #83b9ff); }
  span[class^="c"] { color: light-dark(#636c76, #98a2ad); font-style: italic; }
  @media print { color-scheme: light; max-width: none; padding: 0;
    pre { max-height: none; overflow: visible; white-space: pre-wrap; }
    h2 { break-after: avoid; }
    figure, tr { break-inside: avoid; }
  }
}
"""

_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>html {{ color-scheme: light dark; background: light-dark(#fff, #15181c); }}</style>
</head>
<body>
<main>
{record}
</main>
</body>
</html>
"""


def html_page(
    messages: Recorded, *, title: str = "Code execution", prices: Prices | PriceTable | None = None
) -> str:
    """A message, a conversation or a run as a web page of its own, which loads nothing.

    Args:
        messages: A message or several, of any role and provider; a graph's state, a snapshot or checkpoint of it;
            an execution or a result.
        title: The page's title.
        prices: What tokens cost, for the cost of answers, turns and all of it: `control.published_prices()`, or a
            table by model and kind.

    Raises:
        ConfigurationError: The prices are none.
        MessageError: There are no messages in it.
    """
    return _PAGE.format(title=escape(visible(title)), record=html_fragment(messages, prices=prices))


def html_fragment(messages: Recorded, *, prices: Prices | PriceTable | None = None) -> str:
    """The same as one `article` element, style included, to be put into any page.

    Args:
        messages: As of `html_page`.
        prices: As of `html_page`.
    """
    sections = "\n".join(map(_html, sections_in(messages, prices)))
    return f'<article class="codeexec">\n<style>{_STYLE}</style>\n{sections}\n</article>'


def _html(section: Section) -> str:
    section = replace(
        section,
        text=shortened(section.text, _LONGEST_SHOWN),
        written=shortened(section.written, _LONGEST_SHOWN),
    )
    classes = f"{section.kind} failed" if section.failed else section.kind
    heading = "" if section.kind in _WITHOUT_HEADING else f"<h2>{escape(section.heading)}</h2>\n"
    place = f"\n<p><small>{_text(section.place)}</small></p>" if section.place else ""
    body = _BODIES.get(section.kind, _verbatim)(section)
    return f'<section class="{classes}">\n{heading}{body}{place}\n</section>'


def _text(text: str) -> str:
    return escape(visible(text))


def _code(section: Section) -> str:
    code = visible(section.text).strip("\n")
    lines = html_from_code(code, section.label).split("\n")
    for index, row in call_rows(section, code.split("\n")):
        lines[index] += f'\n<span class="host-call">{escape(row)}</span>'
    source = _BLOCK_OF_CODE.format("\n".join(lines))
    if not section.written:
        return source
    written = _BLOCK_OF_CODE.format(html_from_code(visible(section.written).strip("\n"), section.label))
    return (
        f'<div class="pair"><div><p><small>as the model wrote it</small></p>{written}</div>'
        f"<div><p><small>as it was edited</small></p>{source}</div></div>"
    )


def _verbatim(section: Section) -> str:
    text = visible(section.text).rstrip("\n")
    return f'<pre tabindex="0">{escape(text)}</pre>'


def _image(section: Section) -> str:
    if section.file is None or not _IMAGE_TYPE.fullmatch(section.file.mime_type):
        return _remark(section)
    description = _text(section.text)
    source = f"data:{section.file.mime_type};base64,{section.file.base64}"
    return (
        f'<figure>\n<img src="{source}" alt="{description}">\n'
        f"<figcaption>{description}</figcaption>\n</figure>"
    )


def _remark(section: Section) -> str:
    return f"<p>{_text(section.text)}</p>"


_IMAGE_TYPE: Final = re.compile(r"image/[\w.+-]+")
_LONGEST_SHOWN: Final = 500_000
"""Characters of a text on a page; with a few million, browsers stop to answer. The message has all of them."""

_BLOCK_OF_CODE: Final = '<pre tabindex="0"><code>{}</code></pre>'
_WITHOUT_HEADING: Final = frozenset({"notice", "usage"})
_BODIES: Final[Mapping[Kind, Callable[[Section], str]]] = {
    **dict.fromkeys(
        ("system", "question", "model", "answer", "thoughts"),
        lambda section: f'<div class="prose">{html_from_markdown(visible(section.text))}</div>',
    ),
    **dict.fromkeys(("plan", "review", "file", "notice"), _remark),
    "code": _code,
    "output": lambda section: (
        _verbatim(section) if section.text.strip("\n") else "<p>(it printed nothing)</p>"
    ),
    "image": _image,
    "usage": lambda section: f"<p>{_text(joined(section.label[:200], section.text))}</p>",
}
