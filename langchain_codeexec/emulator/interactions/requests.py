"""What an interaction is created from: the shape of its body, and the same as a request that brains read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from langchain_codeexec.emulator.interactions.steps import Step, contents_from_steps
from langchain_codeexec.emulator.parsing import bytes_from_base64, tool_kinds
from langchain_codeexec.emulator.rules import check_generation
from langchain_codeexec.emulator.service_errors import EmulatedError, invalid, not_prepared
from langchain_codeexec.emulator.targets import Target
from langchain_codeexec.gemini.wire import EndpointKind, GenerateContentRequest

__all__ = ["Creation", "check_revision", "envelope", "model_of", "read_creation", "request_from"]

_REVISION = "2026-05-20"
_LEGACY = (
    "The legacy Interactions API schema is no longer supported. Please upgrade your client SDK to Python >= 2.0.0 or "
    "JavaScript/TypeScript >= 2.0.0 to adopt the new 'steps' schema. For details and migration examples, see: "
    "https://ai.google.dev/gemini-api/docs/interactions-breaking-changes-may-2026"
)
_CODES = {
    401: "unauthenticated",
    403: "permission_denied",
    404: "not_found",
    409: "conflict",
    429: "too_many_requests",
    499: "cancelled",
    501: "not_implemented",
    503: "service_unavailable",
    504: "gateway_timeout",
}


def envelope(error: EmulatedError) -> dict[str, Any]:
    """An error as this API words it; on its own it is the body of a refusal."""
    below_500 = "invalid_request" if error.status_code < 500 else "internal_error"  # noqa: PLR2004 -- a status
    return {"error": {"message": error.message, "code": _CODES.get(error.status_code, below_500)}}


def check_revision(revision: str) -> None:
    """Refuse a client that asks for a revision of the API before steps."""
    if revision and revision < _REVISION:
        raise invalid(_LEGACY)


def model_of(body: Any) -> str:
    """The bare name of the model, or of the agent, that a body names."""
    name = (body.get("model") or body.get("agent") or "") if isinstance(body, dict) else ""
    return name.rpartition("/")[2] if isinstance(name, str) else ""


# -- shapes --------------------------------------------------------------------------------------------

_FIELDS: Mapping[str, Mapping[str, str]] = {
    name: dict(field.split(":") for field in fields.split())
    for name, fields in {
        "create": (
            "model:string agent:string agent_config:object input:any stream:bool store:bool background:bool "
            "previous_interaction_id:string system_instruction:string tools:[tool] "
            "generation_config:generation_config response_format:any response_mime_type:string "
            "response_modalities:[string] safety_settings:[object] service_tier:string environment:any "
            "labels:object cached_content:string continuation_token:string webhook_config:object"
        ),
        "generation_config": (
            "temperature:number top_p:number top_k:number seed:int stop_sequences:[string] max_output_tokens:int "
            "thinking_level:string thinking_summaries:string tool_choice:any image_config:object "
            "speech_config:any transcription_config:object video_config:object"
        ),
        "environment": (
            "type!:string environment_id:string sources:[source] network:any env:object mode:string "
            "custom_config:object"
        ),
        "source": "type:string content:string encoding:string source:string target:string",
        "content text": "text!:string annotations:[object]",
        "content image": "data:base64 uri:string mime_type:string resolution:string",
        "content document": "data:base64 uri:string mime_type:string resolution:string processing:any",
        "content audio": (
            "data:base64 uri:string mime_type:string channels:int sample_rate:int processing:any"
        ),
        "content video": (
            "data:base64 uri:string mime_type:string name:string resolution:string processing:any"
        ),
        "step user_input": "content:[input]",
        "step model_output": "content:[content] error:object",
        "step thought": "signature:base64 summary:[content]",
        "step function_call": "id!:string name!:string arguments!:object signature:base64",
        "step function_result": "call_id!:string result!:any name:string is_error:bool signature:base64",
        "step code_execution_call": "id!:string arguments!:code signature:base64",
        "step code_execution_result": "call_id!:string result!:any is_error:bool signature:base64",
        "code": "code:string language:string",
        "tool function": "name:string description:string parameters:any defer_loading:bool short_description:string",
        "tool code_execution": "",
    }.items()
}
"""Fields by object, `!` marks those that must be there. A union's members are named by their `type`."""
_FREE: Mapping[str, re.Pattern[str]] = {
    "step": re.compile(
        "(?:google_search|url_context|file_search|google_maps|mcp_server_tool|retrieval|tool_search|processing)"
        "_(?:call|result)"
    ),
    "tool": re.compile(
        "google_search|url_context|file_search|google_maps|computer_use|mcp_server|retrieval|tool_search"
    ),
}
"""Members that are passed on as they are."""


def _is_base64(value: Any) -> bool:
    try:
        bytes_from_base64(value)
    except (ValueError, AttributeError):
        return False
    return True


_SCALARS: Mapping[str, Callable[[Any], bool]] = {
    "any": lambda _: True,
    "string": lambda value: isinstance(value, str),
    "bool": lambda value: isinstance(value, bool),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "base64": _is_base64,
}


def _read(kind: str, value: Any, path: str) -> Any:
    """A value without its nulls.

    Raises:
        EmulatedError: It, or something in it, is not what is expected there (400).
    """
    if kind.startswith("["):
        items = value if isinstance(value, list) else [value]
        return [_read(kind[1:-1], item, f"{path}[{index}]") for index, item in enumerate(items)]
    if kind in _SCALARS:
        if not _SCALARS[kind](value):
            raise _misplaced(path)
        return value
    if not isinstance(value, dict):
        raise _misplaced(path)
    if kind == "input":  # a function's result may stand among the contents of the user
        kind = "step" if value.get("type") == "function_result" else "content"
    fields = _FIELDS.get(kind)
    if fields is None:
        member = value.get("type")
        if not isinstance(member, str):
            raise _misplaced(path)
        if kind in _FREE and _FREE[kind].fullmatch(member):
            return value
        fields = _FIELDS.get(f"{kind} {member}")
        if fields is None:
            raise _misplaced(f"{path}.type")
        fields = {"type": "string", **fields}
    given = {name: item for name, item in value.items() if item is not None}
    for name in fields:
        if name.endswith("!") and name[:-1] not in given:
            raise _misplaced(f"{path}.{name[:-1]}".lstrip("."))
    kinds = {name.rstrip("!"): field for name, field in fields.items()}
    for name in given:
        if name not in kinds:
            raise _misplaced(f"{path}.{name}".lstrip("."))
    return {name: _read(kinds[name], item, f"{path}.{name}".lstrip(".")) for name, item in given.items()}


def _misplaced(path: str) -> EmulatedError:
    return invalid(f"Invalid input at '{path}'.")


# -- what is asked for ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Creation:
    """A body in good shape.

    Attributes:
        body: The body without nulls.
        steps: Its input as steps.
        environment: What it says about where code runs, a string as an object's `environment_id`.
    """

    body: Mapping[str, Any]
    steps: Sequence[Step]
    environment: Mapping[str, Any]

    def is_set(self, name: str, *, default: bool = False) -> bool:
        """A flag of the body."""
        return bool(self.body.get(name, default))


def read_creation(body: Any) -> Creation:
    """Read the body of a request to create an interaction.

    Raises:
        EmulatedError: It is in no good shape, asks for what does not go together, or for what the emulator does not
            have (400).
    """
    if not isinstance(body, dict):
        raise invalid("Request contains an invalid argument.")
    read = _read("create", body, "")
    if ("model" in read) == ("agent" in read):
        raise invalid("Exactly one of 'model' and 'agent' must be set.")
    for field in ("agent", "webhook_config"):
        if field in read:
            raise not_prepared(f"This emulator does not cover interactions with '{field}'.")
    if read.get("background") and not read.get("store", True):
        raise invalid("Background interactions must be stored: 'background' needs 'store'.")
    if "input" not in read and "continuation_token" not in read:
        raise _misplaced("input")
    place = read.get("environment", {})
    if not isinstance(place, str):
        place = _read("environment", place, "environment") if place else {}
    elif place != "remote":
        place = {"type": "remote", "environment_id": place}
    else:
        place = {"type": "remote"}
    return Creation(read, _steps(read.get("input", [])), place)


def _steps(value: Any) -> list[Step]:
    """The input as steps, whichever of its forms it has: a text, a content, contents, steps or turns."""
    if isinstance(value, str):
        return [{"type": "user_input", "content": [{"type": "text", "text": value}]}]
    single = not isinstance(value, list)
    items = [value] if single else value
    if items and all(isinstance(item, dict) and "role" in item for item in items):
        return [_step_from_turn(item, f"input[{index}]") for index, item in enumerate(items)]
    paths = ["input"] if single else [f"input[{index}]" for index in range(len(items))]
    if items and all(isinstance(item, dict) and f"content {item.get('type')}" in _FIELDS for item in items):
        contents = [_read("content", item, path) for item, path in zip(items, paths, strict=True)]
        return [{"type": "user_input", "content": contents}]
    return [_read("step", item, path) for item, path in zip(items, paths, strict=True)]


def _step_from_turn(turn: Mapping[str, Any], path: str) -> Step:
    kind = {"user": "user_input", "model": "model_output"}.get(turn["role"])
    if kind is None or turn.keys() - {"role", "content"}:
        raise _misplaced(path)
    content = turn.get("content") or []
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    return {"type": kind, "content": _read("[content]", content, f"{path}.content")}


# -- the request that brains read ----------------------------------------------------------------------


def request_from(
    creation: Creation, context: Sequence[Step], target: Target, complete: Callable[..., dict[str, Any]]
) -> GenerateContentRequest:
    """The request as a brain reads it, found valid.

    Args:
        creation: The interaction that is to be created.
        context: All steps so far, those of the input last.
        target: Where it goes; its rules are those of generating content.
        complete: Puts files and cached contents in their places.
    """
    body = creation.body
    instruction = body.get("system_instruction")
    fields: dict[str, Any] = {
        "contents": contents_from_steps(context, target),
        "systemInstruction": {"parts": [{"text": instruction}]} if instruction else None,
        "tools": list(map(_tool, body.get("tools", ()))) or None,
        "generationConfig": _generation_config(body, target) or None,
        "cachedContent": body.get("cached_content"),
        "labels": body.get("labels"),
        "serviceTier": str(body.get("service_tier", "")).upper() or None,
        "continuationToken": body.get("continuation_token"),
    }
    request = {name: value for name, value in fields.items() if value is not None}
    request |= _tool_config(request, body, target)
    request = complete(request, target)
    check_generation(request, target)
    return cast("GenerateContentRequest", request)


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    settings = {name: value for name, value in tool.items() if name != "type"}
    if tool["type"] != "function":
        head, *rest = tool["type"].split("_")
        return {head + "".join(map(str.capitalize, rest)): settings}
    declaration = {name: settings[name] for name in ("name", "description") if name in settings}
    if "parameters" in settings:
        declaration["parametersJsonSchema"] = settings["parameters"]
    return {"functionDeclarations": [declaration]}


_WITHOUT_COMBINATION = re.compile(r"gemini-(?:3\.6-flash|3\.5-flash-lite)")
"""Models that took no function beside a built-in tool here, in July 2026: this API has no flag to ask for it."""


def _tool_config(request: Mapping[str, Any], body: Mapping[str, Any], target: Target) -> dict[str, Any]:
    config: dict[str, Any] = {}
    choice = (body.get("generation_config") or {}).get("tool_choice")
    if choice:
        allowed = {"mode": choice} if isinstance(choice, str) else choice.get("allowed_tools") or {}
        names = {"allowedFunctionNames": allowed["tools"]} if allowed.get("tools") else {}
        config["functionCallingConfig"] = {"mode": str(allowed.get("mode", "auto")).upper(), **names}
    combines = len(set(tool_kinds(request))) > 1
    if combines and target.signs and not _WITHOUT_COMBINATION.fullmatch(target.model):
        flagged: Mapping[EndpointKind, dict[str, Any]] = {
            "developer": {"includeServerSideToolInvocations": True},
            "vertex": {},
        }
        config |= flagged[target.endpoint]
    return {"toolConfig": config} if config else {}


_SETTINGS = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "seed": "seed",
    "stop_sequences": "stopSequences",
    "max_output_tokens": "maxOutputTokens",
}
_LEVELS = {"xhigh": "HIGH"}


def _generation_config(body: Mapping[str, Any], target: Target) -> dict[str, Any]:
    given = body.get("generation_config") or {}
    config = {name: given[key] for key, name in _SETTINGS.items() if key in given}
    level = given.get("thinking_level")
    thinking = {"thinkingLevel": _LEVELS.get(level, level.upper())} if level and target.signs else {}
    if given.get("thinking_summaries", "none") != "none":
        thinking["includeThoughts"] = True
    if thinking:
        config["thinkingConfig"] = thinking
    return {**config, **_form(body)}


def _form(body: Mapping[str, Any]) -> dict[str, Any]:
    """The form of a text that is asked for; a bare schema is one, as it was before formats had types."""
    mime_type = body.get("response_mime_type", "text/plain")
    schema: Any = None
    for form in _forms(body.get("response_format")):
        if form.get("type") == "text":
            schema = form.get("schema")
            mime_type = form.get("mime_type", "application/json" if schema else mime_type)
        elif form.get("type") not in _MEDIA:
            schema, mime_type = form, "application/json"
    if mime_type == "text/plain":
        return {"responseJsonSchema": schema} if schema else {}
    return {"responseMimeType": mime_type, **({"responseJsonSchema": schema} if schema else {})}


_MEDIA = frozenset({"image", "audio", "video"})


def _forms(value: Any) -> Iterator[Mapping[str, Any]]:
    forms = value if isinstance(value, list) else [value] if value else []
    for index, form in enumerate(forms):
        if not isinstance(form, dict):
            raise _misplaced(f"response_format[{index}]" if isinstance(value, list) else "response_format")
        yield form
