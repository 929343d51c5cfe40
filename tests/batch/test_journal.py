"""The output as a journal: cut anywhere it goes on, another's file is left alone, one batch writes it at a time."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from langchain_codeexec.batch import run_batch
from langchain_codeexec.batch.journal import Claim, Journal
from langchain_codeexec.batch.rows import read_rows
from langchain_codeexec.data.json_lines import json_line
from langchain_codeexec.errors import ConfigurationError
from tests.batch.conftest import read

ROWS = [
    {"id": 1, "question": "Größe?"},
    {"id": "b", "question": "\ud83d half"},
    {"id": 3, "question": "x" * 70},
]
LINES = b"".join(json_line({**row, "answer": "Yes.", "error": None}) for row in ROWS)


def journal(path: Path) -> Journal:
    return Journal(path, path.with_suffix(".bad.jsonl"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, len(LINES)))
def test_what_was_written_whole_is_done_wherever_the_file_ends(tmp_path, cut):
    path = tmp_path / "a.jsonl"
    path.write_bytes(LINES[:cut])
    with journal(path) as opened:
        claims = [opened.claim(row) for row in read_rows(ROWS)]
        done = [claim is Claim.DONE for claim in claims]
        assert done == sorted(done, reverse=True)
        for row, claim in zip(ROWS, claims, strict=True):
            if claim is Claim.NEW:
                opened.write({**row, "answer": "Yes.", "error": None})
    whole = LINES[:cut].count(b"\n") + (cut < len(LINES) and LINES[cut : cut + 1] == b"\n")
    assert sum(done) == whole
    assert path.read_bytes() == LINES


@pytest.mark.parametrize(
    "text", ["notes", "notes\n", '{"question": "Why?"}\n', "[1]", '{"id": 1, "answer": "Yes."}\n', "\x00" * 9]
)
def test_a_file_that_no_batch_wrote_is_left_alone(gemini, rows, tmp_path, text):
    (tmp_path / "a.jsonl").write_text(text)
    with pytest.raises(ConfigurationError, match=r"no answer of a batch\. Choose another output"):
        run_batch(rows("Why?"), gemini.chat(), tmp_path / "a.jsonl")
    assert (tmp_path / "a.jsonl").read_text() == text


def test_another_file_where_bad_rows_would_go_is_left_alone(gemini, rows, tmp_path):
    (tmp_path / "a.bad.jsonl").write_text("mine")
    with pytest.raises(ConfigurationError, match="is another file"):
        run_batch(rows("Why?"), gemini.chat(), tmp_path / "a.jsonl")
    assert (tmp_path / "a.bad.jsonl").read_text() == "mine"


def test_a_table_without_its_lines_is_left_alone(gemini, rows, tmp_path):
    (tmp_path / "a.csv").write_text("id,answer\n")
    with pytest.raises(ConfigurationError, match=r"without a\.csv\.jsonl"):
        run_batch(rows("Why?"), gemini.chat(), tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "id,answer\n"


def test_the_input_is_never_written(gemini, rows, tmp_path):
    questions = rows("Why?")
    (tmp_path / "a.jsonl").symlink_to(questions)
    with pytest.raises(ConfigurationError, match="is to be read, and would be written"):
        run_batch(questions, gemini.chat(), tmp_path / "a.jsonl")


@pytest.mark.parametrize("place", ["/dev/full", "missing/a.jsonl", "."])
def test_a_place_where_nothing_can_be_written_is_named(gemini, rows, tmp_path, place):
    with pytest.raises(ConfigurationError, match=r"cannot be written: .* Choose another file"):
        run_batch(rows("Why?"), gemini.chat(), tmp_path / place)
    assert gemini.requests == ()


def test_an_output_of_another_input_is_named_before_anything_is_asked(gemini, rows, tmp_path):
    output = tmp_path / "a.jsonl"
    run_batch(rows("Why?", "Who?"), gemini.chat(), output)
    before, requests = output.read_bytes(), len(gemini.requests)
    with pytest.raises(
        ConfigurationError, match="another question for row 1: it was written from another input"
    ):
        run_batch(rows("When?", "Who?"), gemini.chat(), output)
    assert (output.read_bytes(), len(gemini.requests)) == (before, requests)
    report = run_batch(rows({"question": "Why?", "level": 2}, "Who?"), gemini.chat(), output)
    assert report.earlier == 2


def test_a_row_that_stands_twice_is_named(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(LINES + LINES)
    with pytest.raises(ConfigurationError, match="has row 1 twice, again in line 4"):
        journal(path)


def test_one_batch_writes_it_at_a_time(tmp_path):
    pytest.importorskip("fcntl")
    with journal(tmp_path / "a.jsonl"), pytest.raises(ConfigurationError, match="another batch is writing"):
        journal(tmp_path / "a.jsonl")


def test_failed_rows_stay_where_the_rest_cannot_be_written_anew(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(LINES + json_line({"id": 9, "question": "Why?", "error": "Oh."}))
    before = path.read_bytes()
    (tmp_path / ".a.jsonl.part").mkdir()
    with pytest.raises(Exception, match="cannot be written"):
        Journal(path, tmp_path / "a.bad.jsonl", retry_failed=True)
    assert path.read_bytes() == before
    assert read(path)[3]["error"] == "Oh."
