"""No text steers a terminal."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_codeexec.records.sections import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\n\ttext, ünïcode ✓", "plain\n\ttext, ünïcode ✓"),
        ("\x1b[31mred", "␛[31mred"),
        ("a\r\nb\rc", "a\nb␍c"),
        ("\x00\x07\x7f", "␀␇␡"),
        ("\x9b31m", "\\x9b31m"),
        ("if \u202eadmin", "if \\u202eadmin"),
        ("\ud800", "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_what_is_shown(text, shown):
    assert visible(text) == shown


@given(st.text())
def test_shows_no_control_character_and_changes_nothing_twice(text):
    shown = visible(text)
    assert not {char for char in shown if unicodedata.category(char) in ("Cc", "Cs")} - {"\n", "\t"}
    assert visible(shown) == shown


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_leaves_ordinary_text_alone(text):
    assert visible(text) == text
