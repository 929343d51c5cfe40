"""What a model accepts at an address: a table by family, corrected by the service's own refusals.

Model names move fast, so none is rejected: a name of no known family is taken for the newest. A refusal corrects
the table for that model at that address, and only by what the refused request really combined. Sources: the public
documentation of both services on combining tools with function calling and on thought signatures; the wordings of
refusals as reported by their users.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from threading import Lock
from typing import Any, Final, TypeAlias

from langchain_codeexec.gemini.wire import ApiKind, EndpointKind

__all__ = ["SCHEMA_KEYS", "Capabilities", "Destination", "generation"]

_NEWEST: Final = 3
_GENERATION: Final = re.compile(r"gemini-(?:[a-z]+-)*?(\d+)")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What one model accepts at one address.

    Attributes:
        code_execution: Code execution at all.
        code_with_functions: Code execution and function declarations in one request.
        code_with_built_ins: Code execution and the service's other built-in tools in one request.
        tools_with_schema: Tools and a response schema in one request.
        server_side_flag: The combination needs `toolConfig.includeServerSideToolInvocations`.
        signatures: Function calls in the history must carry a thought signature.
        call_ids: Calls carry ids, and ids are accepted in the history.
        media_in_responses: A function response may carry images and files in its own `parts`.
        tool_parts: The history may hold `toolCall` and `toolResponse`, the parts of other built-in tools.
    """

    code_execution: bool
    code_with_functions: bool
    code_with_built_ins: bool
    tools_with_schema: bool
    server_side_flag: bool
    signatures: bool
    call_ids: bool
    media_in_responses: bool
    tool_parts: bool


@dataclass(frozen=True, slots=True)
class Destination:
    """A model at the address of a service, and the protocol it is reached by.

    Attributes:
        model: Any model name, bare or with slashes.
        endpoint: Which of the two services answers there.
        address: Where requests go, as `https://host`; empty if that is not known. What is learned of a gateway
            is not believed of the service, nor of another gateway.
        api: Which of the service's protocols.
    """

    model: str
    endpoint: EndpointKind
    address: str = ""
    api: ApiKind = "generate_content"

    @property
    def accepts(self) -> Capabilities:
        """What the model accepts there, as far as is known by now."""
        known = _known.get(self)
        return _by_family(self.model, self.endpoint, self.api) if known is None else known

    def learn(self, refusal: str, request: Mapping[str, Any]) -> None:
        """Correct what is known by a 400.

        Args:
            refusal: The service's message.
            request: The body that was refused; a refusal teaches only of what it combined.
        """
        for pattern, applies, facts in _REFUSALS:
            if re.search(pattern, refusal, re.IGNORECASE | re.DOTALL) and applies(request):
                with _lock:
                    _known[self] = replace(self.accepts, **facts)
                return


def generation(model: str) -> int:
    """The major version in a model name; the newest known for a name without one.

    Examples:
        >>> [generation(name) for name in ("gemini-2.5-flash", "models/gemini-4-pro", "gemini-flash-latest")]
        [2, 4, 3]
    """
    generation = _GENERATION.search(model.rpartition("/")[2])
    return int(generation[1]) if generation else _NEWEST


@cache
def _by_family(model: str, endpoint: EndpointKind, api: ApiKind) -> Capabilities:
    modern = generation(model) >= _NEWEST
    if api == "interactions":
        # Its functions stand beside built-in tools without a flag.
        known = _by_family(model, endpoint, "generate_content")
        return replace(known, server_side_flag=False, call_ids=True, tool_parts=False)
    return Capabilities(
        code_execution=True,
        code_with_functions=modern,
        code_with_built_ins=modern or endpoint == "developer",
        tools_with_schema=modern,
        server_side_flag=modern and endpoint == "developer",
        signatures=modern,
        call_ids=modern or endpoint == "developer",
        media_in_responses=modern,
        tool_parts=modern and endpoint == "developer",
    )


def _declared(request: Mapping[str, Any]) -> set[str]:
    """Which kinds of tools a request declares."""
    tools: Sequence[Mapping[str, Any]] = request.get("tools") or ()
    return {kind for tool in tools for kind in tool}


def _runs_code(request: Mapping[str, Any]) -> bool:
    return "codeExecution" in _declared(request)


def _combines(request: Mapping[str, Any]) -> bool:
    """Whether code execution and functions are the two sides of a request, so that no third tool was refused."""
    return _declared(request) == {"codeExecution", "functionDeclarations"}


def _has_built_ins(request: Mapping[str, Any]) -> bool:
    """Whether code execution was refused beside other built-in tools, and no functions."""
    declared = _declared(request)
    return "codeExecution" in declared and len(declared) > 1 and "functionDeclarations" not in declared


def _has_flag(request: Mapping[str, Any]) -> bool:
    return "includeServerSideToolInvocations" in (request.get("toolConfig") or {})


def _has_schema(request: Mapping[str, Any]) -> bool:
    config = request.get("generationConfig") or {}
    return bool(_declared(request)) and not SCHEMA_KEYS.isdisjoint(config)


SCHEMA_KEYS: Final = frozenset({"responseMimeType", "responseJsonSchema", "responseSchema"})
"""Keys of `generationConfig` that demand JSON."""

_Rule: TypeAlias = tuple[str, Callable[[Mapping[str, Any]], bool], Mapping[str, bool]]
_APART: Final = {"code_with_functions": False}
_ALONE: Final = {"code_with_built_ins": False}
_TWO_STEPS: Final = {"tools_with_schema": False}
_REFUSALS: Final[tuple[_Rule, ...]] = (
    (
        r"enable.*include_?server_?side_?tool_?invocations",
        lambda request: _combines(request) and not _has_flag(request),
        {"server_side_flag": True},
    ),
    (r"unknown name .*include_?server_?side_?tool_?invocations", _has_flag, {"server_side_flag": False}),
    (r"code execution is not enabled", _runs_code, {"code_execution": False}),
    (r"controlled generation.*(unsupported|not supported)", _has_schema, _TWO_STEPS),
    (r"with a response mime type.*unsupported", _has_schema, _TWO_STEPS),
    (r"response_?schema.*(tool|function).*(unsupported|not supported)", _has_schema, _TWO_STEPS),
    (r"multiple tools are supported only|at most one tool is supported", _has_built_ins, _ALONE),
    (r"multiple tools are supported only", _combines, _APART),
    (r"tool use with function calling is unsupported", _combines, _APART),
    (r"at most one tool is supported", _combines, _APART),
    (r"built-in tools.*function calling.*cannot be combined", _combines, _APART),
    (r"tool call context circulation is not enabled", _combines, _APART),
    (r"(code execution|function call).*(cannot|not).*(combin|together|same request)", _combines, _APART),
)
"""A loose pattern, for wordings differ and change; the requests it can speak of; what it teaches."""

_known: dict[Destination, Capabilities] = {}
_lock = Lock()
