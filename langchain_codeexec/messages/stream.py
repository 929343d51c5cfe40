"""Chunks of streamGenerateContent to message chunks that add up to the message generateContent gives.

langchain-core merges blocks of equal `index`. So text goes on under one index as long as it is plain, and
every other part, and every text with a signature, has an index of its own. Strings in the metadata would be
concatenated: what the chunks hold beside their parts is collected and given once, with the last chunk.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from langchain_core.messages import AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk

from langchain_codeexec.gemini.responses import candidates_of, collect, index_of, parts_of
from langchain_codeexec.messages.call_pieces import CallPieces, StreamedCall
from langchain_codeexec.messages.citations import citations_by_text
from langchain_codeexec.messages.from_wire import (
    EVERY_CHUNK,
    Origin,
    function_call_of,
    metadata_of,
    readable,
    usage_from_wire,
)
from langchain_codeexec.messages.parts import CallIds, block_from_part, closing_extras, whole_call_block
from langchain_codeexec.messages.signatures import call_signatures

__all__ = ["ChunkTranslator"]

Json = dict[str, Any]

_TEXT_TYPES: Final = frozenset({"text", "reasoning"})
"""Blocks whose text may go on in the next chunk; it stands under the key of the block's type."""

_NOTHING: Final = {"text": ""}
"""What the service puts beside a finish reason; there is no such part where it does not stream."""

_PIECE: Final = frozenset({"type", "name", "id", "args", "index"})
"""Keys of a block that only goes on with a call."""


class ChunkTranslator:
    """Translates the chunks of one stream, in order.

    Args:
        origin: Where the stream comes from.
    """

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._is_begun = False
        self._response: Json = {}
        self._candidates: dict[int, _Candidate] = {}
        self._ids: CallIds | None = None
        self._first_call = ""

    def chunk(self, response: Mapping[str, Any]) -> AIMessageChunk | None:
        """The message chunk for a chunk of the stream; `None` if it brings no part.

        Of several candidates, which LangChain's streams do not tell apart, each has blocks of its own.

        Raises:
            ResponseFormatError: The chunk has not the structure of one.
        """
        ids = self._ids = self._ids or self._origin.call_ids(response)
        collect(self._response, {key: value for key, value in response.items() if key != "candidates"})
        blocks: list[Json] = []
        for position, wire in enumerate(candidates_of(response)):
            candidate = self._candidates.setdefault(index_of(wire, position), _Candidate(ids))
            with readable():
                blocks += candidate.blocks(wire)
        return self._chunk(blocks, self._origin_once()) if blocks else None

    def last(self) -> AIMessageChunk:
        """The chunk that ends the message: usage, finish reason and all other metadata."""
        response = self._response
        first = self._candidates.pop(0, None) or _Candidate(self._origin.call_ids(response))
        metadata = metadata_of(response, first.wire, self._origin, empty=first.is_empty)
        blocks = first.last_blocks()
        for number, candidate in sorted(self._candidates.items()):
            blocks += candidate.last_blocks()
            described = metadata_of({}, candidate.wire, self._origin, empty=candidate.is_empty)
            known = {key: value for key, value in described.items() if metadata.get(key) != value}
            metadata.setdefault("other_candidates", []).append({"candidate": number, **known})
        if self._is_begun:  # the origin's strings, which langchain-core would concatenate
            given = self._origin.metadata().keys() - EVERY_CHUNK.keys()
            metadata = {key: value for key, value in metadata.items() if key not in given}
        return self._chunk(
            blocks,
            metadata,
            usage_metadata=usage_from_wire(response.get("usageMetadata")),
            chunk_position="last",
        )

    def _chunk(self, blocks: list[Json], metadata: Json, **more: Any) -> AIMessageChunk:
        calls = [block for block in blocks if block["type"] == "tool_call_chunk"]
        self._first_call = self._first_call or next((call["index"] for call in calls), "")
        first = [call for call in calls if call["index"] == self._first_call]
        return AIMessageChunk(
            content=cast("list[str | Json]", blocks),
            tool_call_chunks=[
                tool_call_chunk(
                    name=call["name"], args=call["args"], id=call["id"], index=_number(call["index"])
                )
                for call in calls
            ],
            additional_kwargs={
                **call_signatures(call for call in calls if call["id"]),
                **function_call_of(first),
            },
            response_metadata=metadata,
            **more,
        )

    def _origin_once(self) -> Json:
        """The origin's metadata; strings langchain-core would concatenate only with the first chunk."""
        metadata = dict(EVERY_CHUNK) if self._is_begun else self._origin.metadata()
        self._is_begun = True
        return metadata


class _Candidate:
    """One candidate of a stream: its blocks as they come, and what is said beside them."""

    def __init__(self, ids: CallIds) -> None:
        self.wire: Json = {}
        self._ids = ids
        self._pieces = CallPieces()
        self._texts: dict[str, list[str]] = {}
        self._index = ""
        self._open = ""
        self._calls: dict[StreamedCall, Json] = {}

    @property
    def is_empty(self) -> bool:
        """Whether no part has come."""
        return not self._index

    def blocks(self, candidate: Json) -> list[Json]:
        """The blocks of the candidate in one chunk."""
        collect(self.wire, {key: value for key, value in candidate.items() if key != "content"})
        blocks: dict[str, Json] = {}
        for part in parts_of(candidate):
            if part == _NOTHING and self._open != "text":
                continue
            call = self._pieces.add(part)
            block = self._of_call(call) if call else self._placed(block_from_part(part, self._ids))
            for each in [block, *self._closed([each for each in self._calls if each.is_ended])]:
                _add(blocks, each)
        if candidate.get("finishReason"):
            for each in self._closed(list(self._calls)):
                _add(blocks, each)
        return list(blocks.values())

    def last_blocks(self) -> list[Json]:
        """What ends calls that are still open, and the citations of texts."""
        citations = citations_by_text(self.wire, ["".join(each) for each in self._texts.values()])
        return [
            *self._closed(list(self._calls)),
            *(
                {"type": "text", "text": "", "annotations": cited, "index": index}
                for index, cited in zip(self._texts, citations, strict=True)
                if cited
            ),
        ]

    def _placed(self, block: Json) -> Json:
        """Give a block its index: the open one if it only goes on with plain text, or closes it."""
        kind = block["type"]
        if self._open == "text" and (extras := closing_extras(block)):
            self._open = ""
            return {**block, "extras": extras, "index": self._index}
        plain = kind in _TEXT_TYPES and "extras" not in block
        if not (plain and kind == self._open):
            self._index = self._ids.block()
        self._open = kind if plain else ""
        self._texts.setdefault(self._index, []).append(block.get("text", ""))
        return {**block, "index": self._index}

    def _of_call(self, call: StreamedCall) -> Json:
        """The piece of a call that has come: its head, or more of its arguments."""
        begun = self._calls.get(call)
        if begun is None:
            block = block_from_part(call.part, self._ids)
            self._open, self._index = "", self._ids.block()
            self._texts[self._index] = []
            begun = self._calls[call] = {**block, "index": self._index}
            return {**begun, "type": "tool_call_chunk", "args": call.take_text()}
        return _more_of(begun, call.take_text())

    def _closed(self, calls: Iterable[StreamedCall]) -> list[Json]:
        """The ends of calls that no piece is to follow: the rest of the text, and what the head could not know."""
        blocks = []
        for call in calls:
            begun = self._calls.pop(call)
            call.close()
            block = _more_of(begun, call.take_text())
            extras = whole_call_block(begun, call.part).get("extras", {})
            known = begun.get("extras", {})
            if late := {key: value for key, value in extras.items() if key not in known}:
                block["extras"] = late
            blocks.append(block)
        return blocks


def _more_of(begun: Json, text: str) -> Json:
    return {"type": "tool_call_chunk", "name": None, "id": None, "args": text, "index": begun["index"]}


def _add(blocks: dict[str, Json], block: Json) -> None:
    """Add a block to those of a chunk; one of an index that is there goes on with it."""
    if block.keys() == _PIECE and not (block["id"] or block["args"]):
        return
    before = blocks.setdefault(block["index"], block)
    if before is block:
        return
    key = "args" if block["type"] == "tool_call_chunk" else block["type"]
    merged = {**before, **{name: value for name, value in block.items() if value is not None}}
    merged[key] = before[key] + block[key]
    if "extras" in before and "extras" in block:
        merged["extras"] = {**before["extras"], **block["extras"]}
    blocks[block["index"]] = merged


def _number(index: str) -> int:
    """The number of a block's index; chunks of calls have integers."""
    return int(index.rpartition("_")[2])
