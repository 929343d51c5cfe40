"""Large delimited tables: read by pyarrow where that is installed, to the same columns as without it."""

import csv
import io
import sys
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_codeexec.data import cells, data_files, delimited

WORDS = 'True|false|2024-02-29|2024-02-29 12:00:00|12:30|x| 5 |5\u00a0|a,b|say "x"|two\nlines|\u00e9|\ufeff'
CELLS = st.sampled_from(f"| |0|7|1,5|1.234,5|-12|007|1.5|1e9|nan|{WORDS}".split("|"))


@given(
    st.integers(1, 3).flatmap(
        lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=9)
    ),
    st.integers(0, 3),
    st.sampled_from([",", ";", "\t"]),
    st.booleans(),
)
def test_a_large_table_is_read_by_a_library_to_the_same_columns(
    rows: list[list[str]], repeated: int, delimiter: str, ragged: bool
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    width = len(rows[0]) if rows else 1
    writer.writerows([[f"c{place}" for place in range(width)], *rows, *([["1"] * width] * repeated)])
    if ragged:
        writer.writerow(["1"] * (width + 1))
    data = text.getvalue().encode()
    read = []
    for large in (0, 10**9):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(delimited, "_LARGE", large)
            patch.setattr(cells, "CHUNK", 2)
            content = delimited.read_delimited(data, "t.csv", delimiter=delimiter)
            table = content.table
            assert table is not None
            columns = [cells.columns_of(table, step) for step in (1, 2)]
            written = [cells.csv_of(table, columns[0], most=10**6, step=step).data for step in (1, 2)]
        read.append((columns, written, table.rows, content.remarks))
    assert read[0] == read[1]


def test_the_schema_of_a_large_table_costs_no_pass_over_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = 0

    def counting(lines: Iterable[str], **options: Any) -> Iterator[list[str]]:
        nonlocal seen
        for row in csv.reader(lines, **options):
            seen += 1
            yield row

    rows = 100_000
    data = ("id,share,day\n" + "".join(f"{row},{row}.5,2024-01-05\n" for row in range(rows))).encode()
    monkeypatch.setattr(delimited, "csv", SimpleNamespace(reader=counting, Error=csv.Error))
    [file] = data_files(("t.csv", data))
    assert (file.rows, [column.kind for column in file.columns]) == (rows, ["integer", "number", "date"])
    assert seen < rows / 5


def test_a_large_table_is_read_without_the_library_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setattr(delimited, "_LARGE", 1000)
    [file] = data_files(("t.csv", b"id\n" + b"1\n" * 6000))
    assert (file.rows, file.columns[0].kind) == (6000, "integer")
