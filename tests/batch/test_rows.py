"""Rows of every format come in one by one; what cannot be asked is set aside with the reason."""

import csv
import json
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from langchain_codeexec.batch import run_batch
from langchain_codeexec.batch.rows import BadRow, Row, read_rows
from langchain_codeexec.errors import ConfigurationError
from tests.batch.conftest import read


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("=not json", "the line is no JSON"),
        ("=[1]", "the line is no JSON object"),
        ("=" + "[" * 100_000, "the line is no JSON"),
        ({}, "it needs either a `question` or `messages`"),
        ({"question": " "}, "its `question` is no text"),
        ({"question": 7}, "its `question` is no text"),
        ({"question": "Why?", "messages": [["user", "Why?"]]}, "not both"),
        ({"messages": "Why?"}, "are no list"),
        ({"messages": "[oops"}, "are no JSON"),
        ({"messages": [{"role": "nobody", "content": "Why?"}]}, "cannot be read"),
        ({"messages": [["ai", "Hm."]], "files": "a.csv"}, "end with a text of the user's"),
        ({"question": "Why?", "files": [1]}, "no list of paths"),
        ({"question": "Why?", "system": 1}, "its `system` is no text"),
        ({"question": "Why?", "id": 1.5}, "neither text nor a whole number"),
        ({"question": "Why?", "id": True}, "neither text nor a whole number"),
        ({"question": "Why?", "id": "1"}, "another row before it has the id '1'"),
    ],
)
def test_a_row_that_cannot_be_asked_is_set_aside(gemini, rows, tmp_path, row, reason):
    report = run_batch(rows("First?", row, "Third?"), gemini.chat(), tmp_path / "a.jsonl")
    [bad] = read(tmp_path / "a.bad.jsonl")
    assert bad["row"] == 2
    assert reason in bad["reason"]
    assert bad["input"] == (row if isinstance(row, dict) else row[1:2001])
    assert (report.answered, report.bad, report.bad_rows.name) == (2, 1, "a.bad.jsonl")
    assert sorted(row["id"] for row in read(tmp_path / "a.jsonl")) == [1, 3]
    run_batch(rows("First?", "Second?", "Third?"), gemini.chat(), tmp_path / "a.jsonl")
    assert not (tmp_path / "a.bad.jsonl").exists()


@pytest.mark.parametrize(
    ("text", "questions"),
    [
        (b'\xef\xbb\xbf{"question": "Why?"}\r\n\r\n{"question": "Who?"}', ["Why?", "Who?"]),
        ('{"question": "Größe?"}\n'.encode("cp1252"), None),
        (rb'{"question": "half \ud83d"}', ["half \ud83d"]),
    ],
)
def test_lines_of_json_as_they_come(tmp_path, text, questions):
    (tmp_path / "q.jsonl").write_bytes(text)
    read = list(read_rows(tmp_path / "q.jsonl"))
    if questions is None:
        [bad] = read
        assert isinstance(bad, BadRow)
        assert "no JSON in UTF-8" in bad.reason
    else:
        assert [row.fields["question"] for row in read] == questions


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_by_its_header_with_cells_over_lines(tmp_path, delimiter):
    path = tmp_path / "q.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(
            [
                ["id", "question", "files", "system", "level"],
                ["a", "Why, \nthen?", '["x.csv", "y.csv"]', "", "1"],
                ["", "Größe?", "z.csv", "Be brief.", ""],
            ]
        )
    first, second = read_rows(path)
    assert (first.id, second.id) == ("a", 2)
    assert first.messages[0].content == "Why, \nthen?"
    assert first.files == (tmp_path / "x.csv", tmp_path / "y.csv")
    assert [message.type for message in second.messages] == ["system", "human"]
    assert second.fields == {"question": "Größe?", "files": "z.csv", "system": "Be brief.", "level": ""}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"question\nWhy, then?\n", "2 cells under 1 names"),
        ("question\nGröße?\n".encode("cp1252"), "no UTF-8"),
    ],
)
def test_a_row_of_csv_that_cannot_be_read_is_bad_and_the_next_is_not(tmp_path, text, reason):
    (tmp_path / "q.csv").write_bytes(text + b"Who?\n")
    bad, good = read_rows(tmp_path / "q.csv")
    assert isinstance(bad, BadRow)
    assert reason in bad.reason
    assert isinstance(good, Row)


def test_parquet_with_values_that_json_has_not(gemini, tmp_path):
    table = pa.table(
        {
            "question": ["Why?", "Who?"],
            "messages": pa.array([None, None], pa.list_(pa.string())),
            "day": [date(2026, 11, 29), None],
            "price": [Decimal("1.50"), Decimal("2.25")],
            "data": [b"\x00\xff", None],
            "score": [float("nan"), 0.5],
        }
    )
    pq.write_table(table, tmp_path / "q.parquet")
    run_batch(tmp_path / "q.parquet", gemini.chat(), tmp_path / "a.jsonl", ordered=True)
    first, second = read(tmp_path / "a.jsonl")
    assert [first[name] for name in ("day", "price", "data", "score")] == ["2026-11-29", "1.50", "AP8=", None]
    assert second["answer"] == "re: Who?"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("q.jsonl", b"", "has no rows"),
        ("q.jsonl", b"\n\n", "has no rows"),
        ("q.csv", b"question\n", "has no rows"),
        ("q.csv", b"", "no column `question` or `messages`, but nothing"),
        ("q.csv", b"Frage,x\nWarum?,1\n", "no column `question` or `messages`, but Frage, x"),
        ("q.csv", b"question,x,x\nWhy?,1,2\n", "several columns x"),
        ("q.parquet", b"PAR1", "cannot be read as Parquet"),
        ("q.jsonl", None, "no such file"),
    ],
)
def test_a_file_that_is_no_batch_is_named_before_anything_is_written(gemini, tmp_path, name, text, message):
    if text is not None:
        (tmp_path / name).write_bytes(text)
    with pytest.raises(ConfigurationError, match=message):
        run_batch(tmp_path / name, gemini.chat(), tmp_path / "a.jsonl")
    assert not (tmp_path / "a.jsonl").exists()
    assert gemini.requests == ()


TABLE_ROWS = [
    {"id": "a", "question": "Why?", "level": 1, "score": 1, "good": True, "mixed": 7, "nested": {"x": [1, "é"]}},
    {"question": 'Who, \n"me"?', "level": 2, "score": 0.5, "good": False, "mixed": "seven", "big": 2**70},
]  # fmt: skip


def test_answers_as_csv(gemini, rows, tmp_path):
    run_batch(rows(*TABLE_ROWS), gemini.chat(), tmp_path / "a.csv", ordered=True)
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        first, second = csv.DictReader(file)
    assert list(first)[:3] == ["id", "question", "level"]
    assert (first["id"], second["id"], second["question"]) == ("a", "2", 'Who, \n"me"?')
    assert json.loads(first["nested"]) == {"x": [1, "é"]}
    assert second["nested"] == ""
    assert second["answer"] == 're: Who, \n"me"?'
    assert json.loads(first["plan"])["way"] == "native"


def test_answers_as_parquet_resumed_from_their_lines(gemini, rows, tmp_path):
    output = tmp_path / "a.parquet"
    run_batch(rows(TABLE_ROWS[0]), gemini.chat(), output)
    report = run_batch(rows(*TABLE_ROWS), gemini.chat(), output)
    assert (report.earlier, report.answered) == (1, 1)
    table = pq.read_table(output)
    types = {field.name: str(field.type) for field in table.schema}
    assert [types[name] for name in ("id", "level", "score", "good", "mixed", "nested", "big")] == [
        "string", "int64", "double", "bool", "string", "string", "string",
    ]  # fmt: skip
    first, second = table.to_pylist()
    assert (first["id"], first["score"], first["mixed"], first["big"]) == ("a", 1.0, "7", None)
    assert (second["id"], second["mixed"], second["big"]) == ("2", "seven", str(2**70))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.parquet",
        "a.parquet.jsonl",
        "questions.jsonl",
    ]
