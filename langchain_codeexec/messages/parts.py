"""Parts as content blocks and back: one row per kind of part.

`parts_from_block(block_from_part(part, ids)) == [part]` holds for every JSON object: what a block cannot express
of its part travels in `extras["part"]` as a merge patch (RFC 7396), and a part of an unknown or malformed kind is
kept whole in a `non_standard` block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["STAND_IN_SIGNATURE", "CallIds", "block_from_part", "closing_extras", "parts_from_block"]

Json = dict[str, Any]

STAND_IN_SIGNATURE: Final = "skip_thought_signature_validator"
"""Documented by the Gemini API for function calls whose own signature is not to be had."""

_CODE_TOOL: Final = "code_interpreter"
"""Name LangChain's standard blocks give to code execution, whichever provider ran it."""

_SIGNATURE: Final = "signature"
"""Key under which LangChain's Google packages keep a thought signature in `extras`."""

_APART: Final = "signature_apart"
"""Key in `extras` of a text whose signature came on an empty text of its own, right behind it."""

_OK: Final = "OUTCOME_OK"
_MADE_HERE: Final = "lc_"
"""LangChain's own prefix for ids that it makes up; those never go over the wire."""


class CallIds:
    """Gives each call of one response an id, and each result the id of its call.

    Gemini 2.x gives calls no ids and links a result to its code by order alone; LangChain links by id.

    Args:
        seed: Distinguishes this response from all others; the same seed gives the same ids.
    """

    __slots__ = ("_count", "_open", "_seed")

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._count = 0
        self._open: str | None = None

    def call(self, wire_id: object) -> str:
        """The id of a call that the client is to answer."""
        if isinstance(wire_id, str) and wire_id:
            return wire_id
        self._count += 1
        return f"{_MADE_HERE}{self._seed}_{self._count}"

    def server_call(self, wire_id: object) -> str:
        """The id of a call that the server answers itself; the next result without an id belongs to it."""
        self._open = self.call(wire_id)
        return self._open

    def server_result(self, wire_id: object) -> str:
        """The id of the call that a result answers."""
        if isinstance(wire_id, str) and wire_id:
            return wire_id
        return self._open or self.call(None)


def block_from_part(part: Json, ids: CallIds) -> Json:
    """The content block that stands for a part.

    Args:
        part: One part as it came over the wire.
        ids: Gives an id to a call that has none; the same object for all parts of a response.
    """
    if part.keys() == {"text"} and isinstance(part["text"], str):  # most chunks of a stream
        return {"type": "text", "text": part["text"]}
    for key, convert in _TO_BLOCK.items():
        if key in part:
            block = convert(part, part[key], ids)
            return _with_remainder(block, part) if block else _raw_block(part)
    return _raw_block(part)


def parts_from_block(block: Json) -> list[Json]:
    """The parts that a block stands for: one; none if it is none of Gemini's; two for a text signed apart."""
    extras = block.get("extras")
    if extras and _APART in extras:
        return [{"text": block["text"]}, {"text": "", "thoughtSignature": extras[_SIGNATURE]}]
    part = _part_from_block(block)
    return [] if part is None else [part]


def closing_extras(block: Json) -> Json | None:
    """What a block that is nothing but a signature leaves to the plain text before it; `None` for any other.

    Gemini 3 ends a streamed text with an empty one that carries the signature. People see one text.
    """
    extras = block.get("extras")
    if not extras or extras.keys() != {_SIGNATURE} or block["type"] != "text" or block["text"]:
        return None
    return {**extras, _APART: True}


def _part_from_block(block: Json) -> Json | None:
    convert = _TO_PART.get(block.get("type", ""))
    part = convert(block) if convert else None
    if part is None:
        return None
    extras = block.get("extras")
    if not extras:
        return part
    if signature := extras.get(_SIGNATURE):
        part["thoughtSignature"] = signature
    patch = extras.get("part")
    if not patch:
        return part
    return patch["raw"] if patch.keys() == {"raw"} else _patched(part, patch)


def _with_remainder(block: Json, part: Json) -> Json:
    signature = part.get("thoughtSignature")
    if isinstance(signature, str) and signature:
        block.setdefault("extras", {})[_SIGNATURE] = signature
    restored = _part_from_block(block) or {}
    if restored != part:
        block.setdefault("extras", {})["part"] = _patch_between(restored, part)
        if _part_from_block(block) != part:  # a null, which a merge patch cannot set
            block["extras"]["part"] = {"raw": part}
    return block


def _patch_between(base: dict[str, Any], target: dict[str, Any]) -> dict[str, Any]:
    """The merge patch that turns `base` into `target`, as far as a merge patch can (it has no `null`)."""
    patch: dict[str, Any] = {key: None for key in base if key not in target}
    for key, value in target.items():
        if key not in base:
            patch[key] = value
        elif base[key] != value:
            both = isinstance(base[key], dict) and isinstance(value, dict)
            patch[key] = _patch_between(base[key], value) if both else value
    return patch


def _patched(base: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """`base` with a merge patch applied; neither is changed."""
    merged = dict(base)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            inner = merged.get(key)
            merged[key] = _patched(inner if isinstance(inner, dict) else {}, value)
        else:
            merged[key] = value
    return merged


def _raw_block(part: Json) -> Json:
    return {"type": "non_standard", "value": part}


# -- part -> block -------------------------------------------------------------------------------------
# Each returns None for a payload it cannot read: the part is then kept raw.


def _text_block(part: Json, text: Any, _ids: CallIds) -> Json | None:
    if not isinstance(text, str):
        return None
    return (
        {"type": "reasoning", "reasoning": text}
        if part.get("thought") is True
        else {"type": "text", "text": text}
    )


def _code_block(_part: Json, code: Any, ids: CallIds) -> Json | None:
    if not _has(code, code=str, language=str, id=str):
        return None
    return {
        "type": "server_tool_call",
        "id": ids.server_call(code.get("id")),
        "name": _CODE_TOOL,
        "args": {"code": code.get("code") or "", "language": code.get("language") or "PYTHON"},
    }


def _result_block(_part: Json, result: Any, ids: CallIds) -> Json | None:
    if not _has(result, outcome=str, output=str, id=str):
        return None
    outcome = result.get("outcome") or "OUTCOME_UNSPECIFIED"
    return {
        "type": "server_tool_result",
        "tool_call_id": ids.server_result(result.get("id")),
        "status": "success" if outcome == _OK else "error",
        "output": result.get("output") or "",
        "extras": {"outcome": outcome},
    }


def _data_block(mime_type: str, **source: str) -> Json:
    family = mime_type.partition("/")[0]
    return {"type": family if family in _MEDIA else "file", **source, "mime_type": mime_type}


def _inline_block(_part: Json, blob: Any, _ids: CallIds) -> Json | None:
    if not _has(blob, data=str, mimeType=str):
        return None
    return _data_block(blob.get("mimeType") or "", base64=blob.get("data") or "")


def _file_block(_part: Json, file: Any, _ids: CallIds) -> Json | None:
    if not _has(file, fileUri=str, mimeType=str):
        return None
    return _data_block(file.get("mimeType") or "", url=file.get("fileUri") or "")


def _call_block(_part: Json, call: Any, ids: CallIds) -> Json | None:
    if not _has(call, name=str, args=dict, id=str):
        return None
    return {
        "type": "tool_call",
        "id": ids.call(call.get("id")),
        "name": call.get("name") or "",
        "args": call.get("args") or {},
    }


def _server_call_block(_part: Json, call: Any, ids: CallIds) -> Json | None:
    if not _has(call, toolType=str, args=dict, id=str):
        return None
    return {
        "type": "server_tool_call",
        "id": ids.server_call(call.get("id")),
        "name": (call.get("toolType") or "").lower(),
        "args": call.get("args") or {},
    }


def _server_result_block(_part: Json, response: Any, ids: CallIds) -> Json | None:
    if not _has(response, toolType=str, response=dict, id=str):
        return None
    return {
        "type": "server_tool_result",
        "tool_call_id": ids.server_result(response.get("id")),
        "status": "success",
        "output": response.get("response") or {},
        "extras": {"tool_type": response.get("toolType") or ""},
    }


def _has(payload: Any, **types: type) -> bool:
    """Whether a payload is an object whose known keys, where present, have the protocol's types.

    A `null` is an absent key, as everywhere in the protocol.
    """
    return isinstance(payload, dict) and all(
        payload.get(key) is None or isinstance(payload[key], kind) for key, kind in types.items()
    )


_TO_BLOCK: Final[Mapping[str, Callable[[Json, Any, CallIds], Json | None]]] = {
    "text": _text_block,
    "executableCode": _code_block,
    "codeExecutionResult": _result_block,
    "functionCall": _call_block,
    "inlineData": _inline_block,
    "fileData": _file_block,
    "toolCall": _server_call_block,
    "toolResponse": _server_result_block,
}

_MEDIA: Final = frozenset({"image", "audio", "video"})

# -- block -> part -------------------------------------------------------------------------------------


def _text_part(block: Json) -> Json:
    return {"text": block.get("text", "")}


def _thought_part(block: Json) -> Json:
    return {"text": block.get("reasoning", ""), "thought": True}


def _server_call_part(block: Json) -> Json:
    args = block.get("args") or {}
    call_id = _wire_id(block.get("id"))
    if block.get("name") == _CODE_TOOL:
        language = args.get("language") or "PYTHON"
        return {"executableCode": {"language": language, "code": args.get("code", ""), **call_id}}
    return {"toolCall": {"toolType": str(block.get("name", "")).upper(), "args": args, **call_id}}


def _server_result_part(block: Json) -> Json:
    extras = block.get("extras") or {}
    call_id = _wire_id(block.get("tool_call_id"))
    if "tool_type" in extras:
        response = {"toolType": extras["tool_type"], "response": block.get("output", {})}
        return {"toolResponse": {**response, **call_id}}
    outcome = extras.get("outcome") or (_OK if block.get("status") == "success" else "OUTCOME_FAILED")
    output = block.get("output", "")
    # The service leaves an empty output away; one that it did send is restored by the patch.
    return {"codeExecutionResult": {"outcome": outcome, **({"output": output} if output else {}), **call_id}}


def _data_part(block: Json) -> Json | None:
    mime_type = {"mimeType": block["mime_type"]} if "mime_type" in block else {}
    if "base64" in block:
        return {"inlineData": {**mime_type, "data": block["base64"]}}
    uri = block.get("url", block.get("file_id"))
    return None if uri is None else {"fileData": {**mime_type, "fileUri": uri}}


def _call_part(block: Json) -> Json:
    call_id = _wire_id(block.get("id"))
    return {"functionCall": {"name": block.get("name", ""), "args": block.get("args") or {}, **call_id}}


def _raw_part(block: Json) -> Json | None:
    value = block.get("value")
    return value if isinstance(value, dict) else None


def _wire_id(call_id: object) -> Json:
    is_from_wire = isinstance(call_id, str) and call_id and not call_id.startswith(_MADE_HERE)
    return {"id": call_id} if is_from_wire else {}


_TO_PART: Final[Mapping[str, Callable[[Json], Json | None]]] = {
    "text": _text_part,
    "reasoning": _thought_part,
    "server_tool_call": _server_call_part,
    "server_tool_result": _server_result_part,
    "tool_call": _call_part,
    "image": _data_part,
    "audio": _data_part,
    "video": _data_part,
    "file": _data_part,
    "non_standard": _raw_part,
}
