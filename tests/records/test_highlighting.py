"""Python as HTML: what is marked, and that marking changes no character."""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_codeexec.records.html import html_from_python

CODE = st.text(alphabet="abrf'\"\\\n# 0123.exjin<>&_é", max_size=40)


def spans(code: str) -> list[tuple[str, str]]:
    return [
        (kind, unescape(text)) for kind, text in re.findall(r'<span class="(\w+)">(.*?)</span>', html_from_python(code), re.DOTALL)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "marked"),
    [
        ("import os", [("keyword", "import")]),
        ("important = inner", []),
        ("x = 1_000 + 0xFF + 1.5e-3j", [("number", "1_000"), ("number", "0xFF"), ("number", "1.5e-3j")]),
        ("x1 = y2", []),
        ("a = 'it''s' # not 'this'", [("string", "'it'"), ("string", "'s'"), ("comment", "# not 'this'")]),
        (r"'a\'b' if", [("string", r"'a\'b'"), ("keyword", "if")]),
        ('rb"x" f\'{y}\' u""', [("string", 'rb"x"'), ("string", "f'{y}'"), ("string", 'u""')]),
        ("print'x'", [("string", "'x'")]),
        ('"""a\n"b"\n""" in', [("string", '"""a\n"b"\n"""'), ("keyword", "in")]),
        ("'''never closed\nif", [("string", "'''never closed\nif")]),
        ("'closed by the line\nif", [("string", "'closed by the line"), ("keyword", "if")]),
        ("if a < b > c: '<b>'", [("keyword", "if"), ("string", "'<b>'")]),
        ("", []),
    ],
)
def test_what_is_marked(code, marked):
    assert spans(code) == marked


@given(code=CODE)
def test_no_character_is_lost_or_live(code):
    html = html_from_python(code)
    without = re.sub(r'<span class="(?:comment|string|number|keyword)">|</span>', "", html)
    assert "<" not in without
    assert unescape(without) == code
