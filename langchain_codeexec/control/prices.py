"""Tokens by kind, and what they cost: by published prices, or by a table of the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase
from typing import Any, Final, Protocol, TypeAlias

from langchain_core.messages.ai import UsageMetadata

from langchain_codeexec.errors import ConfigurationError, MissingDependencyError

__all__ = ["PriceTable", "Prices", "TokenUsage", "checked_prices", "decimal_from", "published_prices"]

PriceTable: TypeAlias = Mapping[str, Mapping[str, Decimal | float | str]]
"""Prices of a million tokens by model and kind: `{"gemini-3-*": {"prompt": 0.5, "candidates": 3}}`.

Models may be patterns with `*`, the first that fits counts. Kinds are those of `TokenUsage`; those left out cost
what they are part of: `tool_use` and `cached` as `prompt`, `thinking` as `candidates`.
"""

_MILLION: Final = 1_000_000
_PARTS: Final = {"tool_use": "prompt", "cached": "prompt", "thinking": "candidates"}
_KINDS: Final = frozenset({"prompt", "candidates", *_PARTS})


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Tokens by kind, in Gemini's words; those of other providers are read from `usage_metadata` all the same.

    Attributes:
        prompt: What was sent, cached tokens included.
        candidates: What was answered.
        tool_use: What executed code printed, as the model read it.
        cached: Those of `prompt` that were read from a cache.
        thinking: What was thought.
    """

    prompt: int = 0
    candidates: int = 0
    tool_use: int = 0
    cached: int = 0
    thinking: int = 0

    @classmethod
    def of(cls, usage: UsageMetadata) -> TokenUsage:
        """The tokens that the `usage_metadata` of a message counts."""
        read: Mapping[str, Any] = usage.get("input_token_details") or {}
        written = usage.get("output_token_details") or {}
        tool_use, thinking = read.get("tool_use") or 0, written.get("reasoning") or 0
        return cls(
            prompt=usage.get("input_tokens", 0) - tool_use,
            candidates=usage.get("output_tokens", 0) - thinking,
            tool_use=tool_use,
            cached=read.get("cache_read") or 0,
            thinking=thinking,
        )

    @property
    def total(self) -> int:
        """All of them."""
        return self.prompt + self.candidates + self.tool_use + self.thinking

    def __add__(self, other: TokenUsage) -> TokenUsage:
        return TokenUsage(*map(sum, zip(astuple(self), astuple(other), strict=True)))


class Prices(Protocol):
    """What the tokens of one answer cost."""

    def __call__(self, model: str, usage: UsageMetadata) -> Decimal | None:
        """The cost of one answer.

        Args:
            model: As the answer names it, without `models/` and the like before the name.
            usage: Its tokens.

        Returns:
            The cost, in the currency of the prices; `None` where no price of the model is known.
        """


def checked_prices(prices: Prices | PriceTable | None) -> Prices | None:
    """Prices as a function.

    Raises:
        ConfigurationError: A table has a price that is none, a kind that is unknown, or lacks a kind.
    """
    if prices is None or callable(prices):
        return prices
    if not isinstance(prices, Mapping):
        raise ConfigurationError(
            f"prices are published_prices(), a table by model and kind, or a function, not {prices!r:.100}"
        )
    return _Table({model: _row(model, row) for model, row in prices.items()})


def published_prices() -> Prices:
    """The prices that providers publish, in US dollars, by the package genai-prices as it is installed.

    They are those of the day on which they are looked up, of the standard tier; whoever pays others has a table.

    Raises:
        MissingDependencyError: genai-prices is not installed.
    """
    try:
        import genai_prices  # noqa: F401, PLC0415 -- an optional library
    except ModuleNotFoundError as error:
        raise MissingDependencyError("genai-prices", "prices") from error
    return _published


def decimal_from(value: object, name: str) -> Decimal:
    """An amount of money, exactly as it is written.

    Raises:
        ConfigurationError: It is no amount, or less than nothing.
    """
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if isinstance(value, bool) or not amount.is_finite() or amount < 0:
        raise ConfigurationError(f"{name} must be an amount of money, not {value!r:.100}")
    return amount


def _row(model: str, row: Any) -> dict[str, Decimal]:
    if not isinstance(row, Mapping) or not {"prompt", "candidates"} <= row.keys() <= _KINDS:
        raise ConfigurationError(
            f"the prices of {model!r} name prompt and candidates, and may name {', '.join(_PARTS)}; "
            f"{row!r:.100} does not"
        )
    return {kind: decimal_from(price, f"the price of {model!r} for {kind}") for kind, price in row.items()}


class _Table:
    """A table as `Prices`."""

    def __init__(self, rows: Mapping[str, Mapping[str, Decimal]]) -> None:
        self._rows = rows

    def __call__(self, model: str, usage: UsageMetadata) -> Decimal | None:
        row = next((row for pattern, row in self._rows.items() if fnmatchcase(model, pattern)), None)
        if row is None:
            return None
        tokens = TokenUsage.of(usage)
        prices = {kind: row.get(kind, row[whole]) for kind, whole in _PARTS.items()} | dict(row)
        counts = {
            "prompt": tokens.prompt - tokens.cached,
            **{kind: getattr(tokens, kind) for kind in ("candidates", *_PARTS)},
        }
        return sum((prices[kind] * count for kind, count in counts.items()), Decimal(0)) / _MILLION


def _published(model: str, usage: UsageMetadata) -> Decimal | None:
    from genai_prices import Usage, calc_price  # noqa: PLC0415 -- an optional library

    read, written = usage.get("input_token_details") or {}, usage.get("output_token_details") or {}
    try:
        # Providers count what is read from a cache, and audio, among the input; thinking among the output.
        calculated = calc_price(
            Usage(
                input_tokens=usage["input_tokens"],
                output_tokens=usage["output_tokens"],
                cache_read_tokens=read.get("cache_read"),
                cache_write_tokens=read.get("cache_creation"),
                input_audio_tokens=read.get("audio"),
                output_audio_tokens=written.get("audio"),
            ),
            model,
        )
    except (
        LookupError,
        ValueError,
    ):  # the latter where audio may have been read from a cache: how much, nobody says
        return None
    return calculated.total_price
