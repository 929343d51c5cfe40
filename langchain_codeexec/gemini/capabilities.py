"""What a model accepts on an endpoint, by family, with a default for names not seen before.

Names move fast, so nothing here ever rejects one: a name of no known family is taken for the newest.
Source: the public documentation of both services on combining tools with function calling and on
thought signatures.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from langchain_codeexec.gemini.transport import EndpointKind

__all__ = ["Capabilities", "capabilities", "generation"]

_NEWEST: Final = 3
_GENERATION: Final = re.compile(r"gemini-(?:[a-z]+-)*?(\d+)")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What one model accepts on one endpoint.

    Attributes:
        code_with_functions: Code execution and function declarations in one request.
        code_with_schema: Code execution and a response schema in one request.
        server_side_flag: The combination needs `toolConfig.includeServerSideToolInvocations`.
        signatures: Function calls in the history must carry a thought signature.
        call_ids: Calls carry ids, and ids are accepted in the history.
        media_in_responses: A function response may carry images and files in its own `parts`.
    """

    code_with_functions: bool
    code_with_schema: bool
    server_side_flag: bool
    signatures: bool
    call_ids: bool
    media_in_responses: bool


def generation(model: str) -> int:
    """The major version in a model name; the newest known for a name without one.

    Examples:
        >>> [generation(name) for name in ("gemini-2.5-flash", "models/gemini-4-pro", "gemini-flash-latest")]
        [2, 4, 3]
    """
    found = _GENERATION.search(model.rpartition("/")[2])
    return int(found[1]) if found else _NEWEST


@lru_cache(maxsize=256)
def capabilities(model: str, endpoint: EndpointKind) -> Capabilities:
    """What a model accepts on an endpoint.

    Args:
        model: Any model name, bare or with slashes.
        endpoint: Which of the two services answers.
    """
    modern = generation(model) >= _NEWEST
    return Capabilities(
        code_with_functions=modern,
        code_with_schema=modern,
        server_side_flag=modern and endpoint == "developer",
        signatures=modern,
        call_ids=modern or endpoint == "developer",
        media_in_responses=modern,
    )
