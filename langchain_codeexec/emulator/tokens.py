"""A local token estimate, the same for the same text every time.

Four characters are a token, and an image, a page or another binary is 258 (what the public documentation
gives for a small image). It is no tokenizer: counts are of the right order and add up, nothing more.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from langchain_codeexec.emulator.parsing import bytes_from_base64, declared_functions
from langchain_codeexec.emulator.targets import Target
from langchain_codeexec.gemini.wire import Content, CountTokensResponse, GenerateContentRequest, UsageMetadata

__all__ = [
    "Usage",
    "compute_tokens",
    "count_tokens",
    "cut_text",
    "modality_counts",
    "part_tokens",
    "prompt_tokens",
    "text_tokens",
    "tokens_with_ids",
]

_CHARACTERS = 4
_BINARY = 258
_VOCABULARY = 262_144
_NONE: Mapping[str, int] = {}
_MODALITIES = {"image": "IMAGE", "audio": "AUDIO", "video": "VIDEO", "text": "TEXT"}


def text_tokens(text: str) -> int:
    """Tokens of a text: its characters divided by four, rounded up."""
    return -(-len(text) // _CHARACTERS)


def cut_text(text: str, tokens: int) -> str:
    """The beginning of a text that is worth so many tokens."""
    return text[: tokens * _CHARACTERS]


def _json_tokens(value: Any) -> tuple[str, int]:
    return "TEXT", text_tokens(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _blob_tokens(blob: Mapping[str, Any]) -> tuple[str, int]:
    family = str(blob.get("mimeType", "")).partition("/")[0]
    modality = _MODALITIES.get(family, "DOCUMENT")
    if modality == "TEXT" and "data" in blob:
        return modality, text_tokens(bytes_from_base64(blob["data"]).decode("utf-8", "replace"))
    return modality, _BINARY


_COUNTS: Mapping[str, Callable[[Any], tuple[str, int]]] = {
    "text": lambda text: ("TEXT", text_tokens(text)),
    "executableCode": lambda code: ("TEXT", text_tokens(code.get("code", ""))),
    "codeExecutionResult": lambda result: ("TEXT", text_tokens(result.get("output", ""))),
    "inlineData": _blob_tokens,
    "fileData": _blob_tokens,
    "functionCall": _json_tokens,
    "functionResponse": _json_tokens,
    "toolCall": _json_tokens,
    "toolResponse": _json_tokens,
}


def part_tokens(part: Mapping[str, Any]) -> tuple[str, int]:
    """Modality and tokens of one part."""
    return next((count(part[key]) for key, count in _COUNTS.items() if key in part), ("TEXT", 0))


def prompt_tokens(request: GenerateContentRequest) -> Counter[str]:
    """Tokens by modality of all the model reads: contents, system instruction, function declarations."""
    counts: Counter[str] = Counter()
    contents = [*(request.get("contents") or []), request.get("systemInstruction") or {}]
    for content in contents:
        _add(counts, (part_tokens(part) for part in content.get("parts") or []))
    _add(counts, map(_json_tokens, declared_functions(request)))
    return counts


def _add(counts: Counter[str], items: Iterable[tuple[str, int]]) -> None:
    for modality, tokens in items:
        counts[modality] += tokens


_HIDDEN = 32
"""Tokens that a model thinks where it shows no thoughts, as far as `maxOutputTokens` leaves room."""
_TRAFFIC = {"flex": "ON_DEMAND_FLEX", "priority": "ON_DEMAND_PRIORITY"}


class Usage:
    """The token count of one answer: total = prompt + candidates + toolUsePrompt + thoughts.

    What came out of an execution, images included, is read by the model again, so it counts as `toolUsePrompt`;
    all else the model writes counts as `candidates`, and its thoughts as `thoughts`.

    Args:
        request: What is answered.
        target: Where it went. As recorded, only Vertex, models that draw and those before Gemini 2.5 detail the
            candidates; Vertex names the traffic type, the Developer API the service tier.
        cached: How many tokens of the prompt are a cached content's, by modality.

    Attributes:
        thinks: Whether the model thinks about this request.
        tier: The service tier.
    """

    def __init__(
        self, request: GenerateContentRequest, target: Target, cached: Mapping[str, int] = _NONE
    ) -> None:
        self._cached = cached
        self._target = target
        tier = str(request.get("serviceTier") or "UNSPECIFIED").lower()
        self.tier = "standard" if tier == "unspecified" else tier
        config = request.get("generationConfig") or {}
        self._most = config.get("maxOutputTokens") or None
        thinking = config.get("thinkingConfig") or {}
        self.thinks = target.thinks and thinking.get("thinkingBudget") != 0
        self._since_result = 0
        self._reads = False
        self._sides: dict[str, Counter[str]] = {
            "prompt": prompt_tokens(request),
            "candidates": Counter(),
            "toolUsePrompt": Counter(),
            "thoughts": Counter(),
        }

    def add(self, part: Mapping[str, Any]) -> None:
        """Count one part of the answer."""
        counted = part_tokens(part)
        self._reads = "codeExecutionResult" in part or (self._reads and "inlineData" in part)
        side = "toolUsePrompt" if self._reads else "thoughts" if part.get("thought") else "candidates"
        _add(self._sides[side], [counted])
        if side != "thoughts":
            self._since_result = 0 if self._reads else self._since_result + counted[1]

    @property
    def candidates(self) -> int:
        """Tokens of the model's answer so far, thoughts included: what `maxOutputTokens` bounds."""
        return self._sides["candidates"].total() + self._sides["thoughts"].total()

    @property
    def so_far(self) -> UsageMetadata:
        """What goes into a chunk that is not the last.

        Vertex names the traffic type alone; models before Gemini 2.5 count the prompt, and Gemini 3 besides what
        it wrote since its thoughts or the last result, so that its counts may be smaller than before.
        """
        if self._target.endpoint == "vertex":
            return cast("UsageMetadata", self._traffic)
        if self._target.is_early or (self._target.signs and not self._since_result):
            return self._counts({"prompt": self._sides["prompt"].total()})
        if not self._target.signs:
            return self.total
        counts = {
            "prompt": self._sides["prompt"].total(),
            "candidates": self._since_result,
            "thoughts": self._hidden,
        }
        return self._counts(counts)

    @property
    def total(self) -> UsageMetadata:
        """The final count; a count of zero is left out, as protobuf does."""
        counts = {side: counts.total() for side, counts in self._sides.items()}
        counts["thoughts"] = counts["thoughts"] or self._hidden
        return self._counts(counts)

    @property
    def _hidden(self) -> int:
        """Tokens of thoughts that nobody sees."""
        left = _HIDDEN if self._most is None else max(0, self._most - self.candidates)
        return min(_HIDDEN, left) if self.thinks else 0

    def _counts(self, counts: Mapping[str, int]) -> UsageMetadata:
        usage: dict[str, Any] = {f"{side}TokenCount": count for side, count in counts.items() if count}
        usage["totalTokenCount"] = sum(counts.values())
        if self._cached:
            usage["cachedContentTokenCount"] = sum(self._cached.values())
            usage["cacheTokensDetails"] = modality_counts(self._cached)
        target = self._target
        details_all = target.endpoint == "vertex" or target.is_early or target.draws
        for side in ("prompt", "toolUsePrompt", *(("candidates",) if details_all else ())):
            if counts.get(side) and (details := modality_counts(self._sides[side])):
                usage[f"{side}TokensDetails"] = details
        return cast("UsageMetadata", usage | self._traffic)

    @property
    def _traffic(self) -> dict[str, str]:
        if self._target.endpoint == "vertex":
            return {"trafficType": _TRAFFIC.get(self.tier, "ON_DEMAND")}
        return {"serviceTier": self.tier}


def modality_counts(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """The wire's list of counts by modality."""
    return [{"modality": modality, "tokenCount": tokens} for modality, tokens in counts.items() if tokens]


def count_tokens(
    request: GenerateContentRequest, target: Target, cached: Mapping[str, int] = _NONE
) -> CountTokensResponse:
    """The answer of countTokens; only Vertex counts billable characters (those that are no white space)."""
    counts = prompt_tokens(request)
    answer: CountTokensResponse = {
        "totalTokens": counts.total(),
        "promptTokensDetails": modality_counts(counts),
    }
    if cached:
        answer["cachedContentTokenCount"] = sum(cached.values())
    if target.endpoint == "vertex":
        parts = (part for content in request.get("contents", []) for part in content.get("parts", []))
        texts = (part.get("text", "") for part in parts)
        answer["totalBillableCharacters"] = sum(len("".join(text.split())) for text in texts)
    return answer


def compute_tokens(request: GenerateContentRequest) -> dict[str, Any]:
    """The answer of computeTokens."""
    return {"tokensInfo": [_tokens_info(content) for content in request.get("contents") or []]}


def tokens_with_ids(text: str) -> list[tuple[str, int]]:
    """The pieces of a text that are counted, and for each a number that only depends on it."""
    pieces = [text[at : at + _CHARACTERS] for at in range(0, len(text), _CHARACTERS)]
    return [(piece, zlib.crc32(piece.encode("utf-8", "surrogatepass")) % _VOCABULARY) for piece in pieces]


def _tokens_info(content: Content) -> dict[str, Any]:
    pieces = [piece for part in content.get("parts", []) for piece in tokens_with_ids(part.get("text", ""))]
    return {
        "role": content.get("role", "user"),
        "tokens": [
            base64.b64encode(token.encode("utf-8", "surrogatepass")).decode("ascii") for token, _ in pieces
        ],
        "tokenIds": [str(number) for _, number in pieces],
    }
