"""Whether a request that parses makes sense: the checks the services make, in their words.

Each check takes the request and its target and raises at the first fault; `_CHECKS` says which run for which
method and in which order. Most wordings were seen in answers of the services, as users quote them; those for
levels of thinking on Vertex and for code in the history are made after them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias, cast

from langchain_codeexec.emulator.answering import is_changed, minted_by
from langchain_codeexec.emulator.parsing import parse_message
from langchain_codeexec.emulator.schema import PART_DATA, REQUESTS
from langchain_codeexec.emulator.service_errors import EmulatedError, invalid, unable
from langchain_codeexec.emulator.targets import INPUT_LIMIT, Target
from langchain_codeexec.emulator.tokens import prompt_tokens
from langchain_codeexec.emulator.tool_rules import FUNCTION_CALLING, TOOL_CHECKS, declares, no_circulation
from langchain_codeexec.gemini.wire import EndpointKind, GenerateContentRequest

__all__ = ["check_generation", "checked_request"]

_Request: TypeAlias = Mapping[str, Any]
_Complete: TypeAlias = Callable[[dict[str, Any], Target], dict[str, Any]]


def checked_request(
    body: Any, target: Target, complete: _Complete = lambda request, _: request
) -> GenerateContentRequest:
    """Parse and check a body.

    Args:
        body: The JSON value that came in.
        target: Where it goes; the rules differ between the services and the model families.
        complete: Puts the cached content that a request names in front of it.

    Returns:
        The request with camelCase keys. For `countTokens` on the Developer API that is the inner
        `generateContentRequest` where there is one.
    """
    request = parse_message(REQUESTS[target.action], body, target)
    request = complete(request.get("generateContentRequest", request), target)
    for check in _CHECKS[target.action]:
        check(request, target)
    return cast("GenerateContentRequest", request)


def check_generation(request: Mapping[str, Any], target: Target) -> None:
    """Check a request to generate content that was parsed already."""
    for check in _GENERATE_CHECKS:
        check(request, target)


# -- contents ------------------------------------------------------------------------------------------

_TAKEN_ALONE = PART_DATA | {"videoMetadata"}
_TAKEN_SIGNED = {"thought", "thoughtSignature"}
"""A thought without its text is taken where it is signed."""
_NESTED = frozenset("image/png image/jpeg image/webp application/pdf text/plain".split())
_USER_ROLES = ("user", "function")
_ROLES = ("user", "model", "function")


def _contents(request: _Request) -> list[dict[str, Any]]:
    return request.get("contents") or []


def _parts(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    return content.get("parts") or []


def _numbered_parts(request: _Request) -> Iterator[tuple[str, dict[str, Any]]]:
    for index, content in enumerate(_contents(request)):
        for position, part in enumerate(_parts(content)):
            yield f"contents[{index}].parts[{position}]", part


def _check_contents(request: _Request, target: Target) -> None:
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


def _check_parts(request: _Request, target: Target) -> None:
    for place, part in _numbered_parts(request):
        if not (_TAKEN_ALONE & part.keys() or part.keys() >= _TAKEN_SIGNED):
            raise invalid(
                f"* GenerateContentRequest.{place}.data: "
                "required oneof field 'data' must have one initialized field\n"
            )
        if not target.signs and part.keys() & {"toolCall", "toolResponse"}:
            raise invalid(no_circulation(target))
        _check_nested_media(part.get("functionResponse") or {}, target)
        signature = part.get("thoughtSignature", "")
        if is_changed(signature) or minted_by(signature) not in (None, target.endpoint):
            text = "Thought signature is not valid"
            raise invalid(
                f"Unable to submit request because {text}." if target.endpoint == "vertex" else text
            )


def _check_nested_media(response: Mapping[str, Any], target: Target) -> None:
    """Function responses hold media from Gemini 3 on, of a few types; `$ref` names one of them.

    On the Developer API it may not do even that, whatever its documentation says.
    """
    media = [part.get("inlineData") or part.get("fileData") or {} for part in response.get("parts") or []]
    types = [blob.get("mimeType", "") for blob in media]
    if media and not target.signs:
        raise _no_nesting(target, "`function_response.parts` is not supported for this model.")
    if wrong := next((name for name in types if name not in _NESTED), None):
        raise _no_nesting(target, f"the mime_type: {wrong} is not supported in `function_response.parts`.")
    names = {blob.get("displayName") for blob in media} if target.endpoint == "vertex" else set()
    for reference in _references(response.get("response")) if target.signs else ():
        if reference not in names:
            raise invalid(
                f"The referenced name `{reference}` in function_response.response does not match to a "
                "display_name in the function_response.parts."
            )


def _no_nesting(target: Target, reason: str) -> EmulatedError:
    if target.endpoint == "vertex":
        return unable(reason, FUNCTION_CALLING)
    return invalid("Request contains an invalid argument.")


def _references(value: Any) -> Iterator[Any]:
    """What stands under `$ref`, however deep."""
    if isinstance(value, list):
        for item in value:
            yield from _references(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from [item] if key == "$ref" else _references(item)


def _check_roles(request: _Request, target: Target) -> None:
    """Vertex wants a role on every content; the Developer API takes one without as the user's."""
    default = "" if target.endpoint == "vertex" else "user"
    for content in _contents(request):
        role = content.setdefault("role", default)
        if role == "system":
            raise invalid("Content with system role is not supported.")
        if role not in _ROLES:
            raise invalid("Please use a valid role: user, model.")
    if len(_contents(request)) == 1 and _contents(request)[0]["role"] == "model":
        raise invalid(
            "Please ensure that single turn requests end with a user role or the role field is empty."
        )


def _check_texts(request: _Request, target: Target) -> None:
    """An empty text of the user's is refused on Vertex, and by what answers for it: models before Gemini 2.5."""
    if target.endpoint == "developer" and not target.is_early:
        return
    for content in _contents(request):
        if content["role"] == "user" and any(part.get("text") == "" for part in _parts(content)):
            raise unable("it has an empty text parameter. Add a value to the parameter and try again.")


def _is_silent(content: Mapping[str, Any]) -> bool:
    return content["role"] == "model" and all(part.get("text") == "" for part in _parts(content))


def _count(content: Mapping[str, Any], key: str) -> int:
    return sum(key in part for part in _parts(content))


def _turns(request: _Request) -> Iterator[tuple[str, int, int]]:
    """Who speaks, how many functions are called and how many answered; calls, or answers, in a row are one turn.

    The empty text that ends a stream is no turn: Google's own client sends it back as a content of its own.
    """
    turn = ("model", 0, 0)
    for content in _contents(request):
        if _is_silent(content):
            continue
        role, responses = content["role"], _count(content, "functionResponse")
        calls = _count(content, "functionCall")
        goes_on = (calls and turn[1] and role == "model") or (responses and turn[2])
        if goes_on and role == turn[0]:
            calls, responses = calls + turn[1], responses + turn[2]
        else:
            yield turn
        turn = (role, calls, responses)
    yield turn
    yield ("user", 0, 0)


def _check_function_turns(request: _Request, _: Target) -> None:
    """A call turn follows the user or a response turn, and is answered by the very next turn in full."""
    for (before, calls, _answered), (_role, calling, responses) in pairwise(_turns(request)):
        if calling and before not in _USER_ROLES:
            raise invalid(
                "Please ensure that function call turn comes immediately after a user turn "
                "or after a function response turn."
            )
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


def _check_call_signatures(request: _Request, target: Target) -> None:
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


def _check_code_history(request: _Request, _: Target) -> None:
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


# -- files and settings --------------------------------------------------------------------------------

_FAMILIES = ("text/", "audio/", "video/")
_ON_BOTH = frozenset(
    "image/png image/jpeg image/webp image/heic image/heif "
    "application/pdf application/rtf application/xml application/javascript".split()
)
_READABLE: Mapping[EndpointKind, frozenset[str]] = {
    "vertex": _ON_BOTH,
    "developer": _ON_BOTH.union(
        "application/json application/x-javascript application/x-python-code application/x-typescript "
        "application/typescript".split()
    ),
}
"""MIME types a model reads besides whole families. Archives, spreadsheets and text documents are none of them."""


def _check_files(request: _Request, target: Target) -> None:
    """Refuse files of a type that no model reads."""
    for _, part in _numbered_parts(request):
        for kind in ("inlineData", "fileData"):
            if kind in part:
                _check_type(part[kind].get("mimeType", ""), kind, target)


def _check_type(mime_type: str, kind: str, target: Target) -> None:
    bare = mime_type.partition(";")[0].strip().lower()
    if bare.startswith(_FAMILIES) or bare in _READABLE[target.endpoint]:
        return
    if target.endpoint == "developer":
        if bare or kind == "inlineData":  # of a file it stores itself the service knows the type
            raise invalid(f"Unsupported MIME type: {mime_type}")
        return
    if not bare:
        raise unable(
            f"it has an empty mimeType parameter in {kind}. Add a value to the parameter and try again."
        )
    raise unable(
        f"it has a mimeType parameter with value {mime_type}, which is not supported. "
        "Update the mimeType and try again."
    )


def _check_form(request: _Request, target: Target) -> None:
    """Refuse a schema for an answer that is no JSON, and before Gemini 3 JSON beside tools."""
    config = request.get("generationConfig") or {}
    form = config.get("responseMimeType") or "text/plain"
    if form == "text/plain":
        if "responseSchema" in config or "responseJsonSchema" in config:
            raise invalid(f"Response_schema with a response mime type: '{form}' is unsupported")
        return
    if target.signs:
        return
    if target.endpoint == "vertex":
        if declares(request, "codeExecution"):
            raise unable("controlled generation is not supported with Code Execution tool.")
        return
    for kind in ("functionDeclarations", "codeExecution"):
        if declares(request, kind):
            use = "Function calling" if kind == "functionDeclarations" else "Tool use"
            raise invalid(f"{use} with a response mime type: '{form}' is unsupported")


_RANGES: Mapping[str, tuple[float, float]] = {
    "temperature": (0, 2.0001),
    "topP": (0, 1.0001),
    "topK": (1, 1 << 31),
    "candidateCount": (1, 9),
    "stopSequences": (1, 6),
    "maxOutputTokens": (1, 65_537),
    "logprobs": (1, 21),
}
"""The lowest value, and what is just too much. Those of `topP` and `topK` are made after the others."""
_EARLY_RANGES = {**_RANGES, "maxOutputTokens": (1, 8193)}


def _check_ranges(request: _Request, target: Target) -> None:
    """Refuse numbers no model takes; of stop sequences it is how many there are."""
    config = request.get("generationConfig") or {}
    given = {**config, "stopSequences": len(config.get("stopSequences") or ()) or None}
    for name, (lowest, end) in (_EARLY_RANGES if target.is_early else _RANGES).items():
        number = given.get(name)
        if number is not None and not lowest <= number < end:
            raise invalid(
                f"Unable to submit request because it has a {name} value of {number} but the supported range is "
                f"from {lowest} (inclusive) to {end} (exclusive). Update the value and try again."
            )


_WITHOUT_LOGPROBS = re.compile(r"gemini-3\.5-flash")
"""Models that users saw refused on Vertex."""


def _check_logprobs(request: _Request, target: Target) -> None:
    """Log probabilities are Vertex's, not of all models, and were the Developer API's with Gemini 2.0."""
    if not (request.get("generationConfig") or {}).get("responseLogprobs"):
        return
    if target.endpoint == "vertex" and _WITHOUT_LOGPROBS.match(target.model):
        raise unable("Logprobs is not supported for this model.")
    if target.endpoint == "developer" and not target.is_early:
        subject = "this model" if target.signs else target.resource
        raise invalid(f"Logprobs is not enabled for {subject}")


def _check_size(request: _Request, _: Target) -> None:
    tokens = prompt_tokens(cast("GenerateContentRequest", request)).total()
    if tokens > INPUT_LIMIT:
        raise invalid(
            f"The input token count ({tokens}) exceeds the maximum number of tokens allowed ({INPUT_LIMIT})."
        )


def _check_thinking(request: _Request, target: Target) -> None:
    """Levels of thinking are for Gemini 3 and later, never beside a budget; several candidates are not."""
    config = request.get("generationConfig") or {}
    thinking = config.get("thinkingConfig") or {}
    level = thinking.get("thinkingLevel")
    if level and "thinkingBudget" in thinking:
        raise invalid("You can only set only one of thinking budget and thinking level.")
    if level and not target.signs:
        if target.endpoint == "vertex":
            raise unable(f"thinking_level {level} is not supported by this model.")
        raise invalid("Thinking level is not supported for this model.")
    if config.get("candidateCount", 1) > 1 and target.signs and target.endpoint == "developer":
        raise invalid("Multiple candidates is not enabled for this model")


_CONTENT_CHECKS = (_check_contents, _check_parts, _check_files, _check_roles, _check_texts)
_GENERATE_CHECKS = (
    *_CONTENT_CHECKS,
    *TOOL_CHECKS,
    _check_form,
    _check_ranges,
    _check_logprobs,
    _check_thinking,
    _check_function_turns,
    _check_call_signatures,
    _check_code_history,
    _check_size,
)
_CHECKS: Mapping[str, Sequence[Callable[[_Request, Target], None]]] = {
    "generateContent": _GENERATE_CHECKS,
    "streamGenerateContent": _GENERATE_CHECKS,
    "countTokens": _CONTENT_CHECKS,
    "computeTokens": _CONTENT_CHECKS,
}
