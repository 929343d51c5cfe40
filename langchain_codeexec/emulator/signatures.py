"""Thought signatures and ids as Gemini 3 and later give them.

The emulator's signatures hold no thoughts. They say which of the two services minted them, because the
services do not accept each other's.
"""

from __future__ import annotations

import base64
import secrets
import string
from typing import TYPE_CHECKING

from langchain_codeexec.emulator.encoding import bytes_from_base64

if TYPE_CHECKING:
    from langchain_codeexec.gemini.transport import EndpointKind

__all__ = ["mint_id", "mint_signature", "minted_by"]

_MARKS: dict[EndpointKind, bytes] = {"vertex": b"emulated-vertex:", "developer": b"emulated-developer:"}
_ALPHABET = string.ascii_lowercase + string.digits


def mint_id() -> str:
    """A random id of eight characters, as Gemini 3 gives code and function calls."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(8))


def mint_signature(endpoint: EndpointKind) -> str:
    """An opaque signature, base64."""
    return base64.b64encode(_MARKS[endpoint] + secrets.token_bytes(24)).decode("ascii")


def minted_by(signature: str) -> EndpointKind | None:
    """Which emulated service minted a signature; `None` for one that is not the emulator's.

    Args:
        signature: Base64, standard or URL-safe, padded or not.
    """
    try:
        raw = bytes_from_base64(signature)
    except ValueError:
        return None
    return next((endpoint for endpoint, mark in _MARKS.items() if raw.startswith(mark)), None)
