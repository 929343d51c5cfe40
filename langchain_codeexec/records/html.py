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
from keyword import iskeyword
from typing import Any, Final

from langchain_codeexec.control.prices import Prices, PriceTable
from langchain_codeexec.records.conversation import Recorded, sections_in
from langchain_codeexec.records.sections import Kind, Section, call_rows
from langchain_codeexec.records.texts import LONGEST_MARKED, shortened, visible

__all__ = ["html_fragment", "html_from_python", "html_page"]

_TOKEN: Final = re.compile(
    r"""
    (?P<comment> \#[^\n]*)
    | (?P<string> [rbuftRBUFT]{0,2}
        (?: "{3} (?:\\.|[^\\])*? (?:"{3}|\Z) | '{3} (?:\\.|[^\\])*? (?:'{3}|\Z)
        | " (?:\\.|[^"\\\n])* "? | ' (?:\\.|[^'\\\n])* '? ) )
    | (?P<number> (?<!\w) (?: 0[xXoObB][0-9a-fA-F_]+ | [0-9][0-9_]*\.?[0-9_]*(?:[eE][+-]?[0-9]+)?[jJ]? ))
    | (?P<name> [^\W\d]\w*)
    """,
    re.VERBOSE | re.DOTALL,
)
"""Unlike `tokenize` it reads unfinished code, to the end of the line or of the text, as an editor does."""


def html_from_python(code: str) -> str:
    """Code, escaped, in `span` elements of the classes `comment`, `string`, `number` and `keyword`."""
    if len(code) > LONGEST_MARKED:
        return escape(code)
    pieces, end = [], 0
    for token in _TOKEN.finditer(code):
        pieces += [escape(code[end : token.start()]), _span(token)]
        end = token.end()
    return "".join([*pieces, escape(code[end:])])


def _span(token: re.Match[str]) -> str:
    kind, text = str(token.lastgroup), escape(token[0])
    if kind == "name":
        return f'<span class="keyword">{text}</span>' if iskeyword(token[0]) else text
    return f'<span class="{kind}">{text}</span>'


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
  font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem;
  overflow-wrap: break-word; }
[data-jp-theme-light="true"] .codeexec { color-scheme: light; }
[data-jp-theme-light="false"] .codeexec { color-scheme: dark; }
.codeexec h2 { font-size: .8rem; font-weight: 600; letter-spacing: .04em; margin: 1.25rem 0 .35rem;
  color: light-dark(#57606a, #a3adb8); }
.codeexec .failed h2 { color: light-dark(#b3261e, #ff8f86); }
.codeexec .question { border-top: 2px solid light-dark(#d0d7de, #3a424b); margin-top: 1.5rem; }
.codeexec section:first-of-type { border-top: 0; margin-top: 0; }
.codeexec p, .codeexec ul, .codeexec ol { margin: .35rem 0; }
.codeexec pre, .codeexec .prose code { font: .875rem/1.45 ui-monospace, monospace;
  background: light-dark(#f3f5f7, #1f242a); border-radius: 6px; }
.codeexec pre { margin: 0; padding: .75rem 1rem; overflow: auto; max-height: 40rem; }
.codeexec .prose code { padding: .1rem .3rem; }
.codeexec .prose pre code { padding: 0; }
.codeexec .output pre { background: none; border-left: 3px solid light-dark(#2da44e, #3fb950); border-radius: 0; }
.codeexec .output.failed pre { border-color: light-dark(#b3261e, #ff8f86); }
.codeexec figure { margin: 0; }
.codeexec figcaption, .codeexec .usage, .codeexec .plan, .codeexec .review,
.codeexec .thoughts { font-size: .875rem;
  color: light-dark(#57606a, #a3adb8); }
.codeexec img { max-width: 100%; height: auto; background: #fff; border-radius: 6px; }
.codeexec .notice { font-weight: 600; color: light-dark(#8a5300, #f2b35c); }
.codeexec .notice.failed { color: light-dark(#b3261e, #ff8f86); }
.codeexec .pair { display: grid; gap: .5rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); }
.codeexec .verbatim { white-space: pre-wrap; }
.codeexec table { border-collapse: collapse; }
.codeexec th, .codeexec td { border: 1px solid light-dark(#d0d7de, #3a424b); padding: .25rem .6rem; }
.codeexec a { color: light-dark(#0a58ca, #79b0ff); }
.codeexec .keyword { color: light-dark(#a3219b, #e08be0); }
.codeexec .string { color: light-dark(#0a6640, #7fd8a4); }
.codeexec .number { color: light-dark(#0a4fa8, #83b9ff); }
.codeexec span.call { color: light-dark(#8a5300, #f2b35c); }
.codeexec .comment { color: light-dark(#636c76, #98a2ad); font-style: italic; }
@media print {
  .codeexec { color-scheme: light; max-width: none; padding: 0; }
  .codeexec pre { max-height: none; overflow: visible; white-space: pre-wrap; }
  .codeexec h2 { break-after: avoid; }
  .codeexec figure, .codeexec tr { break-inside: avoid; }
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
    lines = _highlighted(code, section.label).split("\n")
    for index, row in call_rows(section, code.split("\n")):
        lines[index] += f'\n<span class="call">{escape(row)}</span>'
    source = _BLOCK_OF_CODE.format("\n".join(lines))
    if not section.written:
        return source
    written = _BLOCK_OF_CODE.format(_highlighted(visible(section.written).strip("\n"), section.label))
    return (
        f'<div class="pair"><div><p><small>as the model wrote it</small></p>{written}</div>'
        f"<div><p><small>as it was edited</small></p>{source}</div></div>"
    )


def _highlighted(code: str, language: str) -> str:
    return html_from_python(code) if language == "python" else escape(code)


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
    "usage": lambda section: f"<p>{_text(' · '.join(filter(None, (section.label[:200], section.text))))}</p>",
}
