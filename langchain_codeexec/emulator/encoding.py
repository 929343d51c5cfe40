"""Base64 as protobuf's JSON reads it."""

from __future__ import annotations

import base64

__all__ = ["bytes_from_base64"]


def bytes_from_base64(text: str) -> bytes:
    """Decode the standard or the URL-safe alphabet, padded or not.

    Raises:
        ValueError: It is neither.
    """
    bare = text.replace("-", "+").replace("_", "/").rstrip("=")
    return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
