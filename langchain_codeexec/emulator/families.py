"""What a model's name tells about the rules that hold for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["LISTED_MODELS", "generation", "is_known"]

LISTED_MODELS = (
    "gemini-2.5-flash",
    "gemini-2.5-pro",
    "gemini-3-flash-preview",
    "gemini-3-pro-preview",
    "gemini-flash-latest",
)
"""The models `GET models` lists; every other Gemini or Gemma name is answered as well."""

_NUMBERED = re.compile(r"gemini-(\d+)")
_NEWEST = 3


def generation(model: str) -> int:
    """Major version of the family: names without a number follow the newest, Gemma the rules of Gemini 2."""
    if numbered := _NUMBERED.match(model):
        return int(numbered[1])
    return 2 if model.startswith("gemma-") else _NEWEST


def is_known(model: str, also: Collection[str] = ()) -> bool:
    """Whether the service would know the name."""
    return model.startswith(("gemini-", "gemma-")) or model in also
