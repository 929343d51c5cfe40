"""Retrieved documents put in order: chunks of one document together, numbered, their names fit to be shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from langchain_core.documents import Document

from langchain_codeexec.errors import DataError
from langchain_codeexec.inputs.shown import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Passage", "SourceDocument", "source_documents"]

_TITLE, _SOURCE = 120, 200  # characters
_IDENTITY: Final = ("source", "url", "title")


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk of a document.

    Attributes:
        text: Its text.
        page: The page it is from, as its metadata has it; empty where they do not say.
    """

    text: str
    page: str = ""


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """A document as it is cited.

    Attributes:
        number: Its number in the citations, from 1.
        title: Its title, on one line.
        source: Where it is from, as its metadata has it; empty where they do not say.
        url: Its address on the web; empty where it has none.
        passages: Its chunks, each once.
    """

    number: int
    title: str
    source: str = ""
    url: str = ""
    passages: tuple[Passage, ...] = ()

    @property
    def line(self) -> str:
        """How the prompt lists it."""
        where = shown(self.source, _SOURCE)
        return f"[{self.number}] {self.title}" + (f" ({where})" if where not in ("", self.title) else "")


def source_documents(documents: Iterable[Document] | Document) -> tuple[SourceDocument, ...]:
    """Put chunks together to documents, in the order in which each document comes first.

    Chunks are of one document if their metadata have the same `source`, `url` and `title`; without any of these
    each text is a document of its own. A chunk that is there twice counts once.

    Raises:
        DataError: One of them is no `Document`.
    """
    if not isinstance(documents, Iterable):
        raise DataError(f"documents are a list of langchain_core Documents, not {documents!r}")
    chunks: dict[tuple[str, ...], list[Document]] = {}
    for index, document in enumerate([documents] if isinstance(documents, Document) else documents):
        if not isinstance(document, Document):
            raise DataError(
                f"documents[{index}] is of the type {type(document).__name__}; give a langchain_core Document, "
                "Document(page_content=..., metadata={'title': ..., 'source': ...})"
            )
        chunks.setdefault(_identity(document), []).append(document)
    return tuple(_source_document(number, same) for number, same in enumerate(chunks.values(), 1))


def _identity(document: Document) -> tuple[str, ...]:
    named = tuple(str(document.metadata.get(key) or "") for key in _IDENTITY)
    return named if any(named) else (document.page_content,)


def _source_document(number: int, chunks: list[Document]) -> SourceDocument:
    metadata = chunks[0].metadata
    source = str(metadata.get("source") or "")
    url = next((text for key in ("url", "source") if _is_url(text := str(metadata.get(key) or ""))), "")
    title = shown(str(metadata.get("title") or ""), _TITLE) or shown(_last_name(source or url), _TITLE)
    return SourceDocument(
        number=number,
        title=title or f"document {number}",
        source=source or url,
        url=url,
        passages=tuple(dict.fromkeys(Passage(chunk.page_content, _page(chunk.metadata)) for chunk in chunks)),
    )


def _is_url(text: str) -> bool:
    return text.startswith(("https://", "http://"))


def _last_name(source: str) -> str:
    """The file's name of a path, and of an address the last part that says something."""
    path = urlsplit(source).path if _is_url(source) else source.replace("\\", "/")
    return PurePosixPath(path).name or source


def _page(metadata: Mapping[str, Any]) -> str:
    label = metadata.get("page_label", metadata.get("page"))
    return "" if label is None else shown(str(label), _SOURCE)
