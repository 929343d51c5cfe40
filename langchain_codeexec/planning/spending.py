"""Chunks of several requests as the chunks of one answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from langchain_codeexec.gemini.wire import GenerateContentResponse

__all__ = ["Spending", "joined"]

Json = dict[str, Any]


class Spending:
    """Adds up the token counts of requests made one after the other.

    Within a request the counts of a later chunk replace those of an earlier one; those of finished requests are
    added to every chunk.
    """

    def __init__(self) -> None:
        self._before: Json = {}
        self._current: Json = {}

    def settle(self) -> None:
        """A request is finished."""
        self._before, self._current = _sum(self._before, self._current), {}

    def count(self, chunk: GenerateContentResponse) -> GenerateContentResponse:
        """A chunk with the counts of all requests so far."""
        usage = chunk.get("usageMetadata")
        if not isinstance(usage, dict):
            return chunk
        self._current = cast("Json", usage)
        if not self._before:
            return chunk
        return cast("GenerateContentResponse", {**chunk, "usageMetadata": _sum(self._before, self._current)})


def joined(chunks: Sequence[GenerateContentResponse]) -> GenerateContentResponse:
    """Whole answers of requests made one after the other as one; a single one stays as it came."""
    if len(chunks) == 1:
        return chunks[0]
    *_, last = chunks
    parts = [part for chunk in chunks for part in _parts(chunk)]
    candidate = (last.get("candidates") or [{}])[0]
    answer = {**candidate, "content": {**(candidate.get("content") or {}), "parts": parts}}
    response_id = chunks[0].get("responseId")
    known = {"responseId": response_id} if response_id else {}
    return cast("GenerateContentResponse", {**last, **known, "candidates": [answer]})


def _parts(chunk: GenerateContentResponse) -> Iterable[Any]:
    candidate = (chunk.get("candidates") or [{}])[0]
    return (candidate.get("content") or {}).get("parts") or []


def _sum(left: Json, right: Json) -> Json:
    """Counts added, lists of counts by modality joined, everything else as told last."""
    total = {**left, **right}
    for key in left.keys() & right.keys():
        if isinstance(left[key], list):
            total[key] = _by_modality([*left[key], *right[key]])
        elif isinstance(left[key], int):
            total[key] = left[key] + right[key]
    return total


def _by_modality(entries: list[Json]) -> list[Json]:
    counts: dict[Any, int] = {}
    for entry in entries:
        counts[entry.get("modality")] = counts.get(entry.get("modality"), 0) + entry.get("tokenCount", 0)
    return [{"modality": modality, "tokenCount": count} for modality, count in counts.items()]
