"""A record in Jupyter: as the output of a cell, and as a notebook whose code cells are the runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, TypeGuard

from langchain_codeexec.control.prices import Prices, PriceTable
from langchain_codeexec.executions import InlineFile
from langchain_codeexec.records.conversation import Recorded, sections_in
from langchain_codeexec.records.html import html_fragment
from langchain_codeexec.records.sections import Kind, Section, call_rows
from langchain_codeexec.records.texts import visible

__all__ = ["notebook_from_messages", "show"]

Json = dict[str, Any]


@dataclass(frozen=True, repr=False)
class Display:
    """A record that Jupyter shows as HTML."""

    messages: Recorded
    prices: Prices | PriceTable | None

    def __repr__(self) -> str:
        sections = sections_in(self.messages, self.prices)
        return "\n\n".join(f"{section.heading}\n{visible(section.text).strip()}" for section in sections)

    def _repr_mimebundle_(self, **_mime_types: Any) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": html_fragment(self.messages, prices=self.prices)}


def show(messages: Recorded, *, prices: Prices | PriceTable | None = None) -> Display:
    """A message, a conversation or a run, to be the last expression of a notebook's cell.

    Args:
        messages: As of `html_page`.
        prices: As of `html_page`.
    """
    return Display(messages, prices)


def notebook_from_messages(messages: Recorded, *, prices: Prices | PriceTable | None = None) -> Json:
    """A conversation as a Jupyter notebook: runs are code cells with their outputs, all else is Markdown.

    The same conversation always gives the same notebook, cell ids included. HTML and images by address in a
    model's text are made inert by a zero-width space: a notebook may be viewed where nothing else guards against
    them.

    Args:
        messages: As of `html_page`.
        prices: As of `html_page`.

    Returns:
        A notebook of nbformat 4.5, ready for `json.dump`.
    """
    cells = _Cells()
    for section in sections_in(messages, prices):
        cells.add(section)
    return {
        "cells": [{**cell, "id": _cell_id(index, cell)} for index, cell in enumerate(cells.cells)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _cell_id(index: int, cell: Json) -> str:
    return sha256(f"{index} {cell['cell_type']} {cell['source']}".encode()).hexdigest()[:12]


# -- cells ---------------------------------------------------------------------------------------------


class _Cells:
    """The cells of a conversation: one for each section, but what a run printed and drew goes to its code."""

    def __init__(self) -> None:
        self.cells: list[Json] = []
        self._waiting: list[tuple[str | None, Json]] = []
        self._drawing: Json | None = None

    def add(self, section: Section) -> None:
        place = {"code": self._code, "output": self._output, "image": self._image}.get(section.kind)
        if section.kind != "image":
            self._drawing = None
        if place is None or not place(section):
            self.cells.append(_markdown_cell(section))

    def _code(self, section: Section) -> bool:
        magic = _MAGICS.get(section.label)
        if magic is None:
            return False
        if section.written:
            self.cells.append(_markdown_cell(Section("code", section.written, "as the model wrote it")))
        source = visible(section.text).strip("\n")
        rows = [
            f"line {index + 1}: {row.lstrip('# ')}\n" for index, row in call_rows(section, source.split("\n"))
        ]
        cell: Json = {
            "cell_type": "code",
            "execution_count": None,
            "metadata": {},
            "outputs": [{"output_type": "stream", "name": "stdout", "text": "".join(rows)}] if rows else [],
            "source": magic + source,
        }
        self.cells.append(cell)
        self._waiting.append((section.run, cell))
        return True

    def _output(self, section: Section) -> bool:
        """Linked as `code_executions` does it: by id, else to the last code that waits for its result."""
        fitting = [pair for pair in self._waiting if section.run is None or pair[0] == section.run]
        if not fitting:
            return False
        self._waiting.remove(fitting[-1])
        self._drawing = fitting[-1][1]
        text = visible(section.text) or (f"({section.label})\n" if section.failed else "")
        if text:
            name = "stderr" if section.failed else "stdout"
            self._drawing["outputs"].append({"output_type": "stream", "name": name, "text": text})
        return True

    def _image(self, section: Section) -> bool:
        if self._drawing is None or not _is_raster(section.file):
            return False
        data = {**_mime_bundle(section.file), "text/plain": visible(section.text)}
        self._drawing["outputs"].append({"output_type": "display_data", "data": data, "metadata": {}})
        return True


def _markdown_cell(section: Section) -> Json:
    cell: Json = {"cell_type": "markdown", "metadata": {}}
    if section.kind == "image" and _is_raster(section.file):
        source = f"![{_inert(section.text)}](attachment:image)"
        return {**cell, "source": source, "attachments": {"image": _mime_bundle(section.file)}}
    return {**cell, "source": _SOURCES.get(section.kind, _fenced)(section)}


def _is_raster(file: InlineFile | None) -> TypeGuard[InlineFile]:
    """Whether every front end shows it, and none runs what is in it, as SVG may be."""
    return file is not None and file.mime_type in _RASTER


def _mime_bundle(image: InlineFile) -> dict[str, str]:
    return {image.mime_type: image.base64}


def _inert(text: str) -> str:
    return _LIVE.sub("\\g<0>\u200b", visible(text))


def _prose(section: Section) -> str:
    return _inert(section.text).strip()


def _remark(section: Section) -> str:
    return f"**{_inert(section.heading)}**: {_prose(section)}"


def _fenced(section: Section) -> str:
    text = visible(section.text).strip("\n")
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"**{_inert(section.heading)}**\n\n{fence}\n{text}\n{fence}"


_LIVE: Final = re.compile(r"<(?=[A-Za-z/!?])|!(?=\[)")
"""What begins a tag or an image in Markdown, wherever it stands: where code begins and ends, parsers disagree."""

_MAGICS: Final[Mapping[str, str]] = {"python": "", "bash": "%%bash\n"}
"""Languages that a cell of a Python notebook can run, and what the cell begins with."""

_RASTER: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"})

_SOURCES: Final[Mapping[Kind, Callable[[Section], str]]] = {
    **dict.fromkeys(
        ("system", "question"), lambda section: f"**{section.kind.capitalize()}**\n\n{_prose(section)}"
    ),
    **dict.fromkeys(("model", "answer"), _prose),
    **dict.fromkeys(("plan", "thoughts", "review", "image", "file", "notice", "usage"), _remark),
}
