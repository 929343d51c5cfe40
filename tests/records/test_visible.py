"""No text steers a terminal."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_codeexec.records.texts import duration, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\n\ttext, ünïcode ✓", "plain\n\ttext, ünïcode ✓"),
        ("\x1b[31mred", "␛[31mred"),
        ("a\r\nb\rc", "a\nb␍c"),
        ("\x00\x07\x7f", "␀␇␡"),
        ("\x9b31m", "\\x9b31m"),
        ("if \u202eadmin", "if \\u202eadmin"),
        ("ad\u200bm\u200din\ufeff \U000e0041", r"ad\u200bm\u200din\ufeff \U000e0041"),
        (
            "\U0001f469\u200d\U0001f469 \u0645\u06cc\u200c\u0634",
            "\U0001f469\u200d\U0001f469 \u0645\u06cc\u200c\u0634",
        ),
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


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 ms"), (0.0124, "12 ms"), (1, "1 s"), (59.94, "59.9 s"), (1234.5, "1,234 s")]
)
def test_times_in_words(seconds, words):
    assert duration(seconds) == words
