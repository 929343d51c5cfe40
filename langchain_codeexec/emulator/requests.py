"""Whether a request that parses makes sense: the checks the service makes, in its words.

Each check takes the request and its target and raises at the first fault; `CHECKS` says which run for
which method and in which order.
"""

from __future__ import annotations

from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from langchain_codeexec.emulator.answering import minted_by
from langchain_codeexec.emulator.caching import CachedContents
from langchain_codeexec.emulator.parsing import parse_message
from langchain_codeexec.emulator.rules import (
    check_files,
    check_form,
    check_ranges,
    check_tool_config,
    check_tools,
    declares,
)
from langchain_codeexec.emulator.schema import PART_DATA
from langchain_codeexec.emulator.service_errors import invalid, unable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from langchain_codeexec.emulator.targets import Target
    from langchain_codeexec.gemini.wire import GenerateContentRequest

__all__ = ["SKIP_SIGNATURE", "checked_request"]

SKIP_SIGNATURE = "skip_thought_signature_validator"
"""The documented stand-in for the signature of a call the model did not make."""

_MESSAGES = MappingProxyType({"countTokens": "CountTokensRequest"})
_USER_ROLES = ("user", "function")
_ROLES = ("user", "model", "function")


def checked_request(
    body: Any, target: Target, caches: CachedContents | None = None
) -> GenerateContentRequest:
    """Parse and check a body.

    Args:
        body: The JSON value that came in.
        target: Where it goes; the rules differ between the services and the model families.
        caches: The cached contents it may name; what it names is put in front.

    Returns:
        The request with camelCase keys. For `countTokens` on the Developer API that is the inner
        `generateContentRequest` where there is one.

    Raises:
        EmulatedError: 400, as the service would answer; 403 or 404 for a cached content that is not there.
    """
    request = parse_message(_MESSAGES.get(target.action, "GenerateContentRequest"), body, target)
    request = request.get("generateContentRequest", request)
    request = (caches or CachedContents()).complete(request, target)
    for check in _CHECKS[target.action]:
        check(request, target)
    return cast("GenerateContentRequest", request)


def _contents(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    return request.get("contents") or []


def _parts(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    return content.get("parts") or []


def _numbered_parts(request: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for index, content in enumerate(_contents(request)):
        for position, part in enumerate(_parts(content)):
            yield f"contents[{index}].parts[{position}]", part


def _check_contents(request: Mapping[str, Any], target: Target) -> None:
    if not _contents(request):
        if target.endpoint == "vertex":
            raise unable("at least one contents field is required.")
        raise invalid("* GenerateContentRequest.contents: contents is not specified\n")
    for index, content in enumerate(_contents(request)):
        if not _parts(content):
            if target.endpoint == "vertex":
                raise unable("it must include at least one parts field, which describes the prompt input.")
            raise invalid(
                f"* GenerateContentRequest.contents[{index}].parts: contents.parts must not be empty.\n"
            )


def _check_parts(request: Mapping[str, Any], target: Target) -> None:
    for place, part in _numbered_parts(request):
        if not PART_DATA & part.keys():
            raise invalid(
                f"* GenerateContentRequest.{place}.data: "
                "required oneof field 'data' must have one initialized field\n"
            )
        author = minted_by(part.get("thoughtSignature", ""))
        if author is not None and author != target.endpoint:
            text = "Thought signature is not valid"
            raise invalid(
                f"Unable to submit request because {text}." if target.endpoint == "vertex" else text
            )


def _check_roles(request: Mapping[str, Any], target: Target) -> None:
    """Vertex wants a role on every content; the Developer API takes one without as the user's."""
    default = "" if target.endpoint == "vertex" else "user"
    for content in _contents(request):
        role = content.setdefault("role", default)
        if role == "system":
            raise invalid("Content with system role is not supported.")
        if role not in _ROLES:
            text = "Please use a valid role: user, model."
            raise unable(f"{text}.") if target.endpoint == "vertex" else invalid(text)
    if len(_contents(request)) == 1 and _contents(request)[0]["role"] == "model":
        raise invalid(
            "Please ensure that single turn requests end with a user role or the role field is empty."
        )


def _is_silent(content: Mapping[str, Any]) -> bool:
    return content["role"] == "model" and all(part.get("text") == "" for part in _parts(content))


def _count(content: Mapping[str, Any], key: str) -> int:
    return sum(key in part for part in _parts(content))


def _check_function_turns(request: Mapping[str, Any], target: Target) -> None:  # noqa: ARG001 -- a check's signature
    """A call turn follows the user or a response turn, and is answered by the very next turn in full.

    The empty text that ends a stream is no turn: Google's own client sends it back as a content of its own.
    """
    start: dict[str, Any] = {"role": "model"}
    end: dict[str, Any] = {"role": "user"}
    turns = [content for content in _contents(request) if not _is_silent(content)]
    for before, content in pairwise([start, *turns, end]):
        if _count(content, "functionCall") and before["role"] not in _USER_ROLES:
            raise invalid(
                "Please ensure that function call turn comes immediately after a user turn "
                "or after a function response turn."
            )
        calls, responses = _count(before, "functionCall"), _count(content, "functionResponse")
        if responses and not calls:
            raise invalid(
                "Please ensure that function response turn comes immediately after a function call turn."
            )
        if calls != responses:
            raise invalid(
                "Please ensure that the number of function response parts is equal to the number of "
                "function call parts of the function call turn."
            )


def _current_turn(contents: Sequence[dict[str, Any]]) -> int:
    """Index of the content the current turn began with: the last one in which the user spoke."""
    spoken = (
        index
        for index, content in reversed(list(enumerate(contents)))
        if content["role"] in _USER_ROLES and not _count(content, "functionResponse")
    )
    return next(spoken, 0)


def _check_call_signatures(request: Mapping[str, Any], target: Target) -> None:
    """From Gemini 3 on, the first call of every step of the current turn must carry its signature."""
    if not target.signs:
        return
    contents = _contents(request)
    for index in range(_current_turn(contents), len(contents)):
        first = next((part for part in _parts(contents[index]) if "functionCall" in part), None)
        if first is not None and not first.get("thoughtSignature"):
            raise invalid(_missing_signature(first["functionCall"].get("name", ""), index + 1, target))


def _missing_signature(name: str, position: int, target: Target) -> str:
    if target.endpoint == "vertex":
        return (
            f"Unable to submit request because function call `default_api:{name}` in the {position}. content "
            "block is missing a `thought_signature`. Learn more: "
            "https://docs.cloud.google.com/vertex-ai/generative-ai/docs/thought-signatures"
        )
    return (
        "Function call is missing a thought_signature in functionCall parts. This is required for tools to "
        "work correctly, and missing thought_signature may lead to degraded model performance. Additional "
        f"data, function call `default_api:{name}` , position {position}. Please refer to "
        "https://ai.google.dev/gemini-api/docs/thought-signatures for more details."
    )


def _check_code_history(request: Mapping[str, Any], target: Target) -> None:  # noqa: ARG001 -- a check's signature
    """Code in the history needs the tool in the request; the wording is ours."""
    if declares(request, "codeExecution"):
        return
    kinds = {"executableCode": "executable_code", "codeExecutionResult": "code_execution_result"}
    for place, part in _numbered_parts(request):
        for key, name in kinds.items():
            if key in part:
                raise invalid(
                    f"Code execution is not enabled: {place} has {name} and tools no code_execution."
                )


_CONTENT_CHECKS = (_check_contents, _check_parts, check_files, _check_roles)
_GENERATE_CHECKS = (
    *_CONTENT_CHECKS,
    check_tools,
    check_tool_config,
    check_form,
    check_ranges,
    _check_function_turns,
    _check_call_signatures,
    _check_code_history,
)
_CHECKS: Mapping[str, Sequence[Callable[[Mapping[str, Any], Target], None]]] = MappingProxyType(
    {
        "generateContent": _GENERATE_CHECKS,
        "streamGenerateContent": _GENERATE_CHECKS,
        "countTokens": _CONTENT_CHECKS,
    }
)
