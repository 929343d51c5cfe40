"""What models, programs and tools write acts nowhere: not in a browser, not in a terminal, not in a notebook."""

import io
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from rich.console import Console

from langchain_codeexec.records import html_fragment, html_page, notebook_from_messages, print_stream, render
from tests.browser import chromium  # noqa: F401 -- a fixture
from tests.records.blocks import CORPUS, code, hostile, result, text

EVERYTHING = [message for words in CORPUS for message in hostile(words)]


@pytest.mark.parametrize("width", [1280, 390])
def test_no_page_acts_loads_or_grows_wide(chromium: Any, tmp_path: Path, width: int) -> None:  # noqa: F811
    pages = {
        "page": html_page(EVERYTHING, title=CORPUS[2]),
        "fragment": f"<!doctype html><title>x</title>{html_fragment(EVERYTHING)}",  # no policy guards this one
    }
    for name, source in pages.items():
        path = tmp_path / f"{name}.html"
        path.write_text(source, encoding="utf-8")
        tab = chromium.new_page(viewport={"width": width, "height": 800})
        requests: list[str] = []
        tab.on("request", lambda request, to=requests: to.append(request.url))
        tab.on("dialog", lambda dialog: pytest.fail(dialog.message))
        tab.goto(path.as_uri())
        assert tab.title() != "acted"
        assert {url for url in requests if not url.startswith("data:image/")} == {path.as_uri()}
        assert (
            tab.evaluate("document.querySelectorAll('script, iframe, object, link, base, form, svg').length")
            == 0
        )
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        tab.close()


def screens(words: str) -> list[str]:
    """What a terminal is sent: the record of messages, and of a stream of them."""
    consoles = [Console(file=io.StringIO(), width=60, force_terminal=True, no_color=True) for _ in range(2)]
    consoles[0].print(render(hostile(words)), crop=False)
    print_stream([{"node": {"messages": hostile(words)}}], consoles[1])
    return [console.file.getvalue() for console in consoles]  # type: ignore[attr-defined]


@pytest.mark.parametrize("words", CORPUS)
def test_no_terminal_is_steered(words: str) -> None:
    for screen in screens(words):
        plain = re.sub(
            r"\x1b\[[\d;]+m", "", screen
        )  # styles are rich's; a message's would have become visible
        signs = {sign for sign in plain if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
        assert signs <= {"\n"}


@pytest.mark.parametrize("words", CORPUS)
def test_no_cell_acts(words: str) -> None:
    for cell in notebook_from_messages(hostile(words))["cells"]:
        for output in cell.get("outputs", ()):
            assert set(output.get("data", ())) <= {"image/png", "text/plain"}
        shown = [cell["source"], *(output.get("text", "") for output in cell.get("outputs", ()))]
        assert not {sign for one in shown for sign in one if unicodedata.category(sign) in ("Cc", "Cs")} - {
            "\n",
            "\t",
        }
        assert cell["cell_type"] == "code" or "```" in cell["source"] or "<script" not in cell["source"]


@pytest.mark.parametrize("words", ["x", "word ", "[*`<_", "line\n"])
def test_a_text_of_ten_million_characters_is_no_hindrance(chromium: Any, tmp_path: Path, words: str) -> None:  # noqa: F811
    long = words * (10_000_000 // len(words))
    message = AIMessage([text(long), code(long), result(long)])
    console = Console(file=io.StringIO(), width=60, force_terminal=True)
    console.print(render(message), crop=False)
    assert console.file.getvalue().count(words) >= 3 * long.count(words)  # type: ignore[attr-defined]
    (tmp_path / "long.html").write_text(html_page(message))
    tab = chromium.new_page(viewport={"width": 390, "height": 800})
    tab.goto((tmp_path / "long.html").as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    assert "characters are left out here" in tab.text_content("pre")
    tab.close()
