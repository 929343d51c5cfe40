"""What an interaction is created from: the shape of its body, and the same as a request that brains read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

from langchain_codeexec.emulator.interactions.steps import Step, contents_from_steps
from langchain_codeexec.emulator.parsing import bytes_from_base64, tool_kinds
from langchain_codeexec.emulator.rules import check_generation
from langchain_codeexec.emulator.service_errors import EmulatedError, invalid, not_prepared
from langchain_codeexec.emulator.targets import Target
from langchain_codeexec.gemini.wire import GenerateContentRequest, camel_case

__all__ = [
    "Creation",
    "check_revision",
    "checked_request",
    "envelope",
    "model_of",
    "read_creation",
    "request_from",
]

_REVISION = "2026-05-20"
_LEGACY = (
    "The legacy Interactions API schema is no longer supported. Please upgrade your client SDK to Python >= 2.0.0 "
    "or JavaScript/TypeScript >= 2.0.0 to adopt the new 'steps' schema. For details and migration examples, see: "
    "https://ai.google.dev/gemini-api/docs/interactions-breaking-changes-may-2026"
)
_INVALID = 400
_CODES = {
    _INVALID: "invalid_request",
    401: "unauthenticated",
    403: "permission_denied",
    404: "not_found",
    409: "conflict",
    429: "too_many_requests",
    499: "cancelled",
    500: "internal_error",
    503: "service_unavailable",
    504: "gateway_timeout",
}


def envelope(error: EmulatedError) -> dict[str, Any]:
    """An error as this API words it."""
    code = _CODES.get(error.status_code) or _CODES[error.status_code // 100 * 100]
    return {"error": {"message": error.message, "code": code}}


def check_revision(revision: str) -> None:
    """Refuse a client that asks for a revision of the API before steps; without one it gets the newest."""
    if revision and revision < _REVISION:
        raise invalid(_LEGACY)


def model_of(body: Any) -> str:
    """The bare name of the model, or of the agent, that a body names."""
    name = (body.get("model") or body.get("agent")) if isinstance(body, dict) else ""
    return name.rpartition("/")[2] if isinstance(name, str) else ""


# -- shapes --------------------------------------------------------------------------------------------

_MEDIA = (
    "data:base64 uri:string mime_type:string name:string resolution:string processing:any channels:int "
    "sample_rate:int"
)
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
            "thinking_level:string thinking_summaries:string tool_choice:choice image_config:object "
            "speech_config:any transcription_config:object video_config:object"
        ),
        "environment": (
            "type!:string environment_id:string sources:[source] network:any env:object mode:string "
            "custom_config:object"
        ),
        "source": "type:string content:string encoding:string source:string target:string",
        "content text": "text!:string annotations:[object]",
        **{f"content {kind}": _MEDIA for kind in ("image", "document", "audio", "video")},
        "step user_input": "content:[input]",
        "step model_output": "content:[content] error:object",
        "step thought": "signature:base64 summary:[content]",
        "step function_call": "id!:string name!:string arguments!:object signature:base64",
        "step function_result": "call_id!:string result!:result name:string is_error:bool signature:base64",
        "step code_execution_call": "id!:string arguments!:code signature:base64",
        "step code_execution_result": "call_id!:string result!:output is_error:bool signature:base64",
        "code": "code:string language:string",
        "contents": "content:[subcontent]",
        "choice": "allowed_tools:allowed",
        "allowed": "mode:string tools:[string]",
        "tool function": (
            "name:string description:string parameters:any defer_loading:bool short_description:string"
        ),
        "tool code_execution": "",
    }.items()
}
"""Fields by object, `!` marks those that must be there. A union's members are named by their `type`."""
_FORMS: Mapping[str, Mapping[type, str]] = {
    "choice": {str: "string"},
    "output": {str: "string", list: "[content]"},
    "result": {str: "string", list: "[subcontent]", dict: "object"},
}
"""What a field holds that takes several forms, by what stands there."""
_PASSED_ON = re.compile(
    "tool (?:google_search|url_context|file_search|google_maps|computer_use|mcp_server|retrieval|tool_search)"
    "|step (?:google_search|url_context|file_search|google_maps|mcp_server_tool|retrieval|tool_search|processing)"
    "_(?:call|result)"
)
"""Members of unions that are not looked into."""


def _is_base64(value: Any) -> bool:
    try:
        bytes_from_base64(value)
    except (ValueError, AttributeError):
        return False
    return True


def _is_number(value: Any, kind: Any = int | float) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


_SCALARS: Mapping[str, Callable[[Any], bool]] = {
    "any": lambda _: True,
    "string": lambda value: isinstance(value, str),
    "bool": lambda value: isinstance(value, bool),
    "int": lambda value: _is_number(value, int),
    "number": _is_number,
    "object": lambda value: isinstance(value, dict),
    "base64": _is_base64,
}


def _read(kind: str, value: Any, path: str) -> Any:
    """A value without its nulls.

    Raises:
        EmulatedError: It, or something in it, is not what is expected there (400).
    """
    kind = _kind_of(value, kind)
    if kind.startswith("["):
        items = value if isinstance(value, list) else [value]
        return [_read(kind[1:-1], item, f"{path}[{index}]") for index, item in enumerate(items)]
    if kind in _SCALARS:
        if not _SCALARS[kind](value):
            raise _misplaced(path)
        return value
    if not isinstance(value, dict):
        raise _misplaced(path)
    if kind in _FIELDS:
        return _object(_FIELDS[kind], value, path)
    member = f"{kind} {value.get('type')}"
    if _PASSED_ON.fullmatch(member):
        return value
    if member not in _FIELDS:
        raise _misplaced(f"{path}.type")
    return _object({"type": "string", **_FIELDS[member]}, value, path)


def _kind_of(value: Any, kind: str) -> str:
    """The kind of a value where several may stand."""
    if isinstance(value, dict):
        if kind == "input":  # a function's result may stand among the contents of the user
            return "step" if value.get("type") == "function_result" else "content"
        if kind == "subcontent":
            return "tool" if value.get("type") == "function" else "content"
        if kind == "result" and value.keys() == {"content"}:
            return "contents"
    return _FORMS.get(kind, {}).get(type(value), kind)


def _object(fields: Mapping[str, str], value: Mapping[str, Any], path: str) -> dict[str, Any]:
    kinds = {name.rstrip("!"): kind for name, kind in fields.items()}
    given = {name: item for name, item in value.items() if item is not None}
    missing = [name.rstrip("!") for name in fields if name.endswith("!") and name.rstrip("!") not in given]
    for name in (*missing, *(name for name in given if name not in kinds)):
        raise _misplaced(f"{path}.{name}".lstrip("."))
    return {name: _read(kinds[name], item, f"{path}.{name}".lstrip(".")) for name, item in given.items()}


def _misplaced(path: str) -> EmulatedError:
    return invalid(f"Invalid input at '{path}'.")


# -- what is asked for ---------------------------------------------------------------------------------


class Creation(NamedTuple):
    """A body in good shape, its input as steps, and what it says of the place where its code runs."""

    body: Mapping[str, Any]
    steps: Sequence[Step]
    environment: Mapping[str, Any]

    @property
    def is_stored(self) -> bool:
        """Whether it can be looked up and followed."""
        return bool(self.body.get("store", True))

    @property
    def in_background(self) -> bool:
        """Whether it goes on without its client."""
        return bool(self.body.get("background"))


def read_creation(body: Any) -> Creation:
    """Read the body of a request to create an interaction.

    Raises:
        EmulatedError: It is in no good shape, or asks for what does not go together or is not covered (400).
    """
    body = _read("create", body, "")
    if ("model" in body) == ("agent" in body):
        raise invalid("Exactly one of 'model' and 'agent' must be set.")
    for field in ("agent", "webhook_config"):
        if field in body:
            raise not_prepared(f"This emulator does not cover interactions with '{field}'.")
    if "input" not in body and "continuation_token" not in body:
        raise _misplaced("input")
    place = body.get("environment") or {}
    if isinstance(place, str):
        place = {"type": "remote", **({} if place == "remote" else {"environment_id": place})}
    environment = _read("environment", place, "environment") if place else {}
    creation = Creation(body, _steps(body.get("input", [])), environment)
    if creation.in_background and not creation.is_stored:
        raise invalid("Background interactions must be stored: 'background' needs 'store'.")
    return creation


def _steps(value: Any) -> list[Step]:
    """The input as steps, whichever of its forms it has: a text, a content, contents, steps or turns."""
    if isinstance(value, str):
        value = {"type": "text", "text": value}
    items = value if isinstance(value, list) else [value]
    if items and all(isinstance(item, dict) and "role" in item for item in items):
        return [_step_from_turn(item, f"input[{index}]") for index, item in enumerate(items)]
    if items and all(isinstance(item, dict) and f"content {item.get('type')}" in _FIELDS for item in items):
        return [{"type": "user_input", "content": _read("[content]", items, "input")}]
    steps: list[Step] = _read("[step]", items, "input")
    return steps


def _step_from_turn(turn: Mapping[str, Any], path: str) -> Step:
    kind = {"user": "user_input", "model": "model_output"}.get(turn["role"])
    if kind is None or turn.keys() - {"role", "content"}:
        raise _misplaced(path)
    content = turn.get("content") or []
    content = {"type": "text", "text": content} if isinstance(content, str) else content
    return {"type": kind, "content": _read("[content]", content, f"{path}.content")}


# -- the request that brains read ----------------------------------------------------------------------


def checked_request(
    creation: Creation, context: Sequence[Step], target: Target, complete: Callable[..., dict[str, Any]]
) -> GenerateContentRequest:
    """The request as a brain reads it, found valid by the rules for generating content.

    Args:
        creation: The interaction that is to be created.
        context: All steps so far, those of the input last.
        target: Where it goes.
        complete: Puts files and cached contents in their places.

    Raises:
        EmulatedError: It is not valid, or a thought has lost its signature (400).
    """
    if any(step["type"] == "thought" and not step.get("signature") for step in context):
        raise invalid("Request contains an invalid argument.")
    request = complete(request_from(creation, context, target), target)
    check_generation(request, target)
    return cast("GenerateContentRequest", request)


def request_from(creation: Creation, context: Sequence[Step], target: Target) -> GenerateContentRequest:
    """The request as a brain reads it."""
    body = creation.body
    instruction = body.get("system_instruction")
    fields: dict[str, Any] = {
        "contents": contents_from_steps(context, target),
        "systemInstruction": {"parts": [{"text": instruction}]} if instruction else None,
        "tools": _tools(body.get("tools", ())),
        "generationConfig": _generation_config(body, target),
        "cachedContent": body.get("cached_content"),
        "labels": body.get("labels"),
        "serviceTier": str(body.get("service_tier", "")).upper(),
        "continuationToken": body.get("continuation_token"),
    }
    request = {name: value for name, value in fields.items() if value}
    if config := _tool_config(request, body, target):
        request["toolConfig"] = config
    return cast("GenerateContentRequest", request)


_FUNCTION = {"name": "name", "description": "description", "parameters": "parametersJsonSchema"}


def _tools(tools: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Tools, with all functions in the place of the first."""
    declared: dict[str, dict[str, Any]] = {}
    for number, tool in enumerate(tools):
        if tool["type"] == "function":
            functions = declared.setdefault("functions", {"functionDeclarations": []})["functionDeclarations"]
            functions.append({name: tool[key] for key, name in _FUNCTION.items() if key in tool})
        else:
            settings = {name: tool[name] for name in tool if name != "type"}
            declared[str(number)] = {camel_case(tool["type"]): settings}
    return list(declared.values())


_WITHOUT_COMBINATION = re.compile(r"gemini-(?:3\.6-flash|3\.5-flash-lite)")
"""Models that take no function beside a built-in tool here, as reported in July 2026: there is no flag for it."""


def _tool_config(request: Mapping[str, Any], body: Mapping[str, Any], target: Target) -> dict[str, Any]:
    config: dict[str, Any] = {}
    if choice := (body.get("generation_config") or {}).get("tool_choice"):
        allowed = {"mode": choice} if isinstance(choice, str) else choice.get("allowed_tools") or {}
        names = {"allowedFunctionNames": allowed["tools"]} if allowed.get("tools") else {}
        config["functionCallingConfig"] = {"mode": str(allowed.get("mode", "auto")).upper(), **names}
    combines = target.signs and target.endpoint == "developer" and len(set(tool_kinds(request))) > 1
    if combines and not _WITHOUT_COMBINATION.fullmatch(target.model):
        config["includeServerSideToolInvocations"] = True
    return config


_SETTINGS = frozenset({"temperature", "top_p", "top_k", "seed", "stop_sequences", "max_output_tokens"})


def _generation_config(body: Mapping[str, Any], target: Target) -> dict[str, Any]:
    given = body.get("generation_config") or {}
    config = {camel_case(name): value for name, value in given.items() if name in _SETTINGS}
    thinking: dict[str, Any] = {}
    if target.signs and (level := given.get("thinking_level")):
        thinking["thinkingLevel"] = "HIGH" if level == "xhigh" else level.upper()
    if given.get("thinking_summaries", "none") != "none":
        thinking["includeThoughts"] = True
    return {**config, **({"thinkingConfig": thinking} if thinking else {}), **_form(body)}


def _form(body: Mapping[str, Any]) -> dict[str, Any]:
    """The form of a text that is asked for; a bare schema is one, as it was before formats had types."""
    mime_type, schema = body.get("response_mime_type"), None
    for form in _forms(body.get("response_format")):
        if form.get("type") not in ("text", "image", "audio", "video"):
            mime_type, schema = "application/json", form
        elif form["type"] == "text":
            schema = form.get("schema")
            mime_type = form.get("mime_type", "application/json" if schema else mime_type)
    fields = {"responseMimeType": mime_type, "responseJsonSchema": schema}
    return {name: value for name, value in fields.items() if value}


def _forms(value: Any) -> Iterator[Mapping[str, Any]]:
    for form in value if isinstance(value, list) else [value] if value else ():
        if not isinstance(form, dict):
            raise _misplaced("response_format")
        yield form
