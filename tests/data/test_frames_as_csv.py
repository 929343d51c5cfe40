"""Frames and rows as CSV: each kind of value by its rule, and back again with `read_csv`."""

import datetime as dt
import decimal
import io
import uuid
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_codeexec.data import data_files
from langchain_codeexec.errors import DataError

NOON = dt.datetime.fromisoformat("2024-02-29 12:00")
BERLIN = dt.timezone(dt.timedelta(hours=1))


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NaT or value is pd.NA or str(value) == "nan"


@pytest.mark.parametrize(
    ("values", "kind", "cells"),
    [
        ([1, 2**70, -3], "integer", ["1", "1180591620717411303424", "-3"]),
        ([1, 0.1, 1e-7, 1e300], "number", ["1", "0.1", "1e-07", "1e+300"]),
        ([float("inf"), float("-inf"), float("nan")], "number", ["inf", "-inf", ""]),
        ([decimal.Decimal("1.10"), decimal.Decimal(2)], "number", ["1.10", "2"]),
        ([True, False, None], "boolean", ["True", "False", ""]),
        (["a", "", None], "text", ["a", "", ""]),
        ([uuid.UUID(int=1)], "text", ["00000000-0000-0000-0000-000000000001"]),
        ([dt.date(2024, 2, 29)], "date", ["2024-02-29"]),
        ([NOON.replace(hour=0), None], "date", ["2024-02-29", ""]),
        ([NOON, NOON.replace(day=28, hour=0)], "datetime", ["2024-02-29 12:00:00", "2024-02-28 00:00:00"]),
        ([dt.datetime(2024, 2, 29, tzinfo=BERLIN)], "datetime", ["2024-02-29 00:00:00+01:00"]),
        ([dt.time(12, 30)], "time", ["12:30:00"]),
        ([dt.timedelta(days=1, microseconds=1), dt.timedelta(0)], "seconds", ["86400.000001", "0"]),
        ([[1, None], {"a": float("nan"), "b": [float("inf")]}], "JSON", ["[1, null]", '{"a": null, "b": ["inf"]}']),
        ([{"b", "a"}, (1,)], "JSON", ['["a", "b"]', "[1]"]),
        ([{"day": dt.date(2024, 1, 1)}, {"raw": b"hi"}], "JSON", ['{"day": "2024-01-01"}', '{"raw": "aGk="}']),
        ([b"hi", None], "base64", ["aGk=", ""]),
        ([1, "a", b"x", dt.date(2024, 1, 1)], "mixed", ["1", "a", "eA==", "2024-01-01"]),
        ([None, float("nan"), pd.NaT, pd.NA], "empty", ["", "", "", ""]),
        ([np.int64(1), np.int32(2)], "integer", ["1", "2"]),
        ([np.float32(0.5), None], "number", ["0.5", ""]),
        ([np.bool_(True)], "boolean", ["True"]),
        ([np.array([1, 2])], "JSON", ["[1, 2]"]),
    ],
)  # fmt: skip
def test_each_kind_of_value_has_its_rule(values: list[Any], kind: str, cells: list[str]) -> None:
    [file] = data_files([{"k": 0, "v": value} for value in values])
    assert (file.columns[1].kind, file.columns[1].missing) == (kind, sum(map(_is_missing, values)))
    frame = pd.read_csv(io.BytesIO(file.data), dtype=str, keep_default_na=False)
    assert frame["v"].tolist() == cells


PANDAS = pd.DataFrame(
    {
        "city": pd.Categorical(["Köln", "Bonn", None]),
        "people": pd.array([1_000_000, 330_000, None], dtype="Int64"),
        "area": [405.2, float("nan"), 141.1],
        "rate": np.array([0.1, 0.2, 0.3], dtype="float32"),
        "founded": pd.to_datetime(["2024-01-01", None, "2024-03-01"]),
        "seen": pd.to_datetime(["2024-01-01 10:00", "2024-01-02 11:30", None]).tz_localize("Europe/Berlin"),
        "wait": pd.to_timedelta([90, None, 1.5], "s"),
        "open": pd.array([True, False, None], dtype="boolean"),
    }
)
EXPECTED = """\
city,people,area,rate,founded,seen,wait,open
Köln,1000000,405.2,0.1,2024-01-01,2024-01-01 10:00:00+01:00,90,True
Bonn,330000,,0.2,,2024-01-02 11:30:00+01:00,,False
,,141.1,0.3,2024-03-01,,1.5,
"""


@pytest.mark.parametrize(
    "frame",
    [
        PANDAS,
        PANDAS.convert_dtypes(dtype_backend="pyarrow").astype({"rate": "float32"}),
        pl.from_pandas(PANDAS),
        pl.from_pandas(PANDAS).lazy(),
        pa.Table.from_pandas(PANDAS),
        pa.Table.from_pandas(PANDAS).to_batches()[0],
    ],
    ids=["pandas", "pandas on pyarrow", "polars", "polars lazy", "pyarrow", "pyarrow batch"],
)
def test_every_library_gives_the_same_file(frame: Any) -> None:
    [file] = data_files(frame)
    assert file.data.decode() == EXPECTED
    assert [(column.kind, column.missing) for column in file.columns] == [
        ("text", 1), ("integer", 1), ("number", 1), ("number", 0), ("date", 1), ("datetime", 1), ("seconds", 1), ("boolean", 1),
    ]  # fmt: skip
    assert (file.rows, file.source) == (3, "frame")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (pd.DataFrame({"v": [1, 2]}, index=[5, 6]), "index,v\n5,1\n6,2\n"),
        (pd.DataFrame({"v": [1, 2]}, index=pd.Index(["a", "b"], name="k")), "k,v\na,1\nb,2\n"),
        (pd.DataFrame({"v": [1, 2]}).iloc[::-1], "index,v\n1,2\n0,1\n"),
        (pd.DataFrame({"v": [1]}, index=pd.MultiIndex.from_tuples([("a", 1)], names=["k", None])), "k,level_1,v\na,1,1\n"),
        (pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("x", "mean"), ("y", "")])), "x / mean,y\n1,2\n"),
        (pd.DataFrame([[1, 2, 3]], columns=["a", "a", "a.1"]), "a,a.1,a.1.1\n1,2,3\n"),
        (pd.DataFrame([[1, 2]], columns=["a", None]), "a,column_2\n1,2\n"),
        (type("Sales", (pd.DataFrame,), {})({"v": []}), "v\n"),
        (pd.Series([1, 2], name="v"), "v\n1\n2\n"),
        (pd.Series([1, 2]), "value\n1\n2\n"),
        (pd.Series({"a": 1}), "index,value\na,1\n"),
        (pd.Index([3, 4], name="k"), "k\n3\n4\n"),
        (pd.DataFrame({"t": ['say "hi"', "a,b", "two\nlines"]}), 't\n"say ""hi"""\n"a,b"\n"two\nlines"\n'),
        (pd.DataFrame({"p": pd.period_range("2024-01", periods=2, freq="M")}), "p\n2024-01\n2024-02\n"),
        (pd.DataFrame({"i": pd.arrays.IntervalArray.from_breaks([0, 1])}), 'i\n"(0, 1]"\n'),
        (pl.Series("v", [1, None, 3]), 'v\n1\n""\n3\n'),
        (pl.DataFrame({"s": [{"a": 1, "b": [1.5]}], "l": [[1, 2]], "b": [b"hi"], "t": [dt.time(1, 2)]}),
         's,l,b,t\n"{""a"": 1, ""b"": [1.5]}","[1, 2]",aGk=,01:02:00\n'),
        (pl.DataFrame({"d": [decimal.Decimal("1.10")], "f": pl.Series([0.1], dtype=pl.Float32)}), "d,f\n1.10,0.1\n"),
        (pl.DataFrame({"c": pl.Series(["x"], dtype=pl.Categorical), "n": [float("nan")]}), "c,n\nx,\n"),
        (pa.table({"d": pa.array(["x", None]).dictionary_encode(), "f": pa.array([0.1, None], pa.float32())}), "d,f\nx,0.1\n,\n"),
        (pa.table({"m": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())), "t": pa.array([1.5], pa.float16())}),
         'm,t\n"[[""k"", 1]]",1.5\n'),
        (pa.table([[1], [2]], names=["a", "a"]), "a,a.1\n1,2\n"),
        ([{"a": 1}, {"b": 2, "a": None}], "a,b\n1,\n,2\n"),
        ([{1: "x"}], "1\nx\n"),
        ({"a": [1, 2], "b": ["x", "y"]}, "a,b\n1,x\n2,y\n"),
        ([{"t": "\ud800 lone"}], "t\n? lone\n"),
    ],
)  # fmt: skip
def test_shapes_and_names(source: Any, expected: str) -> None:
    [file] = data_files(source)
    assert file.data.decode() == expected


NESTED: list[Any] = []
NESTED.append(NESTED)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (pd.DataFrame(), "no columns"),
        (pl.DataFrame(), "no columns"),
        (pd.DataFrame({"n": [10**5000]}, dtype=object), "cannot be written as text"),
        ([{"v": NESTED}], "cannot be written as text"),
        ([], "an empty list"),
        ([{}], "nothing that can be sent|neither a content block"),
        ({"a": [1], "b": [1, 2]}, "lists of the same length"),
    ],
)
def test_what_is_no_table_is_an_error_that_says_so(source: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        data_files(source)


COLUMNS: dict[str, st.SearchStrategy[Any]] = {
    "integer": st.integers(-(2**63), 2**63 - 1),
    "number": st.floats(allow_nan=True, allow_infinity=True),
    "text": st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=6).map(
        lambda text: f"t{text}"
    ),
    "date": st.dates(dt.date(1700, 1, 1), dt.date(2200, 1, 1)),
    "boolean": st.booleans(),
}


@given(st.data(), st.integers(1, 6), st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=4))
def test_read_csv_gives_back_the_frame(data: st.DataObject, rows: int, kinds: list[str]) -> None:
    values = [data.draw(st.lists(COLUMNS[kind], min_size=rows, max_size=rows)) for kind in kinds]
    frame = pd.DataFrame(
        {f"{kind}{place}": column for place, (kind, column) in enumerate(zip(kinds, values, strict=True))}
    )
    [file] = data_files(frame)
    back = pd.read_csv(io.BytesIO(file.data), lineterminator="\n", skip_blank_lines=False)
    for (name, column), kind in zip(frame.items(), kinds, strict=True):
        wanted = column.astype(str) if kind == "date" else column
        got = back[name].astype(wanted.dtype)
        pd.testing.assert_series_equal(got, wanted, check_dtype=False, rtol=1e-15)


@given(st.lists(st.dictionaries(st.text(max_size=3), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.binary(max_size=3) | st.datetimes(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2), max_leaves=4,
), min_size=1, max_size=3), min_size=1, max_size=4))  # fmt: skip
def test_any_rows_become_a_table_of_their_size(rows: list[dict[str, Any]]) -> None:
    try:
        [file] = data_files(rows)
    except DataError:
        return
    read = pd.read_csv(
        io.BytesIO(file.data), dtype=str, keep_default_na=False, skip_blank_lines=False, lineterminator="\n"
    )
    assert len(read) == file.rows == len(rows)
    assert len(read.columns) == len(file.columns)
