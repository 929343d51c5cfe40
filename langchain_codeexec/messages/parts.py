"""Parts as content blocks and back: one row per kind of part.

`parts_from_block(block_from_part(part, ids)) == [part]` holds for every JSON object: what a block cannot express
of its part travels in `extras["part"]` as a merge patch (RFC 7396), and a part of an unknown or malformed kind is
kept whole in a `non_standard` block.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from secrets import token_hex
from typing import Any, Final

__all__ = [
    "STAND_IN_SIGNATURE",
    "CallIds",
    "block_from_part",
    "closing_extras",
    "parts_from_block",
    "whole_call_block",
]

Json = dict[str, Any]

STAND_IN_SIGNATURE: Final = "skip_thought_signature_validator"
"""Documented by the Gemini API for function calls whose own signature is not to be had."""

_CODE_TOOL: Final = "code_interpreter"
"""Name LangChain's standard blocks give to code execution, whichever provider ran it."""

_SIGNATURE: Final = "signature"
"""Key under which LangChain's Google packages keep a thought signature in `extras`."""

_APART: Final = "signature_apart"
"""Key in `extras` of a text whose signature came on an empty text of its own, right behind it."""

_BARE: Final = frozenset({"thought", "thoughtSignature"})
"""Keys of a part that has no data: a signature, and whether it is a thought's."""

_RESULT: Final = "code_execution_result"
"""`extras["block_type"]` by which LangChain's Google packages know the result of code, and send it on."""

_OK: Final = "OUTCOME_OK"
_MADE_HERE: Final = "lc_"
"""LangChain's own prefix for ids that it makes up; those never go over the wire."""


class CallIds:
    """Gives each call of one response an id, and each result the id of its call.

    Gemini 2.x gives calls no ids and links a result to its code by order alone; LangChain links by id.

    Args:
        seed: Distinguishes this response from all others; the same seed gives the same ids.
    """

    __slots__ = ("_answer", "_blocks", "_called", "_count", "_open", "seed")

    def __init__(self, seed: str) -> None:
        self.seed = seed
        self._answer = ""
        self._count = self._blocks = 0
        self._called: set[str] = set()
        self._open: str | None = None

    def call(self, wire_id: object) -> str:
        """The id of a call that the client is to answer; LangChain takes two calls of one id for one."""
        if not isinstance(wire_id, str) or not wire_id or wire_id in self._called:
            return self._made_up()
        self._called.add(wire_id)
        return wire_id

    def server_call(self, wire_id: object) -> str:
        """The id of a call that the server answers itself; the next result without an id belongs to it."""
        self._open = wire_id if isinstance(wire_id, str) and wire_id else self._made_up()
        return self._open

    def server_result(self, wire_id: object) -> str:
        """The id of the call that a result answers."""
        if isinstance(wire_id, str) and wire_id:
            return wire_id
        return self._open or self._made_up()

    def block(self) -> str:
        """The index of the next block of a stream, which no block of another message has.

        `merge_message_runs` would otherwise merge blocks of two answers, which may be to the same question.
        """
        self._answer = self._answer or token_hex(8)
        self._blocks += 1
        return f"{_MADE_HERE}{self._answer}_{self._blocks - 1}"

    def _made_up(self) -> str:
        self._count += 1
        return f"{_MADE_HERE}{self.seed}_{self._count}"


def block_from_part(part: Json, ids: CallIds) -> Json:
    """The content block that stands for a part; `ids` are those of the response, for all its parts in order."""
    text = part.get("text")
    if isinstance(text, str):
        if len(part) == 1:  # most chunks of a stream
            return {"type": "text", "text": text}
        is_thought = part.get("thought") is True
        block = {"type": "reasoning", "reasoning": text} if is_thought else {"type": "text", "text": text}
        return _with_remainder(block, part)
    for key, (fields, convert) in _TO_BLOCK.items():
        if key in part and _has(part[key], fields):
            return _with_remainder(convert(part[key], ids), part)
    signature = part.get("thoughtSignature")
    if isinstance(signature, str) and signature and part.keys() <= _BARE:
        # The service sends signatures alone and refuses them so; on an empty text it takes them.
        return block_from_part({"text": "", **part}, ids)
    return {"type": "non_standard", "value": part}


def whole_call_block(block: Json, part: Json) -> Json:
    """The block of a call whose first piece gave `block`, once its part is whole."""
    args = part["functionCall"].get("args") or {}
    return _with_remainder({**{key: block[key] for key in ("type", "id", "name")}, "args": args}, part)


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
    restored: Json = patch["raw"] if patch.keys() == {"raw"} else _patched(part, patch)
    call = restored.get("functionCall")
    if block.get("args") and isinstance(call, dict) and not call.get("args"):
        # The patch is of a call's first piece, which had no arguments yet.
        return {**restored, "functionCall": {**call, "args": block["args"]}}
    return restored


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


def _patch_between(base: Json, target: Json) -> Json:
    """The merge patch that turns `base` into `target`, as far as a merge patch can (it has no `null`)."""
    patch: Json = {key: None for key in base if key not in target}
    for key, value in target.items():
        if key not in base:
            patch[key] = value
        elif base[key] != value:
            both = isinstance(base[key], dict) and isinstance(value, dict)
            patch[key] = _patch_between(base[key], value) if both else value
    return patch


def _patched(base: Json, patch: Json) -> Json:
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


def _has(payload: Any, fields: Mapping[str, type]) -> bool:
    """Whether a payload is an object whose known keys, where present, have the protocol's types.

    A `null` is an absent key, as everywhere in the protocol.
    """
    return isinstance(payload, dict) and all(
        payload.get(key) is None or isinstance(payload[key], kind) for key, kind in fields.items()
    )


# -- part -> block -------------------------------------------------------------------------------------


def _block_from_code(code: Json, ids: CallIds) -> Json:
    args = {"code": code.get("code") or "", "language": code.get("language") or "PYTHON"}
    call_id = ids.server_call(code.get("id"))
    return {"type": "server_tool_call", "id": call_id, "name": _CODE_TOOL, "args": args}


def _block_from_result(result: Json, ids: CallIds) -> Json:
    outcome = result.get("outcome") or "OUTCOME_UNSPECIFIED"
    return {
        "type": "server_tool_result",
        "tool_call_id": ids.server_result(result.get("id")),
        "status": "success" if outcome == _OK else "error",
        "output": result.get("output") or "",
        "extras": {"block_type": _RESULT, "outcome": outcome},
    }


def _block_from_call(call: Json, ids: CallIds) -> Json:
    name, args = call.get("name") or "", call.get("args") or {}
    return {"type": "tool_call", "id": ids.call(call.get("id")), "name": name, "args": args}


def _block_from_server_call(call: Json, ids: CallIds) -> Json:
    name, args = (call.get("toolType") or "").lower(), call.get("args") or {}
    return {"type": "server_tool_call", "id": ids.server_call(call.get("id")), "name": name, "args": args}


def _block_from_server_result(response: Json, ids: CallIds) -> Json:
    return {
        "type": "server_tool_result",
        "tool_call_id": ids.server_result(response.get("id")),
        "status": "success",
        "output": response.get("response") or {},
        "extras": {"tool_type": response.get("toolType") or ""},
    }


def _block_from_blob(blob: Json, _ids: CallIds) -> Json:
    return _data_block(blob, base64=blob.get("data") or "")


def _block_from_file(file: Json, _ids: CallIds) -> Json:
    return _data_block(file, url=file.get("fileUri") or "")


def _data_block(payload: Json, **source: str) -> Json:
    mime_type = payload.get("mimeType") or ""
    family = mime_type.partition("/")[0]
    return {"type": family if family in _MEDIA else "file", **source, "mime_type": mime_type}


_MEDIA: Final = frozenset({"image", "audio", "video"})
_TO_BLOCK: Final[Mapping[str, tuple[Mapping[str, type], Callable[[Json, CallIds], Json]]]] = {
    "executableCode": ({"code": str, "language": str, "id": str}, _block_from_code),
    "codeExecutionResult": ({"outcome": str, "output": str, "id": str}, _block_from_result),
    "functionCall": ({"name": str, "args": dict, "id": str}, _block_from_call),
    "inlineData": ({"data": str, "mimeType": str}, _block_from_blob),
    "fileData": ({"fileUri": str, "mimeType": str}, _block_from_file),
    "toolCall": ({"toolType": str, "args": dict, "id": str}, _block_from_server_call),
    "toolResponse": ({"toolType": str, "response": dict, "id": str}, _block_from_server_result),
}
"""A part's data key to the types of its fields, and what makes a block of them."""

# -- block -> part -------------------------------------------------------------------------------------


def _part_from_server_call(block: Json) -> Json:
    args = block.get("args") or {}
    call_id = _wire_id(block.get("id"))
    if block.get("name") == _CODE_TOOL:
        language = args.get("language") or "PYTHON"
        return {"executableCode": {"language": language, "code": args.get("code", ""), **call_id}}
    return {"toolCall": {"toolType": str(block.get("name", "")).upper(), "args": args, **call_id}}


def _part_from_server_result(block: Json) -> Json:
    extras = block.get("extras") or {}
    call_id = _wire_id(block.get("tool_call_id"))
    if "tool_type" in extras:
        response = {"toolType": extras["tool_type"], "response": block.get("output", {})}
        return {"toolResponse": {**response, **call_id}}
    outcome = extras.get("outcome") or (_OK if block.get("status") == "success" else "OUTCOME_FAILED")
    output = block.get("output", "")
    # The service leaves an empty output away; one that it did send is restored by the patch.
    return {"codeExecutionResult": {"outcome": outcome, **({"output": output} if output else {}), **call_id}}


def _part_from_data(block: Json) -> Json | None:
    mime_type = {"mimeType": block["mime_type"]} if "mime_type" in block else {}
    if "base64" in block:
        return {"inlineData": {**mime_type, "data": block["base64"]}}
    uri = block.get("url", block.get("file_id"))
    return None if uri is None else {"fileData": {**mime_type, "fileUri": uri}}


def _part_from_call(block: Json) -> Json:
    call_id = _wire_id(block.get("id"))
    return {"functionCall": {"name": block.get("name", ""), "args": block.get("args") or {}, **call_id}}


def _part_from_value(block: Json) -> Json | None:
    value = block.get("value")
    return value if isinstance(value, dict) else None


def _wire_id(call_id: object) -> Json:
    is_from_wire = isinstance(call_id, str) and call_id and not call_id.startswith(_MADE_HERE)
    return {"id": call_id} if is_from_wire else {}


_TO_PART: Final[Mapping[str, Callable[[Json], Json | None]]] = {
    "text": lambda block: {"text": block.get("text", "")},
    "reasoning": lambda block: {"text": block.get("reasoning", ""), "thought": True},
    "server_tool_call": _part_from_server_call,
    "server_tool_result": _part_from_server_result,
    "tool_call": _part_from_call,
    **dict.fromkeys(("image", "audio", "video", "file"), _part_from_data),
    "non_standard": _part_from_value,
}
