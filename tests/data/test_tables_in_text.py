"""Tables inside text: what is one, what it is called, and which numbers are made plain."""

import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.documents import Document

from langchain_codeexec.data import data_files, tables_in_text
from langchain_codeexec.errors import MissingDependencyError

PIPES = "| a | b |\n|---|---|\n| 1 | x |\n| 2 | y |"
AB = ("a", "b")
ROWS = (("1", "x"), ("2", "y"))
IN_A_LIST = "- Moons\n  | a | b |\n  |---|---|\n  | 1 | x |\n  | 2 | y |"
BELOW_A_PROMPT = ">>> print(table)\r\n    +---+---+\r\n    | a | b |\r\n    +---+---+ \r\n    | 1 | x |\r\n    | 2 | y |\r\n    +---+---+"
ABOVE = {IN_A_LIST: "- Moons\n", BELOW_A_PROMPT: ">>> print(table)\r\n"}


@pytest.mark.parametrize(
    "text",
    [
        PIPES,
        PIPES.replace("\n", "\r\n"),
        "a | b\n--|--\n1 | x\n2 | y",
        "> | a | b |\n> |---|---|\n> | 1 | x |\n> | 2 | y |",
        IN_A_LIST,
        "    | a | b |\n    |---|---|\n    | 1 | x |\n    | 2 | y |",
        "| a | b |\n|---+---|\n| 1 | x |\n|---+---|\n| 2 | y |",
        "+---+---+\n| a | b |\n+---+---+\n| 1 | x |\n+---+---+\n| 2 | y |\n+---+---+\n2 rows in set (0.00 sec)",
        "|a|b|\n|:-|-:|\n|1|x|\n|2|y|",
        " a | b\n---+---\n 1 | x\n 2 | y\n(2 rows)",
        "+---+---+\n| a | b |\n+---+---+\n| 1 | x |\n| 2 | y |\n+---+---+",
        "+---+---+\n| a | b |\n+===+===+\n| 1 | x |\n+---+---+\n| 2 | y |\n+---+---+",
        "a   b\n--  ---\n1   x\n2   y",
        "==  ==\na   b\n==  ==\n1   x\n2   y\n==  ==",
        "```csv\na,b\n1,x\n2,y\n```",
        "```csv\na;b\n1;x\n2;y\n```",
        "~~~TSV\na\tb\n1\tx\n2\ty\n~~~",
        "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>x</td></tr><tr><td>2</td><td>y</td></tr></table>",
        "<TABLE border=1><tr><td>a<td>b<tr><td>1<td>x<tr><td>2<td>y</TABLE>",
        "<table><thead><tr><td>a</td><td>b</td></tr></thead><tbody><tr><td>1<td>x</tr><tr><th>2<td>y</table>",
        "<table><tr><td><!-- <td> -->a<style>td{}</style></td><td>b<tr><td>1</td><td><b>x</b><tr><td>2<td>y</table>",
        "| a | b |\n|---|---|\n| **1** | [x](http://e.org) |\n| `2` | y<br> |",
        "|  |  |\n|--|--|\n| a | b |\n| 1 | x |\n| 2 | y |",
        "+---+---+\n| a | b |\n+===+===+\n| 1 | x |\n| 2 | y |\n+---+---+",
        BELOW_A_PROMPT,
        "<table><tr><td>a<td>b</tr><td>1</td><td>x</td><tr><td>2<td>y</table>",
    ],
)
def test_every_way_to_write_a_table(text: str) -> None:
    around = f"Before.\n\n{text}\n\nAfter."
    [table] = tables_in_text(around)
    assert (table.columns, table.rows) == (AB, ROWS)
    assert tables_in_text(around[table.start : table.end])[0].rows == ROWS
    assert around[: table.start] == f"Before.\n\n{ABOVE.get(text, '')}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "No table | here.",
        "a | b\nc | d",
        "| a | b |\n|---|\n| 1 | 2 |",  # the rule has another number of columns
        "| a | b |\n|---|---|\n",  # no rows
        "```\n| a | b |\n|---|---|\n| 1 | 2 |\n```",
        "```python\na  b\n-- --\n1  2\n```",
        "```csv\na,b\n```",
        "Title\n-----\ntext",
        "----  ----\n----  ----",
        "name   size\n----   ----\na word in between   1",  # crosses from one column to the next
        "+--+--+\n| a | b |\n",
        "+--+--+\n| a | b |\n+--+--+\n| 1 |\n+--+--+",
        "+--+\n+--+\n+--+",
        "Apples   3\nPears    4\n",  # aligned by spaces alone: not guessed
        "<table><tr><td>only</td></tr></table>",
        "<table><tr><td>a</td><td>b</td></tr><tr><td>1</td>",  # never closed
        "</table><tr><td>a",
        f"```csv\na,b\n{'x' * 140_000},1\n```",
        "<table><caption>c</caption>",
        "if a < b and c > d: <table",
    ],
)
def test_what_is_no_table(text: str) -> None:
    assert tables_in_text(text) == ()


def test_a_row_of_a_grid_is_what_stands_between_two_borders() -> None:
    grid = "+---+----+\n| a | b  |\n+===+====+\n| 1 | x  |\n|   | y  |\n+---+----+\n| 2 | z  |\n+---+----+"
    assert tables_in_text(grid)[0].rows == (("1", "x y"), ("2", "z"))


def test_prose_below_a_table_is_none_of_its_rows() -> None:
    text = f"{PIPES}\nThat is all."
    [table] = tables_in_text(text)
    assert (table.rows, text[table.end :]) == (ROWS, "\nThat is all.")


def test_cells_that_would_span_a_table_of_millions_are_no_table() -> None:
    cells = "<td rowspan=99 colspan=99>x" * 2_000
    assert tables_in_text(f"<table><tr>{cells}<tr><td>y{'<tr><td>z' * 98}</table>") == ()


SIGNS = [PIPES, "a  b\n-- --\n1  2", "```csv\na,b\n1,2\n```", "<table>", "+--+\n|a |\n+--+\n| 1|"]


@pytest.mark.parametrize("text", SIGNS)
def test_signs_of_a_table_need_the_library_and_it_is_named(monkeypatch, text: str) -> None:
    monkeypatch.setitem(sys.modules, "markdown_it", None)
    with pytest.raises(MissingDependencyError, match=r"markdown-it-py is not .*langchain-codeexec\[files\]"):
        data_files(Document(text))


@pytest.mark.parametrize(
    "text", ["Words.", "Title\n-----\n\n---\n- 1 + 1 = 2\n- a | b", "```python\nx = 1\n```", "a<b"]
)
def test_text_without_signs_of_a_table_needs_no_library(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setitem(sys.modules, "markdown_it", None)
    assert [file.data.decode() for file in data_files(Document(text))] == [text]


def test_tables_in_code_are_left_alone_and_those_behind_or_in_an_unclosed_fence_are_found() -> None:
    assert len(tables_in_text(f"````python\nx = 1\n\n{PIPES}\n\n`````r\n\n{PIPES}")) == 2
    text = f"```html\n<table><tr><td>a<td>b<tr><td>1<td>2</table>\n```\n\n{PIPES}"
    assert [table.columns for table in tables_in_text(text)] == [AB]


def test_of_nested_tables_the_inner_ones_are_read() -> None:
    inner = "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>x</td></tr><tr><td>2<td>y</table>"
    [table] = tables_in_text(f"<table><tr><td>menu</td><td>{inner}</td></tr><tr><td>x<td>y</table>")
    assert (table.columns, table.rows) == (AB, ROWS)


def test_cells_that_span_are_repeated() -> None:
    [table] = tables_in_text(
        "<table><tr><th rowspan=2>name</th><th colspan=2>size</th></tr><tr><th>mm</th><th>in</th></tr>"
        "<tr><td rowspan='2'>A</td><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></table>"
    )
    assert table.columns == ("name", "size / mm", "size / in")
    assert table.rows == (("A", "1", "2"), ("A", "3", "4"))


@pytest.mark.parametrize(
    ("above", "caption"),
    [
        ("## Moons of Mars\n\n", "Moons of Mars"),
        ("## Moons ##\nSome words about them.\n\n", "Moons"),
        (f"## [Moons](https://example.org/{'x' * 200})\n\n", "Moons"),
        ("---\nlayout: page\ntitle: x\n---\n\n", ""),
        ("Moons\n=====\n\n", "Moons"),
        ("<h2>Moons</h2>\n", "Moons"),
        ("# Mars\n\nTable 2: its moons\n\n", "Table 2: its moons"),
        ("# Mars\n\nIts moons are:\n\n", "Its moons are"),
        ("# Mars\n\n**Moons**\n\n", "Moons"),
        ("The moons of Mars\n\n", "The moons of Mars"),
        (f"{'A sentence without an end ' * 20}\n\n", ""),
        ("", ""),
        ("\n\n\n\n\n", ""),
        (f"{PIPES}\n\n", ""),
    ],
)
def test_the_caption_is_what_stands_above(above: str, caption: str) -> None:
    assert tables_in_text(f"{above}{PIPES}")[-1].caption == caption
    html = "<table><caption>My\n own</caption><tr><th>a<th>b<tr><td>1<td>2</table>"
    assert tables_in_text(f"{above}{html}")[-1].caption == "My own"


@pytest.mark.parametrize(
    ("name", "cells", "expected_name", "expected"),
    [
        ("n", ["1,234", "\N{MINUS SIGN}3"], "n", ["1234", "-3"]),
        ("n", ["\N{EN DASH}3", "4"], "n", ["-3", "4"]),
        ("n", ["1\u00a0234", "5\u202f678.9"], "n", ["1234", "5678.9"]),
        ("share", ["12 %", "7.5%"], "share (%)", ["12", "7.5"]),
        ("share (%)", ["12 %", "7%"], "share (%)", ["12", "7"]),
        ("price", ["$1,200", "$3.50"], "price ($)", ["1200", "3.50"]),
        ("price", ["-$5", "$3"], "price ($)", ["-5", "3"]),
        ("n", ["1,234[1]", "5[a][2]"], "n", ["1234", "5"]),
        ("n", ["12*", "5†"], "n", ["12", "5"]),
        ("n", ["1,000", "—", "n/a", ""], "n", ["1000", "", "", ""]),
        ("n", ["+5", "1.5e3"], "n", ["5", "1.5e3"]),
        ("name", ["Texas[a]", "Ohio[12]"], "name", ["Texas", "Ohio"]),
        # could be read otherwise, or is no number: left as it is
        ("n", ["1,234", "0,5"], "n", ["1,234", "0,5"]),
        ("n", ["3,14", "2,7"], "n", ["3,14", "2,7"]),
        ("n", ["12 %", "3"], "n", ["12 %", "3"]),
        ("n", ["$3", "€4"], "n", ["$3", "€4"]),
        ("n", ["1,234", "many"], "n", ["1,234", "many"]),
        ("zip", ["01234", "—"], "zip", ["01234", "—"]),
        ("n", ["12 km", "3 km"], "n", ["12 km", "3 km"]),
        ("oxidation", ["+2, +3", "1,2"], "oxidation", ["+2, +3", "1,2"]),
        ("n", ["10²", "3"], "n", ["10²", "3"]),
        ("n", ["see [text]", "[1]"], "n", ["see [text]", "[1]"]),
        ("n", ["—", "—"], "n", ["—", "—"]),
        ("p", ["a \\| b", "1 &lt; 2"], "p", ["a | b", "1 < 2"]),
        ("p", ["a_b_c", "*x*y"], "p", ["a_b_c", "*x*y"]),
    ],
)  # fmt: skip
def test_numbers_are_plain_where_a_whole_column_is_numbers(
    name: str, cells: list[str], expected_name: str, expected: list[str]
) -> None:
    body = "\n".join(f"| {cell} | k |" for cell in cells)
    [table] = tables_in_text(f"| {name} | k |\n|---|---|\n{body}")
    assert table.columns[0] == expected_name
    assert [row[0] for row in table.rows] == expected


def test_rows_have_as_many_cells_as_there_are_columns_and_names_are_unique() -> None:
    [table] = tables_in_text("| a | a | |\n|---|---|---|\n| 1 |\n| 1 | 2 | 3 | 4 |")
    assert table.columns == ("a", "a.1", "column_3")
    assert table.rows == (("1", "", ""), ("1", "2", "3"))


WORD = st.from_regex(r"[A-Za-z]{1,6}( [A-Za-z]{1,6})?", fullmatch=True)
TABLE = st.integers(1, 5).flatmap(
    lambda width: st.tuples(
        st.lists(WORD, min_size=width, max_size=width, unique=True),
        st.lists(st.lists(WORD, min_size=width, max_size=width), min_size=1, max_size=5),
    )
)


@given(st.lists(st.tuples(TABLE, st.text(alphabet="ab \n.,:#*", max_size=40)), max_size=4))
def test_what_is_written_is_read_again(parts: list) -> None:
    text, written = "", []
    for (header, rows), prose in parts:
        lines = [header, ["---"] * len(header), *rows]
        text += "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n{prose}\n\n"
        written.append((tuple(header), tuple(map(tuple, rows))))
    assert [(table.columns, table.rows) for table in tables_in_text(text)] == written


@given(
    st.lists(
        st.sampled_from(
            ["|", "-", "--", " ", "\n", "\r\n", "a", "1,2", "+--+", "=== ===", "```", "```csv\n", "<table>", "</table>", "<tr>",
             "<td>", "<th rowspan=3>", "<!--", "-->", "|a|b|\n|-|-|\n", "[1]", "\\", "**", "# ", "%", "\u2028", "\ud800"]
        ),
        max_size=60,
    ).map("".join)
)  # fmt: skip
def test_any_text_gives_ordered_tables_that_do_not_overlap(text: str) -> None:
    tables = tables_in_text(text)
    places = [place for table in tables for place in (table.start, table.end)]
    assert places == sorted(places)
    assert all(0 <= place <= len(text) for place in places)
    for table in tables:
        assert table.rows
        assert {len(row) for row in table.rows} == {len(table.columns)}
        assert len(set(table.columns)) == len(table.columns)
        assert text[table.start : table.end].strip()


@pytest.mark.parametrize(
    "piece",
    [
        "<table>",
        "<table",
        "<td rowspan=99>",
        "|-",
        "| a |\n",
        "```\n",
        "[1]",
        "*a",
        "+-+\n",
        "<!--",
        "| [1][1]\n|-\n",
    ],
)
def test_hostile_text_takes_no_more_than_its_share(piece: str) -> None:
    """Quadratic time would be minutes here."""
    text = f"| x |\n|---|\n| {piece * 10_000} |"
    assert len(tables_in_text(text)) <= len(re.findall("\n", text))
