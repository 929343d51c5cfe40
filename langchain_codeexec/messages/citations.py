"""What an answer rests on and quotes, as LangChain's citations of its texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

__all__ = ["citations_by_text"]

Json = dict[str, Any]

_SOURCES: Final = ("web", "maps", "retrievedContext", "image")


def citations_by_text(candidate: Json, texts: Sequence[str]) -> list[list[Json]]:
    """The citations that a candidate has, in the form that LangChain's Google packages give them.

    Args:
        candidate: The wire's object, whose `groundingMetadata` names what the answer rests on and whose
            `citationMetadata` what it quotes at length; malformed entries are passed over.
        texts: The text of each block of the answer, empty where it has none.

    Returns:
        For each block the citations of it, their indices in characters; the wire counts bytes of UTF-8.
    """
    citations: list[list[Json]] = [[] for _ in texts]
    if not any(texts):
        return citations
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    for segment, citation in (*_grounded(candidate.get("groundingMetadata")), *_quoted(candidate)):
        index, span = _place(segment, encoded)
        citations[index].append({"type": "citation", **citation, **span})
    return citations


def _grounded(grounding: Any) -> Iterator[tuple[Json, Json]]:
    """Segments of the answer, and what each rests on."""
    if not isinstance(grounding, dict):
        return
    chunks = _objects(grounding.get("groundingChunks"))
    queries = grounding.get("webSearchQueries") or []
    for number, support in enumerate(_objects(grounding.get("groundingSupports"))):
        segment = support.get("segment")
        indices, scores = support.get("groundingChunkIndices"), support.get("confidenceScores") or []
        for chunk_index in indices if isinstance(indices, list) else ():
            if not isinstance(chunk_index, int) or not 0 <= chunk_index < len(chunks):
                continue
            source, extras = _source(chunks[chunk_index])
            metadata = {
                "web_search_queries": queries,
                "grounding_chunk_index": chunk_index,
                "confidence_scores": scores,
                **extras,
            }
            citation = {**source, "extras": {"google_ai_metadata": metadata}}
            yield (
                segment if isinstance(segment, dict) else {},
                {"id": f"lc_{number}_{chunk_index}", **citation},
            )


def _quoted(candidate: Json) -> Iterator[tuple[Json, Json]]:
    """Segments of the answer, and what each is quoted from; the two services name the list differently."""
    metadata = candidate.get("citationMetadata")
    if not isinstance(metadata, dict):
        return
    for number, quote in enumerate(_objects(metadata.get("citationSources", metadata.get("citations")))):
        named = {"url": quote.get("uri"), "title": quote.get("title")}
        source = {key: value for key, value in named.items() if isinstance(value, str) and value}
        rest = {"license": quote.get("license"), "publication_date": quote.get("publicationDate")}
        known = {key: value for key, value in rest.items() if value}
        extras = {"extras": {"google_ai_metadata": known}} if known else {}
        if source or extras:
            yield quote, {"id": f"lc_quote_{number}", **source, **extras}


def _objects(value: Any) -> list[Json]:
    """The objects of a list; others become empty, so that indices stay true."""
    return [item if isinstance(item, dict) else {} for item in value] if isinstance(value, list) else []


def _source(chunk: Json) -> tuple[Json, Json]:
    """URL and title of a source, and what else identifies it."""
    source: Json = next((chunk[kind] for kind in _SOURCES if isinstance(chunk.get(kind), dict)), {})
    named = {"url": source.get("uri") or source.get("sourceUri"), "title": source.get("title")}
    extras = {"place_id": source["placeId"]} if source.get("placeId") else {}
    return {key: value for key, value in named.items() if isinstance(value, str) and value}, extras


def _place(segment: Json, texts: list[bytes]) -> tuple[int, Json]:
    """Which text a segment lies in, and where.

    The wire counts from the beginning of a part, of which a stream has many, or of the whole answer: what the
    segment quotes decides.
    """
    quoted = segment.get("text") if isinstance(segment.get("text"), str) else None
    quote = (quoted or "").encode("utf-8", "surrogatepass")
    start, part = _count(segment, "startIndex"), _count(segment, "partIndex")
    size = len(quote) or max(_count(segment, "endIndex") - start, 0)
    places = list(_candidates(start, part, texts))
    if quote:
        places += [(index, place) for index, text in enumerate(texts) if (place := text.find(quote)) >= 0]
    for index, begin in places if size else ():
        if begin + size <= len(texts[index]) and texts[index].startswith(quote, begin):
            before, cited = texts[index][:begin], texts[index][begin : begin + size]
            first = len(before.decode("utf-8", "ignore"))
            last = first + len(cited.decode("utf-8", "ignore"))
            return index, {
                "start_index": first,
                "end_index": last,
                "cited_text": cited.decode("utf-8", "replace"),
            }
    last_text = max(index for index, text in enumerate(texts) if text)
    return last_text, {"cited_text": quoted} if quoted else {}


def _candidates(start: int, part: int, texts: list[bytes]) -> Iterator[tuple[int, int]]:
    """Text and byte that a position may mean: of the part named, else of the whole answer."""
    if part < len(texts):
        yield part, start
    for index, text in enumerate(texts):
        if 0 <= start < len(text):
            yield index, start
        start -= len(text)


def _count(segment: Json, key: str) -> int:
    value = segment.get(key)
    return value if isinstance(value, int) and value > 0 else 0
