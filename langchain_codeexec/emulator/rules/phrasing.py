"""Patterns of prose."""

from __future__ import annotations

import re

__all__ = ["phrase"]


def phrase(*alternatives: str) -> re.Pattern[str]:
    """Compile a pattern of prose: any of the alternatives, in any case."""
    return re.compile("|".join(alternatives), re.IGNORECASE)
