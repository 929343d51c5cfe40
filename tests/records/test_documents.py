"""Records as web pages and notebooks: everything is in them, nothing in them acts."""

import json
import re
import sys
from base64 import b64encode
from html import unescape
from html.parser import HTMLParser
from typing import Any

import nbformat
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from langchain_codeexec.data import FolderSink, save_outputs
from langchain_codeexec.executions import CodeExecution, InlineFile, Outcome, artifact_from_executions
from langchain_codeexec.records import html
from langchain_codeexec.records.html import html_fragment, html_from_code, html_page
from langchain_codeexec.records.notebook import notebook_from_messages, show
from tests.records.blocks import CORPUS, PIXEL, PIXEL_FACTS, code, hostile, image, result, text

CONVERSATION = [
    HumanMessage(
        [text("Plot *this*."), {"type": "file", "base64": "YQ==", "mime_type": "text/csv"}, image()]
    ),
    AIMessage(
        [
            {"type": "reasoning", "reasoning": "Hm."},
            text("First."),
            code("import x\nplot()"),
            result("1\n"),
            image(),
            code("1/0", "d"),
            result("ZeroDivisionError", "d", "OUTCOME_FAILED"),
            text("It is **1**."),
        ],
        response_metadata={
            "plan": {"code_execution": True, "functions": ["f"], "way": "native", "reason": "both"},
            "finish_message": "Cut off.",
            "model_name": "gemini-x",
        },
        usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
    ),
    AIMessage([{"type": "tool_call", "id": "t", "name": "run", "args": {"a": 1}}]),
    ToolMessage(
        "It printed 3.",
        tool_call_id="t",
        name="run",
        artifact=artifact_from_executions([CodeExecution("print(3)", outcome=Outcome.OK, output="3\n")]),
    ),
]


class Page(HTMLParser):
    """The elements and the text of a page; whatever is not well-formed is an error."""

    VOID = frozenset({"meta", "img", "br", "hr"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words += data

    def attributes(self, name: str) -> list[str]:
        return [
            value or "" for _, attributes in self.elements for key, value in attributes.items() if key == name
        ]


def test_a_page_tells_the_whole_conversation():
    page = Page(html_page(CONVERSATION, title="Sales & more"))
    for fragment in (
        "Sales & more", "question", "Plot this.", "text/csv", "plan · native", "Hm.", "First.", "code · python", "plot()",
        "output · ok", "1\n", PIXEL_FACTS, "output · failed", "ZeroDivisionError", "answer",
        "It is 1.", "Cut off.", "gemini-x · 3 tokens: 1 in, 2 out", "call · run", '{"a": 1}', "print(3)", "It printed 3.",
    ):  # fmt: skip
        assert fragment in page.words
    images = [(image["src"], image["alt"]) for tag, image in page.elements if tag == "img"]
    assert images == [(f"data:image/png;base64,{PIXEL}", PIXEL_FACTS)] * 2
    assert ("html", {"lang": "en"}) in page.elements
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in page.attributes("content")
    assert [tag for tag, _ in page.elements].count("h1") <= 1


ALLOWED = frozenset(
    "html head meta title style body main article section h1 h2 h3 h4 h5 h6 p div pre code span figure figcaption img small "
    "br hr a em strong ul ol li blockquote table thead tbody tr th td".split()
)
PIECES = st.lists(
    st.sampled_from(["<", ">", "</", "script", "style", "!", "[", "]", "(", ")", "`", "```", "\n", "\\", '"', "'", "&", "#", "http://x",
                     "javascript:", "<!--", "a", " ", "=", "*", "|", "-", "\x1b[", "\u202e"]), max_size=25,
).map("".join)  # fmt: skip


@given(words=PIECES)
@example(words=" ".join(CORPUS))
@example(words="http://x[")
def test_nothing_a_message_holds_is_markup(words):
    source = html_page([HumanMessage(words), *hostile(words)], title=words)
    assert ("�" in source.encode().decode()) == ("\ud800" in words)
    page = Page(source)
    assert {tag for tag, _ in page.elements} <= ALLOWED
    assert [tag for tag, _ in page.elements].count("style") == 2
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert all(source.startswith("data:image/") for source in page.attributes("src"))
    assert not any(
        address.lower().startswith(("javascript:", "data:")) for address in page.attributes("href")
    )
    assert not {"\x1b", "\u202e"} & set(page.words)


@given(
    code=st.text(alphabet="abrf'\"\\\n# 0123.exjin<>&_\u00e9", max_size=40),
    language=st.sampled_from(["python", "bash"]),
)
@example(code="if a < b: '<b>'", language="python")
@example(code="'''never closed\nif", language="python")
@example(code="10 PRINT <b>", language="basic of somebody's own")
def test_highlighting_changes_no_character(code, language):
    page = Page(html_from_code(code.strip("\n"), language))
    assert {tag for tag, _ in page.elements} <= {"span"}
    assert unescape(re.sub("<[^>]+>", "", html_from_code(code.strip("\n"), language))) == code.strip("\n")


def test_keywords_strings_numbers_and_comments_are_marked():
    marked = html_from_code("import x  # y\nx('a', 1)", "python")
    for kind, words in {"k": "import", "c": "# y", "s": "'a'", "m": "1"}.items():
        assert re.search(f'<span class="{kind}[^"]*">{words}</span>', marked)


def test_without_libraries_prose_and_code_are_shown_as_written(monkeypatch):
    monkeypatch.setitem(sys.modules, "markdown_it", None)
    monkeypatch.setitem(sys.modules, "pygments", None)
    html._parser.cache_clear()
    try:
        fragment = html_fragment(AIMessage([code("1 < 2"), text("It is **1** <b>.")]))
        assert '<p class="verbatim">It is **1** &lt;b&gt;.</p>' in fragment
        assert "<code>1 &lt; 2</code>" in fragment
    finally:
        html._parser.cache_clear()


def test_a_page_says_where_a_plot_is_saved(tmp_path):
    message = AIMessage([code("plot()"), result(""), image(), text("Done.")])
    [saved] = save_outputs(message, FolderSink(tmp_path / "über"))
    page = Page(html_page(message))
    assert str(tmp_path / "über" / saved.name) in page.words
    assert "(it printed nothing)" in page.words


def cells_of(messages: Any) -> list[Any]:
    notebook = notebook_from_messages(messages)
    nbformat.validate(nbformat.from_dict(json.loads(json.dumps(notebook))))
    return notebook["cells"]


def contents_of(cells: list[Any]) -> list[Any]:
    return [
        (cell["source"], *[out.get("text") or list(out["data"]) for out in cell["outputs"]])
        if cell["cell_type"] == "code"
        else cell["source"]
        for cell in cells
    ]


def test_a_conversation_is_a_notebook():
    cells = cells_of(CONVERSATION)
    assert contents_of(cells) == [
        "**Question**\n\nPlot *this*.",
        "**file**: text/csv, 1 bytes",
        "![image/png, 2 x 3 pixels, 72 bytes](attachment:image)",
        "**plan · native**: code execution, f: both",
        "**thoughts**: Hm.",
        "First.",
        ("import x\nplot()", "1\n", ["image/png", "text/plain"]),
        ("1/0", "ZeroDivisionError"),
        "It is **1**.",
        "**notice**: Cut off.",
        "**usage · gemini-x**: 3 tokens: 1 in, 2 out",
        '**call · run**\n\n```\n{"a": 1}\n```',
        ("print(3)", "3\n"),
        "**reply · run**\n\n```\nIt printed 3.\n```",
    ]
    assert cells[2]["attachments"] == {"image": {"image/png": PIXEL}}
    assert [out["name"] for out in cells[7]["outputs"]] == ["stderr"]
    assert cells_of(CONVERSATION) == cells
    assert len({cell["id"] for cell in cells_of([AIMessage("a"), AIMessage("a")])}) == 2


@pytest.mark.parametrize(
    ("blocks", "cells"),
    [
        ([code("a", "1"), code("b", "2"), result("B", "2"), result("A", "1"), image()],
         [("a", "A", ["image/png", "text/plain"]), ("b", "B")]),
        ([code("a"), text("Wait."), result("A")], [("a", "A"), "Wait."]),
        ([code("a"), result("A"), text("Look:"), image()],
         [("a", "A"), "Look:", "![image/png, 2 x 3 pixels, 72 bytes](attachment:image)"]),
        ([result("A", "x")], ["**output · ok**\n\n```\nA\n```"]),
        ([code("a")], [("a",)]),
        ([code("a"), result("")], [("a",)]),
        ([code("a"), result("", outcome="OUTCOME_DEADLINE_EXCEEDED")], [("a", "(out of time)\n")]),
        ([code("ls", language="BASH"), result("x")], [("%%bash\nls", "x")]),
        ([code("10 PRINT", language="BASIC"), result("x")],
         ["**code · basic**\n\n```\n10 PRINT\n```", "**output · ok**\n\n```\nx\n```"]),
        ([code("a"), result("A"), image("image/svg+xml", b64encode(b"<svg/>").decode())],
         [("a", "A"), "**image**: image/svg+xml, 6 bytes"]),
        ([text("a ``` b"), {"type": "tool_call", "name": "f", "args": {"x": "````"}}],
         ["a ``` b", '**call · f**\n\n`````\n{"x": "````"}\n`````']),
    ],
)  # fmt: skip
def test_what_comes_out_goes_to_its_code(blocks, cells):
    assert contents_of(cells_of(AIMessage(blocks))) == cells


@given(words=PIECES)
@example(words=" ".join(CORPUS))
def test_markdown_in_a_notebook_is_inert(words):
    for cell in cells_of([HumanMessage(words), *hostile(words)]):
        json.dumps(cell).encode()
        cell["source"].encode()
        if cell["cell_type"] == "markdown" and "```" not in cell["source"]:
            assert "<script" not in cell["source"]
            assert "![" not in cell["source"].replace("![image", "")
            assert "\x1b" not in cell["source"]


@pytest.mark.parametrize("messages", [CONVERSATION, CONVERSATION[1]])
def test_jupyter_shows_html_and_terminals_text(messages):
    display = show(messages)
    assert display._repr_mimebundle_() == {"text/html": html_fragment(messages), "text/plain": repr(display)}
    assert "output · failed\nZeroDivisionError\n" in repr(display)


def test_nothing_said_is_an_empty_record():
    assert notebook_from_messages([])["cells"] == []
    assert "<section" not in html_fragment([])
    assert repr(show(AIMessage(""))) == ""


def test_an_image_of_the_wrong_type_is_only_told():
    execution = CodeExecution("x", outcome=Outcome.OK, images=(InlineFile(b"1", "image/tiff"),))
    message = ToolMessage("", tool_call_id="c", artifact=artifact_from_executions([execution]))
    assert "**image**: image/tiff, 1 bytes" in contents_of(cells_of(message))
