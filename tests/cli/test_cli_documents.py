"""`ask` with its answer in a file: as a web page, as a notebook."""

from __future__ import annotations

import json

import nbformat
import pytest

SUM = "What is the sum of the first 10 positive integers?"


@pytest.mark.parametrize("options", [[], ["--json"], ["--stream"]])
def test_writes_a_page_and_a_notebook_beside_what_it_shows(cli, tmp_path, options):
    result = cli("ask", SUM, "--html", "answer.html", "--notebook", "answer.ipynb", *options)
    assert result.exit_code == 0
    assert "55" in result.stdout
    page = (tmp_path / "answer.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert SUM in page
    notebook = nbformat.read(tmp_path / "answer.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert notebook.cells[0].source == f"**Question**\n\n{SUM}"
    assert any(
        "55" in output.text for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["answer.html", "answer.ipynb"]


def test_a_page_replaces_the_last_one(cli, tmp_path):
    (tmp_path / "answer.html").write_text("old")
    cli("ask", SUM, "--html", "answer.html")
    assert "old" not in (tmp_path / "answer.html").read_text(encoding="utf-8")[:20]


@pytest.mark.parametrize("place", [".", "no/such/folder/answer.html"])
def test_a_place_that_cannot_be_written_is_named_after_the_answer(cli, tmp_path, place):
    result = cli("ask", SUM, "--html", place)
    assert result.exit_code == 2
    assert "55" in result.stdout
    assert "cannot be written" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_images_may_go_to_a_url(cli):
    result = cli(
        "ask",
        "Plot a bar chart of the rainfall in mm: May 1, June 2.",
        "--json",
        "--output-dir",
        "memory://cli",
    )
    [image] = json.loads(result.stdout)["executions"][0]["images"]
    assert image["path"].startswith("memory:///cli/image-")


def test_a_url_that_nothing_can_be_saved_at_is_a_configuration_error(cli):
    result = cli("ask", SUM, "--output-dir", "nosuch://x")
    assert result.exit_code == 2
    assert "nothing can be saved at a 'nosuch' URL" in result.stderr
