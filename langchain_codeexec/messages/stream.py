"""Chunks of streamGenerateContent to message chunks that add up to the message generateContent gives.

langchain-core merges blocks of equal `index`. So text goes on under one index as long as it is plain, and
every other part, and every text with a signature, has an index of its own. Strings in the metadata would be
concatenated: what the chunks hold beside their parts is collected and given once, with the last chunk.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, cast

from langchain_core.messages import AIMessageChunk
from langchain_core.messages.tool import ToolCallChunk, tool_call_chunk

from langchain_codeexec.messages.from_wire import (
    EVERY_CHUNK,
    Origin,
    candidates_of,
    metadata_of,
    parts_of,
    usage_from_wire,
)
from langchain_codeexec.messages.parts import CallIds, block_from_part, closing_extras

__all__ = ["ChunkTranslator", "collect"]

Json = dict[str, Any]

_TEXT_TYPES: Final = frozenset({"text", "reasoning"})
"""Blocks whose text may go on in the next chunk; it stands under the key of the block's type."""

_REPLACED: Final = frozenset({"usageMetadata", "safetyRatings"})


class ChunkTranslator:
    """Translates the chunks of one stream, in order.

    Args:
        origin: Where the stream comes from.
    """

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._ids: CallIds | None = None
        self._index = -1
        self._open: str | None = None
        self._is_begun = False
        self._response: Json = {}
        self._candidate: Json = {}

    def chunk(self, response: Mapping[str, Any]) -> AIMessageChunk | None:
        """The message chunk for a chunk of the stream; `None` if it brings no part.

        Raises:
            ResponseFormatError: The chunk has not the structure of one.
        """
        self._ids = self._ids or self._origin.call_ids(response)
        # Of several candidates the first one is streamed; a chunk may bring another one alone.
        candidate = next((each for each in candidates_of(response) if not each.get("index")), {})
        collect(self._response, {key: value for key, value in response.items() if key != "candidates"})
        collect(self._candidate, {key: value for key, value in candidate.items() if key != "content"})
        content: list[Json] = []
        calls: list[ToolCallChunk] = []
        for part in parts_of(candidate):
            block = self._placed(block_from_part(part, self._ids))
            if content and content[-1]["index"] == block["index"]:
                key = block["type"]
                content[-1] = {**content[-1], **block, key: content[-1][key] + block[key]}
                continue
            if block["type"] == "tool_call":
                block |= {"type": "tool_call_chunk", "args": json.dumps(block["args"])}
                calls.append(tool_call_chunk(**{key: block[key] for key in ("name", "args", "id", "index")}))
            content.append(block)
        if not content:
            return None
        return AIMessageChunk(
            content=cast("list[str | Json]", content),
            tool_call_chunks=calls,
            response_metadata=self._origin_once(),
        )

    def last(self) -> AIMessageChunk:
        """The chunk that ends the message: usage, finish reason and all other metadata."""
        response = self._response
        metadata = metadata_of(response, self._candidate, self._origin, empty=self._index < 0)
        return AIMessageChunk(
            content=[],
            usage_metadata=usage_from_wire(response.get("usageMetadata")),
            response_metadata=self._origin_once() | metadata,
            chunk_position="last",
        )

    def _origin_once(self) -> Json:
        """The origin's metadata; strings langchain-core would concatenate only with the first chunk."""
        metadata = dict(EVERY_CHUNK) if self._is_begun else self._origin.metadata()
        self._is_begun = True
        return metadata

    def _placed(self, block: Json) -> Json:
        """Give a block its index: the open one if it only goes on with plain text, or closes it."""
        kind = block["type"]
        if self._open == "text" and (extras := closing_extras(block)):
            self._open = None
            return {**block, "extras": extras, "index": self._index}
        plain = kind in _TEXT_TYPES and "extras" not in block
        if not (plain and kind == self._open):
            self._index += 1
        self._open = kind if plain else None
        return {**block, "index": self._index}


def collect(collected: Json, values: Json) -> None:
    """Add the values of the next chunk or response to those collected so far.

    Counts and reasons replace, lists go on unless they repeat what they held. The first response's id stays, which
    the ids of calls are made from; a message goes with the reason that it explains.
    """
    if "finishReason" in values:
        collected.pop("finishMessage", None)
    for key, value in values.items():
        before = None if key in _REPLACED else collected.get(key)
        if key == "responseId" and before:
            continue
        if isinstance(before, dict) and isinstance(value, dict):
            collected[key] = dict(before)
            collect(collected[key], value)
        elif isinstance(before, list) and isinstance(value, list) and value[: len(before)] != before:
            collected[key] = [*before, *value]
        else:
            collected[key] = value
