"""Chunks of streamGenerateContent to message chunks that add up to the message generateContent gives.

langchain-core merges blocks of equal `index`. So text goes on under one index as long as it is plain, and
every other part, and every text with a signature, has an index of its own. Strings in the metadata would be
concatenated: what the chunks say beside their parts is collected and told once, with the last chunk.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast

from langchain_core.messages import AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk

from langchain_codeexec.messages.from_wire import (
    EVERY_CHUNK,
    candidates_of,
    metadata_of,
    parts_of,
    usage_from_wire,
)
from langchain_codeexec.messages.parts import block_from_part, closing_extras

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_core.messages.tool import ToolCallChunk

    from langchain_codeexec.messages.from_wire import Origin
    from langchain_codeexec.messages.parts import CallIds

__all__ = ["ChunkTranslator"]

Json = dict[str, Any]

_TEXT_KEY: Final = {"text": "text", "reasoning": "reasoning"}
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
        self._told = False
        self._response: Json = {}
        self._candidate: Json = {}

    def chunk(self, response: Mapping[str, Any]) -> AIMessageChunk | None:
        """The message chunk for a chunk of the stream; `None` if it brings no part.

        Raises:
            ResponseFormatError: The chunk has not the structure of one.
        """
        self._ids = self._ids or self._origin.call_ids(response)
        # Of several candidates the first one is streamed; a chunk may bring another one alone.
        candidate = next((found for found in candidates_of(response) if not found.get("index")), {})
        _collect(self._response, {key: value for key, value in response.items() if key != "candidates"})
        _collect(self._candidate, {key: value for key, value in candidate.items() if key != "content"})
        content: list[Json] = []
        calls: list[ToolCallChunk] = []
        for part in parts_of(candidate):
            block = self._placed(block_from_part(part, self._ids))
            if content and content[-1]["index"] == block["index"]:
                key = _TEXT_KEY[block["type"]]
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
        """The chunk that ends the message: usage, finish reason and all other metadata, told once."""
        response = self._response
        told = metadata_of(response, self._candidate, self._origin, empty=self._index < 0)
        return AIMessageChunk(
            content=[],
            usage_metadata=usage_from_wire(response.get("usageMetadata")),
            response_metadata=self._origin_once() | told,
            chunk_position="last",
        )

    def _origin_once(self) -> Json:
        """The origin's metadata; strings langchain-core would concatenate only with the first chunk."""
        metadata = dict(EVERY_CHUNK) if self._told else self._origin.metadata()
        self._told = True
        return metadata

    def _placed(self, block: Json) -> Json:
        """Give a block its index: the open one if it only goes on with plain text, or closes it."""
        kind = block["type"]
        if self._open == "text" and (extras := closing_extras(block)):
            self._open = None
            return {**block, "extras": extras, "index": self._index}
        plain = kind in _TEXT_KEY and "extras" not in block
        if not (plain and kind == self._open):
            self._index += 1
        self._open = kind if plain else None
        return {**block, "index": self._index}


def _collect(known: Json, told: Json) -> None:
    """Add what a chunk tells: counts and reasons replace, lists go on unless they repeat what they held."""
    for key, value in told.items():
        held = None if key in _REPLACED else known.get(key)
        if isinstance(held, dict) and isinstance(value, dict):
            known[key] = dict(held)
            _collect(known[key], value)
        elif isinstance(held, list) and isinstance(value, list) and value[: len(held)] != held:
            known[key] = [*held, *value]
        else:
            known[key] = value
