"""Contents of steps as parts and back, and what a part says of its step beside what generateContent knows."""

from __future__ import annotations

from typing import Any, Final

__all__ = [
    "GROUPED",
    "MARK",
    "changed",
    "content_of",
    "difference_between",
    "is_grouped",
    "media_part",
    "renamed",
    "text_key",
]

Json = dict[str, Any]

MARK: Final = "interactionStep"
"""The field of a part that holds what generateContent has no field for."""

_RESOLUTION: Final = "MEDIA_RESOLUTION_"
_MEDIA: Final = frozenset({"image", "audio", "video", "document"})
GROUPED: Final = {"thought": "summary", "model_output": "content", "user_input": "content"}
"""Steps that consist of contents, and the key of those."""


def is_grouped(step: Json) -> bool:
    """Whether a step consists of contents, each with parts of its own."""
    return str(step.get("type")) in GROUPED


def text_key(step: Json) -> str:
    """The key under which such a step keeps its contents."""
    return GROUPED[step["type"]]


def media_part(content: Json) -> Json | None:
    """The part of an image, a sound, a video or a document; `None` for anything else."""
    data, uri = content.get("data"), content.get("uri")
    if str(content.get("type")) not in _MEDIA or isinstance(data, str) == isinstance(uri, str):
        return None
    mime_type = renamed(content, mimeType="mime_type")
    part: Json = (
        {"inlineData": {**mime_type, "data": data}}
        if isinstance(data, str)
        else {"fileData": {**mime_type, "fileUri": uri}}
    )
    resolution, processing = content.get("resolution"), content.get("processing")
    if isinstance(resolution, str):
        part["mediaResolution"] = {"level": f"{_RESOLUTION}{resolution.upper()}"}
    if content["type"] == "video" and isinstance(processing, dict) and processing.get("type") == "static":
        part["videoMetadata"] = renamed(
            processing, startOffset="start_offset", endOffset="end_offset", fps="fps"
        )
    return part


def content_of(part: Json) -> Json | None:
    """The content that a part is; `None` for a call, a result and whatever else is none."""
    if isinstance(part.get("text"), str):
        return {"type": "text", "text": part["text"]}
    for key, source in (("inlineData", "data"), ("fileData", "fileUri")):
        payload = part.get(key)
        if not isinstance(payload, dict):
            continue
        family = str(payload.get("mimeType")).partition("/")[0]
        kind = family if family in _MEDIA else "document"
        content = {
            "type": kind,
            **renamed(payload, mime_type="mimeType"),
            **renamed(payload, **{"data" if key == "inlineData" else "uri": source}),
        }
        level = (part.get("mediaResolution") or {}).get("level")
        if isinstance(level, str):
            content["resolution"] = level.removeprefix(_RESOLUTION).lower()
        metadata = part.get("videoMetadata")
        if kind == "video" and isinstance(metadata, dict):
            clip = renamed(metadata, start_offset="startOffset", end_offset="endOffset", fps="fps")
            content["processing"] = {"type": "static", **clip}
        return content
    return None


def difference_between(base: Json, target: Json) -> Json:
    """What makes one object of another: values to set and keys to drop, both as far as there are any."""
    values = {key: value for key, value in target.items() if key not in base or base[key] != value}
    dropped = [key for key in base if key not in target]
    return {**({"set": values} if values else {}), **({"drop": dropped} if dropped else {})}


def changed(base: Json, difference: Json) -> Json:
    """An object with a difference applied to a copy of it."""
    dropped = difference.get("drop", ())
    kept = {key: value for key, value in base.items() if key not in dropped}
    return {**kept, **difference.get("set", {})}


def renamed(source: Json, **keys: str) -> Json:
    """Some fields of an object under other names, those that are there."""
    return {name: source[key] for name, key in keys.items() if key in source}
