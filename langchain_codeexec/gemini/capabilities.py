"""What a model accepts on an endpoint: a table by family, and what the service's answers have taught since.

Names move fast, so nothing here ever rejects one: a name of no known family is taken for the newest, and a
refusal that speaks of tools being combined corrects the table for that model and endpoint in this process.
Source: the public documentation of both services on combining tools with function calling and on thought
signatures; the wording of the refusals as reported by their users.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_codeexec.gemini.wire import EndpointKind

__all__ = ["Capabilities", "capabilities", "forget", "generation", "learn_from"]

_NEWEST: Final = 3
_GENERATION: Final = re.compile(r"gemini-(?:[a-z]+-)*?(\d+)")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What one model accepts on one endpoint.

    Attributes:
        code_with_functions: Code execution and function declarations in one request.
        tools_with_schema: Tools and a response schema in one request.
        server_side_flag: The combination needs `toolConfig.includeServerSideToolInvocations`.
        signatures: Function calls in the history must carry a thought signature.
        call_ids: Calls carry ids, and ids are accepted in the history.
        media_in_responses: A function response may carry images and files in its own `parts`.
    """

    code_with_functions: bool
    tools_with_schema: bool
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


def capabilities(model: str, endpoint: EndpointKind) -> Capabilities:
    """What a model accepts on an endpoint, as far as is known by now.

    Args:
        model: Any model name, bare or with slashes.
        endpoint: Which of the two services answers.
    """
    known = _known.get((model, endpoint))
    if known is None:
        with _lock:
            known = _known.setdefault((model, endpoint), _by_family(model, endpoint))
    return known


def learn_from(refusal: str, model: str, endpoint: EndpointKind) -> bool:
    """Correct what is known of a model by the words of a 400.

    Args:
        refusal: The service's message.
        model: The model that was asked.
        endpoint: Which service refused.

    Returns:
        Whether the refusal taught something that was not known, so that another request makes sense.
    """
    facts = next((facts for pattern, facts in _REFUSALS.items() if pattern.search(refusal)), None)
    if facts is None:
        return False
    before = capabilities(model, endpoint)
    after = replace(before, **facts)
    with _lock:
        _known[model, endpoint] = after
    return after != before


def forget() -> None:
    """Go back to the table."""
    with _lock:
        _known.clear()


def _by_family(model: str, endpoint: EndpointKind) -> Capabilities:
    modern = generation(model) >= _NEWEST
    return Capabilities(
        code_with_functions=modern,
        tools_with_schema=modern,
        server_side_flag=modern and endpoint == "developer",
        signatures=modern,
        call_ids=modern or endpoint == "developer",
        media_in_responses=modern,
    )


_NO_COMBINATION: Final[Mapping[str, Any]] = {"code_with_functions": False}
_REFUSALS: Final[Mapping[re.Pattern[str], Mapping[str, Any]]] = {
    re.compile(pattern, re.IGNORECASE | re.DOTALL): facts
    for pattern, facts in {
        r"enable.*include_?server_?side_?tool_?invocations": {"server_side_flag": True},
        r"unknown name .*include_?server_?side_?tool_?invocations": {"server_side_flag": False},
        r"with a response mime type.*unsupported": {"tools_with_schema": False},
        r"response_?schema.*(tool|function).*(unsupported|not supported)": {"tools_with_schema": False},
        r"multiple tools are supported only": _NO_COMBINATION,
        r"tool use with function calling is unsupported": _NO_COMBINATION,
        r"at most one tool is supported": _NO_COMBINATION,
        r"built-in tools.*function calling.*cannot be combined": _NO_COMBINATION,
        r"tool call context circulation is not enabled": _NO_COMBINATION,
        r"(code execution|function call).*(cannot|not).*(combin|together|same request)": _NO_COMBINATION,
    }.items()
}
"""Loose patterns: the wording differs from model to model and changes."""

_known: dict[tuple[str, EndpointKind], Capabilities] = {}
_lock = Lock()
